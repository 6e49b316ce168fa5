"""Reads the answers to DescribeSecurityGroups strictly: the guard never guesses a status.

A missing flag, the string "false", a null list or a body that is no object means "cannot be determined". Only
a group that a complete, well-formed answer does not contain is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY
from safe_ecs._core.plain import is_plain_id
from safe_ecs._core.spelling import normal_id

if TYPE_CHECKING:
    from collections.abc import Iterator

ABOUT_ONE_ID: Final = "InvalidSecurityGroupId"
"""The beginning of every code of ECS that is about an id of a query."""

_MAX_DIGITS: Final = 19  # of a 64-bit integer
_MALFORMED_NEXT_STEP: Final = (
    "The endpoint, or a proxy in front of it, does not answer as ECS does: check both, and try again."
)


@dataclass(slots=True)
class Pages:
    """The pages of one answer, put together.

    Attributes:
        region_id: The region that was asked.
        groups: The status of each group, or the failure to read it, by id.
        failure: The defect of the answer as a whole; None if there is none.
        last_page: The ids of the latest page.
    """

    region_id: str
    groups: dict[str, GroupStatus | Failure] = field(default_factory=dict)
    failure: Failure | None = None
    last_page: tuple[str, ...] = ()
    _entries: int = 0
    _total: int = 0

    def take(self, body: object) -> str:
        """Add a page and return the token of the next page; "" after the last page or a malformed one."""
        self.last_page = ()
        entries = entries_of(body, "SecurityGroups", "SecurityGroup")
        if not isinstance(body, dict) or entries is None:
            self.failure = malformed(STATUS_QUERY, "it holds no list SecurityGroups.SecurityGroup")
            return ""
        self.last_page = tuple(self._take_groups(entries))
        self._entries += len(entries)
        total, token = body.get("TotalCount"), body.get("NextToken")
        if not (token is None or isinstance(token, str)) or not (total is None or type(total) is int):
            self.failure = malformed(STATUS_QUERY, "its NextToken or TotalCount is of another type")
            return ""
        named = body.get("RegionId")
        if not (named is None or named == "" or (isinstance(named, str) and named.lower() == self.region_id)):
            # The pages before may be of another region as well: keep none of their groups.
            self.failure = malformed(STATUS_QUERY, "it is about another region")
            self.groups.clear()
            self.last_page = ()
            return ""
        # ECS leaves out TotalCount beside MaxResults. A server that gives it must deliver as many groups.
        self._total = max(self._total, total or 0)
        return token or ""

    def _take_groups(self, entries: list[object]) -> Iterator[str]:
        for entry in entries:
            security_group_id = entry.get("SecurityGroupId") if isinstance(entry, dict) else None
            if not isinstance(entry, dict) or not isinstance(security_group_id, str):
                self.failure = malformed(STATUS_QUERY, "one of its groups has no SecurityGroupId")
                continue
            security_group_id = normal_id(security_group_id)
            status = _status(security_group_id, entry, self.region_id)
            # A group that occurs twice, also on two pages, must have the same status each time.
            if self.groups.setdefault(security_group_id, status) != status:
                self.groups[security_group_id] = malformed(STATUS_QUERY, "it contradicts itself")
            yield security_group_id

    def status_of(self, security_group_id: str) -> GroupStatus | Failure:
        """Return the status, by the whole answer, of a group that was asked for, or a failure."""
        normal = normal_id(security_group_id)
        if status := self.groups.get(normal):
            return status
        if self.failure is None and self._total > self._entries:
            self.failure = malformed(
                STATUS_QUERY, f"it announces {self._total} groups and holds {self._entries}"
            )
        if self.failure is not None:
            return self.failure
        if not is_plain_id(normal):
            # Absence proves nothing here: ECS may read an odd id otherwise in the call that changes a group.
            return Failure(
                reason="it holds characters that are in no id of a security group",
                next_step="Check the security group id.",
            )
        # Every other doubt is ruled out above: the group is missing.
        return GroupStatus(
            security_group_id=normal,
            exists=False,
            service_managed=False,
            service_id=None,
            region_id=self.region_id,
        )


def _status(security_group_id: str, entry: dict[str, object], region_id: str) -> GroupStatus | Failure:
    flag = entry.get("ServiceManaged")
    # Only true and false count. The SDK converts nothing, and the string "false" would be truthy.
    if not isinstance(flag, bool):
        found = "missing" if flag is None else f"of the type {type(flag).__name__}"
        return malformed(STATUS_QUERY, f"ServiceManaged is {found} instead of true or false")
    return GroupStatus(
        security_group_id=security_group_id,
        exists=True,
        service_managed=flag,
        service_id=service_id(entry.get("ServiceID")),
        region_id=region_id,
    )


def service_id(value: object) -> int | None:
    """Return a ServiceID as int; None if absent or malformed. A policy never allows an unknown owner."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
        return int(value)
    return None


def entries_of(body: object, container: str, name: str) -> list[object] | None:
    """Return the list that a body holds under two names, as ECS wraps lists; None if there is none."""
    wrapped = body.get(container) if isinstance(body, dict) else None
    entries = wrapped.get(name) if isinstance(wrapped, dict) else None
    return entries if isinstance(entries, list) else None


def malformed(action: str, detail: str) -> Failure:
    """Return the failure for an answer that the guard cannot use."""
    return Failure(reason=f"the answer to {action} cannot be used: {detail}", next_step=_MALFORMED_NEXT_STEP)
