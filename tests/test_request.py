"""The guard reads what will really be sent."""

from __future__ import annotations

import json
from collections import UserDict
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safe_ecs.core.decision import GroupStatus, Undetermined
from safe_ecs.core.effective import effective_request
from safe_ecs.core.parameters import ACTION_SPELLINGS, MAX_DEPTH
from safe_ecs.core.region import region_of_endpoint, regions_of
from safe_ecs.core.request import EffectiveRequest, LaunchTemplate, Outgoing
from safe_ecs.core.review import review
from safe_ecs.core.spelling import normal_ids
from safe_ecs.outgoing import of_request, of_rpcrequest
from safe_ecs.policy import GuardPolicy
from safe_ecs.testing.parameters import Parameters
from tests.doors import ECS, TRANSPORTS, params
from tests.sdk import OpenApiRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_ecs.testing import FakeEcs

NAMES = st.sampled_from([
    "SecurityGroupId",
    "securitygroupid",
    "SecurityGroupId.1",
    "SecurityGroupIds.2",
    "NetworkInterface.1.SecurityGroupIds.1",
    "SourceGroupId",
    "Permissions.1.DestGroupId",
    "SecurityGroupRuleId.1",
    "SecurityGroupName",
    "RegionId",
    "Action",
    "Version",
])
VALUES = st.sampled_from([
    "sg-a",
    " SG-B ",
    '["sg-c","sg-d"]',
    "cn-beijing",
    "DeleteSecurityGroup",
    "RunInstances",
    ECS,
])
LAYER = st.dictionaries(NAMES, VALUES, max_size=4)
HEADERS = st.dictionaries(
    st.sampled_from(["x-acs-action", "X-Acs-Action", "x-acs-version", "x-other"]),
    st.sampled_from(["DeleteSecurityGroup", "DescribeInstances", ECS, "2017-11-10"]),
    max_size=2,
)


def effective(**changes: Any) -> EffectiveRequest | None:
    plain = Outgoing(
        action="DeleteSecurityGroup",
        version=ECS,
        headers={},
        once_headers=None,
        tried_again=False,
        query={},
        body=None,
        streamed=False,
        pathname="/",
        host="127.0.0.1",
        plugged_in=False,
        client_region_id=None,
        protocol="HTTPS",
    )
    return effective_request(plain._replace(**changes))


def targets(**changes: Any) -> tuple[str, ...]:
    request = effective(**changes)
    assert request is not None
    assert not request.unreadable
    return request.targets


@pytest.mark.parametrize("transport", ["do_request", "do_rpcrequest"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(for_all=LAYER, for_this_call=LAYER, query=LAYER, form=LAYER, headers=HEADERS, once=HEADERS)
def test_action_and_targets_are_those_that_arrive(
    ecs: FakeEcs,
    stock: Any,
    transport: str,
    for_all: Any,
    for_this_call: Any,
    query: Any,
    form: Any,
    headers: Any,
    once: Any,
) -> None:
    """Whatever the layers hold, what the stock client sends is what was reviewed."""
    stock._global_parameters = GlobalParameters(queries=for_all, headers=headers)
    stock.set_rpc_headers(once)
    request = OpenApiRequest(query=query, body=form or None)
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries=for_this_call))
    if transport == "do_request":
        call = of_request(stock, params("DescribeInstances"), request, runtime)
    else:
        call = of_rpcrequest(stock, "DescribeInstances", ECS, "HTTP", request, runtime)
    reviewed = None if call is None else call.effective
    try:
        TRANSPORTS[transport](stock, "DescribeInstances", request, runtime)
    except Exception:  # noqa: BLE001 - whatever the fake makes of it, it has been sent
        sent = ecs.requests[-1]
    else:
        sent = ecs.requests[-1]
    if reviewed is None:
        assert sent.action not in {"DeleteSecurityGroup", "RunInstances"} or sent.version != ECS
    else:
        pairs = {**for_all, **for_this_call, **query}
        arrived = Parameters([*pairs.items(), *form.items()])
        assert set(arrived.target_groups()) == set(reviewed.targets)
        assert set(reviewed.region_ids) >= {arrived.get("RegionId").lower()} - {""}


