"""The headers of set_rpc_headers go with the call that they were set for, and with no other."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_tea_openapi.utils_models import Config

from safe_ecs._calls.once_headers import HandsOutHeaders, OnceHeaders, hands_out_its_own

MINE, NEXT = {"x-mine": "1"}, {"x-next": "1"}


class Theirs(HandsOutHeaders):
    """A class that counts how often its method is called."""

    calls = 0

    def get_rpc_headers(self) -> Any:
        self.calls += 1
        return {"x-call": str(self.calls)}


class Mixin:
    """A class beside the SDK's that makes headers."""

    def get_rpc_headers(self) -> Any:
        stock: Any = super()
        return {"x-mixin": "1", **(stock.get_rpc_headers() or {})}


class Mixed(Mixin, HandsOutHeaders):
    """A class that gets its method from another base."""


class Further(Theirs):
    """A class that extends the method of its base."""

    def get_rpc_headers(self) -> Any:
        return {**super().get_rpc_headers(), "x-further": "1"}


class Static(HandsOutHeaders):
    """A class with a method that needs no client."""

    get_rpc_headers: Any = staticmethod(lambda: {"x-static": "1"})


def made(cls: Any = HandsOutHeaders) -> Any:
    return cls(Config(access_key_id="k", access_key_secret="s", endpoint="h"))


def test_the_first_try_of_a_call_gets_its_headers() -> None:
    """A further try gets none, as with the stock client. Headers that are set meanwhile stay with the client."""
    client = made()
    client.set_rpc_headers(MINE)
    taken = OnceHeaders(client)
    client.set_rpc_headers(NEXT)
    with taken:
        assert [client.get_rpc_headers() for _ in range(3)] == [MINE, None, None]
    assert client.get_rpc_headers() == NEXT
    assert client.get_rpc_headers() is None


def test_a_call_without_headers_gets_none() -> None:
    client = made()
    taken = OnceHeaders(client)
    client.set_rpc_headers(NEXT)
    with taken:
        assert client.get_rpc_headers() is None
    assert client.get_rpc_headers() == NEXT


def test_another_client_gets_its_own_headers() -> None:
    """It may be the client of a credentials provider, inside the call."""
    client, other = made(), made()
    client.set_rpc_headers(MINE)
    other.set_rpc_headers(NEXT)
    with OnceHeaders(client):
        assert other.get_rpc_headers() == NEXT
        assert client.get_rpc_headers() == MINE


def test_a_call_inside_a_call_of_the_same_client_has_headers_of_its_own() -> None:
    """A credentials provider may use the client that asks it."""
    client = made()
    client.set_rpc_headers(MINE)
    with OnceHeaders(client):
        client.set_rpc_headers(NEXT)
        with OnceHeaders(client):
            assert client.get_rpc_headers() == NEXT
        assert client.get_rpc_headers() == MINE


def test_the_headers_are_a_copy() -> None:
    """The caller may reuse its mapping."""
    headers = dict(MINE)
    client = made()
    client.set_rpc_headers(headers)
    taken = OnceHeaders(client)
    headers["x-mine"] = "later"
    assert taken.headers == MINE


@pytest.mark.parametrize(
    ("cls", "headers"),
    [
        (Theirs, {"x-call": "1"}),
        (Further, {"x-call": "1", "x-further": "1"}),
        (Mixed, {"x-mixin": "1"}),
        (Static, {"x-static": "1"}),
    ],
)
def test_a_method_of_a_subclass_is_called_once_for_a_call(cls: Any, headers: Any) -> None:
    """Each try gets its result: the method makes headers for requests."""
    client = made(cls)
    assert hands_out_its_own(client)
    assert hands_out_its_own(cls)
    taken = OnceHeaders(client)
    with taken:
        assert [client.get_rpc_headers() for _ in range(3)] == [headers] * 3
    assert getattr(client, "calls", 1) == 1
    assert client.get_rpc_headers() == {
        name: value.replace("1", "2") if name == "x-call" else value for name, value in headers.items()
    }


def test_the_stock_method_is_none_of_a_subclass() -> None:
    class Plain(HandsOutHeaders):
        pass

    assert not hands_out_its_own(made())
    assert not hands_out_its_own(Plain)


def test_a_method_that_is_set_on_a_client_replaces_the_stock_method_too() -> None:
    client = made()
    client.get_rpc_headers = dict
    assert hands_out_its_own(client)
    assert not hands_out_its_own(HandsOutHeaders)


def test_an_exception_of_the_method_is_raised_where_the_sdk_calls_it() -> None:
    """The stock transport then raises what it raises for it."""

    class Failing(HandsOutHeaders):
        def get_rpc_headers(self) -> Any:
            raise LookupError("mine")

    client = made(Failing)
    taken = OnceHeaders(client)
    assert isinstance(taken.error, LookupError)
    assert taken.headers is None
    with taken, pytest.raises(LookupError, match="mine"):
        client.get_rpc_headers()
