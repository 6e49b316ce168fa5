"""Bypass: a narrow, recorded exception. A person lets calls through on purpose that the guard would refuse.

A bypass lives in a context variable, so that it holds in the thread or task that entered the block and
nowhere else. A thread or process started inside the block, forked ones included, starts without the bypass. A
task started inside, and ``asyncio.to_thread``, copy all context variables: the bypass holds there too, but no
longer than the block.
"""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Final, cast

from safe_ecs._core.operations import GUARDED_ACTIONS
from safe_ecs._core.spelling import normal_ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alibabacloud_tea_openapi.client import Client as OpenApiClient

    from safe_ecs._core.decision import Decision


class Bypass:
    """An exception for one client, inside one ``with`` block.

    Args:
        client: The client.
        reason: The reason, for every record.
        security_group_ids: The groups; None for all targets of a call.
        actions: The guarded operations; None for all of them.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: The reason is blank, a collection is empty, an id is blank, or an action is not guarded.

    Attributes:
        reason: As above, on one line.
        is_open: Whether the block of the bypass has begun and not ended.
    """

    def __init__(
        self,
        client: OpenApiClient,
        reason: str,
        security_group_ids: Iterable[str] | None,
        actions: Iterable[str] | None,
    ) -> None:
        if not isinstance(reason, str):
            raise TypeError(f"reason must be a string, not {reason!r}")
        self.reason = " ".join(reason.split())
        if not self.reason:
            raise ValueError("a bypass needs a reason")
        self._client = weakref.ref(client)
        self._security_group_ids = None if security_group_ids is None else _ids(security_group_ids)
        self._actions = None if actions is None else _guarded_actions(actions)
        self.is_open = False
        self._token: Token[tuple[Bypass, ...]] | None = None
        self._process = os.getpid()

    def __enter__(self) -> None:
        """Let calls through from now on.

        Raises:
            RuntimeError: The bypass has been entered before.
        """
        if self._token is not None:
            raise RuntimeError("a bypass holds for one block: make another one for another block")
        self.is_open = True
        self._token = _ACTIVE.set((*(each for each in _ACTIVE.get() if each.is_open), self))

    def __exit__(self, *_: object) -> None:
        """Let no more calls through."""
        # A task started inside keeps its copy of the variable, and with it this object: close the object.
        self.is_open = False
        with suppress(ValueError):  # A generator may end in another context than it began in.
            _ACTIVE.reset(cast("Token[tuple[Bypass, ...]]", self._token))

    def is_for(self, client: OpenApiClient) -> bool:
        """Return whether the bypass was made for this client. A copy of the client is another client."""
        return self._client() is client

    def covers(self, decision: Decision) -> bool:
        """Return whether the bypass lets a refused call through."""
        # A forked child has a copy of the variable, but the person made the bypass for the parent.
        if not self.is_open or self._process != os.getpid():
            return False
        if self._actions is not None and decision.action not in self._actions:
            return False
        if self._security_group_ids is None:
            return True
        # Unreadable targets have the id "", which no bypass can name: only one for all targets covers them.
        stopped_by = {group.security_group_id for group in decision.managed}
        stopped_by.update(each.security_group_id for each in decision.undetermined)
        return stopped_by <= self._security_group_ids


_ACTIVE: Final[ContextVar[tuple[Bypass, ...]]] = ContextVar("safe_ecs_bypasses", default=())


def unless_bypassed(client: OpenApiClient, decision: Decision) -> Decision:
    """Return a decision to refuse unchanged, or as ``bypassed`` if the bypasses of the client cover the call.

    Every bypass in force has to cover the call: a block inside another narrows the outer one.
    """
    everywhere = _ACTIVE.get()
    if not everywhere:
        return decision
    active = [each for each in everywhere if each.is_for(client)]
    if not active or not all(each.covers(decision) for each in active):
        return decision
    reason = "; ".join(each.reason for each in active)
    return decision._replace(outcome="bypassed", refused=False, bypass_reason=reason)


def _ids(security_group_ids: Iterable[str]) -> frozenset[str]:
    ids = frozenset(normal_ids(security_group_ids))
    if not ids or "" in ids:
        raise ValueError("security_group_ids must name groups; leave it out for all that a call targets")
    return ids


def _guarded_actions(actions: Iterable[str]) -> frozenset[str]:
    if isinstance(actions, (str, bytes)):
        raise TypeError(f"actions must be several actions, not the string {actions!r}")
    guarded = set()
    for action in actions:
        if not isinstance(action, str):
            raise TypeError(f"an action is a string, not {action!r}")
        if action.strip().lower() not in GUARDED_ACTIONS:
            raise ValueError(f"{action!r} is no guarded operation: there is nothing to bypass")
        guarded.add(GUARDED_ACTIONS[action.strip().lower()])
    if not guarded:
        raise ValueError("actions must name operations; leave it out for all that are guarded")
    return frozenset(guarded)
