# ruff: noqa: E501 - a row of a table is a line
"""What generated classes are made of: kinds of values, rules across fields, secrets, warnings."""

from __future__ import annotations

import copy
import enum
import itertools
import math
import pickle
import traceback
import uuid
import warnings
from collections import UserDict
from datetime import date
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any, ClassVar

import attrs
import pytest

from anam_api.support import (
    MAX_DEPTH,
    MAX_VALUES,
    Across,
    Answer,
    Field,
    Findings,
    Flag,
    Id,
    Items,
    Json,
    Kind,
    Model,
    Number,
    Object,
    One,
    Other,
    Password,
    Refused,
    Secret,
    Text,
    Whole,
    as_secret,
    constructor,
    plain,
    read,
    scrub,
    shown,
    warn,
)
from anam_facade import (
    AnamConfigError,
    AnamConfigWarning,
    DirectorNotes,
    PersonaConfig,
    VoiceDetectionOptions,
    WebhookTool,
)

VALUE = "swordfish" * 3
ID = "30fa96d0-26c4-4e55-94a0-517025942e18"


class Old(str, enum.Enum):  # noqa: UP042 - the usual way before StrEnum; formats itself by its name
    RED = "red"


class Setting:
    """A settings library's own secret, such as pydantic's."""

    def get_secret_value(self) -> str:
        return VALUE


class Url(SimpleNamespace):
    """A URL as libraries have it: an object with its parts."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}/"


def made(kind: Kind, value: Any) -> tuple[Any, list[str]]:
    found = Findings()
    taken = kind.take(value, "f", found)
    return taken, [str(problem) for problem in found.problems]


PORTS = (0, 9_999, 10_000, 59_999, 60_000, 64_999, 65_499, 65_529, 65_535)
RIGHT = [
    (Text(), "", ""),
    (Text(enum=("red",)), Old.RED, "red"),
    (Text(max_length=3), "ééé", "ééé"),
    (Text(pattern="^a+$"), "aa", "aa"),
    (Text(format="uuid"), uuid.UUID(ID), ID),
    (Text(format="uuid"), ID.upper(), ID.upper()),
    (Id(), "", None),
    (
        Text(format="uri"),
        "wss://rooms.example.org:7880/a%20b?x=%C3%A9#c",
        "wss://rooms.example.org:7880/a%20b?x=%C3%A9#c",
    ),
    *((Text(format="uri"), url, url) for url in ("http://[::1]:8080", *(f"ws://a:{port}" for port in PORTS))),
    (Text(format="uri"), Url(scheme="https", host="a.example"), "https://a.example/"),
    (Password(format="password"), VALUE, Secret(VALUE)),
    (Password(format="password"), Setting(), Secret(VALUE)),
    (Flag(), False, False),
    (Number(minimum=0, maximum=1), 0, 0),
    (Number(minimum=1), 1, 1),
    (Number(maximum=5), 5, 5),
    (Number(minimum=0, maximum=1), 1.0, 1.0),
    (Whole(format="int32"), -(2**31), -(2**31)),
    (Whole(), enum.IntEnum("N", {"ONE": 1}).ONE, 1),
    (Items(Text()), ["a", "b"], ("a", "b")),
    (Object(Password(format="password")), {"A": VALUE}, {"A": Secret(VALUE)}),
    (Object(), MappingProxyType({"a": [1, 2.5, True, None, {"b": ()}]}), {"a": [1, 2.5, True, None, {"b": []}]}),
    (Object(), UserDict(a=UserDict(b=1)), {"a": {"b": 1}}),
    (Object(max_bytes=10), {"a": "é"}, {"a": "é"}),
    (Json(), [0] * (MAX_VALUES - 1), [0] * (MAX_VALUES - 1)),
    (One(DirectorNotes), {"expressivity": 1}, DirectorNotes(expressivity=1)),
    (One(DirectorNotes, VoiceDetectionOptions), {"extra": {"new": 1}}, Other.from_dict({"extra": {"new": 1}})),
]


@pytest.mark.parametrize(("kind", "given", "taken"), RIGHT, ids=itertools.count())
def test_what_is_right_is_taken_as_a_plain_value(kind, given, taken):
    """Subclasses, UUIDs, URLs and other libraries' secrets become the plain string, number or `Secret` that is sent."""
    value, problems = made(kind, given)
    assert (value, problems) == (taken, [])
    assert type(value) is type(taken)


