"""The object ``client.guard``: statuses and decisions without making a call, bypasses, and counters."""
# ruff: noqa: SLF001 - the SDK's client has no getters for its endpoint and region

from __future__ import annotations

from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING

from safe_ecs._bypass import Bypass
from safe_ecs._calls.from_model import call_from_model
from safe_ecs._core.decision import Decision, GroupStatus, Undetermined
from safe_ecs._core.endpoints import bare_host, regions_of
from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY
from safe_ecs._core.partition import partition_of
from safe_ecs._core.request import EffectiveRequest
from safe_ecs._core.review import NO_REGION, Read
from safe_ecs._core.spelling import normal_id, normal_ids
from safe_ecs._lookup.context import context_of
from safe_ecs._lookup.listings import RegionListing
from safe_ecs._system.threads import in_thread
from safe_ecs.errors import StatusUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._calls.from_model import RequestModel
    from safe_ecs._core.partition import Partition
    from safe_ecs._core.review import Answers
    from safe_ecs._enforcer import Enforcer
    from safe_ecs.observe._counters import Stats
    from safe_ecs.policy import GuardPolicy


class Guard:
    """The guard of one client, to ask and to steer. Each method that may read has an async twin.

    It reads with the credentials and the settings of the client. ``runtime`` is for the reads of one method: the options
    of the SDK, such as ``ignore_ssl``, a proxy, and time-outs in milliseconds. A read sends none of their
    ``extends_parameters``.
    """

    __slots__ = ("_client", "_enforcer")

    def __init__(self, client: OpenApiClient, enforcer: Enforcer) -> None:
        self._client = client
        self._enforcer = enforcer

    def __repr__(self) -> str:
        stats = self.stats
        return (
            f"<guard of {bare_host(str(self._client._endpoint))}: mode {self.policy.mode}, "
            f"{stats.calls} calls, {stats.refusals} refused, {stats.lookups} look-ups>"
        )

    @property
    def policy(self) -> GuardPolicy:
        """The policy of the client."""
        return self._enforcer.policy

    def check(
        self,
        request: RequestModel | str,
        parameters: Mapping[str, object] | None = None,
        *,
        runtime: RuntimeOptions | None = None,
    ) -> Decision:
        """Return the decision that a call would get now, without making the call.

        The policy and the bypasses of this moment count. Observers hear ``checked`` and not ``decided``, and the
        counters count no call.

        Args:
            request: A request model of the SDK, or an action such as ``"JoinSecurityGroup"``.
            parameters: With an action: its parameters, spelt as on the wire.
            runtime: The options of the call, for the reads as well. Their ``extends_parameters`` are parameters of the
                call.

        Raises:
            TypeError: ``request`` is neither, or parameters are given beside a model.
            ValueError: The installed SDK knows no such operation, or a parameter is spelt as in Python.
        """
        began = perf_counter_ns()
        named, effective = call_from_model(self._client, request, parameters, runtime)
        if effective is None:
            decision = self._not_guarded(named)
        else:
            decision = self._enforcer.decide(self._client, effective, runtime)
        self._enforcer.dispatcher.checked(decision, began)
        return decision

    async def check_async(
        self,
        request: RequestModel | str,
        parameters: Mapping[str, object] | None = None,
        *,
        runtime: RuntimeOptions | None = None,
    ) -> Decision:
        """Check in an event loop, as ``check`` does."""
        began = perf_counter_ns()
        named, effective = call_from_model(self._client, request, parameters, runtime)
        if effective is None:
            decision = self._not_guarded(named)
        else:
            decision = await self._enforcer.decide_async(self._client, effective, runtime)
        self._enforcer.dispatcher.checked(decision, began)
        return decision

    def status(
        self,
        *security_group_ids: str,
        region_id: str | None = None,
        refresh: bool = False,
        runtime: RuntimeOptions | None = None,
    ) -> dict[str, GroupStatus]:
        """Return the status of each group, by its id in lower case.

        Args:
            security_group_ids: The groups.
            region_id: Their region; None for the client's.
            refresh: Whether to ask ECS even for remembered statuses.
            runtime: The options of the reads.

        Raises:
            StatusUnavailableError: A status cannot be determined.
            TypeError: An id is not a string.
            ValueError: There is no region to look in.
        """
        read = self._read(security_group_ids, region_id)
        answers = self._enforcer.statuses(self._client, read, refresh=refresh, runtime=runtime)
        return self._known(read, answers)

    async def status_async(
        self,
        *security_group_ids: str,
        region_id: str | None = None,
        refresh: bool = False,
        runtime: RuntimeOptions | None = None,
    ) -> dict[str, GroupStatus]:
        """Return statuses in an event loop, as ``status`` does."""
        read = self._read(security_group_ids, region_id)
        answers = await self._enforcer.statuses_async(self._client, read, refresh=refresh, runtime=runtime)
        return self._known(read, answers)

    def partition(
        self,
        security_group_ids: Iterable[str],
        region_id: str | None = None,
        *,
        runtime: RuntimeOptions | None = None,
    ) -> Partition:
        """Sort groups by their status, each once and in the order given.

        A program that needs any usable group takes one of ``unmanaged``. A program that cleans up skips ``managed``,
        and gives the ``reason`` of each. Groups of ``allowed_service_ids`` are ``managed`` too.

        Args:
            security_group_ids: The groups.
            region_id: Their region; None for the client's.
            runtime: The options of the reads.

        Raises:
            StatusUnavailableError: A status cannot be determined.
            TypeError: An id is not a string.
            ValueError: There is no region to look in.
        """
        statuses = self.status(*normal_ids(security_group_ids), region_id=region_id, runtime=runtime)
        return partition_of(statuses.values())

    async def partition_async(
        self,
        security_group_ids: Iterable[str],
        region_id: str | None = None,
        *,
        runtime: RuntimeOptions | None = None,
    ) -> Partition:
        """Sort groups in an event loop, as ``partition`` does."""
        statuses = await self.status_async(
            *normal_ids(security_group_ids), region_id=region_id, runtime=runtime
        )
        return partition_of(statuses.values())

    def bypass(
        self,
        *,
        reason: str,
        security_group_ids: Iterable[str] | None = None,
        actions: Iterable[str] | None = None,
    ) -> AbstractContextManager[None]:
        """Let calls through on purpose inside one ``with`` block. ECS then judges them itself.

        The bypass holds for this client alone, not for copies of it. It holds in the thread or task that entered the
        block, and in tasks started inside, until the block ends. Do not yield inside the block: the code that runs
        between a generator's ``yield`` and its next step would be inside as well. Blocks inside one another narrow:
        every block has to cover a call. The bypass covers groups with an unknown status like managed groups. It covers
        a call with unreadable targets only if it names no groups. Each call that would have been refused is recorded
        as ``bypassed`` and logged as a warning, with the reason.

        Args:
            reason: Why, for the records.
            security_group_ids: The groups; None for all targets of a call.
            actions: The guarded operations; None for all of them.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: There is no reason, a collection is empty, an id is blank, or an action is none that is guarded.
            RuntimeError: The same bypass is entered again.
        """
        return Bypass(self._client, reason, security_group_ids, actions)

    def forget(self, *security_group_ids: str) -> None:
        """Drop the remembered statuses of these groups, or of all if none is named.

        The memory is shared by the clients of the process unless this one was given its own.

        Raises:
            TypeError: An id is not a string.
        """
        ids = normal_ids(security_group_ids)
        self._enforcer.cache.forget(ids)
        self._enforcer.cache.invalidate_elsewhere(ids)

    async def forget_async(self, *security_group_ids: str) -> None:
        """Drop statuses in an event loop, as ``forget`` does."""
        ids = normal_ids(security_group_ids)
        self._enforcer.cache.forget(ids)
        await in_thread(partial(self._enforcer.cache.invalidate_elsewhere, ids))

    def managed_groups(
        self, region_id: str | None = None, *, runtime: RuntimeOptions | None = None
    ) -> Iterator[GroupStatus]:
        """Return the managed groups of a region, read as they are iterated over, 100 at a time.

        Args:
            region_id: The region; None for the client's.
            runtime: The options of the reads.

        Raises:
            StatusUnavailableError: ECS could not be asked.
            ValueError: There is no region to look in.
        """
        pages = self._pages(region_id, runtime, service_managed_only=True)

        def groups() -> Iterator[GroupStatus]:
            while not pages.ended:
                yield from self._page(pages.next_page(), pages.read)

        return groups()

    def managed_groups_async(
        self, region_id: str | None = None, *, runtime: RuntimeOptions | None = None
    ) -> AsyncIterator[GroupStatus]:
        """Return the managed groups in an event loop, as ``managed_groups`` does."""
        pages = self._pages(region_id, runtime, service_managed_only=True)

        async def groups() -> AsyncIterator[GroupStatus]:
            while not pages.ended:
                for group in self._page(await pages.next_page_async(), pages.read):
                    yield group

        return groups()

    def warm(self, region_id: str | None = None, *, runtime: RuntimeOptions | None = None) -> int:
        """Read all groups of a region, 100 at a time, so that calls on them need no look-up for ``ttl``.

        Args:
            region_id: The region; None for the client's.
            runtime: The options of the reads.

        Returns:
            The number of groups.

        Raises:
            StatusUnavailableError: ECS could not be asked. Pages that were read before are remembered.
            ValueError: There is no region to look in.
        """
        pages, number = self._pages(region_id, runtime), 0
        while not pages.ended:
            number += len(self._page(pages.next_page(), pages.read))
        return number

    async def warm_async(self, region_id: str | None = None, *, runtime: RuntimeOptions | None = None) -> int:
        """Read all groups in an event loop, as ``warm`` does."""
        pages, number = self._pages(region_id, runtime), 0
        while not pages.ended:
            number += len(self._page(await pages.next_page_async(), pages.read))
        return number

    @property
    def stats(self) -> Stats:
        """The counters of this client and of its copies."""
        return self._enforcer.counters.stats()

    def _pages(
        self, region_id: str | None, runtime: RuntimeOptions | None, *, service_managed_only: bool = False
    ) -> RegionListing:
        read = self._read((), region_id)
        context = context_of(self._enforcer.resources, self._client, read, runtime)
        return RegionListing(context, read, service_managed_only=service_managed_only)

    def _page(self, page: list[GroupStatus] | Failure, read: Read) -> list[GroupStatus]:
        if isinstance(page, Failure):
            raise self._unavailable(read, (page.of(""),))
        return page

    def _not_guarded(self, action: str) -> Decision:
        return Decision(
            action=action,
            region_id=self._client._region_id,
            endpoint=bare_host(str(self._client._endpoint)),
            outcome="not_guarded",
            refused=False,
            policy=self.policy,
        )

    def _read(self, security_group_ids: tuple[str, ...], region_id: str | None) -> Read:
        request = EffectiveRequest(
            action=STATUS_QUERY,
            host=bare_host(str(self._client._endpoint)),
            targets=normal_ids(security_group_ids),
            region_ids=(normal_id(region_id),) if region_id else (),
            client_region_id=normal_id(self._client._region_id or ""),
            owner=(),
            unreadable="",
        )
        region = next(regions_of(request), None)
        if region is None:
            reason, next_step = NO_REGION
            raise ValueError(f"ECS cannot be asked: {reason}. {next_step}")
        return Read(host=request.host, region_id=region, security_group_ids=request.targets)

    def _known(self, read: Read, answers: Answers) -> dict[str, GroupStatus]:
        undetermined = tuple(a for a in answers.values() if isinstance(a, Undetermined))
        if not undetermined:
            return {i: a for i, a in answers.items() if isinstance(a, GroupStatus)}
        raise self._unavailable(read, undetermined)

    def _unavailable(self, read: Read, undetermined: tuple[Undetermined, ...]) -> StatusUnavailableError:
        return StatusUnavailableError(
            Decision(
                action=STATUS_QUERY,
                region_id=read.region_id,
                endpoint=read.host,
                outcome="unavailable",
                refused=False,
                policy=self.policy,
                undetermined=undetermined,
            )
        )
