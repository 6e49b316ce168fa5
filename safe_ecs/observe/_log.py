"""The logger ``safe_ecs``: an observer that every client has."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from safe_ecs._core.decision import Outcome
    from safe_ecs.observe._record import DecisionRecord, LookUp

LOGGER: Final = logging.getLogger("safe_ecs")
LOGGER.addHandler(logging.NullHandler())

LEVELS: Final[dict[Outcome, int]] = {
    "allowed": logging.DEBUG,
    "denied": logging.WARNING,
    "would_deny": logging.WARNING,
    "bypassed": logging.WARNING,
    "unavailable": logging.ERROR,
    "not_guarded": logging.DEBUG,
}
"""How loud each outcome of a call is."""


class Log:
    """An observer that writes facts to the logger. The text is for people; ``safe_ecs`` of the log record is the fact as a dict."""

    def decided(self, record: DecisionRecord) -> None:
        """Log a decision as loud as its outcome is."""
        LOGGER.log(LEVELS[record.outcome], "%s", record.reason, extra={"safe_ecs": record.to_dict()})

    def checked(self, record: DecisionRecord) -> None:
        """Log an answer of ``check``, which stopped no call."""
        LOGGER.debug("Checked: %s", record.reason, extra={"safe_ecs": record.to_dict()})

    def looked_up(self, look_up: LookUp) -> None:
        """Log a look-up."""
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
    """Return whether anything becomes of an outcome that is logged: if not, it need not be put into words."""
    return LOGGER.isEnabledFor(LEVELS[outcome]) and _has_listeners()


def _has_listeners() -> bool:
    if LOGGER.filters:
        return True
    logger: logging.Logger | None = LOGGER
    while logger is not None:
        for handler in logger.handlers:
            if type(handler) is not logging.NullHandler:
                return True
        logger = logger.parent if logger.propagate else None
    return False
