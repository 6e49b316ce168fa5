"""A bypass lets through the groups it names, in its own block, and nothing else."""

from __future__ import annotations

import asyncio
import copy
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import Client, GuardError, GuardPolicy, ManagedSecurityGroupError, StatusCache, guard
from safe_ecs.testing import CannedAnswer
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_ecs.testing import FakeEcs

DELETE = "DeleteSecurityGroup"
JOIN = "JoinSecurityGroup"
NO_PERMISSION = CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "no", "RequestId": "R"}')


def delete(client: Any, group: str) -> str:
    """Try to delete a group. Return the guard's outcome, "sent" if ECS refused, "done" if it deleted the group."""
    try:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=group))
    except GuardError as error:
        return error.decision.outcome
    except ClientException:
        return "sent"
    return "done"


def check(client: Client, *groups: str, action: str = DELETE) -> str:
    return client.guard.check(action, {"SecurityGroupIds": list(groups)}).outcome


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_bypassed_call_is_sent_and_refused_by_ecs_alone(
    ecs: FakeEcs, client: Client, managed: str, form: str
) -> None:
    """The guard refuses the call before and after the block, and sends it inside."""
    request = models.DeleteSecurityGroupRequest(security_group_id=managed)
    with client.guard.bypass(reason="ticket 7"), pytest.raises(ClientException) as error:
        call(client, DELETE, request, form)
    assert not isinstance(error.value, GuardError)
    assert len(ecs.writes) == 1
    with pytest.raises(ManagedSecurityGroupError):
        call(client, DELETE, request, form)
    assert len(ecs.writes) == 1
    assert (client.guard.stats.bypasses, client.guard.stats.refusals) == (1, 1)


def test_only_what_would_have_been_refused_is_bypassed(client: Client, managed: str, ordinary: str) -> None:
    """An allowed call stays allowed. ``check`` gives the call's outcome in both cases."""
    with client.guard.bypass(reason="ticket 7"):
        assert check(client, ordinary) == "allowed"
        decision = client.guard.check(DELETE, {"SecurityGroupId": managed})
    assert (decision.outcome, decision.refused, decision.bypass_reason) == ("bypassed", False, "ticket 7")
    assert decision.reason == (
        f"DeleteSecurityGroup is let through by a bypass (ticket 7), and would otherwise be refused: a cloud service "
        f"manages {managed} (serviceID 1679259531804325)."
    )


@pytest.mark.parametrize("mode", ["audit", "off"])
def test_where_nothing_is_refused_nothing_is_bypassed(ecs: FakeEcs, managed: str, mode: Any) -> None:
    client = Client(ecs.config(), policy=GuardPolicy(mode=mode))
    with client.guard.bypass(reason="ticket 7"):
        assert check(client, managed) == {"audit": "would_deny", "off": "allowed"}[mode]


