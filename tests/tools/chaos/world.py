"""The groups of a run: some appear and some vanish while calls are under way.

An id is never used twice, nobody asks for a group before it exists, and no living group's flag changes. A group that
becomes managed while its id is cached is a gap that the README names.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from safe_ecs.errors import MANAGED_CODE
from safe_ecs.testing._samples import Target, make_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from safe_ecs.testing import FakeEcs, RecordedRequest

_TARGET: Final = re.compile(r"(.+\.)?SecurityGroupIds?(\.\d+)?")
_MOST_OF_EACH: Final = 30
_AT_FIRST: Final = 12


@dataclass(frozen=True, slots=True)
class Template:
    """A launch template, and whether one of its groups is managed."""

    template_id: str
    name: str
    is_managed: bool


@dataclass(frozen=True, slots=True)
class Sight:
    """The groups and templates that the callers know.

    Attributes:
        managed: Groups that a cloud service manages. The last one may have vanished.
        ordinary: Other groups. The last one may have vanished.
        templates: Launch templates.
    """

    managed: tuple[Target, ...]
    ordinary: tuple[Target, ...]
    templates: tuple[Template, ...]


@dataclass(slots=True)
class World:
    """Creates and removes groups.

    Args:
        ecs: The FakeEcs with the groups.
        dice: Chooses the moments and the groups.
    """

    ecs: FakeEcs
    dice: Random
    _managed: list[Target] = field(default_factory=list)
    _ordinary: list[Target] = field(default_factory=list)
    _templates: list[Template] = field(default_factory=list)
    _groups_of_templates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # For each managed group, the number of recorded requests when it vanished.
    _gone_at: dict[str, float] = field(default_factory=dict)
    appeared: int = 0
    vanished: int = 0

    def __post_init__(self) -> None:
        for _ in range(_AT_FIRST):
            self._appear(service_managed=True)
            self._appear(service_managed=False)

    def turn(self) -> Sight:
        """Let time pass, and return the present sight."""
        for service_managed in (True, False, False):
            if self.dice.random() < 0.5:
                self._appear(service_managed=service_managed)
        if self.dice.random() < 0.3:
            self._vanish(self.dice.choice((self._managed, self._ordinary)))
        return Sight(tuple(self._managed), tuple(self._ordinary), tuple(self._templates))

    def _appear(self, *, service_managed: bool) -> None:
        target = make_target(self.ecs, service_managed=service_managed, with_member=self.dice.random() < 0.5)
        group, kept = target.security_group_id, self._managed if service_managed else self._ordinary
        kept.append(target)
        del kept[:-_MOST_OF_EACH]
        if service_managed:
            self._gone_at[group] = math.inf
        self.appeared += 1
        if self.dice.random() < 0.4:
            groups = (self._ordinary[-1].security_group_id, group) if self._ordinary else (group,)
            name = f"template-{self.appeared}"
            template_id = self.ecs.create_launch_template(*groups, name=name)
            self._groups_of_templates |= {template_id: groups, name: groups}
            self._templates.append(Template(template_id, name, service_managed))
            del self._templates[:-_MOST_OF_EACH]

    def _vanish(self, kept: list[Target]) -> None:
        target = self.dice.choice(kept)
        group = target.security_group_id
        if not self.ecs.has_security_group(group):
            return
        if group in self._gone_at:
            self._gone_at[group] = len(self.ecs.requests)
        try:
            self.ecs.remove_security_group(group)
        except KeyError:
            return  # A caller has just deleted it.
        self.vanished += 1
        # Callers go on to use the group for a while.
        kept.remove(target)
        kept.append(target)

    def is_on_managed_group(self, number: int, request: RecordedRequest) -> bool:
        """Return whether a write was sent to a managed group that still existed.

        Args:
            number: The place of the write in the record.
            request: The write.
        """
        for group in self._targets(request):
            gone_at = self._gone_at.get(group, -1)
            if number < gone_at or (gone_at >= 0 and request.code == MANAGED_CODE):
                return True
        return False

    def _targets(self, request: RecordedRequest) -> Iterator[str]:
        named = [value for name, value in request.parameters.items() if _TARGET.fullmatch(name)]
        if not named:
            for name in ("LaunchTemplateId", "LaunchTemplateName"):
                yield from self._groups_of_templates.get(request.parameters.get(name, ""), ())
        for value in named:
            yield from json.loads(value) if value.startswith("[") else (value,)
