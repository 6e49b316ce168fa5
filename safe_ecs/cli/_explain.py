"""``explain``: what a log of decisions holds, summed up."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from safe_ecs.cli._terminal import add_form_arguments, bar, complain, write_rows

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from safe_ecs.cli._terminal import Commands, Form

_UNCHECKED: Final = "unchecked"
"""What an unavailable decision comes to where the policy allows those."""

_WORDS: Final = {
    "denied": "denied",
    "would_deny": "would have been denied",
    "bypassed": "let through by a bypass",
    "unavailable": "stopped, as they could not be determined",
    _UNCHECKED: "let through unchecked",
    "allowed": "allowed",
}


class _Kind(NamedTuple):
    """What the decisions of a row have in common."""

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
        help="sum up a log that JsonLinesLog has written",
        description="Says what was denied, for which groups and by which service that manages them, from where in the "
        "program, and how often. In audit mode: what would have been denied. Asks nobody.",
        epilog="Example: %(prog)s decisions.jsonl",
    )
    parser.add_argument("file", metavar="FILE.jsonl", help="the log")
    add_form_arguments(parser)
    parser.set_defaults(run=_run)


def _run(namespace: argparse.Namespace) -> int:
    outcomes: Counter[str] = Counter()
    rows: dict[_Kind, _Row] = {}
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
    """Yield the decisions of a log; what ``check`` answered and look-ups are none.

    Raises:
        ValueError: It cannot be read.
    """
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    no_facts = 0
    for line in lines:
        try:
            fact = json.loads(line)
        except (ValueError, RecursionError):
            fact = None
        if not isinstance(fact, dict) or "event" not in fact:
            no_facts += 1
        elif fact["event"] == "decided":
            yield fact
    if no_facts:
        complain(f"{no_facts} of {len(lines)} lines are no facts of safe_ecs, and were left out.")


def _add(rows: dict[_Kind, _Row], outcome: str, decision: dict[str, Any]) -> None:
    groups = [group for group in decision.get("groups") or [] if isinstance(group, dict)]
    stopping = [
        group for group in groups if group.get("out_of_bounds") is True or group.get("status") == "unknown"
    ]
    service_ids = {str(group["service_id"]) for group in stopping if group.get("service_id") is not None}
    kind = _Kind(
        outcome, str(decision.get("action")), tuple(sorted(service_ids)), str(decision.get("caller") or "")
    )
    row = rows.setdefault(kind, _Row())
    row.times += 1
    row.last = max(row.last, str(decision.get("time") or ""))
    row.groups.update(dict.fromkeys(str(group.get("security_group_id")) for group in stopping))


def _write(rows: dict[_Kind, _Row], form: Form) -> None:
    """Write the kinds of decisions, the most frequent first: for people less of each, and a bar."""
    ranked = sorted(rows.items(), key=lambda item: (-item[1].times, item[0]))
    if form == "table":
        columns = ("times", "", "outcome", "action", "managed_by", "security_groups", "caller")
        most = max(row.times for row in rows.values())
        written = [
            (
                row.times,
                bar(row.times, most),
                kind.outcome,
                kind.action,
                kind.service_ids,
                _few(row),
                _near(kind.caller),
            )
            for kind, row in ranked
        ]
        write_rows(columns, written)
    else:
        columns = ("times", "outcome", "action", "managed_by", "security_group_ids", "caller", "last")
        write_rows(
            columns,
            [
                (
                    row.times,
                    kind.outcome,
                    kind.action,
                    kind.service_ids,
                    list(row.groups),
                    kind.caller,
                    row.last,
                )
                for kind, row in ranked
            ],
            form,
        )


def _few(row: _Row) -> str:
    first, more = next(iter(row.groups), ""), len(row.groups) - 1
    return f"{first} and {more} more" if more > 0 else first


def _near(caller: str) -> str:
    """Return a file as it is called from here, if it is below."""
    return caller.removeprefix(f"{Path.cwd()}{os.sep}")