def nested(levels: int, times: int = 1) -> Any:
    return 0 if levels == 0 else [nested(levels - 1, times)] * times


URI = "must be an absolute URI such as https://host/path, other characters percent-encoded"
SPACE = "must not begin or end with white space; was it read from a file with its line break?"
NOTES = "must be an object (DirectorNotes, or a mapping in the wire's form)"
WRONG: list[tuple[Kind, Any, list[str]]] = [
    (Text(), 5, ["f = 5: must be a string, not int"]),
    (Text(), b"text", ["f: must be a string, not bytes"]),
    (Text(), Setting(), ["f: must be a string, not Setting; pass what its get_secret_value() returns"]),
    (Text(), Secret("x"), ["f: must be a string, not Secret"]),
    (Text(), uuid.UUID(ID), ["f: must be a string, not UUID"]),
    (Text(), "\ud800", [r"f = '\ud800': must be valid Unicode (it has a lone surrogate)"]),
    (Password(format="password"), 5, ["f = '***': must be a string, not int"]),
    (Password(format="password", min_length=1), "", ["f = '***': must have at least 1 character"]),
    (Password(format="password"), f"{VALUE}\n", [f"f = '***': {SPACE}"]),
    (Text(min_length=2, enum=("ab",)), "", ["f = '': must have at least 2 characters", "f = '': must be one of ab"]),
    (Text(max_length=3), "a" * 2000, ["f = 2,000 characters: must have at most 3 characters"]),
    (Text(pattern="^a+$"), "b", ["f = b: must match ^a+$"]),
    (Flag(), 1, ["f = 1: must be true or false, not int"]),
    (Flag(), "yes", ["f = yes: must be true or false, not str"]),
    (Number(minimum=0, maximum=1), -1e-9, ["f = -1e-09: must be between 0 and 1"]),
    (Number(minimum=0, maximum=1), True, ["f = True: must be a number, not bool"]),
    (Number(), "0.5", ["f = '0.5': must be a number, not str"]),
    (Number(), Decimal("0.5"), ["f: must be a number, not Decimal"]),
    (Number(minimum=0, maximum=1), math.nan, ["f = nan: must be finite"]),
    (Number(minimum=1), 0.5, ["f = 0.5: must be at least 1"]),
    (Number(maximum=5), 6, ["f = 6: must be at most 5"]),
    (Number(), 2**63, ["f = 9223372036854775808: must fit into 64 bits"]),
    (Number(maximum=1), 10**5000, ["f = a huge number: must be at most 1", "f = a huge number: must fit into 64 bits"]),
    (Whole(), 720.0, ["f = 720.0: must be a whole number, not float"]),
    (Whole(format="int32"), 2**31, ["f = 2147483648: must fit into 32 bits"]),
    (Items(Text()), VALUE, ["f: must be a list, not str"]),
    (Items(Text()), ["a", 1, None], ["f[1] = 1: must be a string, not int", "f[2] = None: must be a string, not null"]),
    (Object(Password(format="password")), VALUE, ["f: must be an object, not str"]),
    (Object(Text()), {1: "b", "a b": 5}, ["f = 1: names must be strings of valid Unicode", "f.'a b' = 5: must be a string, not int"]),
    (Object(), VALUE, ["f: must be an object, not str"]),
    (Object(), {"a": {1}, "b": date(2026, 1, 2)}, ["f.a: must be a JSON value, not set", "f.b: must be a JSON value, not date"]),
    (Object(), {"a": [0, math.inf], "b": -(2**70)}, ["f.a[1] = inf: must be finite", "f.b = -1180591620717411303424: must fit into 64 bits"]),
    (Object(), {"a": {2: "\ud800"}, "b": "\ud800"}, ["f.a = 2: names must be strings of valid Unicode", r"f.b = '\ud800': must be valid Unicode (it has a lone surrogate)"]),
    (Object(max_bytes=9), {"a": "é"}, ["f = 10 bytes: must be at most 9 bytes as JSON in UTF-8"]),
    (Json(), nested(MAX_DEPTH + 1), ["f: must not nest deeper than 64 levels"]),
    (Json(), nested(12, 9), ["f: must not hold more than 100,000 values"]),
    (One(DirectorNotes), VALUE, [f"f: {NOTES}, not str"]),
    (One(DirectorNotes), {"expressivity": 2}, ["f.expressivity = 2: must be between 0 and 1"]),
    (One(VoiceDetectionOptions, DirectorNotes), {"expressivity": 2}, ["f.expressivity = 2: must be between 0 and 1"]),
    *(
        (Text(format="uri"), text, [f"f = {shown(text)}: {URI}"])
        for text in (
            *("x", "//host", "mailto:someone", "https://", "https:///path", "https://a b", "https://a\nb", "https://a\x7f"),
            *("https://host:99999", "https://host:port", "http://[::1", "éé", "wss://é.example", 'https://a"b'),
            *("https://a/<b>", "https://a/%zz", "https://a\u2028b"),
            *(f"ws://127.0.0.1:{port}" for port in (65_536, 65_540, 65_600, 66_000, 70_000, 100_000)),
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "problems"), WRONG, ids=itertools.count())
def test_what_is_wrong_is_named_with_field_value_and_rule(kind, given, problems):
    """A value that breaks its rule is named with the rule; what may be a credential in a wrong place is not shown."""
    assert made(kind, given)[1] == problems


def test_lists_keep_their_promise_of_unique_names():
    """Two items with one name are a problem of the list, told once for each name."""
    notes = [DirectorNotes(custom_style_prompt=text) for text in ("a", "b", "a", "c", "c", "c")]
    kind = Items(One(DirectorNotes), unique_by="custom_style_prompt")
    assert made(kind, notes)[1] == ["f = a, c: custom_style_prompt must be unique"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *(("cara-4", "cara-4"), ("0.5", "'0.5'"), ("None", "'None'"), (None, "None"), ({"a": VALUE}, "")),
        *(("a\nb", r"'a\nb'"), ("\ud800", r"'\ud800'"), ("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln", "'***'")),
    ],
    ids=itertools.count(),
)
def test_values_are_shown_short_and_on_one_line(value, text):
    """An offending value is shown so that a message stays readable and holds no token."""
    assert shown(value) == text
    assert len(shown("x y" * 500_000)) <= 80


