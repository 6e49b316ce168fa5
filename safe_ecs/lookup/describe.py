"""The Describe calls of one look-up: what to ask, how to page, and how to read the answers.

Pure: a generator that yields the parameters of one DescribeSecurityGroups call after the other and is sent
the body of each answer, or a ``Failure``. Its reading is strict, since a guard that guesses is none: a
missing flag, the string "false", a null list or a body that is no object means "cannot be determined". Only
a group that a complete, well-formed answer does not contain is missing.

Source: ECS API reference, *DescribeSecurityGroups*. ``SecurityGroupIds`` is a JSON array of at most 100 ids
in a string; ``MaxResults`` is 10 unless given, and at most 100; ids that do not exist are silently absent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from safe_ecs.core.decision import GroupStatus, Undetermined
from safe_ecs.core.request import OWNER_PARAMETERS, normal_id

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from safe_ecs.core.review import Answers, Read

ACTION: Final = "DescribeSecurityGroups"
PAGE_SIZE: Final = 100

_MAX_DIGITS: Final = 19  # of a 64-bit integer

_MALFORMED_NEXT_STEP: Final = (
    "The endpoint, or a proxy in front of it, does not answer as ECS does: check both, and try again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why ECS gave no answer; the fields are those of ``Undetermined``."""

    reason: str
    next_step: str
    code: str | None = None
    cause: BaseException | None = None

    def of(self, security_group_id: str) -> Undetermined:
        """Return what this failure means for one group."""
        return Undetermined(
            security_group_id=security_group_id,
            reason=self.reason,
            next_step=self.next_step,
            code=self.code,
            cause=self.cause,
        )


Describe: TypeAlias = "Generator[dict[str, str], object, Answers]"


def describe(read: Read) -> Describe:
    """Yield the queries that a read needs and return a status, or its lack, for every group of it."""
    answers: Answers = {}
    wanted = read.security_group_ids
    for start in range(0, len(wanted), PAGE_SIZE):
        answers |= yield from _describe_chunk(read, wanted[start : start + PAGE_SIZE])
    return answers


def _describe_chunk(read: Read, wanted: Sequence[str]) -> Describe:
    query = {
        "RegionId": read.region_id,
        "SecurityGroupIds": json.dumps(wanted),
        "MaxResults": str(PAGE_SIZE),
        **{OWNER_PARAMETERS[name]: value for name, value in read.owner},
    }
    answer = _Answer()
    # An honest ECS needs one page for each 100 groups; one that never stops paging must not stop us.
    for _ in range(len(wanted) + 1):
        body = yield query
        if isinstance(body, Failure):
            answer.failure = body
            break
        token = answer.take_page(body, read.region_id)
        if not token or answer.failure:
            break
        query = {**query, "NextToken": token}
    else:
        answer.failure = _malformed("it goes on paging without an end")
    return {i: answer.status_of(i, read.region_id) for i in wanted}


@dataclass(slots=True)
class _Answer:
    """The pages of one answer, put together."""

    groups: Answers = field(default_factory=dict)
    entries: int = 0
    total: int = 0
    failure: Failure | None = None

    def take_page(self, body: object, region_id: str) -> str:
        """Add a page and return the token of the next one, "" if this was the last."""
        container = body.get("SecurityGroups") if isinstance(body, dict) else None
        entries = container.get("SecurityGroup") if isinstance(container, dict) else None
        if not isinstance(body, dict) or not isinstance(entries, list):
            self.failure = _malformed("it holds no list SecurityGroups.SecurityGroup")
            return ""
        for entry in entries:
            self._take_group(entry, region_id)
        self.entries += len(entries)
        total, token = body.get("TotalCount"), body.get("NextToken")
        if not (token is None or isinstance(token, str)) or not (total is None or type(total) is int):
            self.failure = _malformed("its NextToken or TotalCount is of another type")
            return ""
        if str(body.get("RegionId") or region_id).lower() != region_id:
            self.failure = _malformed("it is about another region")
            return ""
        self.total = max(self.total, total or 0)
        return token or ""

    def _take_group(self, entry: object, region_id: str) -> None:
        security_group_id = entry.get("SecurityGroupId") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(security_group_id, str):
            self.failure = _malformed("one of its groups has no SecurityGroupId")
            return
        security_group_id = normal_id(security_group_id)
        flag = entry.get("ServiceManaged")
        status: GroupStatus | Undetermined
        if not isinstance(flag, bool):
            status = _malformed(f"ServiceManaged is {_type_of(flag)} instead of true or false").of(
                security_group_id
            )
        else:
            status = GroupStatus(
                security_group_id=security_group_id,
                exists=True,
                service_managed=flag,
                service_id=_service_id(entry.get("ServiceID")),
                region_id=region_id,
            )
        if self.groups.setdefault(security_group_id, status) != status:
            self.groups[security_group_id] = _malformed("it contradicts itself").of(security_group_id)

    def status_of(self, security_group_id: str, region_id: str) -> GroupStatus | Undetermined:
        if status := self.groups.get(security_group_id):
            return status
        if self.failure is None and self.total > self.entries:
            self.failure = _malformed(f"it announces {self.total} groups and holds {self.entries}")
        if self.failure is not None:
            return self.failure.of(security_group_id)
        return GroupStatus(
            security_group_id=security_group_id,
            exists=False,
            service_managed=False,
            service_id=None,
            region_id=region_id,
        )


def _malformed(detail: str) -> Failure:
    return Failure(reason=f"the answer to {ACTION} cannot be used: {detail}", next_step=_MALFORMED_NEXT_STEP)


def _type_of(value: object) -> str:
    return "missing" if value is None else f"of the type {type(value).__name__}"


def _service_id(value: object) -> int | None:
    """Return the owner, or None if there is none or it makes no sense: an unknown owner is never allowed."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS:
        return int(value)
    return None
