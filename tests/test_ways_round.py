"""Every way round the guard that we could think of, tried on the real thing: none leads a write to a managed group out.

Beside those in this file, the ways tried elsewhere are: layers of parameters and headers, forms, models, numbered names,
JSON, queries in paths and endpoints, streams and what cannot be read (``test_hiding``), objects that are reused while
the guard waits (``test_while_waiting``), transports, signatures, copies, pickles, constructors that are skipped
(``test_client``, ``test_guard``), bypasses, threads, tasks and contexts (``test_bypass``), two names for one template
(``test_templates``), and values on a Redis server (``test_redis``). What is left open is listed in the README under
"What it does not do", and has its test at the end of this file.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, UserString
from contextlib import contextmanager, suppress
from enum import Enum
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.policy.retry import RetryOptions
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client, GuardError, GuardPolicy, ManagedSecurityGroupError
from safe_ecs.cache.redis import RedisStatusCache
from safe_ecs.core.review import Read, TemplateRead, review
from safe_ecs.core.steps import drive
from safe_ecs.gate import Gate
from safe_ecs.lookup.describe import describe
from safe_ecs.observe import Observer
from safe_ecs.testing import CannedAnswer, FakeEcs
from tests.callers import Callers, run_script
from tests.doors import DELETE, DOORS, params, query
from tests.outgoing import effective
from tests.redis_server import redis_server
from tests.sdk import OpenApiRequest, models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUN = "RunInstances"
HARMLESS = "DescribeSecurityGroupAttribute"
REGION = {"RegionId": "cn-hangzhou"}


@pytest.fixture
def ecs() -> Iterator[FakeEcs]:
    """An opponent that takes whatever arrives: signatures do not cover all that can be smuggled in."""
    with FakeEcs(check_signatures=False) as server:
        yield server


def refuse(send: Callable[[], Any], ecs: FakeEcs) -> None:
    """Send, and see that the guard refuses and that nothing but reads has left."""
    with pytest.raises(GuardError):
        send()
    assert not ecs.writes


IDS: dict[str, Callable[[str], str]] = {
    "no-break space": lambda group: f"\N{NO-BREAK SPACE}{group}\N{NO-BREAK SPACE}",
    "ideographic space": lambda group: f"{group}\N{IDEOGRAPHIC SPACE}",
    "zero-width space": lambda group: f"{group}\N{ZERO WIDTH SPACE}",
    "byte order mark": lambda group: f"\N{ZERO WIDTH NO-BREAK SPACE}{group}",
    "soft hyphen": lambda group: group.replace("-", "-\N{SOFT HYPHEN}"),
    "another hyphen": lambda group: group.replace("-", "\N{NON-BREAKING HYPHEN}"),
    "full-width letters": lambda group: group.replace("sg", "\uff53\uff47"),
    "full-width digits": lambda group: "".join(chr(ord(c) + 0xFEE0) if c.isdecimal() else c for c in group),
    "Arabic digits": lambda group: group.translate({ord(str(n)): 0x660 + n for n in range(10)}),
    "long s": lambda group: group.replace("s", "\N{LATIN SMALL LETTER LONG S}", 1),
    "trailing NUL": lambda group: f"{group}\0",
    "NUL and more": lambda group: f"{group}\0sg-other",
    "line feed": lambda group: f"{group}\n",
    "line feed and more": lambda group: f"{group}\nsg-other",
    "unit separator": lambda group: f"{group}\x1f",
    "next line": lambda group: f"\x85{group}",
    "trailing dot": lambda group: f"{group}.",
    "trailing plus": lambda group: f"{group}+",
    "percent-encoded": lambda group: group.replace("-", "%2D"),
    "percent-encoded twice": lambda group: group.replace("-", "%252D"),
    "encoded blank": lambda group: f"{group}%20",
    "list with commas": lambda group: f"sg-other,{group}",
    "list with blanks": lambda group: f"sg-other {group}",
    "quoted": lambda group: f'"{group}"',
    "quoted otherwise": lambda group: f"'{group}'",
    "array in a string": lambda group: f'["{group}"]',
    "array of arrays": lambda group: f'[["{group}"]]',
    "array in a string in an array": lambda group: f'["[\\"{group}\\"]"]',
    "array without quotes": lambda group: f"[{group}]",
    "object": lambda group: f'{{"SecurityGroupId": "{group}"}}',
    "capitals": str.upper,
    "escape": lambda group: f'["\\u0073{group[1:]}"]',
}


@pytest.mark.parametrize("door", ["do_request", "do_rpcrequest", "do_request_async"])
@pytest.mark.parametrize("spelling", IDS)
def test_no_spelling_of_an_id_hides_a_managed_group(
    ecs: FakeEcs, client: Client, managed: str, spelling: str, door: str
) -> None:
    """Blanks, look-alikes, encodings and lists: an id that ECS may read in two ways is never "missing"."""
    request = OpenApiRequest(query={**REGION, "SecurityGroupId": IDS[spelling](managed)})
    refuse(lambda: DOORS[door](client, DELETE, request), ecs)


PLAIN_AFTER_ALL = {
    "no-break space",
    "ideographic space",
    "line feed",
    "unit separator",
    "next line",
    "quoted",
    "array in a string",
    "capitals",
    "escape",
}


@pytest.mark.parametrize("spelling", sorted(IDS.keys() - PLAIN_AFTER_ALL))
def test_an_odd_id_that_ecs_says_nothing_of_is_not_missing(
    ecs: FakeEcs, client: Client, managed: str, spelling: str
) -> None:
    """FakeEcs refuses to look for such ids. An ECS that only finds no such group opens no way either."""
    nothing = CannedAnswer(body=b'{"SecurityGroups": {"SecurityGroup": []}}')
    ecs.answer_always("DescribeSecurityGroups", nothing)
    request = OpenApiRequest(query={**REGION, "SecurityGroupId": IDS[spelling](managed)})
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


def test_an_answer_about_a_group_that_was_not_asked_for_makes_nothing_missing(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """Then ECS reads an id otherwise than the guard: cut off at some length, for one."""
    group = {"SecurityGroupId": managed, "ServiceManaged": True}
    answer = CannedAnswer(body=json.dumps({"SecurityGroups": {"SecurityGroup": [group]}}).encode())
    ecs.answer_always("DescribeSecurityGroups", answer)
    refuse(lambda: client.do_request(params(DELETE), query(f"{managed}-and-more"), RuntimeOptions()), ecs)


MINDS_CASE = {"sg-F876FF7BA": True, "sg-C0FFEE": False}


def _answer_minding_case(read: Read | TemplateRead) -> Any:
    """Answer as an ECS would that knows its groups by the exact spelling alone."""
    if isinstance(read, TemplateRead):
        return tuple(MINDS_CASE)
    steps = describe(read)
    asked = json.loads(next(steps).parameters["SecurityGroupIds"])
    groups = [
        {"SecurityGroupId": group, "ServiceManaged": flag}
        for group, flag in MINDS_CASE.items()
        if group in asked
    ]
    with pytest.raises(StopIteration) as done:
        steps.send({"SecurityGroups": {"SecurityGroup": groups}})
    return done.value.value


@pytest.mark.parametrize(
    ("query", "outcome"),
    [
        ({"SecurityGroupId": "sg-F876FF7BA"}, "denied"),
        ({"SecurityGroupIds": '["sg-F876FF7BA"]'}, "denied"),
        ({"SecurityGroupId.1": "sg-f876ff7ba", "SecurityGroupId.2": "sg-F876FF7BA"}, "denied"),
        ({"SecurityGroupId": "sg-C0FFEE"}, "allowed"),
        ({"SecurityGroupId": "sg-NONE"}, "allowed"),
        ({"LaunchTemplateId": "lt-1"}, "denied"),
    ],
    ids=str,
)
def test_an_ecs_that_minds_the_case_of_ids_opens_no_way(query: dict[str, str], outcome: str) -> None:
    """It is not documented whether it does: what is not found in lower case is looked for as it is spelt."""
    request = effective(action=RUN, query={**REGION, **query})
    assert request is not None
    assert drive(review(request, GuardPolicy()), _answer_minding_case).outcome == outcome


NAMES = (
    "securitygroupid",
    "SecurityGroupId.",
    ".SecurityGroupId",
    "SecurityGroupId ",
    "SecurityGroupId\0",
    "SecurityGroupId\N{NO-BREAK SPACE}",
    "SecurityGroupId\N{ZERO WIDTH SPACE}",
    "Secur\N{LATIN SMALL LETTER DOTLESS I}tyGroupId",
    "SECUR\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}TYGROUPID",
    "\N{LATIN SMALL LETTER LONG S}ecurityGroupId",
    "\N{FULLWIDTH LATIN CAPITAL LETTER S}ecurityGroupId",
    "SecurityGroupIds.01",
    "SecurityGroupIds.0",
    "SecurityGroupIds.-1",
    "SecurityGroupIds.\N{FULLWIDTH DIGIT ONE}",
    "SecurityGroupIds .1",
    "SecurityGroupIds.1.2",
    "SecurityGroupIds.1.Id",
    "SecurityGroupIds[0]",
    "SecurityGroupIds[]",
    "[SecurityGroupId]",
    "NetworkInterface[0].SecurityGroupId",
    "Some.Model.SecurityGroupId",
)


@pytest.mark.parametrize("channel", ["query", "body"])
@pytest.mark.parametrize("name", NAMES)
def test_no_spelling_of_a_parameters_name_hides_a_group(
    ecs: FakeEcs, client: Client, managed: str, name: str, channel: str
) -> None:
    """Odd indices, brackets, blanks, look-alikes."""
    request = OpenApiRequest(**{channel: {**REGION, name: managed}})
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    "names", [("SecurityGroupId", "securityGroupId"), ("SecurityGroupId.1", "SecurityGroupIds")]
)
def test_of_two_equal_names_both_count(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, names: tuple[str, ...], order: int
) -> None:
    """It is not documented which of them ECS takes."""
    request = OpenApiRequest(query=dict(zip(names, (managed, ordinary)[::order], strict=True)))
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


def test_two_owners_are_none(ecs: FakeEcs, client: Client, managed: str) -> None:
    """The guard could only ask on behalf of one, and for him the group may be missing."""
    request = OpenApiRequest(query={"OwnerId": "1", "ownerid": "2", "SecurityGroupId": "sg-none"})
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


ACTIONS = (
    "deletesecuritygroup",
    "DELETESECURITYGROUP",
    " DeleteSecurityGroup ",
    "DeleteSecurityGroup\0",
    "DeleteSecurityGroup\N{NO-BREAK SPACE}",
    "DeleteSecurityGroup\N{ZERO WIDTH SPACE}",
    "DeleteSecur\N{LATIN SMALL LETTER DOTLESS I}tyGroup",
    "Delete\N{LATIN SMALL LETTER LONG S}ecurityGroup",
    "\N{FULLWIDTH LATIN CAPITAL LETTER D}eleteSecurityGroup",
)
VERSIONS = (
    None,
    "",
    " 2014-05-26 ",
    "2014-05-26\0",
    "20140526",
    "2014/05/26",
    "2014-05-26\N{ZERO WIDTH SPACE}",
    "\N{FULLWIDTH DIGIT TWO}014-05-26",
)


@pytest.mark.parametrize("action", ACTIONS)
def test_no_spelling_of_an_action_hides_it(ecs: FakeEcs, client: Client, managed: str, action: str) -> None:
    """A server that ignores case may do so by rules for which a dotless i is an i."""
    refuse(lambda: DOORS["do_rpcrequest"](client, action, query(managed)), ecs)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("door", ["do_request", "do_rpcrequest"])
def test_no_spelling_of_the_version_hides_a_call(
    ecs: FakeEcs, client: Client, managed: str, version: Any, door: str
) -> None:
    """Only what is surely another version is another product's."""
    refuse(lambda: DOORS[door](client, DELETE, query(managed), version=version), ecs)


