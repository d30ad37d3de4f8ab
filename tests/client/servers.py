"""A server on this machine that answers as a test wants, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import email
import json
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from email.message import Message
from typing import Any

SAID = json.dumps({"sessionToken": "a.b.c", "sessionId": "s-1"}).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(SAID), SAID)
NOTHING_THERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Behaviour = Callable[[socket.socket, bytes], object]


class Local(socketserver.ThreadingTCPServer):
    """Hands each request, with its connection, to `behave`.

    Attributes:
        behave: What becomes of a request; every POST is answered alike unless a test says otherwise.
        hold: An event that those answers wait for; `held` counts the requests that do.
        keep_alive: Whether a connection takes more than one request.
        patience: Seconds that it may be idle.
        requests: All of them, as they came.
        connections, closed: How many there were, and how many of them have ended.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.server_address[1]}"
        self.behave: Behaviour = self._answer_alike
        self.hold: threading.Event | None = None
        self.held = threading.Semaphore(0)
        self.keep_alive = True
        self.patience = 10.0
        self.requests: list[bytes] = []
        self.connections = self.closed = 0
        self._stopping = threading.Event()

    @property
    def headers(self) -> list[Message]:
        """Those of each request."""
        return [email.message_from_bytes(request.partition(b"\r\n")[2]) for request in self.requests]

    def holds_a_request(self) -> bool:
        """Waits until it does."""
        return self.held.acquire(timeout=5)

    def _answer_alike(self, connection: socket.socket, request: bytes) -> None:
        if self.hold is not None:
            self.held.release()
            self.hold.wait(10)
        connection.sendall(OK if request.startswith(b"POST") else NOTHING_THERE)

    def answer(self, *replies: bytes) -> None:
        """Requests are answered with these bytes, one after the other; the last ones are repeated."""
        left = list(replies)
        self.behave = lambda connection, request: connection.sendall(left.pop(0) if left[1:] else left[0])

    def drip(self, data: bytes, pause: float, *, at_once: bytes = b"") -> None:
        """Every request is answered one byte at a time, after what comes at once."""

        def behave(connection: socket.socket, request: bytes) -> None:
            connection.sendall(at_once)
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

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        super().close_request(request)
        self.closed += 1

    def stop(self) -> None:
        self._stopping.set()
        if self.hold is not None:
            self.hold.set()
        self.shutdown()
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: Local

    def setup(self) -> None:
        self.timeout = self.server.patience
        super().setup()

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while request := self._read():
                self.server.requests.append(request)
                self.server.behave(self.connection, request)
                if not self.server.keep_alive:
                    break
            # Say goodbye properly, so that unread input does not turn the answer into a reset.
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(0.2)
            while self.connection.recv(65536):
                pass

    def _read(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line.isascii():  # TLS, where none is spoken
                self.connection.sendall(NOTHING_THERE)
            if not line or not line.isascii():
                return b""
            head += line
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return head + self.rfile.read(int(length[1]) if length else 0)


@contextlib.contextmanager
def running(context: ssl.SSLContext | None = None, *, keep_alive: bool = True) -> Iterator[Local]:
    server = Local(context)
    server.keep_alive = keep_alive
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
