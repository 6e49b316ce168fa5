"""What the README shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from safe_ecs import OPERATIONS
from tests.callers import run_pytest

README = (Path(__file__).parent.parent / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
TEST_FILES = [block for block in PYTHON if "def test_" in block]
BLOCKS = [block for block in PYTHON if block not in TEST_FILES]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_python_example_runs(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands, and with the output that is shown, ids aside."""
    exec(compile(BLOCKS[number], f"README example {number}", "exec"), {})  # noqa: S102 - our own text
    printed = re.sub(r"sg-\w+", "sg-...", capsys.readouterr().out)
    shown = " ".join(line.removeprefix("> ") for line in README.splitlines() if line.startswith("> "))
    if number == 0:
        assert " ".join(printed.split()) == shown
    else:
        assert printed.strip() == BLOCKS[number].rpartition("# ")[2].strip()


def test_the_test_file_runs_as_shown(tmp_path: Path) -> None:
    """It has ten lines, and needs nothing beside itself."""
    [block] = TEST_FILES
    assert len([line for line in block.splitlines() if line]) <= 10
    (tmp_path / "test_mine.py").write_text(block)
    assert run_pytest(tmp_path).splitlines()[-1].startswith("1 passed")


def test_every_guarded_operation_is_listed() -> None:
    """The table of the README is the table of the code."""
    table = README.partition("## What is guarded")[2].partition("`safe_ecs.OPERATIONS`")[0]
    listed = re.findall(r"(?<=\| )[A-Z]\w+", table)
    assert sorted(listed) == sorted(name for name, operation in OPERATIONS.items() if operation.guarded)
