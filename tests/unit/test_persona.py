"""Personas and their parts: what is accepted, what is refused and in which words, files, repr."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
import warnings
from types import MappingProxyType

import attrs
import pytest

from anam_facade import (
    CUSTOMER_CLIENT_V1,
    AnamConfigError,
    AnamConfigWarning,
    CartesiaSonic3VoiceOptions,
    ClientTool,
    DirectorNotes,
    ElevenLabsV1VoiceOptions,
    ElevenLabsV2VoiceOptions,
    FishAudioVoiceOptions,
    KnowledgeTool,
    PersonaConfig,
    Secret,
    SystemTool,
    VoiceDetectionOptions,
    WebhookTool,
)
from anam_facade.persona import MAX_FILE_BYTES

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"

REFUSED = [
    # The bounds of every number, at both ends.
    (lambda: DirectorNotes(expressivity=-0.1), ["expressivity = -0.1: must be between 0 and 1"]),
    (lambda: DirectorNotes(expressivity=1.1), ["expressivity = 1.1: must be between 0 and 1"]),
    (lambda: DirectorNotes(expressivity=math.nan), ["expressivity = nan: must be finite"]),
    (lambda: DirectorNotes(expressivity=True), ["expressivity = True: must be a number, not bool"]),
    (
        lambda: DirectorNotes(custom_style_prompt="x" * 2001),
        ["custom_style_prompt = 2,001 characters: must have at most 2,000 characters"],
    ),
    (
        lambda: DirectorNotes(preset_style="warm", custom_style_prompt=""),
        ["preset_style: cannot be set together with custom_style_prompt"],
    ),
    (
        lambda: VoiceDetectionOptions(end_of_speech_sensitivity=2),
        ["end_of_speech_sensitivity = 2: must be between 0 and 1"],
    ),
    (
        lambda: VoiceDetectionOptions(silence_before_skip_turn_seconds=900.5),
        ["silence_before_skip_turn_seconds = 900.5: must be between 0 and 900"],
    ),
    (
        lambda: VoiceDetectionOptions(silence_before_session_end_seconds=-1),
        ["silence_before_session_end_seconds = -1: must be between 0 and 7200"],
    ),
    (
        lambda: VoiceDetectionOptions(silence_before_auto_end_turn_seconds=0.4),
        ["silence_before_auto_end_turn_seconds = 0.4: must be between 0.5 and 10"],
    ),
    (
        lambda: VoiceDetectionOptions(speech_enhancement_level="high"),
        ["speech_enhancement_level = high: must be a number, not str"],
    ),
    (
        lambda: ElevenLabsV1VoiceOptions(stability=2, similarity_boost=-1, speed=0.69),
        [
            "stability = 2: must be between 0 and 1",
            "similarity_boost = -1: must be between 0 and 1",
            "speed = 0.69: must be between 0.7 and 1.2",
        ],
    ),
    (
        lambda: ElevenLabsV2VoiceOptions(speed=1.21, style=1.5, use_speaker_boost=1, model=5),
        [
            "speed = 1.21: must be between 0.7 and 1.2",
            "style = 1.5: must be between 0 and 1",
            "use_speaker_boost = 1: must be true or false, not int",
            "model = 5: must be a string",
        ],
    ),
    (
        lambda: CartesiaSonic3VoiceOptions(volume=0.4, speed=1.6, emotion="glad"),
        [
            "volume = 0.4: must be between 0.5 and 2",
            "speed = 1.6: must be between 0.6 and 1.5",
            "emotion = glad: must be one of neutral, calm, angry, content, sad, scared",
        ],
    ),
    (
        lambda: FishAudioVoiceOptions(volume=2.1, speed=0.4),
        ["volume = 2.1: must be between 0.5 and 2", "speed = 0.4: must be between 0.5 and 2"],
    ),
    (lambda: PersonaConfig(max_session_length_seconds=0.5), ["max_session_length_seconds = 0.5: must be at least 1"]),
    (
        lambda: PersonaConfig(name=5, skip_greeting="no", metadata=[]),
        [
            "name = 5: must be a string",
            "skip_greeting = no: must be true or false, not str",
            "metadata: must be an object, not list",
        ],
    ),
    (lambda: PersonaConfig(type="stateful"), ["type = stateful: must be one of ephemeral"]),
    (lambda: PersonaConfig(metadata={"a": math.inf}), ["metadata.a = inf: must be finite"]),
    (lambda: PersonaConfig(tool_ids=ID), ["tool_ids: must be a list of strings, not str"]),
    # Parts given as mappings are checked as if read from the wire.
    (
        lambda: PersonaConfig(director_notes={"expresivity": 1}),
        ["director_notes.expresivity: unknown; did you mean expressivity?"],
    ),
    (lambda: PersonaConfig(director_notes=5), ["director_notes: must be an object of its own, not int"]),
    (
        lambda: PersonaConfig(director_notes={"presetStyle": "warm", "customStylePrompt": "x"}),
        ["director_notes.presetStyle: cannot be set together with director_notes.customStylePrompt"],
    ),
    (
        lambda: PersonaConfig(voice_generation_options={"emotion": "glad"}),
        ["voice_generation_options.emotion = glad: must be one of neutral, calm, angry, content, sad, scared"],
    ),
    (
        lambda: PersonaConfig(voice_generation_options={"speed": 9}),
        ["voice_generation_options.speed = 9: must be between 0.7 and 1.2"],
    ),
    (
        lambda: PersonaConfig(voice_generation_options="fast"),
        ["voice_generation_options: must be an object of its own, not str"],
    ),
    # Tools.
    (lambda: ClientTool(name=""), ["name = '': must have at least 1 character"]),
    (lambda: ClientTool(name=None), ["name: is required"]),
    (
        lambda: ClientTool(name="t", description="x" * 1025),
        ["description = 1,025 characters: must have at most 1,024 characters"],
    ),
    (
        lambda: ClientTool(name="t", parameters={"a": "x" * 10_000}),
        ["parameters = 10,008 bytes: must be at most 10,000 bytes as JSON in UTF-8"],
    ),
    (lambda: ClientTool(name="t", parameters="{}"), ["parameters: must be an object, not str"]),
    (lambda: ClientTool(name="t", extra=[]), ["extra: must be an object, not list"]),
    (lambda: ClientTool(name="t", extra={"a": {1}}), ["extra.a = {1}: must be a JSON value, not set"]),
    (
        lambda: ClientTool(name="t", extra={"type": "client", "name": "u"}),
        ["extra.type: has an argument of its own", "extra.name: has an argument of its own"],
    ),
    (
        lambda: WebhookTool(name="t", query_parameters={"a": "é" * 5_000}),
        ["query_parameters = 10,008 bytes: must be at most 10,000 bytes as JSON in UTF-8"],
    ),
    (lambda: WebhookTool(name="t", headers={"A": 5}), ["headers.A = '***': must be a string"]),
    (lambda: WebhookTool(name="t", headers="A: b"), ["headers: must be an object whose values are strings, not str"]),
    (lambda: WebhookTool(name="t", await_response="yes"), ["await_response = yes: must be true or false, not str"]),
    (lambda: KnowledgeTool(name="t", document_folder_ids=[5]), ["document_folder_ids[0] = 5: must be a string"]),
    (lambda: PersonaConfig(tools=[ClientTool(name="t"), SystemTool(name="t")]), ["tools = t: name must be unique"]),
    (lambda: PersonaConfig(tools=ClientTool(name="t")), ["tools: must be a list of objects, not ClientTool"]),
    (lambda: PersonaConfig(tools=["t"]), ["tools[0]: must be an object of its own, not str"]),
    (
        lambda: PersonaConfig(tools=[{"type": "nonsense", "name": "t"}]),
        ["tools[0].type = nonsense: must be one of client, server, system"],
    ),
    (
        lambda: PersonaConfig(tools=[{"type": "server", "name": "t"}]),
        ["tools[0].subtype = None: must be one of webhook, knowledge"],
    ),
    (
        lambda: PersonaConfig(tools=[{"type": "client"}, {"type": "system", "name": "", "x": math.nan}]),
        [
            "tools[0].name: is required",
            "tools[1].name = '': must have at least 1 character",
            "tools[1].x = nan: must be finite",
        ],
    ),
    # Fields that exclude each other.
    (
        lambda: PersonaConfig(persona_id=ID, name="n", llm_id=ID),
        ["name: cannot be set together with persona_id", "llm_id: cannot be set together with persona_id"],
    ),
    (lambda: PersonaConfig(brain_type="a", llm_id="b"), ["brain_type: is the old name of llm_id and contradicts it"]),
    # The wire form, and its spelling.
    (lambda: PersonaConfig.from_dict([]), ["PersonaConfig: must be an object, not list"]),
    (lambda: PersonaConfig.from_dict({"name": None}), ["name = null: must be a string; leave it out instead"]),
    (lambda: PersonaConfig.from_dict({"avatar_id": ID}), ["avatar_id: unknown; did you mean avatarId?"]),
    (
        lambda: PersonaConfig.from_dict({"x y": 1}),
        [
            "'x y': unknown; known are avatarId, avatarModel, brainType, directorNotes, enableAudioPassthrough, "
            "initialMessage, languageCode, llmId, maxSessionLengthSeconds, metadata, name, personaId, personality, "
            "skipGreeting, systemPrompt, toolIds, tools, type, uninterruptibleGreeting, voiceDetectionOptions, "
            "voiceGenerationOptions, voiceId, zeroDataRetention"
        ],
    ),
    (
        lambda: PersonaConfig.from_dict(
            {
                "maxSessionLengthSeconds": 0,
                "directorNotes": {"expressivity": 2},
                "tools": [{"type": "client", "name": "t"}, 5],
            }
        ),
        [
            "directorNotes.expressivity = 2: must be between 0 and 1",
            "tools[1]: must be an object, not int",
            "maxSessionLengthSeconds = 0: must be at least 1",
        ],
    ),
    (
        lambda: PersonaConfig.from_dict({"personaId": ID, "avatarId": ID}),
        ["avatarId: cannot be set together with personaId"],
    ),
    (
        lambda: PersonaConfig.from_dict({"voiceGenerationOptions": []}),
        ["voiceGenerationOptions: must be an object, not list"],
    ),
    (
        lambda: PersonaConfig.from_dict({"directorNotes": None}),
        ["directorNotes = null: must be an object of its own; leave it out instead"],
    ),
    (
        lambda: PersonaConfig.from_dict({"tools": None}),
        ["tools = null: must be a list of objects; leave it out instead"],
    ),
    (lambda: PersonaConfig.from_dict({"tools": {}}), ["tools: must be a list of objects, not dict"]),
    (
        lambda: PersonaConfig.from_dict({"tools": [{"type": "client", "name": "t"}] * 2}),
        ["tools = t: name must be unique"],
    ),
    (lambda: ClientTool.from_dict({"type": "system", "name": "t"}), ['type: must be "client"']),
    (
        lambda: ClientTool.from_dict({"type": "client", "name": "t", "x": {1}}),
        ["x = {1}: must be a JSON value, not set"],
    ),
    (lambda: ClientTool.from_dict({"type": "client", "name": None}), ["name: is required"]),
    (lambda: PersonaConfig.saved(""), ["persona_id = '': must be the UUID of a saved persona"]),
    (lambda: PersonaConfig.saved(5), ["persona_id = 5: must be a string"]),
]


@pytest.mark.parametrize(("make", "expected"), REFUSED, ids=itertools.count())
def test_what_is_wrong_is_refused_with_field_value_and_rule(problems, make, expected):
    """Every rule of a persona and its parts is enforced, and every problem is reported at once."""
    assert problems(make) == expected


def test_problems_are_a_value_error_that_lists_them():
    """The error is a ValueError too, and its text lists all problems, one per line."""
    with pytest.raises(ValueError, match="2 problems") as caught:
        DirectorNotes(expressivity=2, preset_style=5)
    assert str(caught.value).splitlines() == [
        "2 problems:",
        "  preset_style = 5: must be a string",
        "  expressivity = 2: must be between 0 and 1",
    ]


def test_problems_of_extra_keys_come_with_the_others(problems):
    """What is wrong with a tool's further keys is reported together with what is wrong with its fields."""
    found = problems(lambda: ClientTool(name="", extra={"a": math.nan}))
    assert found == ["name = '': must have at least 1 character", "extra.a = nan: must be finite"]


