"""Where a call is stopped or let through: the sync and the async driver of a review."""

from __future__ import annotations

from time import monotonic, perf_counter_ns
from typing import TYPE_CHECKING, Any

from safe_ecs._bypass import unless_bypassed
from safe_ecs._core.drive import drive, drive_async
from safe_ecs._core.operations import LEARNING_ACTIONS
from safe_ecs._core.review import Read, conclude, first_read, review
from safe_ecs._lookup.loops import LOOPS
from safe_ecs._lookup.resolver import Knowledge
from safe_ecs._lookup.threads import THREADS
from safe_ecs.cache._memory import SHARED, StatusCache
from safe_ecs.errors import ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs.observe._dispatcher import Dispatcher
from safe_ecs.policy import GuardPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable
    from typing import Self

    from alibabacloud_tea_openapi.client import Client as OpenApiClient

    from safe_ecs._calls.call import Call
    from safe_ecs._core.decision import Decision
    from safe_ecs._core.request import EffectiveRequest
    from safe_ecs._core.review import Answers, TemplateAnswer, TemplateRead
    from safe_ecs._lookup.resolver import BatchRequest
    from safe_ecs.observe._observer import Observer


def make_enforcer(
    policy: GuardPolicy | None, cache: StatusCache | None, observers: Iterable[Observer]
) -> Enforcer:
    """Return the guard of a new client, with the defaults for what is None.

    Raises:
        TypeError: ``policy`` is not a GuardPolicy, ``cache`` not a StatusCache, or one of ``observers`` no Observer.
    """
    if policy is not None and not isinstance(policy, GuardPolicy):
        raise TypeError(f"policy must be a GuardPolicy, not {type(policy).__name__}")
    if cache is not None and not isinstance(cache, StatusCache):
        raise TypeError(f"cache must be a StatusCache, not {type(cache).__name__}")
    return Enforcer(policy or GuardPolicy(), cache, observers)


