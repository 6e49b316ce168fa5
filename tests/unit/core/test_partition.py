"""Groups, sorted by their status."""

from __future__ import annotations

from safe_ecs._core.decision import GroupStatus, statuses_html
from safe_ecs._core.partition import Partition, partition_of

MANAGED = [GroupStatus(f"sg-m{number}", True, True, 7, "cn-hangzhou") for number in (2, 1)]  # noqa: FBT003 - fields


ORDINARY = [GroupStatus(f"sg-o{number}", True, False, 7, "cn-hangzhou") for number in (2, 1)]  # noqa: FBT003 - fields


MISSING = [GroupStatus(f"sg-x{number}", False, False, None, "cn-hangzhou") for number in (2, 1)]  # noqa: FBT003 - fields


def test_groups_are_sorted_by_their_status_in_the_order_given() -> None:
    mixed = [each for some in zip(MISSING, MANAGED, ORDINARY, strict=True) for each in some]
    assert partition_of(iter(mixed)) == Partition(
        unmanaged=tuple(ORDINARY), managed=tuple(MANAGED), missing=tuple(MISSING)
    )
    assert partition_of(()) == ((), (), ())


def test_a_notebook_shows_the_groups_that_may_be_used_first() -> None:
    partition = partition_of([*MISSING, *MANAGED, *ORDINARY])
    assert partition._repr_html_() == statuses_html([*ORDINARY, *MANAGED, *MISSING])
