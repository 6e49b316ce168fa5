"""``python -m safe_ecs fake`` serves FakeEcs over HTTP, as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import run
from tests.support.fake_world import REGION
from tests.support.signing import send_v1, send_v3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def server(*arguments: str, stop_with: int = signal.SIGTERM) -> Iterator[tuple[str, list[str]]]:
    """Run a server. Yield its endpoint and the lines it prints. The last lines are added after the block."""
    command = [sys.executable, "-m", "safe_ecs", "fake", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        try:
            assert process.stdout is not None
            printed = [process.stdout.readline()]
            while not printed[-1].startswith("Stop it"):
                assert printed[-1], "the server has ended"
                printed.append(process.stdout.readline())
            yield printed[0].split("http://")[1].partition(",")[0], printed
            process.send_signal(stop_with)
            rest, _ = process.communicate(timeout=30)
            printed += rest.splitlines()
            assert process.returncode == 0
        finally:
            process.kill()


@pytest.mark.parametrize("stop_with", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_the_state_is_kept_from_run_to_run(tmp_path: Path, stop_with: int) -> None:
    """A managed group refuses accounts and obeys its service. A restart with --managed keeps the changes."""
    path = tmp_path / "ecs.json"
    arguments = ("--managed", "sg-nat=1679259531804325:natgw", "--state", str(path))
    with server(*arguments, stop_with=stop_with) as (endpoint, printed):
        assert any("fake-account / fake-secret (account)" in line for line in printed)
        assert f'endpoint="{endpoint}", protocol="HTTP"' in "".join(printed)
        assert f'http_proxy="http://{endpoint}")' in "".join(printed)
        rename = {
            "Action": "ModifySecurityGroupAttribute",
            "RegionId": REGION,
            "SecurityGroupId": "sg-nat",
            "SecurityGroupName": "renamed",
        }
        refused = send_v1(endpoint, rename)
        assert refused.json()["Message"] == (
            'The specified SecurityGroup "sg-nat" has been managed by serviceID "1679259531804325"; '
            'product "natgw".'
        )
        assert send_v1(endpoint, rename, key=("fake-service-1679259531804325", "fake-secret")).ok
    assert printed[-1] == f"Saved the state to {path}."
    assert json.loads(path.read_text())["security_groups"][0]["name"] == "renamed"
    with server(*arguments) as (endpoint, _):
        listed = send_v3(endpoint, "DescribeSecurityGroups", {"RegionId": REGION}).json()
        [group] = listed["SecurityGroups"]["SecurityGroup"]
        assert (group["SecurityGroupName"], group["ServiceID"]) == ("renamed", 1679259531804325)


def test_a_region_a_port_and_unsigned_requests_can_be_asked_for() -> None:
    with server() as (endpoint, _):
        port = endpoint.partition(":")[2]
    with server("--port", port, "--managed", "sg-a=7:alb@cn-beijing", "--no-signatures") as (endpoint, _):
        assert endpoint == f"127.0.0.1:{port}"
        body = send_v1(
            endpoint, {"Action": "DescribeSecurityGroups", "RegionId": "cn-beijing"}, key=("any", "thing")
        ).json()
        assert [each["SecurityGroupId"] for each in body["SecurityGroups"]["SecurityGroup"]] == ["sg-a"]
        taken = run("fake", "--port", port)
        assert taken.returncode == 3
        assert f"cannot listen on 127.0.0.1:{port}: " in taken.stderr


def test_wrong_usage_says_what_is_wrong(tmp_path: Path) -> None:
    """Wrong usage names the mistake and starts no server."""
    odd = tmp_path / "odd.json"
    odd.write_text("{}")
    for arguments, message in (
        (("--managed", "sg-nat"), "--managed must look like sg-nat=1679259531804325:natgw: 'sg-nat'"),
        (("--state", str(odd)), "odd.json holds no state of FakeEcs"),
        (("--state", str(tmp_path / "no" / "x.json")), "in a folder that does not exist"),
        (("--port", "99999"), "cannot listen on 127.0.0.1:99999"),
    ):
        done = run("fake", *arguments)
        assert done.returncode == 3
        assert message in done.stderr
        assert not done.stdout
