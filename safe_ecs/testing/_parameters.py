"""The parameters of an RPC request, read as leniently as a server might read them.

FakeEcs is the guard's opponent. The strictness of ECS is not known for case and blanks in names and ids, and for a
JSON array in place of a numbered list. There FakeEcs reads like a lenient server.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import dry_run, invalid, missing_parameter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TARGET: Final = re.compile(r"(?:.*\.)?securitygroupids?(?:\.\d+)*")
_SINGLE: Final = "securitygroupid"
_SEVERAL: Final = re.compile(r"securitygroupids(?:\.\d+)?")
_MAX_IDS: Final = 100
_NOT_CONTENT: Final = frozenset({
    "accesskeyid",
    "action",
    "clienttoken",
    "format",
    "maxresults",
    "nexttoken",
    "pagenumber",
    "pagesize",
    "securitytoken",
    "signature",
    "signaturemethod",
    "signaturenonce",
    "signaturetype",
    "signatureversion",
    "timestamp",
    "version",
})


class Parameters:
    """The parameters of one request.

    Args:
        pairs: Names and values in the order of arrival: query first, then form.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = [(name.strip().lower(), value.strip()) for name, value in pairs]
        self._first: dict[str, str] = {}
        for name, value in self._pairs:
            if value:
                self._first.setdefault(name, value)

    def get(self, name: str) -> str:
        """Return the first value of a parameter that is not empty, "" without one."""
        return self._first.get(name.lower(), "")

    def require(self, name: str) -> str:
        """Return a mandatory parameter.

        Raises:
            EcsError: The parameter is missing or empty.
        """
        value = self.get(name)
        if not value:
            raise missing_parameter(name)
        return value

    def flag(self, name: str) -> bool:
        """Return whether a parameter is true."""
        return self.get(name).lower() == "true"

    def number(self, name: str, default: int, most: int) -> int:
        """Return a parameter as a whole number from 1 to ``most``.

        Raises:
            EcsError: The value is no whole number, or out of range.
        """
        text = self.get(name) or str(default)
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
            raise invalid(f"InvalidParameter.{name}", f"The specified parameter {name} is not valid.")
        return int(text)

    def stop_if_dry_run(self) -> None:
        """End a dry run. The call comes after the last check and before the first change.

        Raises:
            EcsError: The request is a dry run.
        """
        if self.flag("DryRun"):
            raise dry_run()

    @property
    def content(self) -> tuple[tuple[str, str], ...]:
        """The parameters without signature, paging and client token, sorted: equal for a repetition and a next page."""
        return tuple(sorted(pair for pair in self._pairs if pair[0] not in _NOT_CONTENT))

    def structures(self, name: str, fields: Mapping[str, str]) -> list[dict[str, str]]:
        """Return the ``Name.N.Field`` parameters as one dict for each N, with the field names spelt as in ``fields``."""
        pattern = re.compile(rf"{name.lower()}\.(\d+)\.(\w+)")
        found: dict[int, dict[str, str]] = {}
        for key, value in self._pairs:
            match = pattern.fullmatch(key)
            if match and match[2] in fields:
                found.setdefault(int(match[1]), {})[fields[match[2]]] = value
        return [found[number] for number in sorted(found)]

    def values(self, name: str) -> list[str]:
        """Return the values of ``Name.1``, ``Name.2``, ... in the order of their numbers, JSON arrays unpacked."""
        pattern = re.compile(rf"{name.lower()}(?:\.(\d+))?")
        found = [
            (int(match[1] or 0), value)
            for key, value in self._pairs
            if value and (match := pattern.fullmatch(key))
        ]
        return [i for _, value in sorted(found, key=lambda each: each[0]) for i in _ids(value)]

    def target_groups(self) -> list[str]:
        """Return the id of every target group of the request, in lower case, each once."""
        found: dict[str, None] = {}
        for key, value in self._pairs:
            if _TARGET.fullmatch(key):
                found.update(dict.fromkeys(i.lower() for i in _ids(value)))
        return list(found)

    @property
    def names_one_and_several_groups(self) -> bool:
        """Whether the request has both SecurityGroupId and SecurityGroupIds."""
        return _SINGLE in self._first and any(_SEVERAL.fullmatch(name) for name in self._first)

    def listed_groups(self) -> list[str] | None:
        """Return the ids in a DescribeSecurityGroups request, None if it has none and asks for all groups.

        Raises:
            EcsError: ``SecurityGroupIds`` is no JSON array, or has more than 100 ids.
        """
        text = self.get("SecurityGroupIds")
        if not text:
            return [self.get("SecurityGroupId").lower()] if self.get("SecurityGroupId") else None
        return self.json_ids("SecurityGroupIds")

    def json_ids(self, name: str) -> list[str]:
        """Return the ids in a parameter with a JSON array of at most 100 ids, in lower case.

        Raises:
            EcsError: The parameter is no JSON array, or has more than 100 ids.
        """
        text = self.get(name)
        ids = [i.lower() for i in _ids(text)]
        if not text.startswith("[") or len(ids) > _MAX_IDS:
            raise invalid(f"InvalidParameter.{name}", f"The specified {name} is not valid.")
        return ids


def _ids(value: str) -> list[str]:
    if value.startswith(("[", '"')):
        try:
            loaded = json.loads(value)
        except ValueError:
            return [value]
        return [str(i).strip() for i in (loaded if isinstance(loaded, list) else [loaded])]
    return [value] if value else []
