"""The faults of FakeEcs and of Redis, each for a while, and a count of their strikes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

from safe_ecs.testing import Fault
from tests.tools.chaos.calls import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from safe_ecs.testing import CannedAnswer, FakeEcs

STATUSES: Final = "DescribeSecurityGroups"
TEMPLATES: Final = "DescribeLaunchTemplateVersions"
_NO_FLAGS: Final[tuple[object, ...]] = ("false", "true", "", 0, 1, None, [], {})
_BODIES: Final = (b"null", b"[]", b"{}", b"<html>Bad Gateway</html>", b"")

Strikes = Counter[str]


@dataclass(frozen=True, slots=True)
class Counted(Fault):
    """A fault that counts its strikes."""

    strikes: Strikes = field(default_factory=Counter, compare=False)
    at: str = "reads"

    def spoil(self, answer: CannedAnswer) -> CannedAnswer:
        self.strikes[f"{self.kind}, at {self.at}"] += 1
        return Fault.spoil(self, answer)


@dataclass(frozen=True, slots=True)
class Lie(Fault):
    """An answer that differs from ECS's, and that nobody can take for a true one."""

    strikes: Strikes = field(default_factory=Counter, compare=False)
    dice: Any = None

    def spoil(self, answer: CannedAnswer) -> CannedAnswer:
        self.strikes["lie, at reads"] += 1
        lie = self.dice.choice((*_LIES, None))
        if lie is None:
            return replace(answer, body=self.dice.choice(_BODIES))
        body = json.loads(answer.body)
        if isinstance(body.get("SecurityGroups"), dict):
            lie(body)
        return replace(answer, body=json.dumps(body).encode())


def _on_each(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], None]:
    def lie(body: dict[str, Any]) -> None:
        for group in body["SecurityGroups"]["SecurityGroup"]:
            change(group)

    return lie


def _contradict(body: dict[str, Any]) -> None:
    groups = body["SecurityGroups"]["SecurityGroup"]
    groups += [{**group, "ServiceManaged": not group["ServiceManaged"]} for group in groups]


def _set_flag(group: dict[str, Any], flag: object) -> None:
    group["ServiceManaged"] = flag


# No lie gives a managed group a plain False: nothing could tell this from the truth.
_LIES: Final[tuple[Callable[[dict[str, Any]], object], ...]] = (
    *(_on_each(partial(_set_flag, flag=flag)) for flag in _NO_FLAGS),
    _on_each(lambda group: group.pop("ServiceManaged")),
    _on_each(lambda group: group.pop("SecurityGroupId")),
    _contradict,
    lambda body: body.update(RegionId="cn-elsewhere"),
    lambda body: body.update(TotalCount="1"),
    lambda body: body.update(TotalCount=body["TotalCount"] + 1, SecurityGroups={"SecurityGroup": []}),
    lambda body: body.update(SecurityGroups=body["SecurityGroups"]["SecurityGroup"]),
    lambda body: body.update(SecurityGroups={"SecurityGroup": {}}),
    lambda body: body.update(NextToken=7),
    lambda body: body.pop("SecurityGroups"),
)


class FaultPlan:
    """Changes the faults of FakeEcs.

    Args:
        ecs: The FakeEcs to change.
        dice: Chooses the faults.
    """

    def __init__(self, ecs: FakeEcs, dice: Random) -> None:
        self.strikes: Strikes = Counter()
        self._ecs, self._dice = ecs, dice
        self._to_come: list[Callable[[], None]] = []

    def turn(self) -> None:
        """Put other faults in place of the present ones, or none."""
        self.clear_up()
        if not self._to_come:
            self._to_come = [
                self.clear_up,
                self.clear_up,
                self._single_fault,
                self._single_fault,
                self._lies,
                self._storm,
                self._outage,
                self._denial,
                self._trouble_with_writes,
                self._trouble_with_writes,
                self._slowness,
            ]
            self._dice.shuffle(self._to_come)
        self._to_come.pop()()

    def clear_up(self) -> None:
        """End all faults."""
        for action in (STATUSES, TEMPLATES, *ACTIONS):
            self._ecs.fail(action)
        self._ecs.allow(STATUSES, TEMPLATES)
        self._ecs.latency = 0.0

    def _fail(self, actions: Iterable[str], faults: Iterable[Fault], share: float) -> None:
        faults = tuple(faults)
        for action in actions:
            self._ecs.fail(action, *faults, share=share, seed=self._dice.randrange(2**32))

    def _faults(self, *kinds: str, at: str = "reads") -> list[Fault]:
        return [
            Counted(kind, 0.3 if kind == "slow" else 0.0, self.strikes, at)  # type: ignore[arg-type]  # one of the kinds
            for kind in kinds
        ]

    def _single_fault(self) -> None:
        kinds = ("throttled", "unavailable", "internal_error", "slow", "reset", "lost", "truncated")
        kind = self._dice.choice((*kinds, "malformed", "wrong_types", "partial_page"))
        self._fail([STATUSES], self._faults(kind), 0.5)
        if kind in kinds:
            self._fail([TEMPLATES], self._faults(kind), 0.5)

    def _lies(self) -> None:
        dice = Random(self._dice.random())  # noqa: S311 - it is to be repeatable
        self._fail([STATUSES, TEMPLATES], [Lie("malformed", 0.0, self.strikes, dice)], 0.6)

    def _storm(self) -> None:
        everything = self._faults("throttled", "unavailable", "internal_error", "slow", "reset", "lost")
        everything += self._faults("truncated", "malformed", "wrong_types")
        self._fail([STATUSES, TEMPLATES], everything, 0.5)
        self._fail([STATUSES], [*everything, *self._faults("partial_page")], 0.5)
        self._trouble_with_writes()

    def _outage(self) -> None:
        self._fail([STATUSES, TEMPLATES], self._faults(self._dice.choice(("unavailable", "reset"))), 1.0)

    def _denial(self) -> None:
        self._ecs.deny(STATUSES, TEMPLATES)

    def _trouble_with_writes(self) -> None:
        kinds = ("throttled", "unavailable", "internal_error", "slow", "reset", "lost", "truncated")
        self._fail(ACTIONS, self._faults(*kinds, "malformed", "wrong_types", at="writes"), 0.4)

    def _slowness(self) -> None:
        """Answer late, and some reads later than anybody waits."""
        self._ecs.latency = 0.05
        self._fail([STATUSES, TEMPLATES], [Counted("slow", 3.0, self.strikes)], 0.2)
