"""Whatever a user can say survives reading and writing, loses nothing on its way out, and is as the contract allows."""

from __future__ import annotations

import json
import warnings
from typing import Any

import attrs
import httpx
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anam_facade import AnamClient, AnamConfigWarning, LiveKitEnvironment, PersonaConfig
from tests.strategies import OBJECTS, OPTIONS, PERSONAS, ROOMS, TEXT

pytestmark = pytest.mark.filterwarnings("ignore::anam_facade.AnamConfigWarning")

quick = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(PERSONAS)
def test_a_persona_survives_reading_and_writing(persona):
    """Any persona that can be made, written and read again, is the same."""
    wire = persona.to_dict()
    again = PersonaConfig.from_dict(json.loads(json.dumps(wire)))
    assert again.to_dict() == wire
    # Nothing on the wire says whose voice options they are.
    assert attrs.evolve(again, voice_generation_options=None) == attrs.evolve(persona, voice_generation_options=None)


def sent_by(call: Any) -> list[tuple[str, Any]]:
    bodies = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append((request.url.path, json.loads(request.content)))
        return httpx.Response(200, json={"sessionToken": "a.b.c", "sessionId": "s-1"})

    with AnamClient("the-key", transport=httpx.MockTransport(handler), retry=0, auto_label=False) as client:
        call(client)
    return bodies


@pytest.fixture(scope="module")
def schemas(contract):
    """The validator of each request body."""
    names = ("SessionTokenRequest", "EngineSessionRequest", "TokenStartRequest", "DirectStartRequest")
    whole = {name: {"$ref": f"#/components/schemas/{name}", "components": contract["components"]} for name in names}
    return {name: jsonschema_rs.Draft202012Validator(s, validate_formats=True) for name, s in whole.items()}


@quick
@given(
    persona=PERSONAS,
    room=st.none() | ROOMS,
    chosen=st.none() | OPTIONS,
    label=st.none() | TEXT,
    expires=st.none() | TEXT,
    metadata=st.none() | OBJECTS,
)
def test_every_body_is_what_the_contract_allows(schemas, persona, room, chosen, label, expires, metadata):
    """Every body that can be sent is valid by the contract, and holds what was said and nothing else."""
    if chosen is not None and chosen.egress is not None:
        persona = attrs.evolve(persona, enable_audio_passthrough=True)
    setup = {"environment": room, "session_options": chosen, "client_label": label}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnamConfigWarning)
        minted = sent_by(lambda client: client.create_session_token(persona, **setup, expires_in=expires))
        both = sent_by(lambda client: client.start_session(persona, **setup, client_metadata=metadata))
        direct = sent_by(lambda client: client.start_session(persona, **setup, direct=True, client_metadata=metadata))
    (_, mint), (_, start), (_, straight) = minted[0], both[1], direct[0]
    for body in (mint, both[0][1]):
        schemas["SessionTokenRequest"].validate(body)
    for body, name in ((start, "TokenStartRequest"), (straight, "DirectStartRequest")):
        schemas[name].validate(body)
        schemas["EngineSessionRequest"].validate(body)
    told = {"environment": room, "sessionOptions": chosen}
    assert {key: mint[key] for key in told if key in mint} == {k: v.to_dict() for k, v in told.items() if v is not None}
    assert (mint.get("clientLabel"), mint.get("expiresIn")) == (label, expires)
    assert straight.get("clientMetadata") == start.get("clientMetadata") == metadata
    assert persona.to_dict().items() <= mint["personaConfig"].items()
    filled_in = mint["personaConfig"].keys() - persona.to_dict().keys()
    assert filled_in <= ({"type", "llmId"} if room is not None else set())
    # In two steps, the sensitivity goes with the second.
    at_start = {"voiceDetection": {"endOfSpeechSensitivity": chosen.end_of_speech_sensitivity}} if chosen else {}
    if chosen is not None and chosen.end_of_speech_sensitivity is not None:
        assert start["sessionOptions"] == at_start
        both[0][1]["sessionOptions"] |= at_start
    assert {k: v for k, v in mint.items() if k != "expiresIn"} == both[0][1]
    assert {k: v for k, v in straight.items() if k != "clientMetadata"} == both[0][1]


@quick
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["{}", "https://{}", "wss://a.b/{}", "https://a.b?{}"]),
)
def test_an_address_that_is_accepted_is_one_by_the_contract(schemas, text, pattern):
    """No address gets through that the contract's `format: uri` refuses."""
    address = pattern.format(text)
    try:
        room = LiveKitEnvironment(address, "t")
    except ValueError:
        return
    body = {"personaConfig": {}, "environment": room.to_dict()}
    assert list(schemas["SessionTokenRequest"].iter_errors(body)) == []
