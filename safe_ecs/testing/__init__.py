"""An ECS to test against: ``FakeEcs``. Needs the extra ``testing``."""

from safe_ecs.testing.errors import EcsError
from safe_ecs.testing.fake import FakeEcs
from safe_ecs.testing.record import RecordedRequest

__all__ = ["EcsError", "FakeEcs", "RecordedRequest"]
