"""The guard needs few reads. The server counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safe_ecs.testing import CannedAnswer
from tests.support.workloads import DESCRIBE, WORKLOADS, Workload, make_groups

if TYPE_CHECKING:
    from safe_ecs import Client
    from safe_ecs.testing import FakeEcs
if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_a_workload_costs_no_more_reads_than_it_may(ecs: FakeEcs, workload: Workload) -> None:
    """A workload stays within its number of reads, and checks the statuses that it gets."""
    assert workload.run(ecs) <= workload.most


@pytest.mark.parametrize("number", [1, 2, 3, 7, 99, 100, 101])
def test_an_id_that_is_refused_costs_few_reads_and_spoils_no_other(
    ecs: FakeEcs, client: Client, number: int
) -> None:
    """The place of the refused id makes no difference."""
    groups = make_groups(ecs, number)
    for place in {0, number // 2, number}:
        asked = [*groups[:place], "malformed!", *groups[place:]]
        decision = client.guard.check("RunInstances", {"SecurityGroupIds": asked})
        assert [u.security_group_id for u in decision.undetermined] == ["malformed!"]
        assert {group.security_group_id for group in decision.groups} == set(groups)
        client.guard.forget()
        before = len(ecs.reads)
        client.guard.check("RunInstances", {"SecurityGroupIds": asked})
        assert len(ecs.reads) - before <= 2 + 2 * number.bit_length()
        client.guard.forget()


def test_a_permission_that_is_not_there_costs_three_reads_for_many_groups(
    ecs: FakeEcs, client: Client
) -> None:
    """The guard stops halving when ECS refuses both halves, and does not ask for every single id."""
    ecs.answer_always(DESCRIBE, CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM"}'))
    decision = client.guard.check("RunInstances", {"SecurityGroupIds": [f"sg-{n}" for n in range(64)]})
    assert len(decision.undetermined) == 64
    assert {undetermined.code for undetermined in decision.undetermined} == {"Forbidden.RAM"}
    assert len(ecs.reads) == 3
