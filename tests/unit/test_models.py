"""The contract's classes: what a user gives, also in a file, is checked and named by one rule; an answer is kept."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
import warnings

import attrs
import pytest

from anam_api import models
from anam_api.models import ClientTool, DailyEgress, EngineSession, IceServer, SessionOptions, SystemTool, WebhookTool
from anam_api.support import AnamConfigError, AnamConfigWarning, Secret
from anam_facade import LiveKitEnvironment, PersonaConfig, SessionToken
from anam_facade.persona import CUSTOMER_CLIENT_V1, MAX_FILE_BYTES

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
URL = "wss://rooms.example.org"
SWORD = "swordfish"
HOOK = WebhookTool(name="t", headers={"Authorization": SWORD}, extra={"x": 1})

DAILY = {"mode": "daily", "daily": {"roomUrl": URL}}
NOTES = {"presetStyle": "warm", "customStylePrompt": "x"}
SERVER = {"type": "server", "headers": {"A": SWORD}}
NAMED = [ClientTool(name=name) for name in ("t", "u", "t", "v", "v", "v")]
MISNAMED = {"mode": "daily", "daily": {"roomURL": URL, "token": SWORD}, 5: 6, "key": 7}
NOT_BOTH, WITH, OWN = "cannot be set together with", "must be set together with", "has an argument of its own"
NULL = "must be true or false, not null; leave it out instead"
NEAR, NEWER = "unknown; did you mean", "a field that is newer than this package goes into extra="
URI = "must be an absolute URI such as https://host/path, other characters percent-encoded"
REFUSED = [
    (lambda: PersonaConfig.saved(""), ["persona_id = '': must be the UUID of a saved persona"]),
    (lambda: PersonaConfig(persona_id=ID, name="n"), [f"name: {NOT_BOTH} persona_id"]),
    (lambda: PersonaConfig(brain_type="a", llm_id="b"), ["brain_type: is the old name of llm_id and contradicts it"]),
    (lambda: PersonaConfig(brain_type=5, llm_id="b"), ["brain_type = 5: must be a string, not int"]),
    (
        lambda: PersonaConfig(director_notes=NOTES),
        [f"director_notes.presetStyle: {NOT_BOTH} director_notes.customStylePrompt"],
    ),
    (lambda: PersonaConfig(tools=NAMED), ["tools = t, v: name must be unique"]),
    (lambda: PersonaConfig(tools=[{"type": "x"}]), ["tools[0].type = x: must be one of client, server, system"]),
    (lambda: PersonaConfig(tools=[SERVER]), ["tools[0].subtype = None: must be one of webhook, knowledge"]),
    (
        lambda: PersonaConfig(tools=[{"type": "system", "x": math.nan}]),
        ["tools[0].name: is required", "tools[0].extra.x = nan: must be finite"],
    ),
    (lambda: PersonaConfig.from_dict({"naem": ""}), [f"naem: {NEAR} name? Else {NEWER}{{'naem': …}}"]),
    (lambda: LiveKitEnvironment(None, ""), ["url: is required", "token = '***': must have at least 1 character"]),
    (lambda: LiveKitEnvironment.from_dict({"livekitUrl": URL}), ["livekitToken: is required"]),
    (
        lambda: SessionOptions(video_width="x"),
        ["video_width = x: must be a whole number, not str", f"video_height: {WITH} video_width"],
    ),
    (lambda: SessionOptions(region_policy="strict"), ["region: is required when region_policy is strict"]),
    (lambda: SessionOptions.from_dict({"regionPolicy": "strict"}), ["region: is required when regionPolicy is strict"]),
    (lambda: SessionOptions(egress={**DAILY, "daily": {"roomUrl": "x"}}), [f"egress.daily.roomUrl = x: {URI}"]),
    (
        lambda: SessionOptions.from_dict({"sessionReplay": {"enableSessionReplay": None}}),
        [f"sessionReplay.enableSessionReplay: {NULL}"],
    ),
    (lambda: SessionOptions.from_dict({"voiceDetection": 5}), ["voiceDetection: must be an object, not int"]),
    (
        lambda: DailyEgress(room_url=URL, extra={"mode": "x", "daily": {"token": "t"}}),
        [f"extra.mode: {OWN}", f"extra.daily.token: {OWN}"],
    ),
    (
        lambda: DailyEgress(room_url=5, token=SWORD, user_name=[SWORD], extra={"a": {SWORD}}),
        [
            "room_url = 5: must be a string, not int",
            "user_name: must be a string, not list",
            "extra.a: must be a JSON value, not set",
        ],
    ),
    (lambda: DailyEgress.from_dict([]), ["DailyEgress: must be an object, not list"]),
    (lambda: DailyEgress.from_dict({}), ['mode: must be "daily"', "daily.roomUrl: is required"]),
    (
        lambda: DailyEgress.from_dict(MISNAMED),
        [
            "an object = 5: names must be strings of valid Unicode",
            f"daily.roomURL: {NEAR} daily.roomUrl? Else {NEWER}{{'daily': {{'roomURL': …}}}}",
            f"key: unknown; {NEWER}{{'key': …}}",
            "daily.roomUrl: is required",
        ],
    ),
]


@pytest.mark.parametrize(("make", "expected"), REFUSED, ids=itertools.count())
def test_what_is_wrong_is_refused_with_field_value_and_rule(problems, make, expected):
    """Every problem at once: types, bounds, rules across fields, unknown or missing ones, as the caller spells them."""
    assert problems(make) == expected


def test_many_problems_are_listed_up_to_fifty():
    """The error keeps every problem, and its text does not become a book."""
    with pytest.raises(AnamConfigError, match=r"and 10 more$") as caught:
        models.DirectorNotes(extra={str(i): {1} for i in range(60)})
    assert len(caught.value.problems) == 60


OLD = "brain_type is deprecated; use llm_id"
WARNED = [
    (lambda: PersonaConfig.from_dict({"avatarModel": "x"}), "avatarModel='x' is not among the values known today ("),
    (lambda: PersonaConfig.saved("mine"), "persona_id='mine' is not a UUID; Anam will probably refuse it when the"),
    (lambda: PersonaConfig(avatar_model="cara-3", director_notes={}), "director_notes have no effect with avatar_"),
    (lambda: PersonaConfig(brain_type=CUSTOMER_CLIENT_V1), OLD),
    (lambda: PersonaConfig(brain_type=CUSTOMER_CLIENT_V1, llm_id=CUSTOMER_CLIENT_V1), OLD),
    (lambda: LiveKitEnvironment("ws://[::1]:7880", "t"), "url=ws://[::1]:7880 is this machine (::1): Anam's engine,"),
    (lambda: LiveKitEnvironment.from_dict({"livekitUrl": "ws://localhost", "livekitToken": "t"}), "livekitUrl=ws://"),
]


@pytest.mark.parametrize(("make", "text"), WARNED, ids=itertools.count())
def test_what_is_probably_a_mistake_is_warned_of_once(make, text):
    """What the vendor may add, or has renamed, is accepted with one warning, which blames the caller's line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = make()
    category = DeprecationWarning if text is OLD else AnamConfigWarning
    assert [(w.category, str(w.message)[: len(text)], w.filename) for w in caught] == [(category, text, __file__)]
    if text is OLD:
        assert (made.to_dict(), made.brain_type) == ({"llmId": CUSTOMER_CLIENT_V1}, None)
    with pytest.raises(category):
        make()


