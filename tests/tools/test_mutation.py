"""What the mutation tests cover."""

from __future__ import annotations

from pathlib import Path

import safe_ecs
from tests.tools.mutation.plan import TESTS

PACKAGE = Path(safe_ecs.__file__).parent
FLOW = {f"_lookup/{name}.py" for name in ("context", "jobs", "listings", "resolver")}


def test_every_module_of_core_and_lookup_is_in_the_plan() -> None:
    """And nothing else: a module that is new, renamed or gone makes this fail."""
    modules = {
        path.relative_to(PACKAGE).as_posix()
        for folder in ("_core", "_lookup")
        for path in (PACKAGE / folder).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert set(TESTS) == modules - FLOW
    tests = Path(__file__).parents[1]
    assert all((tests / f"{name}.py").exists() for names in TESTS.values() for name in names)
