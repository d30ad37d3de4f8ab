"""Where the sandbox meets the network: a port that can go away and come back, connections that break in every way.

uvicorn's protocol does the HTTP; its `Server` class is not used, because it looks only ten times a second whether it
should stop, and tests start and stop a sandbox by the hundred. `Connection` is that protocol, which besides tells the
application when the client has gone, and can be reset, or answered byte by byte.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.client import responses
from typing import TYPE_CHECKING, Any, cast

from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.responses import Response
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from uvicorn.server import ServerState

from .faults import Fault
from .service import Answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp

logger = logging.getLogger("anam_facade.sandbox")

_BACKLOG = 2048
"""Connections that may wait to be accepted; the system may allow fewer."""

_PATIENCE = 0.5
"""Seconds that requests in progress get to notice that their connection was cut."""

_BLOCK = 16 * 1024


class Connection(H11Protocol):
    """One client's connection. The application finds it in `scope["state"]["connection"]`.

    Attributes:
        gone: Set once the connection has ended, whoever ended it.
        busy: Whether a request is being worked on.
    """

    def __init__(self, config: Config, state: ServerState, server: Server) -> None:
        super().__init__(config, state, {"server": server, "connection": self})
        # uvicorn's own loggers may belong to another server in the same process: leave them alone.
        self.logger = logger.getChild("http")
        self.access_log = False
        self.gone = asyncio.Event()
        self.busy = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the transport when the connection has ended."""
        super().connection_lost(exc)
        self.gone.set()

    def send_400_response(self, msg: str) -> None:
        """Called for what is not HTTP: the answer of uvicorn, as the contract's error."""
        answer = Answer({"error": "Bad Request", "message": msg}, 400)
        self.transport.write(_head(answer) + bytes(answer.body))
        self.transport.close()

    async def wait(self, seconds: float) -> bool:
        """Waits, but not longer than the client does. False when the client has gone."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.gone.wait(), seconds)
            # Lets an end that has arrived in the meantime be noticed.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return not self.gone.is_set()

    async def pour(self, answer: Response, fault: Fault, at_the_end: Callable[[], None]) -> None:
        """Sends an answer as the fault wants it, for as long as the client stays, then ends the connection.

        `at_the_end` is called before the last piece is sent.
        """
        pieces = _pieces(answer, fault)
        piece = next(pieces)
        while piece and not self.gone.is_set():
            following = next(pieces, b"")
            if not following:
                at_the_end()
            self.transport.write(piece)
            await self.flow.drain()
            # Other connections get their turn also where nothing drips and the client reads as fast as it is sent.
            await asyncio.sleep(0)
            if following:
                await self.wait(fault.drip)
            piece = following
        self.transport.close()
        await self.gone.wait()


def abort(transport: asyncio.Transport) -> None:
    """Ends a connection, a web socket's included, with a TCP reset, as soon as the event loop comes round."""
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        # With a linger time of zero, closing sends RST instead of FIN.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _head(answer: Response) -> bytes:
    """The bytes in front of an answer's body. It is the connection's last one."""
    status, headers = answer.status_code, [*answer.raw_headers, (b"connection", b"close")]
    lines = [b"HTTP/1.1 %d %b" % (status, responses.get(status, "").encode("ascii"))]
    return b"\r\n".join([*lines, *(b"%b: %b" % header for header in headers), b"", b""])


