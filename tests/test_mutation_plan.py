"""What the mutation tests cover."""

from __future__ import annotations

from pathlib import Path

import safe_ecs
from tests.mutation.plan import TESTS

PACKAGE = Path(safe_ecs.__file__).parent


def test_every_module_of_core_and_lookup_is_in_the_plan() -> None:
    """And nothing else: a module that is new, renamed or gone makes this fail."""
    modules = {
        path.relative_to(PACKAGE).as_posix()
        for folder in ("core", "lookup")
        for path in (PACKAGE / folder).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert set(TESTS) == modules
    tests = Path(__file__).parent
    assert all((tests / f"{name}.py").exists() for names in TESTS.values() for name in names)
