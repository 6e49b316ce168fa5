"""While ECS cannot be asked, calls take little time, and old statuses still serve."""

from __future__ import annotations

import asyncio
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import Client, GuardPolicy, StatusCache, StatusUnavailableError
from safe_ecs._lookup.sending.breaker import RetryQuota
from safe_ecs._system.clock import Clock
from safe_ecs.testing import CannedAnswer
from tests.support.concurrency import Callers
from tests.support.observers import RecordingObserver
from tests.support.quotas import take
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


DESCRIBE = "DescribeSecurityGroups"


FORMS = ("sync", "async")


DOWN = CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}')


SILENT = CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}', delay=60)


THROTTLED = CannedAnswer(status=400, body=b'{"Code": "Throttling.User"}')


DENIED = CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM"}')


WRONG_KEY = CannedAnswer(status=404, body=b'{"Code": "InvalidAccessKeyId.NotFound"}')


def make(ecs: FakeEcs, **policy: Any) -> Client:
    return Client(ecs.config(), policy=GuardPolicy(**policy), cache=StatusCache())


def check(client: Client, group: str, form: str = "sync") -> Any:
    parameters = {"SecurityGroupId": group}
    if form == "async":
        return asyncio.run(client.guard.check_async("DeleteSecurityGroup", parameters))
    return client.guard.check("DeleteSecurityGroup", parameters)


@pytest.fixture
def clock(mocker: Any) -> Any:
    """The clock of the cache."""
    return mocker.patch.object(Clock, "now", return_value=1000.0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("answer", [DOWN, THROTTLED, CannedAnswer(status=0), CannedAnswer(body=b"<html>")])
def test_a_status_that_has_outlived_ttl_serves_while_ecs_cannot_be_asked(
    ecs: FakeEcs, clock: Any, managed: str, answer: CannedAnswer, form: str
) -> None:
    """The status is marked as stale, and the guard asks again at the next chance."""
    client = make(ecs, lookup_attempts=1)
    check(client, managed, form)
    ecs.answer_always(DESCRIBE, answer)
    clock.return_value += 300 + 3599
    decision = check(client, managed, form)
    [group] = decision.groups
    assert (decision.outcome, group.source, group.age) == ("denied", "stale", 3899.0)
    assert decision.reason.endswith(f"ECS cannot be asked now; stale: {managed} (3899 s old).")
    assert client.guard.stats.stale_hits == 1
    ecs.answer_always(DESCRIBE, None)
    clock.return_value += 1
    [group] = check(client, managed, form).groups
    assert (group.source, group.age) == ("lookup", 0.0)


def test_a_call_on_a_stale_ordinary_group_goes_out(ecs: FakeEcs, clock: Any, ordinary: str) -> None:
    client = make(ecs)
    check(client, ordinary)
    ecs.answer_always(DESCRIBE, DOWN)
    clock.return_value += 1000
    client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
    assert len(ecs.writes) == 1


@pytest.mark.parametrize(
    ("age", "stale_ttl", "answer"),
    [(300 + 3600, 3600, DOWN), (300, 0, DOWN), (400, 3600, DENIED), (400, 3600, WRONG_KEY)],
)
def test_what_is_too_old_or_refused_is_not_served(
    ecs: FakeEcs, clock: Any, ordinary: str, age: float, stale_ttl: float, answer: CannedAnswer
) -> None:
    """A denial is an answer, and stale statuses are for a lack of answers."""
    client = make(ecs, stale_ttl=stale_ttl)
    check(client, ordinary)
    ecs.answer_always(DESCRIBE, answer)
    clock.return_value += age
    assert check(client, ordinary).outcome == "unavailable"


def test_a_missing_group_is_never_stale(ecs: FakeEcs, clock: Any) -> None:
    """Somebody may have created the group meanwhile, even a cloud service."""
    client = make(ecs)
    assert check(client, "sg-none").outcome == "allowed"
    ecs.answer_always(DESCRIBE, DOWN)
    clock.return_value += 6
    assert check(client, "sg-none").outcome == "unavailable"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("answer", "holds_for_others"),
    [(DOWN, True), (THROTTLED, True), (WRONG_KEY, True), (DENIED, False)],
    ids=["outage", "throttling", "wrong key", "no permission"],
)
def test_a_failure_is_not_repeated_for_failure_ttl(
    ecs: FakeEcs,
    clock: Any,
    form: str,
    answer: CannedAnswer,
    holds_for_others: bool,  # noqa: FBT001 - parametrized
) -> None:
    """An outage holds for everybody, throttling and a wrong key for one principal, a missing permission for some groups."""
    client = make(ecs, lookup_attempts=1, failure_ttl=2)
    ecs.answer_always(DESCRIBE, answer)
    assert check(client, "sg-1", form).outcome == "unavailable"
    decision = check(client, "sg-1", form)
    assert decision.outcome == "unavailable"
    assert len(ecs.reads) == 1
    check(client, "sg-2", form)
    assert len(ecs.reads) == (1 if holds_for_others else 2)
    reads = len(ecs.reads)
    clock.return_value += 2
    check(client, "sg-1", form)
    assert len(ecs.reads) == reads + 1


def test_throttling_and_a_wrong_key_are_not_other_peoples(ecs: FakeEcs) -> None:
    """Each account has its own throttling and its own key."""
    for answer in (THROTTLED, WRONG_KEY):
        cache, policy = StatusCache(), GuardPolicy(lookup_attempts=1)
        clients = [Client(ecs.config(service_id=i), policy=policy, cache=cache) for i in (1, 2)]
        ecs.answer_with(DESCRIBE, answer)
        assert [check(client, "sg-1").outcome for client in clients] == ["unavailable", "allowed"]


@pytest.mark.parametrize("form", FORMS)
def test_who_will_not_wait_says_nothing_to_those_who_will(ecs: FakeEcs, ordinary: str, form: str) -> None:
    """Clients of one cache may differ in lookup_timeout: a short one that expires says nothing about a longer one."""
    cache, ecs.latency = StatusCache(), 0.3
    impatient, patient = (
        Client(ecs.config(), cache=cache, policy=GuardPolicy(lookup_timeout=seconds, failure_ttl=60))
        for seconds in (0.1, 10)
    )
    assert check(impatient, ordinary, form).outcome == "unavailable"
    assert check(patient, ordinary, form).outcome == "allowed"


def test_an_answer_ends_an_outage(ecs: FakeEcs, ordinary: str) -> None:
    """An answer to any call ends the outage."""
    client = make(ecs, lookup_attempts=1, failure_ttl=60)
    ecs.answer_with(DESCRIBE, DOWN)
    assert check(client, ordinary).outcome == "unavailable"
    client.guard.status(ordinary, refresh=True)
    assert client.guard.status("sg-other")["sg-other"].exists is False


def test_a_failure_that_is_remembered_holds_on_to_no_exception(ecs: FakeEcs) -> None:
    """The frames of an exception hold the client, and the client holds its keys."""
    client = make(ecs, lookup_attempts=1)
    ecs.answer_with(DESCRIBE, DOWN)
    first, second = check(client, "sg-1").undetermined[0], check(client, "sg-1").undetermined[0]
    assert first.cause is not None
    assert second.cause is None
    assert first == second


@pytest.mark.parametrize(
    ("form", "answer"),
    [("sync", SILENT), ("async", SILENT), ("sync", DOWN), ("async", CannedAnswer(status=0))],
    ids=["silence", "silence in a loop", "503", "reset in a loop"],
)
def test_1000_calls_in_an_outage_wait_less_than_three_lookup_timeouts(
    ecs: FakeEcs, form: str, answer: CannedAnswer
) -> None:
    """Each call is for another group and is let through. The sum counts the guard's time without the writes."""
    notebook = RecordingObserver()
    client = Client(
        ecs.config(),
        policy=GuardPolicy(on_unavailable="allow"),
        cache=StatusCache(),
        observers=[notebook],
    )
    ecs.answer_always(DESCRIBE, answer)
    ecs.answer_always("ModifySecurityGroupAttribute", CannedAnswer(body=b"{}"))

    async def modify_all() -> None:
        for number in range(1000):
            await client.modify_security_group_attribute_async(request(number))

    def request(number: int) -> Any:
        return models.ModifySecurityGroupAttributeRequest(
            security_group_id=f"sg-{number}", description="mine"
        )

    def calls() -> None:
        if form == "async":
            asyncio.run(modify_all())
            return
        for number in range(1000):
            client.modify_security_group_attribute(request(number))

    Callers([calls]).join(300)
    assert len(notebook.decisions) == len(ecs.writes) == 1000
    seconds = sum(record.decide_microseconds for record in notebook.decisions) / 1_000_000
    assert seconds < 3 * client.guard.policy.lookup_timeout == 30
    assert len(ecs.reads) < 60


def test_a_slow_ecs_is_found_again_after_an_outage(ecs: FakeEcs, ordinary: str) -> None:
    """In an outage a look-up has little time at first. Its time grows until the answer of a slow ECS fits into it."""
    policy = GuardPolicy(lookup_timeout=2.0, failure_ttl=0.05, lookup_attempts=1)
    client = Client(ecs.config(), policy=policy, cache=StatusCache())
    ecs.answer_with(DESCRIBE, CannedAnswer(delay=5))
    assert check(client, "sg-1").outcome == "unavailable"
    ecs.latency = 0.6
    start = monotonic()
    sleep(0.1)
    assert check(client, ordinary).outcome == "unavailable"
    assert monotonic() - start < policy.lookup_timeout
    while check(client, ordinary).outcome == "unavailable":
        assert monotonic() - start < 30
        sleep(0.1)


