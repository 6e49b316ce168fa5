"""Tells what the guard did: the records, the protocol of those who are told, and a log file."""

from safe_ecs.observe.json_lines import JsonLinesLog
from safe_ecs.observe.observer import Observer
from safe_ecs.observe.record import DecisionRecord, GroupRecord, LookUp

__all__ = ["DecisionRecord", "GroupRecord", "JsonLinesLog", "LookUp", "Observer"]
