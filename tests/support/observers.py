"""Observers for tests, and a way to reach each outcome."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import Client, GuardPolicy, StatusCache
from safe_ecs.observe import Observer
from safe_ecs.testing import CannedAnswer
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from safe_ecs._core.decision import Outcome
    from safe_ecs.observe import DecisionRecord, LookUp
    from safe_ecs.testing import FakeEcs


class RecordingObserver(Observer):
    """Keeps every record that it gets."""

    def __init__(self) -> None:
        self.decisions: list[DecisionRecord] = []
        self.checks: list[DecisionRecord] = []
        self.look_ups: list[LookUp] = []

    def decided(self, record: DecisionRecord) -> None:
        self.decisions.append(record)

    def checked(self, record: DecisionRecord) -> None:
        self.checks.append(record)

    def looked_up(self, look_up: LookUp) -> None:
        self.look_ups.append(look_up)


def _decide(
    ecs: FakeEcs,
    observers: Sequence[Observer],
    *,
    service_managed: bool,
    policy: GuardPolicy | None = None,
    bypass_reason: str = "",
    form: str,
) -> None:
    group = ecs.create_security_group(service_managed=service_managed, service_id=7)
    client = Client(ecs.config(), policy=policy, cache=StatusCache(), observers=observers)
    request = models.DeleteSecurityGroupRequest(security_group_id=group)
    with (
        client.guard.bypass(reason=bypass_reason) if bypass_reason else nullcontext(),
        suppress(ClientException),
    ):
        call(client, "DeleteSecurityGroup", request, form)


def _unavailable(ecs: FakeEcs, observers: Sequence[Observer], form: str) -> None:
    body = b'{"Code": "Forbidden.RAM", "Message": "a secret text", "RequestId": "R"}'
    ecs.answer_with("DescribeSecurityGroups", CannedAnswer(status=403, body=body))
    _decide(ecs, observers, service_managed=False, form=form)


def _not_guarded(ecs: FakeEcs, observers: Sequence[Observer], form: str) -> None:
    guard = Client(ecs.config(), observers=observers).guard
    if form == "async":
        asyncio.run(guard.check_async("DescribeInstances"))
    else:
        guard.check("DescribeInstances")


REACH: dict[Outcome, Callable[[FakeEcs, Sequence[Observer], str], None]] = {
    "allowed": lambda e, o, f: _decide(e, o, service_managed=False, form=f),
    "denied": lambda e, o, f: _decide(e, o, service_managed=True, form=f),
    "would_deny": lambda e, o, f: _decide(
        e, o, service_managed=True, policy=GuardPolicy(mode="audit"), form=f
    ),
    "bypassed": lambda e, o, f: _decide(e, o, service_managed=True, bypass_reason="ticket 7", form=f),
    "unavailable": _unavailable,
    "not_guarded": _not_guarded,
}
"""One function for each outcome: it reaches the outcome once, with a client that has the given observers.

Each function but the last makes a call. The guard reports no call of an operation outside its table, so the outcome
"not_guarded" comes from ``check`` alone.
"""
