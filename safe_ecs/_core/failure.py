"""Failure: a look-up without an answer, with its cause and its scope."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from safe_ecs._core.decision import Undetermined

Scope: TypeAlias = Literal["caller", "group", "principal", "endpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A look-up without an answer. A value and not an exception, because all callers of a batch share it.

    Attributes:
        reason: As in ``Undetermined``.
        next_step: As in ``Undetermined``.
        code: As in ``Undetermined``.
        cause: As in ``Undetermined``.
        scope: The look-ups that fail likewise: none but this ``"caller"``'s (an exception of its program), those of this
            ``"group"``, all of the ``"principal"`` (wrong keys, throttling), or all at the ``"endpoint"`` (an outage).
        is_outage: Whether ECS could not be asked, a passing state; False for a refusal.
        timeout_seconds: The ``lookup_timeout`` that expired; ``math.inf`` if this was no time-out. The
            failure does not count for a caller with a longer ``lookup_timeout``.
        is_patient: Whether the look-up had the whole ``lookup_timeout``: in an outage it has less.
    """

    reason: str
    next_step: str
    code: str | None = None
    cause: BaseException | None = None
    scope: Scope = "group"
    is_outage: bool = False
    timeout_seconds: float = math.inf
    is_patient: bool = True

    def of(self, security_group_id: str) -> Undetermined:
        """Return this failure as the unknown status of one group or, with "", of a call's targets."""
        return Undetermined(
            security_group_id=security_group_id,
            reason=self.reason,
            next_step=self.next_step,
            code=self.code,
            cause=self.cause,
        )