ACCEPTED = [
    (PersonaConfig(), {}),
    (PersonaConfig.saved(ID), {"personaId": ID}),
    (PersonaConfig.saved(ID, enable_audio_passthrough=True), {"personaId": ID, "enableAudioPassthrough": True}),
    (
        PersonaConfig(
            type="ephemeral",
            name="Cara",
            avatar_id=ID,
            avatar_model="cara-4",
            voice_id=ID,
            llm_id=ID,
            system_prompt="s",
            personality="p",
            max_session_length_seconds=1,
            language_code="en",
            skip_greeting=False,
            uninterruptible_greeting=True,
            initial_message="Hello",
            zero_data_retention=False,
            enable_audio_passthrough=True,
            metadata={"a": [1]},
            tool_ids=[ID],
        ),
        {
            "type": "ephemeral",
            "name": "Cara",
            "avatarId": ID,
            "avatarModel": "cara-4",
            "voiceId": ID,
            "llmId": ID,
            "systemPrompt": "s",
            "personality": "p",
            "maxSessionLengthSeconds": 1,
            "languageCode": "en",
            "skipGreeting": False,
            "uninterruptibleGreeting": True,
            "initialMessage": "Hello",
            "zeroDataRetention": False,
            "enableAudioPassthrough": True,
            "metadata": {"a": [1]},
            "toolIds": [ID],
        },
    ),
    (
        PersonaConfig(
            voice_detection_options=VoiceDetectionOptions(
                end_of_speech_sensitivity=0,
                silence_before_skip_turn_seconds=900,
                silence_before_session_end_seconds=7200,
                silence_before_auto_end_turn_seconds=0.5,
                speech_enhancement_level=1,
            )
        ),
        {
            "voiceDetectionOptions": {
                "endOfSpeechSensitivity": 0,
                "silenceBeforeSkipTurnSeconds": 900,
                "silenceBeforeSessionEndSeconds": 7200,
                "silenceBeforeAutoEndTurnSeconds": 0.5,
                "speechEnhancementLevel": 1,
            }
        },
    ),
    (
        PersonaConfig(director_notes=DirectorNotes(preset_style="warm", expressivity=1)),
        {"directorNotes": {"presetStyle": "warm", "expressivity": 1}},
    ),
    (
        PersonaConfig(director_notes=DirectorNotes(custom_style_prompt="x" * 2000)),
        {"directorNotes": {"customStylePrompt": "x" * 2000}},
    ),
    (PersonaConfig(voice_generation_options=ElevenLabsV1VoiceOptions()), {"voiceGenerationOptions": {}}),
    (
        PersonaConfig(voice_generation_options=ElevenLabsV1VoiceOptions(stability=0.5, similarity_boost=1, speed=0.7)),
        {"voiceGenerationOptions": {"stability": 0.5, "similarityBoost": 1, "speed": 0.7}},
    ),
    (
        PersonaConfig(voice_generation_options=ElevenLabsV2VoiceOptions(style=0, use_speaker_boost=True, model="m")),
        {"voiceGenerationOptions": {"style": 0, "useSpeakerBoost": True, "model": "m"}},
    ),
    (
        PersonaConfig(voice_generation_options=CartesiaSonic3VoiceOptions(volume=2, speed=1.5, emotion="calm")),
        {"voiceGenerationOptions": {"volume": 2, "speed": 1.5, "emotion": "calm"}},
    ),
    (PersonaConfig(voice_generation_options=FishAudioVoiceOptions(speed=2)), {"voiceGenerationOptions": {"speed": 2}}),
    (
        PersonaConfig(
            tools=[
                ClientTool(name="a", description="d", parameters={"type": "object"}, extra={"x-note": [1]}),
                WebhookTool(
                    name="b",
                    url="https://x",
                    method="GET",
                    headers={"A": "b"},
                    query_parameters={"q": 1},
                    await_response=True,
                ),
                KnowledgeTool(name="c", document_folder_ids=["f"]),
                SystemTool(name="d"),
            ]
        ),
        {
            "tools": [
                {"type": "client", "name": "a", "description": "d", "parameters": {"type": "object"}, "x-note": [1]},
                {
                    "type": "server",
                    "subtype": "webhook",
                    "name": "b",
                    "url": "https://x",
                    "method": "GET",
                    "headers": {"A": "b"},
                    "queryParameters": {"q": 1},
                    "awaitResponse": True,
                },
                {"type": "server", "subtype": "knowledge", "name": "c", "documentFolderIds": ["f"]},
                {"type": "system", "name": "d"},
            ]
        },
    ),
]


