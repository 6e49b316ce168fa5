"""An ECS to test against: ``FakeEcs``. The pytest plugin has it as the fixture ``fake_ecs``."""

from typing import TYPE_CHECKING

from safe_ecs.lazy import offer

if TYPE_CHECKING:
    from safe_ecs.testing.fake import FakeEcs
    from safe_ecs.testing.faults import CannedAnswer, Fault
    from safe_ecs.testing.keys import AccessKey
    from safe_ecs.testing.record import RecordedRequest
else:
    __getattr__, __dir__ = offer(
        __name__,
        {
            "AccessKey": "safe_ecs.testing.keys",
            "CannedAnswer": "safe_ecs.testing.faults",
            "FakeEcs": "safe_ecs.testing.fake",
            "Fault": "safe_ecs.testing.faults",
            "RecordedRequest": "safe_ecs.testing.record",
        },
    )

__all__ = ["AccessKey", "CannedAnswer", "FakeEcs", "Fault", "RecordedRequest"]