class Box(Model):
    """A class with all that the generated ones have: constants, dots, nullable fields, rules across fields."""

    FIELDS: ClassVar = (
        Field("size", "inner.size", Whole(), required=True),
        Field("note", "inner.note", Text(), nullable=True),
        Field("words", "words", Items(Text())),
        Field("mode", "mode", Text()),
        Field("key", "key", Password(format="password")),
    )
    CONSTANTS: ClassVar = {"type": "box"}
    ACROSS: ClassVar = (
        Across("words", needs=("note",)),
        Across("mode", equals="strict", needs=("key",)),
        Across("key", forbids=("note",)),
    )

    @constructor
    def __init__(self, size=None, *, note=None, words=None, mode=None, key=None, extra=None): ...


def test_a_class_reads_and_writes_its_wire_form():
    """Dots go one object deeper, constants are written and asked for, `null` where it is allowed is unset."""
    wire = {"type": "box", "inner": {"size": 3, "note": "n"}, "words": ["w"], "newer": [1]}
    box = Box.from_dict({**{k: wire[k] for k in ("type", "inner", "words")}, "extra": {"newer": [1]}})
    assert (box.size, box.note, box.words, box.extra) == (3, "n", ("w",), {"newer": [1]})
    assert box.to_dict() == wire
    assert repr(box) == "Box(size=3, note='n', words=('w',), extra={'newer': [1]})"
    assert Box.from_dict({"type": "box", "inner": {"size": 1, "note": None}}) == Box(size=1)
    assert Box(size=1, key=VALUE).to_dict()["key"] == VALUE
    kept = Box(size=1, extra={"newer": {"a": 1}})
    kept.to_dict()["newer"]["b"] = 2
    assert kept.extra == {"newer": {"a": 1}}
    assert Box(size=1, extra={"inner": {"new": 2}}).to_dict() == {"type": "box", "inner": {"size": 1, "new": 2}}
    tools = [WebhookTool(name="t", headers={"A": VALUE})]
    assert list(PersonaConfig(tools=tools).secrets()) == [Secret(VALUE)]


