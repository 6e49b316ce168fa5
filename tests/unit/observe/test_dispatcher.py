"""The dispatcher tells observers the guard's deeds, and no observer can harm the client."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import subprocess
import sys
from threading import get_ident
from typing import TYPE_CHECKING, Any, get_args

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache, guard
from safe_ecs._core.decision import Outcome
from safe_ecs.observe import JsonLinesLog, Observer
from safe_ecs.testing import CannedAnswer
from tests.support.concurrency import Callers
from tests.support.observers import REACH, RecordingObserver
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from pathlib import Path

    from safe_ecs.observe import DecisionRecord
    from safe_ecs.testing import FakeEcs

DELETE = "DeleteSecurityGroup"
FORMS = ["sync", "async"]


def delete(client: Any, group: str) -> Any:
    return client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=group))


def test_every_outcome_can_be_reached() -> None:
    """The tests of each observer reach every outcome."""
    assert set(REACH) == set(get_args(Outcome))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outcome", REACH)
def test_an_observer_is_told_every_outcome_once(ecs: FakeEcs, outcome: Outcome, form: str) -> None:
    """``decided`` is for a call, ``checked`` for a check."""
    notebook = RecordingObserver()
    REACH[outcome](ecs, [notebook], form)
    told, other = notebook.decisions, notebook.checks
    if outcome == "not_guarded":
        told, other = other, told
    assert [record.outcome for record in told] == [outcome]
    assert not other
    assert told[0].event == ("checked" if outcome == "not_guarded" else "decided")
    assert told[0].refused == (outcome in {"denied", "unavailable"})


@pytest.mark.parametrize("form", FORMS)
def test_an_observer_is_told_of_look_ups(ecs: FakeEcs, form: str) -> None:
    """The record has the action, the place, the number of tries and the outcome."""
    notebook = RecordingObserver()
    throttled = CannedAnswer(status=400, body=b'{"Code": "Throttling.User", "Message": "", "RequestId": ""}')
    ecs.answer_with("DescribeSecurityGroups", throttled)
    REACH["denied"](ecs, [notebook], form)
    REACH["unavailable"](ecs, [notebook], form)
    answered, refused = notebook.look_ups
    assert (answered.action, answered.region_id, answered.endpoint) == (
        "DescribeSecurityGroups",
        "cn-hangzhou",
        ecs.endpoint,
    )
    assert (answered.groups_asked, answered.tries, answered.error) == (1, 2, None)
    assert answered.microseconds > 0
    assert (refused.tries, refused.error) == (1, "Forbidden.RAM")
    assert [record.reads for record in notebook.decisions] == [2, 1]


@pytest.mark.parametrize("form", FORMS)
def test_an_observer_is_told_of_the_pages_of_a_region(ecs: FakeEcs, managed: str, form: str) -> None:
    notebook = RecordingObserver()
    client = Client(ecs.config(), cache=StatusCache(), observers=[notebook])
    assert (asyncio.run(client.guard.warm_async()) if form == "async" else client.guard.warm()) == 1
    assert [(each.groups_asked, each.error) for each in notebook.look_ups] == [(0, None)]
    assert managed


@pytest.mark.parametrize("form", FORMS)
def test_a_look_up_that_cannot_reach_ecs_says_what_it_ended_with(ecs: FakeEcs, form: str) -> None:
    """The record has the name of the exception, as there is no code of ECS."""
    notebook = RecordingObserver()
    ecs.answer_always("DescribeSecurityGroups", CannedAnswer(status=0))
    client = Client(
        ecs.config(), cache=StatusCache(), policy=GuardPolicy(lookup_attempts=1), observers=[notebook]
    )
    parameters = {"SecurityGroupId": "sg-1"}
    if form == "async":
        asyncio.run(client.guard.check_async(DELETE, parameters))
    else:
        client.guard.check(DELETE, parameters)
    [look_up] = notebook.look_ups
    assert look_up.error is not None
    assert look_up.error.endswith(("Error", "Exception"))


def test_a_read_that_many_wait_for_is_told_once_and_counts_for_each(ecs: FakeEcs, managed: str) -> None:
    """One of the clients sent the read."""
    ecs.latency = 0.3
    notebooks = [RecordingObserver() for _ in range(8)]
    cache = StatusCache()
    clients = [Client(ecs.config(), cache=cache, observers=[notebook]) for notebook in notebooks]
    callers = Callers([lambda client=client: delete(client, managed) for client in clients])  # type: ignore[misc]  # a default binds the client
    results = callers.join(20)
    assert {type(result) for result in results} == {ManagedSecurityGroupError}
    assert len(ecs.reads) == 1
    assert sum(len(notebook.look_ups) for notebook in notebooks) == 1
    waited = [record.reads for notebook in notebooks for record in notebook.decisions]
    assert len(waited) == 8
    assert set(waited) <= {0, 1}
    assert 1 in waited


@pytest.mark.parametrize("form", FORMS)
def test_reads_are_all_that_were_sent_for_the_decision(ecs: FakeEcs, form: str) -> None:
    """101 groups are two reads, and cached groups are none."""
    groups = [ecs.create_security_group() for _ in range(101)]
    client = Client(ecs.config(), cache=StatusCache())
    parameters = {"SecurityGroupIds": groups}

    def reads() -> int:
        if form == "async":
            return asyncio.run(client.guard.check_async("ModifyInstanceAttribute", parameters)).reads
        return client.guard.check("ModifyInstanceAttribute", parameters).reads

    assert [reads(), reads()] == [2, 0]
    assert len(ecs.reads) == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_read_without_an_answer_in_time_counts_for_the_caller_that_sent_it(
    ecs: FakeEcs, ordinary: str, form: str
) -> None:
    """The thread that asks for a task may go on after the task. The counters of the guard count every request."""
    ecs.latency = 1.5
    guard = Client(ecs.config(), cache=StatusCache(), policy=GuardPolicy(lookup_timeout=0.5)).guard
    parameters = {"SecurityGroupId": ordinary}
    if form == "async":
        decision = asyncio.run(guard.check_async(DELETE, parameters))
    else:
        decision = guard.check(DELETE, parameters)
    assert (decision.outcome, guard.stats.lookups) == ("unavailable", 1)
    assert decision.reads == (1 if form == "sync" else 0)


class Raising(RecordingObserver):
    """An observer that raises at every record."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def decided(self, record: Any) -> None:
        super().decided(record)
        raise self.error

    def checked(self, record: Any) -> None:
        raise self.error

    def looked_up(self, look_up: Any) -> None:
        raise self.error


