"""Twice the input takes at most about twice the work, counted and not timed. No large or long input hangs."""

from __future__ import annotations

import json
import sys
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.runtime import RuntimeOptions

from safe_ecs import GuardError, ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs._calls.copies import copy_containers
from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.drivers import drive
from safe_ecs._core.failure import Failure
from safe_ecs._core.parameters import MAX_DEPTH
from safe_ecs._core.request import LaunchTemplate
from safe_ecs._core.review import Read, TemplateRead, review
from safe_ecs._core.spelling import normal_ids
from safe_ecs._lookup.queries.regions import RegionQueries
from safe_ecs._lookup.queries.statuses import describe
from safe_ecs._lookup.queries.templates import describe_template
from safe_ecs.cache._principal import Principal
from safe_ecs.cache._status_cache import StatusCache
from safe_ecs.cache.redis import _decoded, _encoded
from safe_ecs.policy import GuardPolicy
from safe_ecs.testing import CannedAnswer
from tests.support.concurrency import Callers, run_script
from tests.support.merged_calls import effective
from tests.support.resolvers import PlayedResolver
from tests.support.sdk import OpenApiRequest
from tests.support.transports import DELETE, params, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs import Client
    from safe_ecs.testing import FakeEcs

MOST_FOR_TWICE = 2.3
READ = Read("127.0.0.1", "cn-hangzhou", ())


def lines_run(work: Callable[[], object]) -> int:
    """Count the lines and calls of Python within some work."""
    lines = 0

    def count(_frame: Any, event: str, _argument: object) -> Any:
        nonlocal lines
        lines += event in {"line", "call"}
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines


def ids(size: int) -> tuple[str, ...]:
    return tuple(f"sg-{number}" for number in range(size))


def page(size: int) -> Any:
    return {
        "SecurityGroups": {
            "SecurityGroup": [{"SecurityGroupId": i, "ServiceManaged": False} for i in ids(size)]
        }
    }


def many_parameters(size: int) -> Any:
    return partial(
        effective, action="RunInstances", query={f"Tag.{number}.Key": "x" for number in range(size)}
    )


def many_groups(size: int) -> Any:
    parameters = {f"SecurityGroupIds.{number}": f"SG-{number}" for number in range(size)}
    return partial(effective, action="RunInstances", query=parameters)


def many_groups_in_one_text(size: int) -> Any:
    return partial(effective, query={"SecurityGroupIds": json.dumps(ids(size))})


def many_headers(size: int) -> Any:
    return partial(effective, headers={f"x-{number}": "y" for number in range(size)})


def a_long_form(size: int) -> Any:
    return partial(effective, body="&".join(f"Tag.{number}.Key=x" for number in range(size)))


def a_long_object(size: int) -> Any:
    return partial(effective, body=json.dumps([{"Tag": {"Key": "x"}}] * size))


def many_lists(size: int) -> Any:
    return partial(effective, body={"Tag": [["x"]] * size})


def many_templates(size: int) -> Any:
    parameters = {f"LaunchTemplateId.{number}": f"lt-{number}" for number in range(size)}
    return partial(effective, action="RunInstances", query=parameters)


def a_copy_of_a_long_body(size: int) -> Any:
    return partial(copy_containers, [{"Tag": ["x"]} for _ in range(size)])


def a_long_answer(size: int) -> Any:
    body = page(size)
    return lambda: drive(describe(READ._replace(security_group_ids=("sg-1",))), lambda _: body)


def an_answer_about_one_group(size: int) -> Any:
    body = {"SecurityGroups": {"SecurityGroup": [{"SecurityGroupId": "sg-1", "ServiceManaged": True}] * size}}
    return lambda: drive(describe(READ._replace(security_group_ids=("sg-1",))), lambda _: body)


def a_question_about_many(size: int) -> Any:
    return lambda: drive(describe(READ._replace(security_group_ids=ids(size))), lambda _: page(0))


def a_question_with_an_odd_id(size: int) -> Any:
    """ECS refuses one id in each hundred."""
    refusal = Failure(reason="r", next_step="n", code="InvalidSecurityGroupId.Malformed")

    def answer(asked: Any) -> object:
        wanted = json.loads(asked.parameters["SecurityGroupIds"])
        return refusal if any(i.endswith("00") for i in wanted) else page(0)

    return lambda: drive(describe(READ._replace(security_group_ids=ids(size))), answer)


