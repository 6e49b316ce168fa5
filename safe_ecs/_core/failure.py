"""Why ECS gave no answer, and for whom that holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from safe_ecs._core.decision import Undetermined

Scope: TypeAlias = Literal["group", "principal", "endpoint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A look-up that brought no answer. A value, not an exception: it is shared by all who waited for it.

    Attributes:
        reason: As in ``Undetermined``.
        next_step: As in ``Undetermined``.
        code: As in ``Undetermined``.
        cause: As in ``Undetermined``.
        scope: For whom it holds: this ``"group"`` alone, whatever the ``"principal"`` asks (wrong keys,
            throttling), or everybody at the ``"endpoint"`` (an outage).
        is_outage: Whether ECS could not be asked, which passes, as against an answer that says no.
        timeout_seconds: The ``lookup_timeout`` in seconds that it took too long for; infinity if time was not the matter.
            It says nothing to those who would wait longer.
    """

    reason: str
    next_step: str
    code: str | None = None
    cause: BaseException | None = None
    scope: Scope = "group"
    is_outage: bool = False
    timeout_seconds: float = math.inf

    def of(self, security_group_id: str) -> Undetermined:
        """Return what this failure means for one group, or with "" for the targets of a call."""
        return Undetermined(
            security_group_id=security_group_id,
            reason=self.reason,
            next_step=self.next_step,
            code=self.code,
            cause=self.cause,
        )
