"""TagResources, UntagResources, ListTagResources, and the tags that other operations read and show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import invalid, missing_parameter, not_found
from safe_ecs.testing._operations.paging import page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safe_ecs.testing._operations.calls import Answer, Call
    from safe_ecs.testing._parameters import Parameters
    from safe_ecs.testing._state import LaunchTemplate, Member, SecurityGroup

_FIELDS: Final = {"key": "Key", "value": "Value"}
_MOST_TAGS: Final = 20
_MOST_RESOURCES: Final = 50
_MOST_CHARACTERS: Final = 128
_RESERVED: Final = ("aliyun", "acs:", "http://", "https://")


@dataclass(frozen=True, slots=True)
class _TagResource:
    """One entry in the answer of ListTagResources."""

    serial: int
    resource_id: str
    key: str
    value: str


def read_tags(parameters: Parameters) -> dict[str, str]:
    """Return the tags in a call.

    Raises:
        EcsError: A key is missing or repeated, a key or a value is not allowed, or the call has more than 20 tags.
    """
    found = parameters.structures("Tag", _FIELDS)
    if len(found) > _MOST_TAGS:
        raise invalid("NumberExceed.Tags", "The maximum number of Tags is exceeded. The maximum is 20.")
    tags: dict[str, str] = {}
    for tag in found:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if not key:
            raise invalid("MissingParameter.TagKey", "You must specify Tag.N.Key.")
        if key in tags:
            raise invalid("Duplicate.TagKey", "The Tag.N.Key contain duplicate key.")
        if len(key) > _MOST_CHARACTERS or key.lower().startswith(_RESERVED):
            raise invalid("InvalidTagKey.Malformed", "The specified Tag.n.Key is not valid.")
        if len(value) > _MOST_CHARACTERS or value.lower().startswith(_RESERVED[1:]):
            raise invalid("InvalidTagValue.Malformed", "The specified Tag.n.Value is not valid.")
        tags[key] = value
    return tags


def has_tags(tags: Mapping[str, str], parameters: Parameters) -> bool:
    """Return whether tags match the filter of a call: each key, and its value if the filter has one."""
    wanted = parameters.structures("Tag", _FIELDS)
    return all(
        tag.get("Key", "") in tags and tag.get("Value", "") in ("", tags[tag.get("Key", "")])
        for tag in wanted
    )


def show_tags(tags: Mapping[str, str]) -> Answer:
    """Return tags as the Describe operations show them."""
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}


def tag_resources(call: Call) -> Answer:
    """Perform TagResources.

    Raises:
        EcsError: ECS would refuse the call.
    """
    resources, tags = _resources(call, is_required=True), read_tags(call.parameters)
    if not tags:
        raise invalid("MissingParameter.TagKey", "You must specify Tag.N.Key.")
    for resource in resources.values():
        if len(resource.tags.keys() | tags.keys()) > _MOST_TAGS:
            raise invalid(
                "QuotaExceed.TagsPerResource", "The maximum number of tags for each resource is 20."
            )
    for resource in resources.values():
        resource.tags.update(tags)
    return {}


def untag_resources(call: Call) -> Answer:
    """Perform UntagResources.

    Raises:
        EcsError: ECS would refuse the call.
    """
    keys, everything = call.parameters.values("TagKey"), call.parameters.flag("All")
    if not keys and not everything:
        raise invalid("MissingParameter.TagKey", "You must specify TagKey.")
    for resource in _resources(call, is_required=True).values():
        for key in keys or list(resource.tags):
            resource.tags.pop(key, None)
    return {}


def list_tag_resources(call: Call) -> Answer:
    """Perform ListTagResources.

    Raises:
        EcsError: ECS would refuse the call.
    """
    resource_type = call.parameters.require("ResourceType")
    named = _resources(call, is_required=not call.parameters.structures("Tag", _FIELDS))
    listed = [
        _TagResource(serial, resource_id, key, value)
        for serial, (resource_id, key, value) in enumerate(
            (
                (resource_id, key, value)
                for resource_id, resource in named.items()
                if has_tags(resource.tags, call.parameters)
                for key, value in resource.tags.items()
            ),
            1,
        )
    ]
    shown, paging = page(call.parameters, listed, most=1000)
    return {
        "NextToken": paging.get("NextToken", ""),
        "TagResources": {
            "TagResource": [
                {
                    "ResourceId": each.resource_id,
                    "ResourceType": resource_type,
                    "TagKey": each.key,
                    "TagValue": each.value,
                }
                for each in shown
            ]
        },
    }


def _resources(call: Call, *, is_required: bool) -> dict[str, SecurityGroup | Member | LaunchTemplate]:
    """Return the resources in a call; all of the type if the call names none and is not required to."""
    kept: dict[str, Mapping[str, SecurityGroup | Member | LaunchTemplate]] = {
        "securitygroup": call.state.groups,
        "instance": call.state.instances,
        "eni": call.state.interfaces,
        "launchtemplate": call.state.templates,
    }
    region_id, resource_type = call.region_id, call.parameters.require("ResourceType").lower()
    if resource_type not in kept:
        raise not_found(
            "InvalidResourceType.NotFound",
            f"The ResourceType provided does not exist in our records. FakeEcs knows {', '.join(kept)}.",
        )
    there = {i: each for i, each in kept[resource_type].items() if each.region_id == region_id}
    ids = call.parameters.values("ResourceId")
    if not ids and is_required:
        raise missing_parameter("ResourceId")
    if len(ids) > _MOST_RESOURCES:
        raise invalid("NumberExceed.ResourceIds", "The maximum number of ResourceIds is exceeded.")
    if not all(i in there for i in ids):
        raise not_found(
            "InvalidResourceId.NotFound", "The specified ResourceIds are not found in our records."
        )
    return {i: there[i] for i in ids} if ids else there
