# Generated from openapi.yaml by openapi-python-client. Do not edit: change the contract and run `make generate`.

"""What the classes of `models` need at run time: how a value is checked, read and written, and what is raised.

This file is copied into the generated package as `anam_api.support`, so that the package stands alone. It knows
nothing of the contract: fields and bounds are in the tables that `models` lays out.
"""

from __future__ import annotations

import copyreg
import hmac
import json
import math
import operator
import re
import reprlib
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, NoReturn, Self, TypeVar, cast, final
from urllib.parse import urlsplit

import attrs

MASK = "***"
MAX_DEPTH, MAX_VALUES = 64, 100_000
"""How far a free-form value, such as `metadata`, is followed: a few lines of code can stand for billions of values."""
WRONG: Final[Any] = type("Wrong", (), {})()
"""What stands in the place of a value that was refused, until the problems are raised."""

_CHAR = r"(?:[\w.~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})"  # RFC 3986: which characters may stand where
URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*://(?:{_CHAR}*@)?(?:\[[0-9A-Fa-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{{2}})+)"
    rf"(?::[0-9]*)?(?:/(?:{_CHAR}|[/@])*)?(?:\?(?:{_CHAR}|[/@?])*)?(?:#(?:{_CHAR}|[/@?])*)?",
    re.ASCII,
)
UUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_PLAIN = frozenset((str, bool, int, float))
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]*", re.ASCII)
_WORD = re.compile(r"(?!None$|True$|False$|nan$|inf$)[A-Za-z][\w.-]{0,59}", re.ASCII)
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 80, 80
short = _SHORT.repr

BLAMELESS = ["anam_api"]
"""Packages whose frames a warning does not blame. What is built upon this one adds itself."""


class AnamError(Exception):
    """Anything that this package, or what is built upon it, raises on purpose.

    Attributes:
        may_have_started: True when, in spite of this error, a session may have been started (and billed).
        attempts: How many times the request was tried; 0 when nothing was sent.
        retryable: Whether the same call may succeed later, and making it again cannot start a second session.
    """

    may_have_started: bool = False
    attempts: int = 0
    retryable: bool = False

    def __str__(self) -> str:
        note = " (a session may have been started all the same)" if self.__dict__.get("may_have_started") else ""
        return super().__str__() + note

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call __init__ with the message alone, which loses the attributes or fails.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


@attrs.frozen
class Problem:
    """One thing that is wrong with an argument.

    Attributes:
        field: Path of the field, spelled as the caller spelled it.
        value: The offending value, shortened, secrets masked.
        rule: What the field must satisfy.
    """

    field: str
    value: str
    rule: str

    def __str__(self) -> str:
        return f"{self.field} = {self.value}: {self.rule}" if self.value else f"{self.field}: {self.rule}"


class AnamConfigError(AnamError, ValueError):
    """An argument, file or environment variable is not valid. Nothing was started.

    Attributes:
        problems: Every problem found, not just the first. The error's text lists the first fifty.
    """

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        lines = [str(problem) for problem in problems[:50]]
        if len(problems) > 50:
            lines.append(f"and {len(problems) - 50:,} more")
        super().__init__(lines[0] if len(lines) == 1 else "\n  ".join([f"{len(problems):,} problems:", *lines]))


class AnamConfigWarning(UserWarning):
    """A value that is legal but looks like a mistake, such as one that is not in the vendor's catalogue as of today.

    Turn it into an error with `warnings.simplefilter("error", AnamConfigWarning)`, or silence it the same way.
    """


@final
class Secret:
    """A string that shows itself only when asked by `reveal()`.

    Compares equal to another `Secret`, or to a plain string, of the same content. It can be copied but not pickled.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value: str = value if type(value) is str else plain(value)

    def reveal(self) -> str:
        """The secret itself. Do not log what this returns."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        theirs = other.reveal() if isinstance(other, Secret) else other
        if not isinstance(theirs, str) or not isinstance(self._value, str):
            return NotImplemented
        return hmac.compare_digest(*(text.encode("utf-8", "surrogatepass") for text in (self._value, theirs)))

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self, memo: object = None) -> Secret:
        return self

    __deepcopy__ = __copy__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled; pass on what reveal() returns, by a channel made for secrets")


