"""What will really be sent: action, version, region and targets after the SDK's own merges.

``x-acs-action`` and ``x-acs-version`` are ordinary headers, and ``Action`` and ``Version`` ordinary parameters, so
any layer that the SDK merges can replace them: global parameters, the runtime's extra ones, the request's, and, for
headers, those of ``set_rpc_headers``.

Where it is not documented which of two places ECS believes (a header or a parameter, the query or the body, one
spelling of a name or another), every candidate counts: the call is guarded if one of them is a guarded operation,
and every group that one of them names is a target.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias
from urllib.parse import parse_qsl

from safe_ecs.core.operations import LEARNED_FROM, NOTICED_ACTIONS
from safe_ecs.core.spelling import folded, parts_of_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ECS_VERSION: Final = "2014-05-26"

ACTION_SPELLINGS: Final = frozenset(
    "".join(letters) for letters in product(*((letter.upper(), letter.lower()) for letter in "action"))
)
"""Every way to write the parameter name ``Action``: for a call outside the table, one set operation on its names
takes a tenth of the time that folding each of them takes."""

OWNER_PARAMETERS: Final = {
    name.lower(): name for name in ("OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId")
}
"""The parameters that say on whose behalf a call is made, by their lower-case spelling."""

"""As the SDK's HTTP libraries see it: what looks like a host behind it is not connected to."""

_FROM_TEMPLATES: Final = "RunInstances"
_TEMPLATE_PARAMETERS: Final = ("launchtemplateid", "launchtemplatename", "launchtemplateversion")

MAX_DEPTH: Final = 32
"""How deep parameters may be nested; ECS knows none deeper than 3."""

_MOST_MEMBERS: Final = 200_000
"""Of all containers of a call: lists that hold one another several times have more members than memory has room for."""

_LONGEST_PREFIX: Final = 512

PROTOCOLS: Final = frozenset({"HTTP", "HTTPS", "http", "https"})
"""What the SDK takes for the beginning of the URL without asking; another text there may be all of a URL."""

_TARGETS: Final = frozenset({"securitygroupid", "securitygroupids"})
_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_AFTER_AUTHORITY: Final = re.compile(r"[/?#\\]")

_HEADERS: Final = {"x-acs-action": "action", "x-acs-version": "version", "x-acs-region-id": "regionid"}
"""The headers that do a parameter's work."""

_SETTLED: Final = frozenset({bytes, bytearray, int, float, bool})
_UNSETTLED: Final = ", which may say something else when it is sent"

_Kind: TypeAlias = Literal["target", "region", "owner", "template", "action", "version"]
_KINDS: Final[dict[str, _Kind]] = {
    "regionid": "region",
    "action": "action",
    "version": "version",
    **dict.fromkeys(OWNER_PARAMETERS, "owner"),
    **dict.fromkeys(_TEMPLATE_PARAMETERS, "template"),
}


class Outgoing(NamedTuple):
    """A call with its layers merged. Holds the caller's objects and never changes them.

    Attributes:
        headers: The headers that are given beside the transport's own, later layers winning.
        once_headers: Those of ``set_rpc_headers``, which win, but reach the first try only.
        tried_again: Whether the client's retry options may make the SDK send the call once more.
        query: The query parameters.
        body: Form, JSON text or bytes; None for none.
        streamed: Whether the body is a stream, which cannot be read without taking it from the caller.
        pathname: The path of the URL, which may smuggle a query.
        host: The client's endpoint, which a header may replace.
        plugged_in: Whether a gateway plug-in puts host, action and version on the wire, whatever the headers say.
        action: The action the transport was called with.
        version: The API version it was called with.
        client_region_id: The client's ``region_id``.
        protocol: What the URL begins with.
    """

    headers: Mapping[Any, object]
    once_headers: Mapping[Any, object] | None
    tried_again: bool
    query: Mapping[Any, object]
    body: object
    streamed: bool
    pathname: object
    host: object
    plugged_in: bool
    action: object
    version: object
    client_region_id: object
    protocol: object = "HTTPS"


class LaunchTemplate(NamedTuple):
    """The version of a launch template that a call names.

    Attributes:
        template_id: Its id; "" if the call has its name instead.
        name: Its name; "" likewise.
        version: The number; "" for the default version.
    """

    template_id: str
    name: str
    version: str


