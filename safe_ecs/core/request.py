"""What will really be sent: action, version, region and targets after the SDK's own merges.

The SDK merges headers and parameters from several layers, the later one winning: the base values of the
transport, ``Config(global_parameters=)``, ``RuntimeOptions(extends_parameters=)``, the request, and, for
headers, those of ``set_rpc_headers``. ``x-acs-action`` and ``x-acs-version`` are ordinary headers, and
``Action`` and ``Version`` ordinary parameters, so any layer can replace them.

Where it is not documented which of two places ECS believes (a header or a parameter, the query or the
body, one spelling of a name or another), every candidate counts: the call is guarded if one of them is a
guarded operation, and every group that one of them names is a target.
"""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable
from urllib.parse import parse_qsl

from safe_ecs.core.operations import GUARDED_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

ECS_VERSION: Final = "2014-05-26"

_GUARDED: Final = dict(GUARDED_ACTIONS)

ACTION_SPELLINGS: Final = frozenset(
    "".join(letters) for letters in product(*((letter.upper(), letter.lower()) for letter in "action"))
)
"""Every way to write the parameter name ``Action``, for a look-up that costs a hash and no more."""

_OWNER_PARAMETERS: Final = frozenset({"owneraccount", "ownerid", "resourceowneraccount", "resourceownerid"})
_MAX_DEPTH: Final = 32

_Kind: TypeAlias = Literal["target", "region", "owner", "action", "version"]


@runtime_checkable
class _Model(Protocol):
    """A request model of the SDK, which knows its own wire names."""

    def to_map(self) -> dict[object, object]: ...


class Outgoing(NamedTuple):
    """A call as it stands before the SDK merges it. Holds the caller's objects and never changes them.

    Attributes:
        action: The action the transport was called with.
        version: The API version it was called with.
        header_layers: Later layers win. Anything but a mapping or a model is passed over, as in the SDK.
        query_layers: As ``header_layers``.
        body: Form, JSON text or bytes; None for none.
        streamed: Whether the body is a stream, which cannot be read without taking it from the caller.
        pathname: The path of the URL, which may smuggle a query.
        host: The client's endpoint.
        client_region_id: The client's ``region_id``.
        tried_again: Whether the client's retry options may make the SDK send the call once more.
        once_headers: Those of ``set_rpc_headers``, which reach the first try only.
        plugged_in: Whether a gateway plug-in puts the action on the wire, whatever the headers say.
    """

    action: object
    version: object
    header_layers: tuple[object, ...]
    query_layers: tuple[object, ...]
    body: object
    streamed: bool
    pathname: object
    host: object
    client_region_id: object
    tried_again: bool
    once_headers: object = None
    plugged_in: bool = False


class EffectiveRequest(NamedTuple):
    """A guarded call as it will be sent.

    Attributes:
        action: The guarded operation, spelt as in the table.
        host: The host it goes to.
        targets: The ids of the groups it would change, in lower case, each once.
        region_ids: The regions the request names; usually one, empty when it names none.
        client_region_id: The region of the client, which counts when the request names none; or "".
        owner: The parameters that say on whose behalf the call is made, by lower-case name.
        unreadable: Why targets may be missing from ``targets``; "" if none can be.
    """

    action: str
    host: str
    targets: tuple[str, ...]
    region_ids: tuple[str, ...]
    client_region_id: str
    owner: tuple[tuple[str, str], ...]
    unreadable: str


def effective_request(outgoing: Outgoing) -> EffectiveRequest | None:
    """Return what will be sent, or None when it is no guarded operation of ECS."""
    seen = _Parameters()
    try:
        host = seen.add_call(outgoing)
    except Exception as error:  # noqa: BLE001 - objects of the caller's may raise anything when they are read
        host = str(outgoing.host)
        seen.unreadable = f"reading it raised {type(error).__name__}"
        action = _text(outgoing.action)
    else:
        action = ""
        for candidate in seen.named["action"]:
            action = _GUARDED.get(candidate.lower()) or action
        versions = seen.named["version"]
        if not action or (versions and ECS_VERSION not in versions):
            return None
    region_id = outgoing.client_region_id
    return EffectiveRequest(
        action,
        host,
        tuple(seen.targets),
        tuple(dict.fromkeys(seen.named["region"])),
        "" if region_id is None else _text(region_id),
        tuple(sorted(seen.owner.items())) if seen.owner else (),
        seen.unreadable,
    )


