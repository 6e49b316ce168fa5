"""The commands that list and sum up work as processes of their own, in a pipe and in a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from safe_ecs import OPERATIONS, Client, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs.observe import JsonLinesLog
from safe_ecs.testing import CannedAnswer
from tests.support.observers import REACH
from tests.support.sdk import models
from tests.support.terminals import in_terminal, text_of
from tests.unit.cli.test_commands import run

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


def managed(ecs: FakeEcs, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("managed", *arguments, "--endpoint-url", f"http://{ecs.endpoint}")


def rows_of(text: str) -> list[list[str]]:
    return [re.split(r"  +", line.strip()) for line in text.splitlines()]


def regions(*region_ids: str) -> CannedAnswer:
    body = {"RequestId": "R", "Regions": {"Region": [{"RegionId": region_id} for region_id in region_ids]}}
    return CannedAnswer(body=json.dumps(body).encode())


def test_permissions_lists_every_operation() -> None:
    """In a pipe each operation is one line, uncut."""
    done = run("permissions")
    assert done.returncode == 0
    head, *rows = rows_of(done.stdout)
    assert head == ["action", "account", "service", "guarded", "summary"]
    assert [row[0] for row in rows] == list(OPERATIONS)
    assert all(len(row) == 5 for row in rows)
    for (action, operation), row in zip(OPERATIONS.items(), rows, strict=True):
        assert (row[1] == "no", row[3] == "yes") == (operation.guarded, operation.guarded), action
        assert operation.not_guarded_because in row[4]
    assert not done.stderr


def test_permissions_in_json_and_csv() -> None:
    listed = json.loads(run("permissions", "--json").stdout)
    assert [each["action"] for each in listed] == list(OPERATIONS)
    assert {each["action"] for each in listed if each["guarded"]} == {
        action for action, operation in OPERATIONS.items() if operation.guarded
    }
    table = list(csv.DictReader(io.StringIO(run("permissions", "--csv").stdout)))
    assert [row["summary"] for row in table] == [each["summary"] for each in listed]


def test_managed_lists_the_managed_groups_of_a_region(ecs: FakeEcs, ordinary: str) -> None:
    """The command lists more than a page, with whole ids and no other group. A pipe gets no colour and no progress."""
    ids = {ecs.create_security_group(service_managed=True, service_id=7) for _ in range(120)}
    done = managed(ecs, "--region-id", "cn-hangzhou")
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = rows_of(done.stdout)
    assert head == ["region_id", "security_group_id", "service_id"]
    assert {row[1] for row in rows} == ids
    assert {(row[0], row[2]) for row in rows} == {("cn-hangzhou", "7")}
    assert ordinary not in done.stdout
    assert "\x1b" not in done.stdout
    assert len(ecs.reads) == 2


@pytest.mark.parametrize(
    "named", [["--region-id", "cn-beijing", "cn-hangzhou", "cn-beijing"], ["--all-regions"]], ids=str
)
def test_managed_lists_several_regions_or_all(ecs: FakeEcs, named: list[str]) -> None:
    """The command lists each region once, in the given order. A group without a known service has a null service id."""
    ecs.answer_always("DescribeRegions", regions("cn-beijing", "cn-hangzhou"))
    hangzhou = ecs.create_security_group(service_managed=True, service_id=7)
    beijing = ecs.create_security_group(service_managed=True, region_id="cn-beijing")
    done = managed(ecs, *named, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == [
        {"region_id": "cn-beijing", "security_group_id": beijing, "service_id": None},
        {"region_id": "cn-hangzhou", "security_group_id": hangzhou, "service_id": 7},
    ]
    done = managed(ecs, *named, "--csv")
    assert done.stdout == (
        f"region_id,security_group_id,service_id\ncn-beijing,{beijing},\ncn-hangzhou,{hangzhou},7\n"
    )


def test_a_region_that_cannot_be_read_does_not_hide_the_others(ecs: FakeEcs, managed_group: str) -> None:
    """The command names the failed region and the missing permission, and exits with 2."""
    body = b'{"Code": "Forbidden.RAM", "Message": "", "RequestId": ""}'
    ecs.answer_with("DescribeSecurityGroups", CannedAnswer(status=403, body=body))
    done = managed(ecs, "--region-id", "cn-beijing", "cn-hangzhou")
    assert done.returncode == 2
    assert done.stderr.startswith("cn-beijing: ")
    assert "Grant the RAM action ecs:DescribeSecurityGroups" in done.stderr
    assert managed_group in done.stdout


@pytest.fixture
def managed_group(managed: str) -> str:
    return managed


@pytest.mark.parametrize(
    "answer",
    [
        CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "", "RequestId": ""}'),
        CannedAnswer(body=b"{}"),
    ],
    ids=["no permission", "no answer"],
)
def test_regions_that_cannot_be_listed_are_no_empty_list(ecs: FakeEcs, answer: CannedAnswer) -> None:
    ecs.answer_always("DescribeRegions", answer)
    done = managed(ecs, "--all-regions", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("DescribeRegions ")


def test_explain_says_what_was_denied_for_whom_and_how_often(ecs: FakeEcs, tmp_path: Path) -> None:
    """The command lists the stopped calls and counts the allowed ones. Look-ups and checks do not count."""
    path = tmp_path / "decisions.jsonl"
    for outcome in REACH:
        REACH[outcome](ecs, [JsonLinesLog(path)], "sync")
    REACH["denied"](ecs, [JsonLinesLog(path)], "sync")
    done = run("explain", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    first, head, *rows = rows_of(done.stdout)
    assert " ".join(first) == (
        "Decisions: 6 (2 denied, 1 allowed, 1 would have been denied, 1 let through by a bypass, 1 stopped, as "
        "they could not be determined)"
    )
    assert head[:4] == ["times", "outcome", "action", "managed_by"]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("2", "denied", "DeleteSecurityGroup"),
        ("1", "bypassed", "DeleteSecurityGroup"),
        ("1", "unavailable", "DeleteSecurityGroup"),
        ("1", "would_deny", "DeleteSecurityGroup"),
    ]
    bars = [row[1] for row in rows]
    assert [len(bar) for bar in bars] == [12, 6, 6, 6]
    assert {letter for bar in bars for letter in bar} <= {"█", "#"}
    assert rows[0][4] == "7"
    facts = [json.loads(line) for line in path.read_text().splitlines()]
    callers = {fact["caller"] for fact in facts if fact["event"] == "decided"}
    assert {row[-1] for row in rows} == {caller.removeprefix(f"{Path.cwd()}/") for caller in callers}


def test_explain_in_json_holds_every_group(ecs: FakeEcs, tmp_path: Path) -> None:
    """The table names one group and the number of the others."""
    path = tmp_path / "decisions.jsonl"
    ids = [ecs.create_security_group(service_managed=True, service_id=7) for _ in range(5)]
    client = Client(ecs.config(), cache=StatusCache(), observers=[JsonLinesLog(path)])
    for each in ids:
        with pytest.raises(Exception, match="managed by serviceID"):
            client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=each))
    [row] = json.loads(run("explain", str(path), "--json").stdout)
    assert (row["times"], row["outcome"], row["managed_by"]) == (5, "denied", ["7"])
    assert row["security_group_ids"] == ids
    assert row["caller"].startswith(f"{__file__}:")
    assert row["last"].endswith("Z")
    assert f"{ids[0]} and 4 more" in run("explain", str(path)).stdout
    assert ", ".join(ids) in run("explain", str(path), "--csv").stdout


def test_explain_names_the_groups_that_stopped_a_call_and_no_others(ecs: FakeEcs, tmp_path: Path) -> None:
    """The groups of an allowed service are left out."""
    path = tmp_path / "decisions.jsonl"
    ours, theirs = (ecs.create_security_group(service_managed=True, service_id=each) for each in (5, 6))
    policy = GuardPolicy(allowed_service_ids=frozenset({5}))
    client = Client(ecs.config(), policy=policy, cache=StatusCache(), observers=[JsonLinesLog(path)])
    request = models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=[ours, theirs])
    with pytest.raises(ManagedSecurityGroupError):
        client.modify_instance_attribute(request)
    [row] = json.loads(run("explain", str(path), "--json").stdout)
    assert (row["managed_by"], row["security_group_ids"]) == (["6"], [theirs])


def test_explain_leaves_out_what_is_no_fact_and_says_so(tmp_path: Path) -> None:
    """Torn lines and lines of other programs are left out, and control characters are escaped."""
    path = tmp_path / "log"
    evil = {
        "event": "decided",
        "outcome": "denied",
        "action": "\x1b[31mred\n",
        "groups": [None, {"status": "managed"}],
    }
    path.write_bytes(b'{"event": "deci\n[]\n{}\n\xff\n' + json.dumps(evil).encode() + b"\n")
    done = run("explain", str(path))
    assert done.returncode == 0
    assert done.stdout.startswith("Decisions: 1 (1 denied)\n")
    assert "\\x1b[31mred\\n" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == "Skipped 4 of 5 lines: they are no records of safe_ecs.\n"


def test_explain_of_an_empty_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.touch()
    assert run("explain", str(path)).stdout == "Decisions: 0\n"
    assert run("explain", str(path), "--json").stdout == "[]\n"


def test_a_terminal_gets_colours_a_bar_and_progress(ecs: FakeEcs, tmp_path: Path) -> None:
    """Ids are never cut, but folded at need."""
    group = ecs.create_security_group(service_managed=True, service_id=7)
    path = tmp_path / "log"
    REACH["denied"](ecs, [JsonLinesLog(path)], "sync")
    ecs.latency = 0.3
    named = ("--region-id", "cn-hangzhou", "--endpoint-url", f"http://{ecs.endpoint}")
    shown = in_terminal("managed", *named)
    assert "0 found" in shown
    assert group in shown
    assert "found" not in text_of(shown)
    assert "\x1b[31mdenied" in in_terminal("explain", str(path))
    _, _, folded = text_of(in_terminal("managed", *named, columns=30)).partition("──\n")
    first, *more = (line.split() for line in folded.splitlines())
    assert (first[1] + "".join(line[-1] for line in more)).startswith(group)


@pytest.mark.parametrize("command", ["demo", "permissions", "check", "managed", "explain"])
def test_every_command_has_a_help_with_an_example(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert re.search(rf"Example: python -m safe_ecs {command}\b", done.stdout)


def test_without_rich_the_command_line_says_what_to_install() -> None:
    code = "import sys; sys.modules['rich'] = None; from safe_ecs.cli._entry import main; sys.exit(main(['demo']))"
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "The command line needs the extra cli: pip install 'safe-ecs[cli]'\n"


def test_the_command_is_installed_under_its_name() -> None:
    """The command's usage shows this name."""
    script = Path(sys.executable).with_name("safe-ecs")
    done = subprocess.run([script, "check"], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own
    assert done.returncode == 3
    assert done.stderr.startswith("usage: safe-ecs check ")


def test_a_reader_that_goes_away_is_no_error() -> None:
    """``head``, for example, closes the pipe early."""
    process = subprocess.Popen(
        [sys.executable, "-m", "safe_ecs", "permissions"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(60) == 141
