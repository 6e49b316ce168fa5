"""A RunInstances with a launch template is checked against the template's groups."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache, StatusUnavailableError
from safe_ecs._core.failure import Failure
from safe_ecs._core.request import LaunchTemplate
from safe_ecs._core.review import TemplateRead
from safe_ecs._lookup.queries.statuses import Query
from safe_ecs._lookup.queries.templates import TemplateFound, describe_template
from safe_ecs._system.clock import Clock
from safe_ecs.testing import CannedAnswer
from tests.support.concurrency import Callers
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

DESCRIBE = "DescribeLaunchTemplateVersions"
FORMS = ("sync", "async")


def run(client: Client, form: str = "sync", **parameters: Any) -> None:
    call(client, "RunInstances", models.RunInstancesRequest(region_id="cn-hangzhou", **parameters), form)


@pytest.mark.parametrize("form", FORMS)
def test_the_groups_of_the_template_are_the_targets(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, form: str
) -> None:
    """The template is named by id or by name, with a version or with the default one."""
    template = ecs.create_launch_template(ordinary, name="web")
    ecs.create_launch_template_version(template, ordinary, managed, default=True)
    for named in ({"launch_template_id": template}, {"launch_template_name": "web"}):
        for version in ({}, {"launch_template_version": 2}):
            with pytest.raises(ManagedSecurityGroupError) as refused:
                run(client, form, **named, **version)
            groups = refused.value.decision.groups
            assert {group.security_group_id for group in groups} == {managed, ordinary}
        run(client, form, **named, launch_template_version=1)
    assert len(ecs.writes) == 2


def test_ecs_would_refuse_it_too(ecs: FakeEcs, stock: Any, managed: str) -> None:
    """The guard refuses no call that ECS would do."""
    template = ecs.create_launch_template(managed)
    with pytest.raises(ClientException, match="has been managed by"):
        run(stock, launch_template_id=template)


@pytest.mark.parametrize(
    "own",
    [
        lambda group: {"security_group_id": group},
        lambda group: {"security_group_ids": [group]},
    ],
    ids=["one", "several"],
)
def test_groups_of_the_request_win(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, own: Any
) -> None:
    """The guard does not even read the template."""
    run(client, launch_template_id=ecs.create_launch_template(managed), **own(ordinary))
    assert [read.action for read in ecs.reads] == ["DescribeSecurityGroups"]


def test_a_numbered_version_is_read_once_and_the_default_for_ttl(
    ecs: FakeEcs, client: Client, ordinary: str, mocker: Any
) -> None:
    """A version never changes. The default version and the template of a name may change."""
    clock = mocker.patch.object(Clock, "now", return_value=1000.0)
    template = ecs.create_launch_template(ordinary, name="web")
    calls: list[tuple[dict[str, Any], int]] = [
        ({"launch_template_id": template, "launch_template_version": 1}, 1),
        ({"launch_template_id": template}, 2),
        ({"launch_template_name": "web", "launch_template_version": 1}, 2),
    ]
    for parameters, reads in calls:
        before = sum(read.action == DESCRIBE for read in ecs.reads)
        for _ in range(3):
            run(client, **parameters)
        clock.return_value += 301
        run(client, **parameters)
        assert sum(read.action == DESCRIBE for read in ecs.reads) - before == reads


@pytest.mark.parametrize("form", FORMS)
def test_many_callers_of_one_template_are_one_read(
    ecs: FakeEcs, client: Client, managed: str, form: str
) -> None:
    template = ecs.create_launch_template(managed)
    ecs.latency = 0.5
    parameters = {"RegionId": "cn-hangzhou", "LaunchTemplateId": template}

    async def tasks() -> list[Any]:
        return await asyncio.gather(*[
            client.guard.check_async("RunInstances", parameters) for _ in range(50)
        ])

    if form == "sync":
        decisions = Callers([partial(client.guard.check, "RunInstances", parameters)] * 50).join(10)
    else:
        decisions = asyncio.run(tasks())
    assert {decision.outcome for decision in decisions} == {"denied"}
    assert [read.action for read in ecs.reads] == [DESCRIBE, "DescribeSecurityGroups"]


@pytest.mark.parametrize("form", FORMS)
def test_a_lacking_permission_is_named(ecs: FakeEcs, client: Client, ordinary: str, form: str) -> None:
    """The status "cannot be determined", and the error names the permission."""
    template = ecs.create_launch_template(ordinary, name="web")
    ecs.answer_always(DESCRIBE, CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM"}'))
    with pytest.raises(StatusUnavailableError) as unavailable:
        run(client, form, launch_template_id=template)
    assert unavailable.value.data["Message"] == (
        f'Which security groups launch template "{template}" (default version) gives to RunInstances cannot be '
        "determined: DescribeLaunchTemplateVersions answered 403 Forbidden.RAM. "
        "safe_ecs refused RunInstances before it was sent: nothing was changed. "
        "Grant the RAM action ecs:DescribeLaunchTemplateVersions to these credentials."
    )
    assert not ecs.writes
    with pytest.raises(StatusUnavailableError):
        run(client, form, launch_template_id=template)
    assert len(ecs.reads) == 1


def test_a_template_that_is_not_there_is_left_to_ecs(ecs: FakeEcs, client: Client) -> None:
    """ECS gives its own NotFound. A template may also name no group at all."""
    with pytest.raises(ClientException, match=r"InvalidLaunchTemplate\.NotFound"):
        run(client, launch_template_id="lt-none")
    run(client, launch_template_id=ecs.create_launch_template())
    assert [read.action for read in ecs.reads] == [DESCRIBE, DESCRIBE]


def test_the_policy_can_leave_templates_alone(ecs: FakeEcs, managed: str) -> None:
    policy = GuardPolicy(resolve_launch_templates=False)
    client = Client(ecs.config(), policy=policy, cache=StatusCache())
    with pytest.raises(ClientException, match="has been managed by"):
        run(client, launch_template_id=ecs.create_launch_template(managed))
    assert not ecs.reads


def test_a_refusal_for_a_template_is_learned_from(ecs: FakeEcs, managed: str) -> None:
    """The refused groups are not in the request."""
    cache, template = StatusCache(), ecs.create_launch_template(managed)
    lax = Client(ecs.config(), policy=GuardPolicy(resolve_launch_templates=False), cache=cache)
    with pytest.raises(ClientException, match="has been managed by"):
        run(lax, launch_template_id=template)
    with pytest.raises(ManagedSecurityGroupError) as refused:
        run(Client(ecs.config(), cache=cache), launch_template_id=template)
    assert refused.value.decision.groups[0].source == "learned"


def test_a_template_in_no_known_region_cannot_be_looked_up(ecs: FakeEcs, ordinary: str) -> None:
    client = Client(ecs.config(region_id=None), cache=StatusCache())
    decision = client.guard.check("RunInstances", {"LaunchTemplateId": ecs.create_launch_template(ordinary)})
    assert decision.outcome == "unavailable"
    assert "names a region" in decision.reason


def test_every_template_that_a_call_may_mean_counts(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """ECS does not document its choice between two templates."""
    one, two = ecs.create_launch_template(ordinary), ecs.create_launch_template(managed, name="two")
    for parameters in (
        {"LaunchTemplateId": one, "LaunchTemplateName": "two"},
        {"LaunchTemplateId": one, "launchtemplateid": two},
        {"LaunchTemplateId.1": two},
    ):
        assert client.guard.check("RunInstances", parameters).outcome == "denied"


READ = TemplateRead("127.0.0.1", "cn-hangzhou", LaunchTemplate("lt-1", "", "3"))


def version(data: object, number: object = 3, **more: Any) -> dict[str, Any]:
    return {"VersionNumber": number, "DefaultVersion": False, "LaunchTemplateData": data, **more}


def sets(*versions: object) -> dict[str, Any]:
    return {"LaunchTemplateVersionSets": {"LaunchTemplateVersionSet": list(versions)}}


def found(body: object, template: LaunchTemplate = READ.template) -> TemplateFound:
    """Play ECS: give one body, and return the result."""
    steps = describe_template(READ._replace(template=template))
    next(steps)
    try:
        steps.send(body)
    except StopIteration as done:
        result: TemplateFound = done.value
        return result
    raise AssertionError("one query is enough")


@pytest.mark.parametrize(
    ("data", "groups"),
    [
        ({}, ()),
        ({"SecurityGroupId": "sg-1"}, ("sg-1",)),
        ({"SecurityGroupId": " SG-1 ", "SecurityGroupIds": {"SecurityGroupId": ["sg-2"]}}, ("SG-1", "sg-2")),
        (
            {
                "NetworkInterfaces": {
                    "NetworkInterface": [
                        {"SecurityGroupId": "sg-3"},
                        {"SecurityGroupIds": {"SecurityGroupId": ["sg-4", "sg-3"]}},
                    ]
                }
            },
            ("sg-3", "sg-4"),
        ),
        (
            {
                "SecurityGroupId": "sg-5",
                "NetworkInterfaces": {"NetworkInterface": [{"SecurityGroupId": "sg-6"}]},
            },
            ("sg-5", "sg-6"),
        ),
    ],
)
def test_groups_are_read_wherever_a_template_names_them(data: object, groups: tuple[str, ...]) -> None:
    assert found(sets(version(data))) == groups
    assert found(sets(version(data, number="3"))) == groups
    default = version(data, number=9, DefaultVersion=True)
    assert found(sets(default), LaunchTemplate("lt-1", "", "")) == groups


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"LaunchTemplateVersionSets": None},
        sets(None),
        sets(version({}, number=4)),
        sets(version(None)),
        sets(version({"SecurityGroupId": 7})),
        sets(version({"SecurityGroupIds": ["sg-1"]})),
        sets(version({"SecurityGroupIds": {"SecurityGroupId": [7]}})),
        sets(version({"NetworkInterfaces": []})),
        sets(version({"NetworkInterfaces": {"NetworkInterface": ["sg-1"]}})),
    ],
    ids=json.dumps,
)
def test_what_is_not_clearly_said_is_not_known(body: object) -> None:
    assert isinstance(found(body), Failure)


@pytest.mark.parametrize(
    ("template", "named"),
    [
        (LaunchTemplate("lt-1", "", "3"), {"LaunchTemplateId": "lt-1", "LaunchTemplateVersion.1": "3"}),
        (LaunchTemplate("", "web", ""), {"LaunchTemplateName": "web", "DefaultVersion": "true"}),
    ],
)
def test_one_version_is_asked_for(template: LaunchTemplate, named: dict[str, str]) -> None:
    """The query has the read's region and owner."""
    read = READ._replace(template=template, owner=(("resourceownerid", "7"),))
    assert next(describe_template(read)) == Query(
        "DescribeLaunchTemplateVersions", {"RegionId": "cn-hangzhou", **named, "ResourceOwnerId": "7"}
    )


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({}, "it holds no list LaunchTemplateVersionSets.LaunchTemplateVersionSet"),
        (sets(None), "one of its versions is no object"),
        (sets(version({}, number=4)), "it lacks the version that was asked for"),
        (sets(version(None)), "the groups of a version cannot be read"),
        (sets(version({}), version({"SecurityGroupId": 7})), "the groups of a version cannot be read"),
    ],
)
def test_what_is_odd_in_an_answer_is_named(body: object, detail: str) -> None:
    assert found(body) == Failure(
        reason=f"the answer to DescribeLaunchTemplateVersions cannot be used: {detail}",
        next_step="The endpoint, or a proxy in front of it, does not answer as ECS does: check both, and try again.",
    )


