"""The steps before and after an operation: signatures, permissions, throttling, faults, and the record."""

from __future__ import annotations

import json
from collections import Counter, deque
from threading import Lock
from time import sleep
from typing import TYPE_CHECKING
from uuid import uuid4

from safe_ecs.testing._errors import EcsError, forbidden
from safe_ecs.testing._faults import CannedAnswer, Fault, ScriptedAnswers
from safe_ecs.testing._keys import SECRET, AccessKey, Keyring
from safe_ecs.testing._operations.calls import Call
from safe_ecs.testing._operations.table import Operations
from safe_ecs.testing._parameters import Parameters
from safe_ecs.testing._record import RecordedRequest
from safe_ecs.testing._server import CutConnectionError
from safe_ecs.testing._signatures import claimed_key, verify
from safe_ecs.testing._state import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.testing._server import Received


class Gateway:
    """Answers the requests of one FakeEcs.

    Args:
        clock: Returns the time in seconds since the epoch.
        check_signatures: Whether a request must be signed with a known key.
        most_recorded: The highest number of requests in the record; None for all.

    Attributes:
        latency: The delay of every answer in seconds.
        lock: Guards every attribute below.
        state: The resources that the operations read and change.
        keyring: The accepted access keys.
        scripted_answers: The answers in place of the right ones.
        requests: The record.
        denied: The actions that are refused for lack of permission.
        limits: The highest number of requests per minute, by action.
        host_id: The ``HostId`` in error answers.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        check_signatures: bool,
        most_recorded: int | None,
    ) -> None:
        self.latency = 0.0
        self.lock = Lock()
        self.keyring = Keyring()
        self.host_id = ""
        self._clock = clock
        self._checks_signatures = check_signatures
        self._most_recorded = most_recorded
        self.reset()

    def reset(self) -> None:
        """Forget everything but the keys, the latency and the host id."""
        self.state = State()
        self.scripted_answers = ScriptedAnswers()
        self.requests: deque[RecordedRequest] = deque(maxlen=self._most_recorded)
        self.denied: set[str] = set()
        self.limits: dict[str, int] = {}
        self._operations = Operations()
        self._minute = 0
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def __call__(self, received: Received) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers of the answer to a request.

        Raises:
            CutConnectionError: The connection ends without an answer.
        """
        parameters = Parameters(received.pairs)
        action, version = _operation(received, parameters)
        with self.lock:
            answer, code, key = self._answer(action, version, received, parameters)
            self.requests.append(
                RecordedRequest(
                    action=action,
                    version=version,
                    parameters=dict(received.pairs),
                    headers=received.headers,
                    method=received.method,
                    path=received.path,
                    access_key_id=claimed_key(received),
                    status=answer.status,
                    code=code,
                    caller=key.caller if key else "",
                )
            )
            delay = answer.delay + self.latency
        if delay:
            sleep(delay)
        if answer.status == 0:
            raise CutConnectionError
        return answer.status, answer.body, answer.headers

    def _answer(
        self, action: str, version: str, received: Received, parameters: Parameters
    ) -> tuple[CannedAnswer, str, AccessKey | None]:
        """Return the answer, its error code, and the key of the caller."""
        scripted, key = self.scripted_answers.pop(action), self.keyring.get(claimed_key(received))
        if isinstance(scripted, CannedAnswer):
            return scripted, "", key
        fault, code = scripted, ""
        if fault and fault.is_before:
            answer = self._refusal(fault.error) if fault.error else CannedAnswer()
            return fault.spoil(answer), fault.error.code if fault.error else "", key
        try:
            key = self._authenticate(received)
            self._check_permission_and_limit(action, key, parameters)
            body = self._operations.perform(action, version, Call(self.state, parameters, key.service_id))
            answer = CannedAnswer(body=json.dumps({"RequestId": _request_id(), **body}).encode())
        except EcsError as error:
            answer, code = self._refusal(error), error.code
        except Exception as error:  # noqa: BLE001 - the client would only see a cut connection
            failure = EcsError(500, "InternalError", f"FakeEcs itself failed at {action}: {error!r}")
            answer, code = self._refusal(failure), failure.code
        return (fault.spoil(answer) if fault else answer), code, key

    def _authenticate(self, received: Received) -> AccessKey:
        if self._checks_signatures:
            return verify(received, self.keyring, self._clock())
        key_id = claimed_key(received)
        return self.keyring.get(key_id) or AccessKey(access_key_id=key_id, access_key_secret="")

    def _check_permission_and_limit(self, action: str, key: AccessKey, parameters: Parameters) -> None:
        if action in self.denied:
            raise forbidden(
                "Forbidden.RAM",
                "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
            )
        if action not in self.limits:
            return
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, Counter()
        counted = key.caller, action, parameters.get("RegionId").lower()
        self._counts[counted] += 1
        if self._counts[counted] > self.limits[action] and (error := Fault("throttled").error):
            raise error

    def _refusal(self, error: EcsError) -> CannedAnswer:
        request_id = _request_id()
        body = {
            "RequestId": request_id,
            "HostId": self.host_id,
            "Code": error.code,
            "Message": error.message,
            "Recommend": f"https://api.aliyun.com/troubleshoot?q={error.code}&product=Ecs&requestId={request_id}",
        }
        return CannedAnswer(status=error.status, body=json.dumps(body).encode())

    def add_key(self, key: AccessKey) -> None:
        """Accept an access key."""
        with self.lock:
            self.keyring.add(key)

    def add_service_key(self, service_id: int) -> str:
        """Accept the key of a cloud service, and return the id of the key."""
        access_key_id = f"fake-service-{service_id}"
        with self.lock:
            if self.keyring.get(access_key_id) is None:
                self.keyring.add(
                    AccessKey(access_key_id=access_key_id, access_key_secret=SECRET, service_id=service_id)
                )
        return access_key_id


def _operation(received: Received, parameters: Parameters) -> tuple[str, str]:
    """Return action and version, from the part of the request that the signature covers."""
    action, version = parameters.get("Action"), parameters.get("Version")
    if parameters.get("SignatureVersion") == "1.0" and not received.is_acs3:
        # The older signature covers the parameters and no header.
        return action, version
    return received.headers.get("x-acs-action") or action, received.headers.get("x-acs-version") or version


def _request_id() -> str:
    return str(uuid4()).upper()
