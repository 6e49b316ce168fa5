"""Nothing that safe_ecs outputs or stores holds a key, a token, a signature, a password or user data.

In scope is all output of safe_ecs: log records (text, arguments, extra fields, formatted traceback), decision records,
files, spans, decisions, statuses and errors with their texts, HTML and pickles, the contents of a cache, and the output
of the command line. The tests search all of it for the keys, tokens and passwords used, and for the signatures that
FakeEcs received.

Out of scope is the output of others. The SDK's own exceptions hold the URL with every parameter. An error of the guard
refers to one as its ``__cause__``, and shows nothing of it. The log of urllib3 names the path of a request. The pickle
of a client holds its credentials, as the stock client's pickle does. The pickle of a RedisStatusCache holds its URL.
Both would be useless at their destination without these secrets.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import pytest
import redis
from alibabacloud_ecs20140526.client import Client as StockClient
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client, GuardError, GuardPolicy, StatusCache, guard
from safe_ecs.cache.redis import RedisStatusCache
from safe_ecs.observe import Observer
from safe_ecs.testing import CannedAnswer, Fault
from tests.support.redis_server import redis_server
from tests.support.sdk import models
from tests.support.secrets_search import (
    HOST_PASSWORD,
    KEY_ID,
    KEY_SECRET,
    PASSWORD,
    REDIS_PASSWORD,
    TOKEN,
    USER_DATA,
    Ear,
    EveryObserver,
    SecretsSearch,
)
from tests.support.transports import call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from alibabacloud_tea_openapi.utils_models import Config

    from safe_ecs.testing import FakeEcs


STATUSES: Final = "DescribeSecurityGroups"
TEMPLATES: Final = "DescribeLaunchTemplateVersions"
FORMS: Final = ("sync", "sync with options", "async", "async with options")


@pytest.fixture
def observer(tmp_path: Path) -> Iterator[EveryObserver]:
    """The loggers of safe_ecs and asyncio at DEBUG. asyncio logs the exceptions that tasks leave behind."""
    observer = EveryObserver(tmp_path / "decisions.jsonl")
    handler, loggers = Ear(observer.logged), [logging.getLogger(name) for name in ("safe_ecs", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel("DEBUG")
    yield observer
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)
    observer.tracers.shutdown()
    observer.meters.shutdown()


@pytest.fixture
def search(ecs: FakeEcs) -> SecretsSearch:
    ecs.add_access_key(KEY_ID, KEY_SECRET, security_token=TOKEN)
    return SecretsSearch(ecs)


def secret_config(ecs: FakeEcs, **changes: Any) -> Config:
    config = ecs.config()
    config.access_key_id, config.access_key_secret = KEY_ID, KEY_SECRET
    config.security_token, config.type = TOKEN, "sts"
    for name, value in changes.items():
        setattr(config, name, value)
    return config


def run_instances(group: str = "", **more: Any) -> Any:
    targets = {"security_group_id": group} if group else {}
    return models.RunInstancesRequest(
        region_id="cn-hangzhou", amount=1, password=PASSWORD, user_data=USER_DATA, **targets, **more
    )


# ECS's message for a wrong signature names key and token.
_TELLTALE: Final = json.dumps({
    "Code": "SignatureDoesNotMatch",
    "Message": f"The server's string to sign is POST&%2F&AccessKeyId={KEY_ID}&SecurityToken={TOKEN}&{KEY_SECRET}.",
    "RequestId": "R",
}).encode()

TROUBLE: Final[dict[str, tuple[CannedAnswer | Fault, ...]]] = {
    "none": (),
    "refused with a telltale text": (CannedAnswer(status=400, body=_TELLTALE),),
    "denied": (CannedAnswer(status=403, body=_TELLTALE.replace(b"SignatureDoesNotMatch", b"Forbidden.RAM")),),
    "reset": (Fault("reset"),),
    "lost": (Fault("lost"),),
    "truncated": (Fault("truncated"),),
    "malformed": (Fault("malformed"),),
    "wrong types": (Fault("wrong_types"),),
    "throttled": (Fault("throttled"),),
    "too late": (Fault("slow", 1.5),),
}
_HASTY: Final = GuardPolicy(lookup_timeout=2, lookup_attempts=2)
POLICIES: Final = {
    "enforce": _HASTY,
    "audit": replace(_HASTY, mode="audit"),
    "off": replace(_HASTY, mode="off"),
    "lenient": replace(_HASTY, on_unavailable="allow"),
}


def make_calls(
    client: Any, search: SecretsSearch, cache: StatusCache, forms: tuple[str, ...], *groups: str
) -> None:
    """Make every kind of call, use every method of the guard, and add the results and errors."""
    template = search.ecs.create_launch_template(*groups)
    requests = [*map(run_instances, groups), run_instances(launch_template_id=template)]
    for form in forms:
        for request in requests:
            try:
                call(client, "RunInstances", request, form)
            except GuardError as error:
                search.add_error(error)
            except Exception:  # noqa: BLE001, S110 - the SDK's own
                pass
            with client.guard.bypass(reason="OPS-7"), suppress(Exception):
                call(client, "RunInstances", request, form)
            cache.forget()
    inquiries: tuple[Callable[[], list[Any]], ...] = (
        lambda: [client.guard.check(request) for request in requests],
        lambda: [client.guard.check("DescribeInstances", {"Password": PASSWORD})],
        lambda: [asyncio.run(client.guard.check_async(requests[0]))],
        lambda: list(client.guard.status(*groups).values()),
        lambda: [client.guard.partition(groups)],
        lambda: list(client.guard.managed_groups()),
        lambda: [client.guard.warm(), client.guard.stats],
    )
    for inquire in inquiries:
        try:
            search.add(*inquire())
        except GuardError as error:
            search.add_error(error)
    search.add(client.guard.policy)
    search.texts += [repr(client.guard), str(client.guard), repr(client.guard.bypass(reason="OPS-7"))]
    search.texts += all_texts(cache)


def all_texts(cache: StatusCache) -> list[str]:
    """Return every text reachable from the contents of a cache, and the cache's own texts."""
    seen: dict[int, object] = {}
    texts = [repr(cache), str(cache)]
    left: list[Any] = [cache._store.tables]
    while left:
        thing = left.pop()
        if id(thing) in seen or isinstance(thing, type):
            continue
        seen[id(thing)] = thing
        texts.append(repr(thing))
        if isinstance(thing, dict):
            left += [*thing, *thing.values()]
        elif isinstance(thing, (list, tuple, set, frozenset)):
            left += thing
        elif hasattr(thing, "items"):
            left += [part for item in thing.items() for part in item]
        left += getattr(thing, "__dict__", {}).values()
        for cls in type(thing).__mro__:
            left += [getattr(thing, name, None) for name in getattr(cls, "__slots__", ())]
    return texts


