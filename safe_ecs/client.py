"""The front door: a drop-in for ``alibabacloud_ecs20140526.client``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alibabacloud_ecs20140526.client import Client as EcsClient

from safe_ecs.gate import gate_of
from safe_ecs.transports import GuardedTransports

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alibabacloud_tea_openapi.utils_models import Config

    from safe_ecs.cache.memory import StatusCache
    from safe_ecs.observe.observer import Observer
    from safe_ecs.policy import GuardPolicy


class Client(GuardedTransports, EcsClient):
    """The stock ECS client with a guard in front of the wire.

    A call that would change a security group managed by a cloud service raises
    ``ManagedSecurityGroupError`` before anything but a Describe is sent; every other call is the stock
    client's.

    Args:
        config: As for the stock client.
        policy: The rules of the guard; ``GuardPolicy()`` if None.
        cache: What remembers statuses; the one that all clients of the process share if None.
        observers: Who is told what the guard does, beside the logger ``safe_ecs``.

    Raises:
        TypeError: ``policy`` is not a GuardPolicy, ``cache`` not a StatusCache, or one of ``observers`` no Observer.
    """

    def __init__(
        self,
        config: Config,
        *,
        policy: GuardPolicy | None = None,
        cache: StatusCache | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        self._safe_ecs_gate = gate_of(policy, cache, observers)
        super().__init__(config)
