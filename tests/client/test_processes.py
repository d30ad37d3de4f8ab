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

from anam_facade import AnamClient, AnamConnectionError, AsyncAnamClient, ClientClosedError
from anam_facade.http import network
from tests.client.servers import running
from tests.conftest import PERSONA
from tests.hostile.certificates import certified

pytestmark = pytest.mark.every_transport

KEY = "key-" + "swordfish"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.own_only
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("secure", [False, True])
def test_a_fork_shares_nothing(secure):
    """The child opens its own connections, also while a request is under way; the parent's stay whole, TLS too.

    Nor do both pause alike, or all forked workers would come back together.
    """
    context, authority = certified()
    with running(context if secure else None) as server:
        trust = ssl.create_default_context(cadata=authority)
        client = AnamClient(KEY, server.url, ssl_context=trust, retry=0)

        def pause() -> bytes:
            return repr(client._settings.policy.backoff(1, client._settings.rng)).encode()

        with client, ThreadPoolExecutor(1) as thread:
            client.create_session_token(PERSONA)
            server.hold = hold = threading.Event()
            under_way = thread.submit(client.start_engine_session, "a.b.c")
            assert server.holds_a_request()
            server.hold = None
            read, write = os.pipe()
            child = os.fork()
            if child == 0:
                failed = True
                try:
                    failed = client.start_session(PERSONA).session_id != "s-1"
                    client.close()
                    os.write(write, pause())
                finally:
                    os._exit(failed)
            assert os.waitpid(child, 0)[1] == 0
            assert os.read(read, 99) != pause()
            os.close(read)
            os.close(write)
            hold.set()
            assert under_way.result(5).session_id == "s-1"
            client.create_session_token(PERSONA)
            assert (len(server.requests), server.connections) == (5, 2)


@pytest.mark.own_only
def test_one_event_loop_after_the_other(local):
    """As in asynchronous views: each has connections of its own, which end with it, also if nobody shuts it down."""
    client = AsyncAnamClient(KEY, local.url, retry=0)

    async def view() -> None:
        await client.create_session_token(PERSONA)
        assert (await client.start_session(PERSONA)).session_id == "s-1"

    def in_a_loop_that_ends_without_a_word():
        loop = asyncio.new_event_loop()
        loop.run_until_complete(view())
        ((shelf, until),) = client._exchange._own.here().values()
        loop.run_until_complete(client._exchange._end(shelf))
        loop.close()
        return until  # or its end would be noticed after all

    asyncio.run(view())
    ends = [in_a_loop_that_ends_without_a_word()]
    asyncio.run(view())
    ends.append(in_a_loop_that_ends_without_a_word())
    asyncio.run(client.aclose())
    assert (len(local.requests), local.connections) == (12, 4)
    with pytest.raises(ClientClosedError):
        asyncio.run(view())


@pytest.mark.own_only
def test_event_loops_in_threads_at_the_same_time(local):
    """They share the client; one that closes it ends the calls of the others, long before their time-out."""
    client = AsyncAnamClient(KEY, local.url, retry=0)
    at_once = threading.Barrier(4)

    async def many() -> list[str]:
        at_once.wait(5)
        sessions = await asyncio.gather(*(client.start_session(PERSONA) for _ in range(5)))
        return [session.session_id for session in sessions]

    with ThreadPoolExecutor(4) as threads:
        for told in threads.map(lambda _: asyncio.run(many()), range(4)):
            assert told == ["s-1"] * 5
        assert len(local.requests) == 40
        local.hold = threading.Event()
        call = threads.submit(lambda: asyncio.run(client.create_session_token(PERSONA)))
        assert local.holds_a_request()
        asyncio.run(client.aclose())
        assert isinstance(call.exception(5), AnamConnectionError)


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


class Interrupt(BaseException):
    """What a signal's handler raises."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such signals here")
@pytest.mark.own_only
def test_signals_lose_nothing(local, monkeypatch, caplog):
    """However often a call is cut off, its place is free again, its connection is closed, and a line is logged."""

    def ring(*args: object) -> None:
        raise Interrupt

    def interrupt_once_it_is_held() -> None:
        assert local.holds_a_request()
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    monkeypatch.setattr(network, "MAX_CONNECTIONS", 2)
    local.hold = threading.Event()
    before = signal.signal(signal.SIGALRM, ring)
    with AnamClient(KEY, local.url, retry=0) as client, ThreadPoolExecutor(1) as thread:
        for _ in range(4):
            thread.submit(interrupt_once_it_is_held)
            with pytest.raises(Interrupt) as caught:
                client.start_session(PERSONA, direct=True, client_label="desk-7")
            assert holders_of(KEY, caught.value) == []
        signal.signal(signal.SIGALRM, before)
        local.hold.set()
        assert client.start_session(PERSONA).session_id == "s-1"
    assert local.connections == 5
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(lines) == 4
    assert all("cut off by Interrupt" in line and "desk-7" in line for line in lines)


@pytest.mark.parametrize("flavour", ["asyncio", "trio"])
def test_a_cancelled_call_leaves_no_credential_in_its_frames(portal, local, flavour):
    """Crash reporters send frames away: neither the package's nor those of the libraries below hold the key."""
    local.hold = threading.Event()
    caught: list[BaseException] = []

    async def mint() -> None:
        async with AsyncAnamClient(KEY, local.url) as client:
            with anyio.move_on_after(0.2):
                try:
                    await client.create_session_token(PERSONA)
                except BaseException as error:
                    caught.append(error)
                    raise

    portal.call(mint)
    assert [holders_of(KEY, error) for error in caught] == [[]]


def test_a_dead_first_address_does_not_use_up_the_attempt(connect, local, monkeypatch, flavour, transport):
    """A host's first address swallows connections: the second gets its share of the time, and one attempt suffices."""
    if transport == "client" and flavour == "sync":
        pytest.skip("httpx for threads tries the addresses of a client of the user's one after the other")
    port = local.server_address[1]
    look_up = socket.getaddrinfo

    def two(host, *args, **kwargs):
        if "anam.example" not in str(host):
            return look_up(host, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with socket.socket() as dead:
        dead.bind(("127.0.0.2", port))
        dead.listen(0)
        full = [socket.socket() for _ in range(3)]
        for one in full:
            one.setblocking(False)
            one.connect_ex(("127.0.0.2", port))
        calls = connect(base_url=f"http://anam.example:{port}", allow_insecure_http=True, retry=0, timeout=3)
        assert calls("start_session", PERSONA, direct=True).session_id == "s-1"
        for one in full:
            one.close()
