"""The HTTP side of FakeEcs: a server that keeps connections open, as ECS does.

It builds on ``http.server`` of the standard library, because werkzeug's server closes every connection by design.
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
    """Raised in place of an answer, to cut the connection."""


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
        """Whether the request names an ACS3 signature, valid or not."""
        return self.headers.get("authorization", "").startswith("ACS3-")


class Endpoint(Protocol):
    """The function that answers requests."""

    def __call__(self, received: Received) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and headers of the answer.

        Raises:
            CutConnectionError: The connection ends without an answer.
        """
        ...


class Server(ThreadingHTTPServer):
    """Serves an endpoint, in threads of its own.

    It remembers its open connections, to close kept-alive ones at its end.
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
        """Bind without the look-up of the host name that HTTPServer adds."""
        TCPServer.server_bind(self)

    @property
    def address(self) -> str:
        """The host and the port of the server."""
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
        """Print nothing: clients hang up, because tests make them do so."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One write for head and body: a second one would wait for the acknowledgement of the first.
    wbufsize = -1

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
        # A truncated answer promises more bytes than it has: only the end of the connection ends it.
        self.close_connection |= sent["content-length"] != usual["content-length"]

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
        """Print nothing: the requests are in the record."""


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The client has closed the connection already.