@pytest.mark.parametrize("method", ["GET", "get", "PUT", "DELETE"])
def test_no_method_of_http_makes_a_difference(
    ecs: FakeEcs, client: Client, managed: str, method: str
) -> None:
    """ECS takes its operations by GET as well."""
    refuse(lambda: client.do_request(params(DELETE, method=method), query(managed), RuntimeOptions()), ecs)


INJECTIONS: dict[str, dict[str, Any]] = {
    "header": {"headers": {"x-mine": f"1\r\nx-acs-action: {DELETE}"}},
    "name of a header": {"headers": {f"x-acs-action: {DELETE}\r\nx-mine": "1"}},
    "path": {"pathname": f"/ HTTP/1.1\r\nx-acs-action: {DELETE}\r\nx-mine:"},
    "method": {"method": f"POST / HTTP/1.1\r\nx-acs-action: {DELETE}\r\nx-mine:"},
    "blank in the method": {"method": f"POST /?Action={DELETE}&x="},
}


@pytest.mark.parametrize("door", ["do_request", "do_request_async"])
@pytest.mark.parametrize("way", INJECTIONS)
def test_no_line_break_smuggles_a_second_action(
    ecs: FakeEcs, client: Client, managed: str, way: str, door: str
) -> None:
    """The libraries of HTTP do not send one, and neither does a method with a blank reach an operation."""
    changes = dict(INJECTIONS[way])
    request = query(managed)
    request.headers = changes.pop("headers", None)
    method: Any = getattr(client, door)
    with suppress(Exception):
        sent = method(params(HARMLESS, **changes), request, RuntimeOptions())
        if door.endswith("_async"):
            asyncio.run(sent)
    assert {each.action for each in ecs.requests} <= {HARMLESS}


