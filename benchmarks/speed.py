"""Time to a started session over TLS 1.3 at several distances, starts per second and CPU per start on loopback, and
importing. Everything in turn, round by round, so that what slows the machine for a while slows all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import peers
import servers

ERRANDS = Path(__file__).resolve().parent / "errands.py"
COLD, WARMED, WARM = "cold", "cold, after warm_up()", "warm"
IDLE, CLOSED = "after 5 min idle", "after the server hung up"
KINDS = (COLD, WARMED, WARM, IDLE, CLOSED)
BASE = 0.05
"""The round-trip time at which the targets are set, in seconds."""

IMPORTS = {
    "import httpx": ("ours, token", "import httpx"),
    "from anam_facade import AnamClient": ("ours, token", "from anam_facade import AnamClient"),
    "… and all its names": ("ours, token", "from anam_facade import *"),
    "import aiohttp": ("aiohttp, token", "import aiohttp"),
    "import anam": ("anam 0.12, direct", "import anam"),
    "import livekit.plugins.anam 1.8.9": ("plugin 1.8.9, direct", "import livekit.plugins.anam"),
}
"""What is imported → by which client's interpreter, and how."""
MEASURE = """
import resource, sys, time
began = time.perf_counter()
exec(sys.argv[1])
print(time.perf_counter() - began)
"""


class Start(NamedTuple):
    """One way of starting with one client, at one round-trip time in seconds."""

    client: str
    kind: str
    round_trip: float


class Load(NamedTuple):
    """One client, with so many starts at a time."""

    client: str
    at_a_time: int


@attrs.define
class Findings:
    """What was measured, round by round.

    Attributes:
        starts: Seconds from the call to the session.
        loads: Each round's `starts`, `wall` and `cpu` seconds.
        imports: Seconds.
        failures: What could not be measured, or went wrong in between; client → what it said last.
    """

    starts: dict[Start, list[float]] = attrs.field(factory=dict)
    loads: dict[Load, list[dict[str, float]]] = attrs.field(factory=dict)
    imports: dict[str, list[float]] = attrs.field(factory=dict)
    failures: dict[str, str] = attrs.field(factory=dict)


Ask = Callable[[str], dict[str, Any]]


@contextmanager
def worker(client: str, trust: Path) -> Iterator[Ask]:
    """The client's process; gives what has it carry out an order."""
    pipe = subprocess.PIPE
    command, environment = [peers.python_of(client), ERRANDS], peers.environment(trust)
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        orders, answers = process.stdin, process.stdout
        assert orders is not None
        assert answers is not None

        def ask(order: str) -> dict[str, Any]:
            with suppress(BrokenPipeError):
                orders.write(order)
                orders.flush()
            answer: dict[str, Any] = json.loads(answers.readline() or '{"error": "its process has ended"}')
            return answer

        try:
            ask(peers.job(client, errand="latency", api_key=servers.KEY))  # answered once it listens
            yield ask
        finally:
            process.kill()


class Latency:
    """Clients that start sessions at the distances asked for, never two at once."""

    def __init__(self, server: servers.Server, clients: Sequence[str], trips: Sequence[float], found: Findings) -> None:
        self._server, self._clients, self._trips, self._found = server, clients, trips, found
        self._workers: dict[str, Ask] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        with (
            servers.delays(self._server.https, self._trips) as self._urls,
            servers.delays(self._server.https_short, [BASE]) as self._short,
            ExitStack() as stack,
        ):
            for client in self._clients:
                self._workers[client] = stack.enter_context(worker(client, self._server.trust))
            yield

    def _ask(self, client: str, do: str, kind: str = "", trip: float = BASE, **order: Any) -> None:
        """Has a client carry out an order; the starts in it are noted if they are of a kind."""
        answer = self._workers[client](json.dumps({"do": do, **order}) + "\n")
        if "error" in answer:
            self._found.failures[client] = answer["error"]
        if kind:
            self._found.starts.setdefault(Start(client, kind, trip), []).extend(answer.get("seconds", ()))

    def leave_idle(self) -> None:
        """Clients that have started a session, to start the next one much later; and those whose server hangs up."""
        for client in self._idlers():
            self._ask(client, "keep", key=IDLE, count=3, base_url=self._urls[BASE])
            self._ask(client, "keep", key=CLOSED, count=2, base_url=self._short[BASE])
        self._idle_since = time.monotonic()

    def start_after_hang_up(self) -> None:
        time.sleep(max(0.0, self._idle_since + servers.SHORT + 1 - time.monotonic()))
        self._start_kept(CLOSED)

    def start_after_idling(self, *, wait: bool) -> None:
        """Starts with the clients left idle when five minutes have passed: really, or by the clients' clocks."""
        left = max(0.0, self._idle_since + 300 - time.monotonic())
        if wait:
            time.sleep(left)
        else:
            for client in self._clients:
                self._ask(client, "move the clock", seconds=left)
        self._start_kept(IDLE)

    def _start_kept(self, kind: str) -> None:
        for client in self._idlers():
            self._ask(client, "start with kept clients", kind, key=kind)

    def rounds(self, count: int) -> None:
        """Cold and warm starts of all clients, in turn."""
        new, kept = "start with a new client", "start with kept clients"
        for trip in self._trips:
            for client in self._clients:
                self._ask(client, "keep", key=str(trip), count=1, base_url=self._urls[trip])
        for trip in [*self._trips] * count:
            url = self._urls[trip]
            for client in self._clients:
                if client in self._idlers():  # a token minted before has opened a connection
                    self._ask(client, new, COLD, trip, base_url=url, warm_up=False)
                if peers.CLIENTS[client].is_ours:
                    self._ask(client, new, WARMED, trip, base_url=url, warm_up=True)
                self._ask(client, kept, key=str(trip))  # it may have been idle for long
                self._ask(client, kept, WARM, trip, key=str(trip))

    def _idlers(self) -> list[str]:
        return [client for client in self._clients if peers.CLIENTS[client].mode != "minted"]


def throughput(server: servers.Server, loads: Sequence[Load], found: Findings, *, rounds: int, seconds: float) -> None:
    """Measures every load once a round, each in a process of its own."""
    job = {"errand": "throughput", "api_key": servers.KEY, "base_url": f"http://127.0.0.1:{server.http}"}
    for _ in range(rounds):
        for load in loads:
            line = peers.job(load.client, at_a_time=load.at_a_time, seconds=seconds, **job)
            command, environment = [peers.python_of(load.client), ERRANDS], peers.environment()
            done = subprocess.run(command, input=line, capture_output=True, text=True, env=environment, check=False)
            answer = json.loads(done.stdout or json.dumps({"error": done.stderr.strip()[-300:]}))
            if failure := answer.get("error") or next(iter(answer["errors"]), None):
                found.failures[f"{load.client}, {load.at_a_time} at a time"] = failure
            if "error" not in answer:
                found.loads.setdefault(load, []).append(answer)


def imports(found: Findings, names: Sequence[str], rounds: int) -> None:
    """Each import in a fresh interpreter, in turn; one round before the first, for the caches."""
    for number in range(rounds + 1):
        for name in names:
            client, program = IMPORTS[name]
            command = [str(peers.python_of(client)), "-c", MEASURE, program]
            done = subprocess.run(command, capture_output=True, text=True, env=peers.environment(), check=True)
            if number > 0:
                found.imports.setdefault(name, []).append(float(done.stdout.split()[-1]))


def say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def load_average() -> float:
    return round(os.getloadavg()[0], 1)
