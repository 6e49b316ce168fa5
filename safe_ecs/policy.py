"""What the guard does, and for how long it trusts what it knows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_SECONDS: Final = 30 * 24 * 3600.0
"""Longer waits than some weeks overflow in the operating system's clocks, and a status that old is none."""

Mode: TypeAlias = Literal["enforce", "audit", "off"]
OnUnavailable: TypeAlias = Literal["deny", "allow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardPolicy:
    """The rules of one client. Frozen; make variants with ``dataclasses.replace``.

    Durations are seconds as int or float, or a ``timedelta``, of 30 days at most; they are kept as float seconds.

    Attributes:
        mode: ``"enforce"`` refuses; ``"audit"`` lets everything through and says what it *would have
            denied*; ``"off"`` looks nothing up.
        on_unavailable: What becomes of a call when a status cannot be determined: ``"deny"`` or
            ``"allow"``.
        allowed_service_ids: Groups managed by these services may be changed: the caller acts for
            them. Integers, as ECS gives them in ``ServiceID``.
        ttl: How long a found status is trusted.
        missing_ttl: How long a group that was not found is taken to be missing.
        failure_ttl: How long a failed look-up is not repeated.
        stale_ttl: How long after ``ttl`` a found status still serves while ECS cannot be asked; 0 for not at all.
        lookup_timeout: The most that a call waits for look-ups in all: tries, waits and pages included.
        lookup_attempts: The most tries for one Describe call.
        resolve_launch_templates: Whether RunInstances that takes its groups from a launch template is checked.

    Raises:
        TypeError: A field has the wrong type. Names the field.
        ValueError: A field has an impossible value. Names the field.
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
        """Check every field once, so that nothing later has to."""
        _one_of("mode", self.mode, get_args(Mode))
        _one_of("on_unavailable", self.on_unavailable, get_args(OnUnavailable))
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