@pytest.mark.parametrize(
    ("mode", "trouble"),
    [
        *(("enforce", trouble) for trouble in TROUBLE),
        *product(("audit", "off", "lenient"), ("none", "refused with a telltale text", "reset")),
    ],
)
def test_no_secret_is_told_or_kept(
    search: SecretsSearch, observer: EveryObserver, managed: str, ordinary: str, mode: str, trouble: str
) -> None:
    """Every outcome of the reads, and both signatures: the older one puts key, token and signature into the URL."""
    ecs = search.ecs
    policy = replace(POLICIES[mode], lookup_timeout=0.2 if trouble == "too late" else 2.0)
    for number, signature in enumerate(({}, {"signature_algorithm": "v2"})):
        ecs.fail(STATUSES)
        for action in (STATUSES, TEMPLATES):
            ecs.answer_always(action, *(TROUBLE[trouble] or (None,)))
        cache = StatusCache()
        client = Client(
            secret_config(ecs, **signature), policy=policy, cache=cache, observers=observer.observers
        )
        forms = (FORMS[number], FORMS[2 + number]) if trouble != "too late" else (FORMS[2 * number],)
        make_calls(client, search, cache, forms, managed, ordinary)
        search.add(cache)
    observer.told(search)
    assert search.signatures
    assert any(managed in text for text in search.texts)
    assert search.found() == []