def as_secret(value: Any) -> Any:
    """A string, or a settings library's own secret (`get_secret_value`), as a `Secret`; anything else untouched."""
    if not isinstance(value, (str, Secret)) and hasattr(value, "get_secret_value"):
        value = value.get_secret_value()
    return Secret(value) if isinstance(value, str) else value


def scrub(text: str, secrets: Iterable[Secret] = ()) -> str:
    """The text with every secret in it masked: servers like to quote a credential in what they answer.

    Whatever looks like a JWT is masked too: it may be a fresh token in an answer that was not understood.
    """
    for hidden in sorted((s.reveal() for s in secrets), key=len, reverse=True):
        # Masking a one-letter header value would riddle the text, and such a value protects nothing.
        if len(hidden) >= 4:
            # Some servers escape the slashes of base64 in JSON.
            text = text.replace(hidden, MASK).replace(hidden.replace("/", "\\/"), MASK)
    return _JWT.sub(MASK, text)


def plain(value: Any) -> Any:
    """A string or number of a subclass, such as a member of an enumeration, as the string or number that it is."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__pos__(value)
    return float.__pos__(value) if isinstance(value, float) else value


def shown(value: Any) -> str:
    """A value as a message shows it: short, on one line, and only when it cannot well be a credential."""
    if isinstance(value, str):
        word = scrub(plain(value))
        text = word if _WORD.fullmatch(word) else short(word)
    elif isinstance(value, int) and value.bit_length() > 256:
        return "a huge number"  # repr() refuses it, or takes for ever
    else:
        text = repr(value) if value is None or isinstance(value, (bool, int, float)) else ""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def warn(message: str, category: type[Warning] = AnamConfigWarning) -> None:
    """Warns, blaming the first line of code outside of the packages that share in this."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in BLAMELESS:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


class Findings:
    """What is wrong, or odd, with what a user gave. Holds no value but shortened, harmless ones."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[tuple[str, type[Warning]]] = []

    def refuse(self, field: str, rule: str, value: str = "") -> Any:
        """Notes a problem. Gives what stands in the place of the value."""
        self.problems.append(Problem(field, value, rule))
        return WRONG

    def warn(self, message: str, category: type[Warning] = AnamConfigWarning) -> None:
        """Notes a warning."""
        self.warnings.append((message, category))

    def settle(self) -> None:
        """Raises all problems at once; without any, warns.

        Raises:
            AnamConfigError: With every problem.
        """
        if self.problems:
            raise AnamConfigError(*self.problems)
        for message, category in self.warnings:
            warn(message, category)


class Refused:
    """What stands in the place of an argument that was found wrong, and remembers only what is wrong with it."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings


class Kind:
    """How one value is checked and read: by its type, and by the rules that keywords of the contract bound.

    A rule has the keywords (or the format) that bound it, none when it always holds; its words, with a place for each
    bound; and what tells whether a value breaks it, or how to show such a value. What need not be is only warned of.
    """

    RULES: ClassVar[tuple[tuple[str, str, Callable[..., object]], ...]] = ()
    words: str
    types: tuple[type, ...] = ()
    shows = True
    mask = ""

    def __init__(self, **bounds: Any) -> None:
        self.bounds = bounds
        self.rules: list[tuple[str, Callable[..., object], list[Any]]] = []
        left = {**bounds, str(bounds.get("format")): None}
        for keywords, words, broken in self.RULES:
            if all(keyword in left for keyword in keywords.split()):
                self.rules.append((words, broken, [left.pop(keyword) for keyword in keywords.split()]))

    def take(self, value: Any, at: str, found: Findings) -> Any:
        """What a user gave, checked, and as a copy of our own; `WRONG` when it is of another type."""
        if type(value) not in self.types and type(value := self.plain(value)) not in self.types:
            return self.refuse(value, at, found)
        return self.check(value, at, found)

    def plain(self, value: Any) -> Any:
        """What stands for the value in JSON."""
        return plain(value)

    def read(self, value: Any) -> Any:
        """What a server answered; None when it is of another type."""
        return value if type(value) in self.types else None

    def check(self, value: Any, at: str, found: Findings) -> Any:
        """Notes every rule that the value breaks."""
        for words, broken, bounds in self.rules:
            if told := broken(value, *bounds):
                rule = in_words(words, bounds)
                if "must" in words:
                    found.refuse(at, rule, self.mask or (told if isinstance(told, str) else shown(value)))
                else:
                    found.warn(f"{at}={short(scrub(value))} {rule}")
        return value

    def refuse(self, value: Any, at: str, found: Findings) -> Any:
        """Notes that the value is of another type."""
        remedy = "; pass what its get_secret_value() returns" if hasattr(value, "get_secret_value") else ""
        # What should have been an object or a list may be a credential put in the wrong place: not shown.
        told = self.mask or (shown(value) if self.shows else "")
        return found.refuse(at, f"must be {self.words}, not {_type(value)}{remedy}", told)