@pytest.mark.parametrize(
    "body",
    [
        {"SecurityGroupIds": ["sg-a", " SG-B "]},
        {"NetworkInterface": [{"SecurityGroupId": "sg-a"}, {"SecurityGroupIds": ("sg-b",)}]},
        '{"SecurityGroupId": "sg-a", "SecurityGroupId": "sg-b"}',
        b'[{"SecurityGroupId": ["sg-a", {"SecurityGroupId": "sg-b"}]}]',
        "SecurityGroupId=sg-a&SecurityGroupId=sg-b",
        {"SecurityGroupId": b"sg-a", "SecurityGroupIds": '"sg-b"'},
    ],
    ids=lambda body: type(body).__name__ + str(len(str(body))),
)
def test_a_body_is_read_in_every_encoding(body: object) -> None:
    """As a mapping, as JSON (both of two equal names), and as a form."""
    assert targets(body=body) == ("sg-a", "sg-b")


@pytest.mark.parametrize("value", ["", "  ", "[]", '[""]', None, [], [None]], ids=repr)
def test_an_empty_value_names_no_group(value: object) -> None:
    assert targets(query={"SecurityGroupId": value}) == ()


@pytest.mark.parametrize("value", [7, 1.5, True], ids=str)
def test_a_value_of_another_type_is_what_it_becomes_on_the_wire(value: object) -> None:
    assert targets(query={"SecurityGroupId": value}) == (str(value).lower(),)


@pytest.mark.parametrize(
    "changes",
    [
        {"query": {"SecurityGroupId": "[{}]"}},
        {"query": {"SecurityGroupId": '["sg-a"'}},
        {"query": {"SecurityGroupId": "[" * 100_000}},
        {"body": "[" * 100_000},
        {"body": 7},
        {"body": list(b"SecurityGroupId=sg-a")},
        {"body": b"\x1f\x8b\x08SecurityGroupId=sg-a"},
        {"body": "S\0e\0c\0u\0r\0i\0t\0y\0G\0r\0o\0u\0p\0I\0d\0=\0s\0g\0"},
        {"body": '--x\r\nContent-Disposition: form-data; name="SecurityGroupId"\r\n\r\nsg-a\r\n--x--'},
        {"body": "SecurityGroupId"},
        {"streamed": True},
    ],
    ids=[
        "a number",
        "half an array",
        "a deep array",
        "a deep body",
        "a number as body",
        "a list of bytes",
        "compressed",
        "another character set",
        "multipart",
        "no form",
        "a stream",
    ],
)
def test_what_cannot_be_read_is_said_to_be_unreadable(changes: Any) -> None:
    request = effective(**changes)
    assert request is not None
    assert request.unreadable


@pytest.mark.parametrize(
    ("changes", "guarded"),
    [
        ({}, True),
        ({"version": None}, True),
        ({"version": "2017-11-10"}, False),
        ({"version": "2014/05/26"}, True),
        ({"version": "latest"}, True),
        ({"version": "2017-11-10", "headers": {"x-other": "1"}}, False),
        ({"action": "Delete\u017fecurityGroup"}, True),
        ({"action": None}, False),
        ({"headers": {"x-acs-action": " deletesecuritygroup ", "X-Acs-Version": f" {ECS} "}}, True),
        ({"headers": {"x-acs-action": None}}, False),
        ({"headers": {"x-acs-action": "DescribeInstances"}}, False),
        ({"headers": {"x-acs-action": "DescribeInstances"}, "query": {"aCTion": "RunInstances"}}, True),
        (
            {
                "headers": {"x-acs-action": "DescribeInstances"},
                "once_headers": {"x-acs-action": "RunInstances"},
            },
            True,
        ),
        ({"once_headers": {"x-acs-action": "DescribeInstances"}}, False),
        ({"once_headers": {"x-acs-action": "DescribeInstances"}, "tried_again": True}, True),
        ({"headers": {"x-acs-action": "RunInstances", "x-acs-version": None}}, True),
        ({"headers": {"x-acs-action": "RunInstances", "x-acs-version": "2017-11-10"}}, False),
        (
            {
                "headers": {"x-acs-action": "RunInstances", "x-acs-version": "2017-11-10"},
                "query": {"Version": ECS},
            },
            True,
        ),
        ({"headers": {"x-acs-action": "DescribeInstances"}, "plugged_in": True}, True),
        ({"headers": {"x-acs-version": "2099-01-01"}, "plugged_in": True}, True),
        ({"host": None}, False),
        ({"host": "", "plugged_in": True}, True),
    ],
    ids=str,
)
def test_action_and_version_decide_whether_a_call_is_guarded(changes: Any, guarded: bool) -> None:  # noqa: FBT001 - parametrized
    assert (effective(**changes) is not None) == guarded