def _with_protocol(protocol: str) -> Callable[[Client, FakeEcs, str], Any]:
    def send(client: Client, ecs: FakeEcs, group: str) -> Any:
        client._protocol = None  # type: ignore[assignment]  # then the call's own counts
        smuggled = protocol.format(endpoint=ecs.endpoint, group=group)
        action = HARMLESS if "Action" in protocol else DELETE
        return client.do_request(
            params(action, protocol=smuggled), OpenApiRequest(query=REGION), RuntimeOptions()
        )

    return send


def _with_header(name: str, value: str) -> Callable[[Client, FakeEcs, str], Any]:
    def send(client: Client, ecs: FakeEcs, group: str) -> Any:
        with FakeEcs(check_signatures=False) as elsewhere:
            request = OpenApiRequest(body={**REGION, "SecurityGroupId": group})
            request.headers = {name: value.format(endpoint=ecs.endpoint, elsewhere=elsewhere.endpoint)}
            return client.do_request(params(DELETE), request, RuntimeOptions())

    return send


def _with_endpoint(query: str) -> Callable[[Client, FakeEcs, str], Any]:
    def send(client: Client, _: FakeEcs, group: str) -> Any:
        client._endpoint += query
        return DOORS["do_request"](client, DELETE, OpenApiRequest(query={"SecurityGroupId": group}))

    return send


