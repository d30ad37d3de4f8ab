"""The connection pools' parts: proxies, and sockets that know when the attempt must be over."""

from __future__ import annotations

import asyncio
import time

import httpcore
import httpx
import pytest

from anam_facade._network import AsyncBackend, Backend, BoundedStream, proxy_for
from anam_facade._pool import MAX_CONNECTIONS, AsyncPoolTransport, PoolTransport
from anam_facade._transport import attempt_deadline


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://api.anam.ai", None),
        ({"HTTPS_PROXY": "http://p:1"}, "https://api.anam.ai", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "https://api.anam.ai", "http://p:1"),
        ({"HTTPS_PROXY": "p:1"}, "https://api.anam.ai", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "https://api.anam.ai", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://api.anam.ai", "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "https://api.anam.ai", "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://q:2"}, "https://api.anam.ai", "http://q:2"),
        ({"HTTPS_PROXY": ""}, "https://api.anam.ai", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "anam.ai"}, "https://api.anam.ai", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, "https://api.anam.ai", None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.ai"}, "https://api.anam.ai", "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:8787", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://[::1]:8787", None),
        ({"HTTP_PROXY": "http://p:1"}, "http://localhost", None),
    ],
    ids=map(str, range(15)),
)
def test_the_environments_proxy_is_used(monkeypatch, environment, url, proxy):
    """The usual variables name the proxy; this machine is never reached through one."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy


class SyncInner:
    """Stands for httpcore's backend and its streams; notes each operation and its time-out."""

    def __init__(self):
        self.calls = []

    def _note(self, name, timeout, value=None):
        self.calls.append((name, timeout))
        return value

    def connect_tcp(self, host, port, timeout, local_address, socket_options):
        return self._note("connect", timeout, self)

    def read(self, max_bytes, timeout):
        return self._note("read", timeout, b"x")

    def write(self, buffer, timeout):
        self._note(f"write {len(buffer)}", timeout)

    def start_tls(self, ssl_context, server_hostname, timeout):
        return self._note("tls", timeout, self)

    def close(self):
        self._note("close", None)

    def get_extra_info(self, info):
        return f"info {info}"


class AsyncInner(SyncInner):
    async def connect_tcp(self, *args):
        return super().connect_tcp(*args)

    async def read(self, *args):
        return super().read(*args)

    async def write(self, *args):
        super().write(*args)

    async def start_tls(self, *args):
        return super().start_tls(*args)

    async def aclose(self):
        super().close()


def use_sync(inner, timeout):
    backend = Backend()
    backend._inner = inner
    stream = backend.connect_tcp("h", 1, timeout)
    stream.read(9, timeout)
    stream.write(b"y" * 100_000, timeout)
    secure = stream.start_tls(None, "h", timeout)
    assert type(secure) is type(stream)
    assert secure.get_extra_info("i") == "info i"
    secure.close()


async def use_async(inner, timeout):
    backend = AsyncBackend()
    backend._inner = inner
    stream = await backend.connect_tcp("h", 1, timeout)
    await stream.read(9, timeout)
    await stream.write(b"y" * 100_000, timeout)
    secure = await stream.start_tls(None, "h", timeout)
    assert type(secure) is type(stream)
    assert secure.get_extra_info("i") == "info i"
    await secure.aclose()


@pytest.fixture(params=["sync", "async"])
def operations(request):
    """Does one of each socket operation, with so many seconds left, and tells the time-outs that reached the socket."""

    def run(timeout, left):
        reset = attempt_deadline.set(time.monotonic() + left)
        inner = SyncInner() if request.param == "sync" else AsyncInner()
        try:
            if request.param == "sync":
                use_sync(inner, timeout)
            else:
                asyncio.run(use_async(inner, timeout))
        finally:
            attempt_deadline.reset(reset)
        return inner.calls

    return run


@pytest.mark.parametrize("timeout", [500.0, None])
def test_no_operation_may_take_longer_than_what_is_left(operations, timeout):
    """Each operation gets what is left of the attempt's time, if that is less than its own time-out."""
    calls = operations(timeout, 100.0)
    assert {name.split()[0] for name, _ in calls} == {"connect", "read", "write", "tls", "close"}
    assert all(90 < value <= 100 for name, value in calls if name != "close")


def test_a_shorter_time_out_stays(operations):
    """A time-out that ends before the attempt does is kept."""
    assert all(value == 5.0 for name, value in operations(5.0, 100.0) if name != "close")


