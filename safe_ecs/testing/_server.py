"""The HTTP side of FakeEcs: a server that keeps connections open, as ECS does.

It stands on the standard library's ``http.server``, since werkzeug's server closes every connection by design.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence


class CutConnectionError(Exception):
    """Raised instead of giving an answer: the connection is to be cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request as it arrived.

    Attributes:
        method: The HTTP method.
        path: The path of the URL.
        query: The parameters in the URL.
        form: The parameters in the body.
        headers: The headers, by lower-case name.
        body: The body.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    form: Sequence[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All parameters: query first, then form."""
        return [*self.query, *self.form]

    @property
    def is_acs3(self) -> bool:
        """Whether it is signed in the newer way, or says so."""
        return self.headers.get("authorization", "").startswith("ACS3-")


class Endpoint(Protocol):
    """What answers the requests."""

    def __call__(self, received: Received) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers of the answer.

        Raises:
            CutConnectionError: There is to be none.
        """
        ...


class Server(ThreadingHTTPServer):
    """Serves an endpoint, in threads of its own.

    It knows its connections, so that kept-alive ones do not outlive it.
    """

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, endpoint: Endpoint, port: int, host: str) -> None:
        self.endpoint = endpoint
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        super().__init__((host, port), _Handler)
        self._thread = Thread(target=self.serve_forever, args=(0.01,), name="FakeEcs", daemon=True)

    def server_bind(self) -> None:
        """Bind without asking a name server what the host is called."""
        TCPServer.server_bind(self)

    @property
    def address(self) -> str:
        """Host and port."""
        host, port = self.server_address[:2]
        return f"{host!s}:{port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and close every connection."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                _cut(connection)

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept a connection and remember it."""
        connection, address = super().get_request()
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Close a connection and forget it."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet about clients that hang up: tests make them do so."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # One write for head and body: the second would wait for the first to be acknowledged.

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        received = Received(
            method=self.command,
            path=url.path,
            query=parse_qsl(url.query, keep_blank_values=True),
            form=parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) if is_form else (),
            headers=headers,
            body=body,
        )
        try:
            status, answer, extra = cast("Server", self.server).endpoint(received)
        except CutConnectionError:
            self.close_connection = True
            _cut(self.connection)
            return
        self.send_response(status)
        usual = {"content-type": "application/json;charset=utf-8", "content-length": str(len(answer))}
        sent = usual | extra
        for name, value in sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)
        # An answer that is to look cut short has to end like one.
        self.close_connection |= sent["content-length"] != usual["content-length"]

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
        """Print nothing: what was asked is in the record."""


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The other side was faster.
