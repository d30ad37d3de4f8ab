"""What the sandbox answers is what openapi.yaml says, whoever asks and whatever for; and what it makes of a body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup

from anam_facade.sandbox import Fault, Sandbox
from anam_facade.sandbox.contract import NotJson, example, parse_json, problems
from tests.sandbox.support import DOCUMENT, EXAMPLES, MINT, MINTING, START, STARTING, UUID, Api, contract

MET = {MINTING: {200, 400, 401}, STARTING: {201, 400, 401, 404}}
# What the document asks for outside its schemas, as the sandbox names it in `details`. Who makes data from the schemas
# cannot know of it, hence none of schemathesis' own check that all of it is accepted.
BEYOND_SCHEMAS = {"x-extensible-enum", "x-maxBytes", "x-uniqueBy", "enableAudioPassthrough", "format"}


@pytest.fixture(scope="module")
def strict() -> Iterator[Sandbox]:
    """A strict sandbox (as Anam, it would mint from nearly anything). What it was asked must have been worth asking."""
    with Sandbox(strict=True) as sandbox:
        yield sandbox
        for operation, statuses in MET.items():
            met = {request.status for request in sandbox.requests if request.operation == operation}
            assert met in (statuses, set())


@pytest.mark.slow
@contract().parametrize()
def test_schemathesis_finds_nothing(case: Any, strict: Sandbox) -> None:
    """Valid and invalid requests, made from the whole document, are all answered as it says."""
    answer = case.call_and_validate(
        strict.base_url,
        headers={"Authorization": f"Bearer {strict.api_key}"},
        excluded_checks=CHECKS.get_by_names(["positive_data_acceptance"]),
    )
    if case.meta.generation.mode.is_positive and answer.status_code >= 300:
        told = answer.json()
        rules = {problem["code"] for problem in told.get("details", ())}
        assert rules <= BEYOND_SCHEMAS, f"refused by {rules}, although the schema is satisfied"
        assert rules or told["error"] == "video_dimensions_not_supported_for_model" or answer.status_code == 403


@pytest.mark.parametrize("path", [MINT, START])
def test_a_fault_that_only_names_a_status_is_answered_as_documented(api: Api, path: str) -> None:
    """Every error that the contract shows can be had, and is in its form."""
    statuses = {int(status) for status in DOCUMENT["paths"][path]["post"]["responses"] if status.isdecimal()}
    for status in statuses - {200, 201}:
        api.sandbox.inject(Fault(status=status, times=1))
        assert api.post(path, {}, "whoever").status_code == status


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault(status=200, body={"sessionToken": 7}), '7 is not of type "string"'),
        (Fault(status=500, body={"error": 500}), "500 is not of type"),
        (Fault(status=402), "Received: 402"),
        (Fault(status=500, body="<h1>Oops</h1>"), "Received: text/html"),
        (Fault(status=500, body="<h1>Oops</h1>", content_type="application/json"), "JSON deserialization error"),
        (Fault(status=429, headers={"RateLimit-Reset": "soon"}), "Response header does not conform"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_reported(api: Api, fault: Fault, found: str) -> None:
    """The checks of this folder tell a wrong body, status, content type and header."""
    api.sandbox.inject(fault)
    with pytest.raises(FailureGroup, match=found):
        api.mint()


# --- What the sandbox says of a body ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "at line 1, column 2"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": NaN}', "not finite"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "out of range"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b"[" * 100_000, "80 levels"),
        (b"[" * 81 + b"1" + b"]" * 81, "80 levels"),
    ],
)
def test_json_is_read_as_strictly_as_the_standard(body: bytes, reason: str) -> None:
    """A reason, which does not quote the body."""
    with pytest.raises(NotJson, match=reason):
        parse_json(body)
    assert parse_json(b"[" * 80 + b"1" + b"]" * 80)


TOOL = {"type": "server", "name": "a"}
VOICE = "voiceGenerationOptions"


@pytest.mark.parametrize(
    ("persona", "expected"),
    [
        ({"personaId": UUID}, set()),
        ({"personaId": "x"}, {("personaId", "pattern")}),
        ({"personaId": UUID, "name": "x"}, {("name", "additionalProperties")}),
        ({"type": "other"}, {("type", "enum")}),
        ({"directorNotes": {"presetStyle": "warm", "customStylePrompt": "x"}}, {("directorNotes", "not")}),
        ({"tools": [TOOL]}, {("tools[0].subtype", "required")}),
        (
            {"tools": [{"type": "client"}, {"name": "b"}]},
            {("tools[0].name", "required"), ("tools[1].type", "required")},
        ),
        ({"tools": [{**TOOL, "subtype": "webhook", "headers": {"x": 5}}]}, {("tools[0].headers.x", "type")}),
        ({VOICE: {"emotion": "joy"}}, {(f"{VOICE}.emotion", "enum")}),
        ({VOICE: {"style": 1, "speed": 1.5}}, {(f"{VOICE}.speed", "maximum")}),
        ({VOICE: {"emotion": "calm", "speed": 1.8}}, {(f"{VOICE}.speed", "maximum")}),
    ],
)
def test_the_field_and_rule_are_those_of_the_alternative_that_was_meant(persona: Any, expected: Any) -> None:
    """Of a `oneOf` only one branch is talked about."""
    assert {(problem.path, problem.code) for problem in problems("PersonaConfig", persona)} == expected


def test_a_kind_that_nobody_knows_is_told_the_kinds_there_are() -> None:
    """The message lists the values of all alternatives."""
    (problem,) = problems("Tool", {"type": "nonsense", "name": "a"})
    assert str(problem) == "type: the value is not one of client, server, system"
    (problem,) = problems("Tool", 5)
    assert str(problem) == 'the value is not of type "object"'


def test_bytes_are_counted_as_compact_json_in_utf8() -> None:
    """10,000 are allowed, one more is not."""
    assert problems("ToolParameters", {"a": "é" * 4996}) == []
    assert [problem.code for problem in problems("ToolParameters", {"a": "é" * 4996 + "x"})] == ["x-maxBytes"]


def test_every_keyword_of_the_contract_is_understood() -> None:
    """A new extension in openapi.yaml must be given a meaning here, or be known to have none."""
    found = set(re.findall(r'"(x-[\w-]+)":', json.dumps(DOCUMENT["components"]["schemas"])))
    assert found == {"x-extensible-enum", "x-knownVideoSizes", "x-maxBytes", "x-source", "x-uniqueBy"}


def test_examples_are_copies() -> None:
    """So that no answer can spoil the next."""
    example("ErrorBadRequest")["message"] = "changed"
    assert example("ErrorBadRequest") == EXAMPLES["ErrorBadRequest"]
