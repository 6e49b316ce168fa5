"""No call, answer or stored value crashes the guard, and no garbage makes a group unmanaged.

These properties are driven by Hypothesis here, and by a coverage-guided fuzzer in ``python -m tests.tools.fuzz``.
"""

from __future__ import annotations

import json
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.drivers import drive
from safe_ecs._core.effective_request import effective_request
from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import RELEVANT_ACTIONS
from safe_ecs._core.request import ECS_VERSION, EffectiveRequest, LaunchTemplate, MergedCall
from safe_ecs._core.review import Read, TemplateRead
from safe_ecs._lookup.queries.regions import RegionQueries
from safe_ecs._lookup.queries.statuses import describe
from safe_ecs._lookup.queries.templates import describe_template
from safe_ecs.cache.redis import _decoded, _encoded

DELETE: Final = "DeleteSecurityGroup"


PLANTED: Final = "sg-planted"


READ: Final = Read("127.0.0.1", "cn-hangzhou", ("sg-1", "sg-2"))


class Raising:
    """A user's object that raises at every use."""

    def __repr__(self) -> str:
        return "Raising()"

    def __str__(self) -> str:
        raise OSError("str")

    def __iter__(self) -> Any:
        raise ZeroDivisionError

    def __len__(self) -> int:
        raise MemoryError

    def __bool__(self) -> bool:
        raise LookupError

    def __eq__(self, other: object) -> bool:
        raise UnicodeError

    __hash__ = object.__hash__


class RaisingQuery(dict[Any, Any]):
    """A user's mapping that cannot be read."""

    def items(self) -> Any:
        raise EOFError

    def __iter__(self) -> Any:
        raise EOFError


TEXT = st.text(st.characters(exclude_categories=()), max_size=12) | st.sampled_from([
    "SecurityGroupId",
    "securitygroupids.1",
    "NetworkInterface.1.SecurityGroupIds[0]",
    "RegionId",
    "Action",
    "Version",
    "OwnerId",
    "LaunchTemplateId",
    "x-acs-action",
    "Host",
    "host",
    DELETE,
    "RunInstances",
    ECS_VERSION,
    "sg-1",
    '["sg-1"]',
    "{",
    "[" * 200,
    "http://a@b/?c=d#e",
    "a" * 600,
])


SCALAR = (
    TEXT
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=12)
    | st.builds(Raising)
    | st.builds(object)
)


KEY = TEXT | st.binary(max_size=8) | st.integers() | st.none() | st.builds(Raising)


VALUE = st.recursive(
    SCALAR | st.builds(RaisingQuery),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=8,
)


LAYER = st.dictionaries(KEY, VALUE, max_size=4)


CALL = st.builds(
    MergedCall,
    headers=LAYER,
    once_headers=st.none() | LAYER,
    tried_again=st.booleans(),
    query=LAYER | st.builds(RaisingQuery),
    body=VALUE,
    streamed=st.booleans(),
    pathname=SCALAR,
    host=SCALAR,
    plugged_in=st.booleans(),
    action=SCALAR,
    version=SCALAR,
    client_region_id=SCALAR,
    protocol=SCALAR,
)


@settings(deadline=None)
@given(call=CALL)
def test_reading_a_call_never_fails(call: MergedCall) -> None:
    """The result is a request in plain values, or nothing."""
    request = effective_request(call)
    if request is not None:
        assert request.action in RELEVANT_ACTIONS.values()
        texts = (request.host, request.client_region_id, request.unreadable, *request.region_ids)
        assert {type(text) for text in (*texts, *request.targets)} == {str}
        assert len(set(request.targets)) == len(request.targets)
        assert all(target and target == target.strip() for target in request.targets)
        assert {target.lower() for target in request.targets} <= set(request.targets)