@pytest.mark.parametrize("kind", ["reset", "truncated", "malformed", "internal_error", "throttled"])
def test_no_secret_is_told_when_the_write_fails(
    search: SecretsSearch, observer: EveryObserver, ordinary: str, kind: Any
) -> None:
    """The guard reads ECS's answer to learn from it, and outputs none of it."""
    ecs, cache = search.ecs, StatusCache()
    ecs.answer_always("RunInstances", Fault(kind))
    for signature in ({}, {"signature_algorithm": "v2"}):
        client = guard(
            StockClient(secret_config(ecs, **signature)), cache=cache, observers=observer.observers
        )
        for form in FORMS:
            with suppress(Exception):
                call(client, "RunInstances", run_instances(ordinary), form)
    observer.told(search)
    search.add(cache)
    search.texts += all_texts(cache)
    assert ecs.writes
    assert search.found() == []


def test_no_secret_is_told_of_the_way_to_ecs(
    search: SecretsSearch, observer: EveryObserver, managed: str
) -> None:
    """Passwords in the endpoint and in the options of a call, and keys unknown to ECS, stay secret."""
    ecs, cache = search.ecs, StatusCache()
    changes: tuple[dict[str, Any], ...] = (
        {"endpoint": f"user:{HOST_PASSWORD}@{ecs.endpoint}"},
        {"endpoint": f"user:{HOST_PASSWORD}@127.0.0.1:1"},
        {"http_proxy": f"http://user:{HOST_PASSWORD}@127.0.0.1:1"},
        {"access_key_secret": KEY_SECRET[::-1]},
        {"security_token": TOKEN * 2},
    )
    for change in changes:
        client = Client(
            secret_config(ecs, **change), policy=_HASTY, cache=cache, observers=observer.observers
        )
        for runtime in (RuntimeOptions(), RuntimeOptions(http_proxy=f"http://u:{HOST_PASSWORD}@127.0.0.1:1")):
            with pytest.raises(GuardError) as error:
                client.run_instances_with_options(run_instances(managed), runtime)
            search.add_error(error.value)
            search.texts += all_texts(cache)
            cache.forget()
    observer.told(search)
    assert search.found() == []


