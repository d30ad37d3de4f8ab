"""The server side: nginx with constant answers, the proxy that stands for the distance to it, and the sandbox."""

from __future__ import annotations

import json
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import jwt
import spec
import trustme

HERE = Path(__file__).resolve().parent
KEY = "YmVuY2g6YmVuY2g="
HOST = "localhost"
SESSION = spec.load()["components"]["examples"]["StartedForBrowser"]["value"]
"""The answer to a start: the contract's example."""

CONFIG = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections {connections}; multi_accept on; }}
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
    location = / {{ return 204; }}
    location = /v1/auth/session-token {{ return 200 '{minted}'; }}
    location = /v1/engine/session {{ return 201 '{started}'; }}
  }}
"""
KEPT, SHORT = 3600, 2
"""Seconds for which the server keeps an idle connection, and for which the listener `https_short` does."""


class Server(NamedTuple):
    """A running nginx: the ports of its listeners, and the certificate that its clients must trust."""

    http: int
    https: int
    https_short: int
    trust: Path
    version: str


def find_nginx() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    return found or sys.exit("error: the benchmark needs nginx; on Debian or Ubuntu: apt-get install nginx-light")


@contextmanager
def nginx() -> Iterator[Server]:
    """Starts nginx on free ports of this machine, with its files in a temporary folder, and stops it by its pid."""
    program, authority, now = find_nginx(), trustme.CA(), int(time.time())
    claims = {"type": "ephemeral", "sub": "bench", "iat": now, "exp": now + 3600, "personaConfig": {"name": "Cara"}}
    minted = json.dumps({"sessionToken": jwt.encode(claims, "b" * 32, algorithm="HS256")})
    with tempfile.TemporaryDirectory(prefix="anam-facade-bench-") as name, ExitStack() as stack:
        folder, trust = Path(name), Path(name) / "trust.pem"
        authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(folder / "certificate.pem")
        authority.cert_pem.write_to_path(trust)
        for one in (sockets := [stack.enter_context(socket.socket()) for _ in range(3)]):
            one.bind(("127.0.0.1", 0))
        plain, tls, short = [one.getsockname()[1] for one in sockets]
        stack.pop_all().close()
        listeners = ((f"127.0.0.1:{plain}", KEPT), (f"127.0.0.1:{tls} ssl", KEPT), (f"127.0.0.1:{short} ssl", SHORT))
        answers = {"minted": minted, "started": json.dumps(SESSION)}
        servers = "".join(SERVER.format(listen=listen, keepalive=kept, **answers) for listen, kept in listeners)
        config = CONFIG.format(folder=name, connections=raise_file_limit() - 64, servers=servers)
        (folder / "nginx.conf").write_text(config, "utf-8")
        command = [program, "-e", "stderr", "-p", name, "-c", str(folder / "nginx.conf")]
        if setpriv := shutil.which("setpriv"):  # so that it ends with this program, however that ends
            command = [setpriv, "--pdeathsig", "TERM", *command]
        version = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
        with subprocess.Popen(command) as process:
            try:
                wait_for(plain, process)
                yield Server(plain, tls, short, trust, version.strip().split(" ")[-1])
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


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if process.poll() is None and probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    sys.exit("error: nginx does not listen after 5 s; it may have said why above")


@contextmanager
def delays(target: int, round_trips: Sequence[float]) -> Iterator[dict[float, str]]:
    """Starts the proxy; gives the URL of each round-trip time (seconds). None is needed for 0."""
    far = [trip for trip in round_trips if trip]
    command = [sys.executable, str(HERE / "delay.py"), json.dumps({"target": target, "round_trips": far})]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ports = {0.0: target} | dict(zip(far, json.loads(process.stdout.readline()), strict=True))
            yield {trip: f"https://{HOST}:{port}" for trip, port in ports.items()}
        finally:
            process.terminate()
            process.communicate()


@contextmanager
def sandbox(*arguments: str) -> Iterator[httpx.Client]:
    """A sandbox in a process of its own, with the API key `KEY`; a client for its control pages."""
    command = [sys.executable, "-m", "anam_facade.sandbox", "--port", "0", "--api-key", KEY, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(found[0] for line in process.stdout if (found := re.search(r"http://[\d.:]+", line)))
            with httpx.Client(base_url=address, timeout=60.0, trust_env=False) as control:
                yield control
        finally:
            process.terminate()