class Slotted:
    """A class with the methods of an observer, no base class and no support for weak references."""

    __slots__ = ()

    def decided(self, record: Any) -> None:
        raise ZeroDivisionError

    checked = looked_up = decided


@pytest.mark.parametrize("form", FORMS)
def test_a_raising_observer_is_logged_once_and_breaks_no_call(
    ecs: FakeEcs, ordinary: str, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The dispatcher tells the observers behind the raising one, and tells that one again. A new client logs no more."""
    raising, slotted, behind = Raising(ZeroDivisionError("a secret")), Slotted(), RecordingObserver()
    for _ in range(2):
        client = Client(ecs.config(), cache=StatusCache(), observers=[raising, slotted, behind])
        request = models.ModifySecurityGroupAttributeRequest(security_group_id=ordinary)
        call(client, "ModifySecurityGroupAttribute", request, form)
        client.guard.check("DescribeInstances")
    assert len(ecs.writes) == 2
    assert len(behind.decisions) == len(raising.decisions) == len(behind.look_ups) == 2
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    [text] = [text for text in warnings if "Raising" in text]
    first_line, *frames = text.splitlines()
    assert first_line == (
        "The observer Raising raised ZeroDivisionError when it was told 'looked_up'; calls go on, and this is "
        "not logged again. It was here:"
    )
    assert frames[-2].strip().startswith(f'File "{__file__}", line ')
    assert "a secret" not in caplog.text
    assert len([text for text in warnings if "Slotted" in text]) <= 1


def test_another_observer_at_the_same_address_is_logged_again(
    ecs: FakeEcs, caplog: pytest.LogCaptureFixture
) -> None:
    """The dispatcher forgets a logged observer when the observer is deleted."""
    for _ in range(3):
        Client(ecs.config(), observers=[Raising(ZeroDivisionError())]).guard.check("DescribeInstances")
        gc.collect()
    assert caplog.text.count("The observer Raising raised") == 3


def test_an_interrupt_in_an_observer_stops_the_call(ecs: FakeEcs, ordinary: str) -> None:
    """The interrupt is the user's, and the call has not been sent."""
    client = Client(ecs.config(), cache=StatusCache())
    client.guard.warm()
    client = Client(
        ecs.config(),
        cache=client._safe_ecs_enforcer.cache,
        observers=[Raising(KeyboardInterrupt())],
    )
    with pytest.raises(KeyboardInterrupt):
        delete(client, ordinary)
    assert not ecs.writes


class Curious(RecordingObserver):
    """An observer that uses the observed client at every record."""

    client: Any = None

    def __init__(self, groups: list[str]) -> None:
        super().__init__()
        self.groups = groups
        self.answers: list[Any] = []

    def decided(self, record: Any) -> None:
        super().decided(record)
        self.ask()

    def looked_up(self, look_up: Any) -> None:
        super().looked_up(look_up)
        self.ask()

    def ask(self) -> None:
        group = self.groups.pop()
        self.answers.append(self.client.guard.check(DELETE, {"SecurityGroupId": group}).outcome)
        with pytest.raises(ManagedSecurityGroupError):
            delete(self.client, group)


@pytest.mark.parametrize("form", FORMS)
def test_an_observer_may_use_the_client_and_is_not_told_of_that(ecs: FakeEcs, form: str) -> None:
    """The observer neither waits for itself nor calls itself for ever. The other observer is told of its calls."""
    groups = [ecs.create_security_group(service_managed=True, service_id=7) for _ in range(3)]
    curious, other = Curious(groups[1:]), RecordingObserver()
    client = curious.client = Client(ecs.config(), cache=StatusCache(), observers=[curious, other])
    request = models.DeleteSecurityGroupRequest(security_group_id=groups[0])
    with pytest.raises(ManagedSecurityGroupError):
        call(client, DELETE, request, form)
    assert curious.answers == ["denied", "denied"]
    assert (len(curious.decisions), len(curious.look_ups)) == (1, 1)
    assert (len(other.decisions), len(other.checks), len(other.look_ups)) == (3, 2, 3)
    assert not ecs.writes


def test_two_observers_of_two_clients_that_use_each_other_come_to_an_end(ecs: FakeEcs, managed: str) -> None:
    one, two = Curious([managed] * 9), Curious([managed] * 9)
    first = Client(ecs.config(), cache=StatusCache(), observers=[one])
    second = Client(ecs.config(), cache=StatusCache(), observers=[two])
    one.client, two.client = second, first
    with pytest.raises(ManagedSecurityGroupError):
        delete(first, managed)
    assert len(one.decisions) == 1
    assert len(two.decisions) >= 1


def test_an_observer_is_told_in_the_thread_of_the_call(ecs: FakeEcs, managed: str) -> None:
    threads = []

    class Here(Observer):
        def decided(self, record: Any) -> None:
            threads.append(get_ident())

    client = Client(ecs.config(), observers=[Here()])
    with pytest.raises(ManagedSecurityGroupError):
        delete(client, managed)
    assert threads == [get_ident()]


@pytest.mark.parametrize(
    "make", [Client, lambda c, **rest: guard(StockClient(c), **rest)], ids=["Client", "guard"]
)
@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy])
def test_copies_have_the_observers_of_the_original(
    ecs: FakeEcs, managed: str, make: Any, travel: Any
) -> None:
    """The observers were given to Client or to guard()."""
    notebook = RecordingObserver()
    client = travel(make(ecs.config(), observers=[notebook]))
    with pytest.raises(ManagedSecurityGroupError):
        delete(client, managed)
    assert [record.outcome for record in notebook.decisions] == ["denied"]


