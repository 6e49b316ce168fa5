"""The words of the look-up engine: a caller's request, the result, and the loader that asks ECS."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable

NEVER: Final = -math.inf
"""A time before all others."""


class BatchResult(NamedTuple):
    """The result of a batch.

    Attributes:
        answers: An answer for each id.
        reads: How many requests were sent for the batch.
    """

    answers: dict[str, Any]
    reads: int = 0


class BatchLoader(Protocol):
    """Asks ECS for ids of one kind, on behalf of one principal."""

    @property
    def key(self) -> Hashable:
        """Equal for loaders that may share a batch."""
        ...

    @property
    def most_ids(self) -> int:
        """The most ids of one request."""
        ...

    @property
    def most_seconds(self) -> float:
        """The seconds after which the leader of a batch is given up for lost."""
        ...

    def load(self, ids: tuple[str, ...], deadline: float) -> BatchResult:
        """Return an answer for each id."""
        ...

    def joined(self, ids: int) -> None:
        """Take note of how many of a caller's ids another caller has asked for."""
        ...

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> object:
        """Return the answer for an id if there was none in time, or if loading has broken down.

        Args:
            error: The TimeoutError, or the exception that loading has raised.
            waited: The seconds that the caller waited.
            in_flight: The seconds that the batch under way has been in flight.
        """
        ...

    def is_shared(self, answer: object) -> bool:
        """Return whether an answer holds for other callers, and not for the leader alone."""
        ...

    def common_failure(self, answers: dict[str, Any]) -> object:
        """Return the one answer, if there is one, that every other id would get now too."""
        ...


class BatchRequest(NamedTuple):
    """A request of one caller for an answer for each id: the question that a resolver yields.

    Attributes:
        loader: Asks.
        ids: The ids.
        deadline: Until when the caller waits, on the clock ``Clock``.
        not_before: An answer to a question that was asked at this time or earlier will not do.
    """

    loader: BatchLoader
    ids: tuple[str, ...]
    deadline: float
    not_before: float = NEVER
