"""One exchange: what is read, how much of it, for how long, and what a broken one means."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from types import SimpleNamespace

import httpx
import pytest

from anam_facade import AnamConnectionError, AnamTimeoutError, _transport
from anam_facade._transport import (
    MAX_BODY,
    NEVER_SENT,
    TRANSPORT_ERRORS,
    Answer,
    Request,
    attempt_deadline,
    connection_error,
    is_loopback,
    send,
    send_async,
)


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in chunks; an exception among them is raised in its place."""

    def __init__(self, *chunks):
        self.chunks = chunks
        self.taken = 0
        self.closed = 0

    def __iter__(self):
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            self.taken += 1
            yield chunk() if callable(chunk) else chunk

    async def __aiter__(self):
        for chunk in self:
            yield chunk

    def close(self):
        self.closed += 1

    async def aclose(self):
        self.closed += 1


@pytest.fixture(params=["sync", "async"])
def exchange(request):
    """Sends through a transport that answers with the given response, sync or async."""

    def run(response, timeout=5.0, seen=None):
        def handler(request: httpx.Request) -> httpx.Response:
            if seen is not None:
                seen.append((request, attempt_deadline.get(None)))
            if isinstance(response, Exception):
                raise response
            return response

        call = Request("POST", "https://a.example/x", {}, b"{}")
        transport = httpx.MockTransport(handler)
        if request.param == "sync":
            return send(transport, call, timeout)
        return asyncio.run(send_async(transport, call, timeout))

    return run


def test_an_answer_is_read_to_its_end(exchange):
    """Status, headers and the whole body come back, and the response is closed."""
    body = Body(b"ab", b"", b"cd")
    answer = exchange(httpx.Response(201, headers={"X-A": "b"}, stream=body))
    assert (answer.status_code, answer.body, answer.complete) == (201, b"abcd", True)
    assert answer.headers["x-a"] == "b"
    assert (answer.is_success, body.closed) == (True, 1)


@pytest.mark.parametrize(("status", "success"), [(200, True), (299, True), (199, False), (302, False), (404, False)])
def test_success_is_2xx(status, success):
    """Only a 2xx is a success."""
    assert Answer(status, [], b"").is_success is success


def test_an_answer_does_not_show_its_body():
    """A body may hold a token: it is not part of the repr."""
    assert "swordfish" not in repr(Answer(200, [(b"X-Token", b"swordfish")], b"swordfish"))


def test_every_time_out_is_set(exchange):
    """The transport is told the time-out for each phase, and the pool's sockets when the attempt ends."""
    seen = []
    before = _transport.time.monotonic()
    exchange(httpx.Response(200), timeout=3.0, seen=seen)
    (request, deadline) = seen[0]
    assert request.extensions["timeout"] == {"connect": 3.0, "read": 3.0, "write": 3.0, "pool": 3.0}
    assert before + 3 <= deadline <= _transport.time.monotonic() + 3
    assert attempt_deadline.get(None) is None


@pytest.mark.parametrize("status", [200, 500])
def test_no_more_is_read_than_the_ceiling(exchange, status):
    """A body without end is cut at the ceiling, and reading stops."""
    body = Body(*[b"x" * 65_536] * 40)
    answer = exchange(httpx.Response(status, stream=body))
    assert (len(answer.body), answer.complete) == (MAX_BODY, False)
    assert body.taken == 17
    assert body.closed == 1


def test_a_body_of_exactly_the_ceiling_is_complete(exchange):
    """The ceiling itself is allowed."""
    answer = exchange(httpx.Response(200, stream=Body(b"x" * MAX_BODY)))
    assert (len(answer.body), answer.complete) == (MAX_BODY, True)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), (" GZIP ", gzip.compress), ("deflate", zlib.compress)],
)
def test_compressed_answers_are_understood(exchange, encoding, compress):
    """Compression is not asked for, but undone when it comes, also when it comes byte by byte."""
    packed = compress(b'{"a": 1}' * 100)
    chunks = [packed[i : i + 1] for i in range(len(packed))]
    answer = exchange(httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Body(*chunks)))
    assert (answer.body, answer.complete) == (b'{"a": 1}' * 100, True)


def test_a_compressed_answer_cannot_be_a_bomb(exchange):
    """The ceiling holds after decompression."""
    packed = gzip.compress(b"x" * 50_000_000)
    answer = exchange(httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Body(packed)))
    assert (len(answer.body), answer.complete) == (MAX_BODY, False)


@pytest.mark.parametrize("encoding", ["br", "identity", ""])
def test_other_encodings_are_left_as_they_are(exchange, encoding):
    """What cannot be undone is handed on."""
    answer = exchange(httpx.Response(200, headers={"Content-Encoding": encoding}, stream=Body(b"abc")))
    assert (answer.body, answer.complete) == (b"abc", True)


