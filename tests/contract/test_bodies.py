"""Whatever a user can say survives reading and writing, loses nothing on its way out, and is as the contract allows."""

from __future__ import annotations

import json
import warnings
from typing import Any

import attrs
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anam_api.models import EphemeralPersonaConfig, StatefulPersonaConfig
from anam_api.models import SessionOptions as GeneratedOptions
from anam_facade import (
    AnamClient,
    AnamConfigWarning,
    CartesiaSonic3VoiceOptions,
    ClientTool,
    DailyEgress,
    DirectorNotes,
    ElevenLabsV1VoiceOptions,
    ElevenLabsV2VoiceOptions,
    FishAudioVoiceOptions,
    KnowledgeTool,
    LiveKitEnvironment,
    PersonaConfig,
    RetryPolicy,
    SessionOptions,
    SystemTool,
    VoiceDetectionOptions,
    WebhookTool,
)
from anam_facade._wire import Kind, Part, Rule, rules

pytestmark = pytest.mark.filterwarnings("ignore::anam_facade.AnamConfigWarning")

quick = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)
UUIDS = st.uuids().map(str) | st.uuids().map(lambda uuid: str(uuid).upper())
HOST = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?(\.[a-z]{2,5})?(:[1-9][0-9]{0,3})?", fullmatch=True)
PATH = st.text(st.sampled_from("abcXYZ019-._~/%"), max_size=8).map(lambda path: "/" + path.replace("%", "%2f"))
URIS = st.builds("{}://{}{}".format, st.sampled_from(["https", "wss", "http"]), HOST, PATH)
INT32 = st.integers(-(2**31), 2**31 - 1)

VOICES = (ElevenLabsV1VoiceOptions, ElevenLabsV2VoiceOptions, CartesiaSonic3VoiceOptions, FishAudioVoiceOptions)
TOOLS = (ClientTool, WebhookTool, KnowledgeTool, SystemTool)


def values(rule: Rule) -> st.SearchStrategy[Any]:
    """Values that keep a rule, made from the rule itself, so that a new field is tried without being added here."""
    match rule.kind:
        case Kind.STRING if rule.one_of:
            return st.sampled_from(rule.one_of)
        case Kind.STRING if rule.uuid:
            return UUIDS
        case Kind.STRING if rule.uri:
            return URIS
        case Kind.STRING:
            text = st.text(
                st.characters(exclude_categories=["Cs"]),
                min_size=rule.min_length or 0,
                max_size=min(rule.max_length or 20, 20),
            )
            return text | st.sampled_from(rule.known) if rule.known else text
        case Kind.BOOLEAN:
            return st.booleans()
        case Kind.NUMBER if rule.ge is not None and rule.le is not None:
            return st.floats(rule.ge, rule.le) | st.sampled_from([rule.ge, rule.le])
        case Kind.NUMBER:
            return st.floats(rule.ge, 1e9) | st.integers(1, 2**63 - 1)
        case Kind.INTEGER:
            return INT32
        case Kind.STRINGS:
            return st.lists(UUIDS if rule.uuid else TEXT, max_size=3)
        case Kind.STRING_MAP:
            return st.dictionaries(TEXT, TEXT, max_size=3)
        case Kind.OBJECT:
            return OBJECTS
    raise AssertionError(rule)


def parts(
    cls: type[Part], without: tuple[str, ...] = (), **given_values: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """Instances of a class, every field set or not."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for attribute, rule in rules(cls).items():
        if attribute not in without:
            strategy = given_values.pop(attribute) if attribute in given_values else values(rule)
            fields[attribute] = strategy if rule.required else st.none() | strategy
    return st.builds(cls, **fields, **given_values)


def tools(cls: type[Part]) -> st.SearchStrategy[Any]:
    names = {rule.name for rule in rules(cls).values()} | set(cls.CONSTANTS)
    # Nothing tells an empty object of further keys from none at all.
    return parts(cls, extra=OBJECTS.map(lambda extra: {k: v for k, v in extra.items() if k not in names} or None))


NOTES = parts(DirectorNotes, without=("preset_style",)) | parts(DirectorNotes, without=("custom_style_prompt",))
TOOL = st.one_of(*(tools(cls) for cls in TOOLS))
EPHEMERAL = parts(
    PersonaConfig,
    without=("persona_id", "brain_type"),
    voice_detection_options=parts(VoiceDetectionOptions),
    voice_generation_options=st.one_of(*(parts(cls) for cls in VOICES)),
    director_notes=NOTES,
    tools=st.lists(TOOL, max_size=3, unique_by=lambda tool: tool.name),
)
SAVED = st.builds(PersonaConfig.saved, UUIDS, enable_audio_passthrough=st.none() | st.booleans())
PERSONAS = EPHEMERAL | SAVED
ROOMS = parts(LiveKitEnvironment)
EGRESS = parts(DailyEgress)


@st.composite
def options(draw: st.DrawFn) -> SessionOptions:
    policy = draw(st.sampled_from([None, "preferred", "strict"]))
    region = draw(TEXT if policy == "strict" else st.none() | TEXT)
    width, height = draw(st.just((None, None)) | st.tuples(INT32, INT32))
    rest = draw(
        parts(SessionOptions, without=("region", "region_policy", "video_width", "video_height"), egress=EGRESS)
    )
    return attrs.evolve(rest, region=region, region_policy=policy, video_width=width, video_height=height)


@quick
@given(PERSONAS)
def test_a_persona_survives_reading_and_writing(persona):
    """Any persona that can be made, written and read again, is the same."""
    wire = persona.to_dict()
    again = PersonaConfig.from_dict(json.loads(json.dumps(wire)))
    assert again.to_dict() == wire
    # Nothing on the wire says whose voice options they are.
    assert attrs.evolve(again, voice_generation_options=None) == attrs.evolve(persona, voice_generation_options=None)


@quick
@given(st.one_of(options(), ROOMS, EGRESS, TOOL, NOTES, parts(VoiceDetectionOptions), *(parts(cls) for cls in VOICES)))
def test_a_part_survives_reading_and_writing(part):
    """Any other part that can be made, written and read again, is the same."""
    wire = part.to_dict()
    assert type(part).from_dict(json.loads(json.dumps(wire))) == part


@quick
@given(PERSONAS)
def test_the_generated_client_loses_nothing_of_a_persona(persona):
    """What the generated client makes of a persona is the same persona."""
    wire = persona.to_dict()
    generated = StatefulPersonaConfig if "personaId" in wire else EphemeralPersonaConfig
    assert generated.from_dict(wire).to_dict() == wire


@quick
@given(options())
def test_the_generated_client_loses_nothing_of_the_options(part):
    """What the generated client makes of session options is the same options."""
    wire = part.to_dict()
    assert GeneratedOptions.from_dict(wire).to_dict() == wire


def sent_by(call: Any) -> list[tuple[str, Any]]:
    bodies = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append((request.url.path, json.loads(request.content)))
        return httpx.Response(200, json={"sessionToken": "a.b.c", "sessionId": "s-1"})

    with AnamClient("the-key", transport=httpx.MockTransport(handler), retry=RetryPolicy(max_attempts=1)) as client:
        call(client)
    return bodies


@pytest.fixture(scope="module")
def schemas(contract, validator):
    """The validator of each request body."""
    return {
        name: validator(contract, name)
        for name in ("SessionTokenRequest", "EngineSessionRequest", "TokenStartRequest", "DirectStartRequest")
    }


@quick
@given(
    persona=PERSONAS,
    room=st.none() | ROOMS,
    chosen=st.none() | options(),
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
