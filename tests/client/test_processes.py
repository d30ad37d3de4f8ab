"""A client in real processes: forks, event loops, signals, dead addresses, and frames of calls that are cut off."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

from anam_facade import AnamClient, AsyncAnamClient, ClientClosedError, PersonaConfig
from anam_facade.http import network
from tests.client.servers import anonymous, running

pytestmark = pytest.mark.every_transport

PERSONA = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")
KEY = "key-" + "swordfish"
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


@pytest.fixture(autouse=True)
def clock():
    """Real time: the sockets are real."""


@pytest.fixture
def local():
    with running() as server:
        yield server


@needs_fork
@pytest.mark.own_only
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("secure", [False, True])
def test_a_fork_shares_nothing(secure, monkeypatch):
    """The child opens its own connections, also while a request is under way; the parent's stay whole, TLS too."""
    with running(anonymous(ssl.PROTOCOL_TLS_SERVER) if secure else None) as server:
        trust = anonymous(ssl.PROTOCOL_TLS_CLIENT) if secure else None
        client = AnamClient(KEY, server.url, ssl_context=trust, retry=0)
        with client, ThreadPoolExecutor(1) as thread:
            client.create_session_token(PERSONA)
            server.hold = hold = threading.Event()
            under_way = thread.submit(client.start_engine_session, "a.b.c")
            assert server.held.acquire(timeout=5)
            server.hold = None
            child = os.fork()
            if child == 0:
                failed = True
                try:
                    failed = client.start_session(PERSONA).session_id != "s-1"
                    client.close()
                finally:
                    os._exit(failed)
            assert os.waitpid(child, 0)[1] == 0
            hold.set()
            assert under_way.result(5).session_id == "s-1"
            client.create_session_token(PERSONA)
            assert (server.requests, server.connections) == (5, 2)


@needs_fork
@pytest.mark.own_only
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_workers_do_not_pause_alike(local):
    """The random part of a pause is not a copy of the parent's, or all workers would come back together."""
    client = AnamClient(KEY, local.url)
    seen = set()
    for _ in range(3):
        read, write = os.pipe()
        if os.fork() == 0:
            os.write(write, repr(client._settings.policy.backoff(1, client._settings.rng)).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pauses:
            seen.add(pauses.read())
        os.wait()
    assert len(seen) == 3


@pytest.mark.own_only
def test_one_event_loop_after_the_other(local):
    """As in asynchronous views: every loop has connections of its own, which end with it; nothing is left open."""
    client = AsyncAnamClient(KEY, local.url, retry=0)

    async def view() -> str:
        await client.create_session_token(PERSONA)
        return (await client.start_session(PERSONA)).session_id

    assert [asyncio.run(view()) for _ in range(3)] == ["s-1"] * 3
    assert (local.requests, local.connections) == (9, 3)
    asyncio.run(client.aclose())
    with pytest.raises(ClientClosedError):
        asyncio.run(view())


@pytest.mark.own_only
def test_event_loops_in_threads_at_the_same_time(local):
    """Loops that run side by side share the client, and one may close it under the others."""
    client = AsyncAnamClient(KEY, local.url, retry=0)
    at_once = threading.Barrier(4)

    async def many() -> list[str]:
        at_once.wait(5)
        sessions = await asyncio.gather(*(client.start_session(PERSONA) for _ in range(5)))
        return [session.session_id for session in sessions]

    with ThreadPoolExecutor(4) as threads:
        for told in threads.map(lambda _: asyncio.run(many()), range(4)):
            assert told == ["s-1"] * 5
    assert local.requests == 40
    asyncio.run(client.aclose())


@pytest.mark.own_only
def test_closing_from_another_event_loop_ends_the_calls_of_this_one(local):
    """A call that is under way elsewhere ends, long before its time-out."""
    client = AsyncAnamClient(KEY, local.url, retry=0)
    local.hold = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(lambda: asyncio.run(client.create_session_token(PERSONA)))
        assert local.held.acquire(timeout=5)
        asyncio.run(client.aclose())
        assert call.exception(5) is not None


@pytest.mark.own_only
def test_a_loop_that_ends_without_a_word_is_forgotten(local):
    """A loop that nobody shuts down properly leaves nothing that the next one would use."""
    client = AsyncAnamClient(KEY, local.url, retry=0)

    def mint_in_such_a_loop():
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.create_session_token(PERSONA))
        ((shelf, until),) = client._exchange._own.values()
        loop.run_until_complete(client._exchange._end(shelf))
        loop.close()
        return until  # or its end would be noticed after all

    first = mint_in_such_a_loop()
    asyncio.run(client.create_session_token(PERSONA))
    second = mint_in_such_a_loop()
    asyncio.run(client.aclose())
    assert local.connections == 3
    del first, second


