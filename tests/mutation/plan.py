"""Which tests are about which module."""

from __future__ import annotations

from typing import Final

TESTS: Final[dict[str, tuple[str, ...]]] = {
    "core/decision.py": ("test_decision",),
    "core/effective.py": ("test_effective", "test_parameters"),
    "core/failure.py": ("test_failures", "test_decision"),
    "core/host.py": ("test_effective",),
    "core/notebook.py": ("test_notebook",),
    "core/operations.py": ("test_operations", "test_effective", "test_parameters"),
    "core/parameters.py": ("test_effective", "test_parameters"),
    "core/partition.py": ("test_notebook", "test_inspector"),
    "core/region.py": ("test_region",),
    "core/request.py": ("test_effective", "test_parameters"),
    "core/review.py": ("test_review",),
    "core/spelling.py": ("test_spelling",),
    "core/steps.py": ("test_region", "test_regions"),
    "core/values.py": ("test_effective", "test_parameters"),
    "lookup/answers.py": ("test_answers", "test_describe"),
    "lookup/ask.py": ("test_ask",),
    "lookup/batching.py": ("test_batching",),
    "lookup/connection.py": ("test_connection", "test_lookup"),
    "lookup/describe.py": ("test_describe", "test_halving"),
    "lookup/failures.py": ("test_failures",),
    "lookup/listing.py": ("test_regions",),
    "lookup/loops.py": ("test_loops",),
    "lookup/retries.py": ("test_retries", "test_ask"),
    "lookup/templates.py": ("test_templates",),
    "lookup/threads.py": ("test_threads",),
}
