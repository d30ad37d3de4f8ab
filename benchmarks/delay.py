"""A proxy that makes a server on this machine look far away. Run as a program; ends with its standard input.

`delay.py '{"target": 8443, "round_trips": [0.05]}'` listens once for each round-trip time (in seconds), prints the
ports as a JSON list, and passes everything on, half a round trip late in each direction.

The kernel answers a client's connect at once, where a distant server's answer would take a round trip. So what a client
sends is taken to have been sent one round trip after it connected, at the earliest: with that, a new TCP connection, a
TLS 1.3 handshake and one exchange take three round trips, as they do over a real network.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import selectors
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, cast


class Line:
    """One direction of a connection: what goes in comes out in the same order, each at its time."""

    def __init__(self, delay: float, not_before: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._delay = delay
        self._not_before = not_before
        self._far_end: asyncio.Transport | None = None
        self._due: list[Callable[[asyncio.Transport], None]] = []

    def connect(self, far_end: asyncio.Transport) -> None:
        self._far_end = far_end
        for act in self._due:
            act(far_end)
        self._due.clear()

    def send(self, act: Callable[[asyncio.Transport], None]) -> None:
        sent = max(self._loop.time(), self._not_before)
        self._loop.call_at(sent + self._delay, self._arrive, act)

    def _arrive(self, act: Callable[[asyncio.Transport], None]) -> None:
        if self._far_end is None:
            self._due.append(act)
        else:
            act(self._far_end)


class End(asyncio.Protocol):
    """One of the two sockets of a connection: what it hears goes down `line`."""

    def __init__(self, line: Line, back: Line) -> None:
        self._line = line
        self._back = back

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._back.connect(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        self._line.send(lambda far_end: None if far_end.is_closing() else far_end.write(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._line.send(lambda far_end: far_end.close() if exc is None else far_end.abort())


class Accepted(End):
    """The client's side; opens the server's."""

    def __init__(self, target: int, round_trip: float) -> None:
        now = asyncio.get_running_loop().time()
        super().__init__(Line(round_trip / 2, now + round_trip), Line(round_trip / 2, 0))
        self._target = target
        self._dialling: asyncio.Task[Any] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._dialling = asyncio.create_task(self._dial(cast("asyncio.Transport", transport)))

    async def _dial(self, near: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: End(self._back, self._line), "127.0.0.1", self._target)
        except OSError:
            near.abort()


async def main(job: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    ports = []
    for round_trip in job["round_trips"]:
        accept = partial(Accepted, job["target"], round_trip)
        server = await loop.create_server(accept, "127.0.0.1", 0, backlog=4096)
        port = server.sockets[0].getsockname()[1]
        ports.append(port)
        with contextlib.suppress(OSError):  # a name such as localhost may mean this one first
            await loop.create_server(accept, "::1", port, backlog=4096)
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    # select() sleeps to the microsecond, epoll to the millisecond.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(main(json.loads(sys.argv[1])))
