"""The place in the user's program that made a call."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import FrameType

# The packages with frames between the user's line and the guard.
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
    """Return file and line of the first frame outside safe_ecs, the SDK and asyncio; None if there is none.

    The frames of awaited coroutines lie beneath one another, as the frames of functions do.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - inspect.currentframe calls it too
    while frame is not None:
        # The globals of code run by ``exec`` may have no ``__name__``, or one that is no text.
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package not in _NOT_THE_USERS and not package.startswith("alibabacloud_"):
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return None
