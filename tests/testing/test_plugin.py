"""The pytest plugin works in the runs of users: processes of their own, with their own test files."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

import safe_ecs
import safe_ecs.testing
from tests.support.concurrency import run_pytest, run_script

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, text: str, name: str = "test_mine.py") -> None:
    (folder / name).write_text(dedent(text))


def test_nothing_is_imported_until_a_fixture_is_used(tmp_path: Path) -> None:
    """Every run of pytest loads the plugin, so it must not cost the half second of importing the SDK."""
    write(
        tmp_path,
        """
        import sys

        def loaded():
            heavy = ("alibabacloud", "Tea", "darabonba", "cachetools", "tenacity", "safe_ecs.testing._fake")
            return {name for name in sys.modules if name.startswith(heavy)}

        def test_without():
            assert "safe_ecs.testing.plugin" in sys.modules
            assert not loaded()

        def test_with(guarded_client):
            assert {"safe_ecs.testing._fake", "alibabacloud_ecs20140526.client"} <= loaded()
        """,
    )
    assert run_pytest(tmp_path).splitlines()[-1].startswith("2 passed")


def test_markers_say_which_managed_groups_there_are(tmp_path: Path) -> None:
    """Markers apply to a test, its class and its module. Strict runs know the marker."""
    write(
        tmp_path,
        """
        import pytest

        pytestmark = pytest.mark.managed_security_group("sg-module")

        @pytest.mark.managed_security_group("sg-class", service_id=7, product="alb")
        class TestGroups:
            @pytest.mark.managed_security_group("sg-test", region_id="cn-beijing")
            def test_all(self, fake_ecs, guarded_client):
                owners = {i: status.service_id for i, status in
                          guarded_client.guard.status("sg-module", "sg-class").items()}
                assert owners == {"sg-module": 1679259531804325, "sg-class": 7}
                status = guarded_client.guard.status("sg-test", region_id="cn-beijing")
                assert status["sg-test"].service_managed
                assert len(fake_ecs.reads) == 2

            def test_others(self, fake_ecs, guarded_client):
                assert not fake_ecs.requests
                assert not guarded_client.guard.status("sg-test", region_id="cn-beijing")["sg-test"].exists
        """,
    )
    assert run_pytest(tmp_path, "--strict-markers").splitlines()[-1].startswith("2 passed")
    assert "@pytest.mark.managed_security_group(security_group_id" in run_pytest(tmp_path, "--markers")


@pytest.mark.parametrize("arguments", ["", "'sg-1', 'sg-2'", "'sg-1', servce_id=7", "service_id=7"])
def test_a_marker_that_is_mistyped_says_what_it_takes(tmp_path: Path, arguments: str) -> None:
    write(
        tmp_path,
        f"""
        import pytest

        @pytest.mark.managed_security_group({arguments})
        def test_any(fake_ecs):
            pass
        """,
    )
    said = run_pytest(tmp_path, "--strict-markers", status=1)
    assert "takes the id of a group, and name, product, region_id, service_id, vpc_id: " in said


def test_workers_of_xdist_have_servers_of_their_own(tmp_path: Path) -> None:
    """Workers share nothing."""
    write(
        tmp_path,
        """
        import os, pathlib, pytest

        @pytest.mark.parametrize("number", range(6))
        @pytest.mark.managed_security_group("sg-nat")
        def test_one(number, fake_ecs, guarded_client):
            assert guarded_client.guard.status("sg-nat")["sg-nat"].service_managed
            assert len(fake_ecs.requests) == 1
            pathlib.Path(os.environ["PYTEST_XDIST_WORKER"]).touch()
        """,
    )
    assert run_pytest(tmp_path, "-n", "2", "--dist", "each").splitlines()[-1].startswith("12 passed")
    assert (tmp_path / "gw0").exists()
    assert (tmp_path / "gw1").exists()


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_async_tests_use_the_same_fixtures(tmp_path: Path, mode: str) -> None:
    """The fixtures work under pytest-asyncio, in both of its modes."""
    write(
        tmp_path,
        f"""
        import asyncio, pytest
        from alibabacloud_ecs20140526 import models
        from safe_ecs import ManagedSecurityGroupError

        {"" if mode == "auto" else "pytestmark = pytest.mark.asyncio"}

        @pytest.mark.managed_security_group("sg-nat")
        async def test_one(fake_ecs, guarded_client):
            request = models.DeleteSecurityGroupRequest(security_group_id="sg-nat")
            calls = [guarded_client.delete_security_group_async(request) for _ in range(5)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(result) for result in results] == [ManagedSecurityGroupError] * 5
            fake_ecs.assert_no_writes()
            assert len(fake_ecs.reads) == 1
        """,
    )
    options = ("-o", f"asyncio_mode={mode}", "-o", "asyncio_default_fixture_loop_scope=function")
    assert run_pytest(tmp_path, *options).splitlines()[-1].startswith("1 passed")


def test_the_fake_works_where_there_is_no_pytest() -> None:
    """FakeEcs works without pytest and without any extra. The server works without the SDK."""
    printed = run_script(
        """
        import sys
        for name in ("pytest", "redis", "aliyunsdkcore"):
            sys.modules[name] = None
        import safe_ecs.testing
        with safe_ecs.testing.FakeEcs() as ecs:
            print(any(name.startswith("alibabacloud") for name in sys.modules))
            from safe_ecs import Client
            group = ecs.create_security_group(service_managed=True)
            print(Client(ecs.config()).guard.status(group)[group].service_managed)
        """
    )
    assert printed == "False\nTrue\n"


@pytest.mark.parametrize("package", [safe_ecs, safe_ecs.testing], ids=lambda package: package.__name__)
def test_what_a_package_offers_is_imported_when_it_is_asked_for(package: object) -> None:
    """A package offers each name of ``__all__``, imports it on demand, and offers no other name."""
    names = vars(package)["__all__"]
    assert dir(package) == sorted(names)
    for name in names:
        assert getattr(package, name).__name__ == name if name != "OPERATIONS" else package.OPERATIONS  # type: ignore[attr-defined]  # of an object
    with pytest.raises(AttributeError, match="has no attribute 'Clinet'"):
        getattr(package, "Clinet")  # noqa: B009 - the attribute must be missing
