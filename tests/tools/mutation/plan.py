"""Which tests are about which module."""

from __future__ import annotations

from typing import Final

TESTS: Final[dict[str, tuple[str, ...]]] = {
    "_core/decision.py": ("unit/core/test_decision",),
    "_core/effective.py": ("unit/core/test_effective", "unit/core/test_parameters"),
    "_core/failure.py": ("unit/lookup/sending/test_failures", "unit/core/test_decision"),
    "_core/notebook.py": ("unit/core/test_notebook",),
    "_core/operations.py": (
        "unit/core/test_operations",
        "unit/core/test_effective",
        "unit/core/test_parameters",
    ),
    "_core/parameters.py": ("unit/core/test_effective", "unit/core/test_parameters"),
    "_core/partition.py": ("unit/core/test_notebook", "unit/test_guard"),
    "_core/endpoints.py": ("unit/core/test_endpoints", "unit/core/test_effective"),
    "_core/request.py": ("unit/core/test_effective", "unit/core/test_parameters"),
    "_core/review.py": ("unit/core/test_review",),
    "_core/spelling.py": ("unit/core/test_spelling",),
    "_core/drive.py": ("unit/core/test_endpoints", "unit/lookup/queries/test_regions"),
    "_core/values.py": ("unit/core/test_effective", "unit/core/test_parameters"),
    "_lookup/queries/answers.py": ("unit/lookup/queries/test_answers", "unit/lookup/queries/test_statuses"),
    "_lookup/sending/execute.py": ("unit/lookup/sending/test_execute",),
    "_lookup/batching.py": ("unit/lookup/test_batching",),
    "_lookup/sending/connection.py": ("unit/lookup/sending/test_connection", "guarding/test_lookup"),
    "_lookup/queries/statuses.py": (
        "unit/lookup/queries/test_statuses",
        "unit/lookup/queries/test_statuses_halving",
    ),
    "_lookup/sending/failures.py": ("unit/lookup/sending/test_failures",),
    "_lookup/queries/regions.py": ("unit/lookup/queries/test_regions",),
    "_lookup/loops.py": ("unit/lookup/test_loops",),
    "_lookup/sending/retries.py": ("unit/lookup/sending/test_retries", "unit/lookup/sending/test_execute"),
    "_lookup/queries/templates.py": ("unit/lookup/queries/test_templates",),
    "_lookup/threads.py": ("unit/lookup/test_threads",),
}
