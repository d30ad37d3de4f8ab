"""What browsers get: the page of the contract, the page at `/`, and the socket that the vendor's SDK opens."""

import asyncio
import base64
import hashlib
import json
import re
import shutil
import subprocess
import time
from html import unescape
from urllib.parse import urlsplit

import aiohttp
import pytest

from anam_facade import openapi_path
from anam_facade.sandbox import Fault, signalling
from anam_facade.sandbox.pages import LATEST, docs_path
from tests.sandbox.support import DOCUMENT, EXAMPLES, INLINE, LIVEKIT, START, eventually

pytestmark = pytest.mark.anyio

TEXT = "text/{}; charset=utf-8".format
FILES = {
    "/": TEXT("html"),
    "/docs": TEXT("html"),
    "/openapi.yaml": "application/yaml",
    "/openapi.json": "application/json",
    "/_sandbox/page.js": TEXT("javascript"),
    "/_sandbox/page.css": TEXT("css"),
}


@pytest.mark.parametrize("path", FILES)
def test_reading_is_no_part_of_what_is_tested(api, path):
    """Nothing is recorded, no fault met. Who does more than read has a wrong base URL: 404, and on record."""
    fault = api.sandbox.inject(Fault(status=500, times=1))
    get, head = api.http.get(path), api.http.head(path)
    assert (get.status_code, head.status_code, head.content) == (200, 200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert (get.headers["content-type"], get.headers["x-content-type-options"]) == (FILES[path], "nosniff")
    assert api.sandbox.requests == ()
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = api.http.request(method, path)
        assert (response.status_code, response.json()) == (404, {"error": "Not Found"})
    recorded = [(seen.method, seen.path, seen.status) for seen in api.sandbox.requests]
    assert recorded[:1] == ([] if path.startswith("/_sandbox") else [("POST", path, 404)])
    assert api.sandbox.faults == (fault,)
    assert api.mint().status_code == 500


def test_the_contract_is_served_as_it_is(api):
    """Byte for byte; as JSON with the same content; to pages from anywhere."""
    as_json = api.http.get("/openapi.json")
    assert api.http.get("/openapi.yaml").content == openapi_path().read_bytes()
    assert as_json.json() == DOCUMENT
    assert as_json.headers["access-control-allow-origin"] == "*"


def test_the_page_is_the_one_that_was_built(api, serve):
    """But for what only this sandbox knows: its address as the reader has it, and its key; no other page reads them."""
    response = api.http.get("/docs")
    parts = re.split(r"<!-- (?:sandbox|curl \w+ \w+) -->", docs_path().read_text("utf-8"))
    assert len(parts) > 15
    assert re.fullmatch(r"<d[\s\S]+?>".join(map(re.escape, parts)), response.text)
    assert f"This sandbox <code>{api.sandbox.base_url}</code>" in response.text
    assert f"API key <code>{api.sandbox.api_key}</code>" in response.text
    assert "access-control-allow-origin" not in response.headers
    aliased = api.http.get("/docs", headers={"Host": "box.example:99"}).text
    assert "This sandbox <code>http://box.example:99</code>" in aliased
    assert "<b>" not in serve(api_key="<b>").http.get("/docs").text


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to paste the commands into")
def test_every_example_of_a_request_has_a_curl_that_runs(api):
    """Pasted into a shell, each is answered 2xx."""
    commands = re.findall(r"<summary>curl</summary><pre><code>(.*?)</code>", api.http.get("/docs").text, re.DOTALL)
    assert len(commands) == sum(bool(re.match(r"Mint(?!ed)|Start(?!ed)", example)) for example in EXAMPLES)
    for command in map(unescape, commands):
        done = subprocess.run(["sh", "-c", command], capture_output=True, encoding="utf-8", check=True)
        assert {"sessionToken", "sessionId"} & json.loads(done.stdout).keys(), (command, done.stdout)


def test_the_policies_forbid_everything_but_the_pages_own_files(api):
    """`/docs` has one style and no script, also in a saved copy; `/` has neither in its own text."""
    docs, page = api.http.get("/docs"), api.http.get("/")
    (style,) = re.findall(r"<style>(.*?)</style>", docs.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    locked = "img-src data:; base-uri 'none'; form-action 'none'"
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; {locked}"
    assert docs.headers["content-security-policy"] == f"{policy}; frame-ancestors 'none'"
    assert re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', docs.text) == [policy]
    assert not re.search(r"url\(|@import|image-set|src\s*:", style)
    own = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
    assert page.headers["content-security-policy"] == f"{own}; {locked}; frame-ancestors 'none'"
    assert "<style" not in page.text
    assert {path for path in FILES if path.startswith("/_sandbox")} == set(re.findall(r'"(/_sandbox/.*?)"', page.text))


# --- What the page at `/` is told. The page itself is tried in tests/browser. -----------------------


@pytest.fixture
def told(api):
    """What a page is told, one state after the other. A page that was closed is forgotten."""
    tasks = api.sandbox._server._state.tasks
    with api.http.stream("GET", "/_sandbox/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in stream.iter_lines() if line.startswith("data: "))
        yield (json.loads(line.removeprefix("data: ")) for line in lines)
        assert tasks
    eventually(lambda: not tasks)


def test_a_page_is_told_of_every_change(api, told):
    """From Python, over HTTP and by clients alike; credentials masked; of many the latest only, newest first."""
    assert next(told)["counts"] == {"sessions": 0, "tokens": 0, "requests": 0}
    api.sandbox.inject(Fault(operation="createSessionToken", status=500, times=1))
    assert next(state for state in told if state["faults"])["faults"][0]["status"] == 500
    api.mint()
    id_ = api.direct(INLINE, environment=LIVEKIT, clientLabel="front").json()["sessionId"]
    state = next(state for state in told if state["active_sessions"] and state["requests"][0]["status"])
    assert [request["status"] for request in state["requests"]] == [201, 500]
    assert state["requests"][1]["fault"]["status"] == 500
    assert state["requests"][0]["answer"]["sessionId"] == id_
    assert LIVEKIT["livekitToken"] not in json.dumps(state)
    api.http.post(f"/_sandbox/sessions/{id_}/end")
    assert next(state for state in told if not state["active_sessions"])["sessions"][0]["end_reason"] == "stopped"
    api.sandbox.configure(strict=True)
    assert next(state for state in told if state["settings"]["strict"])
    api.sandbox.reset()
    assert next(state for state in told if not state["counts"]["requests"])["faults"] == []
    for _ in range(LATEST + 5):
        api.sandbox.mint_token()
    state = next(state for state in told if state["counts"]["tokens"] == LATEST + 5)
    assert (len(state["tokens"]), state["tokens"][0]["id"]) == (LATEST, api.sandbox.tokens[-1].id)


# --- The socket that `engineHost` leads to ---------------------------------------------------------

OFFER = {"actionType": "offer", "payload": ""}


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def opened():
    """Opens the socket that the answer to a start leads to, as the vendor's SDK does."""
    async with aiohttp.ClientSession() as page:

        async def open_socket(answer):
            address = f"ws://{answer['engineHost']}{answer['signallingEndpoint']}"
            timeout = aiohttp.ClientWSTimeout(ws_receive=10)
            return await page.ws_connect(address, params={"session_id": answer["sessionId"]}, timeout=timeout)

        yield open_socket


@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        ({}, signalling.REASONS["no_engine"]),
        ({"close": "after", "delay": 0.01}, None),
        ({"delay_answer": 0.2}, signalling.REASONS["no_engine"]),
        ({"delay_answer": 0.2, "body": "Maintenance"}, "Maintenance"),
    ],
)
async def test_a_page_is_told_that_there_is_no_engine(api, opened, fault, heard):
    """After its first frame, in the SDK's words, unless a fault of sockets has other plans; others leave it alone."""
    api.sandbox.inject(Fault(status=500, after=1))
    wanted = api.sandbox.inject(Fault(operation="signalling", **fault)) if fault else None
    answer = api.direct(INLINE, clientLabel="web").json()
    page, began = await opened(answer), time.monotonic()
    seen = api.sandbox.requests[-1]
    assert (seen.operation, seen.status, seen.fault) == ("signalling", 101, wanted)
    for _ in range(3 if "delay_answer" in fault else 1):
        await page.send_json(OFFER)
    if heard is None:
        assert (await page.receive()).data == aiohttp.WSCloseCode.INTERNAL_ERROR
    else:
        end = {"actionType": "endsession", "sessionId": answer["sessionId"], "payload": heard}
        assert await page.receive_json() == end
    assert time.monotonic() - began >= fault.get("delay_answer", 0)
    assert api.sandbox.sessions[0].end_reason == (None if heard is None else "no_engine")


async def test_a_socket_is_refused(api, opened):
    """Of an unknown session, at any other path, of a session that has ended, by a fault: before it is accepted."""
    ended, answer = api.direct(INLINE).json(), api.direct(INLINE).json()
    api.sandbox.end_session(ended["sessionId"])
    for wrong in (answer | {"sessionId": "no-such"}, answer | {"signallingEndpoint": "/wss"}, ended, answer):
        if wrong is answer:
            api.sandbox.inject(Fault(operation="signalling", close="before"))
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await opened(wrong)
    assert [request.status for request in api.sandbox.requests if request.operation == "signalling"] == [403] * 3


async def test_a_session_ends_with_its_page_and_a_page_is_told_of_its_end(api, opened, monkeypatch):
    """Not at once: a page that is back within the grace keeps its session."""
    api.sandbox.inject(Fault(operation="signalling", delay_answer=3600))
    monkeypatch.setattr(signalling, "GRACE", 0.3)
    answer = api.direct(INLINE).json()
    page = await opened(answer)
    await page.send_json(OFFER)
    await page.close()
    page = await opened(answer)
    await asyncio.sleep(0.6)
    assert api.sandbox.active_sessions
    await page.close()
    eventually(lambda: not api.sandbox.active_sessions)
    assert api.sandbox.sessions[0].end_reason == "page_left"
    # A page that hears nothing of its engine is told who ended its session.
    page = await opened(api.direct(INLINE).json())
    await page.send_json(OFFER)
    api.sandbox.end_all()
    assert (await page.receive_json())["payload"] == signalling.REASONS["stopped"]


def test_the_answer_leads_to_the_sandbox(api):
    """Host and protocol are those the client used; with LiveKit there is no engine, but still a `clientConfig`."""
    engine, livekit = api.direct(INLINE).json(), api.direct(INLINE, environment=LIVEKIT).json()
    url = urlsplit(api.sandbox.base_url)
    assert (engine["engineProtocol"], engine["engineHost"]) == (url.scheme, url.netloc)
    config = {**EXAMPLES["StartedForBrowser"]["clientConfig"], "iceServers": []}
    assert engine["clientConfig"] == livekit["clientConfig"] == config


def test_what_else_the_sdk_sends(api):
    """Speech for a running session, telemetry and preflights are answered; on record are the latter if asked for."""
    talk = f"/talk?session_id={api.direct(INLINE).json()['sessionId']}"
    preflight = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"}
    asked = [
        ("POST", talk, {}, 204),
        ("POST", "/talk?session_id=no-such", {}, 404),
        ("POST", "/v1/metrics/client", {}, 204),
        ("OPTIONS", START, preflight, 204),
    ]
    for record_all in (False, True):
        api.sandbox.configure(record_all=record_all)
        for method, path, headers, status in asked:
            answer = api.http.request(method, path, headers=headers)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, "*")
    seen = [request.path for request in api.sandbox.requests[1:]]
    assert seen == ["/talk"] * 4 + ["/v1/metrics/client", START]
