"""A log of facts, one JSON object a line."""

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
    """What a log needs of a text stream, such as ``sys.stderr``."""

    def write(self, text: str, /) -> Any:  # noqa: ANN401 - streams return what they like
        """Take a text."""
        ...

    def flush(self) -> Any:  # noqa: ANN401 - likewise
        """Pass it on."""
        ...


class _AppendToFile:
    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, text: str) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            rest = text.encode()
            while rest:  # More than once only where the disk is full, or a limit is reached.
                rest = rest[os.write(file, rest) :]
        finally:
            os.close(file)


class _AppendToStream:
    def __init__(self, stream: TextStream) -> None:
        self._stream = stream
        self._lock, self._process = RLock(), os.getpid()

    def __call__(self, text: str) -> None:
        if self._process != os.getpid():
            # Forked: another thread of the parent may have been writing at that moment.
            self._lock, self._process = RLock(), os.getpid()
        with self._lock:
            self._stream.write(text)
            self._stream.flush()


def _appending_to(target: Any) -> Callable[[str], None]:  # noqa: ANN401 - what it is, is the question
    if isinstance(target, (str, os.PathLike)):
        # As the path is meant now, wherever the program changes to.
        append = _AppendToFile(str(Path(target).absolute()))
        append("")
        return append
    is_binary = isinstance(target, (io.RawIOBase, io.BufferedIOBase))
    if is_binary or not all(callable(getattr(target, name, None)) for name in ("write", "flush")):
        raise TypeError(f"JsonLinesLog takes a path or a text stream, not {target!r}")
    return _AppendToStream(target)


class JsonLinesLog(Observer):
    """Appends every fact, as a line of JSON, to a file or a stream: decisions, answers of ``check``, and look-ups.

    Any number of threads and processes may append to the same file, forked ones among them: each line is one write at
    the file's end. The file is opened for each line, so that a rotated one stays behind and a new one is begun. A log
    on a path can be pickled; one on a stream cannot, and does not travel to other processes with its client.

    Args:
        path_or_stream: The file, made if there is none, or an open text stream, which is left open.

    Raises:
        OSError: The file cannot be appended to.
        TypeError: It is neither a path nor a text stream.
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