INNER = {"size": 1}
ACROSS = [
    (lambda: Box(), ["size: is required"]),
    (lambda: Box(size=1, words=["a"]), ["note: must be set together with words"]),
    (lambda: Box(size=1, mode="strict"), ["key: is required when mode is strict"]),
    (lambda: Box(size=1, key="k", note="n"), ["note: cannot be set together with key"]),
    (lambda: Box(size=1, extra={"type": "x", "inner": {"size": 1}}), ["extra.type: has an argument of its own", "extra.inner.size: has an argument of its own"]),
    (lambda: Box(size=1, extra=[]), ["extra: must be an object, not list"]),
    (lambda: Box(size="x", words="w", mode=[]), ["size = x: must be a whole number, not str", "words: must be a list, not str", "mode: must be a string, not list", "note: must be set together with words"]),
    (lambda: Box.from_dict([]), ["Box: must be an object, not list"]),
    (lambda: Box.from_dict({}), ['type: must be "box"', "inner.size: is required"]),
    (lambda: Box.from_dict({"type": "box", "inner": 5}), ["inner: must be an object, not int", "inner.size: is required"]),
    (lambda: Box.from_dict({"type": "box", "inner": INNER, "words": None}), ["words: must be a list, not null; leave it out instead"]),
    (lambda: Box.from_dict({"type": "box", "inner": {**INNER, "key": 1}, "key": "k", 5: 6}), ["an object = 5: names must be strings of valid Unicode", "inner.key: unknown; did you mean inner.size or inner.note? Else a field that is newer than this package goes into extra={'inner': {'key': …}}"]),
    (lambda: Box.from_dict({"type": "box", "inner": INNER, "mode": "strict"}), ["key: is required when mode is strict"]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), ACROSS, ids=itertools.count())
def test_all_problems_of_an_object_are_told_at_once(problems, make, expected):
    """Unknown keys, wrong constants, missing and wrong fields, rules across fields: together, as the caller spells them."""
    assert problems(make) == expected


def test_what_was_refused_is_remembered_without_its_value():
    """An argument with problems can stand in the place of an object; the object's constructor reports them."""
    refused = read({"expressivity": 2, "presetStyle": VALUE}, "notes", DirectorNotes)
    assert isinstance(refused, Refused)
    assert made(One(DirectorNotes), refused)[1] == ["notes.expressivity = 2: must be between 0 and 1"]
    assert VALUE not in repr(vars(refused.findings))
    with pytest.raises(AnamConfigError) as caught:
        Box(size=VALUE, key=VALUE, extra={"a": {VALUE}})
    frames = [frame for frame, _ in traceback.walk_tb(caught.tb) if "support" in frame.f_code.co_filename]
    assert frames
    assert VALUE not in repr([vars(v) if isinstance(v, Box) else v for f in frames[1:] for v in f.f_locals.values()])
    assert read(None, "notes", DirectorNotes) is None


@attrs.frozen(kw_only=True, repr=False)
class Reply(Answer):
    FIELDS: ClassVar = (
        Field("id", "id", Text(), required=True),
        Field("key", "key", Password(format="password")),
        Field("urls", "urls", Items(Text())),
        Field("flag", "flag", Flag()),
        Field("rest", "rest", Object()),
        Field("any", "any", Json()),
    )
    id: str
    key: str | None = None
    urls: tuple[str, ...] = ()
    flag: bool | None = None
    rest: dict[str, Any] | None = None
    any: Any = None
    raw: dict[str, Any] = attrs.field(factory=dict, eq=False)