def in_words(words: str, bounds: Iterable[Any], listed: Callable[[Sequence[str]], str] = ", ".join) -> str:
    """The words of a rule, with its bounds in their places."""
    text = words.format(*(listed(bound) if isinstance(bound, tuple) else bound for bound in bounds))
    return text.replace(" 1 characters", " 1 character")


class Flag(Kind):
    """A boolean."""

    words, types = "true or false", (bool,)


class Number(Kind):
    """A number, whole or not, within bounds that are part of it."""

    words = "a number"
    types: tuple[type, ...] = (int, float)
    RULES = (
        ("", "must be finite", lambda number: isinstance(number, float) and not math.isfinite(number)),
        ("minimum maximum", "must be between {:,g} and {:,g}", lambda n, least, most: n < least or n > most),
        ("minimum", "must be at least {:,g}", operator.lt),
        ("maximum", "must be at most {:,g}", operator.gt),
        ("int32", "must fit into 32 bits", lambda number, _: not -(1 << 31) <= number < 1 << 31),
        ("", "must fit into 64 bits", lambda n: isinstance(n, int) and not -(1 << 63) <= n < 1 << 63),
    )


class Whole(Number):
    """A whole number."""

    words, types = "a whole number", (int,)


class Text(Kind):
    """A string."""

    words, types = "a string", (str,)
    RULES = (
        ("max_length", "must have at most {:,} characters", lambda t, n: len(t) > n and f"{len(t):,} characters"),
        ("", "must be valid Unicode (it has a lone surrogate)", lambda t: not t.isascii() and not _encodable(t)),
        ("min_length", "must have at least {:,} characters", lambda text, least: len(text) < least),
        ("enum", "must be one of {}", lambda text, words: text not in words),
        ("pattern", "must match {}", lambda text, pattern: not re.search(pattern, text)),
        (
            "uri",
            "must be an absolute URI such as https://host/path, other characters percent-encoded",
            lambda text, _: text and not is_uri(text),
        ),
        (
            "password",
            "must not begin or end with white space; was it read from a file with its line break?",
            lambda text, _: text != text.strip(),
        ),
        ("extensible_enum", "is not among the values known today ({}); sent as it is", lambda t, known: t not in known),
        (
            "uuid",
            "is not a UUID; Anam will probably refuse it when the session starts",
            lambda text, _: not UUID.fullmatch(text),
        ),
    )

    def plain(self, value: Any) -> Any:
        """The text itself, of the objects that libraries have for an address or a UUID too."""
        part = {"uuid": "bytes_le", "uri": "host"}.get(self.bounds.get("format", ""))
        return str(value) if part and hasattr(value, part) else plain(value)


class Id(Text):
    """A string that is as good as left out when it is empty, as environment files have it."""

    def take(self, value: Any, at: str, found: Findings) -> Any:
        return None if isinstance(value, str) and not value else super().take(value, at, found)


class Password(Text):
    """A string that is held as a `Secret` and never shown."""

    mask = f"'{MASK}'"

    def take(self, value: Any, at: str, found: Findings) -> Any:
        secret = as_secret(value)
        if not isinstance(secret, Secret):
            return self.refuse(value, at, found)
        self.check(secret.reveal(), at, found)
        return secret


