"""From an answer, whatever it is, to a result or a typed error."""

from __future__ import annotations

import httpx
import pytest

from anam_facade import (
    AnamConnectionError,
    AnamResponseError,
    AnamTimeoutError,
    ClientClosedError,
    PersonaConfig,
    RetryPolicy,
    SessionStartUncertainError,
)

pytestmark = pytest.mark.anyio

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(voice_id=ID, llm_id=ID)
ONCE = RetryPolicy(max_attempts=1)


async def test_an_answer_is_json_if_it_parses(connect, server):
    """Neither the content type nor a byte order mark matters, and whatever is in it is kept."""
    answer = httpx.Response(
        201, content=b'\xef\xbb\xbf{"sessionId": "s-1", "a": {}}', headers={"Content-Type": "text/plain"}
    )
    session = await connect(server(answer)).start_engine_session("a.b.c")
    assert (session.session_id, session.raw) == ("s-1", {"sessionId": "s-1", "a": {}})


async def test_a_stream_need_not_be_a_generator(connect):
    """A transport's stream may be any iterator; one that is left half-way is closed like any other."""

    class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
        closed = 0

        def __iter__(self):
            return self

        __aiter__ = __iter__

        def __next__(self):
            return b"x" * 500_000

        async def __anext__(self):
            return next(self)

        def close(self):
            self.closed += 1

        async def aclose(self):
            self.closed += 1

    stream = Endless()
    with pytest.raises(AnamResponseError, match="too long"):
        await connect(lambda request: httpx.Response(200, stream=stream)).create_session_token(PERSONA)
    assert stream.closed == 1


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(
    ("error", "cls"),
    [
        (httpx.ConnectError("no route"), AnamConnectionError),
        (httpx.ReadTimeout("late"), AnamTimeoutError),
        (OSError("not mapped"), AnamConnectionError),
        (TimeoutError(), AnamTimeoutError),
    ],
)
async def test_whether_it_was_sent_is_for_the_body_to_tell(connect, error, cls, taken):
    """Whatever a transport raises: what counts is whether it took the body. The cause does not keep the request."""

    class Mine(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request):
            if taken:
                request.read()
            raise error

        async def handle_async_request(self, request):
            if taken:
                await request.aread()
            raise error

    client = connect(transport=Mine(), retry=ONCE)
    with pytest.raises(AnamConnectionError) as caught:
        await client.create_session_token(PERSONA)
    assert type(caught.value) is cls
    assert (caught.value.sent, caught.value.retryable) == (taken, True)
    assert caught.value.__cause__ is error
    assert vars(error).get("_request") is None
    with pytest.raises(SessionStartUncertainError if taken else cls):
        await client.start_session(PERSONA, direct=True)


async def test_a_closed_client_refuses_and_sends_nothing(connect, server):
    """After closing, every call is refused as a connection error for which nothing was sent."""
    answers = server()
    client = connect(answers)
    await client.close()
    for method, argument in (
        ("create_session_token", PERSONA),
        ("start_engine_session", "a.b.c"),
        ("start_session", PERSONA),
    ):
        with pytest.raises(ClientClosedError, match="the client was closed") as caught:
            await getattr(client, method)(argument)
        assert (caught.value.sent, caught.value.attempts, caught.value.may_have_started) == (False, 0, False)
    assert answers.requests == []


class Counting(httpx.MockTransport):
    """Counts how often it is closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


async def test_a_client_closes_its_transport_once(connect, server):
    """The end of the block closes the transport, also when it is left by an exception; closing again does nothing."""
    transport = Counting(server())
    client = connect(transport=transport)

    async def fails() -> None:
        async with client:
            await client.create_session_token(PERSONA)
            assert transport.closed == 0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    await client.close()
    assert transport.closed == 1