def test_the_wire_form_is_read_and_written():
    """Dots go one object deeper, constants are written, `null` where it is allowed, and empty ids, are unset."""
    wire = {**DAILY, "newer": {"a": [1]}, "daily": {"roomUrl": URL, "token": SWORD, "new": 2}}
    extra = {"newer": {"a": [1]}, "daily": {"new": 2}}
    egress = DailyEgress.from_dict({**DAILY, "daily": {"roomUrl": URL, "token": SWORD}, "extra": extra})
    assert egress == DailyEgress(room_url=URL, token=SWORD, extra=extra)
    assert egress.to_dict() == wire
    assert SessionOptions(egress=DAILY) == SessionOptions(egress=DailyEgress(room_url=URL))
    assert SessionOptions.from_dict({"sessionReplay": {}, "voiceDetection": {}}) == SessionOptions()
    assert PersonaConfig.from_dict({"initialMessage": None}) == PersonaConfig() == PersonaConfig(avatar_id="")


def test_voice_options_are_read_as_the_first_kind_that_fits():
    """Nothing on the wire says whose options they are: the first of the four classes that fits is made."""
    for options, kind in (
        ({"speed": 1}, models.ElevenLabsV1VoiceOptions),
        ({"stability": 1, "model": "m"}, models.ElevenLabsV2VoiceOptions),
        ({"speed": 0.65}, models.CartesiaSonic3VoiceOptions),
        ({"speed": 1.8}, models.FishAudioVoiceOptions),
    ):
        made = PersonaConfig.from_dict({"voiceGenerationOptions": options}).voice_generation_options
        assert (type(made), made.to_dict()) == (kind, options)