@pytest.mark.parametrize(
    ("host", "region_id"),
    [
        ("ecs.cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("ecs-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("ecs.ap-southeast-1.aliyuncs.com:443", "ap-southeast-1"),
        ("ecs-vpc.cn-beijing.aliyuncs.com", "cn-beijing"),
        ("ecs.vpc-proxy.aliyuncs.com", None),
        ("ecs.aliyuncs.com", None),
        ("127.0.0.1:8080", None),
        ("ecs.cn-hangzhou.aliyuncs.com.example.org", None),
    ],
)
def test_the_region_is_read_from_the_endpoints_name(host: str, region_id: str | None) -> None:
    assert region_of_endpoint(host) == region_id


@pytest.mark.parametrize(
    ("named", "of_client", "host", "regions"),
    [
        ("", None, "ecs.aliyuncs.com", []),
        ("", "cn-beijing", "ecs.aliyuncs.com", ["cn-beijing"]),
        ("cn-qingdao", "cn-beijing", "ecs.aliyuncs.com", ["cn-qingdao", "cn-beijing"]),
        ("cn-qingdao", None, "ecs.cn-hangzhou.aliyuncs.com", ["cn-qingdao", "cn-hangzhou"]),
        (
            "cn-qingdao",
            "cn-beijing",
            "ecs.cn-hangzhou.aliyuncs.com",
            ["cn-qingdao", "cn-beijing", "cn-hangzhou"],
        ),
        ("cn-beijing", "cn-beijing", "ecs.cn-beijing.aliyuncs.com", ["cn-beijing"]),
        ("cn-qingdao", "cn-beijing", "ecs.cn-qingdao.aliyuncs.com", ["cn-qingdao", "cn-beijing"]),
        ("cn-qingdao", "cn-beijing", "ecs.cn-beijing.aliyuncs.com", ["cn-qingdao", "cn-beijing"]),
    ],
)
def test_every_region_that_a_call_may_be_about_is_tried_once(
    named: str, of_client: str | None, host: str, regions: list[str]
) -> None:
    """The one it names, the client's, and the one in the endpoint's name, in this order."""
    request = effective(query={"RegionId": named}, client_region_id=of_client, host=host)
    assert request is not None
    assert list(regions_of(request)) == regions


def test_a_group_found_in_a_later_region_is_known_though_an_earlier_one_could_not_be_asked() -> None:
    """Managed there is managed, and ordinary there is ordinary: ids are not used twice."""
    request = effective(
        query={"SecurityGroupId": "sg-a", "RegionId": "cn-qingdao"}, client_region_id="cn-beijing"
    )
    assert request is not None
    steps = review(request, GuardPolicy())
    next(steps)
    steps.send({"sg-a": Undetermined(security_group_id="sg-a", reason="it rains", next_step="Wait.")})
    with pytest.raises(StopIteration) as done:
        steps.send({"sg-a": GroupStatus("sg-a", True, True, 7, "cn-beijing")})  # noqa: FBT003 - fields
    assert (done.value.value.outcome, done.value.value.undetermined) == ("denied", ())


def test_missing_in_one_region_does_not_outweigh_unknown_in_another() -> None:
    """The group may be where ECS could not be asked."""
    request = effective(
        query={"SecurityGroupId": "sg-a"},
        client_region_id="cn-qingdao",
        host="ecs.cn-beijing.aliyuncs.com",
    )
    assert request is not None
    steps = review(request, GuardPolicy())
    assert next(steps).region_id == "cn-qingdao"
    unknown = Undetermined(security_group_id="sg-a", reason="it rains", next_step="Wait.")
    assert steps.send({"sg-a": unknown}).region_id == "cn-beijing"
    missing = GroupStatus("sg-a", False, False, None, "cn-beijing")  # noqa: FBT003 - fields
    with pytest.raises(StopIteration) as done:
        steps.send({"sg-a": missing})
    assert done.value.value.undetermined == (unknown,)


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("ecs.aliyuncs.com", "ecs.aliyuncs.com"),
        (" HTTP://user:secret@ECS.aliyuncs.com:80/path?query ", "ecs.aliyuncs.com:80"),
        ("127.0.0.1:8080/", "127.0.0.1:8080"),
    ],
)
def test_a_host_is_known_by_its_name_alone(endpoint: str, host: str) -> None:
    """However an endpoint is written, it is the same ECS, and no password stays in it."""
    request = effective(host=endpoint)
    assert request is not None
    assert request.host == host