@pytest.mark.parametrize(("persona", "wire"), ACCEPTED, ids=itertools.count())
def test_wire_form_both_ways(persona, wire):
    """Every field is written under its name on the wire, nothing else is, and reading gives the same persona."""
    assert persona.to_dict() == wire
    assert PersonaConfig.from_dict(wire) == persona
    assert PersonaConfig.from_dict(MappingProxyType(wire)).to_dict() == wire


def test_every_field_is_among_the_accepted():
    """The table above leaves no field of a persona out."""
    used = {key for _, wire in ACCEPTED for key in wire}
    rules = {a.metadata["rule"].name for a in attrs.fields(PersonaConfig)}
    assert rules - used == {"brainType"}


def test_null_is_allowed_for_the_initial_message_only():
    """The contract allows `null` for `initialMessage`; it means unset."""
    assert PersonaConfig.from_dict({"initialMessage": None}) == PersonaConfig()


def test_a_persona_cannot_be_changed():
    """Neither the persona nor what was passed to it can be changed through it afterwards."""
    metadata = {"a": [1]}
    persona = PersonaConfig(metadata=metadata, tool_ids=(ids := [ID]))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        persona.name = "other"
    metadata["a"].append(2)
    ids.append(ID)
    assert persona.to_dict() == {"metadata": {"a": [1]}, "toolIds": [ID]}


