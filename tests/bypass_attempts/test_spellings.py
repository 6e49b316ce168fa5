"""No spelling of an id, a name, an action or a version hides a managed group."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client, GuardPolicy
from safe_ecs._core.drivers import drive
from safe_ecs._core.review import Read, TemplateRead, review
from safe_ecs._lookup.queries.statuses import describe
from safe_ecs.testing import CannedAnswer, FakeEcs
from tests.bypass_attempts.refusal import HARMLESS, REGION, RUN, refuse
from tests.support.merged_calls import effective
from tests.support.resolvers import PlayedResolver
from tests.support.sdk import OpenApiRequest
from tests.support.transports import DELETE, WAYS_TO_SEND, params, query

if TYPE_CHECKING:
    from collections.abc import Callable


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


@pytest.mark.parametrize("transport", ["do_request", "do_rpcrequest", "do_request_async"])
@pytest.mark.parametrize("spelling", IDS)
def test_no_spelling_of_an_id_hides_a_managed_group(
    ecs: FakeEcs, client: Client, managed: str, spelling: str, transport: str
) -> None:
    """An id that ECS may read in two ways is never "missing": blanks, look-alikes, encodings, lists."""
    request = OpenApiRequest(query={**REGION, "SecurityGroupId": IDS[spelling](managed)})
    refuse(lambda: WAYS_TO_SEND[transport](client, DELETE, request), ecs)


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
    """FakeEcs refuses such ids. The guard also refuses if ECS answers with no group."""
    nothing = CannedAnswer(body=b'{"SecurityGroups": {"SecurityGroup": []}}')
    ecs.answer_always("DescribeSecurityGroups", nothing)
    request = OpenApiRequest(query={**REGION, "SecurityGroupId": IDS[spelling](managed)})
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


def test_an_answer_about_a_group_that_was_not_asked_for_makes_nothing_missing(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """ECS then reads an id otherwise than the guard, for example cut off at some length."""
    group = {"SecurityGroupId": managed, "ServiceManaged": True}
    answer = CannedAnswer(body=json.dumps({"SecurityGroups": {"SecurityGroup": [group]}}).encode())
    ecs.answer_always("DescribeSecurityGroups", answer)
    refuse(lambda: client.do_request(params(DELETE), query(f"{managed}-and-more"), RuntimeOptions()), ecs)


MINDS_CASE = {"sg-F876FF7BA": True, "sg-C0FFEE": False}


def _answer_minding_case(read: Read | TemplateRead) -> Any:
    """Answer as an ECS that knows its groups by their exact spelling only."""
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
    """It is not documented whether it does: every id is looked for in lower case and as it is spelt."""
    request = effective(action=RUN, query={**REGION, **query})
    assert request is not None
    assert drive(review(request, GuardPolicy(), PlayedResolver()), _answer_minding_case).outcome == outcome


def test_a_group_that_is_remembered_as_missing_is_asked_for_under_another_spelling(
    ecs: FakeEcs, client: Client
) -> None:
    """An ECS that minds case finds it there: the memory of a missing group is that of one spelling."""
    client.guard.status("sg-f876ff7ba")
    group = {"SecurityGroupId": "sg-F876FF7BA", "ServiceManaged": True}
    answer = CannedAnswer(body=json.dumps({"SecurityGroups": {"SecurityGroup": [group]}}).encode())
    ecs.answer_with("DescribeSecurityGroups", answer)
    refuse(lambda: client.do_request(params(DELETE), query("sg-F876FF7BA"), RuntimeOptions()), ecs)
    assert ecs.reads[-1].parameters["SecurityGroupIds"] == '["sg-F876FF7BA"]'
    refuse(lambda: client.do_request(params(DELETE), query("sg-f876FF7BA"), RuntimeOptions()), ecs)
    assert len(ecs.reads) == 2  # A found group is remembered for every spelling.


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
    """The guard reads odd indices, brackets, blanks and look-alikes in a name."""
    request = OpenApiRequest(**{channel: {**REGION, name: managed}})
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    "names", [("SecurityGroupId", "securityGroupId"), ("SecurityGroupId.1", "SecurityGroupIds")]
)
def test_of_two_equal_names_both_count(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, names: tuple[str, ...], order: int
) -> None:
    """Both values count, as ECS does not document its choice."""
    request = OpenApiRequest(query=dict(zip(names, (managed, ordinary)[::order], strict=True)))
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


def test_two_owners_are_none(ecs: FakeEcs, client: Client, managed: str) -> None:
    """The guard could ask on behalf of one owner only, and that owner may not have the group."""
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
    """The guard folds letters as lenient servers may do, for example a dotless i to an i."""
    refuse(lambda: WAYS_TO_SEND["do_rpcrequest"](client, action, query(managed)), ecs)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("transport", ["do_request", "do_rpcrequest"])
def test_no_spelling_of_the_version_hides_a_call(
    ecs: FakeEcs, client: Client, managed: str, version: Any, transport: str
) -> None:
    """A call belongs to another product only if its version is another one beyond doubt."""
    refuse(lambda: WAYS_TO_SEND[transport](client, DELETE, query(managed), version=version), ecs)


@pytest.mark.parametrize("method", ["GET", "get", "PUT", "DELETE"])
def test_no_method_of_http_makes_a_difference(
    ecs: FakeEcs, client: Client, managed: str, method: str
) -> None:
    """ECS accepts its operations by GET as well."""
    refuse(lambda: client.do_request(params(DELETE, method=method), query(managed), RuntimeOptions()), ecs)


INJECTIONS: dict[str, dict[str, Any]] = {
    "header": {"headers": {"x-mine": f"1\r\nx-acs-action: {DELETE}"}},
    "name of a header": {"headers": {f"x-acs-action: {DELETE}\r\nx-mine": "1"}},
    "path": {"pathname": f"/ HTTP/1.1\r\nx-acs-action: {DELETE}\r\nx-mine:"},
    "method": {"method": f"POST / HTTP/1.1\r\nx-acs-action: {DELETE}\r\nx-mine:"},
    "blank in the method": {"method": f"POST /?Action={DELETE}&x="},
}


@pytest.mark.parametrize("transport", ["do_request", "do_request_async"])
@pytest.mark.parametrize("way", INJECTIONS)
def test_no_line_break_smuggles_a_second_action(
    ecs: FakeEcs, client: Client, managed: str, way: str, transport: str
) -> None:
    """The libraries of HTTP do not send one, and neither does a method with a blank reach an operation."""
    changes = dict(INJECTIONS[way])
    request = query(managed)
    request.headers = changes.pop("headers", None)
    method: Any = getattr(client, transport)
    with suppress(Exception):
        sent = method(params(HARMLESS, **changes), request, RuntimeOptions())
        if transport.endswith("_async"):
            asyncio.run(sent)
    assert {each.action for each in ecs.requests} <= {HARMLESS, "DescribeSecurityGroups"}
