"""A failed read becomes a failure in words of our own, without the text of the error. No server takes part."""

from __future__ import annotations

from typing import Any, cast

import pytest
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs._core.failure import Failure
from safe_ecs._lookup.sending.classify import failure_of, is_network_error, is_transient, timed_out
from tests.support.sdk_errors import NO_JSON, answered, no_connection, wrapped

DESCRIBE = "DescribeSecurityGroups"
NO_CREDENTIAL: Any = cast("Any", CredentialException)("no credential")


AGAIN = "Try again in a minute."


ELSEWHERE = "ECS refuses the look-up itself: check the endpoint, the region and the account."


KEYS = "Check the access key and its token."


GRANT = "Grant the RAM action ecs:DescribeSecurityGroups to these credentials."


SLOWER = "DescribeSecurityGroups is throttled per account, region and minute. Try again in a minute."


USED_UP = "A quota of DescribeSecurityGroups is used up that lasts longer than a minute: ask seldomer, or for a larger one."


@pytest.mark.parametrize(
    ("code", "status", "next_step", "scope", "is_outage"),
    [
        ("Throttling", 400, SLOWER, "principal", True),
        ("Throttling.User", 400, SLOWER, "principal", True),
        ("Rejected.Throttling", 429, SLOWER, "principal", True),
        ("Throttling.User.Day", 400, USED_UP, "principal", True),
        ("IncompleteSignature", 400, KEYS, "principal", False),
        ("InvalidAccessKeyId.NotFound", 404, KEYS, "principal", False),
        ("InvalidSecurityToken.Expired", 400, KEYS, "principal", False),
        ("MissingSecurityToken", 400, KEYS, "principal", False),
        ("SignatureDoesNotMatch", 400, KEYS, "principal", False),
        ("ServiceUnavailable", 503, AGAIN, "endpoint", True),
        ("SomethingNew", 500, AGAIN, "endpoint", True),
        ("Forbidden.RAM", 403, GRANT, "group", False),
        ("NoPermission", 403, GRANT, "group", False),
        ("Unauthorized", 403, GRANT, "group", False),
        ("UnauthorizedOperation", 403, GRANT, "group", False),
        ("InvalidSecurityGroupId.Malformed", 400, "Check the security group id.", "group", False),
        ("InvalidParameter", 400, ELSEWHERE, "group", False),
        (
            "InvalidRegionId.NotFound",
            404,
            "Check the region: that of the request, or of the client.",
            "group",
            False,
        ),
    ],
)
def test_a_refusal_of_ecs_says_for_whom_it_holds_and_what_to_do(
    code: str, status: int, next_step: str, scope: Any, is_outage: Any
) -> None:
    """The failure omits the server's text, as the text may hold signed values."""
    error = answered(code, status)
    assert failure_of(error, DESCRIBE) == Failure(
        reason=f"DescribeSecurityGroups answered {status} {code}",
        next_step=next_step,
        code=code,
        cause=error,
        scope=scope,
        is_outage=is_outage,
    )


@pytest.mark.parametrize("error", [wrapped(no_connection()), OSError("refused"), wrapped(NO_JSON)])
def test_an_unreachable_ecs_is_everybodys(error: Exception) -> None:
    assert failure_of(error, DESCRIBE) == Failure(
        reason="DescribeSecurityGroups could not reach ECS, or got no whole answer of it",
        next_step="Check the endpoint, the proxy and the network, and try again.",
        cause=error,
        scope="endpoint",
        is_outage=True,
    )


@pytest.mark.parametrize(
    ("error", "name", "scope"),
    [
        (AttributeError("no credential"), "AttributeError", "caller"),
        (wrapped(ValueError("no credential")), "ValueError", "caller"),
        (NO_CREDENTIAL, "CredentialException", "group"),
        (wrapped(NO_CREDENTIAL), "CredentialException", "group"),
        (answered("", 400), "ClientException", "group"),
        (answered(7, 400), "ClientException", "group"),
        (answered("Code", None), "ClientException", "group"),
    ],
)
def test_what_stopped_the_sdk_is_named_by_its_class_alone(error: Exception, name: str, scope: Any) -> None:
    """An exception of the program, as of a signal handler, holds for one caller alone."""
    assert failure_of(error, DESCRIBE) == Failure(
        reason=f"DescribeSecurityGroups failed with {name}",
        next_step="Check that the client has credentials and the right endpoint.",
        cause=error,
        scope=scope,
    )


def test_a_time_out_tells_how_long_it_was_waited_for() -> None:
    """It holds for callers alone that would wait no longer."""
    error = TimeoutError()
    failure = timed_out(DESCRIBE, 2.5, 2.5, error)
    assert failure == Failure(
        reason="DescribeSecurityGroups gave no answer within lookup_timeout (2.5 s)",
        next_step=AGAIN,
        cause=error,
        scope="endpoint",
        is_outage=True,
        timeout_seconds=2.5,
    )
    assert timed_out(DESCRIBE, 2.5, 2.5).cause is None


@pytest.mark.parametrize(
    ("seconds", "is_patient", "scope"),
    [
        (10.0, True, "endpoint"),
        (8.0, True, "endpoint"),
        (7.9, False, "endpoint"),
        (0.4, False, "endpoint"),
        (0.39, False, "caller"),
        (0.0, False, "caller"),
    ],
)
def test_a_look_up_without_much_time_tells_less(seconds: float, scope: str, *, is_patient: bool) -> None:
    """Without any time, nothing is learned of ECS."""
    failure = timed_out(DESCRIBE, seconds, 10)
    assert (failure.is_patient, failure.scope) == (is_patient, scope)
    assert (failure.is_outage, failure.timeout_seconds) == (True, 10)
    assert ("lookup_timeout (10 s)" in failure.reason) == is_patient
    assert is_patient or f"within {seconds:.2g} s, less than lookup_timeout" in failure.reason


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answered("Throttling", 400), True),
        (answered("Throttling.User", 400), True),
        (answered("Throttling.Api", 400), True),
        (answered("Rejected.Throttling", 400), True),
        (answered("ServiceUnavailable", 400), True),
        (answered("InternalError", 400), True),
        (answered("Throttling.Vcpu.PerDay", 503), False),
        (answered("SomethingNew", 429), True),
        (answered("SomethingNew", 428), False),
        (answered("SomethingNew", 499), False),
        (answered("SomethingNew", 500), True),
        (answered(None, 502), True),
        (answered(None, None), False),
        (answered("Forbidden.RAM", 403), False),
        (wrapped(no_connection()), True),
        (no_connection(), True),
        (ConnectionResetError(), True),
        (wrapped(OSError()), True),
        (NO_JSON, True),
        (wrapped(NO_JSON), True),
        (RuntimeError("something else"), False),
        (ValueError("json format"), False),
    ],
)
def test_what_may_succeed_a_moment_later_is_tried_again(error: Exception, expected: Any) -> None:
    """By code, then by status, then by the class of a network error."""
    assert is_transient(error) is expected
    if not isinstance(error, ClientException):
        assert is_network_error(error) is expected