class Protocol(str, Enum):  # noqa: UP042 - as below
    SECURE = "Https"


@pytest.mark.parametrize("protocol", ["HTTP", "https", "hTTP", "hTTPS", Protocol.SECURE, None], ids=str)
def test_a_protocol_may_be_written_in_any_way_that_the_sdk_takes(protocol: object) -> None:
    """It makes small letters of it; without any it sends nothing."""
    assert targets(protocol=protocol, query={"SecurityGroupId": "sg-a"}) == ("sg-a",)


class Region(str, Enum):  # noqa: UP042 - the point
    """A string enumeration as it was written before Python 3.11, whose str() is the member's name."""

    HANGZHOU = "cn-hangzhou"


def test_a_string_enumeration_counts_as_both_texts_it_may_become() -> None:
    """The SDK puts str() of it into a query, and the string itself into a header."""
    request = effective(query={"RegionId": Region.HANGZHOU}, client_region_id=Region.HANGZHOU)
    assert request is not None
    assert request.region_ids == ("cn-hangzhou", "region.hangzhou")
    assert request.client_region_id == "cn-hangzhou"


def test_a_call_is_taken_apart_into_plain_texts() -> None:
    """Lower case where ECS's own spelling is not known to matter, and nothing for what is not there."""
    query = {
        "SecurityGroupId": " SG-A ",
        "RegionId": " CN-Beijing ",
        "ResourceOwnerID": "9",
        "ResourceOwnerAccount": "him",
        "ownerid": 7,
        "OwnerAccount": "Me",
    }
    assert effective(query=query, client_region_id=" CN-Hangzhou ") == EffectiveRequest(
        action="DeleteSecurityGroup",
        host="127.0.0.1",
        targets=("sg-a",),
        region_ids=("cn-beijing",),
        client_region_id="cn-hangzhou",
        owner=(
            ("owneraccount", "Me"),
            ("ownerid", "7"),
            ("resourceowneraccount", "him"),
            ("resourceownerid", "9"),
        ),
        unreadable="",
        templates=(),
        spelt=("SG-A",),
    )
    assert effective() == EffectiveRequest("DeleteSecurityGroup", "127.0.0.1", (), (), "", (), "")


@pytest.mark.parametrize(
    ("of_call", "in_query", "action"),
    [
        ("DescribeSecurityGroups", "DeleteSecurityGroup", "DeleteSecurityGroup"),
        ("DeleteSecurityGroup", "DescribeSecurityGroups", "DeleteSecurityGroup"),
        ("DeleteSecurityGroup", "RunInstances", "DeleteSecurityGroup"),
        ("DescribeSecurityGroups", "Nonsense", "DescribeSecurityGroups"),
        ("Nonsense", "DescribeSecurityGroups", "DescribeSecurityGroups"),
    ],
)
def test_a_guarded_action_outweighs_one_that_is_only_learned_from(
    of_call: str, in_query: str, action: str
) -> None:
    """Which of two actions ECS believes is not known; of two guarded ones the first gives its name."""
    request = effective(action=of_call, query={"Action": in_query})
    assert request is not None
    assert request.action == action
    assert request.is_guarded == (action != "DescribeSecurityGroups")


