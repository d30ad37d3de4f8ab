"""Connections of the package's own: kept for the next request, the one used last on top.

Unlike a pool that looks at each for every request, this costs the same however many there are. Every process has its
own, so that nothing is shared after a fork, and so has every event loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Generic, TypeVar

import anyio

from . import network
from .exchange import Answer, AsyncExchange, Exchange, Request

WATCH = 0.25
"""Seconds between two looks at the requests under way in threads, for those that are late."""

NAP = 0.05
"""Seconds of idleness after which an event loop that was busy or asleep may have news of a connection to tell."""


class _Kept:
    """What is known of a connection without I/O.

    Attributes:
        reusable: Whether it is open and can take a request; not while it has one, nor after one not answered whole.
        idle_since: When the last exchange ended.
    """

    reusable = False
    idle_since = 0.0

    def is_alive(self) -> bool:
        """Whether the server has neither hung up nor said anything that nobody asked for, as far as it shows."""
        return self.reusable


class Connection(_Kept, Exchange):
    """One connection, opened by its first exchange, for one request after the other.

    Attributes:
        deadline: When the request that is under way has to be answered.
    """

    deadline = 0.0

    @abstractmethod
    def open(self, request: Request) -> Any:
        """Connects ahead, by means of this harmless request if there is no other way."""

    @abstractmethod
    def wake(self) -> None:
        """Ends the waiting of the thread that reads here; closing the socket under it would not."""


class AsyncConnection(_Kept, AsyncExchange):
    """The same without blocking."""

    @abstractmethod
    async def open(self, request: Request) -> Any:
        """Connects ahead, by means of this harmless request if there is no other way."""


C = TypeVar("C", bound=_Kept)


class _Shelf(Generic[C]):
    """The connections of one process or event loop: `idle`, `busy`, and `dropped`, which are to be closed.

    It does no I/O, and takes no lock: threads rely on each of its steps being atomic.
    """

    def __init__(self, make: Callable[[], C], slots: Any) -> None:
        self._make = make
        self.slots = slots
        self.idle: deque[C] = deque()
        self.busy: set[C] = set()
        self.dropped: list[C] = []
        self.is_closed = False

    def pick(self, *, new: bool) -> C:
        """An idle connection, or else a new one; to be put back."""
        connection = None if new else self._usable()
        if connection is None:
            connection = self._make()
        self.busy.add(connection)
        return connection

    def _usable(self) -> C | None:
        with suppress(IndexError):
            while True:
                connection = self.idle.pop()
                if _is_fresh(connection) and connection.is_alive():
                    return connection
                self.dropped.append(connection)
        return None

    def put_back(self, connection: C) -> None:
        self.busy.discard(connection)
        connection.idle_since = time.monotonic()
        (self.idle if connection.reusable and not self.is_closed else self.dropped).append(connection)
        with suppress(IndexError):
            if not _is_fresh(self.idle[0]):
                self.dropped.append(self.idle.popleft())

    def end(self) -> None:
        self.is_closed = True
        self.dropped += self.idle
        self.idle.clear()


def _is_fresh(connection: _Kept) -> bool:
    return time.monotonic() - connection.idle_since <= network.KEEPALIVE_EXPIRY


class _Watched(_Shelf[Connection]):
    """Those of threads. A socket's time-out begins anew with every byte: an answer in drops would outlast them all."""

    def __init__(self, make: Callable[[], Connection]) -> None:
        super().__init__(make, threading.Semaphore(network.MAX_CONNECTIONS))
        self._lock = threading.Lock()
        self._is_watched = False

    def watch(self) -> None:
        with self._lock:
            if not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._end_the_late, name="anam_facade time-outs", daemon=True).start()

    def _end_the_late(self) -> None:
        while self._is_watched:
            time.sleep(WATCH)
            for connection in list(self.busy):
                if connection.deadline < time.monotonic():
                    connection.wake()
            with self._lock:
                self._is_watched = bool(self.busy)


