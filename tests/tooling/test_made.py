# ruff: noqa: E501 - a row of a table is a line
"""What is made of the contract: its classes (scripts/generate.py) and its page (scripts/docs.py).

A change reaches the users by `make generate` alone. In a copy of the project, `openapi.yaml` is changed and generated
from; what comes out is used through `AnamClient` against the copy's sandbox, by a program in a process of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import generate
import pytest
import spec
import yaml
from view import NotSupported, as_jinja  # which scripts/generate.py has put on the path

import docs
from tests.tooling.change import CONTRACT, Added, Renamed, changed
from tools import ROOT


class Checkout:
    """What a user of the project would check out, as far as it is needed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.spec = folder, folder / "openapi.yaml"
        for name in ("anam_facade", "generated", "scripts"):
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "docs.html"))
        shutil.copy(ROOT / "openapi.yaml", folder)

    def contents(self) -> dict[str, bytes]:
        files = (file for file in self.folder.rglob("*") if file.is_file())
        return {file.relative_to(self.folder).as_posix(): file.read_bytes() for file in files}

    def python(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        # The copy is not what coverage is measured of.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        kept |= {"PYTHONPATH": f"{self.folder}{os.pathsep}{self.folder / 'generated'}", "PYTHONDONTWRITEBYTECODE": "1"}
        command = (sys.executable, *command)
        return subprocess.run(
            command, cwd=self.folder, env=kept | environment, capture_output=True, text=True, check=False
        )


# A bounded field; a class with a secret; a list of objects; a field of the answer, and one of errors.
NAME = {"propName": {"type": "string", "minLength": 1, "description": "Its name."}}
THING = {"type": "object", "description": "A thing.", "required": ["propName"], "properties": NAME}
KEY = {"vaultKey": {"type": "string", "format": "password", "description": "Opens it."}}
VAULT = {"type": "object", "description": "A vault.", "required": ["vaultKey"], "properties": KEY}
LEVEL = {"type": "number", "minimum": 0, "maximum": 3, "description": "How much `avatarId` gestures."}
PERSONA, EXAMPLES = "EphemeralPersonaConfig.properties", "document.components.examples"
NEW_FIELDS = (
    ("document.components.schemas.Vault", {**VAULT, "additionalProperties": False}),
    (f"{PERSONA}.vault", {"$ref": "#/components/schemas/Vault"}),
    (f"{PERSONA}.gestureLevel", LEVEL),
    (f"{PERSONA}.stageProps", {"type": "array", "x-uniqueBy": "propName", "description": "About.", "items": THING}),
    ("EngineSession.properties.seatNumber", {"type": "integer", "format": "int32", "description": "Seat."}),
    (f"{EXAMPLES}.StartedForBrowser.value.seatNumber", 7),
    ("ErrorResponse.properties.remedyHint", {"type": "string", "description": "What to do."}),
    (f"{EXAMPLES}.ErrorForbidden.value.remedyHint", "Ask for more."),
)

USE = """
from anam_facade import AnamClient, AnamConfigError, AnamError, PersonaConfig, Vault
from anam_facade.sandbox import Fault, Sandbox

SECRET, CUP = "vault-swordfish-1", {"propName": "cup"}

def persona(**fields):
    return PersonaConfig(avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18", enable_audio_passthrough=True, **fields)

with Sandbox() as sandbox, AnamClient(sandbox.api_key, sandbox.base_url, retry=0) as client:
    # bounded, all problems at once, and told where an editor shows it
    try:
        persona(gesture_level=9, stage_props=[CUP, CUP])
    except AnamConfigError as error:
        told = [str(problem) for problem in error.problems]
    assert told == ["gesture_level = 9: must be between 0 and 3", "stage_props = cup: prop_name must be unique"], told
    assert "gesture_level: How much `avatar_id` gestures. Between 0 and 3." in PersonaConfig.__doc__
    # sent with a secret that nobody is shown, and answered with a field more
    right = persona(gesture_level=2, vault=Vault(vault_key=SECRET), stage_props=[CUP])
    session = client.start_session(right)
    assert session.seat_number == 7, session
    sent = sandbox.requests[0].body["personaConfig"]
    assert (sent["gestureLevel"], sent["stageProps"]) == (2, [CUP]), sent
    assert SECRET not in repr(right) + repr(sandbox.requests)
    # a field of errors; what a server quotes of the secret is masked
    for fault in (Fault(status=403), Fault(status=400, body={"error": f"what is {SECRET}?"})):
        sandbox.clear_faults()
        sandbox.inject(fault)
        try:
            client.create_session_token(right)
        except AnamError as error:
            told.append(error)
    assert told[-2].answer.remedy_hint == "Ask for more.", told
    assert str(told[-1]).count("***") == 1 and SECRET not in repr(vars(told[-1])), told
print("used")
"""


@pytest.mark.slow
def test_a_change_is_used_after_generating_alone_and_touches_one_file(tmp_path: Path) -> None:
    """Typed, documented, bounded, masked, all problems at once, sent and answered, with `openapi.yaml` alone edited.

    The versions stand in one place, so that a diff shows what changed and nothing else. Neither what was there nor
    the folder, a formatter on the PATH or its settings, or the locale change a byte of the rest.
    """
    checkout = Checkout(tmp_path)
    (tmp_path / "ruff.toml").write_text("format.quote-style = 'single'\n")
    (tmp_path / "ruff").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "ruff").chmod(0o755)
    before = checkout.contents()
    (tmp_path / "generated" / "anam_api" / "stray.txt").write_text("old\n")
    touched = {"openapi.yaml"}
    new_version = ("document.info.version", "9.9.9")
    for changes, file in (([new_version], "__init__.py"), ([new_version, *NEW_FIELDS], "models/__init__.py")):
        checkout.spec.write_text(yaml.safe_dump(changed(*changes), sort_keys=False, allow_unicode=True), "utf-8")
        done = checkout.python("scripts/generate.py", PATH=str(tmp_path), TMPDIR=str(tmp_path), LC_ALL="C")
        assert done.returncode == 0, done.stderr
        after = checkout.contents()
        touched.add(f"generated/anam_api/{file}")
        assert {name for name in {*before, *after} if before.get(name) != after.get(name)} == touched
    used = checkout.python("-c", USE)
    assert used.stdout == "used\n", used.stderr


