"""The output of the commands: tables, JSON, CSV, bars and progress. The only module that imports rich (extra: cli).

A terminal gets rules and colours, and a table of its own width. A pipe gets plain text: each row is one whole line.
"""

from __future__ import annotations

import csv
import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Commands: TypeAlias = argparse._SubParsersAction[Any]  # noqa: SLF001 - argparse has no public name for it

Form: TypeAlias = Literal["table", "json", "csv"]

_WIDE: Final = 100_000
_BAR_CELLS: Final = 12
_STYLES: Final = {
    "allowed": "green",
    "bypassed": "yellow",
    "denied": "red",
    "would_deny": "yellow",
    "unavailable": "magenta",
    "WRONG": "red",
}


def add_form_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for the format of the rows. ``namespace.form`` holds the choice."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--json", dest="form", action="store_const", const="json", help="write a JSON array")
    forms.add_argument("--csv", dest="form", action="store_const", const="csv", help="write CSV")
    parser.set_defaults(form="table")


def write_rows(columns: Sequence[str], rows: Sequence[Sequence[object]], form: Form = "table") -> None:
    """Write rows to the standard output.

    Args:
        columns: The names of the columns; the keys of the objects in JSON.
        rows: The cells of each row. None is an empty cell. A list becomes text outside JSON.
        form: The format.
    """
    if form == "json":
        print(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=2))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([columns, *(map(_plain, row) for row in rows)])
    else:
        _write_table(columns, rows)


def _write_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    console = Console(highlight=False)
    if console.is_terminal:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    else:
        console = Console(highlight=False, width=_WIDE)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        # Fold long ids: nobody can use a cut one.
        table.add_column(Text(column), overflow="fold", justify="left")
    for row in rows:
        texts = list(map(_plain, row))
        table.add_row(*(Text(text, style=_STYLES.get(text, "")) for text in texts))
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().rstrip("\n").split("\n"):
        print(line.rstrip())


def bar(part: int, most: int) -> str:
    """Return a bar as long as the part's share of the most, and at least one cell long."""
    cell = "█" if (sys.stdout.encoding or "").lower().startswith("utf") else "#"
    return cell * max(1, round(_BAR_CELLS * part / most))


@contextmanager
def progress(steps: int) -> Iterator[Callable[[str, int, int], None]]:
    """Show the progress of a command on the error output, if the error output is a terminal.

    Yield a function of the present step, the number of finished steps, and the number of finds.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[found]} found"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=steps, found=0)
        yield lambda doing, done, found: shown.update(task, description=doing, completed=done, found=found)


def write_error(text: str) -> None:
    """Write a line to the error output."""
    print(_plain(text), file=sys.stderr)


def _plain(value: object) -> str:
    """Return a value as one line of text. Escape control characters: text from outside must not steer a terminal."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
