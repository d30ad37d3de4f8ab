# ruff: noqa: E501 - a row of a table is a line
"""A change of the contract reaches the users by `make generate` alone: no other file has to be edited.

In a copy of the project, `openapi.yaml` is changed and scripts/generate.py run. What comes out is used through
`AnamClient` against the copy's sandbox, by a program in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spec
import yaml

from tools import ROOT

Document = dict[str, Any]


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


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def properties(document: Document, schema: str) -> Document:
    return document["components"]["schemas"][schema]["properties"]  # type: ignore[no-any-return]


def every_kind_of_change(document: Document) -> None:
    schemas, examples = document["components"]["schemas"], document["components"]["examples"]
    persona, options = properties(document, "EphemeralPersonaConfig"), properties(document, "SessionOptions")
    # A bounded number; an open and a closed enumeration.
    level = {"type": "number", "minimum": 0, "maximum": 3, "description": "How much `avatarId` gestures."}
    persona["gestureLevel"] = level
    options["videoCodec"] = {"type": "string", "x-extensible-enum": ["h264", "av1"], "description": "Codec."}
    options["pace"] = {"type": "string", "enum": ["slow", "quick"], "description": "Pace."}
    # A nested object with a secret; a list of objects with a unique name.
    key = {"type": "string", "format": "password", "description": "Opens it."}
    shelf = {"type": "integer", "format": "int32", "description": "Which shelf."}
    vault = {"type": "object", "required": ["vaultKey"], "properties": {"vaultKey": key, "shelf": shelf}}
    schemas["Vault"] = {**vault, "description": "Where documents are.", "additionalProperties": False}
    persona["vault"] = {"$ref": "#/components/schemas/Vault"}
    name = {"propName": {"type": "string", "minLength": 1, "description": "Its name."}}
    thing = {"type": "object", "description": "A thing.", "required": ["propName"], "properties": name}
    persona["stageProps"] = {"type": "array", "x-uniqueBy": "propName", "description": "About.", "items": thing}
    # A renamed description; a field of the answer; a field of errors.
    properties(document, "DirectorNotes")["expressivity"]["description"] = "Told anew: `presetStyle` by how much."
    seat = {"type": "integer", "format": "int32", "description": "Seat."}
    properties(document, "EngineSession")["seatNumber"] = seat
    examples["StartedForBrowser"]["value"]["seatNumber"] = 7
    properties(document, "ErrorResponse")["remedyHint"] = {"type": "string", "description": "What to do."}
    examples["ErrorForbidden"]["value"]["remedyHint"] = "Ask for more."


USE = """
import warnings
from anam_facade import AnamClient, AnamConfigError, AnamError, DirectorNotes, PersonaConfig, SessionOptions, Vault
from anam_facade.sandbox import Fault, Sandbox

SECRET = "vault-swordfish-1"

def problems(make, **fields):
    try:
        make(**fields)
    except AnamConfigError as error:
        return [str(problem) for problem in error.problems]

