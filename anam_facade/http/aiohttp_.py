"""Exchanges through an `aiohttp.ClientSession` of the user's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import anyio

from .exchange import Answer, Reader, Request

if TYPE_CHECKING:
    import aiohttp


class Aiohttp:
    """Uses the session, and leaves it open. Its redirects and its `raise_for_status` do not apply."""

    proxy: str | None = None

    def __init__(self, session: aiohttp.ClientSession) -> None:
        import aiohttp

        self._session = session
        self._no_timeout = aiohttp.ClientTimeout()
        self.library = f"aiohttp/{aiohttp.__version__}"

    async def exchange(self, request: Request) -> Answer:
        """Sends the request and reads the whole answer, in exactly the time there is."""
        reader: Reader | None = None
        with anyio.move_on_after(request.timeout):
            async with self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.async_chunks(),
                allow_redirects=False,
                raise_for_status=False,
                timeout=self._no_timeout,
            ) as response:
                reader = Reader(
                    response.status, response.raw_headers, float("inf"), decoded=self._session.auto_decompress
                )
                try:
                    async for chunk in response.content.iter_any():
                        if not reader.take(chunk):
                            break
                except Exception:
                    if not reader.survives_breaking_off():
                        raise
            return reader.answer()
        if reader is not None and reader.survives_breaking_off():
            return reader.answer()
        raise TimeoutError(f"not answered within {request.timeout:g} s")

    async def warm_up(self, request: Callable[[], Request], connections: int) -> None:
        """Nothing: the pool is the user's."""

    async def aclose(self) -> None:
        """Nothing: the session is the user's."""