def a_long_listing(size: int) -> Any:
    listing = RegionQueries(READ, service_managed_only=False)

    def read_on() -> None:
        for number in range(size // 10):
            group = {"SecurityGroupId": f"sg-{number}", "ServiceManaged": True}
            listing.take({"SecurityGroups": {"SecurityGroup": [group]}, "NextToken": str(number)})

    return read_on


def a_long_template(size: int) -> Any:
    version = {
        "VersionNumber": 3,
        "LaunchTemplateData": {"SecurityGroupIds": {"SecurityGroupId": list(ids(size))}},
    }
    body = {"LaunchTemplateVersionSets": {"LaunchTemplateVersionSet": [version]}}
    read = TemplateRead("h", "cn-hangzhou", LaunchTemplate("lt-1", "", "3"))
    return lambda: drive(describe_template(read), lambda _: body)


def a_review(size: int) -> Any:
    request = many_groups(size)()

    def answer(read: Any) -> Any:
        return {
            i: GroupStatus(i, False, False, None, "cn-hangzhou")  # noqa: FBT003 - fields
            for i in read.security_group_ids
        }

    return lambda: drive(review(request, GuardPolicy(), PlayedResolver()), answer)


def a_memory_of_many(size: int) -> Any:
    cache, principal = StatusCache(), Principal(GuardPolicy, ())
    known = [GroupStatus(i, True, True, 7, "cn-hangzhou") for i in ids(size)]  # noqa: FBT003 - fields
    read = READ._replace(security_group_ids=ids(size))

    def use() -> None:
        cache.remember(read, principal, known)
        cache.recall(read, GuardPolicy, GuardPolicy())
        cache.discard(read, principal)

    return use


def many_stored_values(size: int) -> Any:
    status = GroupStatus("sg-1", True, True, 7, "cn-hangzhou")  # noqa: FBT003 - fields
    value = _encoded(READ, status, 60_000).encode()
    return lambda: [_decoded(READ, "sg-1", value, 60_001) for _ in range(size)]


WORK = (
    many_parameters,
    many_groups,
    many_groups_in_one_text,
    many_headers,
    a_long_form,
    a_long_object,
    many_lists,
    many_templates,
    a_copy_of_a_long_body,
    a_long_answer,
    an_answer_about_one_group,
    a_question_about_many,
    a_question_with_an_odd_id,
    a_long_listing,
    a_long_template,
    a_review,
    a_memory_of_many,
    many_stored_values,
    lambda size: partial(normal_ids, ids(size)),
)


@pytest.mark.parametrize("work", WORK, ids=lambda work: work.__name__)
def test_twice_the_input_is_twice_the_work(work: Callable[[int], Any]) -> None:
    """The work grows with the size, from 1,000 to 2,000 and to 4,000."""
    counts = [lines_run(work(size)) for size in (1000, 2000, 4000)]
    assert counts[0] > 10
    for less, more in pairwise(counts):
        assert more / less < MOST_FOR_TWICE, counts


def test_100_000_parameters_are_as_much_work_each_as_10_000() -> None:
    """The work grows no faster at larger sizes than at the sizes above."""
    few, many = (lines_run(many_parameters(size)) for size in (10_000, 100_000))
    assert many / few < 10 * MOST_FOR_TWICE / 2


NESTED: dict[str, Callable[[Any], Any]] = {
    "lists": lambda inner: [inner],
    "mappings": lambda inner: {"a": inner},
    "lists of groups": lambda inner: {"SecurityGroupId": [inner]},
}


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("depth", [MAX_DEPTH - 4, 100_000])
def test_deep_nesting_is_read_so_far_and_no_farther(kind: str, depth: int) -> None:
    """The guard reads to a maximum depth. It neither overflows nor overlooks deeper values."""
    value: Any = "sg-deep"
    for _ in range(depth):
        value = NESTED[kind](value)
    request = effective(body={"SecurityGroupId": value})
    assert request is not None
    assert request.unreadable or request.targets == ("sg-deep",)
    copy_containers(value)


@pytest.mark.parametrize(
    "text", ["[" * 10**6, '{"a":' * 10**6, '[{"SecurityGroupId":' * 10**5, '["' * 10**5], ids=len
)
@pytest.mark.parametrize("place", ["body", "value"])
def test_deep_json_is_said_to_be_unreadable(text: str, place: str) -> None:
    request = effective(body=text) if place == "body" else effective(query={"SecurityGroupIds": text})
    assert request is not None
    # A text that begins with a brace is no list of ids. The guard takes it for an id, and ECS has no such id.
    assert request.unreadable or request.targets == (text.lower(),)


def test_lists_that_hold_one_another_many_times_are_given_up_in_time() -> None:
    """Thirty lists that each hold the next one twice have a thousand million members."""
    printed = run_script(
        """
        from safe_ecs._core.effective_request import effective_request
        from safe_ecs._core.request import MergedCall
        from safe_ecs._calls.copies import copy_containers
        value = ["sg-1"]
        for _ in range(30):
            value = [value, value]
        within = []
        within.extend([within] * 5)
        for each in (value, within):
            copy_containers(each)
            call = MergedCall({}, None, False, {"X": each}, None, False, "/", "h", False, "DeleteSecurityGroup", None, None, "HTTPS")
            print(effective_request(call).unreadable)
        """,
        seconds=120,
    )
    assert printed.splitlines() == ["it holds more than 200,000 parameters"] * 2


def test_long_names_of_nested_parameters_are_not_copied_for_each_member() -> None:
    """Copies of a million letters for each of a hundred thousand members would take a day."""
    printed = run_script(
        """
        from safe_ecs._core.effective_request import effective_request
        from safe_ecs._core.request import MergedCall
        body = {"x" * 10**6: ["y"] * 10**5, "z" * 10**6: {"SecurityGroupId": "sg-1"}}
        call = MergedCall({}, None, False, {}, body, False, "/", "h", False, "DeleteSecurityGroup", None, None, "HTTPS")
        print(effective_request(call).targets)
        """
    )
    assert printed.strip() == "('sg-1',)"


def test_no_regular_expression_of_the_package_takes_for_ever() -> None:
    """Every pattern of the package matches long, nearly correct texts within a minute, in a process of its own."""
    printed = run_script(
        r"""
        import pkgutil, re
        from importlib import import_module
        import safe_ecs

        parts = ["a", "-", ".", "0", " ", "[", "\\", "@", "://", "ecs.", "ecs.cn-", "-a.aliyuncs.com", "https://",
                 'SecurityGroup "', '" has been managed by serviceID "', "\x85", "\u0130"]
        texts = [part * 10_000 + end for part in parts for end in ("", "!", '"')]
        texts += [begin + part * 10_000 for part in parts for begin in ("ecs.", 'SecurityGroup "x"', "a")]
        patterns = {}
        for module in pkgutil.walk_packages(safe_ecs.__path__, "safe_ecs."):
            if not module.name.startswith(("safe_ecs.testing", "safe_ecs.cli", "safe_ecs.__main__")):
                for name, value in vars(import_module(module.name)).items():
                    if isinstance(value, re.Pattern):
                        patterns[value.pattern] = value
        for pattern in patterns.values():
            for text in texts:
                pattern.match(text)
                pattern.fullmatch(text)
                sum(1 for _ in pattern.finditer(text))
        print(len(patterns))
        """
    )
    assert int(printed) >= 5


def _large(*groups: Any) -> CannedAnswer:
    """Return an answer of ten megabytes."""
    several = [*groups, {"SecurityGroupId": "sg-large", "ServiceManaged": False, "Description": "x" * 10**7}]
    return CannedAnswer(body=json.dumps({"SecurityGroups": {"SecurityGroup": several}}).encode())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (_large({"SecurityGroupId": "sg-asked", "ServiceManaged": True}), ManagedSecurityGroupError),
        (_large(), StatusUnavailableError),
        (CannedAnswer(body=json.dumps(page(200_000)).encode()), StatusUnavailableError),
        (CannedAnswer(body=b"[" * 10**7), StatusUnavailableError),
    ],
    ids=["managed", "lacking", "of others", "deep"],
)
def test_a_call_with_an_answer_of_ten_megabytes_ends_as_it_must(
    ecs: FakeEcs, client: Client, answer: CannedAnswer, error: type[GuardError]
) -> None:
    """The call ends within a minute and without a write."""
    ecs.answer_always("DescribeSecurityGroups", answer)
    [result] = Callers([lambda: client.do_request(params(DELETE), query("sg-asked"), RuntimeOptions())]).join(
        60
    )
    assert type(result) is error
    assert not ecs.writes


def test_a_call_with_100_000_parameters_ends_as_it_must(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """The guard refuses the call with the one managed group, and sends the call without it."""

    def send(group: str) -> Any:
        body = {f"Tag.{number}.Key": "x" for number in range(100_000)} | {"SecurityGroupId": group}
        return client.do_request(params(DELETE), OpenApiRequest(body=body), RuntimeOptions())

    [refused, sent] = Callers([partial(send, managed), partial(send, ordinary)]).join(60)
    assert isinstance(refused, ManagedSecurityGroupError)
    assert not isinstance(sent, GuardError)
    assert isinstance(sent, (dict, ClientException)), sent
    assert [len(write.parameters) for write in ecs.writes] == [100_001]