def test_tools_can_be_written_as_mappings():
    """A tool in the wire's form is made the class that it describes; keys that Anam may add to one are kept."""
    wire = {"type": "client", "name": "t", "futureKey": {"deep": [1, None]}}
    persona = PersonaConfig(tools=(wire, {"type": "server", "subtype": "knowledge", "name": "k"}, SystemTool(name="s")))
    future = ClientTool(name="t", extra={"futureKey": {"deep": [1, None]}})
    assert persona.tools == (future, models.KnowledgeTool(name="k"), SystemTool(name="s"))
    assert persona.to_dict()["tools"][0] == wire


def test_what_was_made_cannot_be_changed():
    """Neither what was passed to it nor its wire form leads back into it."""
    metadata, ids = {"a": [1]}, [ID]
    persona = PersonaConfig(metadata=metadata, tool_ids=ids, extra={"newer": {"a": 1}})
    for made, name in ((persona, "name"), (SessionToken("t"), "client_label")):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(made, name, "other")
    assert hash(PersonaConfig(name="Cara")) == hash(PersonaConfig(name="Cara"))
    assert pickle.loads(pickle.dumps(persona)) == persona
    assert LiveKitEnvironment(URL, SWORD) == LiveKitEnvironment(URL, Secret(SWORD)) != LiveKitEnvironment(URL, "other")
    metadata["a"].append(2)
    ids.append(ID)
    for inner in (persona.to_dict()["metadata"]["a"], persona.to_dict()["newer"]):
        inner.clear()
    assert persona.to_dict() == {"metadata": {"a": [1]}, "toolIds": [ID], "newer": {"a": 1}}


TOOL = "WebhookTool(name='t', headers={'Authorization': Secret('***')}, extra={'x': 1})"


@pytest.mark.parametrize(
    ("holder", "shown"),
    [
        (PersonaConfig(name="Cara", tools=[HOOK]), f"PersonaConfig(name='Cara', tools=({TOOL},))"),
        (LiveKitEnvironment(URL, SWORD), f"LiveKitEnvironment(url='{URL}', token=Secret('***'))"),
        (DailyEgress(room_url=URL, token=SWORD), f"DailyEgress(room_url='{URL}', token=Secret('***'))"),
    ],
    ids=["persona", "room", "egress"],
)
def test_what_holds_a_secret_shows_and_pickles_none(holder, shown):
    """The repr is short, and masks; a pickle, which would hold the secret, is refused; a copy is fine."""
    assert repr(holder) == shown
    assert [secret.reveal() for secret in holder.secrets()] == [SWORD]
    assert copy.deepcopy(holder) == holder
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(holder)


def test_a_started_session_is_not_lost_over_a_detail():
    """Fields of the wrong type are None, or the contract's default, and can be looked up in `raw`."""
    servers = [{"urls": ["turn:b", 5], "credential": SWORD}, {"urls": 5}, "x", {"urls": "stun:c", "credential": 5}]
    config = {"heartbeatIntervalSeconds": True, "maxWsReconnectionAttempts": "5", "iceServers": servers}
    data = {"sessionId": "s", "engineHost": 5, "region": True, "clientConfig": config}
    session = EngineSession.from_dict(data)
    ice = (IceServer(urls=("turn:b",), credential=SWORD), IceServer(urls=()), IceServer(urls=("stun:c",)))
    defaults = models.ClientConfig(heartbeat_interval_seconds=5, max_ws_reconnection_attempts=5, ice_servers=ice)
    assert session == EngineSession(session_id="s", client_config=defaults)
    assert session.raw == data
    assert SWORD not in repr(session)
    assert EngineSession.from_dict({"sessionId": "s", "clientConfig": []}) == EngineSession(session_id="s")
    for nothing in ({}, {"sessionId": ""}, {"sessionId": 5}, {"sessionId": None}):
        assert EngineSession.from_dict(nothing) is None


# Personas from files.

WIRE = {"name": "Cara é", "tools": [{"type": "client", "name": "t"}], "directorNotes": {"presetStyle": "warm"}}
YAML = b"""
# shared with the other team
name: "Cara \\u00e9"
tools:
  - {type: client, name: t}
directorNotes:
  presetStyle: warm
"""
JSON, RAW, MARK = json.dumps(WIRE).encode(), json.dumps(WIRE, ensure_ascii=False).encode(), b"\xef\xbb\xbf"
READ = {"p.json": JSON, "p.JSON": MARK + RAW, "p.yaml": YAML, "p.yml": MARK + YAML, "j.yaml": JSON}


