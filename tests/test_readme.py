"""The README shows the truth: its examples run, and its output and tables match the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from safe_ecs import OPERATIONS
from tests.support.concurrency import run_pytest
from tests.support.terminals import in_terminal, text_of

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

README = (Path(__file__).parent.parent / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
TEST_FILES = [block for block in PYTHON if "def test_" in block]
BLOCKS = [block for block in PYTHON if block not in TEST_FILES]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_every_python_example_runs(
    number: int, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An example runs as it stands and prints the output shown, ids aside."""
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[number], f"README example {number}", "exec"), {})  # noqa: S102 - our own text
    printed = re.sub(r"sg-\w+", "sg-...", capsys.readouterr().out)
    shown = " ".join(line.removeprefix("> ") for line in README.splitlines() if line.startswith("> "))
    if number == 0:
        assert " ".join(printed.split()) == shown
    else:
        assert printed.strip() == BLOCKS[number].rpartition("# ")[2].strip()


def test_the_test_file_runs_as_shown(tmp_path: Path) -> None:
    """The test file of the README has at most ten lines, needs no other file, and passes."""
    [block] = TEST_FILES
    assert len([line for line in block.splitlines() if line]) <= 10
    (tmp_path / "test_mine.py").write_text(block)
    assert run_pytest(tmp_path).splitlines()[-1].startswith("1 passed")


def test_the_record_is_that_of_its_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JSON record has the example's fields, in the same order. Values that differ from run to run have the same form."""
    monkeypatch.chdir(tmp_path)
    [example] = [block for block in BLOCKS if "JsonLinesLog" in block]
    exec(compile(example, "README example", "exec"), {})  # noqa: S102 - our own text
    real = json.loads((tmp_path / "decisions.jsonl").read_text().splitlines()[-1])
    [block] = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    shown = json.loads(block)
    assert list(shown) == list(real)
    assert list(shown["groups"][0]) == list(real["groups"][0])
    for name, form in {
        "decision_id": r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}",
        "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
        "decide_microseconds": r"\d+",
        "caller": r".+:\d+",
        "endpoint": r"[a-z0-9.:-]+",
    }.items():
        assert re.fullmatch(form, str(shown.pop(name))), name
        assert re.fullmatch(form, str(real.pop(name))), name
    assert json.loads(json.dumps(real).replace(real["groups"][0]["security_group_id"], "sg-bp1nat")) == shown


CLEANUP = """\
import sys
from alibabacloud_ecs20140526 import models
from alibabacloud_tea_openapi.utils_models import Config
from safe_ecs import Client, GuardError
from safe_ecs.observe import JsonLinesLog
config = Config(access_key_id="k", access_key_secret="s", endpoint=sys.argv[1], protocol="HTTP", region_id="cn-hangzhou")
client = Client(config, observers=[JsonLinesLog("decisions.jsonl")])
for group in sys.argv[2:]:
    for _ in range(2):
        try:
            client.delete_security_group(
                models.DeleteSecurityGroupRequest(security_group_id=group))
        except GuardError:
            pass
with client.guard.bypass(reason="OPS-7"):
    client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": group})
    try:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=group))
    except Exception:
        pass
"""


def test_the_terminal_shows_what_the_readme_shows(ecs: FakeEcs, tmp_path: Path) -> None:
    """The command line prints the tables and the bar chart of the README, colours aside."""
    nat, alb = "sg-bp1nat7k2mx0q4v9w3", "sg-bp1alb5c8ny6r1t2z7"
    ecs.create_security_group(security_group_id=nat, service_managed=True, service_id=1679259531804325)
    ecs.create_security_group(security_group_id=alb, service_managed=True, service_id=1503726641912004)
    ecs.create_security_group(
        security_group_id="sg-2zefw1d6h3kb0p9s4m",
        service_managed=True,
        service_id=1503726641912004,
        region_id="cn-beijing",
    )
    (tmp_path / "cleanup.py").write_text(CLEANUP)
    subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "cleanup.py", ecs.endpoint, nat, nat, alb], cwd=tmp_path, check=True, timeout=60
    )
    endpoint = ("--endpoint-url", f"http://{ecs.endpoint}")
    blocks = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    [shown] = [block for block in blocks if block.startswith("$ safe-ecs")]
    for command, more in (
        ("managed --region-id cn-hangzhou cn-beijing", endpoint),
        ("explain decisions.jsonl", ()),
    ):
        written = text_of(in_terminal(*command.split(), *more, cwd=tmp_path))
        assert f"$ safe-ecs {command}\n{written}\n" in shown, written


def test_every_guarded_operation_is_listed() -> None:
    """The table of the README lists exactly the guarded operations of the code."""
    table = README.partition("## What is guarded")[2].partition("`safe_ecs.OPERATIONS`")[0]
    listed = re.findall(r"(?<=\| )[A-Z]\w+", table)
    assert sorted(listed) == sorted(name for name, operation in OPERATIONS.items() if operation.guarded)
