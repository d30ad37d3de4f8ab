"""scripts/breaking.py: no change of the contract gets by without its version and its entry in the changelog.

Each kind of change is made to today's contract. What oasdiff sees is tried where oasdiff has been built (`make
contract` does that, with Go), or has to be (REQUIRE_GO=1); all else everywhere.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import breaking
from breaking import Level

import tools

CONTRACT: dict[str, Any] = yaml.safe_load(breaking.CONTRACT.read_text("utf-8"))
WITH_OASDIFF = tools.OASDIFF.exists() or os.environ.get("REQUIRE_GO") == "1"
Change = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], object]
"""Changes a document in place: the whole is given, its schemas, and the operation that starts a session."""


def put(node: dict[str, Any], **entries: Any) -> None:
    node |= entries


def rename(node: dict[str, Any], old: str, new: str) -> None:
    node[new] = node.pop(old)


TEXT = {"type": "string"}
HEADER = {"name": "X-Tenant", "in": "header", "schema": TEXT}

BREAKING: dict[str, tuple[str, Change]] = {
    "a value that can be sent is gone": (
        "request-property-enum-value-removed",
        lambda d, s, o: s["CartesiaEmotion"]["enum"].pop(),
    ),
    "an open set is closed": (
        "request-property-became-enum",
        lambda d, s, o: rename(s["DirectorNotes"]["properties"]["presetStyle"], "x-extensible-enum", "enum"),
    ),
    "a property must be sent": (
        "request-property-became-required",
        lambda d, s, o: s["DirectStartRequest"]["required"].append("environment"),
    ),
    "a property that can be sent is renamed": (
        "request-property-removed",
        lambda d, s, o: rename(s["SessionOptions"]["properties"], "region", "area"),
    ),
    "a property of an answer is gone": (
        "response-optional-property-removed",
        lambda d, s, o: s["EngineSession"]["properties"].pop("region"),
    ),
    "a property of an answer may be null": (
        "response-property-became-nullable",
        lambda d, s, o: put(s["EngineSession"]["properties"]["sessionId"], type=["string", "null"]),
    ),
    "a type changes": (
        "request-property-type-changed",
        lambda d, s, o: put(s["SessionOptions"]["properties"]["videoWidth"], type="string"),
    ),
    "a bound is tightened": (
        "request-property-max-length-decreased",
        lambda d, s, o: put(s["DirectorNotes"]["properties"]["customStylePrompt"], maxLength=10),
    ),
    "an operation is renamed": ("api-operation-id-removed", lambda d, s, o: put(o, operationId="start")),
    "a credential is no longer taken": ("api-security-removed", lambda d, s, o: o["security"].pop()),
    "a path is renamed": (
        "api-path-removed-without-deprecation",
        lambda d, s, o: rename(d["paths"], "/v1/engine/session", "/v2/engine/session"),
    ),
    "a status is no longer described": (
        "response-non-success-status-removed",
        lambda d, s, o: o["responses"].pop("403"),
    ),
    "a header must be sent": (
        "new-required-request-parameter",
        lambda d, s, o: o["parameters"].append({**HEADER, "required": True}),
    ),
    "a default of the other side changes": (
        "response-property-default-value-changed",
        lambda d, s, o: put(s["ClientConfig"]["properties"]["heartbeatIntervalSeconds"], default=9),
    ),
    "the server moves": ("ours: servers", lambda d, s, o: put(d["servers"][0], url="https://elsewhere.example.org")),
    "a credential travels in another way": (
        "ours: scheme",
        lambda d, s, o: put(d["components"]["securitySchemes"]["apiKey"], scheme="basic"),
    ),
    "the answer for any other status is gone": ("ours: responses", lambda d, s, o: o["responses"].pop("default")),
    "an open object that is sent is closed": (
        "ours: additionalProperties",
        lambda d, s, o: put(s["ClientMetadata"], additionalProperties=False),
    ),
    "two properties exclude each other": (
        "ours: not",
        lambda d, s, o: put(s["FishAudioVoiceOptions"], **{"not": {"required": ["volume", "speed"]}}),
    ),
    "a value may be anything": (
        "ours: $ref",
        lambda d, s, o: s["EphemeralPersonaConfig"]["properties"]["directorNotes"].pop("$ref"),
    ),
    "fewer bytes may be sent": ("ours: x-maxBytes", lambda d, s, o: put(s["ToolParameters"], **{"x-maxBytes": 10})),
    "a known value is gone": (
        "ours: x-knownVideoSizes",
        lambda d, s, o: s["SessionOptions"]["x-knownVideoSizes"]["cara-4"].pop(),
    ),
    "what was one of two alternatives is both now": (
        "ours: request",
        lambda d, s, o: s["TokenStartRequest"].pop("additionalProperties"),
    ),
    "a request that was valid is not any more": (
        "ours: request",
        lambda d, s, o: s["Tool"]["oneOf"].append({"type": "object"}),
    ),
    "a keyword is new that nothing judges": (
        "ours: x-reservedWords",
        lambda d, s, o: put(s["EphemeralPersonaConfig"]["properties"]["name"], **{"x-reservedWords": ["admin"]}),
    ),
}

HARMLESS: dict[str, tuple[Level, Change]] = {
    "a new optional property of a request": (
        Level.MINOR,
        lambda d, s, o: put(s["SessionOptions"]["properties"], audioQuality=TEXT),
    ),
    "a new property of an answer": (Level.MINOR, lambda d, s, o: put(s["EngineSession"]["properties"], at=TEXT)),
    "a new status": (Level.MINOR, lambda d, s, o: put(o["responses"], **{"422": o["responses"]["400"]})),
    "a new optional header of a request": (Level.MINOR, lambda d, s, o: o["parameters"].append(HEADER)),
    "a new value that can be sent": (Level.MINOR, lambda d, s, o: s["CartesiaEmotion"]["enum"].append("proud")),
    "a bound is loosened": (Level.MINOR, lambda d, s, o: put(s["ToolParameters"], **{"x-maxBytes": 99_999})),
    "a new known value": (
        Level.MINOR,
        lambda d, s, o: s["SessionOptions"]["x-knownVideoSizes"]["cara-4"].append("1280x720"),
    ),
    "a rule across properties is gone": (Level.MINOR, lambda d, s, o: s["DirectorNotes"].pop("not")),
    "another server": (Level.MINOR, lambda d, s, o: d["servers"].append({"url": "https://eu.example.org"})),
    "an object of an answer is closed": (
        Level.MINOR,
        lambda d, s, o: put(s["SessionTokenResponse"], additionalProperties=False),
    ),
    "a description changes": (Level.PATCH, lambda d, s, o: put(s["EngineSession"], description="What runs.")),
    "an example changes": (Level.PATCH, lambda d, s, o: put(d["components"]["examples"]["ErrorBusy"], summary="Busy.")),
    "keys in another order": (Level.NOTHING, lambda d, s, o: rename(s, "Egress", "Egress")),
}


def changed(change: Change) -> dict[str, Any]:
    document = copy.deepcopy(CONTRACT)
    change(document, document["components"]["schemas"], document["paths"]["/v1/engine/session"]["post"])
    return document


@pytest.fixture(scope="module", autouse=True)
def oasdiff() -> None:
    if WITH_OASDIFF:
        tools.build_oasdiff()


@pytest.mark.parametrize("kind", BREAKING)
def test_what_breaks_a_client_is_seen_by_the_rule_that_is_for_it(kind: str) -> None:
    rule, change = BREAKING[kind]
    if not rule.startswith("ours: ") and not WITH_OASDIFF:
        pytest.skip("oasdiff is not built: make contract builds it, with Go")
    level, found = breaking.assess(CONTRACT, changed(change), with_oasdiff=WITH_OASDIFF)
    assert level is Level.MAJOR
    assert [finding for finding in found if finding.startswith(f"{rule}: ")], found


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_breaks_nobody_is_no_alarm(kind: str) -> None:
    level, change = HARMLESS[kind]
    assert breaking.assess(CONTRACT, changed(change), with_oasdiff=WITH_OASDIFF) == (level, [])


@pytest.mark.skipif(not WITH_OASDIFF, reason="oasdiff is not built: make contract builds it, with Go")
def test_the_rules_that_are_raised_are_oasdiffs() -> None:
    """Each alternative of the pattern is the name of a rule in the version that is used."""
    command = [str(tools.OASDIFF), "checks", "changelog"]
    known = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.split()
    assert sum(breaking.RAISED.fullmatch(rule) is not None for rule in known) == 26


@pytest.mark.parametrize(
    ("level", "version", "allowed"),
    [
        (Level.NOTHING, "1.4.2", True),
        (Level.NOTHING, "1.4.3", False),
        (Level.PATCH, "1.4.2", False),
        (Level.PATCH, "1.4.3", True),
        (Level.PATCH, "1.4.4", False),
        (Level.MINOR, "1.4.3", False),
        (Level.MINOR, "1.5.0", True),
        (Level.MAJOR, "1.5.0", False),
        (Level.MAJOR, "2.0.0", True),
        (Level.MAJOR, "2.1.0", False),
        (Level.PATCH, "1.4", False),
        (Level.PATCH, "1.04.3", False),
    ],
)
def test_a_change_needs_the_version_of_its_level_or_a_higher_one(level: Level, version: str, allowed: bool) -> None:
    old, new = ({**CONTRACT, "info": {**CONTRACT["info"], "version": number}} for number in ("1.4.2", version))
    changelog = f"# Changelog\n\n## {version}\n\n- New.\n\n## 1.4.2\n\n- Old.\n"
    assert (list(breaking.problems(old, new, level, changelog)) == []) is allowed


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        ("## 2.0.0\n\n- `SessionOptions` and `createEngineSession`.\n\n## 1.0.0\n\n- Old.\n", None),
        ("## 2.0.0\n\n- `SessionOptions.region` of `createEngineSession`.\n\n## 1.0.0\n\n- Old.\n", None),
        ("## 1.0.0\n\n- Old.\n", "no section on top for 2.0.0"),
        (
            "## 2.0.0\n\n- `SessionOptions`, `createEngineSession`.\n",
            "the section for 1.0.0, which was released, is gone",
        ),
        ("## 2.0.0\n\n- SessionOptions.\n\n## 1.0.0\n", "does not name `SessionOptions`, `createEngineSession`"),
    ],
)
def test_the_changelog_names_all_that_a_change_touches(changelog: str, problem: str | None) -> None:
    old = {**CONTRACT, "info": {**CONTRACT["info"], "version": "1.0.0"}}
    new = changed(lambda d, s, o: (s["SessionOptions"]["properties"].pop("region"), o["responses"].pop("403")))
    new["info"]["version"] = "2.0.0"
    found = list(breaking.problems(old, new, Level.MAJOR, changelog))
    assert found == [] if problem is None else [problem in line for line in found] == [True]


def test_todays_contract_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """The version, the changelog and what was released agree, as far as can be told without oasdiff or with it."""
    assert breaking.main([]) == 0
    assert "openapi.yaml" in capsys.readouterr().out
