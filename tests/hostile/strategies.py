"""Values that no one should pass: of the wrong type, of the wrong size, and of classes that lie about themselves.

Around them, strategies that write what the facade's rules ask for, so that one wrong value stands among right ones and
the search gets past the first check.
"""

from __future__ import annotations

import collections
import enum
import math
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NoReturn
from unittest.mock import MagicMock, Mock

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from anam_facade._wire import Kind, Part, Rule, _put, rules

SWORD = "swordfish"
"""Is part of every credential here, so that it is found wherever one comes out."""

UUID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"


class Broken(Exception):
    """Raised by the methods of hostile objects, and by nothing else."""


def broken(*_: Any, **__: Any) -> NoReturn:
    raise Broken("a method of the caller's own object failed")


class Raises:
    """Whatever it is asked, it raises, its class included."""

    __class__ = property(broken)  # type: ignore[assignment]
    __repr__ = __str__ = __eq__ = __ne__ = __len__ = __iter__ = __bool__ = __getattr__ = __format__ = broken
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __int__ = __float__ = __index__ = __fspath__ = broken
    __hash__ = object.__hash__


class Lies:
    """Says that it is of a class which it is not."""

    def __init__(self, claimed: type) -> None:
        self._claimed = claimed

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return self._claimed


class Vague:
    """Compares to no truth value, as arrays do."""

    def __eq__(self, other: object) -> Any:
        return Raises()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "array([1,\n       2])\x1b[31m\ud800"


class Text(str):
    """A string that says nothing true of what it holds."""

    __eq__ = __ne__ = __len__ = __iter__ = __contains__ = __bool__ = encode = strip = lower = broken
    __lt__ = __le__ = __gt__ = __ge__ = __repr__ = __str__ = split = startswith = partition = broken
    __hash__ = str.__hash__

    def __format__(self, spec: str) -> str:
        return "x\r\nX-Injected: yes"


class Member(str, enum.Enum):  # noqa: UP042 - a StrEnum is harmless
    """The usual enumeration of strings, which formats itself by its name."""

    NAME = "cara-4"
    SECRET = SWORD
    LABEL = "warm"


class Whole(int):
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __repr__ = __str__ = bit_length = __bool__ = broken
    __hash__ = int.__hash__


class Real(float):
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __repr__ = __str__ = __bool__ = broken
    __hash__ = float.__hash__


class Listed(list[Any]):
    __iter__ = __len__ = __getitem__ = __eq__ = __repr__ = __bool__ = __contains__ = broken


class Tupled(tuple[Any, ...]):
    __iter__ = __len__ = __getitem__ = __eq__ = __repr__ = __bool__ = __contains__ = broken


class Mapped(dict[Any, Any]):
    items = keys = values = get = __iter__ = __len__ = __getitem__ = __eq__ = __repr__ = __bool__ = broken


class Closed(Mapping[str, Any]):
    """A mapping whose content cannot be read any more."""

    __getitem__ = __iter__ = __len__ = __repr__ = broken


class Leaks:
    """Shows a credential when it is shown."""

    def __repr__(self) -> str:
        return SWORD


class Key:
    """A name in a mapping that is no string, and fails when it is compared."""

    def __hash__(self) -> int:
        return 0

    __eq__ = broken


