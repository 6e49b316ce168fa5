"""Collects the parameters that the guard needs: targets, regions, owner, templates, action, version, ServiceManaged.

ECS does not document how it reads every parameter (the spelling of a name, a list as JSON or as one id). So
every reading counts, and every group named by a reading is a target.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from safe_ecs._core.plain import NOT_PLAIN, fold, is_plain_name
from safe_ecs._core.request import LaunchTemplate
from safe_ecs._core.spelling import spellings_of
from safe_ecs._core.values import is_settled, members_of, texts_of

if TYPE_CHECKING:
    from collections.abc import Iterable

OWNER_PARAMETERS: Final = {
    name.lower(): name for name in ("OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId")
}
"""The parameters that name the owner of a call, the account behind it, by their lower-case spelling."""

MAX_DEPTH: Final = 32
"""The deepest nesting of parameters that the guard reads. ECS has none deeper than 3."""

_MOST_MEMBERS: Final = 200_000
"""The most members of all containers of a call together.

Lists that hold one another several times unfold into more members than memory has room for.
"""

# Each level of nesting adds a key to a parameter's name: without a limit, names would grow with the depth.
_LONGEST_PREFIX: Final = 512
_UNSETTLED: Final = ", which may say something else when it is sent"

Kind: TypeAlias = Literal["target", "region", "owner", "template", "action", "version", "managed"]
_TARGETS: Final = frozenset({"securitygroupid", "securitygroupids"})
_OF_THE_INSTANCE: Final = re.compile(r"SecurityGroupId|SecurityGroupIds\.[1-9][0-9]*")
_TEMPLATES: Final = ("launchtemplateid", "launchtemplatename", "launchtemplateversion")
_KINDS: Final[dict[str, Kind]] = {
    "regionid": "region",
    "action": "action",
    "version": "version",
    "servicemanaged": "managed",
    # Equivalent mutant `"XXownerXX"`: Parameters.take() takes a parameter of no other kind for an owner.
    **dict.fromkeys(OWNER_PARAMETERS, "owner"),
    **dict.fromkeys(_TEMPLATES, "template"),
}


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind | None:
    """Return the kind of a parameter by its name; None if the parameter does not matter to the guard."""
    if not is_plain_name(name):
        return "target" if "securitygroupid" in fold(name) else _KINDS.get(_key_of(name))
    parts = [part for part in name.lower().split(".") if part and not part.isdecimal()]
    if not _TARGETS.isdisjoint(parts):
        return "target"
    return _KINDS.get(parts[0]) if len(parts) == 1 else None


def _key_of(name: str) -> str:
    # Equivalent mutant `"XX0123456789XX"`: a folded name has no capitals.
    return fold(name).strip("0123456789")


@lru_cache(maxsize=1024)
def may_name_action(names: tuple[object, ...]) -> bool:
    """Return whether one of the names of parameters may be the name of the action."""
    return any(type(name) is not str or kind_of(name) == "action" for name in names)


class Parameters:
    """The parameters of one call that matter to the guard, added one after the other.

    Attributes:
        actions: Every action that the call names.
        versions: Every API version.
        region_ids: Every region, in lower case, each once.
        targets: The ids of the groups, each in lower case and as it is spelt.
        names_own_group: Whether a group is named for an instance itself in the one way that ECS documents. In other
            ways, ECS may take the groups of a launch template instead.
        owner: The parameters that say on whose behalf the call is made, by lower-case name.
        service_managed: Whether a parameter ServiceManaged says anything but "false".
        unreadable: Why something may be missing; "" if nothing can be.
    """

    __slots__ = (
        "_members",
        "_templates",
        "actions",
        "names_own_group",
        "owner",
        "region_ids",
        "service_managed",
        "targets",
        "unreadable",
        "versions",
    )

    def __init__(self) -> None:
        self.actions: list[str] = []
        self.versions: list[str] = []
        self.region_ids: dict[str, None] = {}
        self.targets: dict[str, None] = {}
        self.names_own_group = False
        self.owner: dict[str, str] = {}
        self.service_managed = False
        self.unreadable = ""
        self._templates: dict[tuple[str, str], None] = {}
        self._members = 0

    def add(self, name: object, value: object, depth: int = 0) -> None:
        """Add one parameter: flat, as the SDK makes it, or nested, as a caller may leave it."""
        if value is None:
            return
        if type(name) is not str:
            if not is_settled(name):
                self.unreadable = f"the name of a parameter is of the type {type(name).__name__}{_UNSETTLED}"
            # A member of a string enumeration may reach the wire as either of two texts: both count.
            for text in texts_of(name):
                self.add(text, value)
        elif (members := members_of(value)) is not None:
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
        """Add a parameter of a known kind.

        Args:
            kind: The kind, as ``kind_of`` returns it.
            name: The name.
            text: The value, not empty and without surrounding blanks.
        """
        if not is_plain_name(name):
            self.unreadable = f"the name of a parameter {NOT_PLAIN}"
        if kind == "target":
            # No id begins with a bracket or a quote: such a text is JSON.
            if text[0] in '["':
                self._take_json_targets(name, text)
            else:
                self.targets.update(spellings_of(text))
                self.names_own_group = self.names_own_group or _is_of_the_instance(name)
        elif kind == "region":
            self.region_ids.setdefault(text.lower())
        elif kind == "action":
            self.actions.append(text)
        elif kind == "version":
            self.versions.append(text)
        elif kind == "template":
            # Equivalent mutant `text] = ""`: only the keys are read.
            self._templates[_key_of(name), text] = None
        elif kind == "managed":
            self.service_managed = self.service_managed or text.lower() != "false"
        elif self.owner.setdefault(_key_of(name), text) != text:
            self.unreadable = f"it names more than one {name}"

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
                self.targets.update(spellings_of(target))

    def named_templates(self) -> tuple[LaunchTemplate, ...]:
        """Return every launch template that the parameters may mean."""
        # Every id and every name counts with every version: ECS does not document the one that prevails.
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
