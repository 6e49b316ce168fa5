"""An ECS to test against: ``FakeEcs``."""

from safe_ecs.testing.fake import CannedAnswer, FakeEcs
from safe_ecs.testing.record import RecordedRequest

__all__ = ["CannedAnswer", "FakeEcs", "RecordedRequest"]