ADDRESSES: dict[str, Callable[[Client, FakeEcs, str], Any]] = {
    "an action in the protocol": _with_protocol(
        f"HTTP://{{endpoint}}/?Action={DELETE}&SecurityGroupId={{group}}&x="
    ),
    "a group in the protocol": _with_protocol("http://{endpoint}/?SecurityGroupId={group}&x="),
    "another host behind a path": _with_header("host", "{endpoint}/x://{elsewhere}"),
    "another host behind a fragment": _with_header("host", "{endpoint}#@{elsewhere}"),
    "another host behind a backslash": _with_header("host", "{endpoint}\\@{elsewhere}"),
    "another host behind a port": _with_header("host", "{endpoint}/?x=@{elsewhere}"),
    "another name in the header Host": _with_header("Host", "{elsewhere}"),
    "a filter in the endpoint": _with_endpoint("/?ServiceManaged=false&"),
    "a region in the endpoint": _with_endpoint("/?RegionId=cn-beijing&"),
    "a fragment in the endpoint": _with_endpoint("/#"),
}


@pytest.mark.parametrize("way", ADDRESSES)
def test_no_address_leads_the_guards_read_elsewhere_than_the_write(
    ecs: FakeEcs, client: Client, managed: str, way: str
) -> None:
    """An ECS that does not know the group must not be asked in place of the one that does."""
    refuse(lambda: ADDRESSES[way](client, ecs, managed), ecs)


REGIONS: dict[str, Callable[[Client, Any], None]] = {
    "the request's": lambda _, request: request.query.update(RegionId="cn-beijing"),
    "one of two in the request": lambda _, request: request.query.update(regionid="cn-beijing"),
    "the client's": lambda client, _: setattr(client, "_region_id", "cn-beijing"),
    "a global one": lambda client, _: setattr(
        client, "_global_parameters", GlobalParameters(queries={"RegionId": "cn-beijing"})
    ),
    "a header's": lambda _, request: setattr(request, "headers", {"X-Acs-Region-Id": "cn-beijing"}),
}