def test_the_wire_form_is_a_copy():
    """What is done to the wire form does not reach the persona."""
    persona = PersonaConfig(metadata={"a": [1]}, tools=[ClientTool(name="t", parameters={"p": []}, extra={"x": []})])
    wire = persona.to_dict()
    wire["metadata"]["a"].append(2)
    wire["tools"][0]["parameters"]["p"].append(2)
    wire["tools"][0]["x"].append(2)
    assert persona.to_dict() == {
        "metadata": {"a": [1]},
        "tools": [{"type": "client", "name": "t", "parameters": {"p": []}, "x": []}],
    }


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, ElevenLabsV1VoiceOptions),
        ({"speed": 1}, ElevenLabsV1VoiceOptions),
        ({"speed": 0.65}, CartesiaSonic3VoiceOptions),
        ({"speed": 1.8}, FishAudioVoiceOptions),
        ({"volume": 1}, CartesiaSonic3VoiceOptions),
        ({"stability": 1, "model": "m"}, ElevenLabsV2VoiceOptions),
        ({"emotion": "sad", "speed": 1}, CartesiaSonic3VoiceOptions),
    ],
)
def test_voice_options_are_read_as_the_first_kind_that_fits(options, kind):
    """Nothing on the wire says whose options they are: the first of the four classes that fits is made."""
    made = PersonaConfig.from_dict({"voiceGenerationOptions": options}).voice_generation_options
    assert type(made) is kind
    assert made.to_dict() == options


