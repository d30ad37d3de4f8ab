"""Time to a started session, over TLS 1.3 at several round-trip times.

Every client waits in a process of its own and starts a session when it is told to; never two at once.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import attrs

from bench import clients, servers
from bench.clients import Client
from bench.stats import Figure

COLD, WARMED, WARM = "cold", "cold, after warm_up()", "warm"
IDLE_30, IDLE_300, CLOSED = "after 30 s idle", "after 5 min idle", "after the server hung up"
FIRST = "first of a program"
KINDS = (COLD, WARMED, WARM, IDLE_30, IDLE_300, CLOSED, FIRST)


@attrs.frozen
class Cell:
    """One way of starting with one client, at one round-trip time in seconds."""

    client: str
    kind: str
    round_trip: float


@attrs.define
class Outcome:
    """The seconds that starts took; how many failed, and with what."""

    seconds: list[float] = attrs.field(factory=list)
    errors: list[str] = attrs.field(factory=list)
    unavailable: str | None = None

    def take(self, said: dict[str, Any]) -> None:
        if "unavailable" in said:
            self.unavailable = said["unavailable"]
        elif "error" in said:
            self.errors.append(said["error"])
        else:
            self.seconds += said["seconds"]


class Ready:
    """A client's process, waiting for orders."""

    def __init__(self, client: Client, trust: Path) -> None:
        self.client = client
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `stop`
        self.process = subprocess.Popen(
            [clients.python_of(client), str(clients.HERE / "client.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=clients.environment(client, trust),
        )
        self.tell({**client.job(), "do": "latency"})

    def tell(self, order: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # which `hear` tells
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(10)
            self._errors.seek(0)
            return {"error": clients.last_line(self._errors.read()) or "its process has ended"}
        said: dict[str, Any] = json.loads(line)
        return said

    def ask(self, **order: Any) -> dict[str, Any]:
        self.tell(order)
        return self.hear()

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._errors.close()


class Latency:
    """The measurement: clients, distances, and what was found so far."""

    def __init__(self, server: servers.Server, names: Iterable[str], round_trips: Sequence[float]) -> None:
        """`round_trips` are in seconds; `BASE` must be among them."""
        self.found: dict[Cell, Outcome] = {}
        self.calibration: dict[float, Calibration] = {}
        self._server = server
        self._names = list(names)
        self._round_trips = list(round_trips)
        self._ready: list[Ready] = []
        self._ports: dict[float, int] = {}
        self._kept_since: dict[str, float] = {}
        self._broken: dict[tuple[str, str], dict[str, Any]] = {}

    @contextmanager
    def running(self) -> Iterator[Self]:
        far = [round_trip for round_trip in self._round_trips if round_trip]
        try:
            with (
                servers.delays(self._server.https, far) as ports,
                servers.delays(self._server.https_short, [BASE]) as short,
            ):
                self._ports = {0.0: self._server.https, **ports}
                self._short = short[BASE]
                for client in map(clients.ALL.__getitem__, self._names):
                    self._ready.append(Ready(client, self._server.trust))
                for ready in self._ready:
                    ready.hear()
                yield self
        finally:
            for ready in self._ready:
                ready.stop()

    def url(self, round_trip: float) -> str:
        return f"https://{servers.HOST}:{self._ports[round_trip]}"

    def calibrate(self, rounds: int) -> None:
        """Measures the distances themselves, with bare sockets."""
        for round_trip in self._round_trips:
            if round_trip:
                self.calibration[round_trip] = calibrate(
                    self._ports[round_trip], round_trip, self._server.trust, rounds
                )

    def rounds(self, count: int) -> None:
        """Cold and warm starts, all clients in turn, over and over; at distances between, in every other round."""
        for round_trip in self._round_trips:
            self._open(self._ready, f"warm {round_trip}", self.url(round_trip), 1)
        for number in range(count):
            for round_trip in self._round_trips:
                if number % 2 and round_trip not in (0, BASE):
                    continue
                for ready in self._ready:
                    self._measure(ready, round_trip)

    def _measure(self, ready: Ready, round_trip: float) -> None:
        client, url = ready.client, self.url(round_trip)
        if client.mode != "minted":  # whose token came over a connection
            self._note(client, COLD, round_trip, ready.ask(order="cold", base_url=url, warm_up=False))
        if client.is_ours:
            self._note(client, WARMED, round_trip, ready.ask(order="cold", base_url=url, warm_up=True))
        self._start(ready, f"warm {round_trip}")  # the connection of the round before may have been idle for long
        self._note(client, WARM, round_trip, self._start(ready, f"warm {round_trip}"))

    def _note(self, client: Client, kind: str, round_trip: float, said: dict[str, Any]) -> None:
        self.found.setdefault(Cell(client.name, kind, round_trip), Outcome()).take(said)

    def _open(self, whom: Sequence[Ready], key: str, url: str, count: int) -> None:
        """Makes clients that have started a session, everywhere at once; its time is not measured."""
        for ready in whom:
            ready.tell({"order": "open", "key": key, "base_url": url, "count": count})
        for ready in whom:
            if said := ready.hear():
                self._broken[ready.client.name, key] = said

    def _start(self, ready: Ready, key: str) -> dict[str, Any]:
        return self._broken.get((ready.client.name, key)) or ready.ask(order="start", key=key)

    # Idle connections: several clients of each kind start a session, and another one much later.

    def leave_idle(self, kind: str, count: int) -> None:
        url = f"https://{servers.HOST}:{self._short}" if kind == CLOSED else self.url(BASE)
        self._open(self._idlers(), kind, url, count)
        self._kept_since[kind] = time.monotonic()

    def idle_for(self, kind: str) -> float:
        """Seconds since the connections of that kind were last used."""
        return time.monotonic() - self._kept_since[kind]

    def move_clocks(self, seconds: float) -> None:
        """Makes the clients believe that time has passed, as far as they go by Python's clock."""
        for ready in self._ready:
            ready.ask(order="move the clock", seconds=seconds)

    def start_idle(self, kind: str) -> None:
        for ready in self._idlers():
            self._note(ready.client, kind, BASE, self._start(ready, kind))

    def _idlers(self) -> list[Ready]:
        # A token that is minted right before the start has used the connection.
        return [ready for ready in self._ready if ready.client.mode != "minted"]

    def first_of_a_program(self, count: int) -> None:
        """From a fresh interpreter's first import to a session."""
        for _ in range(count):
            for ready in self._idlers():
                client = ready.client
                try:
                    said = clients.measure(client, do="first", base_url=self.url(BASE), trust=self._server.trust)
                except clients.FailedError as error:
                    said = {"error": str(error)}
                self._note(client, FIRST, BASE, said)


BASE = 0.05
"""The round-trip time at which the targets are set, in seconds."""


@attrs.frozen(kw_only=True)
class Calibration:
    """What the distance was measured to be, in round trips."""

    connect: Figure
    handshake: Figure
    cold: Figure
    warm: Figure

    @property
    def is_sound(self) -> bool:
        return abs(self.cold.median - 3) <= 0.1 and abs(self.warm.median - 1) <= 0.05


REQUEST = (
    f"POST /v1/engine/session HTTP/1.1\r\nHost: {servers.HOST}\r\nContent-Type: application/json\r\n"
    "Content-Length: 2\r\n\r\n{}"
).encode("ascii")


def calibrate(port: int, round_trip: float, trust: Path, rounds: int) -> Calibration:
    """A TCP connection, a TLS 1.3 handshake and two exchanges, with nothing but sockets."""
    context = ssl.create_default_context(cafile=str(trust))
    parts: dict[str, list[float]] = {"connect": [], "handshake": [], "cold": [], "warm": []}
    for _ in range(rounds):
        began = time.perf_counter()
        with socket.create_connection((servers.HOST, port)) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected = time.perf_counter()
            with context.wrap_socket(plain, server_hostname=servers.HOST) as sock:
                assert sock.version() == "TLSv1.3"
                secured = time.perf_counter()
                exchange(sock)
                cold = time.perf_counter()
                exchange(sock)
                warm = time.perf_counter()
        for name, seconds in (
            ("connect", connected - began),
            ("handshake", secured - connected),
            ("cold", cold - began),
            ("warm", warm - cold),
        ):
            parts[name].append(seconds / round_trip)
    return Calibration(**{name: Figure.of(values) for name, values in parts.items()})


def exchange(sock: ssl.SSLSocket) -> None:
    sock.sendall(REQUEST)
    heard = b""
    while not heard.endswith(b"}"):
        more = sock.recv(65_536)
        if not more:
            raise ConnectionError("the server hung up")
        heard += more
