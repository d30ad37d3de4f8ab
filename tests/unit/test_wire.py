"""Fields against their rules, free-form values, and how problems and warnings are worded."""

from __future__ import annotations

import enum
import itertools
import math
import warnings
from collections import UserDict, UserList
from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar

import attrs
import pytest
from attrs import field

from anam_facade import AnamConfigWarning, DirectorNotes, Secret
from anam_facade._wire import (
    MAX_DEPTH,
    MAX_NODES,
    Kind,
    Part,
    Rule,
    absolute_uri,
    check_free,
    check_value,
    copied_object,
    copied_strings,
    rule,
    shown,
    warn,
)


class Colour(enum.StrEnum):
    RED = "red"


UNIT = {"ge": 0, "le": 1}
CASES: list[tuple[Kind, dict[str, Any], Any, list[str]]] = [
    (Kind.STRING, {}, "text", []),
    (Kind.STRING, {}, "", []),
    (Kind.STRING, {}, Colour.RED, []),
    (Kind.STRING, {}, 5, ["f = 5: must be a string"]),
    (Kind.STRING, {}, b"text", ["f = b'text': must be a string"]),
    (Kind.STRING, {}, "\ud800", [r"f = '\ud800': must be valid Unicode (it has a lone surrogate)"]),
    (Kind.STRING, {"secret": True}, 5, ["f = '***': must be a string"]),
    (Kind.STRING, {"secret": True}, Secret(5), ["f = '***': must be a string"]),  # type: ignore[arg-type]
    (Kind.STRING, {"secret": True, "min_length": 1}, Secret(""), ["f = '***': must have at least 1 character"]),
    (Kind.STRING, {"secret": True}, Secret("\udfff"), ["f = '***': must be valid Unicode (it has a lone surrogate)"]),
    (Kind.STRING, {"min_length": 1}, "", ["f = '': must have at least 1 character"]),
    (Kind.STRING, {"min_length": 2}, "a", ["f = a: must have at least 2 characters"]),
    (Kind.STRING, {"min_length": 2}, "ab", []),
    (Kind.STRING, {"max_length": 1024}, "é" * 1024, []),
    (Kind.STRING, {"max_length": 1024}, "a" * 1025, ["f = 1,025 characters: must have at most 1,024 characters"]),
    (Kind.STRING, {"one_of": ("a", "b")}, "b", []),
    (Kind.STRING, {"one_of": ("a", "b")}, "c", ["f = c: must be one of a, b"]),
    (Kind.STRING, {"uri": True}, "wss://a.example", []),
    (
        Kind.STRING,
        {"uri": True},
        "a.example",
        ["f = a.example: must be an absolute URI, without blanks or control characters"],
    ),
    (
        Kind.STRING,
        {"one_of": ("a",), "min_length": 2},
        "",
        ["f = '': must have at least 2 characters", "f = '': must be one of a"],
    ),
    (Kind.BOOLEAN, {}, True, []),
    (Kind.BOOLEAN, {}, 1, ["f = 1: must be true or false, not int"]),
    (Kind.BOOLEAN, {}, "yes", ["f = yes: must be true or false, not str"]),
    (Kind.NUMBER, UNIT, 0, []),
    (Kind.NUMBER, UNIT, 1.0, []),
    (Kind.NUMBER, UNIT, -1e-9, ["f = -1e-09: must be between 0 and 1"]),
    (Kind.NUMBER, UNIT, 1.0000001, ["f = 1.0000001: must be between 0 and 1"]),
    (Kind.NUMBER, UNIT, True, ["f = True: must be a number, not bool"]),
    (Kind.NUMBER, UNIT, "0.5", ["f = '0.5': must be a number, not str"]),
    (Kind.NUMBER, UNIT, Decimal("0.5"), ["f = Decimal('0.5'): must be a number, not Decimal"]),
    (Kind.NUMBER, UNIT, math.nan, ["f = nan: must be finite"]),
    (Kind.NUMBER, {}, math.inf, ["f = inf: must be finite"]),
    (Kind.NUMBER, {"ge": 1}, -math.inf, ["f = -inf: must be finite"]),
    (Kind.NUMBER, {"ge": 1}, 1, []),
    (Kind.NUMBER, {"ge": 1}, 0.5, ["f = 0.5: must be at least 1"]),
    (Kind.NUMBER, {"le": 5}, 5, []),
    (Kind.NUMBER, {"le": 5}, 6, ["f = 6: must be at most 5"]),
    (Kind.NUMBER, {"ge": 1}, 2**63 - 1, []),
    (Kind.NUMBER, {"ge": 1}, 2**63, ["f = 9223372036854775808: must fit into 64 bits"]),
    (Kind.NUMBER, UNIT, 10**5000, ["f = a huge number: must be between 0 and 1"]),
    (Kind.INTEGER, {}, 720, []),
    (Kind.INTEGER, {}, 720.0, ["f = 720.0: must be a whole number, not float"]),
    (Kind.INTEGER, {}, False, ["f = False: must be a whole number, not bool"]),
    (Kind.INTEGER, {}, -(10**100), ["f = a huge number: must fit into 64 bits"]),
    (Kind.STRINGS, {}, ["a", "b"], []),
    (Kind.STRINGS, {}, (), []),
    (Kind.STRINGS, {}, "ab", ["f: must be a list of strings, not str"]),
    (Kind.STRINGS, {}, {"a"}, ["f: must be a list of strings, not set"]),
    (Kind.STRINGS, {}, ["a", 1, None], ["f[1] = 1: must be a string", "f[2] = None: must be a string"]),
    (Kind.STRING_MAP, {}, {"A": "b"}, []),
    (Kind.STRING_MAP, {}, [("A", "b")], ["f: must be an object whose values are strings, not list"]),
    (Kind.STRING_MAP, {"secret": True}, {"A": 1}, ["f.A = '***': must be a string"]),
    (Kind.STRING_MAP, {}, {1: "b"}, ["f (a name) = 1: must be a string"]),
    (Kind.STRING_MAP, {}, {"a b": 5}, ["f.'a b' = 5: must be a string"]),
    (Kind.OBJECT, {}, {"a": [1, {"b": None}]}, []),
    (Kind.OBJECT, {}, [], ["f: must be an object, not list"]),
    (Kind.OBJECT, {}, {"a": {1}}, ["f.a = {1}: must be a JSON value, not set"]),
    (Kind.OBJECT, {"max_bytes": 9}, {"a": "é"}, ["f = 10 bytes: must be at most 9 bytes as JSON in UTF-8"]),
    (Kind.OBJECT, {"max_bytes": 10}, {"a": "é"}, []),
    (Kind.OBJECT, {"max_bytes": 1}, {"a": math.nan}, ["f.a = nan: must be finite"]),
    (Kind.PART, {}, DirectorNotes(), []),
    (Kind.PART, {}, 5, ["f: must be an object of its own, not int"]),
    (Kind.PART, {"parse": DirectorNotes._parse}, {"expressivity": 2}, ["f.expressivity = 2: must be between 0 and 1"]),
    (Kind.PARTS, {}, [DirectorNotes()], []),
    (Kind.PARTS, {}, DirectorNotes(), ["f: must be a list of objects, not DirectorNotes"]),
    (Kind.PARTS, {}, [DirectorNotes(), "x"], ["f[1]: must be an object of its own, not str"]),
    (
        Kind.PARTS,
        {"unique_by": "preset_style"},
        [DirectorNotes(preset_style="sad"), DirectorNotes(preset_style="warm"), DirectorNotes(preset_style="sad")],
        ["f = sad: preset_style must be unique"],
    ),
]


