"""Makes the same call with two clients and compares bytes on the wire, result and exception."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from tests.tools.differential.signatures import scheme_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.tools.differential.recorder import Recorder, Wire

# The fields with a new value in every request. The signature covers them, and is verified instead.
_NEW_EACH_TIME: Final = frozenset({
    "authorization",
    "date",
    "x-acs-date",
    "x-acs-signature-nonce",
    "Signature",
    "SignatureNonce",
    "Timestamp",
})
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{6,}")


@dataclass(slots=True)
class Counts:
    """The counts of a comparison.

    Attributes:
        operations: The actions.
        forms: Actions with one of the ways to send them.
        requests: Pairs of requests that were compared.
        outcomes: Pairs of results or exceptions that were compared.
        signatures: Signatures that were verified.
    """

    operations: set[str] = field(default_factory=set)
    forms: set[tuple[str, str]] = field(default_factory=set)
    requests: int = 0
    outcomes: int = 0
    signatures: int = 0


class Comparison:
    """Compares a stock client with a guarded one. Both send to the same recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.counts = Counts()

    def of_sync(self, action: str, form: str, stock: Callable[[], Any], guarded: Callable[[], Any]) -> None:
        """Make a call with both clients, and compare.

        Args:
            action: The action sent.
            form: The way to send it.
            stock: Makes the call with the stock client.
            guarded: Makes the call with the guarded client.

        Raises:
            AssertionError: They differ.
        """
        self.recorder.asked = action
        sides = []
        for call in (stock, guarded):
            try:
                outcome: object = call()
            except Exception as error:  # noqa: BLE001 - to be compared
                outcome = error
            sides.append((outcome, self.recorder.take()))
        self._compare(action, form, *sides)

    async def of_async(
        self,
        action: str,
        form: str,
        stock: Callable[[], Awaitable[Any]],
        guarded: Callable[[], Awaitable[Any]],
    ) -> None:
        """Make a call with both clients in an event loop, and compare, as ``of_sync`` does."""
        self.recorder.asked = action
        sides = []
        for call in (stock, guarded):
            try:
                outcome: object = await call()
            except Exception as error:  # noqa: BLE001 - to be compared
                outcome = error
            sides.append((outcome, self.recorder.take()))
        self._compare(action, form, *sides)

    def _compare(
        self, action: str, form: str, stock: tuple[object, list[Wire]], guarded: tuple[object, list[Wire]]
    ) -> None:
        where = f"{action} ({form}; {self.recorder.answer.name})"
        assert len(stock[1]) == len(guarded[1]), where
        for theirs, ours in zip(stock[1], guarded[1], strict=True):
            assert _described(theirs) == _described(ours), where
            scheme = scheme_of(theirs)
            assert scheme == scheme_of(ours), where
            self.counts.requests += 1
            self.counts.signatures += 2 * bool(scheme)
        assert _plain(stock[0]) == _plain(guarded[0]), where
        self.counts.outcomes += 1
        self.counts.operations.add(action)
        self.counts.forms.add((action, form))


def _described(wire: Wire) -> object:
    """Return the parts of a request that must not differ."""
    url = urlsplit(wire.target)
    query = parse_qsl(url.query, keep_blank_values=True)
    return wire.method, url.path, _lasting(query), _lasting(wire.headers), wire.body


def _lasting(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, "" if {name, name.lower()} & _NEW_EACH_TIME else value) for name, value in pairs]


def _plain(value: Any) -> object:
    """Return a result or an exception as data: its type, its members and its text."""
    if isinstance(value, BaseException):
        held = {name: _plain(member) for name, member in vars(value).items()}
        cause = value.__cause__ or value.__context__
        return (
            type(value),
            held,
            _text(value),
            [_text(arg) for arg in value.args],
            type(cause),
            type(value).__mro__,
        )
    if hasattr(value, "to_map"):
        return type(value), _plain(value.to_map())
    if isinstance(value, dict):
        return {key: _plain(member) for key, member in value.items() if str(key).lower() != "date"}
    if isinstance(value, (list, tuple)):
        return type(value), [_plain(member) for member in value]
    if value is None or isinstance(value, (str, int, float, bytes)):
        return type(value), _text(value) if isinstance(value, str) else value
    # Any other object, such as a frame of a traceback, has an address in its text at most.
    return type(value), _text(value)


def _text(value: object) -> str:
    return _ADDRESS.sub("0x", str(value))
