"""Stops a call or lets it through: the policy enforcement point of one client, for threads and for event loops."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from safe_ecs._bypass import unless_bypassed
from safe_ecs._clock import Clock
from safe_ecs._core.drivers import drive, drive_async
from safe_ecs._core.operations import LEARNING_ACTIONS
from safe_ecs._core.review import conclude, first_read, review
from safe_ecs._lookup.context import Resources
from safe_ecs._lookup.learning import Learner
from safe_ecs._lookup.loop_batches import LOOPS
from safe_ecs._lookup.resolver import Resolver
from safe_ecs._lookup.thread_batches import THREADS
from safe_ecs.cache._status_cache import SHARED, StatusCache
from safe_ecs.errors import ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs.observe._counters import Counters
from safe_ecs.observe._dispatcher import Dispatcher
from safe_ecs.policy import GuardPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from typing import Self

    from alibabacloud_tea_openapi.client import Client as OpenApiClient

    from safe_ecs._calls.call import Call
    from safe_ecs._core.decision import Decision
    from safe_ecs._core.request import EffectiveRequest
    from safe_ecs._core.review import Answers, Read
    from safe_ecs.observe._observer import Observer


def make_enforcer(
    policy: GuardPolicy | None, cache: StatusCache | None, observers: Iterable[Observer]
) -> Enforcer:
    """Return the enforcer of a new client, with the defaults for arguments that are None.

    Raises:
        TypeError: ``policy`` is not a GuardPolicy, ``cache`` not a StatusCache, or one of ``observers`` no Observer.
    """
    if policy is not None and not isinstance(policy, GuardPolicy):
        raise TypeError(f"policy must be a GuardPolicy, not {type(policy).__name__}")
    if cache is not None and not isinstance(cache, StatusCache):
        raise TypeError(f"cache must be a StatusCache, not {type(cache).__name__}")
    return Enforcer(policy or GuardPolicy(), cache, observers)


class Enforcer:
    """Decides on the calls of one client and of its copies.

    It holds no client: each call hands in its own. So a changed endpoint, credential or proxy counts for the client's
    next call.

    Args:
        policy: The rules.
        cache: Remembers statuses; the cache of the process if None.
        observers: Hear of decisions and look-ups.
    """

    def __init__(
        self, policy: GuardPolicy, cache: StatusCache | None, observers: Iterable[Observer] = ()
    ) -> None:
        self.policy = policy
        self.cache = SHARED if cache is None else cache
        self.counters = Counters()
        self.dispatcher = Dispatcher(observers)
        self.resources = Resources(self.cache, policy, self.counters, self.dispatcher)
        self._learner = Learner(self.resources)

    def admit(self, client: OpenApiClient, call: Call) -> None:
        """Return if the call may be sent.

        Raises:
            ManagedSecurityGroupError: A target is managed.
            StatusUnavailableError: Whether a target is managed cannot be determined.
        """
        request = call.effective
        if request is not None and request.is_guarded and not self._passes_at_a_glance(request):
            began = perf_counter_ns()
            self._settle(self.decide(client, request, call), began, call)

    async def admit_async(self, client: OpenApiClient, call: Call) -> None:
        """Return if the call may be sent, in an event loop."""
        request = call.effective
        if request is not None and request.is_guarded and not self._passes_at_a_glance(request):
            began = perf_counter_ns()
            self._settle(await self.decide_async(client, request, call), began, call)

    def send(
        self, client: OpenApiClient, call: Call, transport: Callable[..., dict[str, Any]]
    ) -> dict[str, Any]:
        """Send a call if it may be sent, and learn from its answer or its refusal.

        Args:
            client: The client that makes the call.
            call: The call.
            transport: The SDK's transport.

        Raises:
            ManagedSecurityGroupError: A target is managed.
            StatusUnavailableError: Whether a target is managed cannot be determined.
            Exception: The exception of the transport.
        """
        self.admit(client, call)
        request = call.effective
        is_learned_from = request is not None and request.action in LEARNING_ACTIONS
        # Equivalent mutants `or True`, `1.0`: without anything to learn, the time is never read.
        sent_at = Clock.now() if is_learned_from else 0.0
        try:
            answer = call.send(transport)
        except Exception as error:
            self._learner.learn_refusal(client, request, error)
            raise
        if request is not None and is_learned_from:
            self._learner.learn_answer(client, request, answer, sent_at)
        return answer

    async def send_async(
        self, client: OpenApiClient, call: Call, transport: Callable[..., Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """Send a call in an event loop, with the arguments and the exceptions of ``send``."""
        await self.admit_async(client, call)
        request = call.effective
        is_learned_from = request is not None and request.action in LEARNING_ACTIONS
        # Equivalent mutants `or True`, `1.0`: without anything to learn, the time is never read.
        sent_at = Clock.now() if is_learned_from else 0.0
        try:
            answer = await call.send(transport)
        except Exception as error:
            self._learner.learn_refusal(client, request, error)
            raise
        if request is not None and is_learned_from:
            self._learner.learn_answer(client, request, answer, sent_at)
        return answer

    def decide(self, client: OpenApiClient, request: EffectiveRequest, call: Call | None) -> Decision:
        """Return the decision for a guarded request, asking ECS for statuses that are not remembered.

        Args:
            client: The client that makes the request.
            request: The request.
            call: The call that waits for the decision, None if no call does.
        """
        decision = self._decide_from_cache(client, request)
        if decision is None:
            # One generator leads from the rule to the batch: the review yields the batch requests of its resolver.
            resolver = self._resolver(client, call)
            decision = drive(review(request, self.policy, resolver), THREADS.load)
            decision = decision._replace(reads=resolver.reads)
        return unless_bypassed(client, decision) if decision.refused else decision

    async def decide_async(
        self, client: OpenApiClient, request: EffectiveRequest, call: Call | None
    ) -> Decision:
        """Return the decision in an event loop, with the arguments of ``decide``."""
        decision = self._decide_from_cache(client, request)
        if decision is None:
            resolver = self._resolver(client, call)
            decision = await drive_async(review(request, self.policy, resolver), LOOPS.load)
            decision = decision._replace(reads=resolver.reads)
        return unless_bypassed(client, decision) if decision.refused else decision

    def statuses(self, client: OpenApiClient, read: Read, *, refresh: bool) -> Answers:
        """Return a status, or the lack of one, for each group of a read; with ``refresh`` from ECS alone."""
        return drive(Resolver(self.resources, client, None, refresh=refresh).statuses(read), THREADS.load)

    async def statuses_async(self, client: OpenApiClient, read: Read, *, refresh: bool) -> Answers:
        """Return the statuses in an event loop, with the arguments of ``statuses``."""
        resolver = Resolver(self.resources, client, None, refresh=refresh)
        return await drive_async(resolver.statuses(read), LOOPS.load)

    def _resolver(self, client: OpenApiClient, call: Call | None) -> Resolver:
        if call is not None:
            call.hold()
        return Resolver(self.resources, client, None if call is None else call.runtime)

    def _passes_at_a_glance(self, request: EffectiveRequest) -> bool:
        """Return whether every target is remembered as unmanaged, and no observer wants to hear of it.

        Such a call is allowed under any policy, and need not be put into a decision.
        """
        # Nearly every call passes here, so the glance makes no decision and no status. It may only say yes where the
        # review would say "allowed": a fast path that knew less than the review would be a hole.
        read = first_read(request, self.policy)
        if read is None or not self.cache.holds_unmanaged(read, self.policy.ttl):
            return False
        if self.dispatcher.is_observed("allowed"):
            return False
        # Equivalent mutant `refused=None`: it is only asked whether it is true.
        self.counters.count_call(refused=False, hits=len(read.security_group_ids))
        return True

    def _decide_from_cache(self, client: OpenApiClient, request: EffectiveRequest) -> Decision | None:
        """Return the decision if every target is remembered as a group that exists, None otherwise."""
        # A refusal of a known group is the second most frequent outcome. This takes half the time of a review that
        # asks nothing. A missing group is left to the review, because another region may have it.
        read = first_read(request, self.policy)
        if read is None:
            return None
        known = self.cache.recall(read, client._credential, self.policy)  # noqa: SLF001 - no getter
        if len(known) < len(request.targets):
            return None
        groups = tuple({group.security_group_id: group for group in known.values()}.values())
        for group in groups:
            if not group.exists:
                return None
        self.counters.count_hits(len(groups))
        return conclude(request, self.policy, read.region_id, groups, ())

    def _settle(self, decision: Decision, began: int, call: Call) -> None:
        """Tell the observers of a decision, and stop a refused call."""
        outcome, decision_id = decision.outcome, None
        if decision.refused:
            # The stock client's call would have used its one-shot headers up. The next call must not send them.
            call.take_once_headers()
        self.counters.count_call(refused=decision.refused)
        if outcome == "bypassed":
            self.counters.count(bypasses=1)
        if self.dispatcher.is_observed(outcome):
            decision_id = self.dispatcher.decided(decision, began).decision_id
        if decision.refused:
            error = ManagedSecurityGroupError if outcome == "denied" else StatusUnavailableError
            raise error(decision, decision_id)

    def __copy__(self) -> Self:
        """Stay one: a copied client asks the same cache."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Stay one, as above."""
        return self

    def __reduce__(self) -> tuple[Callable[..., Enforcer], tuple[object, ...]]:
        """Travel to another process without the remembered statuses."""
        cache = None if self.cache is SHARED else self.cache
        return type(self), (self.policy, cache, self.dispatcher.picklable_observers())
