"""What the contract's classes are made of: kinds of values, how values are shown, and secrets."""

from __future__ import annotations

import copy
import enum
import itertools
import math
import pickle
import uuid
from collections import UserDict
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from anam_api import support
from anam_api.models import DirectorNotes, VoiceDetectionOptions
from anam_api.support import Flag, Id, Items, Json, Number, Object, One, Password, Secret, Text, Whole, shown

VALUE = "swordfish" * 3
ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
ADDRESS, UUID = Text(format="uri"), Text(format="uuid")
SECRET, EITHER = Password(format="password", min_length=1), One(DirectorNotes, VoiceDetectionOptions)


def taken(kind: support.Kind, value: Any) -> tuple[Any, list[str]]:
    found = support.Findings()
    return kind.take(value, "f", found), [str(problem) for problem in found.problems]


def nested(levels: int, times: int = 1) -> Any:
    return 0 if levels == 0 else [nested(levels - 1, times)] * times


FREE = {"a": [1, 2.5, True, None, {"b": []}]}
LONG = "wss://rooms.example.org:7880/a%20b?x=%C3%A9#c"
RIGHT = [
    *((Text(), text, text) for text in ("", "é")),
    # The usual enumeration of texts before StrEnum, which formats itself by its name.
    (Text(enum=("red",)), enum.Enum("Old", {"RED": "red"}, type=str).RED, "red"),
    (Text(max_length=3), "ééé", "ééé"),
    (Text(pattern="^a+$"), "aa", "aa"),
    (UUID, uuid.UUID(ID), ID),
    (UUID, ID.upper(), ID.upper()),
    (Id(), "", None),
    *((ADDRESS, url, url) for url in (LONG, "http://[::1]:8080", *(f"ws://a:{port}" for port in ("", 0, 65_535)))),
    (ADDRESS, httpx.URL("https://a.example/"), "https://a.example/"),
    *((SECRET, given, Secret(VALUE)) for given in (VALUE, SecretStr(VALUE), Secret(VALUE))),
    (Flag(), False, False),
    *((Number(minimum=0, maximum=1), number, number) for number in (0, 1.0)),
    (Number(minimum=1), 1, 1),
    (Number(maximum=5), 5, 5),
    (Whole(format="int32"), -(2**31), -(2**31)),
    (Whole(), enum.IntEnum("N", {"ONE": 1}).ONE, 1),
    (Items(Text()), ["a", "b"], ("a", "b")),
    (Object(SECRET), {"A": VALUE}, {"A": Secret(VALUE)}),
    (Object(), MappingProxyType({"a": [1, 2.5, True, None, UserDict(b=())]}), FREE),
    (Object(max_bytes=10), {"a": "é"}, {"a": "é"}),
    (Json(), [0] * (support.MAX_VALUES - 1), [0] * (support.MAX_VALUES - 1)),
    (Json(), nested(support.MAX_DEPTH), nested(support.MAX_DEPTH)),
    (One(DirectorNotes), {"expressivity": 1}, DirectorNotes(expressivity=1)),
    (EITHER, {"extra": {"new": 1}}, support.Other.from_dict({"extra": {"new": 1}})),
]


@pytest.mark.parametrize(("kind", "given", "expected"), RIGHT, ids=itertools.count())
def test_what_is_right_is_taken_as_a_plain_value(kind, given, expected):
    """Subclasses, UUIDs, URLs and other libraries' secrets become the plain string, number or `Secret` that is sent."""
    value, problems = taken(kind, given)
    assert (value, problems) == (expected, [])
    assert type(value) is type(expected)