def nested(depth: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = wrap(value)
    return value


def endless_list() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def endless_dict() -> dict[str, Any]:
    loop: dict[str, Any] = {}
    loop["again"] = [loop]
    return loop


def numbers() -> Iterator[int]:
    while True:
        yield 1


def doubled(levels: int) -> Any:
    """Small in memory, and without end when it is walked."""
    value: Any = "x"
    for _ in range(levels):
        value = [value] * 9
    return value


ODDITIES: list[Callable[[], Any]] = [
    Raises,
    Vague,
    Closed,
    lambda: Lies(str),
    lambda: Lies(dict),
    lambda: Lies(list),
    lambda: Lies(int),
    lambda: Lies(bool),
    Mock,
    MagicMock,
    lambda: Mock(spec=str),
    lambda: MagicMock(spec=dict),
    lambda: MagicMock(spec=list),
    lambda: Text("cara-4"),
    lambda: Text("\ud800"),
    lambda: Text(UUID),
    lambda: Member.NAME,
    lambda: Whole(1),
    lambda: Whole(2**80),
    lambda: Real(0.5),
    lambda: Real("nan"),
    lambda: Listed([1, "a"]),
    lambda: Tupled(("a", {"b": 1})),
    lambda: Mapped(name="a"),
    lambda: Mapped(type="client", name="a"),
    lambda: {Key(): 1, "type": "client", "name": "t"},
    lambda: {Raises(): 1},
    lambda: {1: "a", None: "b", (1, 2): "c", "\ud800": "d"},
    lambda: types.MappingProxyType({"name": "a"}),
    lambda: collections.UserDict({"a": 1}),
    lambda: collections.OrderedDict(name="a"),
    lambda: collections.UserString("a"),
    lambda: collections.UserList(["a"]),
    lambda: collections.defaultdict(list, {"a": [1]}),
    lambda: nested(70, lambda inner: [inner]),
    lambda: nested(5_000, lambda inner: {"a": inner}),
    lambda: nested(70, lambda inner: types.MappingProxyType({"a": inner})),
    lambda: doubled(12),
    endless_list,
    endless_dict,
    numbers,
    lambda: (n for n in "abc"),
    lambda: iter([]),
    lambda: range(3),
    lambda: {"a", 1},
    lambda: frozenset(),
    lambda: Decimal("0.5"),
    lambda: Decimal("NaN"),
    lambda: Fraction(1, 2),
    lambda: date(2026, 1, 2),
    lambda: 1j,
    lambda: b"text",
    lambda: bytearray(b"text"),
    lambda: memoryview(b"text"),
    lambda: object(),
    lambda: type,
    lambda: str,
    lambda: broken,
    lambda: ...,
    lambda: NotImplemented,
    lambda: Broken("x"),
    lambda: 10**5000,
    lambda: -(2**63),
    lambda: 2**31,
    lambda: 1e308,
    lambda: -0.0,
    lambda: 5e-324,
    lambda: "x" * 20_000,
    lambda: "\x00\x1b[31m\r\n\u2028\u202e",
]


class Odd:
    """Stands for an oddity until the test runs, for hypothesis would trip over the real thing."""

    def __init__(self, make: Callable[[], Any], name: str) -> None:
        self.make, self._name = make, name

    def __repr__(self) -> str:
        return self._name


def thawed(value: Any) -> Any:
    """The value with the real things in it."""
    if isinstance(value, Odd):
        return value.make()
    if type(value) is dict:
        return {thawed(name): thawed(inner) for name, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(thawed(inner) for inner in value)
    return value


def honest(value: Any) -> Any:
    """What a value that JSON can hold really holds, in plain classes: its own may fail when compared."""
    if type(value) in (bool, type(None)):
        return value
    for plain, content in ((str, str.__str__), (int, int.__pos__), (float, float.__pos__)):
        if issubclass(type(value), plain):
            return content(value)
    if issubclass(type(value), (list, tuple)):
        cls = list if issubclass(type(value), list) else tuple
        return [honest(inner) for inner in cls.__iter__(value)]
    items = dict.items(value) if issubclass(type(value), dict) else value.items()
    return {honest(name): honest(inner) for name, inner in items}


ODD = st.sampled_from([Odd(make, f"ODDITIES[{i}]") for i, make in enumerate(ODDITIES)])

# Every code point, lone surrogates and control characters included.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)

PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    ANY_TEXT,
    st.binary(max_size=8),
    st.sampled_from([math.nan, math.inf, -math.inf, 2**63, "", "\n", "a\r\nX-Injected: 1"]),
)
HOSTILE: SearchStrategy[Any] = st.one_of(
    PLAIN,
    ODD,
    st.recursive(
        PLAIN | ODD,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT | st.integers(), inner, max_size=3),
        max_leaves=5,
    ),
)
JSON: SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(max_size=8), JSON, max_size=3)