@settings(deadline=None)
@given(before=LAYER, after=LAYER, body=VALUE)
def test_no_garbage_hides_a_group(before: dict[Any, Any], after: dict[Any, Any], body: Any) -> None:
    """A plainly named group is a target, or the request says that targets may be missing."""
    name = "SecurityGroupId"
    after = {key: value for key, value in after.items() if type(key) is not str or key != name}
    call = MergedCall(
        headers={},
        once_headers=None,
        tried_again=False,
        query={**before, name: PLANTED, **after},
        body=body,
        streamed=False,
        pathname="/",
        host="127.0.0.1",
        plugged_in=False,
        action=DELETE,
        version=ECS_VERSION,
        client_region_id="cn-hangzhou",
        protocol="HTTPS",
    )
    request = effective_request(call)
    assert isinstance(request, EffectiveRequest)
    assert request.is_guarded
    assert PLANTED in request.targets or request.unreadable


LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.sampled_from(["sg-1", " SG-1 ", "sg-2", "false", "cn-hangzhou", "cn-beijing", "t"])
)


NAMES = st.sampled_from([
    "SecurityGroups",
    "SecurityGroup",
    "SecurityGroupId",
    "SecurityGroupIds",
    "ServiceManaged",
    "ServiceID",
    "NextToken",
    "TotalCount",
    "RegionId",
    "LaunchTemplateVersionSets",
    "LaunchTemplateVersionSet",
    "LaunchTemplateData",
    "VersionNumber",
    "DefaultVersion",
    "NetworkInterfaces",
    "NetworkInterface",
])


JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def wrapped(container: str, name: str, entries: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A list as ECS wraps it, or any other value."""
    right = st.lists(entries | JSON, max_size=4).map(lambda several: {container: {name: several}})
    beside = st.fixed_dictionaries({}, optional={"NextToken": LEAF, "TotalCount": LEAF, "RegionId": LEAF})
    return st.tuples(right, beside).map(lambda two: {**two[1], **two[0]})


GROUP = st.fixed_dictionaries(
    {"SecurityGroupId": st.just("sg-1") | LEAF, "ServiceManaged": st.booleans() | LEAF},
    optional={"ServiceID": LEAF},
)


WELL_FORMED = st.fixed_dictionaries(
    {
        "SecurityGroups": st.fixed_dictionaries({
            "SecurityGroup": st.lists(
                st.fixed_dictionaries({
                    "SecurityGroupId": st.sampled_from(["sg-1", "SG-1", "sg-2"]),
                    "ServiceManaged": st.booleans(),
                }),
                max_size=3,
            )
        })
    },
    optional={"NextToken": st.sampled_from("abc")},
)


PAGE = (
    WELL_FORMED
    | wrapped("SecurityGroups", "SecurityGroup", GROUP)
    | JSON
    | st.just(Failure(reason="r", next_step="n"))
)


VERSION = st.fixed_dictionaries({
    "VersionNumber": st.just(3) | LEAF,
    "DefaultVersion": st.booleans(),
    "LaunchTemplateData": st.dictionaries(NAMES, JSON, max_size=3),
})


TEMPLATE = wrapped("LaunchTemplateVersionSets", "LaunchTemplateVersionSet", VERSION) | JSON


def flags_of(pages: list[Any], security_group_id: str) -> list[object]:
    """Return the flags of a group in the pages, read by other code than the guard's."""
    said = []
    for page in pages:
        holder = page.get("SecurityGroups") if isinstance(page, dict) else None
        entries = holder.get("SecurityGroup") if isinstance(holder, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            named = entry.get("SecurityGroupId") if isinstance(entry, dict) else None
            if isinstance(named, str) and named.strip().lower() == security_group_id:
                said.append(entry.get("ServiceManaged"))
    return said


@settings(deadline=None)
@given(bodies=st.lists(PAGE, min_size=1, max_size=3))
def test_an_answer_says_unmanaged_or_missing_only_in_so_many_words(bodies: list[Any]) -> None:
    """A group is unmanaged only if every flag of it is false, and missing only if no page mentions it."""
    taken: list[Any] = []

    def answer(_: object) -> Any:
        taken.append(bodies[len(taken) % len(bodies)])
        return taken[-1]

    found = drive(describe(READ), answer)
    assert found.keys() == set(READ.security_group_ids)
    for security_group_id, status in found.items():
        said = flags_of(taken, security_group_id)
        if not isinstance(status, GroupStatus):
            assert isinstance(status, Failure)
        elif status.exists:
            assert said
            assert all(flag is status.service_managed for flag in said)
        else:
            assert not said


@settings(deadline=None)
@given(bodies=st.lists(PAGE, min_size=1, max_size=4), managed_only=st.booleans())
def test_a_listing_never_says_two_things_of_a_group(bodies: list[Any], managed_only: bool) -> None:  # noqa: FBT001 - drawn
    """A listing gives one flag for each group, and the flag occurs in a page."""
    listing = RegionQueries(READ, service_managed_only=managed_only)
    said: dict[str, bool] = {}
    for body in bodies:
        statuses = listing.take(body)
        if isinstance(statuses, Failure):
            return
        for status in statuses:
            assert status.service_managed or not managed_only
            assert status.service_managed in flags_of(bodies, status.security_group_id)
            assert said.setdefault(status.security_group_id, status.service_managed) == status.service_managed
        if listing.ended:
            return


def test_pages_that_contradict_each_other_say_nothing() -> None:
    """Two pages with different flags for a group are a failure."""
    listing = RegionQueries(READ, service_managed_only=False)
    groups = [{"SecurityGroupId": "sg-1", "ServiceManaged": flag} for flag in (True, False)]
    pages = [{"SecurityGroups": {"SecurityGroup": [group]}, "NextToken": str(group)} for group in groups]
    assert not isinstance(listing.take(pages[0]), Failure)
    assert isinstance(listing.take(pages[1]), Failure)


@settings(deadline=None)
@given(body=TEMPLATE | st.just(Failure(reason="r", next_step="n")), version=st.sampled_from(["", "3", "x"]))
def test_the_groups_of_a_template_are_ids_that_stand_in_the_answer(body: Any, version: str) -> None:
    """The groups are ids from the answer. Otherwise they are unknown, or the version does not exist."""
    read = TemplateRead("h", "cn-hangzhou", LaunchTemplate("lt-1", "", version))
    found = drive(describe_template(read), lambda _: body)
    if isinstance(found, tuple):
        text = json.dumps(body)
        assert all(json.dumps(each)[1:-1] in text for each in found)
    else:
        assert found is None or isinstance(found, Failure)


STATUS = st.builds(
    GroupStatus,
    security_group_id=st.sampled_from(["sg-1", "sg-\ud800", "é"]),
    exists=st.just(True),  # noqa: FBT003 - drawn
    service_managed=st.booleans(),
    service_id=st.none() | st.integers(0, 2**64),
    region_id=st.just("cn-hangzhou"),
)


OURS = st.tuples(STATUS, st.integers(1, 2**70)).map(lambda drawn: _encoded(READ, *drawn))


@st.composite
def nearly_ours(draw: st.DrawFn) -> bytes:
    """Draw a value of ours with one part replaced."""
    text = draw(OURS)
    start = draw(st.integers(0, len(text)))
    end = draw(st.just(start) | st.integers(start, min(len(text), start + 8)))
    changed = (
        text[:start] + draw(st.text(max_size=3) | st.sampled_from(["true", "1", "9" * 330])) + text[end:]
    )
    return changed.encode("utf-8", "surrogatepass")


@settings(deadline=None)
@given(
    value=OURS.map(str.encode) | nearly_ours() | st.binary(max_size=600) | st.text(max_size=600) | LEAF,
    now=st.integers(-1, 2**70),
    security_group_id=st.sampled_from(["sg-1", "sg-\ud800", "é"]),
)
def test_a_stored_value_is_what_was_stored_or_a_miss(value: Any, now: int, security_group_id: str) -> None:
    """A recalled value equals the stored one to the letter, is for the same group, and is not of the future."""
    status = _decoded(READ, security_group_id, value, now)
    if status is not None:
        asked_at = json.loads(value)["asked_at"]
        assert value == _encoded(READ, status, asked_at).encode()
        assert status.security_group_id == security_group_id
        assert 0 < asked_at <= now
        assert status.age >= 0


@settings(deadline=None)
@given(status=STATUS, asked_at=st.integers(1, 10**16))
def test_what_was_stored_is_recalled(status: GroupStatus, asked_at: int) -> None:
    """A stored value is recalled, so the property above does not hold merely because every value misses."""
    value = _encoded(READ, status, asked_at).encode()
    recalled = _decoded(READ, status.security_group_id, value, asked_at)
    assert recalled == status._replace(source="shared", age=0.0)
