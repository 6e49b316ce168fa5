"""Every outcome makes one record: the deed, the place, the guard's source of knowledge, and no secret."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, get_args

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import Client, GuardError, GuardPolicy, StatusCache
from safe_ecs._core.decision import Outcome, Source
from safe_ecs.observe import DecisionRecord, GroupRecord, LookUp
from safe_ecs.testing import CannedAnswer
from tests.support.observers import REACH, RecordingObserver
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

DELETE = "DeleteSecurityGroup"


@pytest.fixture
def notebook() -> RecordingObserver:
    return RecordingObserver()


@pytest.fixture
def observed(ecs: FakeEcs, notebook: RecordingObserver) -> Client:
    return Client(ecs.config(), cache=StatusCache(), observers=[notebook])


def delete(client: Any, group: str) -> None:
    with pytest.raises(ClientException):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=group))


def test_a_record_says_all_there_is_to_know(
    ecs: FakeEcs, observed: Client, notebook: RecordingObserver, managed: str
) -> None:
    delete(observed, managed)
    [record] = notebook.decisions
    fields = record.to_dict()
    assert re.fullmatch(r"[0-9A-F-]{36}", fields.pop("decision_id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", fields.pop("time"))
    assert 0 < fields.pop("decide_microseconds") < 60_000_000
    assert fields.pop("caller").startswith(f"{__file__}:")
    assert fields == {
        "event": "decided",
        "outcome": "denied",
        "refused": True,
        "mode": "enforce",
        "action": DELETE,
        "region_id": "cn-hangzhou",
        "endpoint": ecs.endpoint,
        "groups": [
            {
                "security_group_id": managed,
                "status": "managed",
                "service_id": 1679259531804325,
                "out_of_bounds": True,
                "region_id": "cn-hangzhou",
                "source": "lookup",
                "age_seconds": 0.0,
            }
        ],
        "reason": f"{DELETE} is refused: a cloud service manages {managed} (serviceID 1679259531804325).",
        "bypass_reason": "",
        "reads": 1,
        "safe_ecs_version": version("safe-ecs"),
        "schema": 1,
    }


@pytest.mark.parametrize("outcome", REACH)
def test_every_outcome_has_the_same_schema(
    ecs: FakeEcs, notebook: RecordingObserver, outcome: Outcome
) -> None:
    """A record has every field, with values that JSON takes."""
    REACH[outcome](ecs, [notebook], "sync")
    [record] = notebook.decisions or notebook.checks
    assert json.loads(json.dumps(record.to_dict())) == record.to_dict()
    assert list(record.to_dict()) == [field.name for field in dataclasses.fields(DecisionRecord)]
    assert record.bypass_reason == ("ticket 7" if outcome == "bypassed" else "")
    assert record.mode == ("audit" if outcome == "would_deny" else "enforce")


@pytest.mark.parametrize("kind", [DecisionRecord, GroupRecord, LookUp])
def test_every_field_is_documented_and_frozen(kind: Any) -> None:
    documented = re.findall(r"^\s+(\w+): ", kind.__doc__.partition("Attributes:")[2], re.MULTILINE)
    assert documented == [field.name for field in dataclasses.fields(kind)]
    assert kind.__dataclass_params__.frozen


def test_audit_mode_never_says_denied(ecs: FakeEcs, notebook: RecordingObserver) -> None:
    """A dry run that says "denied" confuses everybody."""
    REACH["would_deny"](ecs, [notebook], "sync")
    [record] = notebook.decisions
    assert "would be refused" in record.reason
    assert "denied" not in json.dumps(record.to_dict())
    assert "is refused" not in record.reason


def test_the_id_of_a_record_is_that_of_the_error(
    observed: Client, notebook: RecordingObserver, managed: str
) -> None:
    """A reader can find the record of an error and the error of a record."""
    with pytest.raises(GuardError) as error:
        observed.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert notebook.decisions[0].decision_id == error.value.request_id  # type: ignore[attr-defined]  # of the SDK's


def test_the_status_of_each_group_is_told_with_its_source_and_age(
    ecs: FakeEcs, observed: Client, notebook: RecordingObserver, managed: str, ordinary: str
) -> None:
    """The record covers managed, unmanaged, missing and unknown groups. An ordinary group has no owner."""
    owned = ecs.create_security_group(service_id=7)
    observed.guard.warm()
    body = b'{"Code": "InvalidSecurityGroupId.Malformed", "Message": "", "RequestId": ""}'
    ecs.answer_with("DescribeSecurityGroups", *[CannedAnswer(status=400, body=body)] * 2)
    observed.guard.check(
        "ModifyInstanceAttribute", {"SecurityGroupIds": [managed, ordinary, owned, "sg-odd", "sg-none"]}
    )
    [record] = notebook.checks
    told = {group.security_group_id: group for group in record.groups}
    assert [told[each].status for each in (managed, ordinary, owned)] == ["managed", "unmanaged", "unmanaged"]
    assert [told[each].source for each in (managed, ordinary, owned)] == ["warm"] * 3
    assert [told[each].service_id for each in (managed, owned)] == [1679259531804325, None]
    assert told["sg-odd"] == GroupRecord(security_group_id="sg-odd", status="unknown")
    assert told["sg-none"].status == "missing"
    assert (told[managed].age_seconds or 0) > 0


def test_targets_that_cannot_be_read_are_no_group(observed: Client, notebook: RecordingObserver) -> None:
    """The reason mentions the unreadable targets."""
    observed.guard.check("ModifyInstanceAttribute", {"SecurityGroupIds": "[1"})
    [record] = notebook.checks
    assert (record.outcome, record.groups) == ("unavailable", ())
    assert "its targets" in record.reason


def test_the_sources_are_those_of_a_status() -> None:
    """The docstrings of the records list every source and every outcome."""
    assert GroupRecord.__doc__ is not None
    for source in get_args(Source):
        assert f"``{source}``" in GroupRecord.__doc__
    assert DecisionRecord.__doc__ is not None
    for outcome in get_args(Outcome):
        assert f"``{outcome}``" in DecisionRecord.__doc__


def line_of(text: str) -> str:
    """Return file and line of a text in this file."""
    lines = Path(__file__).read_text().splitlines()
    [number] = [number for number, line in enumerate(lines, 1) if line.endswith(f"# {text}")]
    return f"{__file__}:{number}"


def test_the_caller_is_the_line_of_the_users_call(
    observed: Client, notebook: RecordingObserver, managed: str
) -> None:
    request = models.DeleteSecurityGroupRequest(security_group_id=managed)
    with pytest.raises(ClientException):
        observed.delete_security_group(request)  # the call
    assert [record.caller for record in notebook.decisions] == [line_of("the call")]


async def test_the_caller_of_an_async_call_is_the_line_that_awaits_it(
    observed: Client, notebook: RecordingObserver, managed: str
) -> None:
    """The line is right even after the event loop has done other work, here the look-up."""
    request = models.DeleteSecurityGroupRequest(security_group_id=managed)
    for _ in range(2):
        with pytest.raises(ClientException):
            await observed.delete_security_group_async(request)  # the await
    assert [record.caller for record in notebook.decisions] == [line_of("the await")] * 2
    assert [record.reads for record in notebook.decisions] == [1, 0]


def test_the_caller_of_a_call_that_is_a_task_of_its_own_is_the_line_that_runs_the_loop(
    observed: Client, notebook: RecordingObserver, managed: str
) -> None:
    """No frame of the user is left but the one that runs the loop."""

    async def gather() -> None:
        request = models.DeleteSecurityGroupRequest(security_group_id=managed)
        await asyncio.gather(observed.delete_security_group_async(request), return_exceptions=True)

    asyncio.run(gather())  # the run
    assert [record.caller for record in notebook.decisions] == [line_of("the run")]


@pytest.mark.parametrize("name", [None, 7, "script"])
def test_code_without_the_name_of_a_module_is_a_caller_too(
    observed: Client, notebook: RecordingObserver, managed: str, name: object
) -> None:
    """Code run by ``exec`` has a caller."""
    code = compile("\ncheck('DeleteSecurityGroup', {'SecurityGroupId': group})", "typed", "exec")
    exec(code, {"__name__": name, "check": observed.guard.check, "group": managed})  # noqa: S102 - the point
    assert [record.caller for record in notebook.checks] == ["typed:2"]


def test_a_group_of_a_service_that_may_be_acted_for_is_not_out_of_bounds(
    ecs: FakeEcs, notebook: RecordingObserver
) -> None:
    """The call is stopped for the other managed group only."""
    ours, theirs = (ecs.create_security_group(service_managed=True, service_id=each) for each in (5, 6))
    policy = GuardPolicy(allowed_service_ids=frozenset({5}))
    client = Client(ecs.config(), policy=policy, cache=StatusCache(), observers=[notebook])
    client.guard.check("ModifyInstanceAttribute", {"SecurityGroupIds": [ours, theirs]})
    [record] = notebook.checks
    assert {group.security_group_id: group.out_of_bounds for group in record.groups} == {
        ours: False,
        theirs: True,
    }


def test_a_call_that_is_a_thread_of_its_own_has_no_caller(
    observed: Client, notebook: RecordingObserver, ordinary: str
) -> None:
    """The code of the thread itself is not the user's."""
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    thread = Thread(target=observed.delete_security_group, args=(request,))
    thread.start()
    thread.join()
    assert [(record.outcome, record.caller) for record in notebook.decisions] == [("allowed", None)]


