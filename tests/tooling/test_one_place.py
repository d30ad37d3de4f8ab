# ruff: noqa: E501 - a row of a table is a line
"""A change of the contract reaches the users by `make generate` alone: no other file has to be edited.

In a copy, `openapi.yaml` is changed and generate's own code run. What comes out is used through `AnamClient` against the
copy's sandbox, by a program in a process of its own.
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
import yaml

from tests.tooling.test_generate import contents

SECRET = "vault-swordfish-1"
Document = dict[str, Any]


def properties(document: Document, schema: str) -> Document:
    return document["components"]["schemas"][schema]["properties"]  # type: ignore[no-any-return]


def field(schema: str, name: str, **what: Any) -> Callable[[Document], None]:
    return lambda document: properties(document, schema).update({name: what})


def every_kind_of_change(document: Document) -> None:
    schemas, examples = document["components"]["schemas"], document["components"]["examples"]
    persona, options = properties(document, "EphemeralPersonaConfig"), properties(document, "SessionOptions")
    # A bounded number; an open and a closed enumeration.
    level = {"type": "number", "minimum": 0, "maximum": 3, "description": "How much `avatarId` gestures."}
    persona["gestureLevel"] = level
    options["videoCodec"] = {"type": "string", "x-extensible-enum": ["h264", "av1"], "description": "Codec."}
    options["pace"] = {"type": "string", "enum": ["slow", "quick"], "description": "Pace."}
    # A nested object with a secret; a list of objects with a unique name.
    schemas["Vault"] = {
        "type": "object",
        "description": "Where documents are.",
        "required": ["vaultKey"],
        "properties": {
            "vaultKey": {"type": "string", "format": "password", "description": "Opens it."},
            "shelf": {"type": "integer", "format": "int32", "description": "Which shelf."},
        },
        "additionalProperties": False,
    }
    persona["vault"] = {"$ref": "#/components/schemas/Vault"}
    name = {"propName": {"type": "string", "minLength": 1, "description": "Its name."}}
    thing = {"type": "object", "description": "A thing.", "required": ["propName"], "properties": name}
    props = {"type": "array", "x-uniqueBy": "propName", "description": "What stands about.", "items": thing}
    persona["stageProps"] = props
    # A renamed description; a field of the answer; a field of errors.
    properties(document, "DirectorNotes")["expressivity"]["description"] = "Told anew: `presetStyle` by how much."
    seat = {"type": "integer", "format": "int32", "description": "Seat."}
    properties(document, "EngineSession")["seatNumber"] = seat
    examples["StartedForBrowser"]["value"]["seatNumber"] = 7
    properties(document, "ErrorResponse")["remedyHint"] = {"type": "string", "description": "What to do."}
    examples["ErrorForbidden"]["value"]["remedyHint"] = "Ask for more."


USE = f'''
import warnings
from anam_facade import AnamClient, AnamConfigError, AnamError, DirectorNotes, PersonaConfig, SessionOptions, Vault
from anam_facade.sandbox import Fault, Sandbox

AVATAR = "30fa96d0-26c4-4e55-94a0-517025942e18"
SECRET = "{SECRET}"

def refused(make):
    try:
        make()
    except AnamConfigError as error:
        return [str(problem) for problem in error.problems]

def parts(**fields):
    return PersonaConfig(avatar_id=AVATAR, enable_audio_passthrough=True, **fields)

with Sandbox() as sandbox, AnamClient(sandbox.api_key, sandbox.base_url, retry=0) as client:
    # a bounded number
    assert refused(lambda: parts(gesture_level=9)) == ["gesture_level = 9: must be between 0 and 3"]
    assert "gesture_level: How much `avatar_id` gestures. Between 0 and 3." in PersonaConfig.__doc__
    # an open and a closed enumeration
    assert refused(lambda: SessionOptions(pace="fast")) == ["pace = fast: must be one of slow, quick"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        options = SessionOptions(video_codec="vp9", pace="quick")
    assert "video_codec='vp9' is not among the values known today (h264, av1)" in str(caught[0].message)
    # a nested object with a secret; a list of objects with a unique name
    assert refused(lambda: parts(vault={{"vaultKey": "", "shelf": 1.5}}))[-1] == "vault.shelf = 1.5: must be a whole number, not float"
    assert refused(lambda: parts(stage_props=[{{"propName": "cup"}}] * 2)) == ["stage_props = cup: prop_name must be unique"]
    persona = parts(gesture_level=2, vault=Vault(vault_key=SECRET, shelf=3), stage_props=[{{"propName": "cup"}}])
    assert SECRET not in repr(persona)
    # sent, and answered with a field more
    session = client.start_session(persona, session_options=options)
    assert session.seat_number == 7, session
    sent = sandbox.requests[0].body
    assert sent["personaConfig"]["gestureLevel"] == 2 and sent["personaConfig"]["stageProps"] == [{{"propName": "cup"}}]
    assert sent["personaConfig"]["vault"]["shelf"] == 3 and SECRET not in repr(sandbox.requests)
    assert sent["sessionOptions"] == {{"videoCodec": "vp9", "pace": "quick"}}
    # a renamed description, where an editor shows it
    assert "expressivity: Told anew: `preset_style` by how much. Between 0 and 1." in DirectorNotes.__doc__
    # a field of errors; what a server quotes of the secret is masked
    sandbox.inject(Fault(operation="createSessionToken", status=403))
    try:
        client.create_session_token(persona)
    except AnamError as error:
        assert error.answer.remedy_hint == "Ask for more.", error.answer
    sandbox.clear_faults()
    sandbox.inject(Fault(operation="createSessionToken", status=400, body={{"error": f"what is {{SECRET}}?"}}))
    try:
        client.create_session_token(persona)
    except AnamError as error:
        assert str(error).count("***") == 1 and SECRET not in repr(vars(error)), error
print("used")
'''


def copied(root: Path, folder: Path) -> Path:
    """What a user of the project would check out, as far as it is needed."""
    for name in ("anam_facade", "generated", "scripts"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "docs.html"))
    shutil.copy(root / "openapi.yaml", folder)
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(folder / "generated")])
    # The copy is not what coverage is measured of.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment = {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


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
    root: Path, tmp_path: Path, change: Callable[[Document], None], touched: str
) -> None:
    """Typed, documented, bounded, masked, all problems at once, sent and answered, with `openapi.yaml` alone edited.

    The versions stand in one place, so that a diff shows what changed and nothing else.
    """
    folder = copied(root, tmp_path)
    before = contents(folder)
    spec = folder / "openapi.yaml"
    document = yaml.safe_load(spec.read_text("utf-8"))
    change(document)
    spec.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
    done = run(folder, "scripts/generate.py")
    assert done.returncode == 0, done.stderr
    changed = {name for name, content in contents(folder).items() if before.get(name) != content}
    assert changed == {"openapi.yaml", f"generated/anam_api/{touched}"}
    if change is every_kind_of_change:
        used = run(folder, "-c", USE)
        assert used.stdout == "used\n", used.stderr


UNKNOWN: list[tuple[str, Callable[[Document], None]]] = [
    ("EphemeralPersonaConfig/properties/a/multipleOf", field("EphemeralPersonaConfig", "a", type="number", multipleOf=2)),
    ("EphemeralPersonaConfig/properties/a/format: ipv4", field("EphemeralPersonaConfig", "a", type="string", format="ipv4")),
    ("SessionOptions/properties/a/items/if", field("SessionOptions", "a", type="array", items={"type": "string", "if": {}})),
    ("SessionOptions/allOf", lambda d: d["components"]["schemas"]["SessionOptions"].update(allOf=[])),
    ("EngineSession/properties/a: a union", field("EngineSession", "a", oneOf=[{"type": "string"}, {"type": "number"}])),
    ("DirectorNotes/not: neither", lambda d: d["components"]["schemas"]["DirectorNotes"].update({"not": {"required": ["a"]}})),
    ("Stray: is used by no operation", lambda d: d["components"]["schemas"].update(Stray={"type": "object"})),
    ("post/parameters: page is no optional header", lambda d: d["paths"]["/v1/engine/session"]["post"]["parameters"].append({"name": "page", "in": "query", "schema": {"type": "string"}})),
    ("generated/overlay.yaml: Egress.daily: flatten", lambda d: properties(d, "Egress").update(room=properties(d, "Egress").pop("daily"))),
]  # fmt: skip


@pytest.mark.parametrize(("place", "spoil"), UNKNOWN, ids=[place for place, _ in UNKNOWN])
def test_what_the_classes_would_leave_out_stops_generate(
    root: Path, tmp_path: Path, place: str, spoil: Callable[[Document], None]
) -> None:
    """A keyword that the view does not know, or a hint that fits nothing, is named with its place in the document."""
    sys.path.insert(0, str(root / "generated"))
    try:
        from view import NotSupported, View
    finally:
        sys.path.pop(0)
    document = yaml.load((root / "openapi.yaml").read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    overlay = yaml.safe_load((root / "generated" / "overlay.yaml").read_text("utf-8"))
    spoil(document)
    with pytest.raises(NotSupported) as caught:
        View(document, overlay)
    assert place in str(caught.value)
