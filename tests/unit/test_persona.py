# ruff: noqa: E501 - a row of a table is a line
"""Personas and their parts: what is accepted, what is refused and in which words, files, repr."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
import traceback
import warnings

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
    SystemTool,
    WebhookTool,
)
from anam_facade.persona import MAX_FILE_BYTES

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"

NEWER = "a field that is newer than this package goes into extra="
REFUSED = [
    (lambda: PersonaConfig.saved(""), ["persona_id = '': must be the UUID of a saved persona"]),
    (lambda: PersonaConfig.saved(5), ["persona_id = 5: must be a string, not int"]),
    (
        lambda: PersonaConfig(persona_id=ID, name="n", llm_id=ID),
        ["name: cannot be set together with persona_id", "llm_id: cannot be set together with persona_id"],
    ),
    (lambda: PersonaConfig(brain_type="a", llm_id="b"), ["brain_type: is the old name of llm_id and contradicts it"]),
    (
        lambda: PersonaConfig.from_dict({"avatar_id": ID}),
        [f"avatar_id: unknown; did you mean avatarId or avatarModel? Else {NEWER}{{'avatar_id': …}}"],
    ),
    (
        lambda: PersonaConfig(director_notes={"presetStyle": "warm", "customStylePrompt": "x"}),
        ["director_notes.presetStyle: cannot be set together with director_notes.customStylePrompt"],
    ),
    (
        lambda: PersonaConfig(voice_generation_options={"speed": 9}),
        ["voice_generation_options.speed = 9: must be between 0.7 and 1.2"],
    ),
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
]


@pytest.mark.parametrize(("make", "expected"), REFUSED, ids=itertools.count())
def test_what_is_wrong_is_refused_with_field_value_and_rule(problems, make, expected):
    """What a persona is made of keeps its rules, and every problem is named as the caller spells it."""
    assert problems(make) == expected


def test_null_is_allowed_for_the_initial_message_only():
    """The contract allows `null` for `initialMessage`; it means unset, as an empty id from a settings file does."""
    assert PersonaConfig.from_dict({"initialMessage": None}) == PersonaConfig() == PersonaConfig(avatar_id="")


def test_a_persona_cannot_be_changed():
    """Neither what was passed to it nor its wire form leads back into it."""
    metadata = {"a": [1]}
    persona = PersonaConfig(metadata=metadata, tool_ids=(ids := [ID]))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        persona.name = "other"
    assert hash(PersonaConfig(name="Cara")) == hash(PersonaConfig(name="Cara"))
    metadata["a"].append(2)
    ids.append(ID)
    persona.to_dict()["metadata"]["a"].append(3)
    assert persona.to_dict() == {"metadata": {"a": [1]}, "toolIds": [ID]}


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"speed": 1}, ElevenLabsV1VoiceOptions),
        ({"stability": 1, "model": "m"}, ElevenLabsV2VoiceOptions),
        ({"speed": 0.65}, CartesiaSonic3VoiceOptions),
        ({"speed": 1.8}, FishAudioVoiceOptions),
    ],
)
def test_voice_options_are_read_as_the_first_kind_that_fits(options, kind):
    """Nothing on the wire says whose options they are: the first of the four classes that fits is made."""
    made = PersonaConfig.from_dict({"voiceGenerationOptions": options}).voice_generation_options
    assert type(made) is kind
    assert made.to_dict() == options


def test_tools_can_be_written_as_mappings():
    """A tool in the wire's form is made the class that it describes; keys that Anam may add to one are kept."""
    wire = {"type": "client", "name": "t", "futureKey": {"deep": [1, None]}}
    persona = PersonaConfig(tools=(wire, {"type": "server", "subtype": "knowledge", "name": "k"}, SystemTool(name="s")))
    assert persona.tools == (
        ClientTool(name="t", extra={"futureKey": {"deep": [1, None]}}),
        KnowledgeTool(name="k"),
        SystemTool(name="s"),
    )
    assert persona.to_dict()["tools"][0] == wire


def warned(action):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    return [(w.category, str(w.message), w.filename) for w in caught]