class Items(Kind):
    """A list of values of one kind; in an answer, a single one counts as a list of one."""

    words, shows = "a list", False
    RULES = (("unique_by", "{} must be unique", lambda items, name: _doubles(items, name)),)

    def __init__(self, of: Kind, **bounds: Any) -> None:
        super().__init__(**bounds)
        self.of = of

    def take(self, value: Any, at: str, found: Findings) -> Any:
        if not isinstance(value, (list, tuple)):
            return self.refuse(value, at, found)
        return self.check(tuple(self.of.take(item, f"{at}[{i}]", found) for i, item in enumerate(value)), at, found)

    def read(self, value: Any) -> Any:
        items = [self.of.read(item) for item in (value if isinstance(value, list) else [value])]
        return tuple(item for item in items if item is not None)


class Json(Kind):
    """Anything that JSON can hold."""

    words, shows = "a JSON value", False

    def take(self, value: Any, at: str, found: Findings) -> Any:
        try:
            return _json(value, at, found=found, depth=0, budget=iter(range(MAX_VALUES)))
        except _TooMuch as error:
            return found.refuse(at[:200], str(error))

    def read(self, value: Any) -> Any:
        return value


class Object(Kind):
    """An object of values of one kind, or of anything, under names of the caller's choice."""

    words, types, shows = "an object", (dict,), False
    RULES = (("max_bytes", "must be at most {:,} bytes as JSON in UTF-8", lambda value, most: _more_than(most, value)),)

    def __init__(self, of: Kind | None = None, **bounds: Any) -> None:
        super().__init__(**bounds)
        self.of = of

    def take(self, value: Any, at: str, found: Findings) -> Any:
        if not isinstance(value, Mapping):
            return self.refuse(value, at, found)
        if self.of is None:
            return self.check(_ANYTHING.take(value, at, found), at, found)
        return {name: self.of.take(inner, _join(at, shown(name)), found) for name, inner in _named(value, at, found)}


_ANYTHING, _FREE = Json(), Object()
_SCALARS: dict[type, Kind] = {str: Text(), bool: Flag(), int: Number(), float: Number()}


class One(Kind):
    """An object of one of several classes."""

    shows = False

    def __init__(self, *classes: type[Any]) -> None:
        super().__init__()
        self.classes, self.types = classes, (*classes, Other)
        names = " or ".join(cls.__name__ for cls in classes)
        self.words = f"an object ({names}, or a mapping in the wire's form)"

    def take(self, value: Any, at: str, found: Findings) -> Any:
        if isinstance(value, self.types):
            return value
        if isinstance(value, Refused):
            found.problems += value.findings.problems
            return WRONG
        return self.parse(value, at, found) if isinstance(value, Mapping) else self.refuse(value, at, found)

    def parse(self, data: Mapping[Any, Any], at: str, found: Findings) -> Any:
        """The class that the mapping's constants name, else the first that fits, else the problems of the nearest.

        Where there are several, `{"extra": {…}}` is one that the contract does not have.
        """
        candidates = list(self.classes)
        if len(candidates) > 1 and data.keys() == {"extra"}:
            candidates = [Other]
        for name in dict.fromkeys(name for cls in candidates if len(candidates) > 1 for name in cls.CONSTANTS):
            values = dict.fromkeys(cls.CONSTANTS[name] for cls in candidates if name in cls.CONSTANTS)
            if values and data.get(name) not in list(values):
                return found.refuse(_join(at, name), f"must be one of {', '.join(values)}", shown(data.get(name)))
            candidates = [cls for cls in candidates if not values or cls.CONSTANTS.get(name) == data.get(name)]
        tries = []
        for cls in sorted(candidates, key=lambda cls: len(data.keys() - cls._heads)):
            tries.append(tried := Findings())
            made = cls._parse(data, at, tried)
            if not tried.problems:
                found.warnings += tried.warnings
                return made
        found.problems += tries[0].problems
        return WRONG

    def read(self, value: Any) -> Any:
        return self.classes[0].from_dict(value) if isinstance(value, dict) else None


class Field(NamedTuple):
    """One attribute of a class."""

    name: str
    wire: str  # a dot goes one object deeper
    kind: Kind
    required: bool = False
    nullable: bool = False  # `null` on the wire means unset; elsewhere it is refused


