"""What the sandbox serves to people: the contract as a page and as files."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import pytest
import yaml

from anam_facade._contract import openapi_path
from anam_facade.sandbox import Fault
from anam_facade.sandbox.pages import docs_path
from tests.sandbox.support import DOCUMENT, EXAMPLES, Api

FILES = ["/", "/docs", "/openapi.yaml", "/openapi.json", "/_sandbox/page.js", "/_sandbox/page.css"]


class Loads(HTMLParser):
    """Collects everything in a page that a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "iframe", "object", "embed", "base", "form", "img", "video", "audio", "source"}:
            self.found.append(tag)
        for name, value in attrs:
            loads = name in {"src", "srcset", "data", "style", "poster", "background"} or name.startswith("on")
            if loads or (tag == "link" and name == "href" and not (value or "").startswith("data:")):
                self.found.append(f"{tag} {name}")


def test_the_page_is_the_one_that_was_built(api: Api) -> None:
    """Without a credential, as HTML in UTF-8, and not to be taken for anything else."""
    response = api.http.get("/docs")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    parts = re.split(r"<!-- (?:sandbox|curl \w+ \w+) -->", docs_path().read_text("utf-8"))
    assert len(parts) > 15
    assert re.fullmatch(r"<d[\s\S]+?>".join(map(re.escape, parts)), response.text), (
        "but for what only this sandbox knows"
    )


def test_the_page_says_how_to_reach_this_sandbox(api: Api) -> None:
    """Its address as the reader has it, and its key; no other page can read them."""
    response = api.http.get("/docs")
    assert f"This sandbox <code>{api.sandbox.base_url}</code>" in response.text
    assert f"API key <code>{api.sandbox.api_key}</code>" in response.text
    assert "access-control-allow-origin" not in response.headers
    aliased = api.http.get("/docs", headers={"Host": "box.example:99"}).text
    assert "This sandbox <code>http://box.example:99</code>" in aliased
    assert "<b>" not in api.http.get("/docs", headers={"Host": "a<b>"}).text


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to paste the commands into")
def test_every_example_of_a_request_has_a_curl_that_runs(api: Api) -> None:
    """Pasted into a shell, each is answered 2xx."""
    commands = re.findall(r"<summary>curl</summary><pre><code>(.*?)</code>", api.http.get("/docs").text, re.DOTALL)
    examples = [example for example in EXAMPLES if re.match(r"Mint(?!ed)|Start(?!ed)", example)]
    assert len(commands) == len(examples)
    for command in map(unescape, commands):
        done = subprocess.run(["sh", "-c", command], capture_output=True, encoding="utf-8", check=True)
        assert {"sessionToken", "sessionId"} & json.loads(done.stdout).keys(), (command, done.stdout)


def test_the_policy_forbids_everything_but_the_pages_own_style(api: Api) -> None:
    """In the answer and in the page itself, so that it holds for a saved copy too."""
    response = api.http.get("/docs")
    (style,) = re.findall(r"<style>(.*?)</style>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert response.headers["content-security-policy"].split("; ") == [*policy, "frame-ancestors 'none'"]
    (inside,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="(.*?)">', response.text)
    assert inside.split("; ") == policy


def test_the_page_loads_and_runs_nothing(api: Api) -> None:
    """Neither markup nor style names anything to fetch; there is no script."""
    html = api.http.get("/docs").text
    loads = Loads()
    loads.feed(html)
    assert loads.found == []
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert not re.search(r"url\(|@import|image-set|src\s*:", style)


@pytest.mark.parametrize("html", ["<script></script>", "<img src=x>", "<link href='/x.css'>", "<p onclick=x>"])
def test_the_search_finds_what_it_is_for(html: str) -> None:
    """The check above can fail."""
    loads = Loads()
    loads.feed(html)
    assert loads.found


def test_the_contract_is_served_as_it_is(api: Api) -> None:
    """Byte for byte, with the media type of RFC 9512; and as JSON with the same content."""
    as_yaml, as_json = api.http.get("/openapi.yaml"), api.http.get("/openapi.json")
    assert as_yaml.headers["content-type"] == "application/yaml"
    assert as_yaml.content == openapi_path().read_bytes()
    assert as_json.headers["content-type"] == "application/json"
    assert as_json.json() == DOCUMENT == yaml.safe_load(as_yaml.text)


@pytest.mark.parametrize("path", FILES)
def test_head_is_get_without_the_body(api: Api, path: str) -> None:
    """The same status and headers, the length included."""
    get, head = api.http.get(path), api.http.head(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    unlike = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in unlike} == {
        k: v for k, v in get.headers.items() if k not in unlike
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", FILES)
def test_for_a_client_they_are_not_there(api: Api, path: str, method: str) -> None:
    """Whoever does more than read has a wrong base URL, and is told 404 as at any other path."""
    response = api.http.request(method, path)
    assert (response.status_code, response.json()) == (404, {"error": "Not Found"})


@pytest.mark.parametrize("path", ["/docs/", "/docs/x", "/Docs", "/openapi", "/openapi.yml", "/favicon.ico"])
def test_what_is_near_is_not_there(api: Api, path: str) -> None:
    """Answered 404, as JSON like every error, and without a redirect."""
    response = api.http.get(path)
    assert (response.status_code, response.json()["error"]) == (404, "Not Found")


def test_reading_is_no_part_of_what_is_tested(api: Api) -> None:
    """Someone with a browser open disturbs no test: nothing is recorded, no fault is used up or met."""
    fault = api.sandbox.inject(Fault(status=500, times=1))
    for path in FILES:
        assert api.http.get(path).status_code < 400
    assert api.sandbox.requests == ()
    assert api.sandbox.faults == (fault,)
    assert api.mint().status_code == 500


def test_a_request_of_another_kind_is_recorded(api: Api) -> None:
    """It is somebody's mistake, and worth finding."""
    api.http.post("/docs")
    assert [(seen.method, seen.path, seen.status) for seen in api.sandbox.requests] == [("POST", "/docs", 404)]


def test_a_page_from_elsewhere_may_read_the_contract(api: Api) -> None:
    """For tools that run in a browser."""
    response = api.http.get("/openapi.json", headers={"Origin": "https://editor.example.org"})
    assert response.headers["access-control-allow-origin"] == "*"
