"""Serving an application from a thread of its own: a listening socket that can go away and come back.

uvicorn's protocol does the HTTP; its `Server` class is not used, because it looks only ten times a second whether it
should stop, and tests start and stop a sandbox by the hundred.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

from anyio.from_thread import start_blocking_portal
from uvicorn.config import Config
from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from uvicorn.server import ServerState

from .connection import Connection, abort, logger

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_BACKLOG = 2048
"""Connections that may wait to be accepted; the system may allow fewer."""

_PATIENCE = 0.5
"""Seconds that requests in progress get to notice that their connection was cut."""


class Server:
    """Serves one application on one address.

    Args:
        app: What to serve. Finds this server in `scope["state"]["server"]`, and the connection in `["connection"]`.
        host: Address to listen on.
        port: TCP port; 0 picks a free one.
        keepalive: Seconds after which an idle connection is closed.
        at_the_end: Awaited in the event loop when the server stops, before its connections are cut.

    Raises:
        OSError: The address cannot be used.
    """

    def __init__(
        self, app: ASGIApp, host: str, port: int, keepalive: float, at_the_end: Callable[[], Awaitable[object]]
    ) -> None:
        self._at_the_end = at_the_end
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
        self._socket: socket.socket | None = _bound(host, port)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self.base_url = _url(*self.address)
        self._listener: asyncio.Server | None = None
        self._return: asyncio.Task[None] | None = None
        self._running = ExitStack()

    def start(self) -> None:
        """Starts serving, in a thread of its own. Returns once connections are accepted.

        Raises:
            OSError: Another process has begun to listen on the port.
        """
        with ExitStack() as stack:
            stack.callback(self._release)
            portal = stack.enter_context(start_blocking_portal())
            portal.call(self._listen)
            stack.callback(portal.call, self._shut)
            self._portal = portal
            self._running = stack.pop_all()

    def stop(self) -> None:
        """Cuts every connection and ends the thread. Does nothing when it does not serve."""
        self._running.close()

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Runs a function in the thread of a server that serves, and waits for it."""
        self._portal.call(function, *arguments)

    # The following run in the server's thread.

    def reset(self, forget: Callable[[], None]) -> None:
        """Resets the connections on which a request is being worked on, with nothing happening before `forget`."""
        forget()
        for connection in self._state.connections:
            if isinstance(connection, Connection) and connection.busy:
                abort(connection.transport)

    def go_down(self, seconds: float, spare: Connection | None = None) -> None:
        """Stops listening and resets every connection; listens on the same port again after some seconds.

        They count anew when the server is away already. The connection to `spare` is closed in an orderly way.
        """
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            # Bound but not listening: connecting is refused, and nobody else is given the port in the meantime.
            self._socket = _bound(*self.address)
        self._abort_all(spare)
        # A connection that was being accepted shows up one round later.
        asyncio.get_running_loop().call_soon(self._abort_all, spare)
        if self._return is not None:
            self._return.cancel()
        self._return = asyncio.create_task(self._come_back(seconds))

    async def _come_back(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        try:
            await self._listen()
        except OSError as error:
            logger.error("cannot come back from the outage: %s", error)

    async def _listen(self) -> None:
        if self._socket is not None:
            loop = asyncio.get_running_loop()
            self._listener = await loop.create_server(self._connection, sock=self._socket, backlog=_BACKLOG)
            # The listener owns the socket from here on.
            self._socket = None

    def _connection(self) -> Connection:
        return Connection(self._config, self._state, {"server": self})

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
        await self._at_the_end()
        # Several rounds: one for connections that were being accepted, one for each to be told of its end.
        for _ in range(5):
            self._abort_all()
            await asyncio.sleep(0)
        if tasks := set(self._state.tasks):
            _, late = await asyncio.wait(tasks, timeout=_PATIENCE)
            if late:
                logger.warning("%d requests had to be cancelled", len(late))

    def _release(self) -> None:
        if self._socket is not None:
            self._socket.close()


def _url(host: str, port: int) -> str:
    # "Every address" can be listened on, but not everywhere be connected to.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - replaced, not listened on
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bound(host: str, port: int) -> socket.socket:
    """A socket with that address, not listening yet."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    sock = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            # Connections that were just closed must not keep the port. (On Windows the option means something else.)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock
