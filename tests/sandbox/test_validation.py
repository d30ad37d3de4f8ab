"""From a validator's errors to problems that a person can act on."""

from __future__ import annotations

from typing import Any

import pytest

from anam_facade.sandbox import contract
from tests.sandbox.contract import document
from tests.sandbox.support import EXAMPLES, UUID

TOOL = {"type": "server", "name": "a"}
VOICE = "voiceGenerationOptions"


@pytest.mark.parametrize(
    ("persona", "expected"),
    [
        ({"personaId": UUID}, set()),
        ({"personaId": "x"}, {("personaId", "pattern")}),
        ({"personaId": UUID, "name": "x"}, {("name", "additionalProperties")}),
        ({"type": "other"}, {("type", "enum")}),
        ({"nmae": "x"}, {("nmae", "additionalProperties")}),
        ({"directorNotes": {"presetStyle": "warm", "customStylePrompt": "x"}}, {("directorNotes", "not")}),
        ({"tools": [{**TOOL, "type": "nonsense"}]}, {("tools[0].type", "enum")}),
        ({"tools": [TOOL]}, {("tools[0].subtype", "required")}),
        ({"tools": [{**TOOL, "subtype": "x"}]}, {("tools[0].subtype", "enum")}),
        (
            {"tools": [{"type": "client"}, {"name": "b"}]},
            {("tools[0].name", "required"), ("tools[1].type", "required")},
        ),
        ({"tools": [5]}, {("tools[0]", "type")}),
        ({"tools": [{**TOOL, "subtype": "webhook", "headers": {"x": 5}}]}, {("tools[0].headers.x", "type")}),
        ({VOICE: {"emotion": "joy"}}, {(f"{VOICE}.emotion", "enum")}),
        ({VOICE: {"x": 1}}, {(f"{VOICE}.x", "additionalProperties")}),
        ({VOICE: {"volume": 1, "emotion": "calm", "speed": 1.5}}, set()),
        ({VOICE: {"style": 1, "speed": 1.5}}, {(f"{VOICE}.speed", "maximum")}),
        ({VOICE: {"emotion": "calm", "speed": 1.8}}, {(f"{VOICE}.speed", "maximum")}),
    ],
)
def test_the_field_and_rule_are_those_of_the_alternative_that_was_meant(persona: Any, expected: Any) -> None:
    """Of a `oneOf` only one branch is talked about."""
    assert {(problem.path, problem.code) for problem in contract.problems("PersonaConfig", persona)} == expected


def test_a_kind_that_nobody_knows_is_told_the_kinds_there_are() -> None:
    """The message lists the values of all alternatives."""
    (problem,) = contract.problems("Tool", {"type": "nonsense", "name": "a"})
    assert str(problem) == "type: the value is not one of client, server, system"
    (problem,) = contract.problems("Tool", 5)
    assert str(problem) == 'the value is not of type "object"'


def test_bytes_are_counted_as_compact_json_in_utf8() -> None:
    """10,000 are allowed, one more is not."""
    fits, too_many = {"a": "é" * 4996}, {"a": "é" * 4996 + "x"}
    assert contract.problems("ToolParameters", fits) == []
    assert [problem.code for problem in contract.problems("ToolParameters", too_many)] == ["x-maxBytes"]


def test_every_keyword_of_the_contract_is_understood() -> None:
    """A new extension in openapi.yaml must be given a meaning here, or be known to have none."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            if isinstance(key, str) and key.startswith("x-"):
                found.add(key)
            walk(value)

    walk(document()["components"]["schemas"])
    assert found == {"x-extensible-enum", "x-knownVideoSizes", "x-maxBytes", "x-source", "x-uniqueBy"}


def test_examples_are_copies() -> None:
    """So that no answer can spoil the next."""
    contract.example("ErrorBadRequest")["message"] = "changed"
    assert contract.example("ErrorBadRequest") == EXAMPLES["ErrorBadRequest"]
