"""From a validator's errors to problems that a person can act on."""

from __future__ import annotations

from typing import Any

import pytest

from anam_facade.sandbox import contract
from anam_facade.sandbox.service import bearer_of, parse_duration, token_type
from tests.sandbox.support import DOCUMENT, EXAMPLES, UUID

PERSONAS: list[tuple[dict[str, Any], set[tuple[str, str]]]] = [
    ({"personaId": UUID}, set()),
    ({"personaId": "x"}, {("personaId", "pattern")}),
    ({"personaId": UUID, "name": "x"}, {("name", "additionalProperties")}),
    ({"type": "other"}, {("type", "enum")}),
    ({"nmae": "x"}, {("nmae", "additionalProperties")}),
    ({"tools": [{"type": "nonsense", "name": "a"}]}, {("tools[0].type", "enum")}),
    ({"tools": [{"type": "server", "name": "a"}]}, {("tools[0].subtype", "required")}),
    ({"tools": [{"type": "server", "name": "a", "subtype": "x"}]}, {("tools[0].subtype", "enum")}),
    ({"tools": [{"type": "client"}, {"name": "b"}]}, {("tools[0].name", "required"), ("tools[1].type", "required")}),
    ({"tools": [5]}, {("tools[0]", "type")}),
    (
        {"tools": [{"type": "server", "subtype": "webhook", "name": "a", "headers": {"x": 5}}]},
        {("tools[0].headers.x", "type")},
    ),
    ({"voiceGenerationOptions": {"emotion": "joy"}}, {("voiceGenerationOptions.emotion", "enum")}),
    ({"voiceGenerationOptions": {"style": 2}}, {("voiceGenerationOptions.style", "maximum")}),
    ({"voiceGenerationOptions": {"x": 1}}, {("voiceGenerationOptions.x", "additionalProperties")}),
    ({"voiceGenerationOptions": {"speed": 0.5}}, set()),
    ({"voiceGenerationOptions": {"volume": 1, "speed": 1.8}}, set()),
    ({"voiceGenerationOptions": {"volume": 1, "emotion": "calm", "speed": 1.5}}, set()),
    ({"voiceGenerationOptions": {"style": 1, "speed": 1.5}}, {("voiceGenerationOptions.speed", "maximum")}),
    ({"voiceGenerationOptions": {"stability": 1, "speed": 1.5}}, {("voiceGenerationOptions.speed", "maximum")}),
    ({"voiceGenerationOptions": {"emotion": "calm", "speed": 1.8}}, {("voiceGenerationOptions.speed", "maximum")}),
    ({"initialMessage": None}, set()),
    ({"initialMessage": 5}, {("initialMessage", "type")}),
]


@pytest.mark.parametrize(("persona", "expected"), PERSONAS)
def test_the_field_and_rule_are_those_of_the_alternative_that_was_meant(
    persona: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    """Of a `oneOf` only one branch is talked about."""
    problems = contract.problems("PersonaConfig", persona)
    assert {(problem.path, problem.code) for problem in problems} == expected


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

    walk(DOCUMENT["components"]["schemas"])
    assert found == {"x-extensible-enum", "x-knownVideoSizes", "x-maxBytes", "x-source", "x-uniqueBy"}


def test_the_examples_that_errors_are_made_of_are_in_the_contract() -> None:
    """Copies, so that no answer can spoil the next."""
    first = contract.example("ErrorBadRequest")
    first["message"] = "changed"
    assert contract.example("ErrorBadRequest") == EXAMPLES["ErrorBadRequest"]


@pytest.mark.parametrize(
    ("header", "bearer"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Bearer a", "a"),
        ("bearer  a ", "a"),
        ("Basic a", None),
        ("a", None),
    ],
)
def test_the_bearer_is_what_stands_behind_the_scheme(header: str | None, bearer: str | None) -> None:
    """The scheme's letters may be small or large."""
    assert bearer_of(header) == bearer


def test_durations_and_token_types_of_anything_are_decided() -> None:
    """Wrong types are no exception, but a decision."""
    durations: list[object] = [None, 5, [], "1y", "\u0661s"]
    personas: list[object] = [None, 5, [], {"llmId": ""}]
    assert [parse_duration(value) for value in durations] == [None] * 5
    assert [token_type({"personaConfig": value, "environment": value}) for value in personas] == ["legacy"] * 4
