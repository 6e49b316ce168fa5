"""The guarded client sends the same bytes, and gives the same results and exceptions, as the stock client.

This is a sample. ``python -m tests.tools.differential`` compares everything.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

import pytest

from safe_ecs import OPERATIONS, Client
from tests.support.sdk_operations import operations
from tests.support.transports import WAYS_TO_SEND
from tests.tools.differential.comparison import Comparison
from tests.tools.differential.operations import compare_operation
from tests.tools.differential.recorder import Recorder
from tests.tools.differential.transports import SETUPS, compare_transport

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every operation in the guard's table, and one in twenty of the others.
SAMPLE: Final = sorted({*(OPERATIONS.keys() & operations().keys()), *list(operations())[::20]})


@pytest.fixture
def comparison() -> Iterator[Comparison]:
    with Recorder() as recorder:
        yield Comparison(recorder)


@pytest.mark.parametrize("action", SAMPLE)
def test_an_operation_is_sent_and_answered_as_by_the_stock_client(
    comparison: Comparison, action: str
) -> None:
    """Both clients agree in all four forms, with full and varied requests, for every kind of answer."""
    compare_operation(comparison, operations()[action], examples=1)
    assert len(comparison.counts.forms) == 4
    assert comparison.counts.requests >= 4 * 13


# The SDK leaves the session of an event stream open when it fails.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("transport", WAYS_TO_SEND)
def test_a_transport_sends_and_answers_as_that_of_the_stock_client(
    comparison: Comparison, transport: str
) -> None:
    """Both clients agree at each transport, also for other products and the generic client. Set-ups vary by transport."""
    compare_transport(comparison, transport, SETUPS[list(WAYS_TO_SEND).index(transport) % len(SETUPS) :][:1])
    gc.collect()  # Collect while the warnings of open sessions are ignored.
    assert comparison.counts.outcomes > 100


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("request", "query", {"More": "1"}),
        ("request", "headers", {"x-more": "1"}),
        ("params", "action", "DescribeZones"),
        ("params", "method", "GET"),
    ],
)
def test_a_client_that_changes_anything_differs(
    comparison: Comparison, monkeypatch: pytest.MonkeyPatch, part: str, name: str, value: Any
) -> None:
    """The comparison fails for a client that changes a call."""
    send = Client.do_request

    def do_request(self: Client, params: Any, request: Any, runtime: Any) -> Any:
        setattr({"params": params, "request": request}[part], name, value)
        return send(self, params, request, runtime)

    monkeypatch.setattr(Client, "do_request", do_request)
    with pytest.raises(AssertionError, match="DescribeRegions"):
        compare_operation(comparison, operations()["DescribeRegions"], examples=1)


def test_every_operation_of_the_sdk_takes_part() -> None:
    """Each operation takes part in four forms, even if its methods have irregular names."""
    assert len(operations()) >= 356
    assert all(len(operation.methods) == 4 for operation in operations().values())
