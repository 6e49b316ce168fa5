"""A review asks for unknown groups, region by region, and decides on the answers. No ECS takes part."""

from __future__ import annotations

from typing import Any

import pytest

from safe_ecs._core.decision import Decision, GroupStatus, Undetermined
from safe_ecs._core.request import EffectiveRequest, LaunchTemplate
from safe_ecs._core.review import Read, TemplateRead, conclude, first_read, review
from safe_ecs.policy import GuardPolicy
from tests.support.resolvers import PlayedResolver

ENFORCE, OFF = GuardPolicy(), GuardPolicy(mode="off")


OWNER = (("ownerid", "7"),)


REQUEST = EffectiveRequest(
    action="RunInstances",
    host="ecs.cn-beijing.aliyuncs.com",
    targets=("sg-a", "sg-b"),
    region_ids=("cn-qingdao",),
    client_region_id="cn-beijing",
    owner=OWNER,
    unreadable="",
)


NOWHERE = REQUEST._replace(host="127.0.0.1", region_ids=(), client_region_id="")


ONE, TWO = LaunchTemplate("lt-1", "", ""), LaunchTemplate("", "web", "2")


FROM_TEMPLATES = REQUEST._replace(targets=(), templates=(ONE, TWO))


NO_REGION: dict[str, Any] = {
    "reason": "neither the request nor the client names a region, and the endpoint's name holds none",
    "next_step": "Give the client Config(region_id=...), or the request its RegionId.",
}


def group(
    security_group_id: str, region_id: str, *, exists: bool = True, managed: bool = False
) -> GroupStatus:
    return GroupStatus(security_group_id, exists, managed, None, region_id)


def unknown(security_group_id: str, reason: str = "it rains") -> Undetermined:
    return Undetermined(security_group_id=security_group_id, reason=reason, next_step="Wait.")


def read(region_id: str, *ids: str) -> Read:
    return Read(REQUEST.host, region_id, ids, OWNER)


def template_read(region_id: str, template: LaunchTemplate) -> TemplateRead:
    return TemplateRead(REQUEST.host, region_id, template, OWNER)


def play(
    request: EffectiveRequest, *answers: Any, policy: GuardPolicy = ENFORCE
) -> tuple[list[Any], Decision]:
    """Give one answer after the other, and return the reads and the decision."""
    steps = review(request, policy, PlayedResolver())
    questions, waiting = [], list(answers)
    try:
        questions.append(next(steps))
        while True:
            answer = waiting.pop(0)
            if isinstance(answer, list):
                answer = {each.security_group_id: each for each in answer}
            questions.append(steps.send(answer))
    except StopIteration as done:
        assert not waiting
        return questions, done.value


def decided(decision: Decision) -> tuple[Any, ...]:
    return decision.outcome, decision.groups, decision.undetermined


def test_groups_that_the_first_region_knows_are_asked_for_once() -> None:
    known = [group("sg-a", "cn-qingdao"), group("sg-b", "cn-qingdao", managed=True)]
    questions, decision = play(REQUEST, known)
    assert questions == [read("cn-qingdao", "sg-a", "sg-b")]
    assert decision == Decision(
        action="RunInstances",
        region_id="cn-qingdao",
        endpoint="ecs.cn-beijing.aliyuncs.com",
        outcome="denied",
        refused=True,
        policy=ENFORCE,
        groups=tuple(known),
        undetermined=(),
    )


def test_what_a_region_lacks_is_asked_for_in_the_next() -> None:
    """The next region is asked for the lacking groups only. A group that all regions lack is missing."""
    found = group("sg-a", "cn-qingdao")
    missing = [group("sg-b", region, exists=False) for region in ("cn-qingdao", "cn-beijing")]
    questions, decision = play(REQUEST, [found, missing[0]], [missing[1]])
    assert questions == [read("cn-qingdao", "sg-a", "sg-b"), read("cn-beijing", "sg-b")]
    assert decided(decision) == ("allowed", (found, missing[1]), ())
    assert decision.region_id == "cn-qingdao"


def test_what_a_region_cannot_say_another_may_know() -> None:
    """A group known in one region is known. A group unknown in every region is not missing."""
    first = [unknown("sg-a", "1"), unknown("sg-b", "1")]
    questions, decision = play(REQUEST, first, [group("sg-a", "cn-beijing"), unknown("sg-b", "2")])
    assert questions[1] == read("cn-beijing", "sg-a", "sg-b")
    assert decided(decision) == ("unavailable", (group("sg-a", "cn-beijing"),), (unknown("sg-b", "2"),))


