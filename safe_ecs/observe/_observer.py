"""Who is told what the guard did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from safe_ecs.observe._record import DecisionRecord, LookUp


class Observer(Protocol):
    """Is told facts. Derive from it and override what you care for; the rest does nothing.

    It is told in the thread or task whose call it is, before the call goes on, or of a look-up in the one that looks
    up: it should be quick, and must not mind being told by several at once. What it raises is logged, once, and stops
    no call. It may use the client itself; of what it does, it is not told.
    """

    def decided(self, record: DecisionRecord, /) -> None:  # noqa: ARG002 - for those who override it
        """Hear that a guarded call was let through or stopped."""
        return

    def checked(self, record: DecisionRecord, /) -> None:  # noqa: ARG002 - for those who override it
        """Hear what ``client.guard.check`` answered. There was no call."""
        return

    def looked_up(self, look_up: LookUp, /) -> None:  # noqa: ARG002 - for those who override it
        """Hear that ECS was asked on behalf of this client, also where other clients wait for the answer too."""
        return
