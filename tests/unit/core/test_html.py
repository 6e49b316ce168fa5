"""A notebook shows the guard's objects as tables, and no text from the cloud becomes markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, cast

import nbformat
import pytest
from nbclient import NotebookClient

from safe_ecs import Decision, GroupStatus, GuardPolicy, ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs._core.decision import Undetermined
from safe_ecs._core.html import note, table
from safe_ecs._core.partition import Partition

if TYPE_CHECKING:
    from pathlib import Path

    from safe_ecs.testing import FakeEcs

EVIL = "<script>\nalert('&\"')</script>"
GROUP = GroupStatus(EVIL, True, True, 7, EVIL)  # noqa: FBT003 - fields
UNKNOWN = Undetermined(security_group_id=EVIL, reason=EVIL, next_step=EVIL)
DECISION = Decision(EVIL, EVIL, EVIL, "denied", True, GuardPolicy(), (GROUP,), (UNKNOWN,))  # noqa: FBT003 - a field
SHOWN = [
    GROUP,
    DECISION,
    Partition((), (GROUP,), (GROUP._replace(exists=False),)),
    ManagedSecurityGroupError(DECISION),
    StatusUnavailableError(DECISION._replace(outcome="unavailable", groups=())),
]


class Tags(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("thing", SHOWN, ids=lambda thing: type(thing).__name__)
def test_whatever_comes_from_outside_is_escaped(thing: Any) -> None:
    """The page shows every id, region, action and reason as text."""
    page = Tags(thing._repr_html_())
    assert page.tags <= {"div", "strong", "table", "thead", "tbody", "tr", "th", "td"}
    assert EVIL in page.text


@pytest.mark.parametrize("thing", SHOWN, ids=lambda thing: type(thing).__name__)
def test_a_representation_is_one_line(thing: Any) -> None:
    """One line suits a log, a traceback and a shell."""
    assert "\n" not in repr(thing)
    assert repr(DECISION).startswith("<Decision denied: ")


def test_a_decision_without_groups_is_no_empty_table() -> None:
    html = Decision("DescribeInstances", None, "host", "not_guarded", False, GuardPolicy())._repr_html_()  # noqa: FBT003 - a field
    assert Tags(html).tags == {"div", "strong"}


def test_a_service_that_is_not_known_is_an_empty_cell() -> None:
    assert "None" not in Tags(GROUP._replace(service_id=None)._repr_html_()).text


def test_a_refusal_is_told_apart_by_its_colour() -> None:
    """Every cell has the same style, with nothing between the cells."""
    assert note("denied", "It is.", is_bad=True) == (
        '<div><strong style="color:#cf222e">denied</strong> It is.</div>'
    )
    assert note("allowed", "It is.", is_bad=False) == (
        '<div><strong style="color:#1a7f37">allowed</strong> It is.</div>'
    )
    cell = "text-align:left;padding:2px 12px 2px 0"
    assert table(("a", "b"), [(1, None), ("x", "y")]) == (
        '<table style="font:inherit;border-collapse:collapse;margin:4px 0"><thead><tr>'
        f'<th style="{cell}">a</th><th style="{cell}">b</th></tr></thead><tbody>'
        f'<tr><td style="{cell}">1</td><td style="{cell}"></td></tr>'
        f'<tr><td style="{cell}">x</td><td style="{cell}">y</td></tr></tbody></table>'
    )


def run_notebook(ecs: FakeEcs, cells: list[str], directory: Path) -> list[str]:
    """Run cells in a kernel of their own and return the HTML of each."""
    config = (
        "from alibabacloud_ecs20140526 import models\n"
        "from alibabacloud_tea_openapi.utils_models import Config\n"
        "from safe_ecs import Client, GuardError\n"
        f"config = Config(access_key_id='k', access_key_secret='s', endpoint={ecs.endpoint!r}, protocol='HTTP')\n"
        "config.region_id = 'cn-hangzhou'\n"
        "client = Client(config)"
    )
    new_cell = cast("Any", nbformat.v4.new_code_cell)
    notebook = cast("Any", nbformat.v4.new_notebook)(cells=[new_cell(cell) for cell in (config, *cells)])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(directory)}}).execute()
    return [
        next((o["data"].get("text/html", "") for o in cell.outputs if o.output_type == "execute_result"), "")
        for cell in notebook.cells[1:]
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_a_notebook_shows_tables(ecs: FakeEcs, managed: str, ordinary: str, tmp_path: Path) -> None:
    """A real kernel displays a decision, a status, a listing and both errors as tables."""
    refuse = f"""
try:
    client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id={managed!r}))
except GuardError as error:
    refusal = error
refusal"""
    odd = """
try:
    client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id="odd id"))
except GuardError as error:
    refusal = error
refusal"""
    cells = [
        f"client.guard.check('DeleteSecurityGroup', {{'SecurityGroupId': {managed!r}}})",
        f"client.guard.status({managed!r})[{managed!r}]",
        f"client.guard.partition([{managed!r}, {ordinary!r}, 'sg-none'])",
        refuse,
        odd,
    ]
    shown = run_notebook(ecs, cells, tmp_path)
    for html, texts in zip(
        shown,
        [
            ("denied", managed, "managed", "1679259531804325", "lookup"),
            (managed, "managed", "cache"),
            (managed, ordinary, "unmanaged", "sg-none", "missing"),
            ("InvalidOperation.ResourceManagedByCloudProduct", managed, "1679259531804325"),
            ("SafeEcs.StatusUnavailable", "odd id", "unknown"),
        ],
        strict=True,
    ):
        cells_shown = re.sub(r"<[^>]+>", " ", html)
        assert "<td" in html
        assert [text for text in texts if text not in cells_shown] == []
