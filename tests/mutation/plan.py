"""Which tests are about which module."""

from __future__ import annotations

from typing import Final

TESTS: Final[dict[str, tuple[str, ...]]] = {
    "core/decision.py": ("test_errors", "test_notebook", "test_inspector"),
    "core/failure.py": ("test_describe", "test_templates"),
    "core/notebook.py": ("test_notebook",),
    "core/operations.py": ("test_operations", "test_request", "test_errors", "test_learning"),
    "core/partition.py": ("test_notebook", "test_inspector"),
    "core/region.py": ("test_request", "test_regions"),
    "core/request.py": ("test_request", "test_hiding", "test_judgement"),
    "core/review.py": ("test_request", "test_regions", "test_templates", "test_inspector"),
    "core/steps.py": ("test_request", "test_regions"),
    "lookup/answers.py": ("test_describe", "test_regions"),
    "lookup/ask.py": ("test_lookup",),
    "lookup/connection.py": ("test_lookup",),
    "lookup/describe.py": ("test_describe", "test_regions"),
    "lookup/failures.py": ("test_lookup", "test_errors"),
    "lookup/listing.py": ("test_regions",),
    "lookup/retries.py": ("test_lookup",),
    "lookup/templates.py": ("test_templates",),
    "lookup/batching.py": ("test_nobody_is_stuck",),
    "lookup/loops.py": ("test_nobody_is_stuck",),
    "lookup/threads.py": ("test_nobody_is_stuck",),
}