class EffectiveRequest(NamedTuple):
    """A call as it will be sent.

    Attributes:
        action: The operation, spelt as ECS spells it: a guarded one, or one that is learned from.
        host: The host it goes to.
        targets: The ids of the groups it would change, in lower case, each once.
        region_ids: The regions the request names; usually one, empty when it names none.
        client_region_id: The region of the client; "" if it has none.
        owner: The parameters that say on whose behalf the call is made, by lower-case name.
        unreadable: Why targets may be missing from ``targets``; "" if none can be.
        templates: The launch templates it takes groups from; usually one, empty when it names groups itself.
        spelt: Those of ``targets`` that are not written in lower case, as they are written.
    """

    action: str
    host: str
    targets: tuple[str, ...]
    region_ids: tuple[str, ...]
    client_region_id: str
    owner: tuple[tuple[str, str], ...]
    unreadable: str
    templates: tuple[LaunchTemplate, ...] = ()
    spelt: tuple[str, ...] = ()

    @property
    def is_guarded(self) -> bool:
        """Whether it is a guarded operation, and not one that is only learned from."""
        return self.action not in LEARNED_FROM


def effective_request(outgoing: Outgoing) -> EffectiveRequest | None:
    """Return what will be sent, or None when it is no operation of ECS that is guarded or learned from."""
    seen = _Parameters()
    host = seen.add_call(outgoing)
    action = ""
    for candidate in seen.actions:
        if not action or action in LEARNED_FROM:
            action = NOTICED_ACTIONS.get(candidate.lower()) or NOTICED_ACTIONS.get(folded(candidate), action)
    if not action or not (ECS_VERSION in seen.versions or _is_version_of_ecs(seen.versions)):
        return None
    if not host and not outgoing.plugged_in:
        return None  # The SDK fails on it before it sends anything.
    region_id = outgoing.client_region_id
    return EffectiveRequest(
        action,
        host,
        tuple(seen.targets),
        tuple(seen.region_ids),
        "" if region_id is None else _text(region_id).lower(),
        tuple(sorted(seen.owner.items())) if seen.owner else (),
        seen.unreadable,
        seen.named_templates() if action == _FROM_TEMPLATES and not seen.names_own_group else (),
        tuple(seen.spelt),
    )


def _is_version_of_ecs(versions: list[str]) -> bool:
    """Return whether one of the versions, if there are any, may be taken for that of ECS."""
    digits = ["".join(filter(str.isdigit, folded(version))) for version in versions]
    return not digits or not {"", ECS_VERSION.replace("-", "")}.isdisjoint(digits)


def normal_id(security_group_id: str) -> str:
    """Return an id as the guard compares it: whether ECS minds case and blanks is not documented."""
    return security_group_id.strip().lower()


def normal_ids(security_group_ids: Iterable[object]) -> tuple[str, ...]:
    """Return ids as the guard compares them, each once.

    Raises:
        TypeError: One is no string, or all are one string.
    """
    if isinstance(security_group_ids, (str, bytes)):
        raise TypeError(f"security_group_ids must be several ids, not the string {security_group_ids!r}")
    normal: dict[str, None] = {}
    for security_group_id in security_group_ids:
        if not isinstance(security_group_id, str):
            raise TypeError(
                f"a security group id is a string, not {security_group_id!r}; unpack a list with *"
            )
        normal[normal_id(security_group_id)] = None
    return tuple(normal)