def test_tools_can_be_written_as_mappings():
    """A tool in the wire's form is made the class that it describes."""
    persona = PersonaConfig(tools=({"type": "server", "subtype": "knowledge", "name": "k"}, SystemTool(name="s")))
    assert persona.tools == (KnowledgeTool(name="k"), SystemTool(name="s"))


def test_unknown_keys_of_a_tool_are_kept():
    """Anam adds keys to tools: they go through, and come back, as they are."""
    wire = {"type": "client", "name": "t", "futureKey": {"deep": [1, None]}}
    tool = ClientTool.from_dict(wire)
    assert tool.extra == {"futureKey": {"deep": [1, None]}}
    assert tool.to_dict() == wire


def test_nested_mappings_of_any_kind_are_read():
    """A read-only mapping inside a tool's parameters does as well as a dict, on every way in."""
    parameters = {"properties": MappingProxyType({"a": {}})}
    wire = {"type": "client", "name": "t", "parameters": parameters}
    assert ClientTool(name="t", parameters=parameters).to_dict() == {**wire, "parameters": {"properties": {"a": {}}}}
    assert ClientTool.from_dict(wire) == ClientTool(name="t", parameters=parameters)


def warned(action):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    return [(w.category, str(w.message), w.filename) for w in caught]


WARNED = [
    (
        lambda: PersonaConfig(avatar_model="cara-9"),
        "avatar_model='cara-9' is not among the values known today (cara-3, cara-4, cara-4-latest); sent as it is",
    ),
    (
        lambda: PersonaConfig.from_dict({"avatarModel": "cara-9"}),
        "avatar_model='cara-9' is not among the values known today (cara-3, cara-4, cara-4-latest); sent as it is",
    ),
    (
        lambda: DirectorNotes(preset_style="furious"),
        "preset_style='furious' is not among the values known today"
        " (happy, warm, playful, supportive, sad, angry, distressed); sent as it is",
    ),
    (
        lambda: PersonaConfig(director_notes={"presetStyle": "furious"}),
        "preset_style='furious' is not among the values known today"
        " (happy, warm, playful, supportive, sad, angry, distressed); sent as it is",
    ),
    (
        lambda: PersonaConfig(avatar_id="cara"),
        "avatar_id='cara' is not a UUID; Anam will probably refuse it when the session starts",
    ),
    (
        lambda: PersonaConfig(voice_id=""),
        "voice_id='' is not a UUID; Anam will probably refuse it when the session starts",
    ),
    (
        lambda: PersonaConfig(tool_ids=[ID, "x"]),
        "tool_ids='x' is not a UUID; Anam will probably refuse it when the session starts",
    ),
    (
        lambda: PersonaConfig.saved("mine"),
        "persona_id='mine' is not a UUID; Anam will probably refuse it when the session starts",
    ),
    (
        lambda: PersonaConfig(avatar_model="cara-3", director_notes=DirectorNotes()),
        "director_notes have no effect with avatar_model='cara-3'; Anam drops them silently",
    ),
]


