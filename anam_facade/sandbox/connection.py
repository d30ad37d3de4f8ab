"""Where the sandbox meets the socket: connections that can break in every way a network can.

uvicorn lets an application choose its protocol class (`Config(http=…)`). `Connection` is such a class: uvicorn's own
HTTP/1.1 protocol, which besides tells the application when the client has gone, and can be reset, or answered byte by
byte.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

from starlette.responses import Response
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .faults import Fault, reason_phrase
from .service import Answer

logger = logging.getLogger("anam_facade.sandbox")

_BLOCK = 16 * 1024


class Connection(H11Protocol):
    """One client's connection. The application finds it in `scope["state"]["connection"]`.

    Attributes:
        gone: Set once the connection has ended, whoever ended it.
        busy: Whether a request is being worked on.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, "connection": self}, _loop)
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
        answer = Answer(400, {"error": "Bad Request", "message": msg})
        self.transport.write(b"".join(wire_form(answer)))
        self.transport.close()

    async def wait(self, seconds: float) -> bool:
        """Waits, but not longer than the client does. False when the client has gone."""
        if seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await self.gone.wait()
            except TimeoutError:
                # Lets an end that has arrived in the meantime be noticed.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        return not self.gone.is_set()

    async def reset(self) -> None:
        """Ends the connection with a TCP reset: the client sees it break, not close."""
        abort(self.transport)
        await self.gone.wait()

    async def pour(self, answer: Response, fault: Fault, at_the_end: Callable[[], None]) -> None:
        """Sends an answer as the fault wants it, for as long as the client stays, then ends the connection.

        `at_the_end` is called before the last piece is sent.
        """
        pieces = wire_form(answer, fault)
        piece = next(pieces, b"")
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


def wire_form(answer: Response, fault: Fault | None = None) -> Iterator[bytes]:
    """The bytes of an answer on the wire, in the pieces in which a fault sends them."""
    body, headers = bytes(answer.body), answer.headers
    headers["Connection"] = "close"
    if fault and fault.endless:
        del headers["Content-Length"]
        headers["Transfer-Encoding"] = "chunked"
    head = b"HTTP/1.1 %d %b\r\n" % (answer.status_code, reason_phrase(answer.status_code).encode("ascii"))
    head += b"".join(b"%b: %b\r\n" % header for header in headers.raw) + b"\r\n"
    pieces: Iterator[bytes] = iter([head, body[: len(body) // 2] if fault and fault.truncate else body])
    if fault and fault.endless:
        # After a whole JSON value, blanks are still no mistake: nobody can tell that it will not end.
        unit = body if body and fault.body is not None else b" "
        block = _chunk(unit * (_BLOCK // len(unit) or 1))
        pieces = itertools.chain([head, _chunk(body or unit)], itertools.repeat(block))
    if fault and fault.drip:
        return (piece[i : i + 1] for piece in pieces for i in range(len(piece)))
    return pieces


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