def test_an_observer_travels_with_a_pickled_client_if_it_can(
    ecs: FakeEcs, managed: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An observer without pickle support is left out with a warning, as the stock client can be pickled too."""

    class Local(RecordingObserver):
        pass

    log = JsonLinesLog(tmp_path / "log")
    client = pickle.loads(pickle.dumps(Client(ecs.config(), observers=[log, Local()])))  # noqa: S301 - our own
    with pytest.raises(ManagedSecurityGroupError):
        delete(client, managed)
    assert '"outcome":"denied"' in (tmp_path / "log").read_text()
    assert caplog.messages[0].startswith(
        "The observer test_an_observer_travels_with_a_pickled_client_if_it_can.<locals>.Local does not travel"
    )


class Awaited(RecordingObserver):
    async def decided(self, record: DecisionRecord) -> None: ...  # type: ignore[override]  # the point


@pytest.mark.parametrize(
    ("observers", "said"),
    [
        ([None], "an observer has the methods decided, checked, looked_up: None has not"),
        ([print], "has not"),
        ([object()], "has not"),
        (
            [RecordingObserver()] * 2 + [RecordingObserver],
            "an observer is an instance, not the class RecordingObserver",
        ),
        ([Awaited()], "decided of .* must be no coroutine function"),
        (None, "observers must be several observers, in a list or the like, not None"),
        (RecordingObserver(), "observers must be several observers"),
        ("decisions.jsonl", "'d' has not"),
    ],
)
def test_what_is_no_observer_is_refused(ecs: FakeEcs, observers: Any, said: str) -> None:
    """The error comes when the client is made. A class is not an observer."""
    for make in (Client, lambda c, **rest: guard(StockClient(c), **rest)):
        with pytest.raises(TypeError, match=said):
            make(ecs.config(), observers=observers)


def test_importing_safe_ecs_imports_no_extra_and_no_records() -> None:
    """The import loads neither rich nor OpenTelemetry nor IPython nor redis, and ``safe_ecs.observe`` only on demand."""
    code = (
        "import sys, safe_ecs; observe = 'safe_ecs.observe' in sys.modules; import safe_ecs.observe;"
        "extras = {'rich', 'opentelemetry', 'IPython', 'redis'};"
        "print(observe, sorted(extras & {name.partition('.')[0] for name in sys.modules}))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False []"  # noqa: S603 - our own
