"""Drivers of the operations on launch templates and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.fake_drivers.reading import versions
from tests.support.fake_world import REGION, send

if TYPE_CHECKING:
    from tests.support.fake_world import World


def create_launch_template(client: Any, world: World) -> None:
    nested = {"InstanceType": "Secondary", "SecurityGroupIds": [world.other]}
    created = send(
        client,
        "CreateLaunchTemplate",
        RegionId=REGION,
        LaunchTemplateName="api",
        SecurityGroupId=world.group,
        NetworkInterface=[nested],
        ImageId="aliyun_3",
        VersionDescription="first",
    )
    [version] = versions(client, created.launch_template_id)
    data = version.launch_template_data
    assert (created.launch_template_version_number, version.version_number) == (1, 1)
    assert (version.default_version, version.version_description) == (True, "first")
    assert (data.security_group_id, data.image_id) == (world.group, "aliyun_3")
    [kept] = data.network_interfaces.network_interface
    assert (kept.instance_type, kept.security_group_ids.security_group_id) == ("Secondary", [world.other])


def create_launch_template_version(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "LaunchTemplateId": world.template}
    created = send(client, "CreateLaunchTemplateVersion", **both, SecurityGroupIds=["sg-none", world.other])
    assert created.launch_template_version_number == 2
    [version] = versions(client, world.template, LaunchTemplateVersion=[2])
    assert version.launch_template_data.security_group_ids.security_group_id == ["sg-none", world.other]
    assert not version.default_version


def describe_launch_templates(client: Any, world: World) -> None:
    create_launch_template(client, world)
    for filters, names in (
        ({}, ["web", "api"]),
        ({"LaunchTemplateId": [world.template]}, ["web"]),
        ({"LaunchTemplateName": ["api"]}, ["api"]),
    ):
        body = send(client, "DescribeLaunchTemplates", RegionId=REGION, **filters)
        found = body.launch_template_sets.launch_template_set
        assert [each.launch_template_name for each in found] == names
        assert {(each.default_version_number, each.latest_version_number) for each in found} == {(1, 1)}


def describe_launch_template_versions(client: Any, world: World) -> None:
    create_launch_template_version(client, world)
    assert [each.version_number for each in versions(client, world.template)] == [1, 2]
    assert [each.version_number for each in versions(client, world.template, MinVersion=2)] == [2]
    assert [each.version_number for each in versions(client, world.template, DefaultVersion=True)] == [1]
    assert versions(client, "lt-none") == []


def modify_launch_template_default_version(client: Any, world: World) -> None:
    create_launch_template_version(client, world)
    both = {"RegionId": REGION, "LaunchTemplateName": "web"}
    send(client, "ModifyLaunchTemplateDefaultVersion", **both, DefaultVersionNumber=2)
    assert [each.version_number for each in versions(client, world.template, DefaultVersion=True)] == [2]


def delete_launch_template(client: Any, world: World) -> None:
    send(client, "DeleteLaunchTemplate", RegionId=REGION, LaunchTemplateId=world.template)
    assert versions(client, world.template) == []


def delete_launch_template_version(client: Any, world: World) -> None:
    create_launch_template_version(client, world)
    both = {"RegionId": REGION, "LaunchTemplateId": world.template}
    deleted = send(client, "DeleteLaunchTemplateVersion", **both, DeleteVersion=["2"])
    [gone] = deleted.launch_template_versions.launch_template_version
    assert (gone.launch_template_id, gone.launch_template_version_number) == (world.template, 2)
    assert send(client, "CreateLaunchTemplateVersion", **both).launch_template_version_number == 3