@pytest.mark.parametrize("name", READ)
def test_personas_are_read_from_files(tmp_path, name):
    """JSON and YAML, with or without a byte order mark, by path or by string, up to the largest size."""
    path = tmp_path / name
    path.write_bytes(READ[name])
    assert PersonaConfig.load(path).to_dict() == WIRE
    path.write_bytes(READ[name].ljust(MAX_FILE_BYTES))
    assert PersonaConfig.load(str(path)).to_dict() == WIRE


KEY = "a key must be a string; YAML takes this one for something else: quote it"
DATED = b"metadata:\n  a: 1\n  when: 2026-01-02"
NO_DATE = 'must be a JSON value, not date; YAML does not take 2026-01-02 for a string: write "2026-01-02"'
NO_STRING = 'must be a string, not bool; YAML does not take no for a string: write "no"'
BAD_FILES = [
    (".json", b"{}".ljust(MAX_FILE_BYTES + 1), ": must be at most 1,048,576 bytes"),
    (".json", b" ", ": is empty; it must hold a mapping of the persona's fields"),
    (".json", b'{"name": "Cara"', ": cannot be parsed: Expecting ',' delimiter: line 1 column 16 (char 15)"),
    (".json", b'{"name": "\xff"}', ": must be UTF-8: invalid start byte at byte 10"),
    (".json", b'{"a":' * 100_000, ": nests too deeply"),
    (".json", b'{"maxSessionLengthSeconds": ' + b"9" * 5000 + b"}", ": cannot be parsed: Exceeds the limit"),
    (".json", b'{"name": "a", "name": "b"}', ": the key name stands twice"),
    (".json", b"[]", ": must hold a mapping of the persona's fields, not a list"),
    (".yaml", b"", ": is empty"),
    (".yaml", b"[" * 5000, ": nests too deeply"),
    (".yaml", b"name: [", ": cannot be parsed: expected the node content, but found '<stream end>' (line 1, column 8)"),
    (".yaml", b"\x00", ": cannot be parsed: not valid YAML"),
    (".yaml", b'name: "\\UFFFFFFFF"', ": cannot be parsed: not valid YAML"),
    (".yaml", b'name: !!python/object/apply:os.system ["true"]', ": cannot be parsed: could not determine a constr"),
    (".yaml", b"name: &n [*n]", ": cannot be parsed: aliases (*) are not supported (line 1, column 11)"),
    (".yaml", b"metadata:\n  <<: {b: 1}", ", line 2: merge keys (<<) are not supported"),
    (".yaml", b"? [a]\n: {}", f", line 1: {KEY}"),
    (".yaml", b"no: 1", f", line 1: {KEY}"),
    (".yaml", b"name: a\n\nname: b", ", line 3: the key name stands twice; first in line 1"),
    (".yaml", b"\npersonality: 2026-99-99", ", line 2: personality cannot be read as YAML's type timestamp; quote it"),
    (".yaml", b'languageCode: !!int ""', ", line 1: languageCode cannot be read as YAML's type int"),
    (".yaml", b"languageCode: " + b"1:" * 50 + b"1", ", line 1: languageCode is too long a number"),
    (".yaml", b"languageCode: no", f", line 1: languageCode = False: {NO_STRING}"),
    (".yaml", DATED, f", line 3: metadata.when: {NO_DATE}"),
    (".yaml", b"metadata: {a: .nan}", ", line 1: metadata.a = nan: must be finite"),
    (".yaml", b"tools:\n- type: client\n  name: t\n- type: client", ", line 4: tools[1].name: is required"),
    (".yaml", b"tools: [{type: server, headers: {A: swordfish}}]", ", line 1: tools[0].subtype = None: must be one of"),
    (".yaml", b"name: n\nnaem: m", ", line 2: naem: unknown; did you mean name?"),
    (".txt", b"{}", ": must end in .json, .yaml or .yml"),
]


@pytest.mark.parametrize(("ending", "content", "words"), BAD_FILES, ids=itertools.count())
def test_bad_files_are_refused_by_name_and_line(tmp_path, problems, ending, content, words):
    """Whatever is wrong with a file, the error names file and line, and says what YAML made of a word."""
    path = tmp_path / f"p{ending}"
    path.write_bytes(content)
    (found,) = problems(lambda: PersonaConfig.load(path))
    assert found.startswith(f"{path}{words}")


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