WARNED = [
    (
        lambda: PersonaConfig.from_dict({"avatarModel": "cara-9"}),
        "avatarModel='cara-9' is not among the values known today (cara-3, cara-4, cara-4-latest); sent as it is",
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


@pytest.mark.parametrize("more", [{}, {"llm_id": CUSTOMER_CLIENT_V1}], ids=["alone", "both-alike"])
def test_the_old_name_of_llm_id_is_taken_over(more):
    """`brain_type` is understood with a DeprecationWarning that blames the caller's line, and sent as `llmId`."""
    made = []
    assert warned(lambda: made.append(PersonaConfig(brain_type=CUSTOMER_CLIENT_V1, **more))) == [
        (DeprecationWarning, "brain_type is deprecated; use llm_id", __file__)
    ]
    assert (made[0].to_dict(), made[0].brain_type) == ({"llmId": CUSTOMER_CLIENT_V1}, None)


def test_repr_shows_what_is_set_and_no_header():
    """A persona's repr is short, and masks what a webhook's headers hold."""
    tool = WebhookTool(name="t", headers={"Authorization": "Bearer swordfish"}, extra={"x": 1})
    assert repr(PersonaConfig(name="Cara", tools=[tool])) == (
        "PersonaConfig(name='Cara', "
        "tools=(WebhookTool(name='t', headers={'Authorization': Secret('***')}, extra={'x': 1}),))"
    )


def test_only_a_persona_without_secrets_can_be_pickled():
    """Pickling would write the headers out; copying is fine."""
    plain, secret = PersonaConfig(name="Cara"), PersonaConfig(tools=[WebhookTool(name="t", headers={"A": "swordfish"})])
    assert pickle.loads(pickle.dumps(plain)) == plain
    assert copy.deepcopy(secret) == secret
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(secret)


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
        ("p.JSON", b"\xef\xbb\xbf" + json.dumps(WIRE, ensure_ascii=False).encode()),
        ("p.yaml", YAML.encode()),
        ("p.yml", b"\xef\xbb\xbf" + YAML.encode()),
        ("p.yaml", json.dumps(WIRE).encode()),
    ],
    ids=["json", "json-bom", "yaml", "yml-bom", "json-in-yaml"],
)
def test_personas_are_read_from_files(tmp_path, name, content):
    """JSON and YAML, with or without a byte order mark, by path or by string, up to the largest size."""
    path = tmp_path / name
    path.write_bytes(content)
    assert PersonaConfig.load(path).to_dict() == WIRE
    path.write_bytes(content.ljust(MAX_FILE_BYTES))
    assert PersonaConfig.load(str(path)).to_dict() == WIRE


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
    ("p.yaml", b"[" * 5000, "nests too deeply"),
    ("p.yaml", b"name: [", "cannot be parsed: expected the node content, but found '<stream end>' (line 1, column 8)"),
    ("p.yaml", b"\x00", "cannot be parsed: not valid YAML"),
    ("p.yaml", b'name: "\\UFFFFFFFF"', "cannot be parsed: not valid YAML"),
    ("p.yaml", b'name: !!python/object/apply:os.system ["true"]', "could not determine a constructor for the tag"),
    ("p.yaml", b"name: &n [*n]", "aliases (*) are not supported (line 1, column 11)"),
    ("p.yaml", b"metadata:\n  <<: {b: 1}", "p.yaml, line 2: merge keys (<<) are not supported"),
    ("p.yaml", b"? [a]\n: {}", "p.yaml, line 1: a key must be a string"),
    ("p.yaml", b"no: 1", "p.yaml, line 1: a key must be a string; YAML takes this one for something else: quote it"),
    ("p.yaml", b"name: a\n\nname: b", "p.yaml, line 3: the key name stands twice; first in line 1"),
    ("p.yaml", b"name: n\npersonality: 2026-99-99", "p.yaml, line 2: personality cannot be read as YAML's type timestamp; quote it"),
    ("p.yaml", b'languageCode: !!int ""', "cannot be read as YAML's type int"),
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
