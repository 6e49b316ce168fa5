"""Runs a generator of questions to its result: ``drive`` for threads, ``drive_async`` for event loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")
_Result = TypeVar("_Result")


# Why generators: a rule in a generator is written once, and runs in a thread and in an event loop alike.


def drive(steps: Generator[_Question, _Answer, _Result], answer: Callable[[_Question], _Answer]) -> _Result:
    """Send the generator an answer to each of its questions, and return its result."""
    try:
        question = next(steps)
        while True:
            question = steps.send(answer(question))
    except StopIteration as done:
        result: _Result = done.value
        return result


async def drive_async(
    steps: Generator[_Question, _Answer, _Result], answer: Callable[[_Question], Awaitable[_Answer]]
) -> _Result:
    """Run a generator as ``drive`` does, and await each answer."""
    try:
        question = next(steps)
        while True:
            question = steps.send(await answer(question))
    except StopIteration as done:
        result: _Result = done.value
        return result
