"""A request in the record of FakeEcs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_READS = ("Describe", "List")
_SHOWN = ("RegionId", "InstanceId", "NetworkInterfaceId")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRequest:
    """One request as it arrived.

    Attributes:
        action: The operation; "" if the request named none.
        version: The API version.
        parameters: Query and form parameters as they came.
        headers: The headers, by lower-case name.
        method: The HTTP method.
        path: The path of the URL.
        access_key_id: The access key id that the request named; "" if it named none.
        status: The HTTP status of the answer; 0 if the connection was cut without one.
        code: The error code of the answer; "" for a success and for a canned answer.
        caller: ``"account"``, ``"service N"``, or "" for a key that FakeEcs does not know.
    """

    action: str
    version: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    method: str
    path: str
    access_key_id: str
    status: int
    code: str = ""
    caller: str = ""

    @property
    def is_write(self) -> bool:
        """Whether the request asked for a change, refused or not: all but Describe and List operations do."""
        return not self.action.startswith(_READS)

    def __str__(self) -> str:
        """Return one line with the operation, its targets, the caller and the result; without secrets."""
        named = " ".join(
            f"{name}={value}"
            for name, value in self.parameters.items()
            if name in _SHOWN or "securitygroupid" in name.lower()
        )
        asked = " ".join(filter(None, (self.action or "no action", named)))
        result = " ".join(filter(None, (str(self.status or "cut"), self.code)))
        return f"{asked} by {self.caller or 'an unknown caller'}: {result}"
