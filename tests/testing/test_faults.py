"""FakeEcs fails on demand, action by action, and records every request."""

from __future__ import annotations

from functools import partial
from itertools import product
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, get_args

import pytest
import requests
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.exceptions import ClientException
from Tea.exceptions import TeaException

from safe_ecs import Client, GuardError, StatusCache
from safe_ecs.cache._status_cache import SHARED
from safe_ecs.testing import CannedAnswer, FakeEcs, Fault
from safe_ecs.testing._faults import FaultKind
from tests.support.concurrency import Callers
from tests.support.fake_world import REGION, make_world, send
from tests.support.sdk import models
from tests.support.signing import send_v1
from tests.support.transports import call

if TYPE_CHECKING:
    from pathlib import Path

LIST = "DescribeSecurityGroups"
CREATE = "CreateSecurityGroup"


def listed(stock: Any) -> Any:
    return send(stock, LIST, RegionId=REGION)


def raw(ecs: FakeEcs, action: str = LIST) -> requests.Response:
    return send_v1(ecs.endpoint, {"Action": action, "RegionId": REGION})


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("throttled", 400, "Throttling.User"),
        ("unavailable", 503, "ServiceUnavailable"),
        ("internal_error", 500, "InternalError"),
    ],
)
def test_an_error_of_ecs_is_answered_and_nothing_is_done(
    ecs: FakeEcs, stock: Any, kind: Any, status: int, code: str
) -> None:
    ecs.answer_with(CREATE, Fault(kind))
    with pytest.raises(TeaException) as error:
        send(stock, CREATE, RegionId=REGION)
    assert (error.value.statusCode, error.value.code) == (status, code)
    assert ecs.requests[0].code == code
    assert listed(stock).total_count == 0


@pytest.mark.parametrize(("kind", "groups"), [("reset", 0), ("lost", 1)])
def test_a_connection_is_cut_before_or_after_the_request_is_done(
    ecs: FakeEcs, stock: Any, kind: Any, groups: int
) -> None:
    """A lost answer loses the answer alone: the request is done."""
    ecs.answer_with(CREATE, Fault(kind))
    with pytest.raises(TeaException):
        send(stock, CREATE, RegionId=REGION)
    assert ecs.requests[0].status == 0
    assert listed(stock).total_count == groups


