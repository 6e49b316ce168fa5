"""A server that records every request to the byte, and gives a chosen answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Thread
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from typing import Self

_RESET: Final = 0
_GROUPS: Final = "DescribeSecurityGroups"
_TEMPLATES: Final = "DescribeLaunchTemplateVersions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of the server.

    Attributes:
        name: The kind of answer.
        status: The HTTP status. 0 resets the connection.
        body: The body, byte for byte.
        headers: More headers.
    """

    name: str
    status: int = 200
    body: bytes = b'{"RequestId": "R-1"}'
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wire:
    """One request, as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def action(self) -> str:
        headers = {name.lower(): value for name, value in self.headers}
        query = parse_qs(urlsplit(self.target).query)
        form = parse_qs(self.body.decode("utf-8", "replace"))
        return headers.get("x-acs-action") or (query.get("Action") or form.get("Action") or [""])[0]


class Recorder:
    """Keeps the requests of the callers, and answers the guard's own reads of both kinds.

    Attributes:
        answer: The answer to the callers.
        asked: The action that the callers send. A Describe of another action is a read of the guard's.
        wires: The callers' requests since ``take()``.
        reads: The number of the guard's reads.
        connections: The clients' ends of the connections so far.
    """

    def __init__(self) -> None:
        self.answer = Answer(name="plain")
        self.asked = ""
        self.wires: list[Wire] = []
        self.reads = 0
        self.connections: set[object] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.recorder = self
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def take(self) -> list[Wire]:
        """Return the callers' requests, and begin anew."""
        taken, self.wires = self.wires, []
        return taken

    def told(self, wire: Wire) -> Answer:
        """Record a request and return the answer."""
        if wire.action in {_GROUPS, _TEMPLATES} and wire.action != self.asked:
            self.reads += 1
            return _known(wire)
        self.wires.append(wire)
        return self.answer


def _known(wire: Wire) -> Answer:
    """Answer a read of the guard's: every group is ordinary, and no launch template exists."""
    query = parse_qs(urlsplit(wire.target).query)
    ids = json.loads(query.get("SecurityGroupIds", ["[]"])[0])
    groups = [{"SecurityGroupId": each, "ServiceManaged": False} for each in ids]
    body = {
        "RequestId": "R-0",
        "TotalCount": len(ids),
        "SecurityGroups": {"SecurityGroup": groups},
        "LaunchTemplateVersionSets": {"LaunchTemplateVersionSet": []},
    }
    return Answer(name="known", body=json.dumps(body).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    recorder: Recorder

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet about connections that were reset on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        wire = Wire(self.command, self.path, tuple(self.headers.items()), body)
        recorder = cast("_Server", self.server).recorder
        recorder.connections.add(self.client_address)
        answer = recorder.told(wire)
        if answer.status == _RESET:
            self.close_connection = True
            self.connection.shutdown(SHUT_RDWR)
            return
        self.send_response_only(answer.status)
        headers = {"content-type": "application/json", "content-length": str(len(answer.body))}
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
        """Print nothing."""
