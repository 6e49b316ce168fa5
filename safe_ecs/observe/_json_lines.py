"""JsonLinesLog: a log of decisions and look-ups, one JSON object a line."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol

from safe_ecs.observe._observer import Observer

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.observe._record import DecisionRecord, LookUp


class TextStream(Protocol):
    """The methods that a log needs of a text stream, such as ``sys.stderr``."""

    def write(self, text: str, /) -> Any:  # noqa: ANN401 - a stream may return anything
        """Take a text."""
        ...

    def flush(self) -> Any:  # noqa: ANN401 - likewise
        """Pass on the text taken."""
        ...


class _AppendToFile:
    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, text: str) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            rest = text.encode()
            while rest:  # More than once only on a full disk, or at a limit.
                rest = rest[os.write(file, rest) :]
        finally:
            os.close(file)


class _AppendToStream:
    def __init__(self, stream: TextStream) -> None:
        self._stream = stream
        self._lock, self._process = RLock(), os.getpid()

    def __call__(self, text: str) -> None:
        if self._process != os.getpid():
            # Forked: if another thread of the parent held the lock, nobody releases the lock in the child.
            self._lock, self._process = RLock(), os.getpid()
        with self._lock:
            self._stream.write(text)
            self._stream.flush()


def _appending_to(target: Any) -> Callable[[str], None]:  # noqa: ANN401 - the function tells the types apart
    if isinstance(target, (str, os.PathLike)):
        # Absolute, because the program may change its directory before the next line.
        append = _AppendToFile(str(Path(target).absolute()))
        # Open the file once now: a file that cannot be opened is an error of the constructor, not of a call.
        append("")
        return append
    is_binary = isinstance(target, (io.RawIOBase, io.BufferedIOBase))
    if is_binary or not all(callable(getattr(target, name, None)) for name in ("write", "flush")):
        raise TypeError(f"JsonLinesLog takes a path or a text stream, not {target!r}")
    return _AppendToStream(target)


class JsonLinesLog(Observer):
    """Appends decisions, answers of ``check`` and look-ups, each as a line of JSON, to a file or a stream.

    Any number of threads and processes, forked ones included, may append to the same file: each line is one
    write at the file's end. The log opens the file for each line, so that a rotated file stays behind and a
    new file begins. A log on a path can be pickled. A log on a stream cannot, and does not go to other
    processes with its client.

    Args:
        path_or_stream: The file, made if there is none; or an open text stream. The log never closes a
            stream.

    Raises:
        OSError: The file cannot be appended to.
        TypeError: ``path_or_stream`` is neither a path nor a text stream.
    """

    def __init__(self, path_or_stream: str | os.PathLike[str] | TextStream) -> None:
        self._append = _appending_to(path_or_stream)

    def decided(self, record: DecisionRecord) -> None:
        """Append a decision."""
        self._write(record)

    def checked(self, record: DecisionRecord) -> None:
        """Append an answer of ``check``."""
        self._write(record)

    def looked_up(self, look_up: LookUp) -> None:
        """Append a look-up."""
        self._write(look_up)

    def _write(self, fact: DecisionRecord | LookUp) -> None:
        self._append(json.dumps(fact.to_dict(), separators=(",", ":")) + "\n")
