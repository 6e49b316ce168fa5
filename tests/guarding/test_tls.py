"""The reads verify servers as the caller's settings say, and change nothing for the caller's own calls.

The SDK keeps the TLS settings of the first call to a host for all later calls to it.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from darabonba.core import DaraCore
from darabonba.runtime import RuntimeOptions

from safe_ecs import StatusUnavailableError
from safe_ecs.testing import FakeEcs
from tests.support.sdk import models
from tests.support.tls import TlsEcs, make_certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from safe_ecs import Client

# urllib3 warns of every such request.
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

UNVERIFIED = RuntimeOptions(ignore_ssl=True)

FORMS = ("sync", "async")

READS: dict[str, Callable[[str], tuple[Any, ...]]] = {
    "check": lambda group: ("DeleteSecurityGroup", {"SecurityGroupId": group}),
    "status": lambda group: (group,),
    "partition": lambda group: ([group],),
    "warm": lambda _: (),
    "managed_groups": lambda _: (),
}


def read(client: Client, name: str, group: str, form: str, runtime: RuntimeOptions | None = None) -> Any:
    """Call a member of the guard that reads, with the arguments that it takes."""
    arguments = READS[name](group)
    if form == "sync":
        answer = getattr(client.guard, name)(*arguments, runtime=runtime)
        return list(answer) if name == "managed_groups" else answer

    async def wait() -> Any:
        answer = getattr(client.guard, f"{name}_async")(*arguments, runtime=runtime)
        return [each async for each in answer] if name == "managed_groups" else await answer

    return asyncio.run(wait())


def delete(client: Any, group: str, form: str = "sync", runtime: RuntimeOptions | None = None) -> None:
    request = models.DeleteSecurityGroupRequest(region_id="cn-hangzhou", security_group_id=group)
    runtime = runtime or RuntimeOptions()
    if form == "sync":
        client.delete_security_group_with_options(request, runtime)
    else:
        asyncio.run(client.delete_security_group_with_options_async(request, runtime))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("certificates")
    return path


@pytest.fixture(scope="module")
def certificate(folder: Path) -> str:
    return make_certificate(folder, "server")


@pytest.fixture(scope="module")
def other_certificate(folder: Path) -> str:
    return make_certificate(folder, "other")


@pytest.fixture
def tls(certificate: str) -> Iterator[TlsEcs]:
    with TlsEcs(certificate) as server:
        yield server


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", READS)
def test_a_read_that_verifies_leaves_calls_free_not_to(tls: TlsEcs, name: str, form: str) -> None:
    """The call works, of a guarded client and of a stock client."""
    group, another = tls.create_security_group(), tls.create_security_group()
    client = tls.guarded()
    read(client, name, group, "sync")
    delete(client, group, form, UNVERIFIED)
    delete(tls.stock(), another, form, UNVERIFIED)
    assert len(tls.writes) == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_guarded_call_that_verifies_by_itself_leaves_others_free_not_to(tls: TlsEcs, form: str) -> None:
    """The look-up of a call that ECS refuses has made a connection for reads alone."""
    client, groups = tls.guarded(), [tls.create_security_group(service_managed=n == 0) for n in range(3)]
    with pytest.raises(Exception, match="ResourceManagedByCloudProduct"):
        delete(client, groups[0], form)
    delete(client, groups[1], form, UNVERIFIED)
    delete(tls.stock(ca=None), groups[2], form, UNVERIFIED)
    assert len(tls.writes) == 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", READS)
def test_a_read_need_not_verify(tls: TlsEcs, name: str, form: str) -> None:
    """Without the options of the read, the client knows no issuer of the certificate. Neither order changes the other."""
    group = tls.create_security_group()
    client = tls.guarded(ca=None)
    for _ in range(2):
        if name == "check":
            assert read(client, name, group, form).outcome == "unavailable"
        else:
            with pytest.raises(StatusUnavailableError, match="could not reach ECS"):
                read(client, name, group, form)
        client.guard.forget()
        read(client, name, group, form, UNVERIFIED)
        client.guard.forget()
    with pytest.raises(Exception, match="certificate verify failed"):
        delete(tls.stock(ca=None), group, form)
    assert vars(UNVERIFIED) == vars(RuntimeOptions(ignore_ssl=True))
    assert not tls.writes


@pytest.mark.parametrize("through", ["client", "runtime"])
def test_a_read_trusts_the_ca_of_its_own_client_alone(
    tls: TlsEcs, other_certificate: str, through: str
) -> None:
    """The server's certificate is known to the first client and to no other."""
    group = tls.create_security_group()
    if through == "client":
        tls.guarded().guard.status(group)
    else:
        tls.guarded(ca=None).guard.status(group, runtime=RuntimeOptions(ca=tls.certificate))
    for client in (tls.guarded(ca=None), tls.guarded(ca=other_certificate)):
        with pytest.raises(StatusUnavailableError, match="could not reach ECS"):
            client.guard.status(group)
    assert tls.guarded(ca=other_certificate).guard.status(group, runtime=RuntimeOptions(ca=tls.certificate))


def test_a_read_shows_the_certificate_of_its_own_client_alone(
    certificate: str, other_certificate: str
) -> None:
    """The server wants to see the certificate of the first client."""
    with TlsEcs(certificate, client_certificate=other_certificate) as tls:
        group = tls.create_security_group()
        assert tls.guarded(cert=other_certificate).guard.status(group)
        for settings in ({}, {"cert": certificate}):
            with pytest.raises(StatusUnavailableError):
                tls.guarded(**settings).guard.status(group)
        runtime = RuntimeOptions(cert=other_certificate)
        assert tls.guarded().guard.status(group, runtime=runtime)


def test_a_read_keeps_to_the_least_tls_version_of_its_own_client(certificate: str) -> None:
    """The server speaks TLS 1.2 and nothing newer."""
    with TlsEcs(certificate, newest=ssl.TLSVersion.TLSv1_2) as tls:
        group = tls.create_security_group()
        for _ in range(2):
            assert tls.guarded().guard.status(group)
            with pytest.raises(StatusUnavailableError):
                tls.guarded(tls_min_version="TLSv1.3").guard.status(group)


def test_a_read_goes_through_the_proxy_of_its_options(tls: TlsEcs) -> None:
    """The proxy of one read is not used for the next."""
    with FakeEcs() as other:
        group = tls.create_security_group()
        client = tls.guarded()
        proxied = RuntimeOptions(https_proxy=f"http://{other.endpoint}")
        for _ in range(2):
            assert client.guard.status(group, refresh=True)
            with pytest.raises(StatusUnavailableError):
                client.guard.status(group, refresh=True, runtime=proxied)


def test_reads_touch_no_session_of_a_call(tls: TlsEcs, mocker: Any) -> None:
    """The table of the SDK has the sessions that the stock client's calls make, and those of the reads beside them."""
    mocker.patch.object(DaraCore, "_sessions", {})
    groups = [tls.create_security_group() for _ in range(2)]
    delete(tls.stock(max_idle_conns=7), groups[0])
    [by_calls] = DaraCore._sessions
    mocker.patch.object(DaraCore, "_sessions", {})
    client = tls.guarded(max_idle_conns=7)
    client.guard.warm()
    assert len(DaraCore._sessions) == 1
    assert by_calls not in DaraCore._sessions
    client.guard.warm()
    tls.guarded().guard.warm()
    assert len(DaraCore._sessions) == 1
    delete(client, groups[1])
    assert by_calls in DaraCore._sessions
