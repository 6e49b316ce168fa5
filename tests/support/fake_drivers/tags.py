"""Drivers of the operations on tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.fake_drivers.reading import groups, tags
from tests.support.fake_world import REGION, send

if TYPE_CHECKING:
    from tests.support.fake_world import World


def tag_resources(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "ResourceType": "securitygroup"}
    two = [{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "test"}]
    send(client, "TagResources", **both, ResourceId=[world.group, world.managed], Tag=two)
    assert tags(client, world.group) == tags(client, world.managed) == {"team": "a", "stage": "test"}
    found = groups(client, Tag=[{"Key": "team", "Value": "a"}, {"Key": "stage"}])
    assert [each.security_group_id for each in found] == [world.group, world.managed]


def untag_resources(client: Any, world: World) -> None:
    tag_resources(client, world)
    both = {"RegionId": REGION, "ResourceType": "securitygroup"}
    send(client, "UntagResources", **both, ResourceId=[world.group], TagKey=["team"])
    send(client, "UntagResources", **both, ResourceId=[world.managed], All=True)
    assert (tags(client, world.group), tags(client, world.managed)) == ({"stage": "test"}, {})


def list_tag_resources(client: Any, world: World) -> None:
    tag_resources(client, world)
    both = {"RegionId": REGION, "ResourceType": "securitygroup"}
    for filters in ({"ResourceId": [world.group, world.managed]}, {"Tag": [{"Key": "team"}]}):
        body = send(client, "ListTagResources", **both, **filters)
        lines = body.tag_resources.tag_resource
        assert [(line.resource_id, line.tag_key, line.tag_value) for line in lines] == [
            (group, key, value)
            for group in (world.group, world.managed)
            for key, value in (("team", "a"), ("stage", "test"))
        ]
        assert (body.next_token, lines[0].resource_type) == ("", "securitygroup")