def test_a_read_that_failed_gives_no_groups() -> None:
    failure = Failure(reason="it rains", next_step="Wait.")
    assert found(failure) is failure


def test_other_versions_in_an_answer_do_not_count() -> None:
    """Versions before and after the requested one are ignored. A flag marks the default version."""
    mine, other = version({"SecurityGroupId": "sg-1"}), version({"SecurityGroupId": "sg-2"}, number=4)
    assert found(sets(other, mine, other)) == ("sg-1",)
    default = LaunchTemplate("lt-1", "", "")
    assert found(sets(other, {**mine, "DefaultVersion": True}, other), default) == ("sg-1",)
    assert isinstance(found(sets({**mine, "DefaultVersion": "true"}), default), Failure)
    assert found(sets(mine, version({"SecurityGroupId": "sg-3"}))) == ("sg-1", "sg-3")


@pytest.mark.parametrize(
    "data",
    [
        {"SecurityGroupId": "", "SecurityGroupIds": None, "NetworkInterfaces": None},
        {"SecurityGroupIds": {"SecurityGroupId": []}, "NetworkInterfaces": {"NetworkInterface": []}},
        {"SecurityGroupIds": {"SecurityGroupId": [""]}},
        {"SecurityGroupId": None},
    ],
)
def test_an_empty_field_names_no_group(data: object) -> None:
    assert found(sets(version(data))) == ()