SECRETS = ("a-secret-key", "a-secret-token", "a-secret-password", "c2VjcmV0", "a secret text", "key-id")


@pytest.mark.parametrize("form", ["sync", "async"])
@pytest.mark.parametrize("refused", [True, False])
def test_a_record_holds_no_secret(
    ecs: FakeEcs,
    notebook: RecordingObserver,
    managed: str,
    form: str,
    refused: bool,  # noqa: FBT001 - parametrized
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A record has no keys, tokens, signatures, user data, passwords, other parameters or text of the server."""
    caplog.set_level("DEBUG", "safe_ecs")
    config = ecs.config()
    config.access_key_id, config.access_key_secret = "key-id", "a-secret-key"
    config.security_token = "a-secret-token"
    config.type = "sts"
    config.endpoint = f"user:a-secret-password@{ecs.endpoint}"
    client = Client(config, cache=StatusCache(), observers=[notebook])
    if not refused:
        body = b'{"Code": "Forbidden.RAM", "Message": "a secret text", "RequestId": "R"}'
        ecs.answer_with("DescribeSecurityGroups", CannedAnswer(status=403, body=body))
    request = models.RunInstancesRequest(
        region_id="cn-hangzhou",
        security_group_id=managed,
        password="a-secret-password",
        user_data="c2VjcmV0",
        description="a secret text",
    )
    with pytest.raises(GuardError):
        call(client, "RunInstances", request, form)
    client.guard.check("DescribeInstances", {"Password": "a-secret-password"})
    facts: list[Any] = [*notebook.decisions, *notebook.checks, *notebook.look_ups]
    assert len(facts) == 3
    told = json.dumps([fact.to_dict() for fact in facts]) + "".join(map(str, facts)) + caplog.text
    told += "".join(str(vars(record)) for record in caplog.records)
    assert managed in told
    assert [secret for secret in SECRETS if secret in told] == []


def test_the_launch_template_of_a_call_is_in_the_error_and_not_in_the_record(
    ecs: FakeEcs, observed: Client, notebook: RecordingObserver, ordinary: str
) -> None:
    """The template is a parameter of the call, and no group."""
    template = ecs.create_launch_template(ordinary, name="their-template")
    answer = CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "", "RequestId": ""}')
    ecs.answer_always("DescribeLaunchTemplateVersions", answer)
    for named in ({"launch_template_id": template}, {"launch_template_name": "their-template"}):
        with pytest.raises(GuardError, match=next(iter(named.values()))):
            observed.run_instances(models.RunInstancesRequest(region_id="cn-hangzhou", **named))
    told = json.dumps([record.to_dict() for record in notebook.decisions])
    assert "DescribeLaunchTemplateVersions answered 403 Forbidden.RAM" in told
    assert template not in told
    assert "their-template" not in told
    assert {each.action for each in notebook.look_ups} == {"DescribeLaunchTemplateVersions"}
    assert [record.reads for record in notebook.decisions] == [1, 1]


def test_of_mode_off_is_told_that_nothing_was_looked_up(
    ecs: FakeEcs, notebook: RecordingObserver, managed: str
) -> None:
    client = Client(ecs.config(), policy=GuardPolicy(mode="off"), observers=[notebook])
    delete(client, managed)
    [record] = notebook.decisions
    assert (record.outcome, record.mode, record.groups, record.reads) == ("allowed", "off", (), 0)
