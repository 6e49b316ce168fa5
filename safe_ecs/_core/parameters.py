"""Which parameters of a call matter to the guard, and what they say.

Where it is not documented how ECS reads one (one spelling of a name or another, a list as JSON or as one id), every
reading counts, and every group that one of them names is a target.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from safe_ecs._core.request import LaunchTemplate
from safe_ecs._core.spelling import parts_of_name
from safe_ecs._core.values import is_settled, members_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable

ACTION_SPELLINGS: Final = frozenset(
    "".join(letters) for letters in product(*((letter.upper(), letter.lower()) for letter in "action"))
)
"""Every way to write the parameter name ``Action``: for a call outside the table, one set operation on its names
takes a tenth of the time that folding each of them takes."""

OWNER_PARAMETERS: Final = {
    name.lower(): name for name in ("OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId")
}
"""The parameters that say on whose behalf a call is made, by their lower-case spelling."""

MAX_DEPTH: Final = 32
"""How deep parameters may be nested; ECS knows none deeper than 3."""

_MOST_MEMBERS: Final = 200_000
"""Of all containers of a call: lists that hold one another several times have more members than memory has room for."""

_LONGEST_PREFIX: Final = 512
_UNSETTLED: Final = ", which may say something else when it is sent"

Kind: TypeAlias = Literal["target", "region", "owner", "template", "action", "version"]
_TARGETS: Final = frozenset({"securitygroupid", "securitygroupids"})
_OF_THE_INSTANCE: Final = re.compile(r"SecurityGroupId|SecurityGroupIds\.[1-9][0-9]*")
_TEMPLATES: Final = ("launchtemplateid", "launchtemplatename", "launchtemplateversion")
_KINDS: Final[dict[str, Kind]] = {
    "regionid": "region",
    "action": "action",
    "version": "version",
    **dict.fromkeys(OWNER_PARAMETERS, "owner"),
    **dict.fromkeys(_TEMPLATES, "template"),
}


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind | None:
    """Return what a parameter's name makes of it, None if it does not matter."""
    parts = parts_of_name(name)
    if not _TARGETS.isdisjoint(parts):
        return "target"
    return _KINDS.get(parts[0]) if len(parts) == 1 else None


class Parameters:
    """Collects what matters from one parameter after the other.

    Attributes:
        actions: Every action that is named.
        versions: Every API version.
        region_ids: Every region, in lower case, each once.
        targets: The ids of the groups, in lower case, each once.
        spelt: Those that are not written in lower case, as they are written.
        names_own_group: Whether a group is named for an instance itself in the one way that ECS documents: what it makes
            of other ways is not known, and it may take the groups of a launch template instead.
        owner: The parameters that say on whose behalf the call is made, by lower-case name.
        unreadable: Why something may be missing; "" if nothing can be.
    """

    __slots__ = (
        "_members",
        "_templates",
        "actions",
        "names_own_group",
        "owner",
        "region_ids",
        "spelt",
        "targets",
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
        self.unreadable = ""
        self._templates: dict[tuple[str, str], None] = {}
        self._members = 0

    def add(self, name: object, value: object, depth: int = 0) -> None:
        """Take one parameter, flat as the SDK makes them or nested as a caller may leave them."""
        if value is None:
            return
        if type(name) is not str:
            if not is_settled(name):
                self.unreadable = f"the name of a parameter is of the type {type(name).__name__}{_UNSETTLED}"
            for text in texts_of(name):
                self.add(text, value)
        elif type(value) is not str and (members := members_of(value)) is not None:
            self._add_members(name[-_LONGEST_PREFIX:], members, depth)
        elif (kind := kind_of(name)) is not None:
            try:
                texts = texts_of(value)
            except Exception as error:  # noqa: BLE001 - an object of the caller's may raise anything
                self.unreadable = f"reading the value of {name} raised {type(error).__name__}"
                return
            if not is_settled(value):
                self.unreadable = f"the value of {name} is of the type {type(value).__name__}{_UNSETTLED}"
            for text in filter(None, texts):
                self.take(kind, name, text)

    def _add_members(self, name: str, members: Iterable[tuple[object, object]], depth: int) -> None:
        if depth > MAX_DEPTH:
            self.unreadable = f"its parameters are nested more than {MAX_DEPTH} deep"
            return
        for key, member in members:
            self._members += 1
            if self._members > _MOST_MEMBERS:
                self.unreadable = f"it holds more than {_MOST_MEMBERS:,} parameters"
                return
            for text in texts_of(key):
                self.add(f"{name}.{text}", member, depth + 1)

    def take(self, kind: Kind, name: str, text: str) -> None:
        """Take a parameter of which all is known.

        Args:
            kind: What its name makes of it.
            name: Its name.
            text: Its value, not empty and without surrounding blanks.
        """
        if kind == "target":
            if text[0] in '["':
                self._take_json_targets(name, text)
            else:
                self._take_target(text)
                self.names_own_group = self.names_own_group or _is_of_the_instance(name)
        elif kind == "region":
            self.region_ids[text.lower()] = None
        elif kind == "action":
            self.actions.append(text)
        elif kind == "version":
            self.versions.append(text)
        elif kind == "template":
            self._templates[parts_of_name(name)[0], text] = None
        elif self.owner.setdefault(parts_of_name(name)[0], text) != text:
            self.unreadable = f"it names more than one {name}"

    def _take_target(self, text: str) -> None:
        lowered = text.lower()
        self.targets[lowered] = None
        if lowered != text:
            self.spelt[text] = None

    def _take_json_targets(self, name: str, text: str) -> None:
        try:
            loaded = json.loads(text)
        except (ValueError, RecursionError):
            self.unreadable = f"the value of {name} is no JSON array of group ids"
            return
        for member in loaded if isinstance(loaded, list) else [loaded]:
            if not isinstance(member, str):
                self.unreadable = f"the value of {name} is no JSON array of group ids"
            elif target := member.strip():
                self._take_target(target)

    def named_templates(self) -> tuple[LaunchTemplate, ...]:
        """Return every launch template that the parameters may mean."""
        named: dict[str, list[str]] = {name: [] for name in _TEMPLATES}
        for name, text in self._templates:
            named[name].append(text)
        ids, names, versions = named.values()
        return tuple(
            LaunchTemplate(template_id, name, version)
            for template_id, name in (*((i, "") for i in ids), *(("", n) for n in names))
            for version in versions or [""]
        )


@lru_cache(maxsize=4096)
def _is_of_the_instance(name: str) -> bool:
    return _OF_THE_INSTANCE.fullmatch(name) is not None
