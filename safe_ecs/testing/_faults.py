"""Wrong answers of FakeEcs, on demand: canned answers, faults, and their order action by action."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from itertools import count, cycle, islice
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from safe_ecs.testing._errors import EcsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FaultKind: TypeAlias = Literal[
    "throttled",
    "unavailable",
    "internal_error",
    "slow",
    "reset",
    "lost",
    "truncated",
    "malformed",
    "wrong_types",
    "partial_page",
]
_ERRORS: Final = {
    "throttled": (400, "Throttling.User", "Request was denied due to user flow control."),
    "unavailable": (
        503,
        "ServiceUnavailable",
        "The request has failed due to a temporary failure of the server.",
    ),
    "internal_error": (500, "InternalError", "The request processing has failed due to some unknown error."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedAnswer:
    """An answer to send as it is. FakeEcs does not perform the request.

    Attributes:
        status: The HTTP status; 0 resets the connection.
        body: The body.
        headers: More headers, by lower-case name. They can replace ``content-type`` and ``content-length``.
        delay: Seconds before the answer.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure of one request.

    Attributes:
        kind: The kind of failure. ``throttled``, ``unavailable`` (503) and ``internal_error`` (500) are errors of
            ECS, and FakeEcs does not perform the request. ``reset`` cuts the connection before the request is
            performed, ``lost`` afterwards. With the other kinds FakeEcs performs the request, and its answer comes
            late (``slow``), ends in the middle (``truncated``), is no JSON (``malformed``), has its numbers and
            flags as strings (``wrong_types``), or lacks the second half of its list (``partial_page``).
        delay: Seconds before the answer.

    Raises:
        ValueError: The kind is unknown, the delay is negative, or ``slow`` has no delay.
    """

    kind: FaultKind
    delay: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"kind must be one of {', '.join(get_args(FaultKind))}: {self.kind!r}")
        if self.delay < 0 or (self.kind == "slow" and not self.delay):
            raise ValueError(f"delay must be a number of seconds, and more than 0 for slow: {self.delay!r}")

    @property
    def is_before(self) -> bool:
        """Whether the request fails before FakeEcs performs it."""
        return self.kind in _ERRORS or self.kind == "reset"

    @property
    def error(self) -> EcsError | None:
        """The error of ECS; None for the other kinds."""
        return EcsError(*_ERRORS[self.kind]) if self.kind in _ERRORS else None

    def spoil(self, answer: CannedAnswer) -> CannedAnswer:
        """Return an answer with this fault in it."""
        body, length = answer.body, {"content-length": str(len(answer.body))}
        half = body[: len(body) // 2]
        late = replace(answer, delay=answer.delay + self.delay)
        match self.kind:
            case "reset" | "lost":
                return replace(late, status=0)
            case "truncated":
                return replace(late, body=half, headers=answer.headers | length)
            case "malformed":
                return replace(late, body=half)
            case "wrong_types":
                return replace(late, body=json.dumps(_as_strings(json.loads(body))).encode())
            case "partial_page":
                return replace(late, body=json.dumps(_with_half_lists(json.loads(body))).encode())
            case _:
                return late


ScriptedAnswer: TypeAlias = CannedAnswer | Fault


class ScriptedAnswers:
    """The canned answers and faults for the next requests. The actions are independent of one another."""

    def __init__(self) -> None:
        self._next: defaultdict[str, deque[ScriptedAnswer]] = defaultdict(deque)
        self._always: dict[str, Iterator[ScriptedAnswer | None]] = {}

    def add(self, action: str, answers: Sequence[ScriptedAnswer]) -> None:
        """Add answers for the next requests, one each."""
        self._next[action].extend(answers)

    def add_repeatedly(self, action: str, answers: Sequence[ScriptedAnswer], times: int) -> None:
        """Add answers, in turn, for a number of the next requests."""
        self._next[action].extend(islice(cycle(answers), times))

    def set_always(
        self, action: str, answers: Sequence[ScriptedAnswer], share: float = 1.0, seed: int = 0
    ) -> None:
        """Set the answers from now on: in turn for all requests, or at random for a share. No answers: as usual."""
        self._always.pop(action, None)
        if answers and share < 1:
            self._always[action] = _random_answers(action, answers, share, seed)
        elif answers:
            self._always[action] = cycle(answers)

    def clear(self, action: str) -> None:
        """Remove every answer for an action."""
        self._next.pop(action, None)
        self._always.pop(action, None)

    def pop(self, action: str) -> ScriptedAnswer | None:
        """Take the answer for this request; None if FakeEcs answers as usual."""
        if waiting := self._next.get(action):
            return waiting.popleft()
        always = self._always.get(action)
        return next(always) if always else None


def _random_answers(
    action: str, answers: Sequence[ScriptedAnswer], share: float, seed: int
) -> Iterator[ScriptedAnswer | None]:
    # One Random per number: the n-th request for an action gets the same answer in every run.
    for number in count():
        random = Random(f"{seed} {action} {number}")  # noqa: S311 - tests must be repeatable
        yield random.choice(answers) if random.random() < share else None


def _as_strings(value: Any) -> Any:  # noqa: ANN401 - it is JSON
    if isinstance(value, dict):
        return {name: _as_strings(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_as_strings(each) for each in value]
    return str(value).lower() if isinstance(value, bool | int) else value


def _with_half_lists(value: Any) -> Any:  # noqa: ANN401 - it is JSON
    if isinstance(value, dict):
        return {name: _with_half_lists(each) for name, each in value.items()}
    return value[: len(value) // 2] if isinstance(value, list) else value