class Enforcer:
    """The guard of one client and of its copies: a policy, what is known, and who is told."""

    def __init__(
        self, policy: GuardPolicy, cache: StatusCache | None, observers: Iterable[Observer] = ()
    ) -> None:
        self.policy = policy
        self.dispatcher = Dispatcher(observers)
        self.knowledge = Knowledge(SHARED if cache is None else cache, policy, self.dispatcher)

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
        """Do what ``admit`` does, in an event loop."""
        request = call.effective
        if request is not None and request.is_guarded and not self._passes_at_a_glance(request):
            began = perf_counter_ns()
            self._settle(await self.decide_async(client, request, call), began, call)

    def send(
        self, client: OpenApiClient, call: Call, transport: Callable[..., dict[str, Any]], *arguments: object
    ) -> dict[str, Any]:
        """Send a call if it may be sent, and learn from what becomes of it.

        Args:
            client: Whose call it is.
            call: The call.
            transport: The SDK's.
            arguments: What the transport takes before request and runtime; the call's Params if nothing.

        Raises:
            ManagedSecurityGroupError: A target is managed.
            StatusUnavailableError: Whether a target is managed cannot be determined.
            Exception: What the transport raises.
        """
        self.admit(client, call)
        request = call.effective
        teaches = request is not None and request.action in LEARNING_ACTIONS
        sent_at = self.knowledge.cache.now() if teaches else 0.0
        try:
            answer = call.through(transport)(*(arguments or (call.params,)), call.request, call.runtime)
        except Exception as error:
            self.knowledge.learn_refusal(client, request, error)
            raise
        if request is not None and teaches:
            self.knowledge.learn_answer(client, request, answer, sent_at)
        return answer

    async def send_async(
        self,
        client: OpenApiClient,
        call: Call,
        transport: Callable[..., Awaitable[dict[str, Any]]],
        *arguments: object,
    ) -> dict[str, Any]:
        """Do what ``send`` does, in an event loop."""
        await self.admit_async(client, call)
        request = call.effective
        teaches = request is not None and request.action in LEARNING_ACTIONS
        sent_at = self.knowledge.cache.now() if teaches else 0.0
        try:
            answer = await call.through(transport)(*(arguments or (call.params,)), call.request, call.runtime)
        except Exception as error:
            self.knowledge.learn_refusal(client, request, error)
            raise
        if request is not None and teaches:
            self.knowledge.learn_answer(client, request, answer, sent_at)
        return answer

    def decide(self, client: OpenApiClient, request: EffectiveRequest, call: Call | None) -> Decision:
        """Return the decision for a guarded request, reading what is not remembered.

        Args:
            client: Whose request it is.
            request: The request.
            call: The call that waits for the decision, if one does.
        """
        decision = self._decide_from_memory(client, request)
        if decision is None:
            deadline, asking = self._deadline(), _Asking()
            decision = drive(
                review(request, self.policy),
                lambda read: drive(self._answer(client, read, call, deadline), asking.ask),
            )._replace(reads=asking.reads)
        return unless_bypassed(client, decision) if decision.refused else decision

    async def decide_async(
        self, client: OpenApiClient, request: EffectiveRequest, call: Call | None
    ) -> Decision:
        """Do what ``decide`` does, in an event loop."""
        decision = self._decide_from_memory(client, request)
        if decision is None:
            deadline, asking = self._deadline(), _Asking()
            decision = await drive_async(
                review(request, self.policy),
                lambda read: drive_async(self._answer(client, read, call, deadline), asking.ask_async),
            )
            decision = decision._replace(reads=asking.reads)
        return unless_bypassed(client, decision) if decision.refused else decision

    def statuses(self, client: OpenApiClient, read: Read, *, refresh: bool) -> Answers:
        """Return what is known of each group of a read, or with ``refresh`` what ECS says of it now."""
        return drive(
            self.knowledge.statuses(client, read, None, self._deadline(), refresh=refresh), _Asking().ask
        )

    async def statuses_async(self, client: OpenApiClient, read: Read, *, refresh: bool) -> Answers:
        """Do what ``statuses`` does, in an event loop."""
        return await drive_async(
            self.knowledge.statuses(client, read, None, self._deadline(), refresh=refresh),
            _Asking().ask_async,
        )

    def _passes_at_a_glance(self, request: EffectiveRequest) -> bool:
        """Return whether every target is remembered as a group that is not managed, and nobody is to be told so.

        Such a call is allowed under any policy, and need not be put into a decision. That is nearly every call.
        """
        read = first_read(request, self.policy)
        if read is None or not self.knowledge.cache.holds_unmanaged(read, self.policy.ttl):
            return False
        if self.dispatcher.is_observed("allowed"):
            return False
        self.knowledge.counters.count_call(refused=False, hits=len(read.security_group_ids))
        return True

    def _decide_from_memory(self, client: OpenApiClient, request: EffectiveRequest) -> Decision | None:
        """Return the decision if every target is remembered as a group that exists.

        That takes half the time of a review that asks nothing.
        """
        read = first_read(request, self.policy)
        if read is None:
            return None
        known = self.knowledge.cache.recall(read, client._credential, self.policy)  # noqa: SLF001 - no getter
        if len(known) < len(request.targets):
            return None
        groups = tuple(known.values())
        for group in groups:
            if not group.exists:
                return None
        self.knowledge.counters.count_hits(len(groups))
        return conclude(request, self.policy, read.region_id, groups, ())

    def _answer(
        self, client: OpenApiClient, read: Read | TemplateRead, call: Call | None, deadline: float
    ) -> Generator[BatchRequest, Any, Answers | TemplateAnswer]:
        if isinstance(read, Read):
            return self.knowledge.statuses(client, read, call, deadline)
        return self.knowledge.groups_of_template(client, read, call, deadline)

    def _deadline(self) -> float:
        return monotonic() + self.policy.lookup_timeout

    def _settle(self, decision: Decision, began: int, call: Call) -> None:
        """Tell what was decided, and stop a refused call: it has been made, and its headers are not for the next one."""
        outcome, decision_id = decision.outcome, None
        if decision.refused:
            call.take_once_headers()
        self.knowledge.counters.count_call(refused=decision.refused)
        if outcome == "bypassed":
            self.knowledge.counters.count(bypasses=1)
        if self.dispatcher.is_observed(outcome):
            decision_id = self.dispatcher.decided(decision, began).decision_id
        if decision.refused:
            error = ManagedSecurityGroupError if outcome == "denied" else StatusUnavailableError
            raise error(decision, decision_id)

    def __copy__(self) -> Self:
        """Stay one: a copied client asks the same memory."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Stay one, as above."""
        return self

    def __reduce__(self) -> tuple[Callable[..., Enforcer], tuple[object, ...]]:
        """Travel to another process without what was remembered in this one."""
        cache = self.knowledge.cache
        return type(self), (
            self.policy,
            None if cache is SHARED else cache,
            self.dispatcher.picklable_observers(),
        )


class _Asking:
    """Asks ECS on behalf of one decision, and counts the requests that were sent for it."""

    def __init__(self) -> None:
        self.reads = 0

    def ask(self, question: BatchRequest) -> dict[str, Any]:
        answers = THREADS.ask(*question)
        self.reads += question.loader.reads
        return answers

    async def ask_async(self, question: BatchRequest) -> dict[str, Any]:
        answers = await LOOPS.ask(*question)
        self.reads += question.loader.reads
        return answers
