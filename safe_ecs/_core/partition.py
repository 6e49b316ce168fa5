"""Partition: groups sorted into unmanaged, managed and missing ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from safe_ecs._core.decision import GroupStatus, statuses_html

if TYPE_CHECKING:
    from collections.abc import Iterable

    from safe_ecs._core.decision import State


class Partition(NamedTuple):
    """Groups, sorted by their status.

    Attributes:
        unmanaged: The groups that no cloud service manages.
        managed: The groups that a cloud service manages.
        missing: The groups that ECS did not find.
    """

    unmanaged: tuple[GroupStatus, ...]
    managed: tuple[GroupStatus, ...]
    missing: tuple[GroupStatus, ...]

    def _repr_html_(self) -> str:
        return statuses_html((*self.unmanaged, *self.managed, *self.missing))


def partition_of(statuses: Iterable[GroupStatus]) -> Partition:
    """Return the groups sorted by their status. Each part keeps the order given."""
    by_state: dict[State, list[GroupStatus]] = {"unmanaged": [], "managed": [], "missing": []}
    for status in statuses:
        by_state[status.state].append(status)
    return Partition(*map(tuple, by_state.values()))
