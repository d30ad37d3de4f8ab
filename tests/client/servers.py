"""Small servers on this machine, for tests of connections."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio

SAID = json.dumps({"sessionToken": "a.b.c", "sessionId": "s-1"}).encode()
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(SAID), SAID)


class Local(ThreadingHTTPServer):
    """Answers every POST alike, and counts connections and requests."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.requests = 0
        self.hold: threading.Event | None = None
        self.held = threading.Semaphore(0)
        self.keep_alive = True
        self.patience = 10.0
        self.given_up = 0
        self.paths: list[str] = []
        self.heads: list[dict[str, str]] = []
        self.headers: list[dict[str, str]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                owner.connections += 1
                self.timeout = owner.patience
                super().setup()

            def finish(self) -> None:
                super().finish()
                self.connection.close()
                owner.given_up += 1

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                owner.requests += 1
                owner.paths.append(self.path)
                owner.headers.append(dict(self.headers))
                if owner.hold is not None:
                    owner.held.release()
                    owner.hold.wait(10)
                with contextlib.suppress(OSError):
                    self.wfile.write(OK)
                self.close_connection = not owner.keep_alive

            def do_HEAD(self) -> None:
                owner.heads.append(dict(self.headers))
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if context is not None:
            self.scheme = "https"
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        pass

    async def holds_a_request(self) -> None:
        assert await anyio.to_thread.run_sync(lambda: self.held.acquire(timeout=5))

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"


@contextlib.contextmanager
def running(context: ssl.SSLContext | None = None):
    server = Local(context)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        if server.hold is not None:
            server.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


Behaviour = Callable[[socket.socket, bytes], object]


class RawServer:
    """Sends whatever bytes a test wants: reads one request per connection, hands the socket to `behave`, closes."""

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

    def hang(self) -> None:
        """Every request is read and never answered."""
        self.behave = lambda connection, request: self._stopping.wait(10)

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


@contextlib.contextmanager
def scripted(*replies: bytes):
    """Each connection gets the next reply after its request, and is closed; after a reply of "stall", by the client."""
    server, left = RawServer(), list(replies)

    def behave(connection: socket.socket, request: bytes) -> None:
        reply = left.pop(0)
        connection.sendall(reply)
        if b"stall" in reply:
            connection.recv(1)

    server.behave = behave
    try:
        yield server
    finally:
        server.stop()


# TLS without certificates: both sides agree on a cipher that needs none.


def anonymous(purpose: int) -> ssl.SSLContext:
    context = ssl.SSLContext(purpose)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context
