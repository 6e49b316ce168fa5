"""The settings of a client are those of one moment."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import Config, GlobalParameters

from safe_ecs._calls.settings import settings_of
from tests.support.sdk import TWICE


@pytest.fixture
def client() -> Any:
    return OpenApiClient(
        Config(access_key_id="k", access_key_secret="s", endpoint="h", protocol="HTTP", region_id="r")
    )


def test_the_settings_are_those_of_the_client(client: Any) -> None:
    assert settings_of(client) == ("h", "HTTP", "r", False, None, None, True)
    client._retry_options = TWICE
    assert settings_of(client).tries_again


@pytest.mark.parametrize(
    ("name", "value"),
    [("_endpoint", "x"), ("_protocol", "x"), ("_region_id", "x"), ("_retry_options", TWICE)],
)
def test_a_change_shows(client: Any, name: str, value: object) -> None:
    before = settings_of(client)
    setattr(client, name, value)
    assert settings_of(client) != before


@pytest.mark.parametrize("layer", ["headers", "queries"])
def test_a_change_of_global_parameters_shows(client: Any, layer: str) -> None:
    """The settings hold a copy."""
    mapping = {"a": "b"}
    client._global_parameters = GlobalParameters(**{layer: mapping})
    before = settings_of(client)
    assert getattr(before, layer) == {"a": "b"}
    assert before.is_steady
    mapping["c"] = "d"
    assert settings_of(client) != before
    client._global_parameters = None
    assert getattr(settings_of(client), layer) is None


def test_global_parameters_of_an_odd_type_are_not_steady(client: Any) -> None:
    class Lazy(dict[str, str]):
        pass

    client._global_parameters = GlobalParameters(queries=Lazy(a="b"))
    assert not settings_of(client).is_steady
