"""A guarded call at the end of a program ends as a call of the stock client does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.concurrency import run_script

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

START = """
import asyncio, atexit, gc, sys, threading, weakref
from alibabacloud_tea_openapi.utils_models import Config
from alibabacloud_ecs20140526 import models
from safe_ecs import Client, ManagedSecurityGroupError, StatusUnavailableError
client = Client(Config(access_key_id="k", access_key_secret="s", protocol="HTTP", endpoint=sys.argv[1],
                       region_id="cn-hangzhou"))
group = sys.argv[2]
def delete(client=client, group=group, models=models, refusal=ManagedSecurityGroupError, write=sys.stdout.write, flush=sys.stdout.flush):
    try:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=group))
    except refusal:
        write("managed")
    flush()
def status(client=client, group=group, write=sys.stdout.write, flush=sys.stdout.flush):
    write(client.guard.status(group)[group].state)
    flush()
"""

PLACES = {
    "__del__ of an object in a cycle": """
class Holder:
    def __del__(self, ask=ask):
        ask()
holder = Holder()
holder.itself = holder
""",
    "__del__ of a global": """
class Holder:
    def __del__(self, ask=ask):
        ask()
holder = Holder()
""",
    "atexit": "atexit.register(ask)",
    "weakref.finalize": """
class Holder: pass
holder = Holder()
weakref.finalize(holder, ask)
""",
    "a thread that outlives the main thread": """
def later():
    threading.main_thread().join()
    ask()
threading.Thread(target=later).start()
""",
}


@pytest.mark.parametrize("ask", ["delete", "status"])
@pytest.mark.parametrize("place", PLACES)
def test_a_call_at_the_end_of_a_program_is_guarded(ecs: FakeEcs, managed: str, place: str, ask: str) -> None:
    """No thread can be started any more, or none runs. Where nothing can be imported any more, a stock call fails too."""
    printed = run_script(START + f"ask = {ask}\n" + PLACES[place], ecs.endpoint, managed)
    assert printed in ({"managed", ""} if "__del__" in place else {"managed"})
    assert not ecs.writes


def test_a_loop_at_the_end_of_a_program_does_not_hang(ecs: FakeEcs, managed: str) -> None:
    """It is answered where a thread still runs, and told of the failure where none does."""
    code = """
def ask():
    async def look():
        return await client.guard.status_async(group)
    try:
        print(asyncio.run(look())[group].state)
    except StatusUnavailableError:
        print("unavailable")
"""
    printed = run_script(START + code + PLACES["atexit"], ecs.endpoint, managed, seconds=60)
    assert printed in {"managed\n", "unavailable\n"}