def test_answers_are_spoilt(ecs: FakeEcs) -> None:
    """Answers come cut short, without JSON, with strings for numbers and flags, or with half of the list."""
    for _ in range(4):
        ecs.create_security_group(service_managed=True, service_id=7)
    ecs.answer_with(LIST, Fault("truncated"), Fault("malformed"), Fault("wrong_types"), Fault("partial_page"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        raw(ecs)
    malformed = raw(ecs)
    assert malformed.status_code == 200
    with pytest.raises(ValueError, match=r"line 1 column \d+"):
        malformed.json()
    group = raw(ecs).json()["SecurityGroups"]["SecurityGroup"][0]
    assert (group["ServiceManaged"], group["ServiceID"], group["RuleCount"]) == ("true", "7", "0")
    partial = raw(ecs).json()
    assert (partial["TotalCount"], len(partial["SecurityGroups"]["SecurityGroup"])) == (4, 2)
    assert len(raw(ecs).json()["SecurityGroups"]["SecurityGroup"]) == 4


def test_an_answer_comes_late(ecs: FakeEcs, stock: Any) -> None:
    """A slow answer delays no other request."""
    ecs.answer_with(LIST, Fault("slow", delay=1.5))
    first = Thread(target=listed, args=(stock,))
    start = monotonic()
    first.start()
    while len(ecs.requests) < 1:
        assert monotonic() - start < 10
    listed(stock)
    assert first.is_alive()
    first.join(10)
    assert monotonic() - start >= 1.5


def test_faults_come_in_turn_and_do_not_mix_with_other_actions(ecs: FakeEcs, stock: Any) -> None:
    """Faults come in turn, a given number of times or until further notice."""
    ecs.fail(LIST, Fault("unavailable"), Fault("internal_error"), times=3)
    codes = []
    for _ in range(4):
        send(stock, "DescribeRegions")
        codes.append(raw(ecs).json().get("Code"))
    assert codes == ["ServiceUnavailable", "InternalError", "ServiceUnavailable", None]
    ecs.fail(LIST, Fault("throttled"))
    assert [raw(ecs).status_code for _ in range(3)] == [400] * 3
    ecs.fail(LIST)
    assert raw(ecs).status_code == 200


def test_a_seed_decides_which_requests_fail_whatever_comes_between() -> None:
    """The n-th request for an action has the same fate in every run, in any order of the actions."""

    def run(seed: int, *, between: bool) -> list[str]:
        with FakeEcs() as ecs:
            ecs.fail(LIST, Fault("unavailable"), Fault("internal_error"), share=0.3, seed=seed)
            codes = []
            for number in range(40):
                if between and number % 3:
                    raw(ecs, "DescribeRegions")
                codes.append(raw(ecs).json().get("Code", ""))
            return codes

    alone, mixed, other = run(1, between=False), run(1, between=True), run(2, between=False)
    assert alone == mixed != other
    assert set(alone) == {"", "ServiceUnavailable", "InternalError"}
    assert 4 <= sum(map(bool, alone)) <= 20


def test_a_fault_of_every_kind_leaves_the_guard_closed(ecs: FakeEcs) -> None:
    """The guard sends no write while it reads the status of a group wrongly or not at all, sync and async."""
    group = ecs.create_security_group(service_managed=True, service_id=7)
    client = Client(ecs.config())
    for kind, form in product(get_args(FaultKind), ("sync", "async")):
        ecs.answer_always(LIST, Fault(kind, delay=0.01))
        client.guard.forget()
        request = models.DeleteSecurityGroupRequest(region_id=REGION, security_group_id=group)
        with pytest.raises(GuardError):
            call(client, "DeleteSecurityGroup", request, form)
    ecs.assert_no_writes()


def test_throttling_counts_by_the_minute_of_the_clock_by_caller_and_region() -> None:
    """A caller throttled in one minute is served in the next, as with ECS."""
    now = 6000.0
    with FakeEcs(check_signatures=False, clock=lambda: now) as ecs:
        ecs.create_security_group(region_id="cn-beijing")
        ecs.throttle(LIST, per_minute=2)

        def ask(region: str = REGION, key: str = "account") -> int:
            query = {"Action": LIST, "RegionId": region, "AccessKeyId": key}
            return requests.get(f"http://{ecs.endpoint}/", params=query, timeout=30).status_code

        ecs.config(service_id=7)
        assert [ask(), ask(), ask()] == [200, 200, 400]
        assert ecs.requests[-1].code == "Throttling.User"
        assert [ask("cn-beijing"), ask(key="fake-service-7"), ask()] == [200, 200, 400]
        now = 6059.9
        assert ask() == 400
        now = 6060.0
        assert [ask(), ask(), ask()] == [200, 200, 400]
        ecs.throttle(LIST, per_minute=None)
        assert ask() == 200


def test_odd_faults_are_refused_when_they_are_made(ecs: FakeEcs) -> None:
    """The error names the wrong field of a fault."""
    odd: Any = "odd"
    with pytest.raises(ValueError, match=r"kind must be one of throttled, .*: 'odd'"):
        Fault(odd)
    with pytest.raises(ValueError, match="delay"):
        Fault("slow")
    with pytest.raises(ValueError, match="delay"):
        Fault("reset", delay=-1)
    with pytest.raises(ValueError, match="share"):
        ecs.fail(LIST, Fault("reset"), share=1.5)
    with pytest.raises(ValueError, match="share"):
        ecs.fail(LIST, Fault("reset"), share=0.5, times=2)


def test_no_writes_is_a_fact_that_can_be_asserted(ecs: FakeEcs, stock: Any, managed: str) -> None:
    """The message names each write, its caller and its outcome. It holds no key and no signature."""
    listed(stock)
    ecs.assert_no_writes()
    with pytest.raises(ClientException):
        send(stock, "DeleteSecurityGroup", RegionId=REGION, SecurityGroupId=managed)
    send(StockClient(ecs.config(service_id=7)), CREATE, RegionId=REGION)
    with pytest.raises(AssertionError) as error:
        ecs.assert_no_writes()
    assert str(error.value) == (
        "2 write request(s) reached FakeEcs:\n"
        f"  1. DeleteSecurityGroup RegionId={REGION} SecurityGroupId={managed} by account: "
        "403 InvalidOperation.ResourceManagedByCloudProduct\n"
        f"  2. CreateSecurityGroup RegionId={REGION} by service 7: 200"
    )


def test_a_request_that_says_nothing_is_on_record_all_the_same(ecs: FakeEcs) -> None:
    """A request without action, parameters or key is recorded too."""
    assert requests.get(f"http://{ecs.endpoint}/", timeout=30).json()["Code"] == "MissingAccessKeyId"
    [request] = ecs.requests
    assert (request.action, request.caller, request.access_key_id) == ("", "", "")
    assert str(request) == "no action by an unknown caller: 400 MissingAccessKeyId"


def test_the_record_can_be_kept_short() -> None:
    """The record has a maximum length, for servers that run for long."""
    with FakeEcs(most_recorded=2) as ecs:
        for action in ("DescribeRegions", LIST, "DescribeInstances"):
            raw(ecs, action)
        assert [request.action for request in ecs.requests] == [LIST, "DescribeInstances"]


def test_a_failure_of_the_fake_itself_is_told_from_one_of_ecs(ecs: FakeEcs, mocker: Any) -> None:
    """An error of FakeEcs's own code says so. Without it the client would only see a cut connection."""
    mocker.patch.object(ecs._gateway._operations, "perform", side_effect=ZeroDivisionError("odd"))
    answer = raw(ecs)
    assert (answer.status_code, answer.json()["Code"]) == (500, "InternalError")
    assert answer.json()["Message"] == f"FakeEcs itself failed at {LIST}: ZeroDivisionError('odd')"


def test_reset_leaves_nothing_but_the_keys(ecs: FakeEcs, stock: Any) -> None:
    """A reset leaves neither record nor state nor faults."""
    make_world(ecs, stock)
    ecs.fail(LIST, Fault("reset"))
    ecs.answer_with(LIST, CannedAnswer(status=500))
    ecs.deny(LIST)
    ecs.throttle(LIST, per_minute=0)
    ecs.reset()
    assert not ecs.requests
    assert listed(stock).total_count == 0
    assert send(stock, "DescribeInstances", RegionId=REGION).total_count == 0


@pytest.mark.parametrize("how", ["reset", "load", "end"])
def test_clients_forget_what_is_no_longer_so(tmp_path: Path, how: str) -> None:
    """Every cache is emptied by a reset, a load or the end of FakeEcs, whether shared or a client's own."""
    with FakeEcs() as ecs:
        ecs.save(tmp_path / "empty.json")
        ecs.create_security_group(security_group_id="sg-1")
        caches = SHARED, StatusCache()
        clients = [Client(ecs.config(), cache=cache) for cache in caches]
        assert all(client.guard.status("sg-1")["sg-1"].exists for client in clients)
        if how != "end":
            ecs.reset() if how == "reset" else ecs.load(tmp_path / "empty.json")
            assert not any(client.guard.status("sg-1")["sg-1"].exists for client in clients)
    assert not [key for cache in caches for key in cache._store.tables.statuses if key[0] == ecs.endpoint]


def test_an_answer_on_its_way_at_a_reset_is_not_remembered(ecs: FakeEcs, client: Client) -> None:
    """An answer that was under way at a reset tells of a group from before it, and is not cached."""
    ecs.create_security_group(security_group_id="sg-1")
    ecs.latency = 0.5
    asking = Callers([partial(client.guard.status, "sg-1")])
    while not ecs.reads:
        sleep(0.005)
    ecs.reset()
    assert asking.join(10)[0]["sg-1"].exists
    assert not client.guard.status("sg-1")["sg-1"].exists


def test_failing_ends_whatever_was_said(ecs: FakeEcs, stock: Any) -> None:
    """``fail`` without a fault ends all faults, including any for a number of requests."""
    ecs.fail(LIST, Fault("unavailable"), times=3)
    ecs.fail(LIST, Fault("throttled"))
    ecs.fail(LIST)
    assert listed(stock).total_count == 0


def test_what_makes_no_sense_is_refused_when_it_is_asked_for(ecs: FakeEcs) -> None:
    """An impossible fault raises when it is set, and not in the middle of an answer."""
    neither: Any = "reset"
    with pytest.raises(TypeError, match="a CannedAnswer or a Fault"):
        ecs.fail(LIST, neither)
    with pytest.raises(TypeError, match="a CannedAnswer or a Fault"):
        ecs.answer_with(LIST, Fault("reset"), neither)
    with pytest.raises(TypeError, match="a CannedAnswer or a Fault"):
        ecs.answer_always(LIST, neither)
    with pytest.raises(ValueError, match="times must not be negative"):
        ecs.fail(LIST, Fault("reset"), times=-1)
    with pytest.raises(ValueError, match="per_minute must not be negative"):
        ecs.throttle(LIST, -1)
    with pytest.raises(ValueError, match="latency must not be negative"):
        ecs.latency = -0.1
    with pytest.raises(ValueError, match="latency must not be negative"):
        FakeEcs(latency=float("nan"))
    with pytest.raises(ValueError, match="most_recorded must not be negative"):
        FakeEcs(most_recorded=-1)


def test_a_group_that_is_named_in_capitals_is_found(ecs: FakeEcs, stock: Any) -> None:
    """An id is kept in lower case, as ECS's ids are, and found in any case."""
    group = ecs.create_security_group(security_group_id=" sg-NAT ", service_managed=True, service_id=7)
    assert (group, ecs.has_security_group("sg-NAT")) == ("sg-nat", True)
    for asked in ("sg-NAT", group):
        with pytest.raises(ClientException, match="has been managed by"):
            stock.delete_security_group(
                models.DeleteSecurityGroupRequest(region_id=REGION, security_group_id=asked)
            )
    ecs.create_rule("sg-NAT", "ingress", IpProtocol="TCP")
    ecs.remove_security_group("sg-NAT")
    assert not ecs.has_security_group(group)
    with pytest.raises(KeyError):
        ecs.create_rule(group, "ingress", IpProtocol="TCP")


def test_a_saved_state_is_loaded_as_it_was(ecs: FakeEcs, stock: Any, tmp_path: Path) -> None:
    """A loaded state holds every resource in its order. Services can sign for their groups at once."""
    world = make_world(ecs, stock)
    both = {"RegionId": REGION, "ResourceType": "instance"}
    send(stock, "TagResources", **both, ResourceId=[world.instance], Tag=[{"Key": "a", "Value": "b"}])
    path = tmp_path / "state.json"
    ecs.save(path)
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]
    with FakeEcs() as other:
        other.create_security_group()
        other.load(path)
        assert other.snapshot() == ecs.snapshot()
        assert listed(StockClient(other.config())).total_count == listed(stock).total_count == 6
        query = {"Action": "DeleteSecurityGroup", "SecurityGroupId": world.managed}
        assert send_v1(other.endpoint, query, key=("fake-service-7", "fake-secret")).status_code == 200


@pytest.mark.parametrize(
    "text",
    ["no json", "[]", "{}", '{"format": 2}', '{"format": 1, "security_groups": [{"rules": [], "odd": 1}]}'],
)
def test_a_file_that_holds_no_state_is_refused_by_name(ecs: FakeEcs, tmp_path: Path, text: str) -> None:
    """The error names the file, and the state stays as it was."""
    group = ecs.create_security_group()
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"state\.json holds no state of FakeEcs: "):
        ecs.load(path)
    assert ecs.has_security_group(group)