def parts(**fields):
    return PersonaConfig(avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18", enable_audio_passthrough=True, **fields)

with Sandbox() as sandbox, AnamClient(sandbox.api_key, sandbox.base_url, retry=0) as client:
    # a bounded number
    assert problems(parts, gesture_level=9) == ["gesture_level = 9: must be between 0 and 3"]
    assert "gesture_level: How much `avatar_id` gestures. Between 0 and 3." in PersonaConfig.__doc__
    # an open and a closed enumeration
    assert problems(SessionOptions, pace="fast") == ["pace = fast: must be one of slow, quick"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        options = SessionOptions(video_codec="vp9", pace="quick")
    assert "video_codec='vp9' is not among the values known today (h264, av1)" in str(caught[0].message)
    # a nested object with a secret; a list of objects with a unique name
    found = problems(parts, vault={"vaultKey": "", "shelf": 1.5})
    assert found[-1] == "vault.shelf = 1.5: must be a whole number, not float"
    assert problems(parts, stage_props=[{"propName": "cup"}] * 2) == ["stage_props = cup: prop_name must be unique"]
    persona = parts(gesture_level=2, vault=Vault(vault_key=SECRET, shelf=3), stage_props=[{"propName": "cup"}])
    assert SECRET not in repr(persona)
    # sent, and answered with a field more
    session = client.start_session(persona, session_options=options)
    assert session.seat_number == 7, session
    sent = sandbox.requests[0].body
    assert sent["personaConfig"]["gestureLevel"] == 2 and sent["personaConfig"]["stageProps"] == [{"propName": "cup"}]
    assert sent["personaConfig"]["vault"]["shelf"] == 3 and SECRET not in repr(sandbox.requests)
    assert sent["sessionOptions"] == {"videoCodec": "vp9", "pace": "quick"}
    # a renamed description, where an editor shows it
    assert "expressivity: Told anew: `preset_style` by how much. Between 0 and 1." in DirectorNotes.__doc__
    # a field of errors; what a server quotes of the secret is masked
    for fault in (Fault(status=403), Fault(status=400, body={"error": f"what is {SECRET}?"})):
        sandbox.clear_faults()
        sandbox.inject(fault)
        try:
            client.create_session_token(persona)
        except AnamError as error:
            if fault.status == 403:
                assert error.answer.remedy_hint == "Ask for more.", error.answer
            else:
                assert str(error).count("***") == 1 and SECRET not in repr(vars(error)), error
print("used")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "touched"),
    [
        (every_kind_of_change, "models/__init__.py"),
        (lambda document: document["info"].update(version="9.9.9"), "__init__.py"),
    ],
    ids=["every kind of change", "a new version"],
)
def test_a_change_is_used_after_generating_alone_and_touches_one_file(
    checkout: Checkout, tmp_path: Path, change: Callable[[Document], None], touched: str
) -> None:
    """Typed, documented, bounded, masked, all problems at once, sent and answered, with `openapi.yaml` alone edited.

    The versions stand in one place, so that a diff shows what changed and nothing else. Neither what was there nor
    the folder, a formatter on the PATH or its settings, the locale or the seed of hashes change a byte of the rest.
    """
    (tmp_path / "ruff.toml").write_text("line-length = 40\n")
    (tmp_path / "ruff").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "ruff").chmod(0o755)
    before = checkout.contents()
    (checkout.folder / "generated" / "anam_api" / "stray.txt").write_text("old\n")
    document = spec.load()
    change(document)
    checkout.spec.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
    done = checkout.python("scripts/generate.py", PATH=str(tmp_path), LC_ALL="C", PYTHONHASHSEED="42")
    assert done.returncode == 0, done.stderr
    after = checkout.contents()
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert changed == {"openapi.yaml", f"generated/anam_api/{touched}"}
    if change is every_kind_of_change:
        used = checkout.python("-c", USE)
        assert used.stdout == "used\n", used.stderr


@pytest.mark.slow
def test_what_cannot_be_generated_and_what_is_edited_by_hand_is_told_and_left_as_it_is(checkout: Checkout) -> None:
    right = checkout.spec.read_text("utf-8")
    checkout.spec.write_text(right.replace("schemas/EngineSession'", "schemas/Nowhere'"), "utf-8")
    client = checkout.folder / "generated" / "anam_api" / "client.py"
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


def field(schema: str, name: str, **what: Any) -> Callable[[Document], None]:
    return lambda document: properties(document, schema).update({name: what})


def within(schema: str, **what: Any) -> Callable[[Document], None]:
    return lambda document: document["components"]["schemas"].setdefault(schema, {}).update(what)


def a_parameter(document: Document) -> None:
    page = {"name": "page", "in": "query", "schema": {"type": "string"}}
    document["paths"]["/v1/engine/session"]["post"]["parameters"].append(page)


def a_renamed_field(document: Document) -> None:
    properties(document, "Egress")["room"] = properties(document, "Egress").pop("daily")


UNKNOWN: list[tuple[str, Callable[[Document], None]]] = [
    ("EphemeralPersonaConfig/properties/a/multipleOf", field("EphemeralPersonaConfig", "a", type="number", multipleOf=2)),
    ("EphemeralPersonaConfig/properties/a/format: ipv4", field("EphemeralPersonaConfig", "a", type="string", format="ipv4")),
    ("SessionOptions/properties/a/items/if", field("SessionOptions", "a", type="array", items={"type": "string", "if": {}})),
    ("SessionOptions/allOf", within("SessionOptions", allOf=[])),
    ("EngineSession/properties/a: a union", field("EngineSession", "a", oneOf=[{"type": "string"}, {"type": "number"}])),
    ("DirectorNotes/not: neither", within("DirectorNotes", **{"not": {"required": ["a"]}})),
    ("Stray: is used by no operation", within("Stray", type="object")),
    ("post/parameters: page is no optional header", a_parameter),
    ("generated/overlay.yaml: Egress.daily: flatten", a_renamed_field),
]  # fmt: skip


@pytest.mark.parametrize(("place", "spoil"), UNKNOWN, ids=[place for place, _ in UNKNOWN])
def test_what_the_classes_would_leave_out_stops_generate(
    monkeypatch: pytest.MonkeyPatch, place: str, spoil: Callable[[Document], None]
) -> None:
    """A keyword that the view does not know, or a hint that fits nothing, is named with its place in the document."""
    monkeypatch.syspath_prepend(ROOT / "generated")
    from view import NotSupported, View

    document, overlay = spec.load(), yaml.safe_load((ROOT / "generated" / "overlay.yaml").read_text("utf-8"))
    spoil(document)
    with pytest.raises(NotSupported) as caught:
        View(document, overlay)
    assert place in str(caught.value)
