"""No object shows one group and sends another, on the first try or a further one."""

from __future__ import annotations

from collections import OrderedDict, UserString
from contextlib import contextmanager
from enum import Enum
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest
from darabonba.policy.retry import RetryOptions
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client
from safe_ecs.observe import Observer
from safe_ecs.testing import CannedAnswer, FakeEcs
from tests.bypass_attempts.refusal import HARMLESS, refuse
from tests.support.concurrency import Callers
from tests.support.sdk import OpenApiRequest
from tests.support.transports import DELETE, WAYS_TO_SEND, params, query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Plain(str):
    """A user's kind of text, as templates and validators make it."""

    __slots__ = ()


class Disguised(str):
    """A text that is sent as another text: its str() goes on the wire."""

    __slots__ = ("sent",)
    sent: str

    def __new__(cls, shown: str, sent: str) -> Disguised:  # noqa: PYI034 - it is no base class
        self = super().__new__(cls, shown)
        self.sent = sent
        return self

    def __str__(self) -> str:
        return self.sent


class Changing:
    """A value that is one group in the review and another on the wire."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def __str__(self) -> str:
        return self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]


class ChangingQuery(dict[str, Any]):
    """A mapping that holds one group in the review and another on the wire."""

    def __init__(self, *groups: str) -> None:
        super().__init__(SecurityGroupId="")
        self.groups = list(groups)

    def keys(self) -> Any:
        return ["RegionId", "SecurityGroupId"]

    def __getitem__(self, name: str) -> Any:
        if name == "RegionId":
            return "cn-hangzhou"
        return self.groups.pop(0) if len(self.groups) > 1 else self.groups[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())


class Name(str, Enum):  # noqa: UP042 - the point
    GROUP = "SecurityGroupId"


OBJECTS: dict[str, Callable[[str, str], Any]] = {
    "text of somebody's own": lambda managed, _: {"SecurityGroupId": Plain(managed)},
    "disguised value": lambda managed, ordinary: {"SecurityGroupId": Disguised(ordinary, managed)},
    "disguised name": lambda managed, _: {Disguised("Description", "SecurityGroupId"): managed},
    "member of an enumeration as a name": lambda managed, _: {Name.GROUP: managed},
    "object as a name": lambda managed, _: {Changing("Description", "SecurityGroupId"): managed},
    "object as a value": lambda managed, ordinary: {"SecurityGroupId": Changing(ordinary, managed)},
    "object that looks like a text": lambda managed, _: {"SecurityGroupId": UserString(managed)},
    "bytes": lambda managed, _: {"SecurityGroupId": managed.encode()},
    "mapping that keeps an order": lambda managed, _: OrderedDict(SecurityGroupId=managed),
    "mapping that changes": ChangingQuery,
}


@pytest.mark.parametrize("way", OBJECTS)
def test_no_object_shows_one_group_and_sends_another(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, way: str
) -> None:
    """The guard takes an object for unreadable if it may be another text on the wire."""
    client.guard.status(ordinary)
    request = OpenApiRequest(query=OBJECTS[way](managed, ordinary))
    refuse(lambda: client.do_request(params(DELETE, auth_type="Anonymous"), request, RuntimeOptions()), ecs)


def test_a_mapping_that_changes_is_sent_as_it_was_reviewed(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """The guard reads the mapping once, and sends that reading."""
    client.guard.status(ordinary)
    client.do_request(
        params(DELETE), OpenApiRequest(query=ChangingQuery(ordinary, managed)), RuntimeOptions()
    )
    assert [write.parameters["SecurityGroupId"] for write in ecs.writes] == [ordinary]


AGAIN = RetryOptions({
    "retryable": True,
    "retryCondition": [
        {"maxAttempts": 3, "errorCode": ["ServiceUnavailable"], "backoff": {"policy": "Fixed", "period": 1}}
    ],
})


FAILS = CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}', delay=0.3)


@pytest.mark.parametrize("transport", ["do_request", "do_rpcrequest", "do_request_async"])
@pytest.mark.parametrize("part", ["query", "body", "runtime"])
def test_a_call_that_the_sdk_sends_again_is_sent_as_it_was(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, part: str, transport: str
) -> None:
    """A further try sends the reviewed values, even if the caller has reused the objects since the first one."""
    client._retry_options = AGAIN
    client.guard.status(ordinary)
    request, runtime = OpenApiRequest(), RuntimeOptions()
    queries = {"SecurityGroupId": ordinary}
    if part == "runtime":
        runtime.extends_parameters = ExtendsParameters(queries=queries)
    else:
        setattr(request, part, queries)
    ecs.answer_with(DELETE, FAILS)
    with _sent_once(ecs, lambda: WAYS_TO_SEND[transport](client, DELETE, request, runtime)):
        queries["SecurityGroupId"] = managed
    assert [write.parameters["SecurityGroupId"] for write in ecs.writes] == [ordinary, ordinary]


def test_headers_of_a_method_that_is_set_on_the_client_are_reviewed(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """A header may be another action."""
    vars(client)["get_rpc_headers"] = lambda: {"x-acs-action": DELETE}
    refuse(lambda: client.do_request(params(HARMLESS), query(managed), RuntimeOptions()), ecs)


def test_an_observer_that_changes_the_request_changes_nothing(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """The SDK sends the copy that the guard has reviewed."""
    request = query(ordinary)

    class Meddler(Observer):
        def decided(self, _: Any) -> None:
            request.query["SecurityGroupId"] = managed

    guarded = Client(ecs.config(), observers=[Meddler()])
    guarded.guard.status(ordinary)
    guarded.do_request(params(DELETE), request, RuntimeOptions())
    assert request.query["SecurityGroupId"] == managed
    assert [write.parameters["SecurityGroupId"] for write in ecs.writes] == [ordinary]


@contextmanager
def _sent_once(ecs: FakeEcs, send: Callable[[], Any]) -> Iterator[None]:
    """Enter the block after the call has been sent once, and wait for the call after the block."""
    before = len(ecs.requests)
    callers = Callers([send])
    deadline = monotonic() + 20
    while len(ecs.requests) == before:
        assert monotonic() < deadline
        sleep(0.01)
    yield
    [result] = callers.join(30)
    assert not isinstance(result, BaseException), result
