"""scripts/docs.py and the page it builds: complete, up to date, reproducible, and refusing what it cannot show."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Element:
    """A node of the page, with its attributes and what is in it."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, tag: str) -> list[Element]:
        found = []
        for child in self.children:
            if isinstance(child, Element):
                found += [child] if child.tag == tag else []
                found += child.all(tag)
        return found

    def by_id(self, name: str) -> Element:
        for child in self.children:
            if isinstance(child, Element):
                if child.attributes.get("id") == name:
                    return child
                try:
                    return child.by_id(name)
                except KeyError:
                    continue
        raise KeyError(name)


class Tree(HTMLParser):
    """Reads HTML, and fails where a tag is not closed in its turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


@pytest.fixture(scope="module")
def document(root: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((root / "openapi.yaml").read_text("utf-8"))
    return read


@pytest.fixture(scope="module")
def page(root: Path) -> Element:
    tree = Tree()
    tree.feed((root / "generated" / "docs.html").read_text("utf-8"))
    assert len(tree.open) == 1, f"<{tree.open[-1].tag}> is not closed"
    return tree.open[0]


def resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    target: Any = node
    while "$ref" in target:
        reference, target = target["$ref"], document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
    found: dict[str, Any] = target
    return found


def contents(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Operation, `request` or the status, and the content: of everything that has a body."""
    found = []
    for item in document["paths"].values():
        for operation in item.values():
            parts = {"request": operation["requestBody"], **operation["responses"]}
            for part, said in parts.items():
                found.append((operation["operationId"], part, resolved(document, said)["content"]["application/json"]))
    return found


def run(root: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "scripts" / "docs.py"), *args]
    return subprocess.run(
        command, cwd=root, env={**os.environ, **environment}, capture_output=True, encoding="utf-8", check=False
    )


def test_the_committed_page_is_what_the_contract_gives(root: Path) -> None:
    done = run(root, "--check")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_same_contract_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    """Whatever the hash seed, the locale and the day."""
    for seed, locale in (("1", "C"), ("2", "C.UTF-8")):
        page = tmp_path / f"{seed}.html"
        assert run(root, f"--page={page}", PYTHONHASHSEED=seed, LC_ALL=locale, PYTHONUTF8="0").returncode == 0
        assert page.read_bytes() == (root / "generated" / "docs.html").read_bytes()


def test_check_changes_nothing_and_shows_what_differs(root: Path, tmp_path: Path) -> None:
    spec, page = tmp_path / "openapi.yaml", tmp_path / "docs.html"
    spec.write_text((root / "openapi.yaml").read_text("utf-8").replace("Anam renders", "Anam makes", 1), "utf-8")
    page.write_bytes((root / "generated" / "docs.html").read_bytes())

    done = run(root, "--check", f"--spec={spec}", f"--page={page}")

    assert done.returncode == 1
    assert "+<p>Anam makes talking avatars" in done.stdout
    assert done.stderr == "error: docs.html is not what openapi.yaml gives; run `make docs`.\n"
    assert page.read_bytes() == (root / "generated" / "docs.html").read_bytes()
    assert run(root, "--check", f"--page={tmp_path / 'none.html'}").returncode == 1


@pytest.mark.parametrize(
    ("right", "wrong", "named"),
    [
        (
            "          minimum: 1\n",
            "          multipleOf: 2\n",
            "maxSessionLengthSeconds: the page cannot show multipleOf",
        ),
        ("    IceServerUrls:\n", "    IceServerUrls:\n      title: x\n", "IceServerUrls: the page cannot show title"),
        ("info:\n", "webhooks: {}\ninfo:\n", "document: the page cannot show webhooks"),
        ("      operationId: ", "      deprecated: true\n      operationId: ", "createSessionToken: the page cannot"),
        ("scheme: bearer", "scheme: basic", "credential apiKey: not a bearer"),
        ("    Minted:\n", "    Unused:\n      summary: x\n      value: 1\n    Minted:\n", "nothing refers to Unused"),
    ],
    ids=["keyword", "schema", "document", "operation", "credential", "unused"],
)
def test_what_it_cannot_show_it_refuses(root: Path, tmp_path: Path, right: str, wrong: str, named: str) -> None:
    """Rather than to leave it out."""
    text = (root / "openapi.yaml").read_text("utf-8")
    assert right in text
    spec, page = tmp_path / "openapi.yaml", tmp_path / "docs.html"
    spec.write_text(text.replace(right, wrong, 1), "utf-8")

    done = run(root, f"--spec={spec}", f"--page={page}")

    assert done.returncode == 1
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not page.exists()


def test_html_in_the_contract_stays_text(root: Path, tmp_path: Path) -> None:
    """In a description, in a summary and in an example."""
    text = (root / "openapi.yaml").read_text("utf-8")
    bad = "<script>alert(1)</script>"
    for right in ("Anam renders talking", "Mint a session token\n", "systemPrompt: You are"):
        assert right in text
        text = text.replace(right, right.replace("a", bad, 1), 1)
    spec, page = tmp_path / "openapi.yaml", tmp_path / "docs.html"
    spec.write_text(text, "utf-8")

    assert run(root, f"--spec={spec}", f"--page={page}").returncode == 0

    html = page.read_text("utf-8")
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 3