@pytest.mark.parametrize(
    ("kind", "bounds", "value", "expected"), CASES, ids=[f"{i}-{case[0].name}" for i, case in enumerate(CASES)]
)
def test_every_rule_names_field_value_and_rule(kind, bounds, value, expected):
    """A value that breaks its rule yields a problem that names field, value and rule; one that keeps it yields none."""
    assert [str(p) for p in check_value(Rule(name="n", kind=kind, **bounds), value, "f")] == expected


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def endless() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def doubled(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value] * 9
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, "é", True, None, {"b": ()}]},
        MappingProxyType({"a": UserDict(b=1)}),
        nested(MAX_DEPTH),
        [0] * (MAX_NODES - 1),
        2**63 - 1,
    ],
    ids=["json", "other-mappings", "deepest", "most-values", "largest-number"],
)
def test_free_values_that_are_json_pass(value):
    """A free-form value that everyone's JSON can hold is accepted, up to the limits and including them."""
    assert list(check_free(value, "f")) == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": {"b": math.inf}}, "f.a.b = inf: must be finite"),
        ({"a": [0, -(2**70)]}, "f.a[1] = -1180591620717411303424: must fit into 64 bits"),
        ({"a": "\ud800"}, r"f.a = '\ud800': must be valid Unicode (it has a lone surrogate)"),
        ({"\ud800": 1}, r"f = '\ud800': names must be strings of valid Unicode"),
        ({"a": {1: 2}}, "f.a = 1: names must be strings of valid Unicode"),
        ({"a": b"x"}, "f.a = b'x': must be a JSON value, not bytes"),
        (nested(MAX_DEPTH + 1), f"f{'[0]' * (MAX_DEPTH + 1)}"[:200] + ": must not nest deeper than 64 levels"),
        (endless(), f"f{'[0]' * (MAX_DEPTH + 1)}"[:200] + ": must not nest deeper than 64 levels"),
        ([0] * MAX_NODES, "f: must not hold more than 100,000 values"),
        (doubled(12), "f: must not hold more than 100,000 values"),
    ],
    ids=["infinite", "huge", "surrogate", "surrogate-name", "number-name", "bytes", "deep", "endless", "many", "bomb"],
)
def test_free_values_that_are_not_json_are_named(value, expected):
    """What JSON cannot hold, or what would never end, is refused with its path."""
    assert [str(p) for p in check_free(value, "f")] == [expected]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("cara-4", "cara-4"),
        ("", "''"),
        ("0.5", "'0.5'"),
        ("None", "'None'"),
        ("nan", "'nan'"),
        ("two words", "'two words'"),
        ("a\nb", r"'a\nb'"),
        ("é", "'é'"),
        ("\ud800", r"'\ud800'"),
        (2**300, "a huge number"),
        (10**5000, "a huge number"),
        (7, "7"),
        (None, "None"),
        ({"a": {"b": {"c": 1}}}, "{'a': {'b': {...}}}"),
    ],
    ids=itertools.count(),
)
def test_values_are_shown_short_and_on_one_line(value, text):
    """An offending value is shown so that a message stays readable."""
    assert shown(value) == text