@pytest.mark.parametrize(
    "template",
    [
        LaunchTemplate("lt-bp1", "", ""),
        LaunchTemplate("lt-bp1", "", "1"),
        LaunchTemplate("", "Web-1.0_a:b", "907"),
    ],
)
def test_no_version_is_no_template(template: LaunchTemplate) -> None:
    assert found(sets(), template) is None


@pytest.mark.parametrize(
    "template",
    [
        LaunchTemplate("lt-bp1", "", "01"),
        LaunchTemplate("lt-bp1", "", "1.0"),
        LaunchTemplate("lt-bp1", "", "0"),
        LaunchTemplate("LT-bp1", "", "1"),
        LaunchTemplate("lt-bp1\0", "", ""),
        LaunchTemplate("", "web\0", "1"),
        LaunchTemplate("", "\N{FULLWIDTH LATIN SMALL LETTER W}eb", ""),
    ],
)
def test_a_template_in_an_odd_spelling_is_not_missing(template: LaunchTemplate) -> None:
    """ECS may read the spelling otherwise when it creates instances."""
    assert found(sets(), template) == Failure(
        reason="ECS finds none that is spelt so, but may read it otherwise where it makes instances",
        next_step="Check the id, the name and the version: that is a number, such as 1.",
    )


@pytest.mark.parametrize("action", ["ModifyLaunchTemplateDefaultVersion", "DeleteLaunchTemplate"])
@pytest.mark.parametrize("form", FORMS)
def test_a_change_of_templates_by_the_caller_is_noticed(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, action: str, form: str
) -> None:
    """The default version or the name may stand for other groups afterwards."""
    template = ecs.create_launch_template(ordinary)
    run(client, form, launch_template_id=template)
    ecs.create_launch_template_version(template, managed, default=True)
    ecs.answer_with(action, CannedAnswer(body=b"{}"))
    request = getattr(models, f"{action}Request")(region_id="cn-hangzhou", launch_template_id=template)
    call(client, action, request, form)
    with pytest.raises(ManagedSecurityGroupError):
        run(client, form, launch_template_id=template)
    assert len([write for write in ecs.writes if write.action == "RunInstances"]) == 1


def test_a_template_that_was_read_before_forgetting_is_not_remembered(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    template = ecs.create_launch_template(ordinary)
    ecs.latency = 0.4
    parameters = {"RegionId": "cn-hangzhou", "LaunchTemplateId": template}
    asking = Callers([partial(client.guard.check, "RunInstances", parameters)])
    while not ecs.reads:
        pass
    client.guard.forget()
    asking.join(10)
    ecs.latency = 0
    client.guard.check("RunInstances", parameters)
    assert [read.action for read in ecs.reads].count(DESCRIBE) == 2
