"""Programs of gevent and eventlet share look-ups among their greenlets, however late they patch the standard library.

Patching is for a whole process, so each test has a process of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.concurrency import run_script

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

IMPORT = """
import sys, time
from alibabacloud_tea_openapi.utils_models import Config
from alibabacloud_ecs20140526 import models
from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache
"""

PATCH = {
    "gevent": "from gevent import monkey; monkey.patch_all()\n",
    "eventlet": "import eventlet; eventlet.monkey_patch()\n",
}

SPAWN = {
    "gevent": """
import gevent
def run(works):
    tasks = [gevent.spawn(work) for work in works]
    gevent.joinall(tasks, raise_error=True, timeout=20)
    return [task.value for task in tasks]
""",
    "eventlet": """
import eventlet
def run(works):
    tasks = [eventlet.spawn(work) for work in works]
    return [task.wait() for task in tasks]
""",
}

MAKE = """
def make(**more):
    config = Config(access_key_id="k", access_key_secret="s", protocol="HTTP", endpoint=sys.argv[1],
                    region_id="cn-hangzhou")
    return Client(config, cache=StatusCache(), **more)
def delete(client, group):
    try:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=group))
    except ManagedSecurityGroupError:
        return "managed"
    return "deleted"
"""

LIBRARIES = pytest.mark.parametrize("library", ["gevent", "eventlet"])
# The SDK's HTTP library warns where it was imported before the patch, as it does for a stock client.
ORDER = pytest.mark.parametrize("is_late", [True, False], ids=["late", "early"])


def program(library: str, code: str, *, is_late: bool) -> str:
    first, second = (IMPORT, PATCH[library]) if is_late else (PATCH[library], IMPORT)
    return (
        "import warnings; warnings.simplefilter('ignore')\n" + first + second + SPAWN[library] + MAKE + code
    )


@ORDER
@LIBRARIES
def test_a_greenlet_is_guarded(
    ecs: FakeEcs, managed: str, ordinary: str, library: str, *, is_late: bool
) -> None:
    """Patching after the import is what a server with preloading does."""
    code = "client = make()\nprint(delete(client, sys.argv[2]), delete(client, sys.argv[3]))"
    printed = run_script(program(library, code, is_late=is_late), ecs.endpoint, managed, ordinary)
    assert printed == "managed deleted\n"


@ORDER
@LIBRARIES
def test_greenlets_share_look_ups(ecs: FakeEcs, library: str, *, is_late: bool) -> None:
    """While one of them asks, the others go on to the next batch."""
    ecs.latency = 0.3
    groups = [ecs.create_security_group() for _ in range(150)]
    code = """
client = make()
answers = run([lambda group=group: client.guard.status(group)[group].state for group in sys.argv[2:]])
print(set(answers), len(answers))
"""
    printed = run_script(program(library, code, is_late=is_late), ecs.endpoint, *groups)
    assert printed == "{'unmanaged'} 150\n"
    assert len(ecs.reads) <= 4


@ORDER
@LIBRARIES
def test_a_killed_leader_hands_over(ecs: FakeEcs, managed: str, library: str, *, is_late: bool) -> None:
    """The greenlet behind it asks for itself."""
    ecs.latency = 1.0
    kill = {
        "gevent": "leader = gevent.spawn(ask); follower = gevent.spawn(ask); gevent.sleep(0.3); leader.kill(); value = follower.get(timeout=20)",
        "eventlet": "leader = eventlet.spawn(ask); follower = eventlet.spawn(ask); eventlet.sleep(0.3); leader.kill(); value = follower.wait()",
    }
    code = f"""
client = make()
ask = lambda: client.guard.status(sys.argv[2])[sys.argv[2]].state
{kill[library]}
print(value, client.guard.status(sys.argv[2])[sys.argv[2]].source)
"""
    printed = run_script(program(library, code, is_late=is_late), ecs.endpoint, managed)
    assert printed == "managed cache\n"


@ORDER
@LIBRARIES
def test_a_time_out_of_the_library_ends_a_call(
    ecs: FakeEcs, managed: str, library: str, *, is_late: bool
) -> None:
    """The next call is looked up as any other."""
    ecs.latency = 1.0
    code = f"""
client = make()
try:
    with {library}.Timeout(0.3):
        client.guard.status(sys.argv[2])
except {library}.Timeout:
    print("timed out")
print(delete(client, sys.argv[2]))
"""
    printed = run_script(program(library, code, is_late=is_late), ecs.endpoint, managed)
    assert printed == "timed out\nmanaged\n"


@ORDER
@LIBRARIES
def test_a_follower_waits_no_longer_than_its_own_time(ecs: FakeEcs, library: str, *, is_late: bool) -> None:
    ecs.latency = 3.0
    code = """
patient, hasty = make(), None
hasty = Client(patient and Config(access_key_id="k", access_key_secret="s", protocol="HTTP", endpoint=sys.argv[1],
               region_id="cn-hangzhou"), cache=patient.guard._enforcer.cache, policy=GuardPolicy(lookup_timeout=0.4))
def ask():
    started = time.monotonic()
    try:
        hasty.guard.status("sg-2")
    except Exception as error:
        return type(error).__name__, time.monotonic() - started < 2
    return None
print(run([ask, ask])[1])
"""
    printed = run_script(program(library, code, is_late=is_late), ecs.endpoint)
    assert printed == "('StatusUnavailableError', True)\n"
