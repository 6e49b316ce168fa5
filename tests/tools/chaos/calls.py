"""One call: its choice, its parameters, and the note of its caller."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from darabonba.exceptions import UnretryableException

from safe_ecs import ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs.testing._samples import SAMPLES
from tests.support.sdk import models
from tests.support.transports import ASYNC_TRANSPORTS, FORMS, WAYS_TO_SEND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safe_ecs.testing._samples import Target
    from tests.tools.chaos.world import Sight

Outcome: TypeAlias = Literal[
    "returned",
    "refused by ECS",
    "denied",
    "unavailable",
    "cut off",
    "cancelled",
    "broken",
    "never ended",
]

# The parameters that may hold the mark of a call. ECS leaves them as they are, and the guard reads the last one only.
_MARKED: Final = ("client_token", "description", "owner_account")

_MISTAKES: Final = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, TypeError)

ACTIONS: Final = tuple(SAMPLES)
THREAD_WAYS: Final = (*FORMS, *WAYS_TO_SEND)
TASK_WAYS: Final = (*(form for form in FORMS if form.startswith("async")), *ASYNC_TRANSPORTS)


@dataclass(frozen=True, slots=True)
class Planned:
    """A call to be made.

    Attributes:
        mark: A text that no other call has.
        action: The operation.
        way: One of the forms of its method, or a transport.
        request: The request model.
    """

    mark: str
    action: str
    way: str
    request: Any

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters as they are to be on the wire."""
        return dict(_flat(self.request.to_map()))


@dataclass(frozen=True, slots=True)
class Note:
    """The note of a caller after its call.

    Attributes:
        mark: The mark of the call.
        action: The operation.
        way: The form or the transport.
        client: The name of the client.
        parameters: The parameters to be sent.
        outcome: The end of the call.
        seconds: The duration of the call.
    """

    mark: str
    action: str
    way: str
    client: str
    parameters: Mapping[str, str]
    outcome: Outcome
    seconds: float


def plan(dice: Random, mark: str, ways: tuple[str, ...], sight: Sight) -> Planned:
    """Choose a call.

    Args:
        dice: Chooses operation and way first, independently of the existing groups.
        mark: The mark of the call.
        ways: The ways of the caller.
        sight: The groups and templates to choose from.
    """
    action, way = dice.choice(ACTIONS), dice.choice(ways)
    is_managed, takes_template, takes_several = (dice.random() < share for share in (0.45, 0.35, 0.4))
    # The number of groups changes the number of throws for a group. A generator of its own keeps other choices the same.
    of_groups = Random(dice.random())  # noqa: S311 - it is to be repeatable
    target: Target = of_groups.choice(sight.managed if is_managed else sight.ordinary)
    request: Any = SAMPLES[action](target)
    if action == "RunInstances" and takes_template and sight.templates:
        request = _from_template(of_groups, sight)
    elif takes_several:
        _take_more(request, of_groups.choice(sight.ordinary).security_group_id)
    setattr(request, next(name for name in _MARKED if hasattr(request, name)), mark)
    return Planned(mark, action, way, request)


def _from_template(dice: Random, sight: Sight) -> Any:
    template = dice.choice(sight.templates)
    version = dice.choice((None, 1))
    named = dice.choice((
        {"launch_template_id": template.template_id},
        {"launch_template_name": template.name},
    ))
    return models.RunInstancesRequest(
        region_id="cn-hangzhou", amount=1, launch_template_version=version, **named
    )


def _take_more(request: Any, group: str) -> None:
    """Let a call that may name several groups name another."""
    for holder in (request, *(getattr(request, "network_interface", None) or ())):
        for name in ("security_group_ids", "security_group_id"):
            if isinstance(groups := getattr(holder, name, None), list):
                groups.insert(0, group)


def outcome_of(error: BaseException) -> Outcome:
    """Return the outcome of a call that raised."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    if isinstance(error, ManagedSecurityGroupError):
        return "denied"
    if isinstance(error, StatusUnavailableError):
        return "unavailable"
    if isinstance(error, AlibabaCloudException) and getattr(error, "code", None):
        return "refused by ECS"
    # The SDK wraps errors of the connection and of an answer, its own mistakes, and ours.
    inner = getattr(error, "inner_exception", None)
    is_wrapped = isinstance(error, UnretryableException)
    return "cut off" if is_wrapped and not isinstance(inner, _MISTAKES) else "broken"


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Return parameters as ECS spells them in a query: ``NetworkInterface.1.SecurityGroupIds.2``."""
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = [(str(number), member) for number, member in enumerate(value, 1)]  # type: ignore[assignment]  # pairs either way
    else:
        return [(name, str(value))]
    return [flat for key, member in members for flat in _flat(member, f"{name}.{key}" if name else key)]
