"""The DescribeLaunchTemplateVersions query of one look-up, and the security groups in its answer.

Pure: a generator, like ``describe`` for statuses.

Source: ECS API reference, *DescribeLaunchTemplateVersions* and *RunInstances*. A template that is named
without a version means its default version.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import TEMPLATE_QUERY
from safe_ecs._core.parameters import OWNER_PARAMETERS
from safe_ecs._core.plain import is_plain_id
from safe_ecs._lookup.queries.answers import entries_of, malformed
from safe_ecs._lookup.queries.statuses import Query

if TYPE_CHECKING:
    from collections.abc import Generator

    from safe_ecs._core.request import LaunchTemplate
    from safe_ecs._core.review import TemplateRead

TemplateFound: TypeAlias = "tuple[str, ...] | Failure | None"

_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9._:-]*")
_PLAIN_VERSION: Final = re.compile(r"(?:[1-9][0-9]*)?")


def describe_template(read: TemplateRead) -> Generator[Query, object, TemplateFound]:
    """Yield the query, and return the groups that the template names; None if there is no such version."""
    template = read.template
    named = {"LaunchTemplateId": template.template_id, "LaunchTemplateName": template.name}
    version = (
        {"LaunchTemplateVersion.1": template.version} if template.version else {"DefaultVersion": "true"}
    )
    body = yield Query(
        TEMPLATE_QUERY,
        {
            "RegionId": read.region_id,
            **{name: value for name, value in named.items() if value},
            **version,
            **{OWNER_PARAMETERS[name]: value for name, value in read.owner},
        },
    )
    if isinstance(body, Failure):
        return body
    entries = entries_of(body, "LaunchTemplateVersionSets", "LaunchTemplateVersionSet")
    if entries is None:
        return malformed(
            TEMPLATE_QUERY, "it holds no list LaunchTemplateVersionSets.LaunchTemplateVersionSet"
        )
    return _groups_named(template, entries) if entries else _not_found(template)


def _groups_named(template: LaunchTemplate, entries: list[object]) -> tuple[str, ...] | Failure:
    groups: dict[str, None] | None = None
    for entry in entries:
        if not isinstance(entry, dict):
            return malformed(TEMPLATE_QUERY, "one of its versions is no object")
        number, is_default = entry.get("VersionNumber"), entry.get("DefaultVersion")
        is_named = type(number) in {int, str} and str(number) == template.version
        # Skip further versions that a server may send along.
        if not (is_named if template.version else is_default is True):
            continue
        data = entry.get("LaunchTemplateData")
        named_groups = _groups(data) if isinstance(data, dict) else None
        if named_groups is None:
            return malformed(TEMPLATE_QUERY, "the groups of a version cannot be read")
        groups = groups or {}
        groups.update(named_groups)
    if groups is None:
        return malformed(TEMPLATE_QUERY, "it lacks the version that was asked for")
    return tuple(groups)


def _not_found(template: LaunchTemplate) -> Failure | None:
    """Return None if there is surely no such version.

    A server may read an odd spelling otherwise where it makes instances: for some servers, version 01 is 1.
    """
    if (
        (not template.template_id or is_plain_id(template.template_id))
        and _PLAIN_NAME.fullmatch(template.name)
        and _PLAIN_VERSION.fullmatch(template.version)
    ):
        return None
    return Failure(
        reason="ECS finds none that is spelt so, but may read it otherwise where it makes instances",
        next_step="Check the id, the name and the version: that is a number, such as 1.",
    )


def _groups(data: dict[str, object]) -> dict[str, None] | None:
    """Return the groups that a version names, for the instance or its interfaces; None if it is malformed."""
    groups: dict[str, None] = {}
    holders: list[object] = [data]
    if data.get("NetworkInterfaces") is not None:
        interfaces = entries_of(data, "NetworkInterfaces", "NetworkInterface")
        if interfaces is None:
            return None
        holders += interfaces
    for holder in holders:
        if not isinstance(holder, dict):
            return None
        ids: list[object] = [holder.get("SecurityGroupId") or ""]
        if holder.get("SecurityGroupIds") is not None:
            several = entries_of(holder, "SecurityGroupIds", "SecurityGroupId")
            if several is None:
                return None
            ids += several
        for security_group_id in ids:
            if not isinstance(security_group_id, str):
                return None
            if security_group_id:
                groups.setdefault(security_group_id.strip())
    return groups
