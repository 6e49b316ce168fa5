"""A look-up from inside a look-up, or an exception out of one, leaves nobody waiting."""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials_api import ICredentials, ICredentialsProvider

from safe_ecs import Client, GuardPolicy, StatusCache, StatusUnavailableError
from tests.support.concurrency import Callers, run_script

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


FORMS = ("sync", "async")


def status(client: Client, group: str, form: str = "sync") -> Any:
    if form == "sync":
        return client.guard.status(group)
    return asyncio.run(client.guard.status_async(group))


class Reentrant(ICredentialsProvider):
    """Credentials that are fetched with the help of a guarded client."""

    def __init__(self, ask: Any) -> None:
        self._ask = ask

    def get_provider_name(self) -> str:
        return "reentrant"

    def get_credentials(self) -> ICredentials:
        self._ask()
        return self._credentials()

    async def get_credentials_async(self) -> ICredentials:
        return self._credentials()

    @staticmethod
    def _credentials() -> ICredentials:
        from alibabacloud_credentials.provider.refreshable import Credentials  # noqa: PLC0415 - private to one test

        return Credentials(access_key_id="fake-account", access_key_secret="fake-secret", provider_name="x")


@pytest.mark.parametrize("form", FORMS)
def test_a_lookup_from_inside_a_lookup_does_not_wait_for_itself(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, form: str
) -> None:
    """The inner look-up is for the same endpoint, with the same settings. For the same group, it fails at once."""
    found: list[Any] = []

    def ask() -> None:
        if len(found) < 2:
            found.append(None)
            for number, group in enumerate((ordinary, managed)):
                try:
                    found[number:] = [outer.guard.status(group)]
                except StatusUnavailableError as error:
                    found[number:] = [error]

    outer = Client(ecs.config(), cache=StatusCache(), policy=GuardPolicy(lookup_timeout=20))
    vars(outer)["_credential"] = CredentialClient(provider=Reentrant(ask))
    start = monotonic()
    [answer] = Callers([partial(status, outer, managed, form)]).join(30)
    assert answer[managed].service_managed
    assert found[0][ordinary].exists
    assert "was asked for from inside a look-up that needs its answer" in found[1].message
    # An inner look-up that waited for the outer one would take lookup_timeout.
    assert monotonic() - start < 15


class Broken(Exception):  # noqa: N818 - somebody's
    pass


@pytest.mark.parametrize("error", [Broken, MemoryError])
@pytest.mark.parametrize("form", FORMS)
def test_whatever_breaks_a_lookup_everybody_hears_of_it(
    ecs: FakeEcs, form: str, error: type[BaseException]
) -> None:
    """Every caller gets the error. Here the credentials raise it."""

    def fail() -> None:
        raise error

    client = Client(ecs.config(), cache=StatusCache())
    vars(client)["_credential"] = CredentialClient(provider=Reentrant(fail))
    errors = Callers([partial(status, client, "sg-1", form)] * 5).join(10)
    assert all(isinstance(each, StatusUnavailableError) for each in errors)
    assert f"failed with {error.__name__}" in errors[0].message


def test_an_exit_from_inside_a_lookup_exits(ecs: FakeEcs) -> None:
    """As from inside a call of the stock client."""

    def leave() -> None:
        raise SystemExit

    client = Client(ecs.config(), cache=StatusCache())
    vars(client)["_credential"] = CredentialClient(provider=Reentrant(leave))
    ends = Callers([partial(status, client, "sg-1", "sync")] * 5).join(10)
    assert [type(end) for end in ends] == [SystemExit] * 5


def test_a_signal_handler_that_looks_up_does_not_wait_for_the_thread_it_interrupts(
    ecs: FakeEcs, managed: str, ordinary: str
) -> None:
    """The handler runs while its thread waits for ECS. In the pool of connections, the stock client would be stuck too."""
    ecs.latency = 0.05
    printed = run_script(
        """
        import signal, sys, time
        from alibabacloud_tea_openapi.utils_models import Config
        from safe_ecs import Client, StatusUnavailableError
        client = Client(Config(access_key_id="k", access_key_secret="s", protocol="HTTP",
                               endpoint=sys.argv[1], region_id="cn-hangzhou"))
        rounds = 0
        def handle(*_):
            global rounds
            rounds += 1
            assert client.guard.status(sys.argv[3], refresh=True)[sys.argv[3]].exists
            try:
                client.guard.status(sys.argv[2], refresh=True)
            except StatusUnavailableError:
                pass  # The interrupted thread is asking for this very group.
            signal.setitimer(signal.ITIMER_REAL, 0.02)
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        start = time.monotonic()
        while rounds < 20:
            client.guard.status(sys.argv[2], refresh=True)
        signal.setitimer(signal.ITIMER_REAL, 0)
        print("slow" if time.monotonic() - start > 30 else "fine")
        """,
        ecs.endpoint,
        managed,
        ordinary,
    )
    assert printed == "fine\n"