def test_no_secret_is_told_of_redis(
    search: SecretsSearch, observer: EveryObserver, managed: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The password stays secret if it is right, if it is wrong and if the server is gone. Redis stores no secret."""
    ecs = search.ecs
    with redis_server() as server:
        server.client.config_set("requirepass", REDIS_PASSWORD)
        address = server.url.removeprefix("redis://")
        for url in (
            f"redis://:{REDIS_PASSWORD}@{address}",
            f"redis://:{REDIS_PASSWORD}-wrong@{address}",
            f"redis://:{REDIS_PASSWORD}@127.0.0.1:1/0",
        ):
            cache = RedisStatusCache(url)
            client = Client(secret_config(ecs), policy=_HASTY, cache=cache, observers=observer.observers)
            make_calls(client, search, cache, ("sync", "async"), managed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("REDISCLI_AUTH", REDIS_PASSWORD)
            with redis.Redis.from_url(f"redis://:{REDIS_PASSWORD}@{address}") as direct:
                keys: Any = direct.keys("*")
                assert keys
                search.texts += [repr(keys), repr(direct.mget(keys))]
    observer.told(search)
    search.texts += capfd.readouterr()
    assert any("cannot be used" in record.getMessage() for record in observer.logged)
    assert search.found() == []


class Clumsy(Observer):
    """An observer that calls ECS itself, and raises the SDK's error."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def decided(self, record: Any) -> None:
        self._client.run_instances(run_instances("sg-1"))

    looked_up = checked = decided


@pytest.mark.parametrize("form", FORMS)
def test_no_secret_is_told_of_an_observer_that_raises(
    search: SecretsSearch, observer: EveryObserver, ordinary: str, form: str
) -> None:
    """An observer may raise the SDK's error with the signed URL, within the handling of another one."""
    ecs = search.ecs
    config = secret_config(ecs, signature_algorithm="v2", endpoint="127.0.0.1:1")
    stock = StockClient(config)
    client = Client(
        secret_config(ecs), cache=StatusCache(), observers=[*observer.observers, Clumsy(stock), Clumsy(None)]
    )
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    handled = ""
    try:
        stock.run_instances(run_instances("sg-1"))
    except Exception as error:  # noqa: BLE001 - the SDK's
        handled = str(error)
        call(client, "DeleteSecurityGroup", request, form)
    assert quote_plus(PASSWORD) in handled
    warnings = [record for record in observer.logged if "The observer Clumsy raised" in record.getMessage()]
    assert len(warnings) == 2
    observer.told(search)
    assert search.found() == []


@pytest.mark.parametrize(
    ("trouble", "user"),
    [("none", ""), ("refused with a telltale text", ""), ("reset", f"user:{HOST_PASSWORD}@")],
)
def test_no_secret_is_printed_by_the_command_line(
    search: SecretsSearch, managed: str, trouble: str, user: str
) -> None:
    """The keys come from the environment, one password is a parameter, and another is in the endpoint."""
    ecs = search.ecs
    ecs.answer_always(STATUSES, *(TROUBLE[trouble] or (None,)))
    secrets = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": KEY_SECRET,
        "ALIBABA_CLOUD_SECURITY_TOKEN": TOKEN,
    }
    region, target = ("--region-id", "cn-hangzhou"), ("--security-group-id", managed)
    parameters = ("--parameter", f"Password={PASSWORD}", "--parameter", f"UserData={USER_DATA}")
    for command in (("check", "RunInstances", *target, *parameters, *region), ("managed", *region)):
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "safe_ecs", *command, "--endpoint-url", f"http://{user}{ecs.endpoint}"],
            capture_output=True,
            text=True,
            env=os.environ | secrets,
            check=False,
            timeout=120,
        )
        assert done.stdout or done.stderr
        search.texts += [done.stdout, done.stderr]
    # A user in the URL takes the place of the signature.
    assert bool(search.signatures) == (not user)
    assert search.found() == []


def test_the_search_finds_what_is_there(search: SecretsSearch, observer: EveryObserver, managed: str) -> None:
    """The search finds keys, tokens, passwords and signatures in every encoding."""
    client = Client(secret_config(search.ecs), cache=StatusCache(), observers=observer.observers)
    with pytest.raises(GuardError):
        client.run_instances(run_instances(managed))
    client = Client(secret_config(search.ecs, signature_algorithm="v2"), cache=StatusCache())
    with pytest.raises(GuardError):
        client.run_instances(run_instances(managed))
    first, second = search.signatures
    assert {len(first), len(second)} == {64, 28}
    for needle in search.needles():
        planted = SecretsSearch(search.ecs, [f"before{needle}after"])
        assert (needle, f"before{needle}after") in planted.found()
    logging.getLogger("safe_ecs").warning("%s", "text", extra={"safe_ecs": {"key": KEY_ID}})
    logging.getLogger("safe_ecs").warning("text", exc_info=ValueError(TOKEN))
    observer.told(search)
    assert {needle for needle, _ in search.found()} == {KEY_ID, TOKEN}
    cache = StatusCache()
    cache._store.tables.forgotten[KEY_ID] = 0.0
    assert any(KEY_ID in text for text in all_texts(cache))
