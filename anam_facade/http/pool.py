"""Connections that are kept, the one used last on top.

Unlike a pool that looks at each for every request, this costs the same however many there are.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import anyio

from . import network


class Connection(Protocol):
    """What a pool has to know of a connection: since when it is idle, whether it is alive, how to end it."""

    idle_since: float

    def is_alive(self) -> bool: ...
    def wake(self) -> None: ...
    def close(self) -> None: ...


class AsyncConnection(Protocol):
    """The same without blocking."""

    idle_since: float

    def is_alive(self) -> bool: ...
    async def aclose(self) -> None: ...


C = TypeVar("C", bound=Connection)
A = TypeVar("A", bound=AsyncConnection)


def _is_usable(connection: Connection | AsyncConnection) -> bool:
    return time.monotonic() - connection.idle_since <= network.KEEPALIVE_EXPIRY and connection.is_alive()


class Pool(Generic[C]):
    """For threads."""

    def __init__(self) -> None:
        self.idle: deque[C] = deque()
        self.busy: set[C] = set()
        self._slots = threading.Semaphore(network.MAX_CONNECTIONS)
        self._closed = False

    def take(self, make: Callable[[], C], timeout: float, *, new: bool = False) -> C:
        """An idle connection, or else a new one; to be given back."""
        if not self._slots.acquire(timeout=timeout):
            raise TimeoutError(f"none of {network.MAX_CONNECTIONS} connections became free in time")
        try:
            connection = None if new else self._idle()
            if connection is None:
                connection = make()
            self.busy.add(connection)
        except BaseException:
            self._slots.release()
            raise
        return connection

    def _idle(self) -> C | None:
        with suppress(IndexError):
            while True:
                connection = self.idle.pop()
                if _is_usable(connection):
                    return connection
                connection.close()
        return None

    def give_back(self, connection: C, whole: bool) -> None:
        """Keeps the connection if its exchange was whole. After anything else, be it a signal, it is not used again."""
        try:
            self.busy.discard(connection)
            connection.idle_since = time.monotonic()
            if whole and not self._closed:
                self.idle.append(connection)
            else:
                connection.close()
            with suppress(IndexError):
                oldest = self.idle.popleft()
                if _is_usable(oldest) and not self._closed:
                    self.idle.appendleft(oldest)
                else:
                    oldest.close()
        finally:
            self._slots.release()

    def close(self) -> None:
        """Closes the connections, and wakes the threads that wait: for an answer, or for a connection."""
        self._closed = True
        for connection in list(self.busy):
            connection.wake()
        with suppress(IndexError):
            while True:
                self.idle.pop().close()
        self._slots.release(network.MAX_CONNECTIONS)


class AsyncPool(Generic[A]):
    """For the tasks of one event loop."""

    def __init__(self) -> None:
        self.idle: deque[A] = deque()
        self.busy: set[A] = set()
        self._slots = anyio.Semaphore(network.MAX_CONNECTIONS, fast_acquire=True)
        self._closed = False

    async def take(self, make: Callable[[], Awaitable[A]], timeout: float | None = None, *, new: bool = False) -> A:
        """An idle connection, or else a new one; to be given back."""
        try:
            self._slots.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.fail_after(timeout):
                await self._slots.acquire()
        try:
            connection = None
            while self.idle and not new and connection is None:
                connection = self.idle.pop()
                if not _is_usable(connection):
                    await _close(connection)
                    connection = None
            if connection is None:
                connection = await make()
        except BaseException:
            self._slots.release()
            raise
        self.busy.add(connection)
        return connection

    async def give_back(self, connection: A, whole: bool) -> None:
        """Keeps the connection if its exchange was whole. After anything else it is not used again."""
        self._slots.release()
        self.busy.discard(connection)
        connection.idle_since = time.monotonic()
        if whole and not self._closed:
            self.idle.append(connection)
        else:
            await _close(connection)
        if self.idle and not _is_usable(self.idle[0]):
            await _close(self.idle.popleft())

    async def aclose(self) -> None:
        """Closes the connections, and wakes the tasks that wait: for an answer, or for a connection."""
        self._closed = True
        connections = [*self.idle, *self.busy]
        self.idle.clear()
        for connection in connections:
            await _close(connection)
        for _ in range(network.MAX_CONNECTIONS):
            self._slots.release()


async def _close(connection: AsyncConnection) -> None:
    # Also, and above all, in a task that is being cancelled.
    with anyio.CancelScope(shield=True):
        await connection.aclose()
