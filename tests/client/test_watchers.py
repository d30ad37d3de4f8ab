"""What people watch, intercept and replace httpx with works, and ways of sending are chosen by name.

OpenTelemetry's instrumentation does too: `tests/observability`.
"""

from __future__ import annotations

import aiohttp
import httpx
import httpx2
import pytest
import respx
import sentry_sdk
import vcr
from sentry_sdk.integrations.httpx import HttpxIntegration

from anam_facade import AnamConfigError, _settings
from tests.client.servers import OK
from tests.conftest import PERSONA

MINT, START = "/v1/auth/session-token", "/v1/engine/session"
URL = "https://api.example.test"


def test_sentry(calls):
    """Its httpx integration makes a span of each request."""
    seen: list[str] = []

    class Kept(sentry_sdk.transport.Transport):
        def capture_envelope(self, envelope):
            seen.extend(span["op"] for span in envelope.get_transaction_event()["spans"])

    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1",
        traces_sample_rate=1.0,
        transport=Kept,
        # Nothing that outlives this test: no thread that reports sessions, no patch of threads or of logging.
        auto_session_tracking=False,
        default_integrations=False,
        integrations=[HttpxIntegration()],
    )
    try:
        with sentry_sdk.start_transaction(name="t"):
            calls("start_session", PERSONA)
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)  # or it would go on adding headers
    assert seen == ["http.client", "http.client"]


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
def test_respx(connect, using):
    """It stands in for the server in both of its modes."""
    with respx.mock(base_url=URL, using=using) as router:
        mint = router.post(MINT).respond(json={"sessionToken": "a.b.c"})
        start = router.post(START).respond(201, json={"sessionId": "s-1"})
        assert connect(base_url=URL)("start_session", PERSONA).session_id == "s-1"
    assert mint.calls.last.request.headers["Authorization"].startswith("Bearer api-key")
    assert start.calls.last.request.headers["Authorization"] == "Bearer a.b.c"


def test_pytest_httpx(connect, httpx_mock):
    """It stands in for the server too, and nothing goes to the network."""
    httpx_mock.add_response(url=URL + MINT, json={"sessionToken": "a.b.c"})
    httpx_mock.add_response(url=URL + START, match_json={}, json={"sessionId": "s-1"})
    assert connect(base_url=URL, retry=0)("start_session", PERSONA).session_id == "s-1"


def test_vcrpy(calls, anam_sandbox, tmp_path):
    """It records what was said, and says it again when the server is not asked."""
    recorder = vcr.VCR(filter_headers=["authorization"], match_on=["method", "path"])
    ids = []
    for _ in range(2):
        calls.configure(retry=0)
        with recorder.use_cassette(str(tmp_path / "cassette.yaml"), record_mode="once"):
            ids.append(calls("start_session", PERSONA, client_label="taped").session_id)
    assert ids[0] == ids[1]
    assert len(anam_sandbox.sessions) == 1


def test_a_client_of_the_users_is_used_and_left_open(calls, portal, anam_sandbox):
    """Its hooks run, also one that reads the answer; its cookies, redirects, auth and credentials are left out."""
    seen: list[httpx.Request] = []
    answers: list[httpx.Response] = []

    def read(response: httpx.Response) -> None:
        response.read()
        answers.append(response)

    async def asend(request: httpx.Request) -> None:
        seen.append(request)

    async def aread(response: httpx.Response) -> None:
        await response.aread()
        answers.append(response)

    hooks = (
        {"request": [asend], "response": [aread]} if calls.is_async else {"request": [seen.append], "response": [read]}
    )
    theirs = (httpx.AsyncClient if calls.is_async else httpx.Client)(
        event_hooks=hooks,
        headers={"X-Team": "blue", "Authorization": "Basic bWU6bWU=", "Cookie": "b=c"},
        cookies={"a": "b"},
        auth=("me", "me"),
        follow_redirects=True,
    )
    calls.configure(http_client=theirs)
    calls("start_session", PERSONA)
    calls.close()
    assert [request.headers["X-Team"] for request in seen] == ["blue", "blue"]
    assert not any("Cookie" in request.headers for request in seen)
    assert seen[0].headers.get_list("Authorization") == [f"Bearer {anam_sandbox.api_key}"]
    assert len(answers) == 2
    assert not theirs.is_closed
    portal.call(theirs.aclose if calls.is_async else theirs.close)


def test_a_transport_is_chosen_by_name(connect, monkeypatch):
    """`httpx` is the default by its name, `fast` the other, but behind a proxy; the agent's name tells which."""
    how = {"base_url": "http://anam.internal", "allow_insecure_http": True}
    for name, proxy, library in (("httpx", "", "httpx/"), ("fast", "", "httptools/"), ("fast", "http://a:1", "httpx/")):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        assert library in connect(transport=name, **how).client._settings.user_agent
    for missing in ("httptools", "aiohappyeyeballs"):
        monkeypatch.setattr(_settings, "find_spec", lambda name, missing=missing: name != missing)
        with pytest.raises(AnamConfigError, match=r"pip install .anam-facade\[fast\]"):
            connect(transport="fast")


@pytest.mark.parametrize(
    ("flavour", "argument", "make"),
    [
        ("sync", "http_client", httpx2.Client),
        ("asyncio", "http_client", httpx2.AsyncClient),
        ("asyncio", "http_client", lambda: aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))),
        ("sync", "transport", httpx2.HTTPTransport),
        ("asyncio", "transport", httpx2.AsyncHTTPTransport),
    ],
    ids=["httpx2", "async-httpx2", "aiohttp", "httpx2-transport", "async-httpx2-transport"],
)
def test_other_libraries_do(connect, portal, local, argument, make):
    """A client is left open; cookies that a server sets are not sent back, nor is anything opened ahead."""
    local.answer(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n"))
    theirs = portal.call(make)
    calls = connect(base_url=local.url, **{argument: theirs})
    assert calls("start_session", PERSONA).session_id == "s-1"
    calls("warm_up")
    calls.close()
    assert type(theirs).__module__.partition(".")[0] in calls.client._settings.user_agent
    assert len(local.requests) == 2
    assert not any("Cookie" in headers for headers in local.headers)
    if argument == "http_client":
        assert not (theirs.closed if isinstance(theirs, aiohttp.ClientSession) else theirs.is_closed)
        portal.call(getattr(theirs, "aclose", None) or theirs.close)
