"""The logger safe_ecs reports the guard's deeds at fitting levels, and costs nothing without handlers and filters."""

from __future__ import annotations

import logging
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import Client, ManagedSecurityGroupError, StatusCache
from safe_ecs.observe import _log
from safe_ecs.observe._log import is_heard
from tests.support.observers import REACH, RecordingObserver
from tests.support.sdk import models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_ecs._core.decision import Outcome
    from safe_ecs.testing import FakeEcs

LEVELS: dict[Outcome, str] = {
    "allowed": "DEBUG",
    "denied": "WARNING",
    "would_deny": "WARNING",
    "bypassed": "WARNING",
    "unavailable": "ERROR",
    "not_guarded": "DEBUG",
}


@pytest.mark.parametrize("form", ["sync", "async"])
@pytest.mark.parametrize("outcome", REACH)
def test_every_outcome_is_logged_at_its_level(
    ecs: FakeEcs, outcome: Outcome, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The message is the reason, and the log record carries the decision record as a dict."""
    caplog.set_level("DEBUG", "safe_ecs")
    notebook = RecordingObserver()
    REACH[outcome](ecs, [notebook], form)
    [told] = notebook.decisions or notebook.checks
    logged: list[Any] = [each for each in caplog.records if each.name == "safe_ecs"]
    [record] = [each for each in logged if each.safe_ecs["event"] != "looked_up"]
    assert record.levelname == LEVELS[outcome]
    assert record.safe_ecs == told.to_dict()
    assert record.getMessage() == (f"Checked: {told.reason}" if outcome == "not_guarded" else told.reason)
    look_ups = [each for each in logged if each.safe_ecs["event"] == "looked_up"]
    assert {each.levelname for each in look_ups} == (set() if outcome == "not_guarded" else {"DEBUG"})
    assert [each.safe_ecs for each in look_ups] == [each.to_dict() for each in notebook.look_ups]
    assert all(each.getMessage().startswith("DescribeSecurityGroups in cn-hangzhou: ") for each in look_ups)


def test_what_check_answers_is_no_warning(
    client: Client, managed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A check stops no call."""
    assert client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": managed}).outcome == "denied"
    assert not caplog.records


def test_a_program_that_configures_no_logging_sees_nothing(ecs: FakeEcs, managed: str) -> None:
    """A library stays silent on both streams."""
    code = f"""
from alibabacloud_ecs20140526 import models
from alibabacloud_tea_openapi.utils_models import Config
from safe_ecs import Client, ManagedSecurityGroupError
config = Config(access_key_id="k", access_key_secret="s", endpoint={ecs.endpoint!r}, protocol="HTTP")
try:
    Client(config).delete_security_group(
        models.DeleteSecurityGroupRequest(region_id="cn-hangzhou", security_group_id={managed!r}))
except ManagedSecurityGroupError:
    print("refused")
"""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("refused\n", "")


@contextmanager
def unheard() -> Iterator[None]:
    """Have the logger as in a program without logging: without the handlers of the test runner.

    A fixture would not do, as the runner adds its handlers after the fixture.
    """
    handlers, propagate = _log.LOGGER.handlers, _log.LOGGER.propagate
    _log.LOGGER.handlers, _log.LOGGER.propagate = [logging.NullHandler()], False
    try:
        yield
    finally:
        _log.LOGGER.handlers, _log.LOGGER.propagate = handlers, propagate


def test_no_record_is_made_where_nobody_listens(
    client: Client, managed: str, ordinary: str, mocker: Any
) -> None:
    """A record would cost more than the decision, for a refusal and for an allowed call."""
    made = mocker.spy(client._safe_ecs_enforcer.dispatcher, "_tell_decision")
    with unheard():
        for _ in range(2):
            with pytest.raises(ManagedSecurityGroupError):
                client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
        client.guard.check("DescribeInstances")
    assert made.call_count == 0


def test_a_handler_or_a_filter_on_the_logger_listens() -> None:
    """The level of the logger still applies."""
    handler, everything = logging.StreamHandler(), logging.Filter()
    with unheard():
        assert not is_heard("unavailable")
        _log.LOGGER.addHandler(handler)
        assert is_heard("unavailable")
        assert not is_heard("allowed")
        _log.LOGGER.removeHandler(handler)
        _log.LOGGER.addFilter(everything)
        assert is_heard("denied")
        _log.LOGGER.removeFilter(everything)
        assert not is_heard("unavailable")
        _log.LOGGER.propagate = True
        assert is_heard("unavailable") == any(
            type(handler) is not logging.NullHandler for handler in logging.getLogger().handlers
        )


def test_a_filter_that_raises_stops_no_call(ecs: FakeEcs, client: Client, ordinary: str) -> None:
    """The exception cannot be logged either."""

    def fail(_: object) -> bool:
        raise ZeroDivisionError

    _log.LOGGER.addFilter(fail)
    _log.LOGGER.setLevel("DEBUG")
    try:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
    finally:
        _log.LOGGER.removeFilter(fail)
        _log.LOGGER.setLevel("NOTSET")
    assert len(ecs.writes) == 1


def test_a_handler_that_uses_the_client_comes_to_an_end(
    ecs: FakeEcs, managed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler's own calls are not logged again."""
    client = Client(ecs.config(), cache=StatusCache())
    refusals = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            with pytest.raises(ManagedSecurityGroupError) as error:
                client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
            refusals.append(error.value)

    handler = Handler()
    _log.LOGGER.addHandler(handler)
    try:
        with pytest.raises(ManagedSecurityGroupError):
            client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    finally:
        _log.LOGGER.removeHandler(handler)
    assert len(refusals) == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
