"""``explain`` sums up a log of decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs.observe import JsonLinesLog
from tests.support.command_line import rows_of, run
from tests.support.observers import REACH
from tests.support.sdk import models

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


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
