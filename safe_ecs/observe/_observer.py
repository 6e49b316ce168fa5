"""Observer: the protocol of an object that hears of decisions and look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from safe_ecs.observe._record import DecisionRecord, LookUp


class Observer(Protocol):
    """An object that hears of facts. Derive a class and override the methods you need; the others do nothing.

    The guard tells an observer of a decision in the thread or task of the call, before the call goes on, and
    of a look-up in the thread or task of the look-up. So an observer should be quick, and must bear being
    told by several threads at once. An exception of an observer is logged, the first one only, and stops no
    call. An observer may use the client, and is not told of its own use.
    """

    def decided(self, record: DecisionRecord, /) -> None:  # noqa: ARG002 - for classes that override it
        """Hear that the guard let a call through or stopped it."""
        return

    def checked(self, record: DecisionRecord, /) -> None:  # noqa: ARG002 - for classes that override it
        """Hear an answer of ``client.guard.check``. There was no call."""
        return

    def looked_up(self, look_up: LookUp, /) -> None:  # noqa: ARG002 - for classes that override it
        """Hear that the guard asked ECS for this client. Other clients may wait for the same answer."""
        return
