"""Dispatcher: tells a client's observers about decisions and look-ups, and catches their errors."""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Iterable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from inspect import iscoroutinefunction
from time import perf_counter_ns
from traceback import format_tb
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from safe_ecs.observe._caller import caller
from safe_ecs.observe._log import LOGGER, Log, is_heard

if TYPE_CHECKING:
    from typing import Literal

    from safe_ecs._core.decision import Decision, Outcome
    from safe_ecs._core.failure import Failure
    from safe_ecs._core.review import Read, TemplateRead
    from safe_ecs.observe._observer import Observer
    from safe_ecs.observe._record import DecisionEvent, DecisionRecord, LookUp

_LOG: Final = Log()
_FACTS: Final = ("decided", "checked", "looked_up")
# The observers being told a fact in this thread or task: none is told of its own use of the client.
_BEING_TOLD: Final[ContextVar[tuple[Observer, ...]]] = ContextVar("safe_ecs_being_told", default=())
# The observers that have raised, by id: a weak reference, or the observer itself if its class allows none.
_raised: Final[dict[int, object]] = {}


class Dispatcher:
    """The observers of one client and of its copies, and the logger.

    Args:
        observers: The observers, told in this order.

    Raises:
        TypeError: ``observers`` is no collection, or a member is no Observer, is a class, or has a coroutine
            function.
    """

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        if not isinstance(observers, Iterable):
            raise TypeError(f"observers must be several observers, in a list or the like, not {observers!r}")
        self.observers = tuple(observers)
        for observer in self.observers:
            if isinstance(observer, type):
                raise TypeError(f"an observer is an instance, not the class {observer.__qualname__}")
            for fact in _FACTS:
                method = getattr(observer, fact, None)
                if not callable(method):
                    raise TypeError(f"an observer has the methods {', '.join(_FACTS)}: {observer!r} has not")
                if iscoroutinefunction(method):
                    raise TypeError(
                        f"{fact} of {observer!r} is told, not awaited: it must be no coroutine function"
                    )

    def is_observed(self, outcome: Outcome) -> bool:
        """Return whether an observer or a log handler hears of this outcome. If not, no record is made."""
        return bool(self.observers) or is_heard(outcome)

    def decided(self, decision: Decision, began: int) -> DecisionRecord:
        """Tell the observers of the decision about a call, and return the record.

        Args:
            decision: The decision.
            began: The time at the start of deciding, by ``time.perf_counter_ns``.
        """
        return self._tell_decision("decided", decision, began)

    def checked(self, decision: Decision, began: int) -> None:
        """Tell the observers of an answer of ``check``, if there is a listener."""
        if self.is_observed("not_guarded"):
            self._tell_decision("checked", decision, began)

    def looked_up(  # noqa: PLR0913, PLR0917 - each is something that a look-up has
        self,
        at: Read | TemplateRead,
        action: str,
        groups_asked: int,
        tries: int,
        seconds: float,
        failure: Failure | None,
    ) -> None:
        """Tell the observers of a look-up, if there is a listener.

        Args:
            at: The endpoint and the region.
            action: The action of the Describe call.
            groups_asked: The number of groups in the call.
            tries: The number of requests sent.
            seconds: The duration, tries and waits included.
            failure: The cause of a missing answer; None after an answer.
        """
        if self.is_observed("allowed"):
            code = None if failure is None else failure.code
            from safe_ecs.observe._record import LookUp, now, own_version  # noqa: PLC0415 - as below

            look_up = LookUp(
                time=now(),
                action=action,
                region_id=at.region_id,
                endpoint=at.host,
                groups_asked=groups_asked,
                tries=tries,
                microseconds=round(seconds * 1e6),
                error_code=code,
                exception=None if failure is None or code else _name(failure.cause),
                safe_ecs_version=own_version(),
            )
            self._tell("looked_up", look_up)

    def _tell_decision(self, event: DecisionEvent, decision: Decision, began: int) -> DecisionRecord:
        # Import the records only for a listener: they take a tenth of the time of importing safe_ecs.
        from safe_ecs.observe._record import decision_record  # noqa: PLC0415 - as said

        record = decision_record(
            decision,
            event,
            decision_id=str(uuid4()).upper(),
            microseconds=(perf_counter_ns() - began) // 1000,
            caller=caller(),
        )
        self._tell(event, record)
        return record

    def _tell(self, fact: Literal["decided", "checked", "looked_up"], told: DecisionRecord | LookUp) -> None:
        for observer in (_LOG, *self.observers):
            # Told of its own use of the client, an observer that uses the client would never end.
            being_told = _BEING_TOLD.get()
            if any(each is observer for each in being_told):
                continue
            token = _BEING_TOLD.set((*being_told, observer))
            try:
                getattr(observer, fact)(told)
            except Exception as error:  # noqa: BLE001 - no error of an observer may stop the call
                _complain(observer, fact, error)
            finally:
                _BEING_TOLD.reset(token)

    def picklable_observers(self) -> tuple[Observer, ...]:
        """Return the observers that can be pickled with their client. Log each of the others."""
        able = []
        for observer in self.observers:
            try:
                pickle.dumps(observer)
            except Exception as error:  # noqa: BLE001 - pickling may raise anything
                LOGGER.warning(
                    "The observer %s does not travel with its client, because it cannot be pickled: %s.",
                    type(observer).__qualname__,
                    type(error).__name__,
                )
            else:
                able.append(observer)
        return tuple(able)


def _name(cause: BaseException | None) -> str:
    """Return the name of an exception, or of the exception that the SDK has wrapped."""
    return type(getattr(cause, "inner_exception", cause)).__name__


def _complain(observer: Observer, fact: str, error: Exception) -> None:
    """Log an error of an observer, the first one only."""
    key = id(observer)
    if key in _raised:
        return
    try:
        _raised[key] = weakref.ref(observer, partial(_forget, key))
    except TypeError:
        # Without weak references: keep the observer, lest another object get its id.
        _raised[key] = observer
    with suppress(Exception):  # A log handler may raise as well.
        # Leave out the texts of this error and of its causes: the SDK's hold parameters and signatures.
        LOGGER.warning(
            "The observer %s raised %s when it was told %r; calls go on, and this is not logged again. It was here:\n%s",
            type(observer).__qualname__,
            type(error).__name__,
            fact,
            "".join(format_tb(error.__traceback__)).rstrip(),
        )


def _forget(key: int, _: object) -> None:
    _raised.pop(key, None)
