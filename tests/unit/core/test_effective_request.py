"""The guard reads the request as it will be sent."""

from __future__ import annotations

from collections import UserDict
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs._core.request import EffectiveRequest, LaunchTemplate
from tests.support.merged_calls import effective, targets
from tests.support.transports import ECS

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    """The guard reads a mapping, JSON (both of two equal names) and a form."""
    assert targets(body=body) == ("sg-a", "sg-b")


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


class Protocol(str, Enum):  # noqa: UP042 - as below
    SECURE = "Https"


@pytest.mark.parametrize("protocol", ["HTTP", "https", "hTTP", "hTTPS", Protocol.SECURE, None], ids=str)
def test_a_protocol_may_be_written_in_any_way_that_the_sdk_takes(protocol: object) -> None:
    """The SDK lowers the letters of a protocol. Without a protocol it sends nothing."""
    assert targets(protocol=protocol, query={"SecurityGroupId": "sg-a"}) == ("sg-a",)


def test_a_call_is_taken_apart_into_plain_texts() -> None:
    """Hosts and regions are in lower case. Missing parts are empty."""
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
        targets=("sg-a", "SG-A"),
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
    """ECS does not document its choice between two actions. The first of two guarded ones names the call."""
    request = effective(action=of_call, query={"Action": in_query})
    assert request is not None
    assert request.action == action
    assert request.is_guarded == (action != "DescribeSecurityGroups")


NOT_PLAIN = "is not plain text, and a server may read it in another way"


ODD_ADDRESS = f"its address {NOT_PLAIN}"


ODD_NAME = f"the name of a parameter {NOT_PLAIN}"


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
            ({"protocol": each}, ODD_ADDRESS)
            for each in ("ftp", "http\u017f", ["https"], "https://h/?a=b&c=")
        ),
        *(
            ({"host": each}, ODD_ADDRESS)
            for each in ("h\\evil.example", "h?a=b", "user@h", "h#x", "h\u3002x", "h/%3F")
        ),
        *(
            ({"pathname": each}, ODD_ADDRESS)
            for each in (
                "@evil.example/",
                " @evil.example/",
                ".evil.example",
                "X.evil.example",
                None,
                "?x",
                "#x",
                "/%3Fx",
            )
        ),
        *(({"host": each}, "") for each in ("h/", "[::1]:80", "127.0.0.1:80", "h/ecs")),
        *(({"pathname": each}, "") for each in ("", "/x")),
        *(
            ({"query": {name: "sg-a"}}, ODD_NAME)
            for name in (
                "SecurityGroupId[0]",
                " RegionId",
                "Act\u0131on",
                "Secur\u0131tyGroupIds.1",
                "OwnerId\0",
            )
        ),
        *(({"query": {name: "x"}}, "") for name in ("Tag.k8s.io/name", "My-Region_Id", "")),
        ({"action": "DeleteSecurityGroup\0"}, f"its action {NOT_PLAIN}"),
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


@pytest.mark.parametrize("body", ["", b"", "a=b", bytearray(b"a=b"), "a=", " {}", "\n[]"], ids=repr)
def test_a_body_that_names_no_group_is_no_obstacle(body: object) -> None:
    assert targets(body=body) == ()


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
        ({"host": " HTTP://user:secret@ECS.aliyuncs.com:80/path?query "}, "ecs.aliyuncs.com:80"),
    ],
    ids=str,
)
def test_the_host_is_the_one_that_is_connected_to(changes: Any, host: str) -> None:
    """A header replaces it, unless a plug-in makes the headers."""
    request = effective(**changes)
    assert request is not None
    assert request.host == host


class Unreadable:
    """An object without a text."""

    def __str__(self) -> str:
        raise ZeroDivisionError


def test_a_host_that_cannot_be_read_is_none() -> None:
    """The SDK fails on such a host before it sends anything."""
    assert effective(host=Unreadable()) is None


class Broken(UserDict[Any, object]):
    """A mapping that raises when it is read."""

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


class Alike:
    """An object that claims to equal everything."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        """Show no address: it is part of a test's id, and every worker must spell the id the same."""
        return f"Alike({self._text!r})"


@pytest.mark.parametrize(
    ("changes", "groups"),
    [
        ({"query": {"SecurityGroupId": "sg-a"}}, ("sg-a",)),
        ({"query": {b"SecurityGroupId": "sg-a"}}, ("sg-a",)),
        ({"body": b"Note=\xff&SecurityGroupId=sg-a"}, ()),
        ({"body": b'{"Note": "\xff", "SecurityGroupId": "sg-a"}'}, ("sg-a",)),
    ],
    ids=str,
)
def test_a_group_is_seen_wherever_it_stands(changes: Any, groups: tuple[str, ...]) -> None:
    request = effective(**changes)
    assert request is not None
    assert request.targets == groups


@pytest.mark.parametrize(
    ("action", "more", "templates"),
    [
        ("RunInstances", {}, (LaunchTemplate("lt-1", "", ""),)),
        ("RunInstances", {"SecurityGroupId": "sg-1"}, ()),
        ("CreateInstance", {}, ()),
    ],
    ids=str,
)
def test_groups_come_from_a_launch_template_where_instances_are_run_and_none_is_named(
    action: str, more: dict[str, str], templates: tuple[LaunchTemplate, ...]
) -> None:
    request = effective(action=action, query={"LaunchTemplateId": "lt-1", **more})
    assert request is not None
    assert request.templates == templates


@pytest.mark.parametrize(
    "changes",
    [
        {"pathname": "/?SecurityGroupId=sg-a&Note=what?"},
        {"pathname": "/?SecurityGroupId=sg-a;SecurityGroupIds.1=sg-b"},
        {"host": "h?SecurityGroupId=sg-a&x"},
        {"protocol": "https://h/?SecurityGroupId=sg-a&x"},
        {"pathname": Alike("/?SecurityGroupId=sg-a")},
    ],
    ids=str,
)
def test_a_query_in_the_address_makes_a_call_unreadable(changes: Any) -> None:
    """A server may read parameters there. The rule of plain text refuses such an address."""
    request = effective(**changes)
    assert request is not None
    assert request.unreadable == "its address is not plain text, and a server may read it in another way"


def test_an_address_may_name_the_version_of_ecs() -> None:
    """A query there may replace the version, and the action, of another product's call."""
    address = "h?Action=DeleteSecurityGroup"
    other: dict[str, Any] = {"action": "DescribeInstances", "version": "2017-11-10"}
    assert effective(**other, host=address) is None
    request = effective(**other, host=f"{address}&Version=2014-05-26")
    assert request is not None
    assert (request.action, bool(request.unreadable)) == ("DeleteSecurityGroup", True)


@pytest.mark.parametrize(
    "body",
    ['{"RegionId": "cn-beijing", "SecurityGroupId": "sg-a"}', "RegionId=cn-beijing;SecurityGroupId=sg-a"],
)
def test_the_members_of_an_encoded_body_are_parameters(body: str) -> None:
    """Older servers split a form at semicolons too."""
    request = effective(body=body)
    assert request is not None
    assert (request.region_ids, request.targets, request.unreadable) == (("cn-beijing",), ("sg-a",), "")