class _Parameters:
    """Collects what matters from one parameter after the other."""

    __slots__ = (
        "actions",
        "members",
        "names_own_group",
        "owner",
        "region_ids",
        "spelt",
        "targets",
        "templates",
        "unreadable",
        "versions",
    )

    def __init__(self) -> None:
        self.actions: list[str] = []
        self.versions: list[str] = []
        self.region_ids: dict[str, None] = {}
        self.targets: dict[str, None] = {}
        self.spelt: dict[str, None] = {}
        self.names_own_group = False
        self.owner: dict[str, str] = {}
        self.templates: dict[tuple[str, str], None] = {}
        self.members = 0
        self.unreadable = ""

    def add_call(self, outgoing: Outgoing) -> str:
        """Take everything a call carries and return the host it goes to."""
        host = "" if outgoing.host is None else _text(outgoing.host)
        try:
            if outgoing.headers or outgoing.once_headers:
                named_host = self._add_headers(outgoing)
                host = _text(named_host) if named_host else host
            else:
                self.actions.append(_text(outgoing.action))
                if outgoing.version is not None:
                    self.versions.append(_text(outgoing.version))
            self._add_parameters(outgoing, host)
        except Exception as error:  # noqa: BLE001 - an object of the caller's may raise anything
            self.actions.append(_text(outgoing.action))
            self.unreadable = f"reading its parameters raised {type(error).__name__}"
        return bare_host(host)

    def _add_parameters(self, outgoing: Outgoing, host: str) -> None:
        for name, value in outgoing.query.items():
            if type(name) is str and type(value) is str:
                kind = _kind(name)
                if kind is not None and (text := value.strip()):
                    self._take(kind, name, text)
            else:
                self.add(name, value)
        pathname, protocol = outgoing.pathname, outgoing.protocol
        has_plain_protocol = (type(protocol) is str and protocol in PROTOCOLS) or (
            _text(protocol).lower() in PROTOCOLS
        )
        if not has_plain_protocol or type(pathname) is not str or pathname != "/" or "?" in host:
            _, _, smuggled = f"{_text(protocol)}://{host}{_text(pathname)}".partition("?")
            self._add_form(smuggled)
        if outgoing.body is not None:
            self._add_body(outgoing.body)
        if outgoing.streamed:
            self.unreadable = "its body is a stream, which cannot be read without taking it from the call"
        if not has_plain_protocol and protocol is not None:
            self.unreadable = (
                "its protocol is neither HTTP nor HTTPS, and may lead elsewhere than its endpoint"
            )
        if "\\" in host:
            self.unreadable = (
                "its endpoint holds a backslash, which some take for the end of a host and some do not"
            )

    def _add_headers(self, outgoing: Outgoing) -> object:
        """Take action, version and region from the headers and return the host, if they replace it."""
        headers = {"x-acs-action": outgoing.action, "x-acs-version": outgoing.version, **outgoing.headers}
        every = [headers]
        if outgoing.once_headers:
            with_once_headers = {**headers, **outgoing.once_headers}
            every = [headers, with_once_headers] if outgoing.tried_again else [with_once_headers]
            headers = with_once_headers
        host = headers.get("host")
        for layer in every:
            for name, value in layer.items():
                lowered = _text(name).lower()
                if lowered in _HEADERS:
                    self.add(_HEADERS[lowered], value)
                elif lowered == "host" and name != "host" and _text(value) != _text(host or outgoing.host):
                    self.unreadable = f"its header {name} names another host than its address"
        if outgoing.plugged_in:
            self.add("action", outgoing.action)
            self.add("version", outgoing.version)
            return None
        return host

    def add(self, name: object, value: object, depth: int = 0) -> None:
        """Take one parameter, flat as the SDK makes them or nested as a caller may leave them."""
        if value is None:
            return
        if type(name) is not str:
            if not _is_settled(name):
                self.unreadable = f"the name of a parameter is of the type {type(name).__name__}{_UNSETTLED}"
            for text in _texts(name):
                self.add(text, value, depth)
        elif type(value) is not str and (members := _members(value)) is not None:
            self._add_members(name[-_LONGEST_PREFIX:], members, depth)
        elif (kind := _kind(name)) is not None:
            try:
                texts = _texts(value)
            except Exception as error:  # noqa: BLE001 - an object of the caller's may raise anything
                self.unreadable = f"reading the value of {name} raised {type(error).__name__}"
                return
            if not _is_settled(value):
                self.unreadable = f"the value of {name} is of the type {type(value).__name__}{_UNSETTLED}"
            for text in filter(None, texts):
                self._take(kind, name, text)

    def _add_members(self, name: str, members: Iterable[tuple[object, object]], depth: int) -> None:
        if depth > MAX_DEPTH:
            self.unreadable = f"its parameters are nested more than {MAX_DEPTH} deep"
            return
        for key, member in members:
            self.members += 1
            if self.members > _MOST_MEMBERS:
                self.unreadable = f"it holds more than {_MOST_MEMBERS:,} parameters"
                return
            for text in _texts(key):
                self.add(f"{name}.{text}", member, depth + 1)

    def _take(self, kind: _Kind, name: str, text: str) -> None:
        if kind == "target":
            if text[0] in '["':
                self._add_json_targets(text, name)
            else:
                self._add_target(text, name)
        elif kind == "region":
            self.region_ids[text.lower()] = None
        elif kind == "action":
            self.actions.append(text)
        elif kind == "version":
            self.versions.append(text)
        elif kind == "template":
            self.templates[parts_of_name(name)[0], text] = None
        elif self.owner.setdefault(parts_of_name(name)[0], text) != text:
            self.unreadable = f"it names more than one {name}"

    def _add_target(self, text: str, name: str) -> None:
        lowered = text.lower()
        self.targets[lowered] = None
        if lowered != text:
            self.spelt[text] = None
        if not self.names_own_group:
            self.names_own_group = _is_of_the_instance(name)

    def named_templates(self) -> tuple[LaunchTemplate, ...]:
        """Return every launch template that the parameters may mean."""
        named: dict[str, list[str]] = {name: [] for name in _TEMPLATE_PARAMETERS}
        for name, text in self.templates:
            named[name].append(text)
        ids, names, versions = named.values()
        return tuple(
            LaunchTemplate(template_id, name, version)
            for template_id, name in (*((i, "") for i in ids), *(("", n) for n in names))
            for version in versions or [""]
        )

    def _add_body(self, body: object) -> None:
        if isinstance(body, dict):
            for key, member in body.items():
                self.add(key, member)
        elif isinstance(body, str):
            self._add_encoded(body)
        elif isinstance(body, (bytes, bytearray)):
            self._add_encoded(body.decode("utf-8", "replace"))
        else:
            self.unreadable = f"its body is of the type {type(body).__name__}"

    def _add_encoded(self, body: str) -> None:
        """Read an encoded body as JSON or as a form: its content type is a header like any other."""
        if body.lstrip()[:1] in {"{", "["}:
            try:
                self.add("", json.loads(body, object_pairs_hook=_Pairs))
            except (ValueError, RecursionError):
                self.unreadable = "its body begins like JSON and is none"
        elif body and not (body.isascii() and body.isprintable() and "=" in body):
            # Another character set, a compressed or a multipart body: the server may know how to read it.
            self.unreadable = "its body is neither a form nor JSON"
        else:
            self._add_form(body)

    def _add_form(self, text: str) -> None:
        # Older servers take a semicolon for an ampersand.
        for name, value in parse_qsl(text.replace(";", "&")):
            self.add(name, value)

    def _add_json_targets(self, text: str, name: str) -> None:
        try:
            loaded = json.loads(text)
        except (ValueError, RecursionError):
            self.unreadable = f"the value of {name} is no JSON array of group ids"
            return
        for member in loaded if isinstance(loaded, list) else [loaded]:
            if not isinstance(member, str):
                self.unreadable = f"the value of {name} is no JSON array of group ids"
            elif text := member.strip():
                self._add_target(text, name)


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
    return None


