"""JsonLinesLog appends one line for every record, even if others append to the same file."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import Client, StatusCache
from safe_ecs.observe import JsonLinesLog
from tests.support.concurrency import run_script
from tests.support.observers import REACH, RecordingObserver

if TYPE_CHECKING:
    from pathlib import Path

    from safe_ecs._core.decision import Outcome
    from safe_ecs.testing import FakeEcs


@pytest.mark.parametrize("form", ["sync", "async"])
@pytest.mark.parametrize("outcome", REACH)
def test_every_outcome_is_a_line(ecs: FakeEcs, outcome: Outcome, form: str, tmp_path: Path) -> None:
    """The lines follow the order of the records, in a file and in a stream."""
    path, stream, notebook = tmp_path / "decisions.jsonl", io.StringIO(), RecordingObserver()
    REACH[outcome](ecs, [JsonLinesLog(path), JsonLinesLog(stream), notebook], form)
    told: list[Any] = [*notebook.look_ups, *notebook.decisions, *notebook.checks]
    assert [json.loads(line) for line in path.read_text().splitlines()] == [fact.to_dict() for fact in told]
    assert stream.getvalue() == path.read_text()
    assert json.loads(stream.getvalue().splitlines()[-1])["outcome"] == outcome


def test_it_appends_to_what_is_there(ecs: FakeEcs, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    Client(ecs.config(), observers=[JsonLinesLog(str(path))]).guard.check("DescribeInstances")
    assert path.read_text().startswith('before\n{"event":"checked",')


def test_a_rotated_file_stays_behind(ecs: FakeEcs, tmp_path: Path) -> None:
    """The next line begins a new file."""
    path = tmp_path / "log"
    client = Client(ecs.config(), observers=[JsonLinesLog(path)])
    client.guard.check("DescribeInstances")
    path.rename(tmp_path / "log.1")
    client.guard.check("DescribeRegions")
    assert '"DescribeInstances"' in (tmp_path / "log.1").read_text()
    assert '"DescribeRegions"' in path.read_text()


def test_a_relative_path_is_where_it_was_when_the_log_was_made(
    ecs: FakeEcs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later change of the working directory makes no difference."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    log = JsonLinesLog("log")
    monkeypatch.chdir(tmp_path / "elsewhere")
    Client(ecs.config(), observers=[log]).guard.check("DescribeInstances")
    assert (tmp_path / "log").read_text()
    assert not (tmp_path / "elsewhere" / "log").exists()


def test_a_path_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    """A wrong path must not lead to a silent loss of records."""
    with pytest.raises(FileNotFoundError):
        JsonLinesLog(tmp_path / "nowhere" / "log")


@pytest.mark.parametrize("thing", [None, 7, io.BytesIO(), ["log"]], ids=lambda thing: type(thing).__name__)
def test_what_is_neither_a_path_nor_a_text_stream_is_refused(thing: Any) -> None:
    with pytest.raises(TypeError, match="path or a text stream"):
        JsonLinesLog(thing)


def test_a_full_disk_stops_no_call(
    ecs: FakeEcs, managed: str, mocker: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """The error is logged once."""
    log = JsonLinesLog(tmp_path / "log")
    mocker.patch("os.write", side_effect=OSError(28, "No space left on device"))
    client = Client(ecs.config(), cache=StatusCache(), observers=[log])
    for _ in range(2):
        assert client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": managed}).outcome == "denied"
    assert caplog.text.count("The observer JsonLinesLog raised OSError") == 1


def test_a_line_that_the_system_takes_in_parts_arrives_whole(
    ecs: FakeEcs, mocker: Any, tmp_path: Path
) -> None:
    log, write = JsonLinesLog(tmp_path / "log"), os.write
    mocker.patch("os.write", side_effect=lambda file, data: write(file, data[:100]))
    Client(ecs.config(), observers=[log]).guard.check("DescribeInstances")
    assert json.loads((tmp_path / "log").read_text())["event"] == "checked"


def test_a_log_on_a_path_can_be_pickled_and_one_on_a_stream_cannot(tmp_path: Path) -> None:
    assert isinstance(pickle.loads(pickle.dumps(JsonLinesLog(tmp_path / "log"))), JsonLinesLog)  # noqa: S301 - our own
    with pytest.raises(TypeError):
        pickle.dumps(JsonLinesLog(sys.stderr))


APPEND = """
import sys
from safe_ecs import Client
from safe_ecs.observe import JsonLinesLog
from alibabacloud_tea_openapi.utils_models import Config
log = JsonLinesLog(sys.argv[1])
client = Client(Config(access_key_id="k", access_key_secret="s", endpoint="127.0.0.1:1"), observers=[log])
print("ready", flush=True)
sys.stdin.readline()
for number in range(300):
    client.guard.check("DescribeInstances")
"""


def test_several_processes_and_threads_append_whole_lines(ecs: FakeEcs, tmp_path: Path) -> None:
    """Simultaneous writers tear no line and lose none."""
    path = tmp_path / "log"
    processes = [
        subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-c", APPEND, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    client = Client(ecs.config(), observers=[JsonLinesLog(path)])
    threads = [
        Thread(target=lambda: [client.guard.check("DescribeInstances") for _ in range(300)]) for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    lines = path.read_text().splitlines()
    assert len(lines) == 6 * 300
    assert {json.loads(line)["outcome"] for line in lines} == {"not_guarded"}
    assert len({json.loads(line)["decision_id"] for line in lines}) == 6 * 300


def test_several_threads_write_whole_lines_to_a_stream(ecs: FakeEcs) -> None:
    stream = io.StringIO()
    client = Client(ecs.config(), observers=[JsonLinesLog(stream)])
    threads = [
        Thread(target=lambda: [client.guard.check("DescribeInstances") for _ in range(200)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([json.loads(line) for line in stream.getvalue().splitlines()]) == 4 * 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_child_that_was_forked_in_the_middle_of_a_write_does_not_hang() -> None:
    """A thread left in the parent may hold the lock of the stream."""
    printed = run_script(
        """
        import os, sys, threading, warnings
        from safe_ecs import Client
        from safe_ecs.observe import JsonLinesLog
        from alibabacloud_tea_openapi.utils_models import Config

        warnings.simplefilter("ignore")
        writing, go_on = threading.Event(), threading.Event()

        class Stream:
            def write(self, text):
                if threading.current_thread() is not threading.main_thread():
                    writing.set()
                    go_on.wait()
            def flush(self):
                pass

        config = Config(access_key_id="k", access_key_secret="s", endpoint="127.0.0.1:1")
        client = Client(config, observers=[JsonLinesLog(Stream())])
        thread = threading.Thread(target=client.guard.check, args=("DescribeInstances",))
        thread.start()
        writing.wait()
        child = os.fork()
        if child == 0:
            client.guard.check("DescribeInstances")
            os._exit(7)
        _, status = os.waitpid(child, 0)
        go_on.set()
        thread.join()
        print(os.waitstatus_to_exitcode(status))
        """
    )
    assert printed.split() == ["7"]
