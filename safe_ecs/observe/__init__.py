"""Tells observers about decisions and look-ups: records, the Observer protocol, the logger, a log file."""

from typing import TYPE_CHECKING

from safe_ecs._lazy import offer

if TYPE_CHECKING:
    from safe_ecs.observe._json_lines import JsonLinesLog
    from safe_ecs.observe._observer import Observer
    from safe_ecs.observe._record import DecisionRecord, GroupRecord, LookUp
else:
    __getattr__, __dir__ = offer(
        __name__,
        {
            "DecisionRecord": "safe_ecs.observe._record",
            "GroupRecord": "safe_ecs.observe._record",
            "JsonLinesLog": "safe_ecs.observe._json_lines",
            "LookUp": "safe_ecs.observe._record",
            "Observer": "safe_ecs.observe._observer",
        },
    )

__all__ = ["DecisionRecord", "GroupRecord", "JsonLinesLog", "LookUp", "Observer"]
