"""A call on its way to ECS: as the SDK has put it together, and what the guard makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from safe_ecs._core.operations import GUARDED

if TYPE_CHECKING:
    from collections.abc import Mapping

ECS_VERSION: Final = "2014-05-26"


class MergedCall(NamedTuple):
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
    protocol: object


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
        return self.action in GUARDED
