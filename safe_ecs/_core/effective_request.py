"""Reads a merged call: the action, version, host, regions and targets that the SDK will send.

``x-acs-action`` and ``x-acs-version`` are ordinary headers, and ``Action`` and ``Version`` are ordinary
parameters. So every layer that the SDK merges can replace them: the global parameters, the extra parameters
of the runtime, the request, and, for headers, ``set_rpc_headers``.

ECS does not document the order of precedence between a header and a parameter, or between query and body. So
every candidate counts: one guarded operation among the candidates makes the call guarded, and every group
named by a candidate is a target.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from safe_ecs._core.endpoints import bare_host
from safe_ecs._core.operations import GUARDED, RELEVANT_ACTIONS
from safe_ecs._core.parameters import Parameters, kind_of
from safe_ecs._core.plain import NOT_PLAIN, fold, hidden_action, is_plain_address
from safe_ecs._core.request import ECS_VERSION, EffectiveRequest
from safe_ecs._core.values import Pairs, text_of

if TYPE_CHECKING:
    from safe_ecs._core.request import MergedCall

_DIGITS_OF_ECS: Final = ECS_VERSION.replace("-", "")
_PROTOCOLS: Final = frozenset({"http", "https"})
_FROM_TEMPLATES: Final = "RunInstances"
_HEADERS: Final = {"x-acs-action": "action", "x-acs-version": "version", "x-acs-region-id": "regionid"}
"""The headers that stand for a parameter, each with the name of the parameter in lower case."""


def effective_request(merged: MergedCall) -> EffectiveRequest | None:
    """Return the request that the SDK will send.

    None means that the guard lets the call pass unread: the action is not in ``RELEVANT_ACTIONS``, the
    version is not that of ECS, or the SDK has no host to send to.
    """
    seen = Parameters()
    host = _read(merged, seen)
    # Equivalent mutant `None`: it is only asked whether it is true.
    action = ""
    # The first guarded candidate is the action. Without a guarded one, the last action to learn from is.
    for candidate in seen.actions:
        named = RELEVANT_ACTIONS.get(candidate.lower())
        if named is None and (named := hidden_action(candidate)):
            seen.unreadable = f"its action {NOT_PLAIN}"
        if named and action not in GUARDED:
            action = named
    if not action or not (ECS_VERSION in seen.versions or _is_version_of_ecs(seen.versions)):
        return None
    if not host and not merged.plugged_in:
        return None  # The SDK fails on a call without a host before it sends anything.
    region_id = merged.client_region_id
    # A group that RunInstances names for the instance itself replaces the groups of its launch template.
    return EffectiveRequest(
        action,
        host,
        tuple(seen.targets),
        tuple(seen.region_ids),
        "" if region_id is None else text_of(region_id).lower(),
        # Equivalent mutant `or True`: a short cut, as the owners of none are none.
        tuple(sorted(seen.owner.items())) if seen.owner else (),
        seen.unreadable,
        seen.named_templates() if action == _FROM_TEMPLATES and not seen.names_own_group else (),
        # A look-up over a web socket is none: then the look-up has the protocol of a client without one.
        protocol if (protocol := text_of(merged.protocol)).lower() in _PROTOCOLS else "HTTPS",
        seen.service_managed,
    )


def _is_version_of_ecs(versions: list[str]) -> bool:
    """Return whether ECS may read one of the versions as its own.

    No version at all may mean that of ECS, and so may a version without digits.
    """
    digits = [re.sub(r"\D", "", fold(version)) for version in versions]
    return not digits or not {"", _DIGITS_OF_ECS}.isdisjoint(digits)


def _read(merged: MergedCall, seen: Parameters) -> str:
    """Read all layers of a call into ``seen``, and return the host that the call goes to."""
    host = "" if merged.host is None else text_of(merged.host)
    try:
        if merged.headers or merged.once_headers:
            named_host = _read_headers(merged, seen)
            host = text_of(named_host) if named_host else host
        else:
            # No layer has headers: the transport's own action and version are the only header candidates.
            seen.actions.append(text_of(merged.action))
            if merged.version is not None:
                seen.versions.append(text_of(merged.version))
        _read_parameters(merged, seen, host)
    except Exception as error:  # noqa: BLE001 - an object of the caller's may raise anything
        # The transport's action counts in any case: an unreadable call of a guarded operation is refused.
        seen.actions.append(text_of(merged.action))
        seen.unreadable = f"reading its parameters raised {type(error).__name__}"
    return bare_host(host)


def _read_headers(merged: MergedCall, seen: Parameters) -> object:
    """Add action, version and region of the headers to ``seen``, and return the host in the headers."""
    headers = {"x-acs-action": merged.action, "x-acs-version": merged.version, **merged.headers}
    every = [headers]
    # The SDK sends the headers of set_rpc_headers with the first try only. A further try goes out without
    # them, so that both sets of headers count.
    if merged.once_headers:
        with_once_headers = {**headers, **merged.once_headers}
        every = [headers, with_once_headers] if merged.tried_again else [with_once_headers]
        headers = with_once_headers
    host = headers.get("host")
    address = text_of(host or merged.host)
    for layer in every:
        if text_of(layer.get("host") or merged.host) != address:
            seen.unreadable = "its header host is for one try, and a further one would go elsewhere"
        for name, value in layer.items():
            lowered = text_of(name).lower()
            if lowered in _HEADERS:
                seen.add(_HEADERS[lowered], value)
            # The SDK connects to the header "host". A header "Host" may name another host to the server.
            elif lowered == "host" and name != "host" and text_of(value) != address:
                seen.unreadable = f"its header {name} names another host than its address"
    # A gateway plug-in sets action, version and host after all headers. The headers stay candidates.
    if merged.plugged_in:
        seen.add("action", merged.action)
        seen.add("version", merged.version)
        return None
    return host


def _read_parameters(merged: MergedCall, seen: Parameters, host: str) -> None:
    for name, value in merged.query.items():
        # Plain text under a plain name is nearly every parameter. ``add`` would do the same, more slowly.
        # Equivalent mutants `type(None) is str and`, `and type(None)`: a short cut, as Parameters.add() does the same.
        if type(name) is str and type(value) is str:
            kind = kind_of(name)
            if kind is not None and (text := value.strip()):
                seen.take(kind, name, text)
        else:
            seen.add(name, value)
    protocol, path = text_of(merged.protocol or "http"), text_of(merged.pathname)
    if type(merged.pathname) is not str or not is_plain_address(protocol, host, path):
        # The SDK joins the three to a URL. A query in one of them may name the action, the version or a target.
        address = f"{protocol}://{host}{path}"
        seen.unreadable = f"its address {NOT_PLAIN}"
        seen.actions.append(address)
        if _DIGITS_OF_ECS in fold(address):
            seen.versions.append(ECS_VERSION)
    if merged.body is not None:
        _read_body(merged.body, seen)
    if merged.streamed:
        seen.unreadable = "its body is a stream, which cannot be read without taking it from the call"


def _read_body(body: object, seen: Parameters) -> None:
    if isinstance(body, dict):
        for key, member in body.items():
            seen.add(key, member)
    elif isinstance(body, str):
        _read_encoded(body, seen)
    elif isinstance(body, (bytes, bytearray)):
        _read_encoded(body.decode("utf-8", "replace"), seen)
    else:
        seen.unreadable = f"its body is of the type {type(body).__name__}"


def _read_encoded(body: str, seen: Parameters) -> None:
    """Read an encoded body as JSON or as a form.

    The content type does not decide, because any layer can replace that header.
    """
    if body.lstrip()[:1] in {"{", "["}:
        try:
            seen.add("", json.loads(body, object_pairs_hook=Pairs))
        except (ValueError, RecursionError):
            seen.unreadable = "its body begins like JSON and is none"
    elif body and not (body.isascii() and body.isprintable() and "=" in body):
        # The server may read other character sets, compressed and multipart bodies; the guard cannot.
        seen.unreadable = "its body is neither a form nor JSON"
    else:
        # Older servers split a form at semicolons as well as at ampersands.
        for name, value in parse_qsl(body.replace(";", "&")):
            seen.add(name, value)