def test_every_managed_target_must_be_covered(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """The bypass ignores case and blanks of an id. Ordinary targets need no bypass."""
    other = ecs.create_security_group(service_managed=True, service_id=7)
    with client.guard.bypass(reason="ticket 7", security_group_ids=[f" {managed.upper()} "]):
        assert check(client, managed, ordinary) == "bypassed"
        assert check(client, managed, other) == "denied"
        assert delete(client, other) == "denied"
    assert not ecs.writes


def test_only_the_named_actions_are_covered(client: Client, managed: str) -> None:
    with client.guard.bypass(reason="ticket 7", actions=["joinsecuritygroup "]):
        assert check(client, managed, action=JOIN) == "bypassed"
        assert check(client, managed) == "denied"


def test_a_status_that_cannot_be_determined_is_covered_for_the_named_group(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    ecs.answer_always("DescribeSecurityGroups", NO_PERMISSION)
    with client.guard.bypass(reason="ECS is down", security_group_ids=[ordinary]):
        assert check(client, ordinary) == "bypassed"
        assert check(client, ordinary, "sg-other") == "unavailable"
        assert delete(client, ordinary) == "done"
    assert delete(client, ordinary) == "unavailable"
    assert len(ecs.writes) == 1


def test_targets_that_cannot_be_read_are_covered_only_if_no_group_is_named(client: Client) -> None:
    """Unreadable targets are never among named groups."""
    unreadable = {"SecurityGroupIds": "[1"}
    with client.guard.bypass(reason="ticket 7", security_group_ids=["sg-1"]):
        assert client.guard.check("ModifyInstanceAttribute", unreadable).outcome == "unavailable"
    with client.guard.bypass(reason="ticket 7"):
        assert client.guard.check("ModifyInstanceAttribute", unreadable).outcome == "bypassed"


def test_blocks_inside_one_another_narrow_and_never_widen(ecs: FakeEcs, client: Client, managed: str) -> None:
    other = ecs.create_security_group(service_managed=True, service_id=7)
    both = ecs.create_security_group(service_managed=True, service_id=8)
    with client.guard.bypass(reason="outer", security_group_ids=[managed, both]):
        with client.guard.bypass(reason="inner", security_group_ids=[other, both]):
            assert [check(client, group) for group in (managed, other)] == ["denied", "denied"]
            assert client.guard.check(DELETE, {"SecurityGroupId": both}).bypass_reason == "outer; inner"
        with client.guard.bypass(reason="all"):
            assert [check(client, group) for group in (managed, other)] == ["bypassed", "denied"]
        assert [check(client, group) for group in (managed, other)] == ["bypassed", "denied"]
    assert check(client, managed) == "denied"


def test_it_holds_for_no_other_client(ecs: FakeEcs, client: Client, managed: str) -> None:
    """A copy, or another client with the same settings and cache, has no part in the bypass."""
    others: list[Any] = [
        copy.copy(client),
        copy.deepcopy(client),
        Client(ecs.config()),
        guard(StockClient(ecs.config())),
    ]
    with client.guard.bypass(reason="ticket 7"):
        assert [delete(other, managed) for other in others] == ["denied"] * len(others)
    assert not ecs.writes


def test_it_holds_for_no_other_client_that_skipped_the_constructor(ecs: FakeEcs, managed: str) -> None:
    """Clients that skip the constructor share a guard, but not a bypass."""

    class Careless(Client):
        def __init__(self) -> None:
            StockClient.__init__(self, ecs.config())

    one, other = Careless(), Careless()
    with one.guard.bypass(reason="ticket 7"):
        assert check(one, managed) == "bypassed"
        assert check(other, managed) == "denied"


def test_a_thread_that_is_started_inside_does_not_inherit_it(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """A thread of an executor does not inherit the bypass either."""
    outcomes = []
    with client.guard.bypass(reason="ticket 7"):
        thread = Thread(target=lambda: outcomes.append(delete(client, managed)))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            outcomes.append(pool.submit(delete, client, managed).result())
    assert outcomes == ["denied", "denied"]
    assert not ecs.writes


async def test_a_task_beside_the_block_does_not_have_it(client: Client, managed: str) -> None:
    """The tasks of one loop share a thread, but not a bypass."""
    entered, checked = asyncio.Event(), asyncio.Event()

    async def inside() -> str:
        with client.guard.bypass(reason="ticket 7"):
            entered.set()
            await checked.wait()
            return (await client.guard.check_async(DELETE, {"SecurityGroupId": managed})).outcome

    async def beside() -> str:
        await entered.wait()
        outcome = (await client.guard.check_async(DELETE, {"SecurityGroupId": managed})).outcome
        checked.set()
        return outcome

    assert list(await asyncio.gather(inside(), beside())) == ["bypassed", "denied"]


async def test_what_is_started_inside_has_it_until_the_block_ends(client: Client, managed: str) -> None:
    """Tasks, ``to_thread`` and copied contexts copy all context variables, and so the bypass."""
    ended = asyncio.Event()

    async def outlive() -> list[str]:
        first = (await client.guard.check_async(DELETE, {"SecurityGroupId": managed})).outcome
        started.set()
        await ended.wait()
        return [first, check(client, managed)]

    started = asyncio.Event()
    with client.guard.bypass(reason="ticket 7"):
        task = asyncio.create_task(outlive())
        context = copy_context()
        await started.wait()
        assert await asyncio.to_thread(check, client, managed) == "bypassed"
        assert context.run(check, client, managed) == "bypassed"
    ended.set()
    assert await task == ["bypassed", "denied"]
    assert context.run(check, client, managed) == "denied"


async def test_the_end_of_an_inner_block_widens_nothing_for_what_was_started_inside(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """A task of the inner block does not get the outer bypass, but may enter one of its own."""
    other = ecs.create_security_group(service_managed=True, service_id=7)
    with client.guard.bypass(reason="outer"):
        with client.guard.bypass(reason="inner", security_group_ids=[managed]):
            context = copy_context()
        assert check(client, other) == "bypassed"
        assert [context.run(check, client, group) for group in (managed, other)] == ["denied", "denied"]

        def begin_anew() -> str:
            with client.guard.bypass(reason="anew", security_group_ids=[other]):
                return check(client, other)

        assert context.run(begin_anew) == "bypassed"


def test_a_generator_that_ends_elsewhere_leaves_nothing_behind(client: Client, managed: str) -> None:
    """The block is over, even in the context that entered it."""

    def suspended() -> Iterator[None]:
        with client.guard.bypass(reason="ticket 7"):
            yield

    generator = suspended()
    next(generator)
    copy_context().run(generator.close)  # type: ignore[attr-defined]  # a generator
    assert check(client, managed) == "denied"
    with client.guard.bypass(reason="ticket 8"):
        assert check(client, managed) == "bypassed"


def test_it_holds_for_one_block(client: Client, managed: str) -> None:
    """The bypass can be entered neither again nor within itself: another bypass needs another reason."""
    bypass = client.guard.bypass(reason="ticket 7")
    with bypass, pytest.raises(RuntimeError, match="one block"), bypass:
        pass
    with pytest.raises(RuntimeError, match="one block"), bypass:
        pass
    assert check(client, managed) == "denied"


def test_it_ends_with_an_exception_too(client: Client, managed: str) -> None:
    with pytest.raises(ZeroDivisionError), client.guard.bypass(reason="ticket 7"):
        raise ZeroDivisionError
    assert check(client, managed) == "denied"


def test_it_keeps_no_client_alive(ecs: FakeEcs) -> None:
    """A context may outlive the block and the client."""
    client = Client(ecs.config(), cache=StatusCache())
    with client.guard.bypass(reason="ticket 7"):
        context = copy_context()
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None
    assert len(context)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"reason": ""}, ValueError),
        ({"reason": " \n"}, ValueError),
        ({"reason": None}, TypeError),
        ({"reason": 7}, TypeError),
        ({"reason": "x", "security_group_ids": "sg-1"}, TypeError),
        ({"reason": "x", "security_group_ids": [7]}, TypeError),
        ({"reason": "x", "security_group_ids": []}, ValueError),
        ({"reason": "x", "security_group_ids": ["sg-1", " "]}, ValueError),
        ({"reason": "x", "actions": DELETE}, TypeError),
        ({"reason": "x", "actions": [None]}, TypeError),
        ({"reason": "x", "actions": []}, ValueError),
        ({"reason": "x", "actions": ["DeleteSecurtyGroup"]}, ValueError),
        ({"reason": "x", "actions": ["DescribeInstances"]}, ValueError),
    ],
    ids=str,
)
def test_an_impossible_bypass_is_refused_when_it_is_made(
    client: Client, arguments: Any, error: type[Exception]
) -> None:
    """The error comes before the block: a typing error must not widen a bypass."""
    with pytest.raises(error):
        client.guard.bypass(**arguments)


def test_a_bypass_must_have_a_reason_and_names_its_arguments(client: Client) -> None:
    with pytest.raises(TypeError):
        client.guard.bypass()  # type: ignore[call-arg]  # the point
    with pytest.raises(TypeError):
        client.guard.bypass("ticket 7")  # type: ignore[call-arg]  # the point


def test_a_reason_is_kept_on_one_line(client: Client, managed: str) -> None:
    """Logs are lines, and the reason goes into logs."""
    with client.guard.bypass(reason=" ticket\n7 "):
        assert client.guard.check(DELETE, {"SecurityGroupId": managed}).bypass_reason == "ticket 7"


def test_the_error_does_not_advertise_the_bypass(client: Client, managed: str) -> None:
    """A refused caller is to ask the owner of the group."""
    with pytest.raises(ManagedSecurityGroupError) as error:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert "bypass" not in str(error.value)