OTHER_PROTOCOL = "its protocol is neither HTTP nor HTTPS, and may lead elsewhere than its endpoint"
OTHER_TRY = "its header host is for one try, and a further one would go elsewhere"
OTHER_HOST = "its header Host names another host than its address"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"query": {"SecurityGroupIds": "[1]"}},
            "the value of SecurityGroupIds is no JSON array of group ids",
        ),
        ({"query": {"SecurityGroupId": "[x"}}, "the value of SecurityGroupId is no JSON array of group ids"),
        ({"body": 7}, "its body is of the type int"),
        ({"body": '{"a"'}, "its body begins like JSON and is none"),
        ({"body": "[1"}, "its body begins like JSON and is none"),
        ({"body": "\N{SNOWMAN}=1"}, "its body is neither a form nor JSON"),
        ({"body": "a=\x07"}, "its body is neither a form nor JSON"),
        ({"body": "abc"}, "its body is neither a form nor JSON"),
        *(
            ({"protocol": each}, OTHER_PROTOCOL)
            for each in ("ftp", "http\u017f", ["https"], "https://h/?a=b&c=")
        ),
        (
            {"host": "h\\evil.example"},
            "its endpoint holds a backslash, which some take for the end of a host and some do not",
        ),
        ({"headers": {"Host": "evil.example"}}, OTHER_HOST),
        ({"headers": {"Host": "evil.example", "host": "127.0.0.1"}}, OTHER_HOST),
        ({"headers": {"Host": "127.0.0.1"}}, ""),
        ({"headers": {"Host": "h", "host": "h"}}, ""),
        ({"headers": {"host": "h", "x-other": "1"}}, ""),
        ({"once_headers": {"host": "h"}, "tried_again": True}, OTHER_TRY),
        ({"headers": {"host": "a"}, "once_headers": {"host": "b"}, "tried_again": True}, OTHER_TRY),
        ({"headers": {"host": "a"}, "once_headers": {"x-other": "1"}, "tried_again": True}, ""),
        ({"once_headers": {"host": "127.0.0.1"}, "tried_again": True}, ""),
        ({"once_headers": {"host": "h"}}, ""),
        (
            {"streamed": True},
            "its body is a stream, which cannot be read without taking it from the call",
        ),
    ],
)
def test_what_is_unreadable_is_named(changes: Any, reason: str) -> None:
    request = effective(**changes)
    assert request is not None
    assert request.unreadable == reason


def test_a_value_that_has_no_text_is_named_by_its_parameter() -> None:
    """By the class of its error as well, but not by what that says."""

    class Secret:
        def __str__(self) -> str:
            raise OSError("s3cret")

    request = effective(query={"SecurityGroupId": Secret(), "Description": Secret()})
    assert request is not None
    assert request.unreadable == "reading the value of SecurityGroupId raised OSError"
    request = effective(query={"SecurityGroupIds": ["sg-a", Secret()]})
    assert request is not None
    assert request.unreadable == "reading the value of SecurityGroupIds.2 raised OSError"
    request = effective(query={"Description": Secret()})
    assert request is not None
    assert not request.unreadable


@pytest.mark.parametrize("body", ["", b"", "a=b", bytearray(b"a=b"), "a=", " {}", "\n[]"], ids=repr)
def test_a_body_that_names_no_group_is_no_obstacle(body: object) -> None:
    assert targets(body=body) == ()