SECRETS: SearchStrategy[Any] = st.sampled_from(
    [
        SWORD,
        f"Bearer {SWORD}",
        f"eyJhbGciOiJIUzI1NiJ9.{SWORD}.{SWORD}",
        f"{SWORD}\r\nX-Injected: 1",
        f"{SWORD}\ud800",
        SWORD * 5_000,
        Odd(lambda: Text(SWORD), "Text"),
        Odd(lambda: Member.SECRET, "Member"),
        SWORD.encode(),
        [SWORD],
        {"a": {SWORD}},
        (SWORD, 1),
        Odd(Leaks, "Leaks"),
        None,
        "",
        5,
    ]
)


def mostly(right: SearchStrategy[Any], wrong: SearchStrategy[Any] = HOSTILE) -> SearchStrategy[Any]:
    """The right thing, except now and then."""
    return st.integers(0, 11).flatmap(lambda dice: wrong if dice == 0 else right)


def strings(rule: Rule) -> SearchStrategy[Any]:
    if rule.one_of or rule.known:
        return st.sampled_from(rule.one_of or rule.known or ())
    if rule.uuid:
        return st.just(UUID) | ANY_TEXT
    if rule.uri:
        return st.sampled_from(["wss://rooms.example.org", "https://a.b/c?d=e", "wss://[::1]:7880"]) | URLS
    if rule.max_length is not None:
        return st.text(max_size=20) | st.integers(rule.max_length - 1, rule.max_length + 1).map(lambda n: "é" * n)
    return ANY_TEXT | st.text(min_size=1)


def for_rule(rule: Rule, inner: Callable[[type[Part]], SearchStrategy[Any]]) -> SearchStrategy[Any]:
    """Mostly what the rule asks for. `inner` makes the parts within: as objects, or as their wire form."""
    match rule.kind:
        case Kind.STRING:
            right = mostly(st.just(SWORD), SECRETS) if rule.secret else strings(rule)
        case Kind.BOOLEAN:
            right = st.booleans()
        case Kind.NUMBER | Kind.INTEGER:
            low, high = rule.ge if rule.ge is not None else -10, rule.le if rule.le is not None else 2000
            right = st.floats(low, high) | st.integers(math.ceil(low), math.floor(high))
            right |= st.sampled_from([(1152, 768)[rule.kind is Kind.INTEGER], low - 0.001, high + 0.001, 2**31, 2**63])
        case Kind.OBJECT:
            right = OBJECTS | st.just({"a": "é" * 5_000}) if rule.max_bytes else OBJECTS
        case Kind.STRINGS:
            right = st.lists(strings(rule), max_size=3) | st.lists(HOSTILE, max_size=2)
        case Kind.STRING_MAP:
            right = st.dictionaries(st.text(min_size=1, max_size=8), mostly(st.just(SWORD), SECRETS), max_size=2)
        case Kind.PART:
            right = st.sampled_from(rule.of).flatmap(inner)
        case _:
            right = st.lists(st.sampled_from(rule.of).flatmap(inner), max_size=3)
    return mostly(right, SECRETS if rule.secret else HOSTILE)


