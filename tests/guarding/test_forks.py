"""A forked process does its own look-ups, even if its parent's threads were in the middle of theirs."""

from __future__ import annotations

import multiprocessing
import ssl
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.concurrency import Callers, repeated, wait_for_read

if TYPE_CHECKING:
    from safe_ecs import Client
    from safe_ecs.testing import FakeEcs


@pytest.fixture
def one_tls_context(mocker: Any) -> None:
    """Have the SDK use one TLS context, instead of making new ones even for plain HTTP.

    A child that is forked while another thread makes a TLS context may find OpenSSL locked: see "What it does not do" in
    the README.
    """
    mocker.patch("ssl.create_default_context", return_value=ssl.create_default_context())


def _check(client: Client, group: str) -> None:
    decision = client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": group})
    raise SystemExit(0 if decision.outcome == "denied" else 1)


@pytest.mark.usefixtures("one_tls_context")
def test_a_process_that_forks_while_threads_look_up_does_not_hang(client: Client, managed: str) -> None:
    """The child has its own batches, its own cache and its own connections."""

    def look_up() -> None:
        client.guard.status(managed, refresh=True)

    with repeated(look_up, threads=3):
        for _ in range(10):
            child = multiprocessing.get_context("fork").Process(target=_check, args=(client, managed))
            child.start()
            child.join(20)
            exit_code = child.exitcode
            child.kill()
            assert exit_code == 0


def test_a_fork_in_the_middle_of_a_batch_starts_afresh(ecs: FakeEcs, client: Client, managed: str) -> None:
    """The child has no thread to answer the batch that it inherits, so it starts a new one."""
    ecs.latency = 0.5
    first = Callers([partial(client.guard.status, managed)])
    wait_for_read(ecs)
    child = multiprocessing.get_context("fork").Process(target=_check, args=(client, managed))
    child.start()
    child.join(8)
    exit_code = child.exitcode
    child.kill()
    assert exit_code == 0
    [answer] = first.join(10)
    assert answer[managed].service_managed
