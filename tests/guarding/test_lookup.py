"""The guard retries its own reads within bounds, and refuses a call if ECS has not answered."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import Client, GuardPolicy, StatusCache, StatusUnavailableError
from safe_ecs.testing import CannedAnswer
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


DESCRIBE = "DescribeSecurityGroups"


FORMS = ("sync", "async")


def error(status: int, code: str, **headers: str) -> CannedAnswer:
    body = f'{{"Code": "{code}", "Message": "secret-looking text", "RequestId": "R"}}'.encode()
    return CannedAnswer(status=status, body=body, headers=headers)


def delete(ecs: FakeEcs, group: str, form: str, **policy: Any) -> None:
    client = Client(ecs.config(), policy=GuardPolicy(**policy), cache=StatusCache())
    call(client, "DeleteSecurityGroup", models.DeleteSecurityGroupRequest(security_group_id=group), form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "answer",
    [
        error(400, "Throttling"),
        error(400, "Throttling.User"),
        error(400, "Throttling.User", **{"x-acs-retry-after": "1"}),
        error(400, "Throttling.Api"),
        error(429, "Rejected.Throttling"),
        error(503, "ServiceUnavailable"),
        error(500, "InternalError"),
        error(502, "SomethingNew"),
        error(429, "SomethingNew"),
        CannedAnswer(status=0),
        CannedAnswer(status=200, body=b"{}", headers={"content-length": "100"}),
        CannedAnswer(status=502, body=b"<html>502 Bad Gateway</html>"),
        CannedAnswer(status=200, body=b""),
    ],
    ids=lambda answer: f"{answer.status} {answer.body[10:30]!r} {len(answer.headers)}",
)
def test_a_passing_failure_is_tried_again(
    ecs: FakeEcs, ordinary: str, form: str, answer: CannedAnswer
) -> None:
    """The guard retries after throttling, server errors and broken connections. The write is sent once."""
    ecs.answer_with(DESCRIBE, answer, answer)
    delete(ecs, ordinary, form)
    assert len(ecs.reads) == 3
    assert len(ecs.writes) == 1


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (error(403, "Forbidden.RAM"), "Grant the RAM action ecs:DescribeSecurityGroups"),
        (error(403, "NoPermission"), "Grant the RAM action ecs:DescribeSecurityGroups"),
        (error(400, "Throttling.Vcpu.PerDay"), "400 Throttling.Vcpu.PerDay"),
        (error(400, "SignatureDoesNotMatch"), "Check the access key"),
        (error(404, "InvalidAccessKeyId.NotFound"), "Check the access key"),
        (error(400, "InvalidSecurityGroupId.Malformed"), "Check the security group id"),
        (CannedAnswer(body=b"{}"), "the answer to DescribeSecurityGroups cannot be used"),
        (CannedAnswer(body=b"null"), "the answer to DescribeSecurityGroups cannot be used"),
    ],
)
def test_a_lasting_failure_is_not_tried_again(
    ecs: FakeEcs, ordinary: str, form: str, answer: CannedAnswer, says: str
) -> None:
    """The error holds ECS's answer and the next step. The guard sends no further request."""
    ecs.answer_with(DESCRIBE, answer)
    with pytest.raises(StatusUnavailableError) as unavailable:
        delete(ecs, ordinary, form)
    assert says in unavailable.value.message
    assert "secret-looking" not in unavailable.value.message
    assert len(ecs.requests) == 1


@pytest.mark.parametrize("form", FORMS)
def test_tries_end_with_lookup_attempts(ecs: FakeEcs, ordinary: str, form: str) -> None:
    """Three tries are three requests, and the error keeps its cause."""
    ecs.answer_with(DESCRIBE, *[error(503, "ServiceUnavailable")] * 9)
    with pytest.raises(StatusUnavailableError, match="503 ServiceUnavailable") as unavailable:
        delete(ecs, ordinary, form, lookup_attempts=3)
    assert getattr(unavailable.value.__cause__, "code", None) == "ServiceUnavailable"
    assert len(ecs.requests) == 3


@pytest.mark.parametrize("form", FORMS)
def test_a_lookup_ends_with_lookup_timeout(ecs: FakeEcs, ordinary: str, form: str) -> None:
    """A silent server delays a caller no longer than lookup_timeout."""
    ecs.answer_with(DESCRIBE, *[CannedAnswer(delay=20)] * 9)
    start = monotonic()
    with pytest.raises(StatusUnavailableError, match=r"no answer within lookup_timeout \(0\.3 s\)"):
        delete(ecs, ordinary, form, lookup_timeout=0.3)
    assert monotonic() - start < 10
    assert not ecs.writes


async def test_a_cancelled_call_sends_nothing(ecs: FakeEcs, ordinary: str) -> None:
    """A caller that cancels during the look-up cancels the call."""
    ecs.answer_with(DESCRIBE, CannedAnswer(delay=0.5))
    client = Client(ecs.config(), cache=StatusCache())
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    task = asyncio.create_task(client.delete_security_group_async(request))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ecs.writes
