"""Compares the notes of the callers with the record of the server."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.tools.chaos.worker import MOST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from safe_ecs.testing import RecordedRequest
    from tests.tools.chaos.calls import Note
    from tests.tools.chaos.world import World

# The parameters that the SDK adds when it signs in the older way.
_OF_THE_SDK: Final = frozenset({
    "AccessKeyId",
    "Action",
    "Format",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
})
_SENT_ONCE: Final = frozenset({"returned", "refused by ECS"})
_NOT_SENT: Final = frozenset({"denied", "unavailable"})


@dataclass(slots=True)
class Verdict:
    """The counts.

    Attributes:
        on_managed: Writes to managed groups that reached the server.
        lost_doubled_altered: Calls that broke, and calls with other writes on the record than their notes demand.
        outlived: Calls that took longer than they may.
        left_over: Threads, tasks, sockets and queues, by kind.
        outcomes: Calls by their outcome.
        ways: Calls by operation and way.
        clients: Calls by client.
        with_template: Calls that took their groups from a launch template.
        longest: The seconds of the longest call.
        writes: Writes on the record.
        reads: Other requests on the record.
        events: Other events by name.
        examples: Descriptions of some violations.
    """

    on_managed: int = 0
    lost_doubled_altered: int = 0
    outlived: int = 0
    left_over: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    ways: Counter[tuple[str, str]] = field(default_factory=Counter)
    clients: Counter[str] = field(default_factory=Counter)
    with_template: int = 0
    longest: float = 0.0
    writes: int = 0
    reads: int = 0
    events: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether everything is 0 that has to be."""
        wrong = self.on_managed, self.lost_doubled_altered, self.outlived, self.left_over.total()
        return not any(wrong)

    def judge(self, notes: Sequence[Note], record: Sequence[RecordedRequest], world: World) -> None:
        """Add a round: the notes of its callers, the record of its server, and its groups."""
        sent: defaultdict[str, list[RecordedRequest]] = defaultdict(list)
        for number, request in enumerate(record):
            if not request.is_write:
                self.reads += 1
                self.events["fault: denied by RAM, at reads"] += request.code == "Forbidden.RAM"
                continue
            self.writes += 1
            sent[_mark(request)].append(request)
            if world.is_on_managed_group(number, request):
                self.on_managed += 1
                self.examples.append(f"on a managed group: {request}")
        for note in notes:
            self._judge(note, sent.pop(note.mark, []))
        for mark, requests in sent.items():
            self.lost_doubled_altered += len(requests)
            self.examples.append(f"nobody's, or marked otherwise ({mark}): {requests[0]}")

    def _judge(self, note: Note, sent: list[RecordedRequest]) -> None:
        self.outcomes[note.outcome] += 1
        self.ways[note.action, note.way] += 1
        self.clients[note.client] += 1
        self.with_template += any(name.startswith("LaunchTemplate") for name in note.parameters)
        self.longest = max(self.longest, note.seconds)
        if note.outcome == "never ended" or note.seconds > MOST_SECONDS:
            self.outlived += 1
            self.examples.append(f"took {note.seconds:.1f} s: {note}")
        least = int(note.outcome in _SENT_ONCE)
        most = int(note.outcome not in _NOT_SENT)
        altered = [each for each in sent if each.action != note.action or _given(each) != note.parameters]
        if note.outcome == "broken" or altered or not least <= len(sent) <= most:
            self.lost_doubled_altered += 1
            self.examples.append(f"sent {len(sent)} times, altered {len(altered)} times: {note} {altered}")

    def add_left_over(self, who: str, left_over: Counter[str]) -> None:
        """Add the leftovers of a process."""
        self.left_over += left_over
        if left_over.total():
            self.examples.append(f"left over by {who}: {dict(left_over)}")

    def lines(self) -> Iterable[str]:
        """Yield a Markdown table."""
        yield "| calls | number |"
        yield "|---|---|"
        yield f"| calls on {len({action for action, _ in self.ways})} operations in {len({way for _, way in self.ways})} ways | {self.outcomes.total():,} |"
        for outcome, number in self.outcomes.most_common():
            yield f"| {outcome} | {number:,} |"
        new = sum(number for client, number in self.clients.items() if client.startswith("new"))
        yield f"| of them with a client made for the call | {new:,} |"
        yield f"| of them with a launch template | {self.with_template:,} |"
        yield f"| writes that FakeEcs recorded | {self.writes:,} |"
        yield f"| reads that FakeEcs recorded | {self.reads:,} |"
        for event, number in sorted(self.events.items()):
            yield f"| {event} | {number:,} |"
        yield f"| longest call | {self.longest:.1f} s |"
        yield ""
        yield "| what has to be 0 | number |"
        yield "|---|---|"
        yield f"| writes to managed groups that reached FakeEcs | {self.on_managed:,} |"
        yield f"| allowed writes lost, doubled, altered or broken, refused ones sent | {self.lost_doubled_altered:,} |"
        yield f"| calls that took longer than {MOST_SECONDS:.0f} s | {self.outlived:,} |"
        yield f"| threads, tasks, sockets and queues left over | {self.left_over.total():,} |"


def _mark(request: RecordedRequest) -> str:
    parameters = request.parameters
    for name in ("ClientToken", "Description", "OwnerAccount"):
        if name in parameters:
            return parameters[name]
    return ""


def _given(request: RecordedRequest) -> dict[str, str]:
    return {name: value for name, value in request.parameters.items() if name not in _OF_THE_SDK}
