"""Small servers on this machine, for tests of connections."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

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


@contextlib.contextmanager
def scripted(*replies: bytes):
    """A server of raw bytes: each connection gets the next reply after its request, and is closed."""
    listener = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []

    def serve() -> None:
        for reply in replies:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                stream = connection.makefile("rb")
                received = b""
                with contextlib.suppress(OSError):
                    while not received.endswith(b"\r\n\r\n") and (line := stream.readline()):
                        received += line
                    length = re.search(rb"content-length: (\d+)", received, re.IGNORECASE)
                    received += stream.read(int(length[1]) if length else 0)
                requests.append(received)
                with contextlib.suppress(OSError):
                    connection.sendall(reply)
                if b"stall" in reply:
                    with contextlib.suppress(OSError):
                        connection.recv(1)
                stream.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{listener.getsockname()[1]}", requests=requests)
    finally:
        listener.close()
        with contextlib.suppress(OSError), socket.create_connection(listener.getsockname(), 0.1):
            pass
        thread.join(2)


# TLS without certificates: both sides agree on a cipher that needs none.


def anonymous(purpose: int) -> ssl.SSLContext:
    context = ssl.SSLContext(purpose)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context