URI = "must be an absolute URI such as https://host/path, other characters percent-encoded"
SPACE = "must not begin or end with white space; was it read from a file with its line break?"
NOTES = "must be an object (DirectorNotes, or a mapping in the wire's form)"
UNICODE = "must be valid Unicode (it has a lone surrogate)"
NAMES = "names must be strings of valid Unicode"
NO_URLS = (
    *("x", "//host", "mailto:someone", "https://", "https:///path", "https://a b", "https://a\nb", "https://a\x7f"),
    *("https://host:port", "http://[::1", "éé", "wss://é.example", 'https://a"b'),
    *("https://a/<b>", "https://a/%zz", "https://a\u2028b"),
    *("wss://[.]/x", "wss://[1:2]", "ws://a:65536", "ws://a:" + "9" * 5000, "ws://a:-1", "ws://a:+1", "ws://a:٣"),
)
WRONG = [
    # kind, what was given, what it is shown as, the rules
    (Text(), 5, " = 5", "must be a string, not int"),
    (Text(), b"text", "", "must be a string, not bytes"),
    (Text(), SecretStr(VALUE), "", "must be a string, not SecretStr; pass what its get_secret_value() returns"),
    (Text(), Secret("x"), "", "must be a string, not Secret"),
    (Text(), uuid.UUID(ID), "", "must be a string, not UUID"),
    (Text(), "\ud800", r" = '\ud800'", UNICODE),
    (SECRET, 5, " = '***'", "must be a string, not int"),
    (SECRET, "", " = '***'", "must have at least 1 character"),
    (SECRET, f"{VALUE}\n", " = '***'", SPACE),
    (Text(min_length=2, enum=("ab",)), "", " = ''", "must have at least 2 characters", "must be one of ab"),
    (Text(max_length=3), "a" * 2000, " = 2,000 characters", "must have at most 3 characters"),
    (Text(pattern="^a+$"), "b", " = b", "must match ^a+$"),
    (Flag(), 1, " = 1", "must be true or false, not int"),
    (Number(minimum=0, maximum=1), -1e-9, " = -1e-09", "must be between 0 and 1"),
    (Number(minimum=0, maximum=1), True, " = True", "must be a number, not bool"),
    (Number(minimum=0, maximum=1), math.nan, " = nan", "must be finite"),
    (Number(), "0.5", " = '0.5'", "must be a number, not str"),
    (Number(), Decimal("0.5"), "", "must be a number, not Decimal"),
    (Number(minimum=1), 0.5, " = 0.5", "must be at least 1"),
    (Number(maximum=5), 6, " = 6", "must be at most 5"),
    (Number(), 2**63, " = 9223372036854775808", "must fit into 64 bits"),
    (Number(maximum=1), 10**5000, " = a huge number", "must be at most 1", "must fit into 64 bits"),
    (Whole(), 720.0, " = 720.0", "must be a whole number, not float"),
    (Whole(format="int32"), 2**31, " = 2147483648", "must fit into 32 bits"),
    (Items(Text()), VALUE, "", "must be a list, not str"),
    (Items(Text()), ["a", 1], "[1] = 1", "must be a string, not int"),
    (Items(Text()), ["a", None], "[1] = None", "must be a string, not null"),
    *((kind, VALUE, "", "must be an object, not str") for kind in (Object(), Object(SECRET))),
    (Object(Text()), {1: "b"}, " = 1", NAMES),
    (Object(Text()), {"a b": 5}, ".'a b' = 5", "must be a string, not int"),
    (Object(), {"a": {1}}, ".a", "must be a JSON value, not set"),
    (Object(), {"a": [0, math.inf]}, ".a[1] = inf", "must be finite"),
    (Object(), {"a": -(2**70)}, ".a = -1180591620717411303424", "must fit into 64 bits"),
    (Object(), {"a": {2: 0}}, ".a = 2", NAMES),
    (Object(), {"a": {"\ud800": 0}}, r".a = '\ud800'", NAMES),
    (Object(), {"a": "\ud800"}, r".a = '\ud800'", UNICODE),
    (Object(max_bytes=9), {"a": "é"}, " = 10 bytes", "must be at most 9 bytes as JSON in UTF-8"),
    (Json(), nested(support.MAX_DEPTH + 1), "", "must not nest deeper than 64 levels"),
    (Json(), [0] * support.MAX_VALUES, "", "must not hold more than 100,000 values"),
    (Json(), nested(12, 9), "", "must not hold more than 100,000 values"),
    (One(DirectorNotes), VALUE, "", f"{NOTES}, not str"),
    *(
        (kind, {"expressivity": 2}, ".expressivity = 2", "must be between 0 and 1")
        for kind in (One(DirectorNotes), EITHER)
    ),
    *((ADDRESS, text, f" = {shown(text)}", URI) for text in NO_URLS),
]


@pytest.mark.parametrize(
    ("kind", "given", "where", "rules"), [(*row[:3], row[3:]) for row in WRONG], ids=itertools.count()
)
def test_what_is_wrong_is_named_with_field_value_and_rule(kind, given, where, rules):
    """A value that breaks its rule is named with the rule; what may be a credential in a wrong place is not shown."""
    assert taken(kind, given)[1] == [f"f{where}: {rule}" for rule in rules]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *(("cara-4", "cara-4"), ("0.5", "'0.5'"), ("None", "'None'"), (None, "None"), ({"a": VALUE}, "")),
        *(("a\nb", r"'a\nb'"), ("\ud800", r"'\ud800'"), ("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln", "'***'")),
    ],
)
def test_values_are_shown_short_and_on_one_line(value, text):
    """An offending value is shown so that a message stays readable and holds no token."""
    assert shown(value) == text
    assert len(shown("x y" * 500_000)) <= 80


def test_a_secret_is_never_shown():
    """No way of turning it into text shows it, pickling is refused with a remedy, nothing else can be hung on it."""
    secret = Secret(VALUE)
    assert [repr(secret), str(secret), f"{secret}", f"{[secret]}"] == ["Secret('***')", "***", "***", "[Secret('***')]"]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match=r"reveal\(\)") as caught:
            pickle.dumps(secret, protocol)
        assert VALUE not in str(caught.value)
    with pytest.raises(AttributeError):
        secret.other = 1


def test_a_secret_compares_copies_and_hashes_by_content():
    """A secret equals another, or a string, of the same content, and nothing else; a copy is as secret."""
    secret = Secret(VALUE)
    for other, equal in ((Secret(VALUE), True), (VALUE, True), ("é", False), ("\ud800", False), (5, False)):
        assert (secret == other, other == secret, secret != other) == (equal, equal, not equal)
    assert {secret: 1}[secret.reveal()] == 1
    assert (copy.copy(secret) is secret, copy.deepcopy([secret])) == (True, [secret])


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
    assert support.scrub(text, [Secret(s) for s in secrets]) == masked