@pytest.mark.parametrize(("make", "text"), WARNED, ids=itertools.count())
def test_what_is_probably_a_mistake_is_warned_of_once(make, text):
    """What the vendor may add without notice warns, once, blaming the caller's line, and is accepted."""
    assert warned(make) == [(AnamConfigWarning, text, __file__)]


@pytest.mark.parametrize("uuid", [ID, ID.upper()])
def test_uuids_in_either_case_pass_quietly(uuid):
    """A UUID is a UUID in capitals too."""
    assert PersonaConfig.saved(uuid).persona_id == uuid


@pytest.mark.parametrize(
    "make",
    [
        lambda: PersonaConfig(brain_type=CUSTOMER_CLIENT_V1),
        lambda: PersonaConfig(brain_type=CUSTOMER_CLIENT_V1, llm_id=CUSTOMER_CLIENT_V1),
        lambda: PersonaConfig.from_dict({"brainType": CUSTOMER_CLIENT_V1}),
    ],
    ids=["argument", "both-alike", "wire"],
)
def test_the_old_name_of_llm_id_is_taken_over(make):
    """`brain_type` is understood with a DeprecationWarning that blames the caller's line, and sent as `llmId`."""
    made = []
    assert warned(lambda: made.append(make())) == [
        (DeprecationWarning, "brain_type is deprecated; use llm_id", __file__)
    ]
    assert made[0].to_dict() == {"llmId": CUSTOMER_CLIENT_V1}
    assert made[0].brain_type is None


