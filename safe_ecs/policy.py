"""GuardPolicy: the rules of one client, checked once when they are made."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_SECONDS: Final = 30 * 24 * 3600.0
"""The longest duration.

Waits of some weeks overflow in the clocks of operating systems, and a status that old is worthless.
"""

Mode: TypeAlias = Literal["enforce", "audit", "off"]
OnUnavailable: TypeAlias = Literal["deny", "allow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """The rules of one client. Frozen; make variants with ``dataclasses.replace``.

    Durations are seconds as int or float, or a ``timedelta``, of 30 days at most. The policy keeps float
    seconds.

    Attributes:
        mode: ``"enforce"`` refuses; ``"audit"`` lets every call through and records each one that it *would
            have denied*; ``"off"`` looks nothing up.
        on_unavailable: The answer to a call when a status cannot be determined: ``"deny"`` or ``"allow"``.
        allowed_service_ids: The services that the caller acts for: the caller may change their groups.
            Integers, as in ``ServiceID`` of ECS.
        ttl: Seconds that the guard trusts a found status.
        missing_ttl: Seconds that a group counts as missing after ECS did not find it.
        failure_ttl: Seconds before the guard repeats a failed look-up.
        stale_ttl: Seconds after ``ttl`` that a found status still serves while ECS cannot be asked; 0 for
            none.
        lookup_timeout: The most seconds that a call waits for all its look-ups: tries, waits and pages
            included.
        lookup_attempts: The most tries for one Describe call.
        resolve_launch_templates: Whether the guard checks a RunInstances that takes its groups from a launch
            template.

    Raises:
        TypeError: A field has the wrong type. The message names the field.
        ValueError: A field has an impossible value. The message names the field.
    """

    mode: Mode = "enforce"
    on_unavailable: OnUnavailable = "deny"
    allowed_service_ids: frozenset[int] = frozenset()
    ttl: float = 300.0
    missing_ttl: float = 5.0
    failure_ttl: float = 1.0
    stale_ttl: float = 3600.0
    lookup_timeout: float = 10.0
    lookup_attempts: int = 4
    resolve_launch_templates: bool = True

    def __post_init__(self) -> None:
        """Check every field once, so that no later code has to."""
        _one_of("mode", self.mode, get_args(Mode))
        _one_of("on_unavailable", self.on_unavailable, get_args(OnUnavailable))
        # Even here, a frozen dataclass takes no plain assignment.
        object.__setattr__(self, "allowed_service_ids", _service_ids(self.allowed_service_ids))
        for name in ("ttl", "missing_ttl", "failure_ttl", "stale_ttl", "lookup_timeout"):
            object.__setattr__(self, name, _seconds(name, getattr(self, name)))
        if self.lookup_timeout == 0:
            raise ValueError("lookup_timeout must be more than 0 seconds")
        if isinstance(self.lookup_attempts, bool) or not isinstance(self.lookup_attempts, int):
            raise TypeError(f"lookup_attempts must be an int, not {self.lookup_attempts!r}")
        if self.lookup_attempts < 1:
            raise ValueError(f"lookup_attempts must be at least 1, not {self.lookup_attempts}")
        if not isinstance(self.resolve_launch_templates, bool):
            raise TypeError(f"resolve_launch_templates must be a bool, not {self.resolve_launch_templates!r}")


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {value!r}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")


def _seconds(name: str, value: object) -> float:
    if isinstance(value, timedelta):
        value = value.total_seconds()
    # A bool is an int to Python, but ``ttl=True`` is a mistake.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds or a timedelta, not {value!r}")
    try:
        seconds = float(value)
    except OverflowError:
        seconds = math.inf
    if not 0 <= seconds <= _LONGEST_SECONDS:  # nor a NaN
        raise ValueError(f"{name} must be between 0 seconds and 30 days, not {value!r}")
    return seconds


def _service_ids(value: Iterable[int]) -> frozenset[int]:
    if isinstance(value, (str, bytes)):
        raise TypeError(f"allowed_service_ids must be a collection of integers, not the string {value!r}")
    try:
        service_ids = frozenset(value)
    except TypeError:
        raise TypeError(f"allowed_service_ids must be a collection of integers, not {value!r}") from None
    for service_id in service_ids:
        if isinstance(service_id, bool) or not isinstance(service_id, int):
            raise TypeError(f"allowed_service_ids must hold integers only, not {service_id!r}")
    return service_ids