def wire(cls: type[Part]) -> SearchStrategy[dict[str, Any]]:
    """The wire form of a part, in which something may be wrong."""

    def assembled(flat: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in flat.items():
            if "." not in name or type(made.setdefault(name.partition(".")[0], {})) is dict:
                _put(made, name, value)
        return made

    constants = {name: mostly(st.just(value)) for name, value in cls.CONSTANTS.items()}
    fields = {rule.name: for_rule(rule, wire) for rule in rules(cls).values()}
    required = {rule.name: fields[rule.name] for rule in rules(cls).values() if rule.required}
    right = chosen(fields, required | constants).map(assembled)
    if cls.OPEN:
        right = st.tuples(OBJECTS, right).map(lambda both: both[0] | both[1])
    return right | st.tuples(right, st.dictionaries(ANY_TEXT, HOSTILE, max_size=1)).map(lambda both: both[0] | both[1])


def arguments(cls: type[Part]) -> SearchStrategy[dict[str, Any]]:
    """Arguments for the class itself, in which something may be wrong."""

    def inner(part: type[Part]) -> SearchStrategy[Any]:
        return wire(part) | finished(part)

    fields = {name: for_rule(rule, inner) for name, rule in rules(cls).items()}
    if cls.OPEN:
        fields["extra"] = mostly(OBJECTS)
    return chosen(fields, {name: fields[name] for name, rule in rules(cls).items() if rule.required})


def finished(cls: type[Part]) -> SearchStrategy[Odd]:
    """A part as an object; something that is no part, when its arguments are wrong."""

    def build(given: dict[str, Any]) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return cls(**thawed(given))
            except ValueError:
                return cls

    return arguments(cls).map(lambda given: Odd(lambda: build(given), f"{cls.__name__}(**{given})"))


def chosen(fields: dict[str, Any], always: dict[str, Any]) -> SearchStrategy[dict[str, Any]]:
    """A few of the fields: the more there are, the more often one of them is wrong, and nothing gets through."""
    optional = sorted(fields.keys() - always.keys())
    picked = st.lists(st.sampled_from(optional), max_size=4, unique=True) if optional else st.just([])
    return picked.flatmap(lambda names: st.fixed_dictionaries({**always, **{name: fields[name] for name in names}}))


HOSTS = (
    *("localhost", "LOCALHOST", "127.0.0.1", "127.1", "127.8.9.1", "0x7f000001", "2130706433", "0177.0.0.1", "0"),
    *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::]", "[fe80::1%25lo]", "0.0.0.0"),
    *("localhost.", "localhost.evil.example", "evil.example", "127.0.0.1.evil.example", "xn--exmple-cua.org"),
    *("127\u30020\u30020\u30021", "localhost\u3002", "\u24db\u24de\u24d2alhost", "localho\u017ft", "\u00e4.org"),
    *("1\u0662\u0667.0.0.1", "127.0.0.1%00", "127.0.0.1%2eevil.example", "%6cocalhost", "[v1.x]", "[::1", "::1"),
    *("", ".", "a..b", "-a.example", "a_b.example", "a" * 64 + ".example", "[::1]x", "x[::1]", "[127.0.0.1]"),
)
SCHEMES = (
    *("http:", "https:", "HTTP:", "hTTps:", "http :", " http:", "http\n:", "\u210cttp:"),
    *("ws:", "wss:", "ftp:", "javascript:", "file:", "", ":"),
)  # fmt: skip
SLASHES = ("//", "//", "//", "//", "/", "", "///", "\\\\", "//\\", "/\t/")
USERS = (
    *("", "", "", "", "", "localhost@", "127.0.0.1@", "a:b@", "@", "a%40b@"),
    *("localhost\\@", "localhost#@", "localhost?@", "localhost/@", "[::1]@"),
)  # fmt: skip
PORTS = (
    "",
    "",
    "",
    ":8080",
    ":0",
    ":",
    ":65535",
    ":65536",
    ":-1",
    ":80:80",
    ":\u0661",
    ":8 0",
    ":http",
    ":" + "9" * 5000,
)
PATHS = (
    *("", "", "", "/", "/base", "/base/", "//x", "/..", "/a/../b", "/%0d%0aX-Injected:%201", "/\r\nX: 1", "/ "),
    *("/\u00e9", "?x=1", "#x", "?", "#", ";x", "\\@evil.example", "@evil.example", "/{x}", "/%", "/\ud800"),
    *("/" + "x" * 70_000,),
)  # fmt: skip
URLS = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(SCHEMES),
    st.sampled_from(SLASHES),
    st.sampled_from(USERS),
    st.sampled_from(HOSTS) | st.sampled_from(HOSTS) | ANY_TEXT,
    st.sampled_from(PORTS),
    st.sampled_from(PATHS) | ANY_TEXT,
)