class Across(NamedTuple):
    """A rule that spans attributes: what a value (any, or the one in `equals`) needs beside it, and what it forbids."""

    when: str
    equals: str | None = None
    needs: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()

    def check(self, given: Mapping[str, Any], spell: Mapping[str, str], found: Findings) -> None:
        """Notes what is missing, or too much."""
        value = given.get(self.when)
        if value is None or self.equals not in (None, value):
            return
        for name in (n for n in self.needs if given.get(n) is None):
            is_needed = f"is required when {spell[self.when]} is {self.equals}"
            found.refuse(spell[name], is_needed if self.equals else f"must be set together with {spell[self.when]}")
        for name in (n for n in self.forbids if given.get(n) is not None):
            found.refuse(spell[name], f"cannot be set together with {spell[self.when]}")


Constructor = TypeVar("Constructor", bound=Callable[..., None])


def constructor(declared: Constructor) -> Constructor:
    """Makes a constructor of its signature alone: it takes what it is given, and raises what is wrong with it."""

    @wraps(declared)
    def init(self: Any, *args: Any, **given: Any) -> None:
        found = Findings()
        try:
            declared(self, *args, **given)  # raises Python's own error for a name that is not there
            if args:
                given.update(zip(self._fields, args, strict=False))
            self._fill(given, self._names, found)
        finally:
            del args, given  # no frame that an error passes keeps what was given
        found.settle()

    return cast("Constructor", init)


if TYPE_CHECKING:
    from attrs import frozen as frozen
else:

    def frozen(**_: bool) -> Callable[[type], type]:
        """Leaves freezing to `Model`: attrs would compile code for each class, at every start of a program."""
        return lambda cls: cls


class _Attributes:
    """What attrs' own functions (`evolve`, `fields`, `asdict`) ask a class for, made when they do."""

    def __get__(self, instance: object, cls: type[Model]) -> Any:
        return attrs.fields(attrs.make_class(cls.__name__, {name: attrs.field(default=None) for name in cls._fields}))


