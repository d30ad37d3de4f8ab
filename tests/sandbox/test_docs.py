"""What the sandbox serves to people: the contract as a page and as files."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import httpx
import pytest
import yaml

from anam_facade._contract import openapi_path
from anam_facade.sandbox import Fault
from anam_facade.sandbox.pages import docs_path
from tests.sandbox.support import DOCUMENT, Api

FILES = ["/docs", "/openapi.yaml", "/openapi.json"]


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
    assert response.content == docs_path().read_bytes()


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


def test_the_front_leads_to_the_page(api: Api) -> None:
    """With a redirect that keeps the method, so that HEAD stays HEAD."""
    response = api.http.get("/")
    assert (response.status_code, response.headers["location"]) == (307, "/docs")
    assert api.http.get("/", follow_redirects=True).text.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("path", ["/", *FILES])
def test_head_is_get_without_the_body(api: Api, path: str) -> None:
    """The same status and headers, the length included."""
    get, head = api.http.get(path), api.http.head(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    unlike = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in unlike} == {
        k: v for k, v in get.headers.items() if k not in unlike
    }


@pytest.mark.parametrize("path", FILES)
def test_a_second_visit_costs_no_transfer(api: Api, path: str) -> None:
    """A browser asks each time whether its copy is current, and is told so with 304."""
    first = api.http.get(path)
    assert first.headers["cache-control"] == "no-cache"
    etag = first.headers["etag"]
    for condition in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = api.http.get(path, headers={"If-None-Match": condition})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    for condition in ('"other"', "", etag.strip('"')):
        assert api.http.get(path, headers={"If-None-Match": condition}).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["/", *FILES])
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
    fault = api.sandbox.inject(Fault(status=503, times=1))
    for path in ("/", *FILES):
        assert api.http.get(path).status_code < 400
    assert api.sandbox.requests == ()
    assert api.sandbox.faults == (fault,)
    assert api.mint().status_code == 503


def test_a_request_of_another_kind_is_recorded(api: Api) -> None:
    """It is somebody's mistake, and worth finding."""
    api.http.post("/docs")
    assert [(seen.method, seen.path, seen.status) for seen in api.sandbox.requests] == [("POST", "/docs", 404)]


def test_a_page_from_elsewhere_may_read_the_contract(api: Api) -> None:
    """For tools that run in a browser."""
    response = api.http.get("/openapi.json", headers={"Origin": "https://editor.example.org"})
    assert response.headers["access-control-allow-origin"] == "*"


def test_many_readers_at_once_get_the_whole_page(api: Api) -> None:
    """On one connection after the other, whatever the size of the page."""
    size = len(docs_path().read_bytes())
    with httpx.Client(base_url=api.sandbox.base_url, trust_env=False, verify=False) as http:
        assert [len(http.get("/docs").content) for _ in range(50)] == [size] * 50