def _texts(value: object) -> tuple[str, ...]:
    """Return what a value may become on the wire, without surrounding blanks.

    That is one text for all but the members of a string enumeration: some ways lead through ``str()`` and give
    the member's name, others take the string it is, which comes first here.
    """
    if type(value) is str:
        return (value.strip(),)
    if isinstance(value, str):
        return tuple(dict.fromkeys((str.__str__(value).strip(), str(value).strip())))
    if isinstance(value, (bytes, bytearray)):
        return (value.decode("utf-8", "replace").strip(),)
    return (str(value).strip(),)


def _text(value: object) -> str:
    """Return the first of those texts; "" for what cannot be sent, since it is no text at all."""
    if type(value) is str:
        return value.strip()
    try:
        return _texts(value)[0]
    except Exception:  # noqa: BLE001 - an object of the caller's may raise anything
        return ""


def _is_settled(value: object) -> bool:
    """Return whether a value says the same each time that it is read."""
    if isinstance(value, str) and type(value).__str__ is str.__str__:
        return True
    return type(value) in _SETTLED or isinstance(value, Enum)


@lru_cache(maxsize=256)
def bare_host(host: str) -> str:
    """Return host and port alone: a URL's scheme and path say nothing of whose ECS it is, its user is a secret."""
    scheme = _SCHEME.match(host)
    authority = _AFTER_AUTHORITY.split(host[scheme.end() :] if scheme else host, maxsplit=1)[0]
    return authority.rpartition("@")[2].lower()


@lru_cache(maxsize=4096)
def _kind(name: str) -> _Kind | None:
    """Say what a parameter's name makes of it."""
    parts = parts_of_name(name)
    if not _TARGETS.isdisjoint(parts):
        return "target"
    return _KINDS.get(parts[0]) if len(parts) == 1 else None


@lru_cache(maxsize=4096)
def _is_of_the_instance(name: str) -> bool:
    """Return whether a group is named for the instance itself, and not for one of its interfaces."""
    return len(parts_of_name(name)) == 1
