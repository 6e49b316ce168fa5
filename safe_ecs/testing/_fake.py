"""FakeEcs: the part of Alibaba Cloud ECS around security groups, for tests."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Final, cast

from safe_ecs.cache._status_cache import forget_endpoint
from safe_ecs.testing._contents import DEFAULT_REGION_ID, Contents
from safe_ecs.testing._faults import CannedAnswer, Fault
from safe_ecs.testing._gateway import Gateway
from safe_ecs.testing._keys import SECRET, AccessKey
from safe_ecs.testing._server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

    from alibabacloud_tea_openapi.utils_models import Config

    from safe_ecs.testing._record import RecordedRequest

_ACCOUNT: Final = "fake-account"


class FakeEcs(Contents):
    """A server that speaks the RPC of ECS to the unmodified SDK.

    It keeps security groups with their rules, and the instances, network interfaces and launch templates around
    them. It checks signatures, refuses changes to managed groups exactly as ECS does, and records every request::

        with FakeEcs() as ecs:
            client = Client(ecs.config())

    OPERATIONS.md, beside this file, lists the stored fields and the checks of each operation.

    Args:
        port: The port to listen on; 0 for a free one.
        host: The address to listen on, by default the loopback address.
        latency: The delay of every answer in seconds; not negative.
        check_signatures: Whether requests must be signed with a key of `config` or `add_access_key`. If False,
            FakeEcs believes the access key id in a request.
        clock: Returns the time in seconds since the epoch. The dates of signatures, the ends of STS tokens and the
            minutes of throttling are compared with it.
        most_recorded: The highest number of requests in the record, the newest; None for all.

    Raises:
        OSError: The address is not this machine's, or the port is taken.
        OverflowError: The port is out of range.
        ValueError: ``latency`` or ``most_recorded`` is negative.
    """

    def __init__(  # noqa: PLR0913 - a test may want each keyword
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        latency: float = 0.0,
        check_signatures: bool = True,
        clock: Callable[[], float] = time,
        most_recorded: int | None = None,
    ) -> None:
        _not_negative("most_recorded", most_recorded or 0)
        super().__init__(Gateway(clock, check_signatures=check_signatures, most_recorded=most_recorded))
        self.latency = latency
        self._gateway.add_key(AccessKey(access_key_id=_ACCOUNT, access_key_secret=SECRET))
        self._server = Server(self._gateway, port, host)
        self._gateway.host_id = self.endpoint

    def __enter__(self) -> Self:
        """Start the server."""
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server. Every client of this process forgets its answers: another server may get its port."""
        self._server.stop()
        forget_endpoint(self.endpoint)

    @property
    def endpoint(self) -> str:
        """The host and the port of the server."""
        return self._server.address

    @property
    def latency(self) -> float:
        """The delay of every answer in seconds. A test may change it at any time.

        Raises:
            ValueError: The new value is negative.
        """
        return self._gateway.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._gateway.latency = _not_negative("latency", seconds)

    def config(
        self,
        *,
        region_id: str | None = DEFAULT_REGION_ID,
        service_id: int | None = None,
        security_token: str = "",
    ) -> Config:
        """Return the configuration of a client for this server.

        The client goes there directly, whatever proxy the environment names, unless the configuration is given one.

        Args:
            region_id: The region of the client.
            service_id: The cloud service that the client acts for; None for the account.
            security_token: An STS token: the client signs with a temporary key for it. "" for a lasting key.
        """
        from safe_ecs.testing._direct import DirectConfig  # noqa: PLC0415 - a server needs no SDK

        access_key_id = _ACCOUNT if service_id is None else self._gateway.add_service_key(service_id)
        if security_token:
            access_key_id = f"STS.{access_key_id}.{security_token}"
            if self._gateway.keyring.get(access_key_id) is None:
                self.add_access_key(
                    access_key_id, SECRET, service_id=service_id, security_token=security_token
                )
        return DirectConfig(
            access_key_id=access_key_id,
            access_key_secret=SECRET,
            security_token=cast("str", security_token or None),
            endpoint=self.endpoint,
            protocol="HTTP",
            region_id=cast("str", region_id),  # The SDK takes None; its annotations do not say so.
        )

    def add_access_key(
        self,
        access_key_id: str,
        access_key_secret: str,
        *,
        service_id: int | None = None,
        security_token: str = "",
        expires: float | None = None,
    ) -> None:
        """Accept signatures of another access key.

        Args:
            access_key_id: The id of the key. The new key replaces a key with the same id.
            access_key_secret: The secret of the key.
            service_id: The cloud service of the key; None for the account.
            security_token: The STS token that must come with the key; "" for a lasting key.
            expires: The end of the token, in seconds since the epoch; None for never.
        """
        self._gateway.add_key(
            AccessKey(
                access_key_id=access_key_id,
                access_key_secret=access_key_secret,
                service_id=service_id,
                security_token=security_token,
                expires=expires,
            )
        )

    @property
    def access_keys(self) -> Sequence[AccessKey]:
        """The accepted access keys."""
        with self._gateway.lock:
            return tuple(self._gateway.keyring)

    def remove_access_key(self, access_key_id: str) -> None:
        """Stop accepting signatures of an access key.

        Raises:
            KeyError: The key is not known.
        """
        with self._gateway.lock:
            self._gateway.keyring.remove(access_key_id)

    def answer_with(self, action: str, *answers: CannedAnswer | Fault) -> None:
        """Answer the next requests for an action with these answers and faults, one each; later requests as before.

        Raises:
            TypeError: One of them is neither a CannedAnswer nor a Fault.
        """
        _check_answers(answers)
        with self._gateway.lock:
            self._gateway.scripted_answers.add(action, answers)

    def answer_always(self, action: str, answer: CannedAnswer | Fault | None) -> None:
        """Answer every request for an action with this answer or fault; as usual again if None.

        Raises:
            TypeError: ``answer`` is neither a CannedAnswer nor a Fault.
        """
        _check_answers([answer] if answer else [])
        with self._gateway.lock:
            self._gateway.scripted_answers.set_always(action, [answer] if answer else [])

    def fail(
        self, action: str, *faults: Fault, times: int | None = None, share: float = 1.0, seed: int = 0
    ) -> None:
        """Let requests for an action fail, with these faults in turn.

        Without faults, end every fault and every canned answer of the action. The fault of a request depends on its
        number among the requests for the action, and on nothing else.

        Args:
            action: The operation.
            faults: The faults, in turn.
            times: The number of requests that fail, beginning with the next; None for all from now on.
            share: The share of requests that fail, picked at random.
            seed: The seed of the random picks.

        Raises:
            TypeError: One of the faults is neither a Fault nor a CannedAnswer.
            ValueError: ``share`` is not between 0 and 1, or given together with ``times``; or ``times`` is negative.
        """
        _check_answers(faults)
        _not_negative("times", times or 0)
        if not 0 <= share <= 1 or (times is not None and share < 1):
            raise ValueError("share must be between 0 and 1, and cannot be given together with times")
        with self._gateway.lock:
            if not faults:
                self._gateway.scripted_answers.clear(action)
            elif times is None:
                self._gateway.scripted_answers.set_always(action, faults, share, seed)
            else:
                self._gateway.scripted_answers.add_repeatedly(action, faults, times)

    def throttle(self, action: str, per_minute: int | None) -> None:
        """Limit the requests for an action per minute of the clock, caller and region; None ends the limit.

        Requests above the limit get the error ``Throttling.User``.

        Raises:
            ValueError: ``per_minute`` is negative.
        """
        _not_negative("per_minute", per_minute or 0)
        with self._gateway.lock:
            self._gateway.limits.pop(action, None)
            if per_minute is not None:
                self._gateway.limits[action] = per_minute

    def deny(self, *actions: str) -> None:
        """Refuse these actions with ``Forbidden.RAM``, as if no caller had been granted them."""
        with self._gateway.lock:
            self._gateway.denied.update(actions)

    def allow(self, *actions: str) -> None:
        """End the refusal of these actions by `deny`."""
        with self._gateway.lock:
            self._gateway.denied.difference_update(actions)

    @property
    def requests(self) -> Sequence[RecordedRequest]:
        """The newest ``most_recorded`` requests so far, in the order of their arrival."""
        with self._gateway.lock:
            return tuple(self._gateway.requests)

    @property
    def writes(self) -> Sequence[RecordedRequest]:
        """The recorded requests for a change, refused or not: all but Describe and List operations."""
        return tuple(request for request in self.requests if request.is_write)

    @property
    def reads(self) -> Sequence[RecordedRequest]:
        """The recorded requests for Describe and List operations."""
        return tuple(request for request in self.requests if not request.is_write)

    def assert_no_writes(self) -> None:
        """Check that no request asked for a change.

        Raises:
            AssertionError: A request asked for a change. The message lists all such requests.
        """
        if writes := self.writes:
            listed = "".join(f"\n  {number}. {write}" for number, write in enumerate(writes, 1))
            raise AssertionError(f"{len(writes)} write request(s) reached FakeEcs:{listed}")

    def reset(self) -> None:
        """Forget the record, the contents, faults, canned answers, limits and denials. Keys and latency stay.

        Every client of this process forgets the answers of this endpoint.
        """
        with self._gateway.lock:
            self._gateway.reset()
        forget_endpoint(self.endpoint)


def _not_negative(name: str, number: float) -> float:
    if not number >= 0:  # NaN fails this comparison too.
        raise ValueError(f"{name} must not be negative: {number!r}")
    return number


def _check_answers(scripted: Sequence[CannedAnswer | Fault]) -> None:
    for each in scripted:
        if not isinstance(each, (CannedAnswer, Fault)):
            raise TypeError(f"expected a CannedAnswer or a Fault, not {each!r}")
