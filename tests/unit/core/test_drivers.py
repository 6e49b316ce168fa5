"""A generator that asks questions is driven to its end, in either colour of function."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs._core.drivers import drive, drive_async

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def _sync(steps: Generator[Any, Any, Any], answer: Callable[[Any], Any]) -> Any:
    return drive(steps, answer)


def _async(steps: Generator[Any, Any, Any], answer: Callable[[Any], Any]) -> Any:
    async def answer_async(question: Any) -> Any:
        await asyncio.sleep(0)
        return answer(question)

    return asyncio.run(drive_async(steps, answer_async))


DRIVES = pytest.mark.parametrize("drive_steps", [_sync, _async], ids=["sync", "async"])


@DRIVES
def test_every_question_is_answered_and_the_result_returned(drive_steps: Any) -> None:
    def ask() -> Generator[int, str, list[str]]:
        return [(yield 1), (yield 2), (yield 3)]

    assert drive_steps(ask(), str) == ["1", "2", "3"]


@DRIVES
def test_without_a_question_there_is_a_result_at_once(drive_steps: Any) -> None:
    def ask() -> Generator[int, str, str]:
        yield from ()
        return "known"

    assert drive_steps(ask(), str) == "known"


@DRIVES
def test_what_an_answer_raises_goes_through(drive_steps: Any) -> None:
    def ask() -> Generator[int, float, float]:
        return (yield 0)

    with pytest.raises(ZeroDivisionError):
        drive_steps(ask(), lambda question: 1 / question)
