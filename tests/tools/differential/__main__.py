"""``python -m tests.tools.differential``: compares every operation and every transport, and prints the counts."""

from __future__ import annotations

import logging
import sys
from functools import partial
from importlib.metadata import version
from time import monotonic
from typing import TYPE_CHECKING

from tests.support.sdk_operations import operations
from tests.support.transports import WAYS_TO_SEND
from tests.tools.differential.comparison import Comparison, Counts
from tests.tools.differential.operations import compare_operation
from tests.tools.differential.recorder import Recorder
from tests.tools.differential.transports import compare_transport

if TYPE_CHECKING:
    from collections.abc import Callable

_EXAMPLES = 3


def main() -> int:
    """Return how many operations and transports differ."""
    # The SDK leaves sessions of its event streams open when they fail, and asyncio logs them.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    start, differences = monotonic(), 0
    with Recorder() as recorder:
        by_method, by_transport = Comparison(recorder), Comparison(recorder)
        for operation in operations().values():
            differences += not _is_equal(partial(compare_operation, by_method, operation, _EXAMPLES))
        for transport in WAYS_TO_SEND:
            differences += not _is_equal(partial(compare_transport, by_transport, transport))
        reads = recorder.reads
    sdk = version("alibabacloud-ecs20140526")
    print(
        f"\nalibabacloud-ecs20140526 {sdk}, Python {sys.version.partition(' ')[0]}: {monotonic() - start:.0f} s\n"
    )
    print("| sent by | operations | forms | requests compared | outcomes compared | signatures verified |")
    print("|---|---|---|---|---|---|")
    _print_row("the operations' methods", by_method.counts)
    _print_row("every other transport", by_transport.counts)
    print(f"\n{differences} differences. Reads of the guard beside them: {reads:,}.")
    return min(differences, 100)


def _is_equal(compare: Callable[[], None]) -> bool:
    try:
        compare()
    except AssertionError as difference:
        print(difference)
        return False
    return True


def _print_row(name: str, counts: Counts) -> None:
    print(
        f"| {name} | {len(counts.operations):,} | {len(counts.forms):,} | {counts.requests:,} "
        f"| {counts.outcomes:,} | {counts.signatures:,} |"
    )


if __name__ == "__main__":
    sys.exit(main())