def test_after_the_deadline_nothing_is_begun(operations):
    """When the attempt's time is used up, no connection is opened any more."""
    with pytest.raises(httpcore.ConnectTimeout, match="used up"):
        operations(5.0, -1.0)


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (lambda stream: stream.read(1, None), httpcore.ReadTimeout),
        (lambda stream: stream.write(b"x", None), httpcore.WriteTimeout),
        (lambda stream: stream.start_tls(None), httpcore.ConnectTimeout),
    ],
    ids=["read", "write", "tls"],
)
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_each_operation_has_its_own_kind_of_time_out(kind, operation, error):
    """Reading, writing and the TLS handshake past the deadline fail as what they are."""
    backend = Backend() if kind == "sync" else AsyncBackend()
    backend._inner = SyncInner() if kind == "sync" else AsyncInner()

    def finished(value):
        return value if kind == "sync" else asyncio.run(value)

    reset = attempt_deadline.set(time.monotonic() + 5)
    try:
        stream = finished(backend.connect_tcp("h", 1))
        attempt_deadline.set(time.monotonic() - 1)
        with pytest.raises(error):
            finished(operation(stream))
    finally:
        attempt_deadline.reset(reset)


def test_a_long_body_is_written_in_pieces_that_look_at_the_clock():
    """A body that a slow peer takes byte by byte cannot outlast the attempt by more than one piece."""
    inner, backend = SyncInner(), Backend()
    backend._inner = inner
    reset = attempt_deadline.set(time.monotonic() + 5)
    try:
        backend.connect_tcp("h", 1).write(b"x" * 150_000)
    finally:
        attempt_deadline.reset(reset)
    assert [name for name, _ in inner.calls] == ["connect", "write 65536", "write 65536", "write 18928"]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_connection_made_while_the_client_closes_is_not_used(monkeypatch, kind):
    """Closing during the connecting wins: the new connection is closed, and nothing is sent over it."""
    closed = []
    token = attempt_deadline.set(time.monotonic() + 5)
    if kind == "sync":
        backend = Backend()

        class Stream:
            def close(self):
                closed.append(self)

        def connect(*args):
            backend.close()
            return Stream()

        monkeypatch.setattr(backend._inner, "connect_tcp", connect)
        with pytest.raises(httpcore.ConnectError, match="closed"):
            backend.connect_tcp("h", 1)
    else:
        abackend = AsyncBackend()

        class AsyncStream:
            async def aclose(self):
                closed.append(self)

        async def aconnect(*args):
            abackend._closed = True
            return AsyncStream()

        monkeypatch.setattr(abackend._inner, "connect_tcp", aconnect)
        with pytest.raises(httpcore.ConnectError, match="closed"):
            asyncio.run(abackend.connect_tcp("h", 1))
    attempt_deadline.reset(token)
    assert len(closed) == 1


def test_a_connection_that_cannot_be_made_frees_its_slot(monkeypatch):
    """Whatever goes wrong while a connection is made, the next call finds as many free as before."""

    def fail(*args):
        raise OSError("no more descriptors")

    request = httpx.Request("POST", "http://127.0.0.1:1/")
    token = attempt_deadline.set(time.monotonic() + 5)
    sync = PoolTransport("http://127.0.0.1:1", None)
    monkeypatch.setattr(sync._factory, "create_connection", fail)
    for _ in range(MAX_CONNECTIONS + 1):
        with pytest.raises(OSError, match="descriptors"):
            sync.handle_request(request)

    async def run():
        transport = AsyncPoolTransport("http://127.0.0.1:1", None)
        monkeypatch.setattr(transport._factory, "create_connection", fail)
        for _ in range(MAX_CONNECTIONS + 1):
            with pytest.raises(OSError, match="descriptors"):
                await transport.handle_async_request(request)

    asyncio.run(run())
    attempt_deadline.reset(token)


def test_a_connection_made_ahead_while_the_client_closes_is_closed(monkeypatch):
    """Closing wins over warming up, also in the last moment."""
    backend, inner = Backend(), SyncInner()
    backend._inner = inner
    token = attempt_deadline.set(time.monotonic() + 5)

    def start_tls(*args):
        backend._closed = True
        return inner

    monkeypatch.setattr(backend, "_opened", lambda stream: BoundedStream(inner, backend))
    monkeypatch.setattr(BoundedStream, "start_tls", lambda self, *args: start_tls() and self)
    backend.connect_ahead("h", 1, "context")
    attempt_deadline.reset(token)
    assert backend.ahead == 0
    assert inner.calls[-1] == ("close", None)
