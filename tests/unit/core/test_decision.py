"""The rule from statuses to a decision, and the words for both."""

from __future__ import annotations

import pickle
import re
from typing import Any

import pytest

from safe_ecs._core.decision import Decision, GroupStatus, Undetermined, decide, statuses_html
from safe_ecs.policy import GuardPolicy

MANAGED = GroupStatus("sg-m", True, True, 7, "cn-hangzhou")  # noqa: FBT003 - fields


ORDINARY = GroupStatus("sg-o", True, False, 8, "cn-hangzhou")  # noqa: FBT003 - fields


MISSING = GroupStatus("sg-none", False, False, None, "cn-hangzhou")  # noqa: FBT003 - fields


UNKNOWN = Undetermined(security_group_id="sg-u", reason="it rains", next_step="Wait.")


ENFORCE, AUDIT = GuardPolicy(), GuardPolicy(mode="audit")


LENIENT = GuardPolicy(on_unavailable="allow")


OURS = GuardPolicy(allowed_service_ids=frozenset({7}))


def decision(*groups: GroupStatus, policy: GuardPolicy = ENFORCE, **fields: Any) -> Decision:
    plain = Decision("DeleteSecurityGroup", "cn-hangzhou", "host", "denied", True, policy, groups)  # noqa: FBT003 - a field
    return plain._replace(**fields)


@pytest.mark.parametrize(
    ("groups", "undetermined", "policy", "outcome", "refused"),
    [
        ((), (), ENFORCE, "allowed", False),
        ((ORDINARY, MISSING), (), ENFORCE, "allowed", False),
        ((ORDINARY, MANAGED), (), ENFORCE, "denied", True),
        ((MANAGED,), (UNKNOWN,), ENFORCE, "denied", True),
        ((MANAGED,), (), LENIENT, "denied", True),
        ((MANAGED,), (UNKNOWN,), AUDIT, "would_deny", False),
        ((MANAGED,), (), OURS, "allowed", False),
        ((MANAGED._replace(service_id=None),), (), OURS, "denied", True),
        ((ORDINARY,), (UNKNOWN,), ENFORCE, "unavailable", True),
        ((ORDINARY,), (UNKNOWN,), AUDIT, "unavailable", False),
        ((ORDINARY,), (UNKNOWN,), LENIENT, "unavailable", False),
    ],
)
def test_the_rule(groups: Any, undetermined: Any, policy: GuardPolicy, outcome: str, refused: Any) -> None:
    """Managed outweighs unknown, and unknown outweighs the rest. Only an enforcing policy refuses."""
    assert decide(groups, undetermined, policy) == (outcome, refused)


def test_the_groups_out_of_bounds_are_managed_by_a_service_that_is_not_allowed() -> None:
    assert decision(ORDINARY, MANAGED, MISSING).managed == (MANAGED,)
    assert decision(ORDINARY, MANAGED, MISSING, policy=OURS).managed == ()


def test_a_status_is_a_word_and_a_sentence() -> None:
    assert [status.state for status in (MANAGED, ORDINARY, MISSING)] == ["managed", "unmanaged", "missing"]
    assert [status.reason for status in (MANAGED, ORDINARY, MISSING)] == [
        "A cloud service manages sg-m (serviceID 7).",
        "sg-o is not managed.",
        "sg-none was not found in cn-hangzhou.",
    ]


STALE = MANAGED._replace(source="stale", age=12.4)


STALE_TOO = ORDINARY._replace(source="stale", age=400.0)


