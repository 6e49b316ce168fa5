"""The modules to mutate, and the tests of a module: the files that mirror it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
# Found and not imported: nothing of the package may be imported before a mutant is. The tests may run beside a wheel.
PACKAGE: Final = Path(str(find_spec("safe_ecs").origin)).parent  # type: ignore[union-attr]  # it is installed
UNIT_TESTS: Final = ROOT / "tests" / "unit"

_FOLDERS: Final = ("_calls", "_core", "_lookup")
_MODULES: Final = ("_enforcer.py", "_guard.py", "client.py")

WITHOUT_TESTS: Final[dict[str, str]] = {}
"""The modules that have no tests of their own, each with the reason."""


def mirror_of(path: str) -> list[Path]:
    """Return the tests of a module.

    Those of ``_a/_b.py`` are ``a/test_b.py`` and every ``a/test_b_*.py``: a leading underscore counts for nothing.

    Args:
        path: The module, relative to the package.
    """
    *folders, name = (part.removeprefix("_") for part in path.removesuffix(".py").split("/"))
    folder = UNIT_TESTS.joinpath(*folders)
    return sorted([*folder.glob(f"test_{name}.py"), *folder.glob(f"test_{name}_*.py")])


def mutated_modules() -> list[str]:
    """Return the modules that are mutated, relative to the package: those that decide on a call, and its way there."""
    paths = [path for folder in _FOLDERS for path in (PACKAGE / folder).rglob("*.py")]
    found = [path.relative_to(PACKAGE).as_posix() for path in paths if path.name != "__init__.py"]
    return sorted(found) + list(_MODULES)