class Interrupt(BaseException):
    """What a signal's handler raises."""


@pytest.fixture
def interrupt(local):
    """Interrupts the main thread as soon as the server holds a request."""

    def ring(*args: object) -> None:
        raise Interrupt

    def once_it_is_held() -> None:
        assert local.held.acquire(timeout=5)
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    before = signal.signal(signal.SIGALRM, ring)
    with ThreadPoolExecutor(1) as thread:
        yield lambda: thread.submit(once_it_is_held)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such signals here")
@pytest.mark.own_only
def test_signals_lose_nothing(local, interrupt, monkeypatch, caplog):
    """However often a call is cut off, its place is free again, its connection is closed, and a line is logged."""
    monkeypatch.setattr(network, "MAX_CONNECTIONS", 2)
    local.hold = threading.Event()
    with AnamClient(KEY, local.url, retry=0) as client:
        for _ in range(4):
            interrupt()
            with pytest.raises(Interrupt) as caught:
                client.start_session(PERSONA, direct=True, client_label="desk-7")
            assert holders_of(KEY, caught.value) == []
        local.hold.set()
        assert client.start_session(PERSONA).session_id == "s-1"
    assert local.connections == 5
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(lines) == 4
    assert all("cut off by Interrupt" in line and "desk-7" in line for line in lines)


def holders_of(secret: str, error: BaseException | None) -> list[str]:
    """The variables, of any frame that an error came through but this file's, that hold a secret."""
    found = []
    while error is not None:
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename != __file__:
                found += [
                    f"{frame.f_code.co_qualname}: {name}"
                    for name, value in frame.f_locals.items()
                    if secret in repr(value)
                ]
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.anyio
async def test_a_cancelled_call_leaves_no_credential_in_its_frames(local, anyio_backend):
    """Crash reporters send frames away: neither the package's nor those of the libraries below hold the key."""
    local.hold = threading.Event()
    caught: list[BaseException] = []
    async with AsyncAnamClient(KEY, local.url) as client:
        with anyio.move_on_after(0.2):
            try:
                await client.create_session_token(PERSONA)
            except BaseException as error:
                caught.append(error)
                raise
        local.hold.set()
    assert caught
    assert holders_of(KEY, caught[0]) == []


@pytest.mark.parametrize("flavour", ["sync", "asyncio", "trio"])
@pytest.mark.anyio
async def test_a_dead_first_address_does_not_use_up_the_attempt(connect, monkeypatch, flavour, transport):
    """A host's first address swallows connections: the second gets its share of the time, and one attempt suffices."""
    if transport == "client" and flavour == "sync":
        pytest.skip("httpx for threads tries the addresses of a client of the user's one after the other")
    with running() as server, socket.socket() as dead:
        port = server.server_address[1]
        dead.bind(("127.0.0.2", port))
        dead.listen(0)
        full = [socket.socket() for _ in range(3)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(("127.0.0.2", port))
        look_up = socket.getaddrinfo

        def two(host, *args, **kwargs):
            if "anam.example" not in str(host):
                return look_up(host, *args, **kwargs)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("127.0.0.2", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        url = f"http://anam.example:{port}"
        async with connect(base_url=url, allow_insecure_http=True, retry=0, timeout=3) as client:
            assert (await client.start_session(PERSONA, direct=True)).session_id == "s-1"
        for one in full:
            one.close()