@pytest.mark.parametrize("status", [200, 502])
def test_wrongly_compressed_answers_are_incomplete(exchange, status):
    """A body that is not what its header says is not complete, whatever the status."""
    answer = exchange(httpx.Response(status, headers={"Content-Encoding": "gzip"}, stream=Body(b"not gzip", b"x")))
    assert (answer.status_code, answer.complete) == (status, False)


BROKEN = [httpx.ReadError("reset"), httpx.RemoteProtocolError("cut"), httpx.ReadTimeout("late"), httpx.StreamClosed()]


@pytest.mark.parametrize("error", BROKEN, ids=[type(e).__name__ for e in BROKEN])
def test_a_success_that_breaks_off_is_lost(exchange, error):
    """An answer of 2xx that does not end is an error, for what it said is not known."""
    body = Body(b'{"sessionId"', error)
    with pytest.raises(type(error)):
        exchange(httpx.Response(200, stream=body))
    assert body.closed == 1


@pytest.mark.parametrize("error", BROKEN, ids=[type(e).__name__ for e in BROKEN])
def test_an_error_status_survives_breaking_off(exchange, error):
    """After an error status the status counts, however little of the body came."""
    body = Body(b'{"error"', error)
    answer = exchange(httpx.Response(503, stream=body))
    assert (answer.status_code, answer.body, answer.complete, body.closed) == (503, b'{"error"', False, 1)


@pytest.mark.parametrize("status", [200, 500])
def test_a_body_that_drips_past_the_deadline_is_cut(exchange, monkeypatch, status):
    """Each chunk may come in time and the whole not: the attempt ends at its deadline all the same."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(_transport, "time", SimpleNamespace(monotonic=lambda: clock.now))

    def drip():
        clock.now += 2.0
        return b"x"

    body = Body(*[drip] * 10)
    if status == 200:
        with pytest.raises(httpx.ReadTimeout, match="did not end in time"):
            exchange(httpx.Response(status, stream=body), timeout=5.0)
    else:
        answer = exchange(httpx.Response(status, stream=body), timeout=5.0)
        assert (answer.body, answer.complete) == (b"xxx", False)
    assert (body.taken, body.closed) == (3, 1)


def test_what_the_transport_raises_passes(exchange):
    """An error before there is an answer is not touched, and the deadline is taken back."""
    with pytest.raises(httpx.ConnectError, match="nobody there"):
        exchange(httpx.ConnectError("nobody there"))
    assert attempt_deadline.get(None) is None


ALL_ERRORS = [
    cls
    for cls in vars(httpx).values()
    if isinstance(cls, type) and issubclass(cls, TRANSPORT_ERRORS) and cls not in TRANSPORT_ERRORS
]
UNSENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol", "LocalProtocolError"}


def test_every_error_that_httpx_has_is_tried():
    """The list below has found the errors, also those that are bases of others."""
    assert len(ALL_ERRORS) > 15
    assert {cls.__name__ for cls in NEVER_SENT} == UNSENT


@pytest.mark.parametrize("cls", ALL_ERRORS)
def test_every_transport_error_becomes_a_typed_one(cls):
    """Type and words are kept; whether the request was sent, and whether it was a matter of time, is told."""
    try:
        error = cls("the words")
    except TypeError:
        error = cls()
    typed = connection_error(error, "POST", "/v1/x")
    timed_out = issubclass(cls, httpx.TimeoutException)
    assert type(typed) is (AnamTimeoutError if timed_out else AnamConnectionError)
    assert typed.sent is (cls.__name__ not in UNSENT)
    what = "the answer was lost" if typed.sent else "the request could not be sent"
    assert str(typed) == f"POST /v1/x: {what} ({cls.__name__}: {error})"


def test_an_error_without_words_has_its_name():
    """Nothing dangles when the transport says nothing."""
    assert str(connection_error(httpx.ReadError(""), "POST", "/x")) == "POST /x: the answer was lost (ReadError)"


def test_the_cause_holds_neither_frames_nor_the_request():
    """The cause keeps type and words, but nothing that leads to the bearer."""
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise httpx.ReadError("words", request=httpx.Request("POST", "https://a.example")) from inner
    except httpx.ReadError as error:
        typed = connection_error(error, "POST", "/x")
    cause = typed.__cause__
    assert type(cause) is httpx.ReadError
    assert str(cause) == "words"
    assert (cause.__traceback__, cause.__context__, cause.__cause__) == (None, None, None)
    with pytest.raises(RuntimeError, match="request"):
        cause.request  # noqa: B018


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("api.localhost", False),
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("notlocalhost", False),
        ("127.0.0.1.example.org", False),
        ("127.1", False),
        ("", False),
    ],
)
def test_what_certainly_is_this_machine(host, loopback):
    """Only names and addresses that cannot be anything but this machine count as this machine."""
    assert is_loopback(host) is loopback
