"""The glance says nothing that the full review would not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.utils_models import Config, GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions
from hypothesis import example, given, settings
from hypothesis import strategies as st

from safe_ecs import Client, GuardPolicy, StatusCache
from safe_ecs._calls.glance import NOT_GUARDED, glance
from safe_ecs._calls.read import read_call
from safe_ecs._calls.transports import DO_REQUEST
from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.operations import GUARDED
from safe_ecs._core.review import Read
from safe_ecs.cache._principal import Principal
from tests.support.merged_calls import TARGET_NAMES
from tests.support.sdk import TWICE, OpenApiRequest
from tests.support.transports import ECS, params

if TYPE_CHECKING:
    from collections.abc import Callable

HOST, REGION = "ecs.cn-hangzhou.aliyuncs.com", "cn-hangzhou"
UNMANAGED, MANAGED = "sg-unmanaged", "sg-managed"


class Sent(str):
    """A text that is another text on the wire."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, shown: str, text: str) -> Any:
        made = super().__new__(cls, shown)
        made.text = text
        return made

    def __str__(self) -> str:
        return str(self.text)


def made(**changes: Any) -> Client:
    cache = StatusCache()
    client = Client(Config(access_key_id="k", access_key_secret="s", endpoint=HOST), cache=cache)
    for name, value in changes.items():
        setattr(client, f"_{name}", value)
    for host in {HOST, str(client._endpoint)}:
        read = Read(host, REGION, ())
        statuses = [
            GroupStatus(UNMANAGED, exists=True, service_managed=False, service_id=None, region_id=REGION),
            GroupStatus(MANAGED, exists=True, service_managed=True, service_id=1, region_id=REGION),
        ]
        cache.remember(read, Principal(client._credential, ()), statuses)
    return client


def refused_or_asks(client: Any, operation: Any, request: Any, runtime: Any) -> bool:
    """Return whether the full review of a call does more than let it through: refuse it, or ask ECS."""
    effective = read_call(client, DO_REQUEST, (operation,), request, runtime).effective
    if effective is None or not effective.is_guarded:
        return False
    steps = client._safe_ecs_enforcer._decision(client, effective, runtime)
    try:
        next(steps)
    except StopIteration as done:
        return bool(done.value.outcome != "allowed")
    return True


NAMES = st.sampled_from([
    *TARGET_NAMES,
    "Security\u200bGroupId",
    "\uff33ecurityGroupId",
    "SecurityGroupId ",
    "RegionId",
    "regionid",
    "Action",
    "Action ",
    "Version",
    "OwnerId",
    "LaunchTemplateId",
    "Description",
    b"SecurityGroupId",
    b"Action",
    Sent("Description", "SecurityGroupId"),
    Sent("Description", "Action"),
    7,
])
VALUES = st.sampled_from([
    UNMANAGED,
    MANAGED,
    "SG-Managed",
    f" {MANAGED} ",
    f'["{MANAGED}"]',
    REGION,
    "cn-beijing",
    "DeleteSecurityGroup",
    "DescribeInstances",
    ECS,
    "",
    None,
    7,
    [MANAGED],
    {"SecurityGroupId": MANAGED},
    MANAGED.encode(),
    Sent(UNMANAGED, MANAGED),
])
QUERIES = st.none() | st.dictionaries(NAMES, VALUES, max_size=4)
ACTIONS = st.sampled_from([
    "ModifySecurityGroupAttribute",
    "modifysecuritygroupattribute",
    "RunInstances",
    "DeleteSecurityGroup",
    "DescribeSecurityGroups",
    "DescribeInstances",
    "Modify\u200bSecurityGroupAttribute",
    Sent("DescribeInstances", "RunInstances"),
    "",
    None,
    b"RunInstances",
])
ENDPOINTS = st.sampled_from([
    HOST,
    HOST.upper(),
    f"{HOST}/",
    f"{HOST}?Action=DeleteSecurityGroup&SecurityGroupId={MANAGED}",
    f"http://{HOST}",
    "",
    None,
    Sent(HOST, "elsewhere"),
])
PATHS = st.sampled_from([
    "/",
    "",
    "/x",
    f"/?Action=DeleteSecurityGroup&SecurityGroupId={MANAGED}",
    "//x@y",
    None,
])
PROTOCOLS = st.sampled_from(["HTTPS", "http", "", None, "http://x/?", "ws"])
HEADERS = st.none() | st.sampled_from([{}, {"x-acs-action": "RunInstances"}, {"host": "x"}])
BODIES = st.none() | st.sampled_from([
    {},
    {"SecurityGroupId": MANAGED},
    "",
    f"SecurityGroupId={MANAGED}",
    b"",
    7,
])
RARELY = st.booleans().flatmap(lambda it: st.just(it) if not it else st.booleans())


