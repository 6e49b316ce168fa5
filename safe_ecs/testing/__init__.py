"""An ECS to test against: ``FakeEcs``."""

from safe_ecs.testing.fake import FakeEcs
from safe_ecs.testing.faults import CannedAnswer, Fault
from safe_ecs.testing.record import RecordedRequest

__all__ = ["CannedAnswer", "FakeEcs", "Fault", "RecordedRequest"]
