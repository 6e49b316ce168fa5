"""Stops a call or lets it through: the policy enforcement point of one client, for threads and for event loops."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final

from safe_ecs._bypass import unless_bypassed
from safe_ecs._calls.read import has_changed, read_again, read_intended
from safe_ecs._core.drivers import drive, drive_async
from safe_ecs._core.operations import LEARNING_ACTIONS
from safe_ecs._core.review import conclude, first_read, review
from safe_ecs._lookup.context import Resources
from safe_ecs._lookup.engine import ENGINE
from safe_ecs._lookup.learning import Learner
from safe_ecs._lookup.resolver import Resolver
from safe_ecs._system.clock import Clock
from safe_ecs._system.threads import begin
from safe_ecs.cache._status_cache import SHARED, StatusCache
from safe_ecs.errors import MANAGED_CODE, ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs.observe._counters import Counters
from safe_ecs.observe._dispatcher import Dispatcher
from safe_ecs.policy import GuardPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable
    from typing import Self

    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._calls.call import Call
    from safe_ecs._core.decision import Decision
    from safe_ecs._core.request import EffectiveRequest
    from safe_ecs._core.review import Answers, Read
    from safe_ecs._lookup.batching import BatchRequest, BatchResult
    from safe_ecs.observe._observer import Observer

_MOST_REVIEWS: Final = 3
_KEEPS_CHANGING: Final = "the endpoint, the region or the global parameters of its client keep changing"


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

    def allows(self, host: str, region_id: str, security_group_ids: list[str]) -> bool:
        """Return whether a call is allowed under any policy: each of its targets is remembered as unmanaged.

        Nearly every guarded call passes here, so this makes no decision and no status. An observer of allowed calls gets
        a decision, which only a review makes.
        """
        if (
            not self.cache.holds_unmanaged(host, region_id, security_group_ids, self.policy.ttl)
            or self.policy.mode == "off"
            or self.dispatcher.is_observed("allowed")
        ):
            return False
        # Equivalent mutant `refused=None`: it is only asked whether it is true.
        self.counters.count_call(refused=False, hits=len(security_group_ids))
        return True

    def admit(self, client: OpenApiClient, call: Call) -> Call:
        """Return a call as it may be sent: with the settings that its client has after a wait.

        Raises:
            ManagedSecurityGroupError: A target is managed.
            StatusUnavailableError: Whether a target is managed cannot be determined.
        """
        return drive(self._admission(client, call), ENGINE.load) if call.is_guarded else call

    async def admit_async(self, client: OpenApiClient, call: Call) -> Call:
        """Return a call as it may be sent, in an event loop."""
        return (
            await drive_async(self._admission(client, call), ENGINE.load_async) if call.is_guarded else call
        )

    def _admission(self, client: OpenApiClient, call: Call) -> Generator[BatchRequest, BatchResult, Call]:
        """Review a guarded call until its client's settings are those of the review, and return it."""
        began, reviews = perf_counter_ns(), 0
        while call.effective is not None and call.effective.is_guarded:
            decision = yield from self._decision(client, call.effective, call.runtime)
            reviews += 1
            if decision.refused or reviews > _MOST_REVIEWS or not has_changed(client, call):
                self._settle(decision, began)
                break
            call = read_again(client, call)
            if reviews == _MOST_REVIEWS and call.effective is not None:
                call = call._replace(effective=call.effective._replace(unreadable=_KEEPS_CHANGING))
        return call

    def send(self, client: OpenApiClient, call: Call, stock: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        """Send a call if it may be sent, and learn from its answer or its refusal.

        Args:
            client: The client that makes the call.
            call: The call.
            stock: The SDK's transport.

        Raises:
            ManagedSecurityGroupError: A target is managed.
            StatusUnavailableError: Whether a target is managed cannot be determined.
            Exception: The exception of the transport.
        """
        call = self.admit(client, call)
        asked_at = Clock.now()
        try:
            with call.sending:
                answer = stock(*call.leading, call.request, call.runtime)
        except Exception as error:
            if rest := self._learner.learn_refusal(client, call.effective, error):
                rest()
            raise
        if call.effective is not None and call.effective.action in LEARNING_ACTIONS:
            rest = self._learner.learn_answer(client, call.effective, answer, asked_at)
            if rest is not None:
                rest()
        return answer

    async def send_async(
        self, client: OpenApiClient, call: Call, stock: Callable[..., Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """Send a call in an event loop, with the arguments and the exceptions of ``send``."""
        call = await self.admit_async(client, call)
        asked_at = Clock.now()
        try:
            with call.sending:
                answer = await stock(*call.leading, call.request, call.runtime)
        except Exception as error:
            begin(self._learner.learn_refusal(client, call.effective, error))
            raise
        if call.effective is not None and call.effective.action in LEARNING_ACTIONS:
            begin(self._learner.learn_answer(client, call.effective, answer, asked_at))
        return answer

    def note_refusal(
        self,
        client: OpenApiClient,
        params: Params,
        request: OpenApiRequest,
        runtime: RuntimeOptions,
        error: Exception,
    ) -> Callable[[], object] | None:
        """Learn from the exception of a call that has passed at a glance, and return the rest of the work, if any."""
        if getattr(error, "code", None) != MANAGED_CODE:
            return None
        return self._learner.learn_refusal(client, read_intended(client, params, request, runtime), error)

    def decide(
        self, client: OpenApiClient, request: EffectiveRequest, runtime: RuntimeOptions | None = None
    ) -> Decision:
        """Return the decision for a guarded request, asking ECS for statuses that are not remembered.

        Args:
            client: The client that makes the request.
            request: The request.
            runtime: The runtime options of the request; None for those of the client.
        """
        return drive(self._decision(client, request, runtime), ENGINE.load)

    async def decide_async(
        self, client: OpenApiClient, request: EffectiveRequest, runtime: RuntimeOptions | None = None
    ) -> Decision:
        """Return the decision in an event loop, with the arguments of ``decide``."""
        return await drive_async(self._decision(client, request, runtime), ENGINE.load_async)

    def statuses(
        self, client: OpenApiClient, read: Read, *, refresh: bool, runtime: RuntimeOptions | None = None
    ) -> Answers:
        """Return a status, or the lack of one, for each group of a read; with ``refresh`` from ECS alone."""
        return drive(Resolver(self.resources, client, runtime, refresh=refresh).statuses(read), ENGINE.load)

    async def statuses_async(
        self, client: OpenApiClient, read: Read, *, refresh: bool, runtime: RuntimeOptions | None = None
    ) -> Answers:
        """Return the statuses in an event loop, with the arguments of ``statuses``."""
        resolver = Resolver(self.resources, client, runtime, refresh=refresh)
        return await drive_async(resolver.statuses(read), ENGINE.load_async)

    def _decision(
        self, client: OpenApiClient, request: EffectiveRequest, runtime: RuntimeOptions | None
    ) -> Generator[BatchRequest, BatchResult, Decision]:
        """Return the decision for a guarded request: from the cache, or by the review that asks ECS."""
        decision = self._decide_from_cache(client, request)
        if decision is None:
            # One generator leads from the rule to the batch: the review yields the batch requests of its resolver.
            resolver = Resolver(self.resources, client, runtime, protocol=request.protocol)
            decision = yield from review(request, self.policy, resolver)
            decision = decision._replace(reads=resolver.reads)
        return unless_bypassed(client, decision) if decision.refused else decision

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

    def _settle(self, decision: Decision, began: int) -> None:
        """Tell the observers of a decision, and stop a refused call."""
        outcome, decision_id = decision.outcome, None
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