class Model:
    """What a user gives: frozen, checked when it is made, `None` where unset."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()
    CONSTANTS: ClassVar[Mapping[str, str]] = {}
    """What the wire form always holds, by wire name."""
    OPEN: ClassVar[bool] = False
    """Whether unknown keys of a mapping are taken into `extra` instead of refused."""
    ACROSS: ClassVar[tuple[Across, ...]] = ()

    __attrs_attrs__: ClassVar[Any] = _Attributes()
    extra: Mapping[str, Any] | None
    _fields: ClassVar[Mapping[str, Field]]
    _names: ClassVar[Mapping[str, str]]
    _wires: ClassVar[Mapping[str, Field]]
    _heads: ClassVar[set[str]]

    def __init_subclass__(cls) -> None:
        cls._fields = {field.name: field for field in (*cls.FIELDS, Field("extra", "extra", _FREE))}
        cls._names = {name: name for name in cls._fields}
        cls._wires = {field.wire: field for field in cls.FIELDS}
        cls._heads = {wire.partition(".")[0] for wire in (*cls.CONSTANTS, *cls._wires)}
        for name in cls._fields:
            if not hasattr(cls, name):
                setattr(cls, name, None)  # an instance holds what is set, and no more

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the wire form (camelCase). Fields that are newer than this package may stand under the key `extra`.

        Raises:
            AnamConfigError: Unknown keys, wrong types, values out of bounds: every problem at once.
        """
        found = Findings()
        made = cls._parse(data, "", found)
        del data  # no frame that an error passes keeps what may hold a credential
        found.settle()
        return made

    def to_dict(self) -> dict[str, Any]:
        """The wire form (camelCase), without what is unset. Secrets are in it: do not log it."""
        wire: dict[str, Any] = dict(self.CONSTANTS)
        for name, value in vars(self).items():
            if value is None or name == "extra":
                continue
            at = self._fields[name].wire
            if "." in at:
                outer, _, inner = at.partition(".")
                wire.setdefault(outer, {})[inner] = _wire(value)
            else:
                wire[at] = _wire(value)
        for name, value in (self.extra or {}).items():
            known = wire.get(name)
            wire[name] = {**known, **_wire(value)} if isinstance(known, dict) else _wire(value)
        return wire

    def secrets(self) -> Iterator[Secret]:
        """Every credential in it, however deep."""
        return iter(_secrets(self))

    def __setattr__(self, name: str, value: object = None) -> NoReturn:
        raise attrs.exceptions.FrozenInstanceError

    __delattr__ = __setattr__

    def __eq__(self, other: object) -> bool:
        return self._set() == other._set() if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(frozenset(self._set().items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._set().items())})"

    def _set(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}

    def _check(self, given: Mapping[str, Any], spell: Mapping[str, str], found: Findings) -> None:
        """Rules in words, for subclasses. `given` is what was passed, `spell` how the caller spells each name."""

    def _fill(self, given: Mapping[str, Any], spell: Mapping[str, str], found: Findings) -> None:
        """Sets every attribute that is given. `spell` is how the caller spells each name."""
        state = vars(self)
        for name, field in self._fields.items():
            value = given.get(name)
            if value is not None:
                state[name] = value = field.kind.take(value, spell[name], found)
            if value is None and field.required:
                found.refuse(spell[name], "is required")
        if "extra" in state and state["extra"] is not WRONG:
            for name in self._flat(state["extra"], spell["extra"], found):
                if name in self._wires or name in self.CONSTANTS:
                    found.refuse(_join(spell["extra"], name), "has an argument of its own")
        for rule in self.ACROSS:
            rule.check(state, spell, found)
        if found.problems:  # what is not right is not kept: it may be a credential in the wrong place
            state.update({name: None for name, value in state.items() if value is WRONG})
        self._check(state, spell, found)

    @classmethod
    def _flat(cls, data: Mapping[Any, Any], path: str, found: Findings) -> dict[str, Any]:
        """`{"daily": {"token": …}}` as `{"daily.token": …}`, where the class has the fields of the inner object."""
        flat: dict[str, Any] = {}
        for name, value in _named(data, path, found):
            if name in cls._wires or name not in cls._heads or name in cls.CONSTANTS:
                flat[name] = value
            elif isinstance(value, Mapping):
                flat |= {f"{name}.{key}": content for key, content in _named(value, _join(path, name), found)}
            else:
                found.refuse(_join(path, name), f"must be an object, not {_type(value)}")
        return flat

    @classmethod
    def _parse(cls, data: Any, path: str, found: Findings) -> Self:
        """Reads a mapping at a path; what is wrong with it is added to the findings."""
        made = cls.__new__(cls)
        if not isinstance(data, Mapping):
            found.refuse(path or cls.__name__, f"must be an object, not {_type(data)}")
            return made
        flat, given = cls._flat(data, path, found), {}
        for name, constant in cls.CONSTANTS.items():
            if flat.pop(name, None) != constant:
                found.refuse(_join(path, name), f'must be "{constant}"')
        extra = {} if cls.OPEN else flat.pop("extra", None)
        for name, value in flat.items():
            field = cls._wires.get(name)
            if field is None and cls.OPEN:
                extra[name] = value
            elif field is None:
                found.refuse(_join(path, shown(name)), cls._unknown(name, len(found.problems)))
            elif value is not None:
                given[field.name] = value
            elif not field.nullable and not field.required:
                found.refuse(_join(path, name), f"must be {field.kind.words}, not null; leave it out instead")
        spell = {name: _join(path, field.wire) for name, field in cls._fields.items()}
        made._fill({**given, "extra": None if cls.OPEN and not extra else extra}, spell, found)
        return made

    @classmethod
    def _unknown(cls, name: str, before: int) -> str:
        from difflib import get_close_matches  # only ever needed on the way to an error

        # Nobody reads the hundredth suggestion, and each takes a while.
        near = get_close_matches(name[:60], [*cls.CONSTANTS, *cls._wires], n=3) if before < 100 else []
        guess = f"did you mean {' or '.join(near)}? Else " if near else ""
        head, _, rest = name.partition(".")
        extra = f"{{{shown(head)!r}: {{{shown(rest)!r}: …}}}}" if head in cls._heads else f"{{{shown(name)!r}: …}}"
        return f"unknown; {guess}a field that is newer than this package goes into extra={extra}"


