"""The tests mirror the package, and the marks in it are read as they are meant."""

from __future__ import annotations

import pytest

from tests.tools.mutation.marks import Mark, marks_in
from tests.tools.mutation.mirror import PACKAGE, UNIT_TESTS, WITHOUT_TESTS, mirror_of, mutated_modules

MODULES = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")]


def test_every_module_that_is_mutated_has_tests_of_its_own() -> None:
    """Or a reason why it has none."""
    assert [path for path in mutated_modules() if not mirror_of(path)] == sorted(WITHOUT_TESTS)


def test_every_file_of_unit_tests_mirrors_a_module() -> None:
    mirrors = {test for path in MODULES for test in mirror_of(path)}
    assert [test for test in sorted(UNIT_TESTS.rglob("test_*.py")) if test not in mirrors] == []


@pytest.mark.parametrize(
    ("module", "tests"),
    [
        (
            "_lookup/queries/statuses.py",
            ["lookup/queries/test_statuses.py", "lookup/queries/test_statuses_halving.py"],
        ),
        ("cache/_status_cache.py", ["cache/test_status_cache.py"]),
        ("policy.py", ["test_policy.py"]),
        ("_nowhere.py", []),
    ],
)
def test_the_tests_of_a_module_stand_where_it_stands(module: str, tests: list[str]) -> None:
    """Its underscores count for nothing."""
    assert [path.relative_to(UNIT_TESTS).as_posix() for path in mirror_of(module)] == tests


def test_what_is_mutated_exists() -> None:
    assert set(mutated_modules()) <= set(MODULES)
    assert {"_core/review.py", "_lookup/queries/statuses.py", "_enforcer.py"} <= set(mutated_modules())


def test_a_mark_is_about_the_next_line_of_code() -> None:
    source = "# Equivalent mutants `a b`, `None`: why not.\n# More.\nx = 1\n\n# Equivalent mutant `2`: so.\ny = 1\n"
    assert marks_in(source) == [Mark(3, "a b"), Mark(3, "None"), Mark(6, "2")]


@pytest.mark.parametrize(
    "mark",
    [
        "# Equivalent mutant None: why not.",
        "# Equivalent mutant `None`",
        "# Equivalent mutant `None`:",
        "# Equivalent mutants `1` and `2`: why not.",
    ],
)
def test_a_mark_without_its_mutant_or_reason_is_refused(mark: str) -> None:
    with pytest.raises(ValueError, match="line 1 is no mark"):
        marks_in(f"{mark}\nx = 1\n")


@pytest.mark.parametrize("path", MODULES)
def test_every_mark_can_be_read(path: str) -> None:
    marks_in((PACKAGE / path).read_text(encoding="utf-8"))


def test_a_mark_allows_its_mutant_and_no_other() -> None:
    mark = Mark(3, "x = None")
    assert mark.allows(3, ("- x = 1", "+ x = None"))
    assert not mark.allows(3, ("- x = None", "+ x = 1"))
    assert not mark.allows(3, ("- x = 1", "+ x = 2"))
    assert not mark.allows(4, ("- x = 1", "+ x = None"))
