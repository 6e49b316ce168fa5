"""``permissions`` lists every operation."""

from __future__ import annotations

import csv
import io
import json

from safe_ecs import OPERATIONS
from tests.support.command_line import rows_of, run


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
