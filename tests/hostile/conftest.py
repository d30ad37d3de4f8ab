"""A server that sends whatever bytes a test wants, at whatever pace, and notes what it was sent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

Behaviour = Callable[[socket.socket, bytes], None]


class RawServer:
    """Reads one request per connection, hands the socket to `behave`, closes."""

    def __init__(self) -> None:
        self.behave: Behaviour = lambda connection, request: None
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def answer(self, *chunks: bytes) -> None:
        """Every request is answered with these bytes."""
        self.behave = lambda connection, request: connection.sendall(b"".join(chunks))

    def drip(self, data: bytes, pause: float) -> None:
        """Every request is answered one byte at a time."""

        def behave(connection: socket.socket, request: bytes) -> None:
            for i in range(len(data)):
                connection.sendall(data[i : i + 1])
                if self._stopping.wait(pause):
                    return

        self.behave = behave

    def forever(self, head: bytes, chunk: bytes) -> None:
        """Every request is answered with a head, and then chunks until the client has had enough."""

        def behave(connection: socket.socket, request: bytes) -> None:
            connection.sendall(head)
            while not self._stopping.is_set():
                connection.sendall(chunk)

        self.behave = behave

    def hang(self) -> None:
        """Every request is read and never answered."""

        def behave(connection: socket.socket, request: bytes) -> None:
            self._stopping.wait(10)

        self.behave = behave

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            request = b""
            while b"\r\n\r\n" not in request:
                received = connection.recv(65536)
                if not received:
                    return
                request += received
            head, _, body = request.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            while len(body) < length:
                body += connection.recv(65536)
            self.requests.append(head + b"\r\n\r\n" + body)
            self.behave(connection, request)
            # Say goodbye properly, so that unread input does not turn the answer into a reset.
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(0.2)
            while connection.recv(65536):
                pass

    def stop(self) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def server() -> Iterator[RawServer]:
    made = RawServer()
    yield made
    made.stop()