@pytest.mark.parametrize("way", REGIONS)
def test_a_region_that_is_named_beside_another_does_not_make_a_group_missing(
    ecs: FakeEcs, client: Client, managed: str, way: str
) -> None:
    """Which of them ECS believes is not documented: only what is in none of them is missing."""
    request = query(managed)
    if way == "the request's":
        del request.query["RegionId"]
    REGIONS[way](client, request)
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


def test_a_region_in_a_header_is_looked_in(ecs: FakeEcs, client: Client) -> None:
    """Other SDKs send one."""
    beijing = ecs.create_security_group(service_managed=True, region_id="cn-beijing")
    request = OpenApiRequest(query={"SecurityGroupId": beijing}, headers={"x-acs-region-id": "cn-beijing"})
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


class Plain(str):
    """Somebody's kind of text, such as templates and validators make."""

    __slots__ = ()


class Disguised(str):
    """A text that is sent as another: str() of it makes what is on the wire."""

    __slots__ = ("sent",)
    sent: str

    def __new__(cls, shown: str, sent: str) -> Disguised:  # noqa: PYI034 - it is no base class
        self = super().__new__(cls, shown)
        self.sent = sent
        return self

    def __str__(self) -> str:
        return self.sent


class Changing:
    """A value that is one group when it is reviewed and another when it is sent."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def __str__(self) -> str:
        return self.texts.pop(0) if len(self.texts) > 1 else self.texts[0]


class ChangingQuery(dict[str, Any]):
    """A mapping that holds one group when it is reviewed and another when it is sent."""

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
    """What may say something else when it is sent cannot be read."""
    client.guard.status(ordinary)
    request = OpenApiRequest(query=OBJECTS[way](managed, ordinary))
    refuse(lambda: client.do_request(params(DELETE, auth_type="Anonymous"), request, RuntimeOptions()), ecs)


def test_a_mapping_that_changes_is_sent_as_it_was_reviewed(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """It is read once."""
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


@pytest.mark.parametrize("door", ["do_request", "do_rpcrequest", "do_request_async"])
@pytest.mark.parametrize("part", ["query", "body", "runtime"])
def test_a_call_that_the_sdk_sends_again_is_sent_as_it_was(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, part: str, door: str
) -> None:
    """The caller may have reused his objects between one try and the next."""
    client._retry_options = AGAIN
    client.guard.status(ordinary)
    request, runtime = OpenApiRequest(), RuntimeOptions()
    queries = {"SecurityGroupId": ordinary}
    if part == "runtime":
        runtime.extends_parameters = ExtendsParameters(queries=queries)
    else:
        setattr(request, part, queries)
    ecs.answer_with(DELETE, FAILS)
    with _sent_once(ecs, lambda: DOORS[door](client, DELETE, request, runtime)):
        queries["SecurityGroupId"] = managed
    assert [write.parameters["SecurityGroupId"] for write in ecs.writes] == [ordinary, ordinary]


def test_a_harmless_call_that_the_sdk_sends_again_becomes_no_other(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """Even if its Params have become those of a deletion since."""
    client._retry_options = AGAIN
    harmless = params(HARMLESS)
    ecs.answer_with(HARMLESS, FAILS)
    with _sent_once(ecs, lambda: client.do_request(harmless, query(managed), RuntimeOptions())):
        harmless.action = DELETE
    assert [each.action for each in ecs.requests] == [HARMLESS, HARMLESS]


@contextmanager
def _sent_once(ecs: FakeEcs, send: Callable[[], Any]) -> Iterator[None]:
    """Enter the block when a call has been sent for the first time, and wait for it afterwards."""
    before = len(ecs.requests)
    callers = Callers([send])
    deadline = monotonic() + 20
    while len(ecs.requests) == before:
        assert monotonic() < deadline
        sleep(0.01)
    yield
    [result] = callers.join(30)
    assert not isinstance(result, BaseException), result


class Theirs(StockClient):
    """Somebody's client, which changes a call where the SDK sends it."""

    target = ""

    def do_request(self, params: Any, request: Any, runtime: Any) -> Any:
        request.query["SecurityGroupId"] = self.target
        return super().do_request(params, request, runtime)