def test_repr_shows_what_is_set_and_no_header():
    """A persona's repr is short, and masks what a webhook's headers hold."""
    tool = WebhookTool(name="t", headers={"Authorization": "Bearer swordfish"}, extra={"x": 1})
    assert repr(PersonaConfig(name="Cara", tools=[tool])) == (
        "PersonaConfig(name='Cara', tools=(WebhookTool(name='t', extra={'x': 1}, headers={'Authorization': '***'}),))"
    )
    assert tool.headers == {"Authorization": Secret("Bearer swordfish")}


def test_a_persona_with_secrets_cannot_be_pickled_but_copied():
    """Pickling would write the headers out; copying is fine."""
    persona = PersonaConfig(tools=[WebhookTool(name="t", headers={"A": "swordfish"})])
    assert copy.deepcopy(persona) == persona
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(persona)


def test_a_persona_without_secrets_can_be_pickled():
    """A plain persona survives pickling."""
    persona = PersonaConfig(name="Cara", metadata={"a": 1}, director_notes=DirectorNotes(expressivity=0.5))
    assert pickle.loads(pickle.dumps(persona)) == persona


# Files.

WIRE = {"name": "Cara é", "tools": [{"type": "client", "name": "t"}], "directorNotes": {"presetStyle": "warm"}}
YAML = """
# shared with the other team
name: "Cara \\u00e9"
tools:
  - {type: client, name: t}
directorNotes:
  presetStyle: warm
"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.json", json.dumps(WIRE).encode()),
        ("p.JSON", json.dumps(WIRE, ensure_ascii=False).encode()),
        ("p.json", b"\xef\xbb\xbf" + json.dumps(WIRE).encode()),
        ("p.yaml", YAML.encode()),
        ("p.yml", b"\xef\xbb\xbf" + YAML.encode()),
        ("p.yaml", json.dumps(WIRE).encode()),
    ],
    ids=["json", "json-utf8", "json-bom", "yaml", "yml-bom", "json-in-yaml"],
)
def test_personas_are_read_from_files(tmp_path, name, content):
    """JSON and YAML, with or without a byte order mark, by path or by string."""
    path = tmp_path / name
    path.write_bytes(content)
    assert PersonaConfig.load(path).to_dict() == WIRE
    assert PersonaConfig.load(str(path)) == PersonaConfig.load(path)


def test_a_file_may_be_as_long_as_the_limit(tmp_path):
    """A file of exactly the largest size is read."""
    path = tmp_path / "p.json"
    path.write_bytes(b"{}".ljust(MAX_FILE_BYTES))
    assert PersonaConfig.load(path) == PersonaConfig()


BAD_FILES = [
    ("p.json", b"{}".ljust(MAX_FILE_BYTES + 1), "must be at most 1,048,576 bytes"),
    ("p.json", b"", "cannot be parsed: Expecting value: line 1 column 1 (char 0)"),
    ("p.json", b'{"name": "Cara"', "cannot be parsed: Expecting ',' delimiter: line 1 column 16 (char 15)"),
    ("p.json", b'{"name": "\xff"}', "must be UTF-8: invalid start byte at byte 10"),
    ("p.json", b'{"a":' * 100_000, "nests too deeply"),
    ("p.json", b'{"maxSessionLengthSeconds": ' + b"9" * 5000 + b"}", "cannot be parsed: Exceeds the limit"),
    ("p.yaml", b"[" * 5000, "nests too deeply"),
    ("p.yaml", b"name: [", "cannot be parsed: expected the node content, but found '<stream end>' (line 1, column 8)"),
    ("p.yaml", b"name: a: b", "cannot be parsed: mapping values are not allowed here (line 1, column 8)"),
    ("p.yaml", b"\x00", "cannot be parsed: not valid YAML"),
    ("p.yaml", b'x: !!python/object/apply:os.system ["true"]', "could not determine a constructor for the tag"),
    ("p.yaml", b"x: !!python/name:os.system", "could not determine a constructor for the tag"),
    ("p.yaml", b"x: *nowhere", "cannot be parsed: found undefined alias 'nowhere' (line 1, column 4)"),
    ("p.yaml", b"? [a]\n: b", "cannot be parsed: found unhashable key (line 1, column 3)"),
    ("p.yaml", b"x: 2026-99-99", "cannot be parsed: month must be in 1..12"),
    ("p.yaml", b'x: !!int ""', "cannot be parsed"),
    ("p.yaml", b"x: !!bool perhaps", "cannot be parsed"),
    ("p.yaml", b"x: !!timestamp never", "cannot be parsed"),
    ("p.txt", b"{}", "must end in .json, .yaml or .yml"),
    ("p", b"{}", "must end in .json, .yaml or .yml"),
]


@pytest.mark.parametrize(("name", "content", "rule"), BAD_FILES, ids=itertools.count())
def test_bad_files_are_refused_by_name(tmp_path, name, content, rule):
    """Whatever is wrong with a file, the error names the file and what is wrong."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AnamConfigError) as caught:
        PersonaConfig.load(path)
    (problem,) = caught.value.problems
    assert (problem.field, problem.value) == ("path", str(path))
    assert rule in problem.rule