def test_those_who_wait_behind_a_failed_batch_share_its_failure(ecs: FakeEcs) -> None:
    """The queued callers would have got the same failure."""
    client = make(ecs, lookup_attempts=1)
    ecs.answer_always(DESCRIBE, CannedAnswer(status=503, body=DOWN.body, delay=0.5))
    errors = Callers(partial(client.guard.status, f"sg-{number}") for number in range(150)).join(10)
    assert len(ecs.reads) == 1
    assert [error.decision.undetermined[0].security_group_id for error in errors] == [
        f"sg-{number}" for number in range(150)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_one_who_waits_behind_a_batch_that_was_denied_is_asked_for_himself(
    ecs: FakeEcs, ordinary: str, form: str
) -> None:
    """ECS may deny some groups only, so the guard asks for the queued caller's own groups."""
    client = make(ecs)
    ecs.answer_with(DESCRIBE, CannedAnswer(status=403, body=DENIED.body, delay=0.5))

    async def tasks() -> list[Any]:
        first = asyncio.create_task(client.guard.status_async("sg-1"))
        await asyncio.sleep(0.2)
        return list(await asyncio.gather(first, client.guard.status_async(ordinary), return_exceptions=True))

    def threads() -> list[Any]:
        first = Callers([partial(client.guard.status, "sg-1")])
        while not ecs.reads:
            pass
        answer = client.guard.status(ordinary)
        return [*first.join(10), answer]

    denied, answer = threads() if form == "sync" else asyncio.run(tasks())
    assert isinstance(denied, StatusUnavailableError)
    assert answer[ordinary].exists


def test_the_quota_of_retries_is_used_up_and_earned_back() -> None:
    """An empty quota makes a failure final at once, as in botocore's standard mode."""
    quota = RetryQuota()
    taken = 0
    while take(quota, "ecs"):
        taken += 1
    assert taken == RetryQuota.CAPACITY / RetryQuota.COST
    assert take(quota, "another")
    quota.give_back("ecs", tries=2)
    assert take(quota, "ecs")
    assert not take(quota, "ecs")
    for _ in range(RetryQuota.COST):
        quota.give_back("ecs", tries=1)
    assert take(quota, "ecs")


def test_in_a_lasting_outage_a_look_up_is_tried_once(ecs: FakeEcs, managed: str) -> None:
    """Look-ups are retried again after the outage."""
    # In an outage a call waits for a fraction of lookup_timeout only, so the time-out is long.
    client = make(ecs, failure_ttl=0, lookup_timeout=100)
    ecs.answer_always(DESCRIBE, DOWN)
    for _ in range(6):
        check(client, managed)
    reads = len(ecs.reads)
    assert reads < 6 * 4
    check(client, managed)
    assert len(ecs.reads) == reads + 1
    ecs.answer_always(DESCRIBE, None)
    for _ in range(10):
        client.guard.status(managed, refresh=True)
    ecs.answer_with(DESCRIBE, DOWN)
    with pytest.raises(Exception, match="managed"):
        call(
            client,
            "DeleteSecurityGroup",
            models.DeleteSecurityGroupRequest(security_group_id=managed),
            "sync",
        )


@pytest.mark.parametrize("form", FORMS)
def test_a_proxy_that_is_down_is_no_outage_for_those_who_use_none(
    ecs: FakeEcs, ordinary: str, form: str
) -> None:
    cache, policy = StatusCache(), GuardPolicy(lookup_attempts=1, failure_ttl=60)
    config = ecs.config()
    config.http_proxy = "http://127.0.0.1:1"
    assert check(Client(config, cache=cache, policy=policy), ordinary, form).outcome == "unavailable"
    assert check(Client(ecs.config(), cache=cache, policy=policy), ordinary, form).outcome == "allowed"


def test_refresh_in_an_outage_is_an_error(ecs: FakeEcs, ordinary: str) -> None:
    """``refresh`` excludes cached statuses, so the call fails."""
    client = make(ecs, lookup_attempts=1)
    client.guard.status(ordinary)
    ecs.answer_always(DESCRIBE, DOWN)
    with pytest.raises(StatusUnavailableError):
        client.guard.status(ordinary, refresh=True)


def test_one_accounts_retries_are_not_anothers(ecs: FakeEcs, ordinary: str) -> None:
    """Two accounts have separate quotas, even at the same host."""
    throttled = make(ecs, failure_ttl=0)
    ecs.answer_always(DESCRIBE, THROTTLED)
    for _ in range(8):
        check(throttled, ordinary)
    ecs.answer_always(DESCRIBE, None)
    ecs.answer_with(DESCRIBE, DOWN)
    other = Client(ecs.config(service_id=7), cache=StatusCache())
    assert check(other, ordinary).outcome == "allowed"