def test_a_group_that_one_region_lacks_and_one_that_it_cannot_say_are_both_found_in_the_next() -> None:
    first = [group("sg-a", "cn-qingdao", exists=False), unknown("sg-b")]
    found = [group(each, "cn-beijing") for each in ("sg-a", "sg-b")]
    _, decision = play(REQUEST, first, found)
    assert decided(decision) == ("allowed", tuple(found), ())


@pytest.mark.parametrize("is_first_unknown", [True, False])
def test_missing_here_does_not_outweigh_unknown_there(is_first_unknown: bool) -> None:  # noqa: FBT001 - parametrized
    """The order of the regions makes no difference."""
    request = REQUEST._replace(targets=("sg-a",))
    answers: list[Any] = [[unknown("sg-a")], [group("sg-a", "cn-x", exists=False)]]
    _, decision = play(request, *(answers if is_first_unknown else answers[::-1]))
    assert decided(decision) == ("unavailable", (), (unknown("sg-a"),))


def test_a_call_that_targets_nothing_asks_nothing() -> None:
    """The decision still names the first region."""
    questions, decision = play(REQUEST._replace(targets=()))
    assert questions == []
    assert decided(decision) == ("allowed", (), ())
    assert decision.region_id == "cn-qingdao"


def test_a_policy_that_is_off_asks_nothing_and_says_nothing_of_a_region() -> None:
    questions, decision = play(FROM_TEMPLATES._replace(targets=("sg-a",), unreadable="odd"), policy=OFF)
    assert questions == []
    assert decided(decision) == ("allowed", (), ())
    assert decision.region_id is None


def test_without_any_region_no_group_is_known() -> None:
    """The decision names each group, and the next step."""
    questions, decision = play(NOWHERE._replace(unreadable="its body is a stream"))
    assert questions == []
    assert decision.region_id is None
    assert decided(decision) == (
        "unavailable",
        (),
        (
            Undetermined(security_group_id="sg-a", **NO_REGION),
            Undetermined(security_group_id="sg-b", **NO_REGION),
            Undetermined(
                security_group_id="",
                reason="its body is a stream",
                next_step="Name the security groups in the request model, or in query or form parameters, and leave "
                "headers and endpoint to the client's configuration.",
            ),
        ),
    )


def test_a_call_that_can_be_read_in_part_is_unknown_for_the_rest() -> None:
    """The readable targets are still looked up, as a managed one decides the call."""
    request = REQUEST._replace(unreadable="its body is a stream")
    known = [group("sg-a", "cn-qingdao"), group("sg-b", "cn-qingdao")]
    _, decision = play(request, known)
    assert decision.outcome == "unavailable"
    assert [each.security_group_id for each in decision.undetermined] == [""]
    _, decision = play(request, [known[0], group("sg-b", "cn-qingdao", managed=True)])
    assert decision.outcome == "denied"


def test_the_groups_of_launch_templates_are_the_targets() -> None:
    """A template that one region lacks is looked for in the next. A group of two templates counts once."""
    known = [group(each, "cn-qingdao") for each in ("sg-a", "sg-b", "sg-c")]
    questions, decision = play(FROM_TEMPLATES, None, ("sg-a", "sg-b"), ("sg-b", "sg-c"), known)
    assert questions == [
        template_read("cn-qingdao", ONE),
        template_read("cn-beijing", ONE),
        template_read("cn-qingdao", TWO),
        read("cn-qingdao", "sg-a", "sg-b", "sg-c"),
    ]
    assert decided(decision) == ("allowed", tuple(known), ())


def test_a_launch_template_that_cannot_be_read_leaves_the_call_unknown() -> None:
    """A template of that name in another region does not help, as ECS may use either."""
    request = FROM_TEMPLATES._replace(templates=(ONE,))
    questions, decision = play(request, unknown(""), ("sg-a",), [group("sg-a", "cn-qingdao")])
    assert questions[1] == template_read("cn-beijing", ONE)
    assert decided(decision) == ("unavailable", (group("sg-a", "cn-qingdao"),), (unknown(""),))
    assert decided(play(request, None, None)[1]) == ("allowed", (), ())


def test_a_launch_template_of_no_known_region_leaves_the_call_unknown() -> None:
    request = FROM_TEMPLATES._replace(host="127.0.0.1", region_ids=(), client_region_id="")
    questions, decision = play(request)
    assert questions == []
    assert decided(decision) == ("unavailable", (), (Undetermined(security_group_id="", **NO_REGION),))