def test_a_base_class_cannot_change_a_call_behind_the_guard(
    ecs: FakeEcs, managed: str, ordinary: str
) -> None:
    """In one order of the bases it stands in front of the guard; the other order is refused when the class is made."""
    with pytest.raises(TypeError, match="name Theirs before the guarded class"):
        type("Behind", (Client, Theirs), {})
    in_front: Any = type("InFront", (Theirs, Client), {"target": managed})(ecs.config())
    refuse(
        lambda: in_front.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary)),
        ecs,
    )


UNBOUND: dict[str, Callable[[Client, Any], Any]] = {
    "method of an operation": lambda client, group: StockClient.delete_security_group(
        client, models.DeleteSecurityGroupRequest(security_group_id=group)
    ),
    "call_api": lambda client, group: OpenApiClient.call_api(
        client, params(DELETE), query(group), RuntimeOptions()
    ),
    "super() of our class": lambda client, group: super(Client, client).do_request(
        params(DELETE), query(group), RuntimeOptions()
    ),
}


@pytest.mark.parametrize("way", UNBOUND)
def test_the_stock_classes_methods_are_guarded_when_called_on_a_guarded_client(
    ecs: FakeEcs, client: Client, managed: str, way: str
) -> None:
    """They send by the client's own transports."""
    refuse(lambda: UNBOUND[way](client, managed), ecs)


def test_a_process_that_is_forked_inside_a_bypass_does_not_have_it(ecs: FakeEcs, managed: str) -> None:
    """It would have it as long as it lives, whatever becomes of the block."""
    code = """
        import os, sys
        from alibabacloud_tea_openapi.utils_models import Config
        from safe_ecs import Client
        endpoint, group = sys.argv[1:]
        client = Client(Config(
            access_key_id="k", access_key_secret="s", endpoint=endpoint, protocol="HTTP", region_id="cn-hangzhou"
        ))
        with client.guard.bypass(reason="ticket 7"):
            if os.fork() == 0:
                print(client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": group}).outcome, flush=True)
                os._exit(0)
            os.wait()
            print(client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": group}).outcome)
    """
    assert run_script(code, ecs.endpoint, managed).split() == ["denied", "bypassed"]


def test_a_poisoned_value_on_a_redis_server_changes_nothing_that_is_known(ecs: FakeEcs, managed: str) -> None:
    """What this process has heard of ECS counts more; and no value makes a group missing."""
    with redis_server() as server:
        client = Client(ecs.config(), cache=RedisStatusCache(server.url))
        client.guard.status(managed)
        with server.client as direct:
            [key] = direct.keys()
            stored: Any = direct.get(key)
            direct.set(key, stored.replace(b'managed": true', b'managed": false'), px=60_000)
        refuse(lambda: client.do_request(params(DELETE), query(managed), RuntimeOptions()), ecs)


@pytest.mark.parametrize("seconds", [-1e9, -1, 1e9])
def test_a_clock_that_is_put_back_or_forward_makes_nothing_live_longer(
    ecs: FakeEcs, client: Client, mocker: Any, seconds: float
) -> None:
    """What was not found, and what a template held, is not believed when its age makes no sense."""
    clock = mocker.patch("safe_ecs.cache.memory.monotonic", return_value=monotonic())
    ordinary = ecs.create_security_group()
    template = ecs.create_launch_template(ordinary)
    with suppress(ClientException):
        client.do_request(params(DELETE), query("sg-new"), RuntimeOptions())
    run = OpenApiRequest(query={**REGION, "LaunchTemplateId": template})
    client.do_request(params(RUN), run, RuntimeOptions())
    writes = len(ecs.writes)
    clock.return_value += seconds
    ecs.create_security_group(security_group_id="sg-new", service_managed=True)
    ecs.create_launch_template_version(template, "sg-new", default=True)
    for action, request in ((DELETE, query("sg-new")), (RUN, run)):
        with pytest.raises(ManagedSecurityGroupError):
            client.do_request(params(action), request, RuntimeOptions())
    assert len(ecs.writes) == writes


