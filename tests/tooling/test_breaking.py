"""scripts/breaking.py: no change of the contract gets by without its version and its entry in the changelog.

Each kind of change is made to today's contract. What oasdiff sees is tried where oasdiff has been built (`make
contract` does that, with Go), or has to be (REQUIRE_GO=1); all else everywhere.
"""

from __future__ import annotations

import os
import subprocess
from typing import Any

import breaking
import pytest
import vectors
from breaking import Level

import tools
from tests.tooling.change import CONTRACT, GONE, Added, Renamed, changed

WITH_OASDIFF = (tools.OASDIFF.exists() or os.environ.get("REQUIRE_GO") == "1") and tools.has_go(tools.OASDIFF)
NEEDS_OASDIFF = "oasdiff is not built: make contract builds it, with Go"

HEADER = {"name": "X-Tenant", "in": "header", "schema": {"type": "string"}}
SIZES = "SessionOptions.x-knownVideoSizes.cara-4"
HEARTBEAT = "ClientConfig.properties.heartbeatIntervalSeconds"

# The rule that must see it, or how little it asks where it breaks nobody; and what becomes of which place.
CHANGES: list[tuple[str | Level, str, Any]] = [
    ("request-property-enum-value-removed", "CartesiaEmotion.enum.0", GONE),
    ("request-property-became-required", "DirectStartRequest.required", Added("environment")),
    ("request-property-removed", "SessionOptions.properties.region", Renamed("area")),
    ("response-optional-property-removed", "EngineSession.properties.region", GONE),
    ("response-property-became-nullable", "EngineSession.properties.sessionId.type", ["string", "null"]),
    ("api-operation-id-removed", "start.operationId", "start"),
    ("api-security-removed", "start.security.1", GONE),
    ("response-non-success-status-removed", "start.responses.403", GONE),
    ("new-required-request-parameter", "start.parameters", Added({**HEADER, "required": True})),
    ("response-property-default-value-changed", f"{HEARTBEAT}.default", 9),
    ("ours: servers", "document.servers.0.url", "https://elsewhere.example.org"),
    ("ours: scheme", "document.components.securitySchemes.apiKey.scheme", "basic"),
    ("ours: responses", "start.responses.default", GONE),
    ("ours: additionalProperties", "ClientMetadata.additionalProperties", False),
    ("ours: not", "FishAudioVoiceOptions.not", {"required": ["volume", "speed"]}),
    ("ours: $ref", "EphemeralPersonaConfig.properties.directorNotes.$ref", GONE),
    ("ours: x-maxBytes", "ToolParameters.x-maxBytes", 10),
    ("ours: x-knownVideoSizes", f"{SIZES}.0", GONE),
    # One that fits two schemas of a `oneOf`.
    ("ours: request", "Tool.oneOf", Added({"type": "object"})),
    # A keyword that nothing judges.
    ("ours: x-reservedWords", "EphemeralPersonaConfig.properties.name.x-reservedWords", ["admin"]),
    # What is no alarm.
    (Level.MINOR, "SessionOptions.properties.audioQuality", {"type": "string"}),
    (Level.MINOR, "start.parameters", Added(HEADER)),
    (Level.MINOR, "ToolParameters.x-maxBytes", 99_999),
    (Level.MINOR, SIZES, Added("1280x720")),
    (Level.MINOR, "DirectorNotes.not", GONE),
    (Level.MINOR, "SessionTokenResponse.additionalProperties", False),
    (Level.PATCH, "EngineSession.description", "What runs."),
    (Level.NOTHING, "document.components.schemas.Egress", Renamed("Egress")),  # keys in another order
]


@pytest.mark.parametrize(("rule", "place", "value"), CHANGES)
def test_a_change_is_seen_by_the_rule_that_is_for_it(rule: str | Level, place: str, value: Any) -> None:
    level, found = breaking.assess(CONTRACT, changed((place, value)), with_oasdiff=WITH_OASDIFF)
    if isinstance(rule, Level):
        assert (level, found) == (rule, [])
    elif rule.startswith("ours: ") or WITH_OASDIFF:
        assert level is Level.MAJOR
        assert [finding for finding in found if finding.startswith(f"{rule}: ")], found
    else:
        pytest.skip(NEEDS_OASDIFF)


@pytest.mark.skipif(not WITH_OASDIFF, reason=NEEDS_OASDIFF)
def test_the_rules_that_are_raised_are_oasdiffs() -> None:
    """Each alternative of the pattern is the name of a rule in the version that is used."""
    command = [str(tools.OASDIFF), "checks", "changelog"]
    known = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.split()
    assert sum(breaking.RAISED.fullmatch(rule) is not None for rule in known) == 26


def numbered(version: str, document: dict[str, Any] = CONTRACT) -> dict[str, Any]:
    return {**document, "info": {**document["info"], "version": version}}


def test_a_change_needs_the_version_of_its_level_or_a_higher_one() -> None:
    def passes(level: Level, version: str) -> bool:
        changelog = f"# Changelog\n\n## {version}\n\n- New.\n\n## 1.4.2\n\n- Old.\n"
        return not list(breaking.problems(numbered("1.4.2"), numbered(version), level, changelog))

    versions = ["1.4", "1.4.2", "1.04.3", "1.4.3", "1.4.4", "1.5.0", "1.5.1", "2.0.0", "2.1.0"]
    assert {level.name: [version for version in versions if passes(level, version)] for level in Level} == {
        "NOTHING": ["1.4.2"],
        "PATCH": ["1.4.3", "1.5.0", "2.0.0"],
        "MINOR": ["1.5.0", "2.0.0"],
        "MAJOR": ["2.0.0"],
    }


@pytest.mark.parametrize(
    ("changelog", "problem"),
    [
        ("## 2.0.0\n\n- `SessionOptions.region` of `createEngineSession`.\n\n## 1.0.0\n\n- Old.\n", ""),
        ("## 1.0.0\n\n- Old.\n", "no section on top for 2.0.0"),
        (
            "## 2.0.0\n\n- `SessionOptions`, `createEngineSession`.\n",
            "the section for 1.0.0, which was released, is gone",
        ),
        ("## 2.0.0\n\n- SessionOptions.\n\n## 1.0.0\n", "does not name `SessionOptions`, `createEngineSession`"),
    ],
)
def test_the_changelog_names_all_that_a_change_touches(changelog: str, problem: str) -> None:
    new = numbered("2.0.0", changed(("SessionOptions.properties.region", GONE), ("start.responses.403", GONE)))
    found = list(breaking.problems(numbered("1.0.0"), new, Level.MAJOR, changelog))
    assert [problem in line for line in found] == [True] * bool(problem)


def test_the_vectors_are_held_to_the_paths_and_credentials_of_the_contract() -> None:
    moved = ("document.paths./v1/engine/session", Renamed("/v2/engine/session"))
    new = vectors.Validated(changed(("start.security.1", GONE), moved))
    told = {line.partition(": ")[2] for line in vectors.problems(new, vectors.read(), {})}
    assert "createEngineSession is POST /v2/engine/session" in told
    assert "the contract knows no apiKey for createEngineSession" in told
