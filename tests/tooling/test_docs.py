"""scripts/docs.py and the page it builds, which loads nothing and leaves nothing out. `make browser` reads it whole."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
import spec
import yaml

import docs


class Reader(HTMLParser):
    """Collects the text below each anchor, and where links lead; fails where a tag is not closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, str | None]] = []
        self.text: dict[str, str] = {}
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if "id" in attributes:
            assert attributes["id"] not in self.text, f"the anchor {attributes['id']} is there twice"
            self.text[str(attributes["id"])] = ""
        if tag == "a":
            self.links.add(str(attributes["href"]))
        assert not {"src", "onclick", "style"} & attributes.keys()
        if tag not in ("meta", "link", "br", "hr"):
            self.open.append((tag, attributes.get("id")))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        for _, anchor in self.open:
            if anchor is not None:
                self.text[anchor] += data


@pytest.fixture(scope="module")
def page() -> Reader:
    reader = Reader()
    reader.feed(docs.PAGE.read_text("utf-8"))
    assert reader.open == []
    return reader


def test_every_link_leads_somewhere(page: Reader) -> None:
    """Within the page, or to the sandbox's own files."""
    assert {link for link in page.links if not link.startswith("#")} == {"openapi.yaml", "openapi.json"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.text.keys()


def leaves(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [leaf for item in node.values() for leaf in leaves(item)]
    return [leaf for item in node for leaf in leaves(item)] if isinstance(node, list) else [str(node)]


def test_every_schema_is_there_with_every_keyword_and_value(page: Reader) -> None:
    """Whatever the contract says of a field stands at its schema: words, bounds, defaults, known values."""
    for name, schema in docs.Page(spec.load()).schemas.items():
        shown = page.text[f"schema-{name}"]
        words = set(re.findall(r"\w+", shown))
        for key, described in {"": {**schema, "properties": {}}, **schema.get("properties", {})}.items():
            assert key in shown
            assert set(re.findall(r"\w+", described.get("description", ""))) <= words
            for keyword, value in described.items():
                if keyword not in {*docs.IN_THE_TYPE, "additionalProperties"}:
                    assert keyword in shown
                    assert all(leaf.lower() in shown.lower() for leaf in leaves(value) if "\\" not in leaf)


def test_html_in_the_contract_stays_text() -> None:
    """In a description, in a summary and in an example."""
    text, bad = spec.SPEC.read_text("utf-8"), "<script>alert(1)</script>"
    for right in ("Anam renders talking", "Mint a session token\n", "systemPrompt: You are"):
        assert right in text
        text = text.replace(right, right.replace("a", bad, 1), 1)
    html = docs.build(yaml.safe_load(text))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 3