def test_answers_are_read_leniently_and_kept_whole():
    """A field of an unexpected type is as good as absent; without what it is for there is no answer."""
    whole = {"id": "i", "key": VALUE, "urls": ["a", 5], "flag": True, "rest": {}, "any": [1], "new": 2}
    reply = Reply.from_dict(whole)
    assert reply == Reply(id="i", key=VALUE, urls=("a",), flag=True, rest={}, any=[1])
    assert reply.raw == whole
    assert VALUE not in repr(reply)
    wrong = {"id": "i", "key": 5, "urls": "a", "flag": "x", "rest": "x", "any": None}
    assert Reply.from_dict(wrong) == Reply(id="i", urls=("a",))
    for nothing in ({}, {"id": ""}, {"id": 5}, {"id": None}):
        assert Reply.from_dict(nothing) is None


def test_warnings_blame_the_line_that_caused_them():
    """A warning points at the code outside the package, however deep inside it arose, and can be made an error."""
    with pytest.warns(AnamConfigWarning, match="^mind$") as caught:
        warn("mind")
    assert [w.filename for w in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error", AnamConfigWarning)
        with pytest.raises(AnamConfigWarning, match="furious"):
            read({"presetStyle": "furious"}, "notes", DirectorNotes)


def test_many_problems_are_listed_up_to_fifty():
    """The error keeps every problem, and its text does not become a book."""
    with pytest.raises(AnamConfigError, match=r"and 10 more$") as caught:
        DirectorNotes(extra={str(i): {1} for i in range(60)})
    assert len(caught.value.problems) == 60


# Secrets.


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda secret: f"{[secret]}"], ids=itertools.count())
def test_a_secret_is_never_shown(show):
    """No way of turning a secret into text shows it."""
    assert "***" in show(Secret(VALUE))
    assert VALUE not in show(Secret(VALUE))


def test_a_secret_compares_copies_and_hashes_by_content():
    """A secret equals another, or a string, of the same content, and nothing else; a copy is as secret."""
    secret = Secret(VALUE)
    assert secret.reveal() == VALUE
    for other, equal in ((Secret(VALUE), True), (VALUE, True), ("é", False), ("\ud800", False), (5, False)):
        assert (secret == other, other == secret, secret != other) == (equal, equal, not equal)
    assert {secret: 1}[VALUE] == 1
    assert copy.copy(secret) is secret
    assert copy.deepcopy([secret]) == [secret]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_cannot_be_pickled(protocol):
    """Pickling is refused, and the refusal says what to do, without the secret; nothing else can be hung on it."""
    with pytest.raises(TypeError, match=r"reveal\(\)") as caught:
        pickle.dumps(Secret(VALUE), protocol)
    assert VALUE not in str(caught.value)
    with pytest.raises(AttributeError):
        Secret(VALUE).other = 1


def test_strings_and_foreign_secrets_become_secrets():
    """What is no string passes untouched, for validation to name it."""
    assert [as_secret(given) for given in (VALUE, Setting(), Secret(VALUE))] == [Secret(VALUE)] * 3
    assert [as_secret(5), as_secret(None)] == [5, None]
    assert [plain(value) for value in (Old.RED, True, 2.5, None)] == ["red", True, 2.5, None]


@pytest.mark.parametrize(
    ("text", "secrets", "masked"),
    [
        ("fresh eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln here", [], "fresh *** here"),
        ("eyJ is no token", [], "eyJ is no token"),
        ("abcdef abcdef", ["abcdef"], "*** ***"),
        (r'{"key":"ab\/cd+ef="}', ["ab/cd+ef="], '{"key":"***"}'),
        ("longer-secret", ["secret", "longer-secret"], "***"),
        ("one ab two", ["ab"], "one ab two"),
        ("empty", [""], "empty"),
    ],
)
def test_scrub_masks_every_secret(text, secrets, masked):
    """Every secret in a text is masked, the longest first; what is too short to protect anything is left."""
    assert scrub(text, [Secret(s) for s in secrets]) == masked
