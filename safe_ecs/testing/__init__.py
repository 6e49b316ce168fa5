"""``FakeEcs``: an ECS to test against. The pytest plugin provides one as the fixture ``fake_ecs``."""

from typing import TYPE_CHECKING

from safe_ecs._lazy import offer

if TYPE_CHECKING:
    from safe_ecs.testing._fake import FakeEcs
    from safe_ecs.testing._faults import CannedAnswer, Fault
    from safe_ecs.testing._keys import AccessKey
    from safe_ecs.testing._record import RecordedRequest
else:
    __getattr__, __dir__ = offer(
        __name__,
        {
            "AccessKey": "safe_ecs.testing._keys",
            "CannedAnswer": "safe_ecs.testing._faults",
            "FakeEcs": "safe_ecs.testing._fake",
            "Fault": "safe_ecs.testing._faults",
            "RecordedRequest": "safe_ecs.testing._record",
        },
    )

__all__ = ["AccessKey", "CannedAnswer", "FakeEcs", "Fault", "RecordedRequest"]
