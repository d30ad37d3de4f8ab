"""What a person opens in a browser, for what it loads and shows: the page of the contract, and that at `/`."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from anam_facade import openapi_path
from anam_facade.sandbox import Fault
from anam_facade.sandbox.pages import LATEST, docs_path
from tests.sandbox.support import DOCUMENT, EXAMPLES, INLINE, LIVEKIT, Api, Serve, eventually

FILES = {
    "/": "text/html; charset=utf-8",
    "/docs": "text/html; charset=utf-8",
    "/openapi.yaml": "application/yaml",
    "/openapi.json": "application/json",
    "/_sandbox/page.js": "text/javascript; charset=utf-8",
    "/_sandbox/page.css": "text/css; charset=utf-8",
}


@pytest.mark.parametrize("path", FILES)
def test_reading_is_no_part_of_what_is_tested(api: Api, path: str) -> None:
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


def test_the_contract_is_served_as_it_is(api: Api) -> None:
    """Byte for byte; as JSON with the same content; to pages from anywhere."""
    as_json = api.http.get("/openapi.json")
    assert api.http.get("/openapi.yaml").content == openapi_path().read_bytes()
    assert as_json.json() == DOCUMENT
    assert as_json.headers["access-control-allow-origin"] == "*"


def test_the_page_is_the_one_that_was_built(api: Api, serve: Serve) -> None:
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
def test_every_example_of_a_request_has_a_curl_that_runs(api: Api) -> None:
    """Pasted into a shell, each is answered 2xx."""
    commands = re.findall(r"<summary>curl</summary><pre><code>(.*?)</code>", api.http.get("/docs").text, re.DOTALL)
    assert len(commands) == sum(bool(re.match(r"Mint(?!ed)|Start(?!ed)", example)) for example in EXAMPLES)
    for command in map(unescape, commands):
        done = subprocess.run(["sh", "-c", command], capture_output=True, encoding="utf-8", check=True)
        assert {"sessionToken", "sessionId"} & json.loads(done.stdout).keys(), (command, done.stdout)


def test_the_policies_forbid_everything_but_the_pages_own_files(api: Api) -> None:
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
def told(api: Api) -> Iterator[Iterator[Any]]:
    """What a page is told, one state after the other."""
    with api.http.stream("GET", "/_sandbox/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = (line for line in stream.iter_lines() if line.startswith("data: "))
        yield (json.loads(line.removeprefix("data: ")) for line in lines)


def test_a_page_is_told_of_every_change(api: Api, told: Iterator[Any]) -> None:
    """From Python, over HTTP and by clients alike; credentials masked, the newest first."""
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


def test_a_page_is_told_of_the_latest_only(api: Api, told: Iterator[Any]) -> None:
    """However many there were; the counts are of all."""
    for _ in range(LATEST + 5):
        api.sandbox.mint_token()
    state = next(state for state in told if state["counts"]["tokens"] == LATEST + 5)
    assert (len(state["tokens"]), state["tokens"][0]["id"]) == (LATEST, api.sandbox.tokens[-1].id)


def test_a_page_that_was_closed_is_forgotten(api: Api) -> None:
    """A sandbox does nothing for pages that nobody looks at."""
    tasks = api.sandbox._server._state.tasks
    with api.http.stream("GET", "/_sandbox/events"):
        eventually(lambda: len(tasks) == 1)
    eventually(lambda: not tasks)
