"""Drives a generator that asks questions and is sent the answers: the one place for each colour of function."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

_Question = TypeVar("_Question")
_Answer = TypeVar("_Answer")
_Result = TypeVar("_Result")


def drive(steps: Generator[_Question, _Answer, _Result], answer: Callable[[_Question], _Answer]) -> _Result:
    """Answer every question and return the result."""
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
    """Do what ``drive`` does, in an event loop."""
    try:
        question = next(steps)
        while True:
            question = steps.send(await answer(question))
    except StopIteration as done:
        result: _Result = done.value
        return result