class Other(Model):
    """An object of a kind that is newer than the contract: all of it is in `extra`, and is passed on as it is."""


class Answer:
    """What a server answers: read leniently and kept whole, for a started session must not be lost over a detail."""

    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self | None:
        """Reads an answer; None when it lacks what it is for.

        A field of an unexpected type is as good as absent, and can be looked up in `raw`.
        """
        values: dict[str, Any] = {"raw": data}
        for name, wire, kind, required, _ in cls.FIELDS:
            value = data.get(wire)
            read = None if value is None else kind.read(value)
            if read is not None and read != "":
                values[name] = read
            elif required:
                return None
        return cls(**values)

    def __repr__(self) -> str:
        given = ((field, getattr(self, field.name)) for field in self.FIELDS)
        told = (
            f"{field.name}={field.kind.mask if value and field.kind.mask else repr(value)}" for field, value in given
        )
        return f"{type(self).__name__}({', '.join(told)})"


def read(value: Any, path: str, *classes: type[Model]) -> Any:
    """An argument that may be an object of one of the classes, or a mapping in the wire's form.

    Gives such an object, or `Refused` for the constructor of the object that it would have been a part of. What a
    mapping is warned of is warned of here.
    """
    found = Findings()
    made = One(*classes).take(value, path, found)
    del value
    if found.problems:
        return Refused(found)
    found.settle()
    return made


def _wire(value: Any) -> Any:
    """A value as it goes over the wire, and as a copy."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {name: _wire(inner) for name, inner in value.items()}
    return [_wire(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _secrets(value: Any) -> list[Secret]:
    if isinstance(value, Secret):
        return [value]
    value = vars(value) if isinstance(value, Model) else value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [secret for inner in inside if type(inner) not in _PLAIN for secret in _secrets(inner)]


class _TooMuch(Exception):
    """A value that nests too deeply, or holds too many values."""


def _json(value: Any, at: str, *, found: Findings, depth: int, budget: Iterator[int]) -> Any:
    """A copy of what JSON can hold; all else is noted with its path."""
    if depth > MAX_DEPTH:
        raise _TooMuch(f"must not nest deeper than {MAX_DEPTH} levels")
    if next(budget, None) is None:
        raise _TooMuch(f"must not hold more than {MAX_VALUES:,} values")
    value = plain(value)
    if kind := _SCALARS.get(type(value)):
        return kind.check(value, at, found)
    deeper = partial(_json, found=found, depth=depth + 1, budget=budget)
    if isinstance(value, Mapping):
        return {name: deeper(inner, _join(at, shown(name))) for name, inner in _named(value, at, found)}
    if isinstance(value, (list, tuple)):
        return [deeper(inner, f"{at}[{i}]") for i, inner in enumerate(value)]
    return value if value is None else _ANYTHING.refuse(value, at, found)


def _more_than(most: int, value: Any) -> str:
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace"))
    return f"{size:,} bytes" if size > most else ""


def _doubles(items: Iterable[Any], name: str) -> str:
    counted = Counter(getattr(item, name, None) for item in items)
    return ", ".join(shown(value) for value, times in counted.items() if times > 1 and value is not None)


def is_uri(text: str) -> bool:
    """Whether a text is an absolute URI with a host, which urllib reads as anybody else does."""
    try:
        _ = urlsplit(text).port  # raises for a port above 65535, and when there is no IPv6 address in the brackets
    except ValueError:
        return False
    return URI.fullmatch(text) is not None


def _encodable(text: str) -> bool:
    try:
        return text.encode("utf-8") is not None
    except UnicodeEncodeError:
        return False


def _named(data: Mapping[Any, Any], at: str, found: Findings) -> Iterator[tuple[str, Any]]:
    """The content of a mapping, but for names that JSON does not have: those are noted."""
    for key, value in data.items():
        name = plain(key)
        if isinstance(name, str) and (name.isascii() or _encodable(name)):
            yield name, value
        else:
            found.refuse(at or "an object", "names must be strings of valid Unicode", shown(name))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _type(value: Any) -> str:
    return "null" if value is None else type(value).__name__
