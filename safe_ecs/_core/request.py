"""A call on its way to ECS: MergedCall, as the SDK merged it, and EffectiveRequest, as the guard reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from safe_ecs._core.operations import GUARDED

if TYPE_CHECKING:
    from collections.abc import Mapping

# Other products of Alibaba Cloud have operations of the same names, under other versions.
ECS_VERSION: Final = "2014-05-26"


class MergedCall(NamedTuple):
    """A call with its layers merged. Holds the caller's objects and never changes them.

    Attributes:
        headers: The headers of all layers but the transport's own. Later layers win.
        once_headers: The headers of ``set_rpc_headers``. They win, but reach the first try only.
        tried_again: Whether the client's retry options may make the SDK send the call once more.
        query: The query parameters.
        body: Form, JSON text or bytes; None for none.
        streamed: Whether the body is a stream. Reading a stream would take it from the caller.
        pathname: The path of the URL. A path can contain a query.
        host: The client's endpoint. A header can replace the endpoint.
        plugged_in: Whether a gateway plug-in sets host, action and version on the wire, over any header.
        action: The action that the transport was called with.
        version: The API version that the transport was called with.
        client_region_id: The client's ``region_id``.
        protocol: The beginning of the URL.
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
        template_id: The id; "" if the call names the template by its name.
        name: The name; "" if the call names the template by its id.
        version: The number; "" for the default version.
    """

    template_id: str
    name: str
    version: str


class EffectiveRequest(NamedTuple):
    """A call as the SDK will send it, reduced to the facts that the guard needs.

    Attributes:
        action: The operation, spelt as ECS spells it: guarded, or learned from.
        host: The host that the call goes to.
        targets: The ids of the groups that the call would change, in lower case and as the caller spelt them, each
            spelling once.
        region_ids: The regions that the request names; usually one, empty if the request names none.
        client_region_id: The region of the client; "" if the client has none.
        owner: The owner parameters, by lower-case name.
        unreadable: The reason why targets may be missing from ``targets``; "" if none can be.
        templates: The launch templates that the call takes groups from; empty if the call names groups
            itself.
        protocol: The protocol, ``HTTPS`` unless the call has another one.
        service_managed: Whether a parameter ServiceManaged says anything but "false".
    """

    action: str
    host: str
    targets: tuple[str, ...]
    region_ids: tuple[str, ...]
    client_region_id: str
    owner: tuple[tuple[str, str], ...]
    unreadable: str
    templates: tuple[LaunchTemplate, ...] = ()
    protocol: str = "HTTPS"
    service_managed: bool = False

    @property
    def is_guarded(self) -> bool:
        """Whether the operation is guarded, and not only learned from."""
        return self.action in GUARDED
