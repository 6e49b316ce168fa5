"""HTML for notebooks. The only module that writes HTML; it takes plain text and escapes all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GOOD: Final = "#1a7f37"
_BAD: Final = "#cf222e"
_TABLE: Final = "font:inherit;border-collapse:collapse;margin:4px 0"
_CELL: Final = "text-align:left;padding:2px 12px 2px 0"


def note(title: str, text: str, *, is_bad: bool) -> str:
    """Return a coloured title with a text behind it."""
    colour = _BAD if is_bad else _GOOD
    return f'<div><strong style="color:{colour}">{_escape(title)}</strong> {_escape(text)}</div>'


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table. None becomes an empty cell."""
    head = "".join(f'<th style="{_CELL}">{_escape(heading)}</th>' for heading in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _escape(text: str) -> str:
    """Return a text with the special characters of HTML escaped."""
    import html  # noqa: PLC0415 - for notebooks alone: it brings the names of all 2231 characters that have one

    return html.escape(text)


def _cell(value: object) -> str:
    return f'<td style="{_CELL}">{"" if value is None else _escape(str(value))}</td>'
