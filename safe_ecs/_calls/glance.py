"""The glance: recognises, in about a microsecond, the calls that need no review.

Nearly every call is plain: no layer but its query, no header, and parameters that are texts. The glance may say only that
nothing about such a call is odd. It says nothing of every other call, and the guard reads that call.
"""
# ruff: noqa: ANN401, SLF001 - a caller may hand anything to the SDK; its client has no getters for its settings

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from safe_ecs._calls.copies import is_steady
from safe_ecs._calls.once_headers import HandsOutHeaders
from safe_ecs._core.operations import GUARDED, LEARNING_ACTIONS, RELEVANT_ACTIONS
from safe_ecs._core.parameters import kind_of
from safe_ecs._core.plain import is_plain_address, is_plain_name
from safe_ecs._core.request import ECS_VERSION

NOT_GUARDED: Final = False
Seen: TypeAlias = "tuple[str, str, list[str]] | Literal[False] | None"

# Exact types: a subclass of str may be another text on the wire.
_SCALARS: Final[set[type]] = {str, int, bool, float}


class _Layout(NamedTuple):
    """The parameters of a guarded call that matter.

    Attributes:
        region: The name of the region's parameter, "" if there is none.
        targets: The names of the targets' parameters.
    """

    region: str
    targets: tuple[str, ...]


def glance(client: Any, params: Any, request: Any, runtime: Any) -> Seen:
    """Return what a glance tells of a call of ``do_request``.

    Returns:
        ``NOT_GUARDED`` for a call that is certainly not guarded. Host, region and groups of a guarded call in which the
        guard need not look at anything else. None for any other call.
    """
    # Before anything is read: then no code of the caller's runs here.
    if not is_steady(type(client), type(params), type(request), type(runtime)):
        return None
    try:
        query, action, version = request.query, params.action, params.version
        protocol, endpoint, pathname = client._protocol or params.protocol, client._endpoint, params.pathname
        if not (
            type(query) is dict
            and type(action) is type(version) is type(protocol) is type(endpoint) is type(pathname) is str
            and client._headers is client._global_parameters is runtime.extends_parameters is None
            and request.headers is request.body is None
            # Neither a subclass nor the instance has a method of its own.
            and client.get_rpc_headers.__func__ is HandsOutHeaders.get_rpc_headers
        ):
            return None
        for name in query:
            if type(name) is not str:
                return None
        # One look into one map tells everything that follows from the texts and names.
        layout = _layout_of(action, version, (protocol, endpoint, pathname), *query)
        return _targets_of(layout, client, request) if layout else layout
    except AttributeError:  # A request of a class of somebody's may lack an attribute.
        return None


def _targets_of(layout: _Layout, client: Any, request: Any) -> Seen:
    """Return host, region and groups of a guarded call with this layout, None if there is anything else to it."""
    query = request.query
    region_id = query[layout.region] if layout.region else client._region_id
    if (
        request.stream is client._retry_options is None
        and type(region_id) is str
        and {*map(type, query.values())} <= _SCALARS
    ):
        return client._endpoint, region_id, [query[name] for name in layout.targets]
    return None


@lru_cache(maxsize=4096)
def _layout_of(
    action: str, version: str, address: tuple[str, str, str], *names: str
) -> _Layout | Literal[False] | None:
    """Return the layout of a guarded call, ``NOT_GUARDED``, or None for a call that the guard has to read.

    The address is protocol, endpoint and path.
    """
    if not is_plain_address(*address):
        return None
    kinds = {name: kind for name in names if (kind := kind_of(name))}
    if "action" in kinds.values():
        return None
    if action.isascii() and action.isalnum() and action.lower() not in RELEVANT_ACTIONS:
        return NOT_GUARDED
    regions = [name for name, kind in kinds.items() if kind == "region"]
    targets = tuple(name for name, kind in kinds.items() if kind == "target")
    if (
        action not in GUARDED - LEARNING_ACTIONS
        or version != ECS_VERSION
        or len(regions) > 1
        or not targets
        or len(kinds) > len(regions) + len(targets)
        or not all(map(is_plain_name, kinds))
    ):
        return None
    return _Layout(next(iter(regions), ""), targets)
