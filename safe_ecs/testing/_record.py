"""What FakeEcs was asked."""

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
        access_key_id: Whose key signed it; "" if none did.
        status: The HTTP status it was answered with; 0 if the connection was cut instead.
        code: The error code it was answered with; "" if it was none.
        caller: ``"account"``, ``"service N"``, or "" for a key that is not known or was not asked for.
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
        """Whether it asked for a change, whatever the answer was."""
        return not self.action.startswith(_READS)

    def __str__(self) -> str:
        """Say on one line what was asked by whom and what came of it, without secrets."""
        named = " ".join(
            f"{name}={value}"
            for name, value in self.parameters.items()
            if name in _SHOWN or "securitygroupid" in name.lower()
        )
        asked = " ".join(filter(None, (self.action or "no action", named)))
        result = " ".join(filter(None, (str(self.status or "cut"), self.code)))
        return f"{asked} by {self.caller or 'an unknown caller'}: {result}"