@settings(max_examples=1500, deadline=None)
@given(
    operation=st.builds(
        params,
        ACTIONS,
        version=st.sampled_from([ECS, "2016-03-14", "", None]),
        pathname=PATHS,
        protocol=PROTOCOLS,
    ),
    request=st.builds(OpenApiRequest, query=QUERIES, headers=HEADERS, body=BODIES),
    runtime=st.builds(
        RuntimeOptions, extends_parameters=st.none() | st.builds(ExtendsParameters, queries=QUERIES)
    ),
    client=st.builds(
        made,
        endpoint=ENDPOINTS,
        region_id=st.sampled_from([REGION, None, "", 7]),
        headers=HEADERS,
        protocol=st.none() | PROTOCOLS,
        global_parameters=st.none() | st.builds(GlobalParameters, queries=QUERIES, headers=HEADERS),
    ),
)
def test_a_call_that_passes_at_a_glance_passes_the_review(
    operation: Any, request: Any, runtime: Any, client: Client
) -> None:
    """For calls of every kind."""
    _agree(client, operation, request, runtime)


@settings(max_examples=1500, deadline=None)
@given(query=QUERIES, action=ACTIONS, region_id=st.sampled_from([REGION, None]))
@example({"SecurityGroupId": UNMANAGED}, "ModifySecurityGroupAttribute", REGION)
def test_a_call_with_a_query_alone_passes_at_a_glance_only_if_it_passes_the_review(
    query: Any, action: Any, region_id: Any
) -> None:
    """Nearly every call is one of these."""
    _agree(made(region_id=region_id), params(action), OpenApiRequest(query=query), RuntimeOptions())


def _agree(client: Any, operation: Any, request: Any, runtime: Any) -> None:
    seen = glance(client, operation, request, runtime)
    if seen is NOT_GUARDED:
        effective = read_call(client, DO_REQUEST, (operation,), request, runtime).effective
        assert effective is None
    elif seen is not None and client._safe_ecs_enforcer.allows(*seen):
        assert not refused_or_asks(client, operation, request, runtime)


PLAIN = {"RegionId": REGION, "SecurityGroupId": UNMANAGED}


@pytest.mark.parametrize("action", sorted(GUARDED - {"DeleteSecurityGroup"}))
def test_a_plain_call_with_known_groups_passes_at_a_glance(action: str) -> None:
    """The glance exists for these calls. The guard learns from a deletion, so it reads that."""
    client = made()
    seen = glance(client, params(action), OpenApiRequest(query=PLAIN), RuntimeOptions())
    assert seen == (HOST, REGION, [UNMANAGED])
    assert seen
    assert client._safe_ecs_enforcer.allows(*seen)
    seen = glance(
        made(region_id=REGION),
        params(action),
        OpenApiRequest(query={"SecurityGroupId": "x"}),
        RuntimeOptions(),
    )
    assert seen == (HOST, REGION, ["x"])


@pytest.mark.parametrize(
    "query", [{}, {"RegionId": REGION, "PageSize": 10}, {"SecurityGroupId": MANAGED}], ids=str
)
def test_a_plain_call_that_is_not_guarded_is_known_at_a_glance(query: Any) -> None:
    request = OpenApiRequest(query=query)
    assert glance(made(), params("DescribeInstances"), request, RuntimeOptions()) == NOT_GUARDED
    assert (
        glance(made(retry_options=TWICE), params("DescribeInstances"), request, RuntimeOptions())
        == NOT_GUARDED
    )


ODD: dict[str, Callable[[], tuple[Any, Any, Any, Any]]] = {
    "retry options": lambda: (
        made(retry_options=TWICE),
        params("RunInstances"),
        OpenApiRequest(query=PLAIN),
        RuntimeOptions(),
    ),
    "stream": lambda: (
        made(),
        params("RunInstances"),
        OpenApiRequest(query=PLAIN, stream=object()),
        RuntimeOptions(),
    ),
    "learned from": lambda: (
        made(),
        params("DeleteSecurityGroup"),
        OpenApiRequest(query=PLAIN),
        RuntimeOptions(),
    ),
    "no request": lambda: (made(), params("RunInstances"), None, RuntimeOptions()),
    "no query": lambda: (made(), params("RunInstances"), OpenApiRequest(), RuntimeOptions()),
    "two regions": lambda: (
        made(),
        params("RunInstances"),
        OpenApiRequest(query={**PLAIN, "regionid": REGION}),
        RuntimeOptions(),
    ),
    "owner": lambda: (
        made(),
        params("RunInstances"),
        OpenApiRequest(query={**PLAIN, "OwnerId": "1"}),
        RuntimeOptions(),
    ),
}


@pytest.mark.parametrize("call", ODD)
def test_an_odd_call_has_to_be_read(call: str) -> None:
    assert glance(*ODD[call]()) is None


@pytest.mark.parametrize(
    ("policy", "query"),
    [
        (GuardPolicy(), {**PLAIN, "SecurityGroupId": MANAGED}),
        (GuardPolicy(), {**PLAIN, "SecurityGroupId": "sg-unknown"}),
        (GuardPolicy(mode="off"), PLAIN),
        (GuardPolicy(ttl=0), PLAIN),
    ],
    ids=["managed", "unknown", "off", "no ttl"],
)
def test_only_groups_that_are_remembered_as_unmanaged_are_allowed_at_a_glance(
    policy: Any, query: Any
) -> None:
    client = made()
    client._safe_ecs_enforcer.policy = policy
    seen = glance(client, params("RunInstances"), OpenApiRequest(query=query), RuntimeOptions())
    assert seen
    assert not client._safe_ecs_enforcer.allows(*seen)