def test_long_values_are_shortened():
    """A value of a megabyte does not make a message of a megabyte."""
    assert len(shown("x y" * 500_000)) <= 80


def test_values_of_odd_classes_can_be_shown():
    """A class whose repr cannot be encoded does not break the message."""

    class Odd:
        def __repr__(self) -> str:
            return "\ud800"

    assert shown(Odd()) == "\\ud800"


@pytest.mark.parametrize(
    ("text", "is_uri"),
    [
        ("https://api.anam.ai", True),
        ("wss://rooms.example.org:7880/path?x=1", True),
        ("http://[::1]:8080", True),
        ("https://x", True),
        ("", False),
        ("x", False),
        ("//host", False),
        ("mailto:someone", False),
        ("https://", False),
        ("https:///path", False),
        ("https://a b", False),
        ("https://a\nb", False),
        ("https://a\x7f", False),
        ("https://a\u2028b", False),
        ("https://host:99999", False),
        ("https://host:port", False),
        ("http://[::1", False),
        ("éé", False),
    ],
)
def test_absolute_uris_have_scheme_and_host(text, is_uri):
    """A URI needs a scheme and a host, a port that exists, and no blank or control character."""
    assert absolute_uri(text) is is_uri


@pytest.mark.parametrize(
    "text", ["https://a\x80", "https://a\u200bb", "wss://é.example", 'https://a"b', "https://a/<b>", "https://a/%zz"]
)
def test_fields_that_are_uris_hold_no_other_characters(text):
    """A field takes only what the contract's `format: uri` takes; anything else must be written with escapes."""
    rule_of_uris = Rule(name="n", kind=Kind.STRING, uri=True)
    assert [p.field for p in check_value(rule_of_uris, text, "f")] == ["f"]
    assert list(check_value(rule_of_uris, "https://a/%20?b=%C3%A9#c", "f")) == []


def test_copies_are_deep():
    """What the caller does later to an object he passed does not reach the copy."""
    mine = {"a": [{"b": 1}], "c": ("d",)}
    copied = copied_object(mine)
    mine["a"][0]["b"] = 2  # type: ignore[index]
    assert copied == {"a": [{"b": 1}], "c": ["d"]}


@pytest.mark.parametrize("value", [None, {"a": {1}}, "text", 5])
def test_what_cannot_be_copied_passes_untouched(value):
    """Converters leave what validation will refuse."""
    assert copied_object(value) is value