@pytest.mark.slow
def test_what_cannot_be_generated_and_what_is_edited_by_hand_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    right = checkout.spec.read_text("utf-8")
    checkout.spec.write_text(right.replace("schemas/EngineSession'", "schemas/Nowhere'"), "utf-8")
    client = tmp_path / "generated" / "anam_api" / "client.py"
    client.write_text(client.read_text("utf-8").replace("import httpx\n", "import httpx  # by hand\n", 1), "utf-8")
    before = checkout.contents()
    broken = checkout.python("scripts/generate.py")
    assert (broken.returncode, "schemas/Nowhere" in broken.stderr) == (1, True), broken.stderr
    assert checkout.contents() == before
    checkout.spec.write_text(right, "utf-8")
    drift = checkout.python("scripts/generate.py", "--check")
    assert (drift.returncode, "-import httpx  # by hand\n+import httpx\n" in drift.stdout) == (1, True), drift.stdout
    assert "make generate" in drift.stderr
    assert {**checkout.contents(), "openapi.yaml": b""} == {**before, "openapi.yaml": b""}


PAGE = {"name": "page", "in": "query", "schema": {"type": "string"}}
UNION = {"oneOf": [{"type": "string"}, {"type": "number"}]}
UNKNOWN: list[tuple[str, str, Any]] = [
    ("EphemeralPersonaConfig/properties/a/multipleOf", f"{PERSONA}.a", {"type": "number", "multipleOf": 2}),
    ("EphemeralPersonaConfig/properties/a/format: ipv4", f"{PERSONA}.a", {"type": "string", "format": "ipv4"}),
    ("EphemeralPersonaConfig/properties/a/items/if", f"{PERSONA}.a", {"type": "array", "items": {"type": "string", "if": {}}}),
    ("SessionOptions/allOf", "SessionOptions.allOf", []),
    ("EngineSession/properties/a: a union", "EngineSession.properties.a", UNION),
    ("DirectorNotes/not: neither", "DirectorNotes.not", {"required": ["a"]}),
    ("Stray: is used by no operation", "document.components.schemas.Stray", {"type": "object"}),
    ("post/parameters: page is no optional header", "start.parameters", Added(PAGE)),
    ("generated/overlay.yaml: Egress.daily: flatten", "Egress.properties.daily", Renamed("room")),
]  # fmt: skip


@pytest.mark.parametrize(("told", "place", "value"), UNKNOWN, ids=[told for told, _, _ in UNKNOWN])
def test_what_the_classes_would_leave_out_stops_generate(told: str, place: str, value: Any) -> None:
    """A keyword that the view does not know, or a hint that fits nothing, is named with its place in the document."""
    overlay = yaml.safe_load((generate.GENERATED / "overlay.yaml").read_text("utf-8"))
    with pytest.raises(NotSupported, match=re.escape(told)):
        as_jinja(changed((place, value)), overlay)


@pytest.fixture(scope="module")
def page() -> ElementTree.Element:
    """Read as XML, but for the tags that HTML never closes: so one that is not closed in its turn is found."""
    return ElementTree.fromstring(re.sub(r"<((?:meta|link) [^>]*)>", r"<\1/>", docs.build(CONTRACT)))


def test_every_link_leads_somewhere_and_nothing_is_loaded(page: ElementTree.Element) -> None:
    """Within the page, whose anchors are there once, or to the sandbox's own files."""
    anchors = [anchor for element in page.iter() if (anchor := element.get("id"))]
    links = {str(link.get("href")) for link in page.iter("a")}
    assert len(anchors) == len(set(anchors))
    assert {link for link in links if not link.startswith("#")} == {"openapi.yaml", "openapi.json"}
    assert {link[1:] for link in links if link.startswith("#")} <= set(anchors)
    assert not [element for element in page.iter() if {"src", "onclick", "style"} & set(element.keys())]


def leaves(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [leaf for item in node.values() for leaf in leaves(item)]
    return [leaf for item in node for leaf in leaves(item)] if isinstance(node, list) else [str(node)]


def test_every_schema_is_there_with_every_keyword_and_value(page: ElementTree.Element) -> None:
    """Whatever the contract says of a field stands at its schema: words, bounds, defaults, known values."""
    for name, schema in docs.Page(CONTRACT).schemas.items():
        (section,) = page.findall(f".//*[@id='schema-{name}']")
        shown = "".join(section.itertext())
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
    assert ("<script" in html, html.count("&lt;script&gt;") >= 3) == (False, True)