def test_what_is_nested_too_deep_for_ecs_is_not_followed_for_ever() -> None:
    def nested(depth: int) -> Any:
        value: Any = "sg-a"
        for _ in range(depth):
            value = [value]
        return value

    assert targets(query={"SecurityGroupId": nested(MAX_DEPTH + 1)}) == ("sg-a",)
    request = effective(query={"SecurityGroupId": nested(MAX_DEPTH + 2)})
    assert request is not None
    assert request.unreadable == "its parameters are nested more than 32 deep"


class Alike:
    """An object that says it equals everything."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __str__(self) -> str:
        return self._text


@pytest.mark.parametrize(
    ("changes", "groups"),
    [
        ({"pathname": "/?SecurityGroupId=sg-a&Note=what?"}, ("sg-a",)),
        ({"pathname": "/?SecurityGroupId=sg-a;SecurityGroupIds.1=sg-b"}, ("sg-a", "sg-b")),
        ({"host": "h?SecurityGroupId=sg-a&x"}, ("sg-a",)),
        ({"protocol": "https://h/?SecurityGroupId=sg-a&x"}, ("sg-a",)),
        ({"pathname": Alike("/?SecurityGroupId=sg-a")}, ("sg-a",)),
        ({"body": b"Note=\xff&SecurityGroupId=sg-a"}, ()),
        ({"body": b'{"Note": "\xff", "SecurityGroupId": "sg-a"}'}, ("sg-a",)),
        ({"query": {"SecurityGroupId": b"\xffsg-a"}}, ("\N{REPLACEMENT CHARACTER}sg-a",)),
        ({"query": {"SecurityGroupId": bytearray(b" SG-A ")}}, ("sg-a",)),
        ({"query": {"SecurityGroupIds": '["sg-a", " ", "SG-B "]'}}, ("sg-a", "sg-b")),
        ({"query": {"SecurityGroupIds": frozenset({"sg-a"})}}, ("sg-a",)),
        ({"query": {"SecurityGroupIds": {"1": {"sg-a"}}}}, ("sg-a",)),
        ({"query": {".SecurityGroupId.": "sg-a", "SecurityGroupId.x": "sg-b"}}, ("sg-a", "sg-b")),
        ({"query": {"SecurityGroupId.1.2": "sg-a", "1": "sg-b", "": "sg-c"}}, ("sg-a",)),
        ({"query": {"SecurityGroupId": "X-1"}}, ("x-1",)),
        ({"query": {b" securitygroupid ": "sg-a"}}, ("sg-a",)),
        ({"query": {"SecurityGroupId": None, "SecurityGroupIds": "sg-a"}}, ("sg-a",)),
        ({"query": {"SecurityGroupId": "  ", "SecurityGroupIds": "sg-a"}}, ("sg-a",)),
    ],
    ids=str,
)
def test_a_group_is_seen_wherever_and_however_it_stands(changes: Any, groups: tuple[str, ...]) -> None:
    request = effective(**changes)
    assert request is not None
    assert request.targets == groups


def test_numbers_within_json_are_those_of_repeated_parameters() -> None:
    """And names without a dot in front of them are those of a form."""
    body = {
        "NetworkInterface": [{"SecurityGroupId": "sg-a"}],
        "RegionId": "cn-beijing",
        "Tag": {"RegionId": "x"},
    }
    for request in (effective(body=body), effective(body=json.dumps(body))):
        assert request is not None
        assert (request.targets, request.region_ids) == (("sg-a",), ("cn-beijing",))


@pytest.mark.parametrize(
    ("changes", "host"),
    [
        ({"headers": {"host": "other"}}, "other"),
        ({"headers": {"host": "other"}, "once_headers": {"host": "third"}}, "third"),
        ({"once_headers": {"a": "b"}}, "127.0.0.1"),
        ({"headers": {"host": "other"}, "once_headers": {"a": "b"}}, "other"),
        ({"headers": {"host": "other"}, "once_headers": {"host": "third"}, "tried_again": True}, "third"),
        ({"headers": {"host": "other"}, "plugged_in": True}, "127.0.0.1"),
        ({"host": None, "plugged_in": True}, ""),
        ({"host": "h?x=y/z"}, "h"),
        ({"host": "h/a@b"}, "h"),
        ({"host": "https://a:b@c@H"}, "h"),
        ({"host": "http://h"}, "h"),
        ({"host": "h/?x=http://other"}, "h"),
        ({"host": "h#@other"}, "h"),
        ({"host": "h\\@other"}, "h"),
        ({"host": "h/https://other"}, "h"),
        ({"host": "ftp://other"}, "ftp:"),
    ],
    ids=str,
)
def test_the_host_is_the_one_that_is_connected_to(changes: Any, host: str) -> None:
    """A header replaces it, unless a plug-in makes the headers."""
    request = effective(**changes)
    assert request is not None
    assert request.host == host


def launch_templates(action: str = "RunInstances", **query: Any) -> tuple[LaunchTemplate, ...]:
    request = effective(action=action, query=query)
    assert request is not None
    return request.templates


def test_every_launch_template_that_may_be_meant_is_named() -> None:
    """In each version that may be meant; by its id or by its name, never by both."""
    assert launch_templates(LaunchTemplateId=" lt-1 ") == (LaunchTemplate("lt-1", "", ""),)
    assert launch_templates(LaunchTemplateName="Web", LaunchTemplateVersion=3) == (
        LaunchTemplate("", "Web", "3"),
    )
    assert launch_templates(
        LaunchTemplateId="lt-1",
        launchtemplateid="lt-2",
        LaunchTemplateName="Web",
        LaunchTemplateVersion="1",
        launchTemplateVersion="2",
    ) == (
        LaunchTemplate("lt-1", "", "1"),
        LaunchTemplate("lt-1", "", "2"),
        LaunchTemplate("lt-2", "", "1"),
        LaunchTemplate("lt-2", "", "2"),
        LaunchTemplate("", "Web", "1"),
        LaunchTemplate("", "Web", "2"),
    )
    assert launch_templates(LaunchTemplateVersion="1") == ()
    assert launch_templates(LaunchTemplateId="lt-1", SecurityGroupId="sg-1") == ()
    assert launch_templates("CreateInstance", LaunchTemplateId="lt-1") == ()


@pytest.mark.parametrize("name", ["SecurityGroupId", "SecurityGroupIds.1", "SecurityGroupIds.16"])
def test_a_group_that_is_named_as_documented_replaces_those_of_the_template(name: str) -> None:
    assert launch_templates(LaunchTemplateId="lt-1", **{name: "sg-1"}) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SecurityGroupIds", "sg-1"),
        ("SecurityGroupIds.0", "sg-1"),
        ("SecurityGroupIds.1.1", "sg-1"),
        ("SecurityGroupIds[1]", "sg-1"),
        ("SecurityGroupId.1", "sg-1"),
        ("securitygroupid", "sg-1"),
        (" SecurityGroupId", "sg-1"),
        ("SecurityGroupId", '["sg-1"]'),
        ("SecurityGroupIds.1", [["sg-1"]]),
        ("NetworkInterface.1.SecurityGroupId", "sg-1"),
    ],
)
def test_a_group_that_is_named_in_another_way_is_a_target_beside_those_of_the_template(
    name: str, value: Any
) -> None:
    """ECS may not know it, and take the groups of the template."""
    request = effective(action="RunInstances", query={"LaunchTemplateId": "lt-1", name: value})
    assert request is not None
    assert (request.targets, request.templates) == (("sg-1",), (LaunchTemplate("lt-1", "", ""),))


def test_ids_are_normal_and_each_stands_once() -> None:
    assert normal_ids([" SG-A", "sg-b", "sg-a "]) == ("sg-a", "sg-b")
    assert normal_ids(iter(())) == ()
    for text in ("sg-a", b"sg-a"):
        with pytest.raises(TypeError, match=r"must be several ids, not the string b?'sg-a'"):
            normal_ids(text)
    with pytest.raises(
        TypeError, match=r"a security group id is a string, not \['sg-a'\]; unpack it with \*"
    ):
        normal_ids([["sg-a"]])
    with pytest.raises(TypeError, match=r"a security group id is a string, not 7$"):
        normal_ids([7])


class Unreadable:
    """What has no text."""

    def __str__(self) -> str:
        raise ZeroDivisionError


class Told(str):  # noqa: SLOT000 - the point
    """A text that is another one when it is asked for."""

    def __str__(self) -> str:
        return "sg-b"


def test_a_host_that_cannot_be_read_is_none() -> None:
    """The SDK fails on it before it sends anything."""
    assert effective(host=Unreadable()) is None


class Broken(UserDict[Any, object]):
    """What has members and does not show them."""

    def __iter__(self) -> Iterator[Any]:
        raise ZeroDivisionError


def test_layers_that_cannot_be_read_leave_the_action_the_call_was_made_with() -> None:
    for layer in ("headers", "query"):
        request = effective(**{layer: Broken({"x-other": "1"})})
        assert request is not None
        assert request.action == "DeleteSecurityGroup"
        assert request.unreadable == "reading its parameters raised ZeroDivisionError"


def test_a_header_may_name_the_region() -> None:
    request = effective(headers={"X-Acs-Region-Id": "cn-Beijing"})
    assert request is not None
    assert request.region_ids == ("cn-beijing",)


def test_a_text_that_may_say_something_else_is_read_in_both_ways_and_not_trusted() -> None:
    request = effective(query={"SecurityGroupId": Told("sg-a")})
    assert request is not None
    assert request.targets == ("sg-a", "sg-b")
    assert request.unreadable == (
        "the value of SecurityGroupId is of the type Told, which may say something else when it is sent"
    )


def test_a_name_that_may_say_something_else_is_not_trusted() -> None:
    """One of bytes says the same each time."""
    request = effective(query={Told("SecurityGroupId"): "sg-a"})
    assert request is not None
    assert request.targets == ("sg-a",)
    assert request.unreadable == (
        "the name of a parameter is of the type Told, which may say something else when it is sent"
    )
    for value in ("sg-a", ["sg-a", ["sg-b"]]):
        assert effective(query={b"SecurityGroupId": value}) == effective(query={"SecurityGroupId": value})


def test_a_name_of_several_parts_is_no_region() -> None:
    request = effective(query={"RegionId.Next": "cn-beijing", "Next.RegionId": "cn-beijing"})
    assert request is not None
    assert request.region_ids == ()


def test_two_owners_are_named() -> None:
    request = effective(query={"OwnerId": "1", "ownerid": "2"})
    assert request is not None
    assert request.unreadable == "it names more than one ownerid"


class Either(str, Enum):  # noqa: UP042 - the point
    BLANK = " cn-hangzhou "


def test_the_text_that_a_string_enumeration_is_comes_before_its_name() -> None:
    request = effective(query={"RegionId": Either.BLANK})
    assert request is not None
    assert request.region_ids == ("cn-hangzhou", "either.blank")


def test_every_spelling_of_the_parameter_for_the_action_is_known() -> None:
    assert len(ACTION_SPELLINGS) == 2**6
    assert {spelling.lower() for spelling in ACTION_SPELLINGS} == {"action"}


def test_lists_that_hold_one_another_many_times_cannot_be_read() -> None:
    """They have more members than memory has room for, and the guard counts them only so far."""
    request = effective(query={"SecurityGroupId": "sg-a", "Tag": [["x"] * 1000] * 300})
    assert request is not None
    assert request.unreadable == "it holds more than 200,000 parameters"
    for one_more in (False, True):
        request = effective(query={"Tag": ["x"] * (200_000 + one_more)})
        assert request is not None
        assert bool(request.unreadable) is one_more


def test_a_container_is_named_by_the_last_512_letters_of_its_name() -> None:
    """No name that ECS knows is as long, and what its members are called is not to grow with every level."""
    assert targets(query={f"SecurityGroupIds.{'x' * 495}": ["sg-a"]}) == ("sg-a",)
    assert targets(query={f"SecurityGroupIds.{'x' * 496}": ["sg-a"]}) == ()