def test_title_and_both_operations_are_there(page: Element, document: dict[str, Any]) -> None:
    """With name, method, path, summary, and each of its statuses."""
    assert page.all("title")[0].text == f"{document['info']['title']} {document['info']['version']}"
    assert [heading.text for heading in page.all("h1")] == [document["info"]["title"]]
    assert len(contents(document)) >= 20
    for path, item in document["paths"].items():
        for method, operation in item.items():
            section = page.by_id(operation["operationId"])
            assert section.all("h2")[0].text == operation["summary"]
            words = " ".join(section.text.split())
            assert f"{method.upper()} {path}" in words
            assert f"Operation {operation['operationId']}" in words
            for status in operation["responses"]:
                page.by_id(f"{operation['operationId']}-{status}")


def test_every_example_of_every_body_is_there_whole(page: Element, document: dict[str, Any]) -> None:
    """What stands in the page is the example: JSON that says the same, under its summary."""
    seen = 0
    for operation, part, content in contents(document):
        for name, reference in content["examples"].items():
            example = resolved(document, reference)
            figure = page.by_id(operation).by_id(f"{operation}-{part}-{name}")
            assert json.loads(figure.all("pre")[0].text) == example["value"]
            assert figure.all("figcaption")[0].text == f"{example['summary']} {name}"
            seen += 1
    assert seen == len(page.all("figure")) >= 30


def test_every_schema_is_there_with_every_field_and_value(page: Element, document: dict[str, Any]) -> None:
    """Descriptions, bounds, defaults and known values stand where the field stands."""
    for name, schema in document["components"]["schemas"].items():
        section = page.by_id(f"schema-{name}")
        assert section.all("h3")[0].text.startswith(name)
        if "description" in schema:
            assert words_of(schema["description"]) <= words_of(section.text)
        properties = schema.get("properties", {})
        names = [dt.all("code")[0].text for dt in section.all("dt")]
        assert names == list(properties)
        for (key, said), dt, dd in zip(properties.items(), section.all("dt"), section.all("dd"), strict=True):
            assert ("required" in dt.text) == (key in schema.get("required", []))
            assert ("deprecated" in dt.text) == said.get("deprecated", False)
            assert words_of(said.get("description", "")) <= words_of(dd.text)
            for bound in ("minimum", "maximum", "maxLength"):
                assert bound not in said or f"{said[bound]:,}" in dd.text
            for values in (said.get("enum", []), said.get("x-extensible-enum", [])):
                assert all(value in dd.text for value in values)
            if "default" in said:
                assert f"default {json.dumps(said['default'])}" in dd.text


def words_of(text: str) -> set[str]:
    return set(re.findall(r"\w+", text))


@pytest.mark.parametrize(
    ("schema", "fact"),
    [
        ("SessionOptions", "videoWidth needs videoHeight"),
        ("SessionOptions", "regionPolicy strict needs region"),
        ("DirectorNotes", "never presetStyle and customStylePrompt together"),
        ("DirectorNotes", "no other fields"),
        ("ToolParameters", "at most 10,000 bytes as JSON in UTF-8"),
        ("EngineSession", "further fields may come"),
        ("ClientMetadata", "any fields"),
        ("EphemeralPersonaConfig", "no two items with the same name"),
        ("EphemeralPersonaConfig", "each matches ^[0-9A-Fa-f]{8}-"),
        ("EphemeralPersonaConfig", "string or null"),
        ("VoiceGenerationOptions", "one or more of ElevenLabsV1VoiceOptions, ElevenLabsV2VoiceOptions"),
        ("WebhookHeaders", "object of string"),
        ("CartesiaEmotion", "one of neutral, calm, angry"),
        ("IceServerUrls", "exactly one of string, array of string"),
    ],
)
def test_rules_are_put_into_words(page: Element, schema: str, fact: str) -> None:
    assert fact in " ".join(page.by_id(f"schema-{schema}").text.split())


def test_every_link_leads_somewhere(page: Element) -> None:
    """Every anchor is unique, every link in the page leads to one, and the others are the sandbox's own files."""
    everything = [element for tag in ("section", "header", "main", "figure") for element in page.all(tag)]
    everything += [element for tag in ("h2", "h3", "h4", "dt") for element in page.all(tag)]
    ids = [element.attributes["id"] for element in everything if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    targets = [link.attributes["href"] for link in page.all("a")]
    assert len(targets) > 100
    assert {target for target in targets if not target.startswith("#")} == {"openapi.yaml", "openapi.json"}
    assert {target[1:] for target in targets if target.startswith("#")} <= set(ids)


def test_every_credential_and_header_is_there(page: Element, document: dict[str, Any]) -> None:
    for name in document["components"]["securitySchemes"]:
        page.by_id(f"credential-{name}")
    responses = [response for item in document["paths"].values() for response in item["post"]["responses"].values()]
    headers = {name for response in responses for name in resolved(document, response).get("headers", {})}
    assert len(headers) == len(document["components"]["headers"])
    for name in headers:
        page.by_id(f"header-{name}")


def test_the_page_is_small(root: Path) -> None:
    """It goes into every wheel."""
    assert (root / "generated" / "docs.html").stat().st_size < 200_000