def _pieces(answer: Response, fault: Fault) -> Iterator[bytes]:
    """The bytes of an answer, in the pieces in which a fault sends them."""
    body = bytes(answer.body)
    sent: Iterator[bytes] = iter([body[: len(body) // 2] if fault.truncate else body])
    if fault.endless:
        del answer.headers["Content-Length"]
        answer.headers["Transfer-Encoding"] = "chunked"
        # After a whole JSON value, blanks are still no mistake: nobody can tell that it will not end.
        unit = body if body and fault.body is not None else b" "
        blocks = itertools.chain([body or unit], itertools.repeat(unit * (_BLOCK // len(unit) or 1)))
        sent = (b"%x\r\n%b\r\n" % (len(block), block) for block in blocks)
    pieces = itertools.chain([_head(answer)], sent)
    if fault.drip:
        return (piece[i : i + 1] for piece in pieces for i in range(len(piece)))
    return pieces


class Server:
    """Serves one application on one address, from a thread of its own, as often as it is started.

    Args:
        app: What to serve. Finds this server in `scope["state"]["server"]`, and the connection in `["connection"]`.
        host: Address to listen on.
        port: TCP port; 0 picks a free one.
        keepalive: Seconds after which an idle connection is closed.
        at_the_end: Awaited in the event loop when the server stops, before its connections are cut.

    Attributes:
        base_url: Where clients find it; None before the first start.
    """

    def __init__(
        self, app: ASGIApp, host: str, port: int, *, keepalive: float, at_the_end: Callable[[], Awaitable[object]]
    ) -> None:
        self._host, self._port, self._at_the_end = host, port, at_the_end
        self._config = Config(
            cast("Any", app),
            http=Connection,
            ws=WSProtocol,
            lifespan="off",
            interface="asgi3",
            # Whoever runs this process decides about its logging, uvicorn's included.
            log_config=None,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            # Declared as int, and only ever handed to loop.call_later.
            timeout_keep_alive=cast("int", keepalive),
        )
        self._config.load()
        self._state = ServerState()
        self.base_url: str | None = None
        self._portal: BlockingPortal | None = None
        self._running = ExitStack()
        self._listener: asyncio.Server | None = None
        self._listens_at = host, port
        self._return: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Starts serving. Returns once connections are accepted; does nothing when it serves already.

        Raises:
            OSError: The address cannot be used.
        """
        if self._portal is not None:
            return
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal())
            stack.callback(portal.call, self._shut)
            portal.call(self._listen, self._port)
            self._running, self._portal = stack.pop_all(), portal
        host, port = self._listens_at
        # "Every address" can be listened on, but not everywhere be connected to.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - replaced, not listened on
        self.base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def stop(self) -> None:
        """Cuts every connection and ends the thread. Does nothing when it does not serve."""
        self._portal = None
        self._running.close()

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Runs a function in the server's thread, and waits for it; right here when it does not serve."""
        if self._portal is None:
            function(*arguments)
        else:
            self._portal.call(function, *arguments)

    # The following run in the server's thread.

    def cut(self) -> None:
        """Resets the connections on which a request is being worked on."""
        for connection in self._state.connections:
            if isinstance(connection, Connection) and connection.busy:
                abort(connection.transport)

    def go_down(self, seconds: float, spare: Connection | None = None) -> None:
        """Stops listening and resets every connection; listens on the same port again after some seconds.

        They count anew when the server is away already. The connection to `spare` is closed in an orderly way. Does
        nothing when it does not serve.
        """
        if self._listener is None:
            return
        self._listener.close()
        self._abort_all(spare)
        # A connection that was being accepted shows up one round later.
        asyncio.get_running_loop().call_soon(self._abort_all, spare)
        if self._return is not None:
            self._return.cancel()
        self._return = asyncio.create_task(self._come_back(seconds))

    async def _come_back(self, seconds: float) -> None:
        try:
            await self._listen(self._listens_at[1], after=seconds)
        except OSError as error:
            logger.error("cannot come back from the outage: %s", error)

    async def _listen(self, port: int, after: float = 0.0) -> None:
        """Reserves a port, and listens on it some seconds later; until then connecting is refused."""
        connection = partial(Connection, self._config, self._state, self)
        self._listener = await asyncio.get_running_loop().create_server(
            connection, self._host, port, backlog=_BACKLOG, start_serving=False
        )
        self._listens_at = self._listener.sockets[0].getsockname()[:2]
        await asyncio.sleep(after)
        await self._listener.start_serving()

    def _abort_all(self, spare: Connection | None = None) -> None:
        for connection in list(self._state.connections):
            if connection is spare:
                connection.transport.close()
            else:
                abort(connection.transport)

    async def _shut(self) -> None:
        if self._return is not None:
            self._return.cancel()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self._at_the_end()
        # Several rounds: one for connections that were being accepted, one for each to be told of its end.
        for _ in range(5):
            self._abort_all()
            await asyncio.sleep(0)
        if tasks := set(self._state.tasks):
            _, late = await asyncio.wait(tasks, timeout=_PATIENCE)
            if late:
                logger.warning("%d requests had to be cancelled", len(late))