class Pooled(Exchange):
    """Exchanges over connections of the package's own, for threads."""

    def __init__(self, make: Callable[[], Connection], library: str, proxy: str | None = None) -> None:
        self.library, self.proxy = library, proxy
        self._own = network.PerProcess(lambda: _Watched(make))

    def exchange(self, request: Request) -> Answer:
        with self._taken(request) as connection:
            return connection.exchange(request)

    @contextmanager
    def _taken(self, request: Request, *, new: bool = False) -> Iterator[Connection]:
        shelf = self._own.here()
        if not shelf.slots.acquire(timeout=request.left()):
            raise TimeoutError(f"none of {network.MAX_CONNECTIONS} connections became free in time")
        try:
            connection = shelf.pick(new=new)
            try:
                connection.deadline = request.deadline
                shelf.watch()
                yield connection
            finally:
                shelf.put_back(connection)
        finally:
            shelf.slots.release()
            self._close_dropped(shelf)

    def _close_dropped(self, shelf: _Watched) -> None:
        with suppress(IndexError):
            while True:
                shelf.dropped.pop().close()

    def warm_up(self, make: Callable[[], Request], connections: int) -> None:
        with ExitStack() as held:
            for _ in range(connections - len(self._own.here().idle)):
                request = make()
                held.enter_context(self._taken(request, new=True)).open(request)

    def close(self) -> None:
        shelf = self._own.here()
        shelf.end()
        for connection in list(shelf.busy):
            connection.wake()
        self._close_dropped(shelf)
        shelf.slots.release(network.MAX_CONNECTIONS)  # wakes who waits for one


_OfLoop = tuple[_Shelf[AsyncConnection], AsyncGenerator[None]]
"""The connections of an event loop, and what closes them when it ends."""


class AsyncPooled(AsyncExchange):
    """The same without blocking. Each event loop has its own connections, which end with it."""

    def __init__(self, make: Callable[[], AsyncConnection], library: str, proxy: str | None = None) -> None:
        self.library, self.proxy = library, proxy
        self._make = make
        self._own: network.PerProcess[dict[Hashable, _OfLoop]] = network.PerProcess(dict)

    async def exchange(self, request: Request) -> Answer:
        shelf = await self._here()
        connection = await self._take(shelf, request)
        try:
            return await connection.exchange(request)
        finally:
            await self._give_back(shelf, connection)

    async def _take(self, shelf: _Shelf[AsyncConnection], request: Request, *, new: bool = False) -> AsyncConnection:
        try:
            shelf.slots.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.fail_after(request.left()):
                await shelf.slots.acquire()
        try:
            if shelf.idle and time.monotonic() - shelf.idle[-1].idle_since > NAP:
                for _ in range(2):  # once to look at the sockets, once to tell what was seen
                    await anyio.lowlevel.checkpoint()
            return shelf.pick(new=new)
        except BaseException:
            shelf.slots.release()
            raise

    async def _give_back(self, shelf: _Shelf[AsyncConnection], connection: AsyncConnection) -> None:
        shelf.slots.release()
        shelf.put_back(connection)
        if shelf.dropped:
            await self._close_dropped(shelf)

    async def _close_dropped(self, shelf: _Shelf[AsyncConnection]) -> None:
        # Also, and above all, in a task that is being cancelled.
        with anyio.CancelScope(shield=True):
            while shelf.dropped:
                await shelf.dropped.pop().aclose()

    async def warm_up(self, make: Callable[[], Request], connections: int) -> None:
        shelf = await self._here()
        held: list[AsyncConnection] = []
        try:
            for _ in range(connections - len(shelf.idle)):
                request = make()
                held.append(await self._take(shelf, request, new=True))
                await held[-1].open(request)
        finally:
            for connection in held:
                await self._give_back(shelf, connection)

    async def aclose(self) -> None:
        for loop, (shelf, until) in list(self._own.here().items()):
            if loop == _here():
                await until.aclose()
            elif isinstance(loop, asyncio.AbstractEventLoop) and loop.is_running():
                asyncio.run_coroutine_threadsafe(self._end(shelf), loop)

    async def _end(self, shelf: _Shelf[AsyncConnection]) -> None:
        shelf.end()
        shelf.dropped += shelf.busy
        await self._close_dropped(shelf)
        for _ in range(network.MAX_CONNECTIONS):  # wakes who waits for one
            shelf.slots.release()

    async def _here(self) -> _Shelf[AsyncConnection]:
        loop, own = _here(), self._own.here()
        if loop not in own:
            for other in list(own):
                if isinstance(other, asyncio.AbstractEventLoop) and other.is_closed():
                    own.pop(other, None)
            shelf = _Shelf(self._make, anyio.Semaphore(network.MAX_CONNECTIONS, fast_acquire=True))
            own[loop] = shelf, self._until_the_loop_ends(own, loop)
            await anext(own[loop][1])
        return own[loop][0]

    async def _until_the_loop_ends(self, own: dict[Hashable, _OfLoop], loop: Hashable) -> AsyncGenerator[None]:
        # `asyncio.run` and `trio.run` close the asynchronous generators that are left when all tasks are done.
        try:
            yield
        finally:
            shelf, _ = own.pop(loop)
            await self._end(shelf)


def _here() -> Hashable:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio  # it can be nothing else

        return trio.lowlevel.current_trio_token()
