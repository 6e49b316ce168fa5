"""Reads the parameters of an RPC request as leniently as a server might.

FakeEcs is the guard's opponent: where it is not known how strict ECS is (case and blanks in names and ids, a
JSON array instead of a numbered list), it takes what a lenient server would take.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from safe_ecs.testing.errors import EcsError, missing_parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TARGET: Final = re.compile(r"(?:.*\.)?securitygroupids?(?:\.\d+)*")
_MAX_IDS: Final = 100


class Parameters:
    """The parameters of one request.

    Args:
        pairs: Name and value in the order of arrival: query first, then form.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name.strip().lower(), value.strip()) for name, value in pairs]

    def get(self, name: str) -> str:
        """Return the first value of a parameter, "" if it is not there."""
        wanted = name.lower()
        return next((value for key, value in self._pairs if key == wanted and value), "")

    def require(self, name: str) -> str:
        """Return a parameter that must be there.

        Raises:
            EcsError: It is not.
        """
        value = self.get(name)
        if not value:
            raise missing_parameter(name)
        return value

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number from 1 to ``most``.

        Raises:
            EcsError: It is none, or out of range.
        """
        text = self.get(name) or str(default)
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise EcsError(400, f"InvalidParameter.{name}", f"The specified parameter {name} is not valid.")
        return int(text)

    def structures(self, name: str, fields: Mapping[str, str]) -> list[dict[str, str]]:
        """Return ``Name.1.Field`` parameters as one dict for each number, with the spelling of ``fields``."""
        pattern = re.compile(rf"{name.lower()}\.(\d+)\.(\w+)")
        found: dict[int, dict[str, str]] = {}
        for key, value in self._pairs:
            match = pattern.fullmatch(key)
            if match and match[2] in fields:
                found.setdefault(int(match[1]), {})[fields[match[2]]] = value
        return [found[number] for number in sorted(found)]

    def target_groups(self) -> list[str]:
        """Return the ids of every group the request targets, in lower case, each once."""
        found: dict[str, None] = {}
        for key, value in self._pairs:
            if _TARGET.fullmatch(key):
                found.update(dict.fromkeys(i.lower() for i in _ids(value)))
        return list(found)

    def listed_groups(self) -> list[str] | None:
        """Return the ids that DescribeSecurityGroups asks for, None if it asks for all.

        Raises:
            EcsError: There are more than 100, or ``SecurityGroupIds`` is no JSON array.
        """
        text = self.get("SecurityGroupIds")
        if not text:
            return [self.get("SecurityGroupId").lower()] if self.get("SecurityGroupId") else None
        ids = [i.lower() for i in _ids(text)]
        if not text.startswith("[") or len(ids) > _MAX_IDS:
            raise EcsError(
                400, "InvalidParameter.SecurityGroupIds", "The specified SecurityGroupIds is not valid."
            )
        return ids


def _ids(value: str) -> list[str]:
    if value.startswith(("[", '"')):
        try:
            loaded = json.loads(value)
        except ValueError:
            return [value]
        return [str(i).strip() for i in (loaded if isinstance(loaded, list) else [loaded])]
    return [value] if value else []
