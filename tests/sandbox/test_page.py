"""What the page at `/` is told: everything it shows, as it changes. The page itself is tried in tests/browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from anam_facade.sandbox import Fault
from anam_facade.sandbox.pages import LATEST
from tests.sandbox.support import INLINE, LIVEKIT, Api, until


@pytest.fixture
def told(api: Api) -> Iterator[Iterator[Any]]:
    """What a page is told, one state after the other."""
    with httpx.stream("GET", f"{api.sandbox.base_url}/_sandbox/events", timeout=10, trust_env=False) as stream:
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
    assert state["sessions"][0]["environment"]["livekitToken"] == "***"
    assert LIVEKIT["livekitToken"] not in json.dumps(state)
    api.http.post(f"/_sandbox/sessions/{id_}/end")
    assert next(state for state in told if not state["active_sessions"])["sessions"][0]["end_reason"] == "stopped"
    api.sandbox.reset()
    assert next(state for state in told if not state["counts"]["requests"])["faults"] == []


def test_a_page_is_told_of_the_latest_only(api: Api, told: Iterator[Any]) -> None:
    """However many there were; the counts are of all."""
    for _ in range(LATEST + 5):
        api.sandbox.mint_token()
    state = next(state for state in told if state["counts"]["tokens"] == LATEST + 5)
    assert len(state["tokens"]) == LATEST
    assert state["tokens"][0]["id"] == api.sandbox.tokens[-1].id


def test_a_page_that_was_closed_is_forgotten(api: Api) -> None:
    """A sandbox does nothing for pages that nobody looks at."""
    (watchers,) = [one for one in api.sandbox.world.listeners if type(one).__name__ == "_Watchers"]
    wakers = watchers._wakers  # type: ignore[attr-defined]
    with httpx.stream("GET", f"{api.sandbox.base_url}/_sandbox/events", trust_env=False):
        until(lambda: len(wakers) == 1)
    until(lambda: not wakers)


def test_the_page_may_load_its_own_files_and_nothing_else(api: Api) -> None:
    """By its policy; it has no style or script in its own text."""
    page = api.http.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert "<style" not in page.text
    for path, kind in (("/_sandbox/page.js", "text/javascript"), ("/_sandbox/page.css", "text/css")):
        assert path in page.text
        assert api.http.get(path).headers["content-type"].startswith(kind)