class _Parameters:
    """Collects what matters from one parameter after the other."""

    __slots__ = ("named", "owner", "targets", "unreadable")

    def __init__(self) -> None:
        self.named: dict[str, list[str]] = {"action": [], "version": [], "region": []}
        self.targets: dict[str, None] = {}
        self.owner: dict[str, str] = {}
        self.unreadable = ""

    def add_call(self, outgoing: Outgoing) -> str:
        """Take everything a call carries and return the host it goes to."""
        host = outgoing.host
        if outgoing.once_headers or any(outgoing.header_layers):
            host = self._add_layered_headers(outgoing) or host
        else:
            self.add("Action", outgoing.action)
            self.add("Version", outgoing.version)
        if outgoing.plugged_in:
            self.add("Action", outgoing.action)
        for name, value in _merged(outgoing.query_layers).items():
            self.add(name, value)
        host, _, smuggled = _text(host).partition("?")
        if not smuggled and outgoing.pathname != "/":
            _, _, smuggled = _text(outgoing.pathname).partition("?")
        if smuggled:
            self._add_form(smuggled)
        if outgoing.body is not None:
            self._add_body(outgoing.body)
        if outgoing.streamed:
            self.unreadable = "its body is a stream, which cannot be read without taking it from the call"
        return host.rstrip("/")

    def _add_layered_headers(self, outgoing: Outgoing) -> object:
        """Take action and version from the merged headers and return the host, if they name one."""
        base = {"x-acs-action": outgoing.action, "x-acs-version": outgoing.version}
        headers = _merged((base, *outgoing.header_layers))
        if outgoing.once_headers:
            if outgoing.tried_again:
                self._add_headers(headers)
            headers = _merged((headers, outgoing.once_headers))
        self._add_headers(headers)
        return headers.get("host")

    def _add_headers(self, headers: dict[object, object]) -> None:
        for name, value in headers.items():
            lowered = _text(name).lower()
            if lowered in ("x-acs-action", "x-acs-version"):
                self.add(lowered.removeprefix("x-acs-"), value)

    def add(self, name: object, value: object, depth: int = 0) -> None:
        """Take one parameter, flat as the SDK makes them or nested as a caller may leave them."""
        if type(value) is not str:
            if value is None:
                return
            if (members := _members(value)) is not None:
                if depth > _MAX_DEPTH:
                    self.unreadable = f"its parameters are nested more than {_MAX_DEPTH} deep"
                    return
                for key, member in members:
                    self.add(f"{name}.{key}", member, depth + 1)
                return
        kind = _kind(name if type(name) is str else _text(name))
        if kind is None:
            return
        text = value.strip() if type(value) is str else _text(value)
        if not text:
            return
        if kind == "target":
            self._add_targets(text, name)
        elif kind == "owner":
            self.owner[_text(name).lower()] = text
        else:
            self.named[kind].append(text)

    def _add_body(self, body: object) -> None:
        if (members := _members(body)) is not None:
            for key, member in members:
                self.add(key, member)
        elif isinstance(body, (str, bytes, bytearray)):
            self._add_encoded(bytes(body) if not isinstance(body, str) else body.encode())
        else:
            self.unreadable = f"its body is of the type {type(body).__name__}"

    def _add_encoded(self, body: bytes) -> None:
        """Read an encoded body as JSON and as a form: its content type is a header like any other."""
        text = body.decode("utf-8", "replace")
        self._add_form(text)
        if text.lstrip()[:1] in ("{", "["):
            try:
                self.add("", json.loads(text, object_pairs_hook=_Pairs))
            except (ValueError, RecursionError):
                self.unreadable = "its body is neither a form nor JSON"

    def _add_form(self, text: str) -> None:
        for name, value in parse_qsl(text, keep_blank_values=True):
            self.add(name, value)

    def _add_targets(self, text: str, name: object) -> None:
        if text[0] not in '["':
            self.targets[text.lower()] = None
            return
        try:
            loaded = json.loads(text)
        except (ValueError, RecursionError):
            self.unreadable = f"the value of {name} is no JSON array of group ids"
            return
        for member in loaded if isinstance(loaded, list) else [loaded]:
            if not isinstance(member, str):
                self.unreadable = f"the value of {name} is no JSON array of group ids"
            elif stripped := member.strip():
                self.targets[stripped.lower()] = None


class _Pairs(list[tuple[str, object]]):
    """The members of a JSON object, keeping what a dict would lose: names that stand there twice."""


def _members(value: object) -> Iterable[tuple[object, object]] | None:
    """Return the named members of a container, numbered from 1 if it is a sequence; None for a scalar."""
    if isinstance(value, _Pairs):
        return value
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, (list, tuple, set, frozenset)):
        return enumerate(value, 1)
    if isinstance(value, _Model) and not isinstance(value, type):
        return _mapping(value).items()
    return None


def _mapping(layer: object) -> dict[object, object]:
    if isinstance(layer, dict):
        return layer
    if isinstance(layer, _Model) and not isinstance(layer, type):
        return dict(layer.to_map() or {})
    return {}


def _merged(layers: tuple[object, ...]) -> dict[object, object]:
    """Return what the layers make together, later ones winning; it may be a layer itself: read only."""
    if len(layers) == 1:
        return _mapping(layers[0])
    merged: dict[object, object] = {}
    for layer in layers:
        merged.update(_mapping(layer))
    return merged


def _text(value: object) -> str:
    """Return a value as text, as the SDK puts it on the wire, without surrounding blanks."""
    if type(value) is str:
        return value.strip()
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "replace").strip()
    return str(value).strip()


@lru_cache(maxsize=4096)
def _kind(name: str) -> _Kind | None:
    """Say what a parameter's name makes of it; the numbers of repeated parameters do not count."""
    parts = name.strip().lower().strip(".").split(".")
    while len(parts) > 1 and parts[-1].isdecimal():
        parts.pop()
    last = parts[-1]
    if last in ("securitygroupid", "securitygroupids"):
        return "target"
    if len(parts) > 1:
        return None
    if last == "regionid":
        return "region"
    if last in _OWNER_PARAMETERS:
        return "owner"
    if last == "action":
        return "action"
    return "version" if last == "version" else None