@pytest.mark.parametrize(("given", "made"), [(["a"], ("a",)), (("a",), ("a",)), (None, None), ("text", "text")])
def test_lists_of_strings_are_frozen(given, made):
    """A list becomes a tuple; anything else passes untouched."""
    assert copied_strings(given) == made


@attrs.frozen(kw_only=True, repr=False)
class Toy(Part):
    """A part with everything that `Part` can do: constants, dots, required and nullable fields."""

    CONSTANTS: ClassVar = {"mode": "toy"}

    size: int | None = field(metadata=rule("inner.size", Kind.INTEGER, required=True))
    note: str | None = field(default=None, metadata=rule("inner.note", Kind.STRING, nullable=True))
    words: Sequence[str] | None = field(default=None, converter=copied_strings, metadata=rule("words", Kind.STRINGS))
    count: int | None = field(default=None, metadata=rule("count", Kind.NUMBER))


def test_dots_go_one_object_deeper_and_back():
    """A rule's dotted name reads and writes a nested object."""
    wire = {"mode": "toy", "inner": {"size": 3, "note": "n"}, "words": ["w"]}
    toy = Toy.from_dict(wire)
    assert (toy.size, toy.note, toy.words) == (3, "n", ("w",))
    assert toy.to_dict() == wire
    assert repr(toy) == "Toy(size=3, note='n', words=('w',))"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], ["Toy: must be an object, not list"]),
        (None, ["Toy: must be an object, not NoneType"]),
        ({}, ['mode: must be "toy"', "inner.size: is required"]),
        ({"mode": "other", "inner": {"size": 1}}, ['mode: must be "toy"']),
        ({"mode": "toy", "inner": 5}, ["inner: must be an object, not int", "inner.size: is required"]),
        ({"mode": "toy", "inner": {"size": None}}, ["inner.size: is required"]),
        (
            {"mode": "toy", "inner": {"size": 1}, "words": None},
            ["words = null: must be a list of strings; leave it out instead"],
        ),
        ({"mode": "toy", "inner": {"size": 1, "zzz": 2}}, ["inner.zzz: unknown; did you mean inner.size?"]),
        ({"mode": "toy", "inner": {"size": 1}, "word": []}, ["word: unknown; did you mean words?"]),
        (
            {"mode": "toy", "inner": {"size": "x"}, "words": "w", "count": []},
            [
                "inner.size = x: must be a whole number, not str",
                "words: must be a list of strings, not str",
                "count = []: must be a number, not list",
            ],
        ),
    ],
    ids=itertools.count(),
)
def test_from_dict_reports_every_problem(problems, data, expected):
    """Unknown keys, wrong constants, missing and wrong fields: all are reported together, spelled as on the wire."""
    assert problems(lambda: Toy.from_dict(data)) == expected


def test_a_name_that_is_no_string_is_refused(problems):
    """YAML allows numbers as names; the problem shows the name and says where it is."""
    (found,) = problems(lambda: Toy.from_dict({"mode": "toy", "inner": {"size": 1}, 5: 6}))
    assert found.startswith(("5: ", "Toy = 5: "))


def test_a_name_with_a_dot_in_it_is_unknown(problems):
    """A key that merely looks like a path into a nested object is refused like any other unknown key."""
    found = problems(lambda: Toy.from_dict({"mode": "toy", "inner": {"size": 1}, "inner.note": "n"}))
    assert len(found) == 1
    assert "inner.note" in found[0]
    assert "unknown" in found[0]


def test_null_is_unset_where_the_contract_allows_it():
    """`null` in a nullable field is the same as leaving it out."""
    assert Toy.from_dict({"mode": "toy", "inner": {"size": 1, "note": None}}) == Toy(size=1)


@pytest.mark.parametrize("words", [UserList(["w"]), b"", range(0)], ids=["userlist", "bytes", "range"])
def test_what_passes_can_be_written(words):
    """A sequence of whatever kind is either refused or written as a plain list."""
    found = list(check_value(Rule(name="words", kind=Kind.STRINGS), words, "words"))
    assert found or isinstance(Toy(size=1, words=words).to_dict()["words"], list)


def test_warnings_blame_the_line_that_caused_them():
    """A warning points at the code outside the package, however deep inside it arose."""
    with pytest.warns(AnamConfigWarning, match="^mind$") as caught:
        warn("mind")
    assert [w.filename for w in caught] == [__file__]


def test_warnings_can_be_errors():
    """Who wants strictness turns the warnings into errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", AnamConfigWarning)
        with pytest.raises(AnamConfigWarning):
            DirectorNotes(preset_style="furious")