@pytest.mark.parametrize(
    ("name", "rule"),
    [("missing.json", "No such file"), ("folder.yaml", "Is a directory"), ("a\0b.json", "null")],
)
def test_paths_that_cannot_be_read_are_refused(tmp_path, problems, name, rule):
    """A missing file, a folder, an impossible name: an error of the same kind."""
    (tmp_path / "folder.yaml").mkdir()
    (found,) = problems(lambda: PersonaConfig.load(tmp_path / name))
    assert rule in found


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- a", ["PersonaConfig: must be an object, not list"]),
        ("", ["PersonaConfig: must be an object, not NoneType"]),
        ("name: yes", ["name = True: must be a string"]),
        ("metadata: {when: 2026-01-02}", ["metadata.when = datetime.date(2026, 1, 2): must be a JSON value, not date"]),
        ("metadata: {a: !!set {b}}", ["metadata.a = {'b'}: must be a JSON value, not set"]),
        ("metadata: {1: 2}", ["metadata = 1: names must be strings of valid Unicode"]),
        ("metadata: {a: .nan}", ["metadata.a = nan: must be finite"]),
        ("metadata: &m {a: *m}", ["metadata" + ".a" * 65 + ": must not nest deeper than 64 levels"]),
    ],
)
def test_files_are_checked_like_mappings(tmp_path, problems, content, expected):
    """What a file holds is checked like anything else, and YAML's own types are refused where JSON has none."""
    path = tmp_path / "p.yaml"
    path.write_text(content)
    assert problems(lambda: PersonaConfig.load(path)) == expected


def test_aliases_cannot_be_made_a_bomb(tmp_path, problems):
    """A few lines of YAML that stand for billions of values are refused, quickly."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    path = tmp_path / "p.yaml"
    path.write_text("metadata:\n  " + "\n  ".join(lines))
    (found,) = problems(lambda: PersonaConfig.load(path))
    assert found == "metadata: must not hold more than 100,000 values"


def test_merge_keys_cannot_be_made_a_bomb(tmp_path, problems):
    """Nor can YAML's merge keys, of which each level would copy the level below nine times: they are refused."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)]
    path = tmp_path / "p.yaml"
    path.write_text("\n".join(lines))
    (found,) = problems(lambda: PersonaConfig.load(path))
    assert "merge keys (<<) are not supported (line 2, column 10)" in found
