"""What the facade knows by heart, and all it can send, is what the contract says. Answers are played by the vectors."""

from __future__ import annotations

import json
import warnings
from typing import Any

import attrs
import httpx
import pytest
import spec
import vectors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anam_facade import DEFAULT_BASE_URL, AnamClient, AnamConfigWarning, LiveKitEnvironment, PersonaConfig, errors
from anam_facade._operations import what_livekit_needs
from tests.strategies import OBJECTS, OPTIONS, PERSONAS, ROOMS, TEXT

pytestmark = pytest.mark.filterwarnings("ignore::anam_facade.AnamConfigWarning")

CONTRACT = vectors.Validated(spec.load())
quick = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def mistakes(name: str, body: Any) -> list[str]:
    """Why a body is not what the contract's schema of that name allows."""
    return CONTRACT.mistakes(name, {"$ref": f"#/components/schemas/{name}"}, body)


def test_what_is_known_by_heart():
    """The server, the statuses with errors of their own, the words of plan limits, and what headers ask to wait."""
    document, components = CONTRACT.document, CONTRACT.document["components"]
    assert [server["url"] for server in document["servers"]] == [DEFAULT_BASE_URL]
    documented = {status for operation in CONTRACT.operations.values() for status in operation["responses"]}
    assert documented == {*map(str, errors._BY_STATUS), "200", "201", "500", "default"}
    limits = components["responses"]["TooManySessions"]["description"].lower()
    assert all(text in limits for text in errors._PLAN_LIMITS)
    hints = {name: str(header["example"]) for name, header in components["headers"].items()}
    assert errors.retry_after({"Retry-After": hints["RetryAfter"]}) == 2
    assert errors.retry_after({"RateLimit-Reset": hints["RateLimitReset"]}) == 30
    spent = {"X-RateLimit-Org-Hour-Remaining": "0", "X-RateLimit-Org-Hour-Reset": hints["OrgHourReset"]}
    assert errors.retry_after(spent) == 1800


def sent_by(method: str, persona: PersonaConfig, **options: Any) -> list[Any]:
    bodies = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(200, json={"sessionToken": "a.b.c", "sessionId": "s-1"})

    transport = httpx.MockTransport(handler)
    with AnamClient("the-key", DEFAULT_BASE_URL, transport=transport, retry=0, auto_label=False) as client:
        getattr(client, method)(persona, **options)
    return bodies


def told(**values: Any) -> dict[str, Any]:
    """What of it was given, as it stands on the wire."""
    return {k: v.to_dict() if hasattr(v, "to_dict") else v for k, v in values.items() if v is not None}


@quick
@given(PERSONAS, st.none() | ROOMS, st.none() | OPTIONS, st.none() | TEXT, st.none() | TEXT, st.none() | OBJECTS)
def test_every_body_is_what_the_contract_allows(persona, room, chosen, label, expires, metadata):
    """Every body that can be sent is valid by the contract, holds what was said, and can be read again."""
    if chosen is not None and chosen.egress is not None:
        persona = attrs.evolve(persona, enable_audio_passthrough=True)
    setup = {"environment": room, "session_options": chosen, "client_label": label}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnamConfigWarning)
        (mint,) = sent_by("create_session_token", persona, **setup, expires_in=expires)
        (direct,) = sent_by("start_session", persona, **setup, direct=True, client_metadata=metadata)
        first, start = sent_by("start_session", persona, **setup, client_metadata=metadata)
    assert mistakes("SessionTokenRequest", mint) == mistakes("SessionTokenRequest", first) == []
    assert mistakes("DirectStartRequest", direct) == mistakes("TokenStartRequest", start) == []
    assert mistakes("EngineSessionRequest", direct) == mistakes("EngineSessionRequest", start) == []

    again = PersonaConfig.from_dict(persona.to_dict())
    # Nothing on the wire says whose voice options they are.
    assert attrs.evolve(again, voice_generation_options=None) == attrs.evolve(persona, voice_generation_options=None)
    body = told(personaConfig=again, environment=room, sessionOptions=chosen, clientLabel=label)
    if room is not None:
        body["personaConfig"] |= what_livekit_needs(persona)
    assert mint == body | told(expiresIn=expires)
    assert direct == body | told(clientMetadata=metadata)
    # In two steps, the sensitivity goes with the second.
    if chosen is not None and chosen.end_of_speech_sensitivity is not None:
        later = {"voiceDetection": body["sessionOptions"].pop("voiceDetection")}
        assert later == {"voiceDetection": {"endOfSpeechSensitivity": chosen.end_of_speech_sensitivity}}
        assert start.pop("sessionOptions") == later
    assert (first, start) == (body, told(clientMetadata=metadata))


@quick
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(["{}", "https://{}", "wss://a.b/{}", "https://a.b?{}"]),
)
def test_an_address_that_is_accepted_is_one_by_the_contract(text, pattern):
    """No address gets through that the contract's `format: uri` refuses."""
    try:
        room = LiveKitEnvironment(pattern.format(text), "t")
    except ValueError:
        return
    assert mistakes("SessionTokenRequest", {"personaConfig": {}, "environment": room.to_dict()}) == []