def test_a_group_that_the_client_deletes_and_that_comes_back_managed_is_asked_for_again(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    """Deleted elsewhere, it is what the README says of groups that become managed while they are remembered."""
    client.do_request(params(DELETE), query(ordinary), RuntimeOptions())
    ecs.create_security_group(security_group_id=ordinary, service_managed=True)
    with pytest.raises(ManagedSecurityGroupError):
        client.do_request(params(DELETE), query(ordinary), RuntimeOptions())
    assert len(ecs.writes) == 1


@pytest.mark.parametrize("field", ["SecurityGroupId", "SecurityGroupIds.1"])
def test_a_group_for_an_interface_does_not_hide_the_groups_of_a_template(
    ecs: FakeEcs, client: Client, stock: Any, managed: str, ordinary: str, field: str
) -> None:
    """An interface of a request is a secondary one unless it says more: the primary one may be the template's."""
    template = ecs.create_launch_template(managed)
    request = OpenApiRequest(
        query={**REGION, "LaunchTemplateId": template, f"NetworkInterface.1.{field}": ordinary}
    )
    refuse(lambda: client.do_request(params(RUN), request, RuntimeOptions()), ecs)
    with pytest.raises(ClientException, match="has been managed by"):
        stock.do_request(params(RUN), request, RuntimeOptions())


def test_a_bracket_too_many_does_not_hide_the_groups_of_a_template(
    ecs: FakeEcs, client: Client, stock: Any, managed: str, ordinary: str
) -> None:
    """ECS does not know a parameter ``SecurityGroupIds.1.1``, and takes the groups of the template."""
    request = models.RunInstancesRequest(
        region_id="cn-hangzhou",
        launch_template_id=ecs.create_launch_template(managed),
        security_group_ids=[[ordinary]],
    )
    refuse(lambda: client.run_instances(request), ecs)
    with pytest.raises(ClientException, match="has been managed by"):
        stock.run_instances(request)


def by_the_name_of_a_base_class(client: Any, request: Any) -> None:
    OpenApiClient.do_request(client, params(DELETE), request, RuntimeOptions())


def with_another_class(client: Any, request: Any) -> None:
    client.__class__ = StockClient
    client.do_request(params(DELETE), request, RuntimeOptions())


def with_a_method_replaced_on_the_client(client: Any, request: Any) -> None:
    client.do_request = StockClient.do_request.__get__(client)
    client.call_api(params(DELETE), request, RuntimeOptions())


def with_another_guard(client: Any, request: Any) -> None:
    client._safe_ecs_gate = Gate(GuardPolicy(mode="off"), None)
    client.do_request(params(DELETE), request, RuntimeOptions())


def with_an_observer_that_changes_the_request(client: Any, request: Any) -> None:
    managed, ordinary = request.query["SecurityGroupId"], "sg-ordinary"

    class Meddler(Observer):
        def decided(self, record: Any) -> None:
            request.query["SecurityGroupId"] = managed

    request.query["SecurityGroupId"] = ordinary
    client._safe_ecs_gate = Gate(GuardPolicy(), client._safe_ecs_gate.knowledge.cache, [Meddler()])
    client.guard.status(ordinary)
    client.do_request(params(DELETE), request, RuntimeOptions())


OPEN = (
    by_the_name_of_a_base_class,
    with_another_class,
    with_a_method_replaced_on_the_client,
    with_another_guard,
    with_an_observer_that_changes_the_request,
)


@pytest.mark.parametrize("way", OPEN)
def test_code_that_means_to_pass_the_guard_does_and_ecs_refuses(
    ecs: FakeEcs, client: Client, managed: str, way: Callable[[Any, Any], None]
) -> None:
    """The README says so: the guard is for mistakes, and ECS for everything else."""
    ecs.create_security_group(security_group_id="sg-ordinary")
    with pytest.raises(ClientException) as refusal:
        way(client, query(managed))
    assert not isinstance(refusal.value, GuardError)
    assert len(ecs.writes) == 1


@pytest.mark.parametrize("action", ["CreateAutoProvisioningGroup", "CreateLaunchTemplate", "TagResources"])
def test_what_ecs_does_not_refuse_is_let_through_with_the_reason(
    client: Client, managed: str, action: str
) -> None:
    """It names a group, and changes none."""
    decision = client.guard.check(action, {"SecurityGroupId": managed, "ResourceId.1": managed})
    assert decision.outcome == "not_guarded"
    assert "ECS" in decision.reason or "label" in decision.reason
