"""The server side: nginx with constant answers, and the proxy that stands for the distance to it."""

from __future__ import annotations

import json
import resource
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

import attrs
import jwt

from bench import clients
from bench.client import scheduled

HERE = Path(__file__).resolve().parent

NGINX_NEEDED = "error: the benchmark needs nginx as its server; on Debian or Ubuntu: apt-get install nginx-light"

HOST = "localhost"
SESSION = {
    "sessionId": "0f9d6a5e-3f0c-4f57-9a7c-2c1d5b8e4a63",
    "engineHost": "engine-7.example.org/v1",
    "engineProtocol": "https",
    "signallingEndpoint": "/ws",
    "region": "eu",
    "clientConfig": {
        "heartbeatIntervalSeconds": 5,
        "maxWsReconnectionAttempts": 5,
        "iceServers": [{"urls": "stun:stun.example.org:3478"}],
        "iceTransportPolicy": "all",
    },
}
"""The answer to a start: the contract's example."""

CONFIG = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{
  worker_connections {connections};
  multi_accept on;
}}
http {{
  access_log off;
  default_type application/json;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  ssl_protocols TLSv1.3;
  ssl_certificate {folder}/certificate.pem;
  ssl_certificate_key {folder}/certificate.pem;
{servers}}}
"""
SERVER = """\
  server {{
    listen {listen} backlog=4096;
    keepalive_timeout {keepalive}s;
    location = /v1/auth/session-token {{ return 200 '{minted}'; }}
    location = /v1/engine/session {{ return 201 '{started}'; }}
  }}
"""

CERTIFY = """
import sys, trustme
host, certificate, trust = sys.argv[1:]
authority = trustme.CA()
authority.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(certificate)
authority.cert_pem.write_to_path(trust)
"""
"""Makes an authority, and a certificate of its for the server."""

KEPT = 3600
"""Seconds for which the server keeps an idle connection."""
SHORT = 2
"""Seconds for which the listener `https_short` does."""


def session_token() -> str:
    """What a token looks like: a signed JWT with Anam's claims, valid for an hour."""
    now = int(time.time())
    claims = {"type": "ephemeral", "sub": "bench", "iat": now, "exp": now + 3600, "personaConfig": {"name": "Cara"}}
    return jwt.encode(claims, "b" * 32, algorithm="HS256")


def nginx_config(folder: str, ports: Sequence[int], files: int) -> str:
    """The configuration: plain HTTP, TLS, and TLS with idle connections soon closed, on the three ports.

    `files` is how many it may open.
    """
    plain, tls, short = ports
    answers = {"minted": json.dumps({"sessionToken": session_token()}), "started": json.dumps(SESSION)}
    listeners = ((f"127.0.0.1:{plain}", KEPT), (f"127.0.0.1:{tls} ssl", KEPT), (f"127.0.0.1:{short} ssl", SHORT))
    servers = [SERVER.format(listen=listen, keepalive=keepalive, **answers) for listen, keepalive in listeners]
    return CONFIG.format(folder=folder, connections=files - 64, servers="".join(servers))


@attrs.frozen(kw_only=True)
class Server:
    """A running nginx.

    Attributes:
        pid: Its one process.
        http, https, https_short: Its ports.
        trust: The certificate that its clients must trust, for `SSL_CERT_FILE`.
        version: What it says it is.
    """

    pid: int
    http: int
    https: int
    https_short: int
    trust: Path
    version: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def find_nginx() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    if found is None:
        sys.exit(NGINX_NEEDED)
    return found


@contextmanager
def nginx() -> Iterator[Server]:
    """Starts nginx on free ports of this machine, with its files in a temporary folder, and stops it by its pid."""
    program = find_nginx()
    with tempfile.TemporaryDirectory(prefix="anam-facade-bench-") as name:
        folder = Path(name)
        trust = folder / "trust.pem"
        subprocess.run([clients.bench_python(), "-c", CERTIFY, HOST, folder / "certificate.pem", trust], check=True)
        ports = free_ports(3)
        config = folder / "nginx.conf"
        config.write_text(nginx_config(name, ports, raise_file_limit()), "utf-8")
        command = [program, "-e", "stderr", "-p", name, "-c", str(config)]
        if setpriv := shutil.which("setpriv"):  # so that it ends with this program, however that ends
            command = [setpriv, "--pdeathsig", "TERM", *command]
        said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
        with (folder / "errors").open("w+") as errors, subprocess.Popen(command, stderr=errors) as process:
            try:
                wait_for(ports[0], process, folder / "errors")
                yield Server(
                    pid=process.pid,
                    http=ports[0],
                    https=ports[1],
                    https_short=ports[2],
                    trust=trust,
                    version=said.strip().rpartition(" ")[2],
                )
            finally:
                process.terminate()
                process.wait(10)


def raise_file_limit() -> int:
    """Lets this process and all that it starts open enough files for a thousand connections; tells how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(hard, 8192)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def wait_for(port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
    for _ in range(500):
        if process.poll() is not None:
            sys.exit(f"error: nginx did not start:\n{errors.read_text('utf-8', 'replace')[-2000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    sys.exit("error: nginx does not listen after 5 s")


@contextmanager
def delays(target: int, round_trips: Sequence[float], *, many: bool = False) -> Iterator[dict[float, int]]:
    """Starts the proxy; gives the port of each round-trip time.

    `many` allows more than five hundred connections, at the price of precision.
    """
    job = json.dumps({"target": target, "round_trips": list(round_trips), "many": many})
    command = [sys.executable, str(HERE / "delay.py"), job]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield dict(zip(round_trips, json.loads(process.stdout.readline()), strict=True))
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


@attrs.frozen(kw_only=True)
class Ceiling:
    """What the server can do at most.

    Attributes:
        per_second: Requests answered per second.
        cpu: Microseconds of the server's CPU time per request.
    """

    per_second: float
    cpu: float


def ceiling(server: Server, seconds: float) -> Ceiling:
    """Asks the server for all that it has: ready-made requests, sixteen at a time on each of sixteen connections."""
    burst = 16
    request = (
        f"POST /v1/engine/session HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
        "Content-Length: 2\r\n\r\n{}"
    ).encode("ascii")
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        with socket.create_connection(("127.0.0.1", server.http)) as probe:
            probe.sendall(request)
            length = len(probe.recv(65_536))  # of one answer, which comes in one piece
        owed: dict[socket.socket, int] = {}
        for _ in range(16):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", server.http)))
            one.sendall(request * burst)
            owed[one] = burst * length
            selector.register(one, selectors.EVENT_READ)
        heard, began, cpu = 0, time.perf_counter(), scheduled(server.pid)[0]
        while time.perf_counter() < began + seconds:
            for key, _ in selector.select(1.0):
                one = cast("socket.socket", key.fileobj)
                count = len(one.recv(65_536))
                heard += count
                owed[one] -= count
                if owed[one] <= 0:
                    one.sendall(request * burst)
                    owed[one] += burst * length
        took, used = time.perf_counter() - began, scheduled(server.pid)[0] - cpu
    return Ceiling(per_second=heard / length / took, cpu=used / (heard / length) * 1e6)
