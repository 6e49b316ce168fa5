"""Where in the user's program a call was made."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

_NOT_THE_USERS: Final = frozenset({
    "Tea",
    "asyncio",
    "concurrent",
    "contextlib",
    "contextvars",
    "darabonba",
    "functools",
    "safe_ecs",
    "threading",
})


def caller() -> str | None:
    """Return file and line of the first frame that belongs neither to safe_ecs, nor to the SDK, nor to asyncio.

    The frames of a coroutine that is being awaited lie beneath one another like those of functions.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - what inspect.currentframe calls
    while frame is not None:
        # Code that ``exec`` runs may have globals without a name, or with one that is no text.
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package not in _NOT_THE_USERS and not package.startswith("alibabacloud_"):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return None
