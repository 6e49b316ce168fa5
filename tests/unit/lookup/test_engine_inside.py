"""A look-up inside another one waits for nobody, and ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.support.engines import ASKING
from tests.support.loaders import PATIENCE, StubLoader, load, load_async, soon

if TYPE_CHECKING:
    from safe_ecs._lookup.engine import BatchEngine


@ASKING
def test_a_look_up_inside_another_asks_at_once_and_waits_for_nobody(engine: BatchEngine, ask: Any) -> None:
    """It would wait for its own thread otherwise."""
    outer, inner = StubLoader(), StubLoader()
    found: list[dict[str, str]] = []

    def load_inside() -> None:
        found.append(load(engine, inner, tuple("bcde"), soon()))
        found.append(asyncio.run(load_async(engine, inner, tuple("fg"), soon())))

    outer.do = load_inside
    assert ask(engine, outer, "a").join(PATIENCE) == [{"a": "A"}]
    assert found == [dict(zip("bcde", "BCDE", strict=True)), {"f": "F", "g": "G"}]
    assert inner.asked == ["bcde", "fg"]


@ASKING
def test_a_look_up_inside_another_for_the_same_id_fails_at_once(engine: BatchEngine, ask: Any) -> None:
    """It would never end otherwise. With another key, the same id is another question."""
    outer, inner, other = StubLoader(), StubLoader(), StubLoader("other")
    found: list[dict[str, str]] = []

    def load_inside() -> None:
        found.append(load(engine, inner, ("a", "b"), soon()))
        found.append(load(engine, other, ("a",), soon()))

    outer.do = load_inside
    assert ask(engine, outer, "a").join(PATIENCE) == [{"a": "A"}]
    assert found == [{"a": "RecursionError", "b": "RecursionError"}, {"a": "A"}]
    assert (inner.asked, other.asked) == ([], ["a"])


def test_look_ups_inside_one_another_end(engine: BatchEngine) -> None:
    """A credentials provider that asks for another group each time would go on for ever."""
    loader = StubLoader()
    found: list[dict[str, str]] = []
    names = iter("abcdefghij")
    loader.do = lambda: found.append(load(engine, loader, (next(names),), soon()))
    assert load(engine, loader, (next(names),), soon()) == {"a": "A"}
    assert found == [{"d": "RecursionError"}, {"c": "C"}, {"b": "B"}]


def test_an_exception_inside_another_look_up_is_an_answer(engine: BatchEngine) -> None:
    outer, inner = StubLoader(), StubLoader()
    found: list[dict[str, str]] = []

    def fail() -> None:
        raise LookupError

    inner.do = fail
    outer.do = lambda: found.append(load(engine, inner, ("b",), soon()))
    assert load(engine, outer, ("a",), soon()) == {"a": "A"}
    assert found == [{"b": "LookupError"}]


async def test_a_task_that_outlives_the_look_up_it_was_started_in_asks_like_any_other(
    engine: BatchEngine,
) -> None:
    """Its context is that of the look-up, which is over."""
    outer, inner = StubLoader(), StubLoader()
    started: list[asyncio.Task[dict[str, str]]] = []

    async def later() -> dict[str, str]:
        await asyncio.sleep(0.05)
        return await load_async(engine, inner, ("a",), soon())

    outer.do = lambda: started.append(asyncio.get_running_loop().create_task(later()))
    assert load(engine, outer, ("a",), soon()) == {"a": "A"}
    assert await started[0] == {"a": "A"}