def test_templates_are_left_alone_where_the_policy_says_so() -> None:
    questions, decision = play(FROM_TEMPLATES, policy=GuardPolicy(resolve_launch_templates=False))
    assert questions == []
    assert decided(decision) == ("allowed", (), ())


SPELT = REQUEST._replace(targets=("sg-a", "SG-A"), region_ids=())


LACKING = group("sg-a", "cn-beijing", exists=False)


MANAGED = group("sg-a", "cn-beijing", managed=True)


FREE = group("sg-a", "cn-beijing")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((LACKING, MANAGED), ("denied", (MANAGED,), ())),
        ((FREE, LACKING), ("allowed", (FREE,), ())),
        ((FREE, MANAGED), ("denied", (MANAGED,), ())),
        ((FREE, unknown("sg-a")), ("allowed", (FREE,), ())),
        ((MANAGED, unknown("sg-a")), ("denied", (MANAGED,), ())),
        ((LACKING, unknown("sg-a")), ("unavailable", (), (unknown("sg-a"),))),
        ((LACKING, LACKING), ("allowed", (LACKING,), ())),
    ],
)
def test_what_one_spelling_says_counts_for_both(answers: tuple[Any, Any], expected: Any) -> None:
    """An ECS that minds the case of ids knows a group by one of them: it is listed once."""
    for said in (answers, answers[::-1]):
        questions, decision = play(SPELT, dict(zip(SPELT.targets, said, strict=True)))
        assert questions == [read("cn-beijing", "sg-a", "SG-A")]
        assert decided(decision) == expected


def test_the_groups_of_launch_templates_are_asked_for_as_they_are_spelt_there() -> None:
    """The targets of the request count as well."""
    request = SPELT._replace(templates=(ONE,))
    targets = ("sg-a", "SG-A", "sg-b", "SG-B", "sg-c")
    answer = {each: group(each.lower(), "cn-beijing") for each in targets}
    questions, decision = play(request, ("SG-B", "sg-c"), answer)
    assert questions[1:] == [read("cn-beijing", *targets)]
    assert [each.security_group_id for each in decision.groups] == ["sg-a", "sg-b", "sg-c"]


def test_without_any_region_a_group_of_two_spellings_is_named_once() -> None:
    _, decision = play(NOWHERE._replace(targets=SPELT.targets))
    assert [each.security_group_id for each in decision.undetermined] == ["sg-a"]


@pytest.mark.parametrize(
    ("request_", "policy", "first"),
    [
        (REQUEST, ENFORCE, read("cn-qingdao", "sg-a", "sg-b")),
        (REQUEST._replace(region_ids=()), ENFORCE, read("cn-beijing", "sg-a", "sg-b")),
        (REQUEST._replace(region_ids=(), client_region_id=""), ENFORCE, None),
        (REQUEST, OFF, None),
        (REQUEST._replace(unreadable="odd"), ENFORCE, None),
        (REQUEST._replace(targets=()), ENFORCE, None),
    ],
)
def test_the_first_read_is_known_before_the_review(request_: Any, policy: GuardPolicy, first: Any) -> None:
    """The first read is None if it cannot settle the call."""
    assert first_read(request_, policy) == first


def test_owners_and_groups_are_nobodys_unless_they_are_given() -> None:
    assert Read("host", "cn-qingdao", ("sg-a",)).owner == ()
    assert TemplateRead("host", "cn-qingdao", ONE).owner == ()


def test_what_is_known_is_concluded_from() -> None:
    managed = group("sg-a", "cn-qingdao", managed=True)
    decision = conclude(REQUEST, ENFORCE, "cn-qingdao", (managed,), (unknown("sg-b"),))
    assert decision == Decision(
        "RunInstances",
        "cn-qingdao",
        "ecs.cn-beijing.aliyuncs.com",
        "denied",
        True,  # noqa: FBT003 - a field
        ENFORCE,
        (managed,),
        (unknown("sg-b"),),
    )


def test_a_group_that_is_managed_in_a_later_region_is_managed() -> None:
    """Though an earlier region could not be asked: ids are not used twice."""
    managed = group("sg-a", "cn-beijing", managed=True)
    _, decision = play(REQUEST._replace(targets=("sg-a",)), [unknown("sg-a")], [managed])
    assert decided(decision) == ("denied", (managed,), ())
