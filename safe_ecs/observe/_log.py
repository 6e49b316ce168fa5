"""The logger ``safe_ecs``: an observer that every client has."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from safe_ecs._core.decision import Outcome
    from safe_ecs.observe._record import DecisionRecord, LookUp

LOGGER: Final = logging.getLogger("safe_ecs")
# With no handler at all, the module logging would print warnings to stderr.
LOGGER.addHandler(logging.NullHandler())

LEVELS: Final[dict[Outcome, int]] = {
    "allowed": logging.DEBUG,
    "denied": logging.WARNING,
    "would_deny": logging.WARNING,
    "bypassed": logging.WARNING,
    "unavailable": logging.ERROR,
    "not_guarded": logging.DEBUG,
}
"""The log level of each outcome of a call."""


class Log:
    """An observer that writes facts to the logger.

    The text of a log record is for people. The attribute ``safe_ecs`` of the log record is the fact as a
    dict.
    """

    def decided(self, record: DecisionRecord) -> None:
        """Log a decision, at the level of its outcome."""
        LOGGER.log(LEVELS[record.outcome], "%s", record.reason, extra={"safe_ecs": record.to_dict()})

    def checked(self, record: DecisionRecord) -> None:
        """Log an answer of ``check``, at the level DEBUG, because no call was stopped."""
        LOGGER.debug("Checked: %s", record.reason, extra={"safe_ecs": record.to_dict()})

    def looked_up(self, look_up: LookUp) -> None:
        """Log a look-up, at the level DEBUG."""
        LOGGER.debug(
            "%s in %s: %s after %d tries and %.1f ms",
            look_up.action,
            look_up.region_id,
            look_up.error or "answered",
            look_up.tries,
            look_up.microseconds / 1000,
            extra={"safe_ecs": look_up.to_dict()},
        )


def is_heard(outcome: Outcome) -> bool:
    """Return whether a filter or a handler gets a log record of this outcome. If not, no text is needed."""
    return LOGGER.isEnabledFor(LEVELS[outcome]) and _has_listeners()


def _has_listeners() -> bool:
    # A filter gets every record as well, and may act on it.
    if LOGGER.filters:
        return True
    logger: logging.Logger | None = LOGGER
    while logger is not None:
        for handler in logger.handlers:
            if type(handler) is not logging.NullHandler:
                return True
        logger = logger.parent if logger.propagate else None
    return False
