"""What FakeEcs says instead of the right answer: exact answers, faults, and the script they come in."""

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
    """What FakeEcs says instead of thinking.

    Attributes:
        status: The HTTP status; 0 resets the connection.
        body: The body, as it is.
        headers: More headers.
        delay: Seconds to wait before answering.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with a request.

    Attributes:
        kind: What. ``throttled``, ``unavailable`` (503) and ``internal_error`` (500) are errors of ECS, and nothing
            is done. ``reset`` cuts the connection before anything is done, ``lost`` after it. With the others the
            request is done, and its answer comes late (``slow``), ends in the middle (``truncated``), is no JSON
            (``malformed``), has its numbers and flags as strings (``wrong_types``), or lacks the second half of
            its list (``partial_page``).
        delay: Seconds that pass before the answer.

    Raises:
        ValueError: There is no such kind, the delay is negative, or ``slow`` has none.
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
        """Whether it strikes before anything is done."""
        return self.kind in _ERRORS or self.kind == "reset"

    @property
    def error(self) -> EcsError | None:
        """The error that is answered, None if the fault is of another kind."""
        return EcsError(*_ERRORS[self.kind]) if self.kind in _ERRORS else None

    def spoil(self, answer: CannedAnswer) -> CannedAnswer:
        """Return what becomes of an answer."""
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


Scripted: TypeAlias = CannedAnswer | Fault


class Script:
    """What is to be said to the next requests, action by action: what one is told depends on no other."""

    def __init__(self) -> None:
        self._next: defaultdict[str, deque[Scripted]] = defaultdict(deque)
        self._always: dict[str, Iterator[Scripted | None]] = {}

    def add(self, action: str, answers: Sequence[Scripted]) -> None:
        """Say these to the next requests, one each."""
        self._next[action].extend(answers)

    def add_repeatedly(self, action: str, answers: Sequence[Scripted], times: int) -> None:
        """Say these in turn to so many of the next requests."""
        self._next[action].extend(islice(cycle(answers), times))

    def set_always(self, action: str, answers: Sequence[Scripted], share: float = 1.0, seed: int = 0) -> None:
        """Say these from now on: in turn to all, or at random to a share of the requests; none to stop."""
        self._always.pop(action, None)
        if answers and share < 1:
            self._always[action] = _at_random(action, answers, share, seed)
        elif answers:
            self._always[action] = cycle(answers)

    def clear(self, action: str) -> None:
        """Say nothing of an action any more."""
        self._next.pop(action, None)
        self._always.pop(action, None)

    def pop(self, action: str) -> Scripted | None:
        """Return what this request is told, None if it is treated as usual."""
        if waiting := self._next.get(action):
            return waiting.popleft()
        always = self._always.get(action)
        return next(always) if always else None


def _at_random(
    action: str, answers: Sequence[Scripted], share: float, seed: int
) -> Iterator[Scripted | None]:
    # The n-th request for an action fares alike in every run, whatever other requests come between.
    for number in count():
        dice = Random(f"{seed} {action} {number}")  # noqa: S311 - it is to be repeatable
        yield dice.choice(answers) if dice.random() < share else None


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