@pytest.mark.parametrize(
    ("said_of", "reason"),
    [
        (
            decision(ORDINARY, MANAGED, MANAGED._replace(security_group_id="sg-n", service_id=None)),
            "DeleteSecurityGroup is refused: a cloud service manages sg-m (serviceID 7), sg-n (serviceID unknown).",
        ),
        (
            decision(MANAGED, policy=AUDIT),
            "DeleteSecurityGroup would be refused: a cloud service manages sg-m (serviceID 7).",
        ),
        (
            decision(MANAGED, bypass_reason="ticket 7"),
            (
                "DeleteSecurityGroup is let through by a bypass (ticket 7), and would otherwise be refused: "
                "a cloud service manages sg-m (serviceID 7)."
            ),
        ),
        (
            decision(STALE, STALE_TOO),
            (
                "DeleteSecurityGroup is refused: a cloud service manages sg-m (serviceID 7). "
                "ECS cannot be asked now; stale: sg-m (12 s old), sg-o (400 s old)."
            ),
        ),
        (
            decision(ORDINARY, undetermined=(UNKNOWN, UNKNOWN)),
            (
                "DeleteSecurityGroup is refused: what is managed cannot be determined. "
                "sg-u: it rains; sg-u: it rains."
            ),
        ),
        (
            decision(
                undetermined=(Undetermined(security_group_id="", reason="it is a stream", next_step=""),),
                policy=LENIENT,
            ),
            (
                "DeleteSecurityGroup is let through: what is managed cannot be determined. "
                "its targets: it is a stream."
            ),
        ),
        (
            decision(undetermined=(UNKNOWN,), action="DescribeSecurityGroups"),
            "What is managed cannot be determined. sg-u: it rains.",
        ),
        (
            decision(ORDINARY, MISSING, MISSING._replace(security_group_id="sg-no")),
            "DeleteSecurityGroup is left to ECS, where these groups were not found: sg-none, sg-no.",
        ),
        (
            decision(ORDINARY),
            "DeleteSecurityGroup is allowed: no target is managed by a service the caller does not act for.",
        ),
        (
            decision(STALE_TOO),
            (
                "DeleteSecurityGroup is allowed: no target is managed by a service the caller does not act for. "
                "ECS cannot be asked now; stale: sg-o (400 s old)."
            ),
        ),
        (decision(), "DeleteSecurityGroup names no security group."),
        (
            decision(policy=GuardPolicy(mode="off")),
            "The policy's mode is off: no security group was looked up.",
        ),
        (
            decision(action="DescribeInstances", outcome="not_guarded"),
            "DescribeInstances is not guarded. It is a query: it changes nothing.",
        ),
        (
            decision(action="StartInstance", outcome="not_guarded"),
            "StartInstance is not guarded. It targets no security group.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_decision_is_one_sentence_that_says_why(said_of: Decision, reason: str) -> None:
    assert said_of.reason == reason
    assert repr(said_of) == f"<Decision {said_of.outcome}: {reason}>"


def test_what_is_not_given_is_nothing() -> None:
    """The defaults of a decision, a status and a failure are empty."""
    plain = Decision("DeleteSecurityGroup", None, "host", "allowed", False, ENFORCE)  # noqa: FBT003 - a field
    assert (plain.groups, plain.undetermined, plain.bypass_reason, plain.reads) == ((), (), "", 0)
    assert (MANAGED.source, MANAGED.age) == ("lookup", 0.0)
    assert (UNKNOWN.code, UNKNOWN.launch_template, UNKNOWN.cause) == (None, "", None)


def test_the_cause_of_an_unknown_status_stays_here() -> None:
    """Exceptions of the transport may hold signatures, and cannot be compared or pickled."""
    known = Undetermined(
        security_group_id="sg-u",
        reason="it rains",
        next_step="Wait.",
        code="Rain",
        cause=RuntimeError("Signature=s3cret"),
    )
    assert isinstance(known.cause, RuntimeError)
    assert "s3cret" not in repr(known)
    travelled = pickle.loads(pickle.dumps(known))  # noqa: S301 - our own
    assert travelled == known
    assert travelled.cause is None
    assert (travelled.security_group_id, travelled.reason, travelled.next_step, travelled.code) == (
        "sg-u",
        "it rains",
        "Wait.",
        "Rain",
    )
    template = Undetermined(security_group_id="", reason="r", next_step="n", launch_template="lt-1")
    assert pickle.loads(pickle.dumps(template)).launch_template == "lt-1"  # noqa: S301 - our own


def cells(html: str) -> list[list[str]]:
    """Return the rows of the only table of a page."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_a_notebook_shows_the_sentence_and_a_row_for_each_group() -> None:
    nowhere = Undetermined(security_group_id="", reason="it is a stream", next_step="")
    shown = decision(STALE, MISSING, undetermined=(UNKNOWN, nowhere))
    html = shown._repr_html_()
    assert html.startswith('<div><strong style="color:#cf222e">denied</strong> ')
    assert "#cf222e" not in decision(ORDINARY, refused=False)._repr_html_()
    assert shown.reason in html
    assert cells(html) == [
        ["security group", "region", "status", "serviceID", "source", "age"],
        ["sg-m", "cn-hangzhou", "managed", "7", "stale", "12 s"],
        ["sg-none", "cn-hangzhou", "missing", "", "lookup", "0 s"],
        ["sg-u", "", "unknown", "", "", ""],
        ["?", "", "unknown", "", "", ""],
    ]
    assert statuses_html(()) == ""
    assert cells(MANAGED._repr_html_())[1:] == [["sg-m", "cn-hangzhou", "managed", "7", "lookup", "0 s"]]
