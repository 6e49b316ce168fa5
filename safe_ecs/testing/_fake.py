"""FakeEcs: an Alibaba Cloud ECS for tests, as far as security groups are concerned."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING, Final, cast

from safe_ecs.cache._memory import forget_endpoint
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
    them; it checks signatures, refuses changes to managed groups exactly as ECS does, and records every request::

        with FakeEcs() as ecs:
            client = Client(ecs.config())

    OPERATIONS.md, beside this file, says operation by operation what is kept and what is checked.

    Args:
        port: The port to listen on; 0 for a free one.
        host: The address to listen on, that of loopback unless another is given.
        latency: Seconds that every answer takes; not negative.
        check_signatures: Whether requests must be signed, with a key of `config` or `add_access_key`. If not, who
            asks is what the request says.
        clock: What time it is, in seconds since the epoch: for the dates of signatures, the ends of STS tokens
            and the minutes of throttling.
        most_recorded: How many requests the record holds, the newest ones; None for all.

    Raises:
        OSError: The address is not this machine's, or the port is taken.
        OverflowError: There is no such port.
        ValueError: ``latency`` or ``most_recorded`` is negative.
    """

    def __init__(  # noqa: PLR0913 - keywords, each of which a test may want
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
        """Stop the server, and let every client of this process forget what it said: its port will be somebody else's."""
        self._server.stop()
        forget_endpoint(self.endpoint)

    @property
    def endpoint(self) -> str:
        """Host and port."""
        return self._server.address

    @property
    def latency(self) -> float:
        """Seconds that every answer takes; it may be changed at any time.

        Raises:
            ValueError: A negative one is set.
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
            region_id: The client's region.
            service_id: Makes the client act for this cloud service instead of an account.
            security_token: Makes the client sign with a temporary key that goes with this STS token.
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
            region_id=cast("str", region_id),  # The SDK's annotations leave out that None will do.
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
        """Let requests be signed with another key.

        Args:
            access_key_id: Its id; one with the same id is replaced.
            access_key_secret: Its secret.
            service_id: The cloud service it belongs to; None for the account.
            security_token: The STS token that must come with it.
            expires: When that token ends, in seconds since the epoch; None for never.
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
        """The keys that requests can be signed with."""
        with self._gateway.lock:
            return tuple(self._gateway.keyring)

    def remove_access_key(self, access_key_id: str) -> None:
        """Let nothing be signed with a key any more.

        Raises:
            KeyError: There is no such key.
        """
        with self._gateway.lock:
            self._gateway.keyring.remove(access_key_id)

    def answer_with(self, action: str, *answers: CannedAnswer | Fault) -> None:
        """Answer the next requests for an action with these, one each, and go on as before after that.

        Raises:
            TypeError: One of them is no answer and no fault.
        """
        _check(answers)
        with self._gateway.lock:
            self._gateway.script.add(action, answers)

    def answer_always(self, action: str, answer: CannedAnswer | Fault | None) -> None:
        """Answer every request for an action with this, or as usual again if None.

        Raises:
            TypeError: It is no answer and no fault.
        """
        _check([answer] if answer else [])
        with self._gateway.lock:
            self._gateway.script.set_always(action, [answer] if answer else [])

    def fail(
        self, action: str, *faults: Fault, times: int | None = None, share: float = 1.0, seed: int = 0
    ) -> None:
        """Let requests for an action fail, with these faults in turn; with none, let them fail no more, whatever was said.

        Which request fails depends on its number among those for this action, and on nothing else.

        Args:
            action: The operation.
            faults: What goes wrong.
            times: How many of the next requests fail; all from now on if None.
            share: The share of the requests that fail, picked at random.
            seed: Makes the random picks repeatable.

        Raises:
            TypeError: One of the faults is none.
            ValueError: ``share`` is not between 0 and 1, or given together with ``times``; or ``times`` is negative.
        """
        _check(faults)
        _not_negative("times", times or 0)
        if not 0 <= share <= 1 or (times is not None and share < 1):
            raise ValueError("share must be between 0 and 1, and cannot be given together with times")
        with self._gateway.lock:
            if not faults:
                self._gateway.script.clear(action)
            elif times is None:
                self._gateway.script.set_always(action, faults, share, seed)
            else:
                self._gateway.script.add_repeatedly(action, faults, times)

    def throttle(self, action: str, per_minute: int | None) -> None:
        """Let through so many requests for an action in each minute of the clock, caller and region; all if None.

        The others are answered with ``Throttling.User``.

        Raises:
            ValueError: ``per_minute`` is negative.
        """
        _not_negative("per_minute", per_minute or 0)
        with self._gateway.lock:
            self._gateway.limits.pop(action, None)
            if per_minute is not None:
                self._gateway.limits[action] = per_minute

    def deny(self, *actions: str) -> None:
        """Refuse these actions with ``Forbidden.RAM``, as if nobody had been granted them."""
        with self._gateway.lock:
            self._gateway.denied.update(actions)

    def allow(self, *actions: str) -> None:
        """Take back what was denied."""
        with self._gateway.lock:
            self._gateway.denied.difference_update(actions)

    @property
    def requests(self) -> Sequence[RecordedRequest]:
        """The requests so far, in the order of their arrival; the newest ``most_recorded`` of them."""
        with self._gateway.lock:
            return tuple(self._gateway.requests)

    @property
    def writes(self) -> Sequence[RecordedRequest]:
        """The requests that asked for a change, refused or not."""
        return tuple(request for request in self.requests if request.is_write)

    @property
    def reads(self) -> Sequence[RecordedRequest]:
        """The other requests."""
        return tuple(request for request in self.requests if not request.is_write)

    def assert_no_writes(self) -> None:
        """Check that nothing asked for a change.

        Raises:
            AssertionError: Something did; the message names each such request.
        """
        if writes := self.writes:
            listed = "".join(f"\n  {number}. {write}" for number, write in enumerate(writes, 1))
            raise AssertionError(f"{len(writes)} write request(s) reached FakeEcs:{listed}")

    def reset(self) -> None:
        """Forget the record, everything that was created, faults, limits and denials; keys and latency stay.

        Every client of this process forgets as well what this endpoint has said.
        """
        with self._gateway.lock:
            self._gateway.reset()
        forget_endpoint(self.endpoint)


def _not_negative(name: str, number: float) -> float:
    if not number >= 0:  # nor a NaN
        raise ValueError(f"{name} must not be negative: {number!r}")
    return number


def _check(scripted: Sequence[CannedAnswer | Fault]) -> None:
    for each in scripted:
        if not isinstance(each, (CannedAnswer, Fault)):
            raise TypeError(f"what is answered instead is a CannedAnswer or a Fault, not {each!r}")
