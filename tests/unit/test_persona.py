# ruff: noqa: E501 - a row of a table is a line
"""Personas and their parts: what is accepted, what is refused and in which words, files, repr."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
import traceback
import uuid
import warnings
from types import MappingProxyType

import attrs
import pytest
import yaml

import anam_facade
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
    WebhookTool,
)
from anam_facade.persona import MAX_FILE_BYTES

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"

NEWER = "a field that is newer than this package goes into extra="
REFUSED = [
    (lambda: DirectorNotes(expressivity=1.1), ["expressivity = 1.1: must be between 0 and 1"]),
    (
        lambda: DirectorNotes(preset_style="warm", custom_style_prompt=""),
        ["preset_style: cannot be set together with custom_style_prompt"],
    ),
    (
        lambda: ElevenLabsV1VoiceOptions(stability=2, similarity_boost=-1, speed=0.69),
        [
            "stability = 2: must be between 0 and 1",
            "similarity_boost = -1: must be between 0 and 1",
            "speed = 0.69: must be between 0.7 and 1.2",
        ],
    ),
    (lambda: PersonaConfig(max_session_length_seconds=0.5), ["max_session_length_seconds = 0.5: must be at least 1"]),
    (
        lambda: PersonaConfig(name=5, skip_greeting="no", metadata=[]),
        [
            "name = 5: must be a string, not int",
            "skip_greeting = no: must be true or false, not str",
            "metadata: must be an object, not list",
        ],
    ),
    (lambda: PersonaConfig(type="stateful"), ["type = stateful: must be one of ephemeral"]),
    (lambda: PersonaConfig(extra={"name": "n"}), ["extra.name: has an argument of its own"]),
    # Parts given as mappings are checked as if read from the wire.
    (
        lambda: PersonaConfig(director_notes={"expresivity": 1}),
        [f"director_notes.expresivity: unknown; did you mean expressivity? Else {NEWER}{{'expresivity': …}}"],
    ),
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
    # Tools.
    (lambda: ClientTool(name=None), ["name: is required"]),
    (
        lambda: ClientTool(name="", extra={"a": math.nan}),
        ["name = '': must have at least 1 character", "extra.a = nan: must be finite"],
    ),
    (
        lambda: ClientTool(name="t", parameters={"a": "x" * 10_000}),
        ["parameters = 10,008 bytes: must be at most 10,000 bytes as JSON in UTF-8"],
    ),
    (lambda: WebhookTool(name="t", headers={"A": 5}), ["headers.A = '***': must be a string, not int"]),
    (lambda: PersonaConfig(tools=[ClientTool(name="t"), SystemTool(name="t")]), ["tools = t: name must be unique"]),
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
            "tools[1].extra.x = nan: must be finite",
        ],
    ),
    # Fields that exclude each other.
    (
        lambda: PersonaConfig(persona_id=ID, name="n", llm_id=ID),
        ["name: cannot be set together with persona_id", "llm_id: cannot be set together with persona_id"],
    ),
    (lambda: PersonaConfig(brain_type="a", llm_id="b"), ["brain_type: is the old name of llm_id and contradicts it"]),
    # The wire form, and its spelling.
    (lambda: PersonaConfig.from_dict({"name": None}), ["name: must be a string, not null; leave it out instead"]),
    (
        lambda: PersonaConfig.from_dict({"avatar_id": ID}),
        [f"avatar_id: unknown; did you mean avatarId or avatarModel? Else {NEWER}{{'avatar_id': …}}"],
    ),
    (lambda: PersonaConfig.from_dict({"x y": 1}), [f"'x y': unknown; {NEWER}{{\"'x y'\": …}}"]),
    (
        lambda: PersonaConfig.from_dict({"maxSessionLengthSeconds": 0, "directorNotes": {"expressivity": 2}}),
        [
            "maxSessionLengthSeconds = 0: must be at least 1",
            "directorNotes.expressivity = 2: must be between 0 and 1",
        ],
    ),
    (
        lambda: PersonaConfig.from_dict({"personaId": ID, "avatarId": ID}),
        ["avatarId: cannot be set together with personaId"],
    ),
    (lambda: ClientTool.from_dict({"type": "system", "name": "t"}), ['type: must be "client"']),
    (lambda: PersonaConfig.saved(""), ["persona_id = '': must be the UUID of a saved persona"]),
    (lambda: PersonaConfig.saved(5), ["persona_id = 5: must be a string, not int"]),
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
        "  preset_style = 5: must be a string, not int",
        "  expressivity = 2: must be between 0 and 1",
    ]


def test_every_field_of_the_contracts_examples_is_written_and_read_back():
    """Between them the examples leave no field of a persona out, but for the deprecated one."""
    examples = yaml.safe_load(anam_facade.openapi_path().read_text("utf-8"))["components"]["examples"]
    personas = [e["value"]["personaConfig"] for e in examples.values() if "personaConfig" in e["value"]]
    for wire in personas:
        persona = PersonaConfig.from_dict(MappingProxyType(wire))
        assert persona.to_dict() == wire
        assert PersonaConfig.from_dict(persona.to_dict()) == persona
    used = {key for wire in personas for key in wire}
    assert {field.wire for field in PersonaConfig.FIELDS} - used == {"brainType"}


def test_null_is_allowed_for_the_initial_message_only():
    """The contract allows `null` for `initialMessage`; it means unset."""
    assert PersonaConfig.from_dict({"initialMessage": None}) == PersonaConfig()


def test_a_persona_cannot_be_changed():
    """Neither the persona nor what was passed to it can be changed through it afterwards."""
    metadata = {"a": [1]}
    persona = PersonaConfig(metadata=metadata, tool_ids=(ids := [ID]))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        persona.name = "other"
    assert hash(PersonaConfig(name="Cara")) == hash(PersonaConfig(name="Cara"))
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
        "avatarModel='cara-9' is not among the values known today (cara-3, cara-4, cara-4-latest); sent as it is",
    ),
    (
        lambda: DirectorNotes(preset_style="furious"),
        "preset_style='furious' is not among the values known today"
        " (happy, warm, playful, supportive, sad, angry, distressed); sent as it is",
    ),
    (
        lambda: PersonaConfig(director_notes={"presetStyle": "furious"}),
        "director_notes.presetStyle='furious' is not among the values known today"
        " (happy, warm, playful, supportive, sad, angry, distressed); sent as it is",
    ),
    (
        lambda: PersonaConfig(avatar_id="cara"),
        "avatar_id='cara' is not a UUID; Anam will probably refuse it when the session starts",
    ),
    (
        lambda: PersonaConfig(tool_ids=[ID, "x"]),
        "tool_ids[1]='x' is not a UUID; Anam will probably refuse it when the session starts",
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


def test_ids_as_settings_bring_them_are_taken():
    """A UUID object is its text, in capitals it is a UUID too, and an empty id is unset."""
    assert PersonaConfig.saved(uuid.UUID(ID)).persona_id == ID
    assert PersonaConfig.saved(ID.upper()).persona_id == ID.upper()
    assert PersonaConfig(avatar_id="", voice_id="", llm_id="", persona_id="") == PersonaConfig()


def test_a_field_newer_than_the_package_is_sent_on_purpose():
    """`extra` goes out as it is, from Python, from a mapping and from a tool that a mapping describes."""
    assert PersonaConfig(extra={"gestureLevel": [3]}).to_dict() == {"gestureLevel": [3]}
    assert PersonaConfig.from_dict({"name": "n", "extra": {"gestureLevel": 3}}) == PersonaConfig(
        name="n", extra={"gestureLevel": 3}
    )


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
        "PersonaConfig(name='Cara', "
        "tools=(WebhookTool(name='t', headers={'Authorization': Secret('***')}, extra={'x': 1}),))"
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
    ("p.json", b"{}".ljust(MAX_FILE_BYTES + 1), "p.json: must be at most 1,048,576 bytes"),
    ("p.json", b" ", "p.json: is empty; it must hold a mapping of the persona's fields"),
    ("p.json", b'{"name": "Cara"', "cannot be parsed: Expecting ',' delimiter: line 1 column 16 (char 15)"),
    ("p.json", b'{"name": "\xff"}', "must be UTF-8: invalid start byte at byte 10"),
    ("p.json", b'{"a":' * 100_000, "nests too deeply"),
    ("p.json", b'{"maxSessionLengthSeconds": ' + b"9" * 5000 + b"}", "cannot be parsed: Exceeds the limit"),
    ("p.json", b'{"name": "a", "name": "b"}', "p.json: the key name stands twice"),
    ("p.json", b"[]", "must hold a mapping of the persona's fields, not a list"),
    ("p.yaml", b"", "p.yaml: is empty"),
    ("p.yaml", b"# nothing\n", "p.yaml: is empty"),
    ("p.yaml", b"- a", "must hold a mapping of the persona's fields, not a list"),
    ("p.yaml", b"[" * 5000, "nests too deeply"),
    ("p.yaml", b"name: [", "cannot be parsed: expected the node content, but found '<stream end>' (line 1, column 8)"),
    ("p.yaml", b"name: a: b", "cannot be parsed: mapping values are not allowed here (line 1, column 8)"),
    ("p.yaml", b"\x00", "cannot be parsed: not valid YAML"),
    ("p.yaml", b'name: "\\UFFFFFFFF"', "cannot be parsed: not valid YAML"),
    ("p.yaml", b'name: !!python/object/apply:os.system ["true"]', "could not determine a constructor for the tag"),
    ("p.yaml", b"name: &n [*n]", "aliases (*) are not supported (line 1, column 11)"),
    ("p.yaml", b"a: &a {b: 1}\nc: {<<: *a}", "aliases (*) are not supported (line 2, column 9)"),
    ("p.yaml", b"metadata:\n  <<: {b: 1}", "p.yaml, line 2: merge keys (<<) are not supported"),
    ("p.yaml", b"? [a]\n: {}", "p.yaml, line 1: a key must be a string"),
    ("p.yaml", b"no: 1", "p.yaml, line 1: a key must be a string; YAML takes this one for something else: quote it"),
    ("p.yaml", b"name: a\n\nname: b", "p.yaml, line 3: the key name stands twice; first in line 1"),
    ("p.yaml", b"name: n\npersonality: 2026-99-99", "p.yaml, line 2: personality cannot be read as YAML's type timestamp; quote it"),
    ("p.yaml", b'languageCode: !!int ""', "cannot be read as YAML's type int"),
    ("p.yaml", b"languageCode: !!bool perhaps", "cannot be read as YAML's type bool"),
    ("p.yaml", b"languageCode: " + b"1:" * 50 + b"1", "languageCode is too long a number"),
    ("p.yaml", b"languageCode: no", 'line 1: languageCode = False: must be a string, not bool; YAML does not take no for a string: write "no"'),
    ("p.yaml", b"name: 007", 'name = 7: must be a string, not int; YAML does not take 007 for a string: write "007"'),
    ("p.yaml", b"metadata:\n  a: 1\n  when: 2026-01-02", 'line 3: metadata.when: must be a JSON value, not date; YAML does not take 2026-01-02 for a string: write "2026-01-02"'),
    ("p.yaml", b"metadata: {a: .nan}", "line 1: metadata.a = nan: must be finite"),
    ("p.yaml", b"tools:\n- type: client\n  name: t\n- type: client", "p.yaml, line 4: tools[1].name: is required"),
    ("p.yaml", b"name: n\nnaem: m", "p.yaml, line 2: naem: unknown; did you mean name?"),
    ("p.txt", b"{}", "p.txt: must end in .json, .yaml or .yml"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "text"), BAD_FILES, ids=itertools.count())
def test_bad_files_are_refused_by_name_and_line(tmp_path, problems, name, content, text):
    """Whatever is wrong with a file, the error names file and line, and says what YAML made of a word."""
    path = tmp_path / name
    path.write_bytes(content)
    (found,) = problems(lambda: PersonaConfig.load(path))
    assert found.startswith(str(path))
    assert text in found


def test_all_problems_of_a_file_are_told_at_once(tmp_path, problems):
    """Doubled keys, wrong values and words that YAML takes for something else come in one error, each with its line."""
    path = tmp_path / "p.yaml"
    path.write_text("name: a\nname: b\nmaxSessionLengthSeconds: 0\npersonality: off\n")
    lines = [found.removeprefix(f"{path}, ")[:6] for found in problems(lambda: PersonaConfig.load(path))]
    assert lines == ["line 2", "line 4", "line 3"]


@pytest.mark.parametrize(
    ("name", "rule"), [("missing.json", "No such file"), ("folder.yaml", "Is a directory"), ("a\0b.json", "null")]
)
def test_paths_that_cannot_be_read_are_refused(tmp_path, problems, name, rule):
    """A missing file, a folder, an impossible name: an error of the same kind."""
    (tmp_path / "folder.yaml").mkdir()
    (found,) = problems(lambda: PersonaConfig.load(tmp_path / name))
    assert rule in found
    assert found.isprintable()


def test_a_bad_file_quotes_no_credential(tmp_path):
    """What is wrong with a file is told without the headers that stand in it, in text and in frames."""
    path = tmp_path / "p.yaml"
    path.write_text(
        "name: 5\ntools:\n- {type: server, subtype: webhook, name: t, headers: {Authorization: Bearer swordfish}}"
    )
    with pytest.raises(AnamConfigError) as caught:
        PersonaConfig.load(path)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "swordfish" not in "".join(shown.format())
