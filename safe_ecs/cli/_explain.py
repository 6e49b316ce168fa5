"""``explain``: the summary of a log of decisions."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from safe_ecs.cli._terminal import add_form_arguments, bar, write_error, write_rows

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from safe_ecs.cli._terminal import Commands, Form

_UNCHECKED: Final = "unchecked"
"""The outcome of an unavailable decision under a policy that lets the call through."""

_WORDS: Final = {
    "denied": "denied",
    "would_deny": "would have been denied",
    "bypassed": "let through by a bypass",
    "unavailable": "stopped, as they could not be determined",
    _UNCHECKED: "let through unchecked",
    "allowed": "allowed",
}


class _RowKey(NamedTuple):
    """The common fields of the decisions in a row."""

    outcome: str
    action: str
    service_ids: tuple[str, ...]
    caller: str


@dataclass(slots=True)
class _Row:
    times: int = 0
    last: str = ""
    groups: dict[str, None] = field(default_factory=dict)


def add_explain(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "explain",
        help="sum up a log of JsonLinesLog",
        description="Counts the denied calls by operation, by the service that manages the groups and by the place in "
        "the program, and names the groups. In audit mode: the calls that would have been denied. Sends no request.",
        epilog="Example: %(prog)s decisions.jsonl",
    )
    parser.add_argument("file", metavar="FILE.jsonl", help="the log")
    add_form_arguments(parser)
    parser.set_defaults(run=_run)


def _run(namespace: argparse.Namespace) -> int:
    outcomes: Counter[str] = Counter()
    rows: dict[_RowKey, _Row] = {}
    for decision in _decisions(namespace.file):
        outcome = str(decision.get("outcome"))
        if outcome == "unavailable" and decision.get("refused") is False:
            outcome = _UNCHECKED
        outcomes[outcome] += 1
        if outcome != "allowed":
            _add(rows, outcome, decision)
    if namespace.form == "table":
        total = ", ".join(
            f"{number} {_WORDS.get(outcome, outcome)}" for outcome, number in outcomes.most_common()
        )
        print(f"Decisions: {outcomes.total()}{f' ({total})' if total else ''}")
    if rows or namespace.form != "table":
        _write(rows, namespace.form)
    return 0


def _decisions(path: str) -> Iterable[dict[str, Any]]:
    """Yield the decisions on calls in a log, without look-ups and the decisions of ``check``.

    Raises:
        ValueError: The log cannot be read.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    skipped = 0
    for line in lines:
        try:
            fact = json.loads(line)
        except (ValueError, RecursionError):
            fact = None
        if not isinstance(fact, dict) or "event" not in fact:
            skipped += 1
        elif fact["event"] == "decided":
            yield fact
    if skipped:
        write_error(f"Skipped {skipped} of {len(lines)} lines: they are no records of safe_ecs.")


def _add(rows: dict[_RowKey, _Row], outcome: str, decision: dict[str, Any]) -> None:
    groups = [group for group in decision.get("groups") or [] if isinstance(group, dict)]
    stopping = [
        group for group in groups if group.get("out_of_bounds") is True or group.get("status") == "unknown"
    ]
    service_ids = {str(group["service_id"]) for group in stopping if group.get("service_id") is not None}
    key = _RowKey(
        outcome, str(decision.get("action")), tuple(sorted(service_ids)), str(decision.get("caller") or "")
    )
    row = rows.setdefault(key, _Row())
    row.times += 1
    row.last = max(row.last, str(decision.get("time") or ""))
    row.groups.update(dict.fromkeys(str(group.get("security_group_id")) for group in stopping))


def _write(rows: dict[_RowKey, _Row], form: Form) -> None:
    """Write the rows, the most frequent first. A table adds a bar, names one group per row, and leaves out the last time."""
    ranked = sorted(rows.items(), key=lambda item: (-item[1].times, item[0]))
    if form == "table":
        columns = ("times", "", "outcome", "action", "managed_by", "security_groups", "caller")
        most = max(row.times for row in rows.values())
        written = [
            (
                row.times,
                bar(row.times, most),
                key.outcome,
                key.action,
                key.service_ids,
                _summarize_groups(row),
                _shorten_path(key.caller),
            )
            for key, row in ranked
        ]
        write_rows(columns, written)
    else:
        columns = ("times", "outcome", "action", "managed_by", "security_group_ids", "caller", "last")
        write_rows(
            columns,
            [
                (
                    row.times,
                    key.outcome,
                    key.action,
                    key.service_ids,
                    list(row.groups),
                    key.caller,
                    row.last,
                )
                for key, row in ranked
            ],
            form,
        )


def _summarize_groups(row: _Row) -> str:
    first, more = next(iter(row.groups), ""), len(row.groups) - 1
    return f"{first} and {more} more" if more > 0 else first


def _shorten_path(caller: str) -> str:
    """Return a caller with the path of its file relative to the working directory, if the file is in it."""
    return caller.removeprefix(f"{Path.cwd()}{os.sep}")
