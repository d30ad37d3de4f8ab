# Generated from openapi.yaml by openapi-python-client. Do not edit: change the contract and run `make generate`.

"""What the classes of `models` need at run time: how a value is checked, read and written, and what is raised.

This file is copied into the generated package as `anam_api.support`, so that the package stands alone. It knows
nothing of the contract: fields and bounds are in the tables that `models` lays out.
"""

from __future__ import annotations

import hmac
import json
import math
import re
import reprlib
import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NoReturn, Self, final

import attrs

MASK = "***"
MAX_DEPTH, MAX_VALUES = 64, 100_000
"""How far a free-form value, such as `metadata`, is followed: a few lines of YAML can stand for billions of values."""

UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
_CHAR = r"(?:[\w.~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})"  # RFC 3986: which characters may stand where
_PORT = "[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*://(?:{_CHAR}*@)?(?:\[[0-9A-Fa-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{{2}})+)"
    rf"(?::(?:{_PORT})?)?(?:/(?:{_CHAR}|[/@])*)?(?:\?(?:{_CHAR}|[/@?])*)?(?:#(?:{_CHAR}|[/@?])*)?",
    re.ASCII,
)
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
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[AnamError], args: tuple[Any, ...], state: dict[str, Any]) -> AnamError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


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
        self._value: str = plain(value)

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

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled; pass on what reveal() returns, by a channel made for secrets")


def as_secret(value: Any) -> Any:
    """A string, or a settings library's own secret (`get_secret_value`), as a `Secret`; anything else untouched."""
    value = value.get_secret_value() if hasattr(value, "get_secret_value") else value
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
    if type(value) in (str, bool, int, float):
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

    def refuse(self, field: str, rule: str, value: str = "") -> None:
        """Notes a problem."""
        self.problems.append(Problem(field, value, rule))

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
    """How one value is checked, read and written. This one takes anything that JSON can hold."""

    words = "a JSON value"
    shows = False

    def __init__(self, *, max_bytes: int | None = None) -> None:
        self.max_bytes = max_bytes

    def take(self, value: Any, at: str, found: Findings) -> Any:
        """What a user gave, checked, and as a copy of our own."""
        before = len(found.problems)
        try:
            value = _json(value, at, found, 0, iter(range(MAX_VALUES)))
        except _TooMuch as error:
            found.refuse(*error.args)
        if self.max_bytes is not None and len(found.problems) == before:
            size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
            if size > self.max_bytes:
                found.refuse(at, f"must be at most {self.max_bytes:,} bytes as JSON in UTF-8", f"{size:,} bytes")
        return value

    def give(self, value: Any) -> Any:
        """The same on the wire."""
        return _copied(value) if isinstance(value, (dict, list)) else value

    def read(self, value: Any) -> Any:
        """What a server answered; None when it is of another type."""
        return value

    def secrets(self, value: Any) -> Iterator[Secret]:
        """The credentials in it."""
        yield from ()

    def refuse(self, value: Any, at: str, found: Findings) -> None:
        """Notes that the value is of another type."""
        given = "null" if value is None else type(value).__name__
        remedy = "; pass what its get_secret_value() returns" if hasattr(value, "get_secret_value") else ""
        # What should have been an object or a list may be a credential put in the wrong place: not shown.
        found.refuse(at, f"must be {self.words}, not {given}{remedy}", shown(value) if self.shows else "")


class Object(Kind):
    """A free-form object."""

    words = "an object"

    def take(self, value: Any, at: str, found: Findings) -> Any:
        return super().take(value, at, found) if isinstance(value, Mapping) else self.refuse(value, at, found)

    def read(self, value: Any) -> Any:
        return value if isinstance(value, Mapping) else None


class Flag(Kind):
    """A boolean."""

    words, shows = "true or false", True

    def take(self, value: Any, at: str, found: Findings) -> Any:
        return value if isinstance(value, bool) else self.refuse(value, at, found)

    def read(self, value: Any) -> Any:
        return value if isinstance(value, bool) else None


class Number(Kind):
    """A number, whole or not, within bounds that are part of it."""

    shows = True

    def __init__(
        self, *, ge: float | None = None, le: float | None = None, whole: bool = False, bits: int = 64
    ) -> None:
        self.ge, self.le, self.whole, self.bits = ge, le, whole, bits
        self.words = "a whole number" if whole else "a number"

    def take(self, value: Any, at: str, found: Findings) -> Any:
        value, ge, le = plain(value), self.ge, self.le
        if self.read(value) is None:
            self.refuse(value, at, found)
        elif isinstance(value, float) and not math.isfinite(value):
            found.refuse(at, "must be finite", shown(value))
        elif ge is not None and le is not None and not ge <= value <= le:
            found.refuse(at, f"must be between {ge:g} and {le:g}", shown(value))
        elif ge is not None and value < ge:
            found.refuse(at, f"must be at least {ge:g}", shown(value))
        elif le is not None and value > le:
            found.refuse(at, f"must be at most {le:g}", shown(value))
        elif isinstance(value, int) and not -(1 << self.bits - 1) <= value < 1 << self.bits - 1:
            found.refuse(at, f"must fit into {self.bits} bits", shown(value))
        return value

    def read(self, value: Any) -> Any:
        fits = isinstance(value, int) or (isinstance(value, float) and not self.whole)
        return value if fits and not isinstance(value, bool) else None


class Text(Kind):
    """A string.

    Args:
        min_length, max_length: Its bounds, in characters.
        pattern: A regular expression that it must match.
        one_of: The only values there are.
        known: The values known today; others are warned of, not refused.
        uuid: It should be a UUID, and may be given as one; others are warned of.
        uri: It must be an absolute URI, and may be given as the objects that libraries have for one.
        secret: It is held as a `Secret` and never shown.
        blank: False for one that an empty string leaves unset, as environment files have it.
    """

    words, shows = "a string", True

    def __init__(
        self,
        *,
        min_length: int = 0,
        max_length: int | None = None,
        pattern: str | None = None,
        one_of: tuple[str, ...] = (),
        known: tuple[str, ...] = (),
        uuid: bool = False,
        uri: bool = False,
        secret: bool = False,
        blank: bool = True,
    ) -> None:
        self.min_length, self.max_length, self.pattern = min_length, max_length, pattern
        self.one_of, self.known, self.uuid, self.uri, self.secret, self.blank = one_of, known, uuid, uri, secret, blank

    def take(self, value: Any, at: str, found: Findings) -> Any:
        if self.secret:
            value = as_secret(value)
            text = value.reveal() if isinstance(value, Secret) else value
        elif hasattr(value, "bytes_le" if self.uuid else "host") and (self.uuid or self.uri):
            text = str(value)
        else:
            text = plain(value)
        if not isinstance(text, str):
            return self.refuse(text, at, found)
        if not text and not self.blank:
            return None
        if self.max_length is not None and len(text) > self.max_length:
            found.refuse(at, f"must have at most {self.max_length:,} characters", f"{len(text):,} characters")
        for rule in self._broken(text):
            found.refuse(at, rule, f"'{MASK}'" if self.secret else shown(text))
        if self.known and text not in self.known:
            found.warn(
                f"{at}={short(scrub(text))} is not among the values known today"
                f" ({', '.join(self.known)}); sent as it is"
            )
        if self.uuid and not UUID.fullmatch(text):
            found.warn(f"{at}={short(scrub(text))} is not a UUID; Anam will probably refuse it when the session starts")
        return value if self.secret else text

    def _broken(self, text: str) -> Iterator[str]:
        if not _encodable(text):
            yield "must be valid Unicode (it has a lone surrogate)"
        if len(text) < self.min_length:
            yield f"must have at least {self.min_length} character{'s' * (self.min_length > 1)}"
        if self.one_of and text not in self.one_of:
            yield f"must be one of {', '.join(self.one_of)}"
        if self.pattern is not None and not re.search(self.pattern, text):
            yield f"must match {self.pattern}"
        if self.uri and text and not URI.fullmatch(text):
            yield "must be an absolute URI such as https://host/path, other characters percent-encoded"
        if self.secret and text != text.strip():
            yield "must not begin or end with white space; was it read from a file with its line break?"

    def refuse(self, value: Any, at: str, found: Findings) -> None:
        if self.secret:
            found.refuse(at, f"must be {self.words}, not {type(value).__name__}", f"'{MASK}'")
        else:
            super().refuse(value, at, found)

    def give(self, value: Any) -> Any:
        return value.reveal() if self.secret else value

    def read(self, value: Any) -> Any:
        return value if isinstance(value, str) else None

    def secrets(self, value: Any) -> Iterator[Secret]:
        if self.secret:
            yield value


class Items(Kind):
    """A list of values of one kind; in an answer, a single one counts as a list of one.

    Args:
        of: The kind.
        unique_by: The attribute that must differ between the items.
    """

    words = "a list"

    def __init__(self, of: Kind, *, unique_by: str | None = None) -> None:
        self.of, self.unique_by = of, unique_by

    def take(self, value: Any, at: str, found: Findings) -> Any:
        if not isinstance(value, (list, tuple)):
            return self.refuse(value, at, found)
        items = tuple(self.of.take(item, f"{at}[{i}]", found) for i, item in enumerate(value))
        if self.unique_by is not None:
            names = Counter(getattr(item, self.unique_by, None) for item in items)
            for name in (name for name, times in names.items() if times > 1 and name is not None):
                found.refuse(at, f"{self.unique_by} must be unique", shown(name))
        return items

    def give(self, value: Any) -> Any:
        return [self.of.give(item) for item in value]

    def read(self, value: Any) -> Any:
        several = value if isinstance(value, list) else [value]
        return tuple(made for item in several if (made := self.of.read(item)) is not None)

    def secrets(self, value: Any) -> Iterator[Secret]:
        for item in value:
            yield from self.of.secrets(item)


class Table(Kind):
    """An object of values of one kind under names of the caller's choice."""

    words = "an object"

    def __init__(self, of: Kind) -> None:
        self.of = of

    def take(self, value: Any, at: str, found: Findings) -> Any:
        if not isinstance(value, Mapping):
            return self.refuse(value, at, found)
        taken = {}
        for name, content in value.items():
            if name := _name(name, at, found):
                taken[name] = self.of.take(content, _join(at, shown(name)), found)
        return taken

    def give(self, value: Any) -> Any:
        return {name: self.of.give(content) for name, content in value.items()}

    def read(self, value: Any) -> Any:
        return {k: self.of.read(v) for k, v in value.items()} if isinstance(value, Mapping) else None

    def secrets(self, value: Any) -> Iterator[Secret]:
        for content in value.values():
            yield from self.of.secrets(content)


class One(Kind):
    """An object of one of several classes."""

    def __init__(self, *classes: type[Any]) -> None:
        self.classes = classes
        names = " or ".join(cls.__name__ for cls in classes)
        self.words = f"an object ({names}, or a mapping in the wire's form)"

    def take(self, value: Any, at: str, found: Findings) -> Any:
        if isinstance(value, (*self.classes, Other)):
            return value
        if isinstance(value, Refused):
            found.problems += value.findings.problems
            return None
        return self.parse(value, at, found) if isinstance(value, Mapping) else self.refuse(value, at, found)

    def refuse(self, value: Any, at: str, found: Findings) -> None:
        found.refuse(at, f"must be {self.words}, not {'null' if value is None else type(value).__name__}")

    def parse(self, data: Mapping[Any, Any], at: str, found: Findings) -> Any:
        """The class that the mapping's constants name, else the first that fits, else the problems of the nearest.

        Where there are several, `{"extra": {…}}` is one that the contract does not have.
        """
        if len(self.classes) > 1 and data.keys() == {"extra"}:
            return Other._parse(data, at, found)
        candidates = list(self.classes)
        for name in dict.fromkeys(name for cls in self.classes if len(self.classes) > 1 for name in cls.CONSTANTS):
            known = [cls.CONSTANTS[name] for cls in candidates if name in cls.CONSTANTS]
            if known and data.get(name) not in known:
                known = list(dict.fromkeys(known))
                return found.refuse(_join(at, name), f"must be one of {', '.join(known)}", shown(data.get(name)))
            candidates = (
                [cls for cls in candidates if cls.CONSTANTS.get(name) == data.get(name)] if known else candidates
            )
        candidates.sort(key=lambda cls: cls._distance(data))
        tries = []
        for cls in candidates:
            tries.append(tried := Findings())
            made = cls._parse(data, at, tried)
            if not tried.problems:
                found.warnings += tried.warnings
                return made
        found.problems += tries[0].problems
        return None

    def give(self, value: Any) -> Any:
        return value.to_dict()

    def read(self, value: Any) -> Any:
        return self.classes[0].from_dict(value) if isinstance(value, Mapping) else None

    def secrets(self, value: Any) -> Iterator[Secret]:
        yield from value.secrets()


class Field:
    """One attribute of a class.

    Attributes:
        name: Of the attribute.
        wire: On the wire; a dot goes one object deeper.
        kind: What it holds.
        required: Whether it cannot be left out.
        nullable: Whether `null` on the wire means unset; elsewhere it is refused.
    """

    def __init__(self, name: str, wire: str, kind: Kind, *, required: bool = False, nullable: bool = False) -> None:
        self.name, self.wire, self.kind, self.required, self.nullable = name, wire, kind, required, nullable
        self.head, _, self.rest = wire.partition(".")


@attrs.frozen
class Across:
    """A rule that spans attributes: what a value (any, or the one in `equals`) needs beside it, and what it forbids."""

    when: str
    equals: str | None = None
    needs: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()

    def check(self, given: Mapping[str, Any], spell: Mapping[str, str], found: Findings) -> None:
        """Notes what is missing, or too much."""
        if given.get(self.when) is None or (self.equals is not None and given[self.when] != self.equals):
            return
        for name in (n for n in self.needs if given.get(n) is None):
            is_needed = f"is required when {spell[self.when]} is {self.equals}"
            found.refuse(spell[name], is_needed if self.equals else f"must be set together with {spell[self.when]}")
        for name in (n for n in self.forbids if given.get(n) is not None):
            found.refuse(spell[name], f"cannot be set together with {spell[self.when]}")


class Model:
    """What a user gives: frozen, checked when it is made, `None` where unset."""

    __slots__ = ()

    FIELDS: ClassVar[tuple[Field, ...]] = ()
    CONSTANTS: ClassVar[Mapping[str, str]] = {}
    """What the wire form always holds, by wire name."""
    OPEN: ClassVar[bool] = False
    """Whether unknown keys of a mapping are taken into `extra` instead of refused."""
    ACROSS: ClassVar[tuple[Across, ...]] = ()

    extra: Mapping[str, Any] | None

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
        for field in self.FIELDS:
            value = getattr(self, field.name)
            if value is not None:
                if field.rest:
                    wire.setdefault(field.head, {})[field.rest] = field.kind.give(value)
                else:
                    wire[field.head] = field.kind.give(value)
        for name, value in (self.extra or {}).items():
            inner = wire.get(name)
            wire[name] = {**inner, **_copied(value)} if isinstance(inner, dict) else _copied(value)
        return wire

    def secrets(self) -> Iterator[Secret]:
        """Every credential in it, however deep."""
        for field in self.FIELDS:
            value = getattr(self, field.name)
            if value is not None:
                yield from field.kind.secrets(value)

    # Written here once: attrs would compile them for each class, at every start of a program.
    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        # Only what is set, so that a persona of two fields does not print thirty.
        names = (*(field.name for field in self.FIELDS), "extra")
        values = ((name, getattr(self, name)) for name in names)
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in values if v is not None)})"

    def _check(self, given: Mapping[str, Any], spell: Mapping[str, str], found: Findings) -> None:
        """Rules in words, for subclasses. `given` is what was passed, `spell` how the caller spells each name."""

    def _take(self, given: Mapping[str, Any], path: str | None = None) -> Findings:
        found = Findings()
        self._fill(given, path, found)
        return found

    def _fill(self, given: Mapping[str, Any], path: str | None, found: Findings) -> None:
        """Sets every attribute; spelled as in Python without a path, else as on the wire."""
        there: dict[str, Any] = {}
        for field in self.FIELDS:
            value = given.get(field.name)
            if value is not None:
                before = len(found.problems)
                taken = field.kind.take(value, field.name if path is None else _join(path, field.wire), found)
                if taken is not None or len(found.problems) > before:  # else it was as good as left out
                    there[field.name] = value
                value = taken
            elif field.required:
                found.refuse(field.name if path is None else _join(path, field.wire), "is required")
            object.__setattr__(self, field.name, value)
        extra = given.get("extra")
        if extra is not None:
            at = _join(path or "", "extra")
            extra = _EXTRA.take(extra, at, found)
            names = self._names()
            for name in (n for n in _flat(extra or {}, names, at, found) if n in names):
                found.refuse(_join(at, name), "has an argument of its own")
        object.__setattr__(self, "extra", extra)
        spell = {f.name: f.name if path is None else _join(path, f.wire) for f in self.FIELDS}
        for rule in self.ACROSS:
            rule.check(there, spell, found)
        self._check(there, spell, found)

    @classmethod
    def _names(cls) -> list[str]:
        return [*cls.CONSTANTS, *(field.wire for field in cls.FIELDS)]

    @classmethod
    def _distance(cls, data: Mapping[Any, Any]) -> int:
        heads = {name.partition(".")[0] for name in cls._names()}
        return len(data.keys() - heads) + sum(f.required and f.head not in data for f in cls.FIELDS)

    @classmethod
    def _parse(cls, data: Any, path: str, found: Findings) -> Self:
        """Reads a mapping at a path; what is wrong with it is added to the findings."""
        made = cls.__new__(cls)
        if not isinstance(data, Mapping):
            found.refuse(path or cls.__name__, f"must be an object, not {type(data).__name__}")
            return made
        flat, given, unknown = _flat(data, cls._names(), path, found), {}, {}
        for name, constant in cls.CONSTANTS.items():
            if flat.pop(name, None) != constant:
                found.refuse(_join(path, name), f'must be "{constant}"')
        fields = {field.wire: field for field in cls.FIELDS}
        for name, value in flat.items():
            field = fields.get(name)
            if field is None:
                unknown[name] = value
            elif value is not None:
                given[field.name] = value
            elif not field.nullable and not field.required:
                found.refuse(_join(path, name), f"must be {field.kind.words}, not null; leave it out instead")
        extra = unknown.pop("extra", None) if not cls.OPEN else None
        if cls.OPEN and unknown:
            extra = unknown
        else:
            for name in unknown:
                found.refuse(_join(path, shown(name)), cls._unknown(name, len(found.problems)))
        made._fill(given if extra is None else {**given, "extra": extra}, path, found)
        return made

    @classmethod
    def _unknown(cls, name: str, before: int) -> str:
        from difflib import get_close_matches  # only ever needed on the way to an error

        # Nobody reads the hundredth suggestion, and each takes a while.
        near = get_close_matches(name[:60], cls._names(), n=3) if before < 100 else []
        guess = f"did you mean {' or '.join(near)}? Else " if near else ""
        head, _, rest = name.partition(".")
        inside = any(field.rest and field.head == head for field in cls.FIELDS)
        extra = f"{{{shown(head)!r}: {{{shown(rest)!r}: …}}}}" if inside else f"{{{shown(name)!r}: …}}"
        return f"unknown; {guess}a field that is newer than this package goes into extra={extra}"


class Other(Model):
    """An object of a kind that is newer than the contract: all of it is in `extra`, and is passed on as it is."""

    __slots__ = ("__dict__",)


_EXTRA = Object()


class Answer:
    """What a server answers: read leniently and kept whole, for a started session must not be lost over a detail."""

    __slots__ = ()

    FIELDS: ClassVar[tuple[Field, ...]] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self | None:
        """Reads an answer; None when it lacks what it is for.

        A field of an unexpected type is as good as absent, and can be looked up in `raw`.
        """
        values: dict[str, Any] = {}
        for field in cls.FIELDS:
            value = data.get(field.wire)
            made = None if value is None else field.kind.read(value)
            if made is not None and made != "":
                values[field.name] = made
            elif field.required:
                return None
        values["raw"] = data
        return cls(**values)

    def __repr__(self) -> str:
        values = []
        for field in self.FIELDS:
            value = getattr(self, field.name)
            masked = isinstance(field.kind, Text) and field.kind.secret and value
            values.append(f"{field.name}={MASK if masked else value!r}")
        return f"{type(self).__name__}({', '.join(values)})"


def read(value: Any, path: str, *classes: type[Model]) -> Any:
    """An argument that may be an object of one of the classes, or a mapping in the wire's form.

    Gives such an object, or `Refused` for the constructor of the object that it would have been a part of. None stays
    None. What a mapping is warned of is warned of here.
    """
    if value is None:
        return None
    found = Findings()
    made = One(*classes).take(value, path, found)
    del value
    if found.problems:
        return Refused(found)
    found.settle()
    return made


class _TooMuch(Exception):
    """A value that nests too deeply, or holds too many values."""


def _json(value: Any, at: str, found: Findings, depth: int, budget: Iterator[int]) -> Any:
    """A copy of what JSON can hold; all else is noted with its path."""
    if depth > MAX_DEPTH:
        raise _TooMuch(at[:200], f"must not nest deeper than {MAX_DEPTH} levels")
    if next(budget, None) is None:
        raise _TooMuch(at.partition(".")[0].partition("[")[0], f"must not hold more than {MAX_VALUES:,} values")
    value = plain(value)
    if isinstance(value, Mapping):
        return {
            name: _json(inner, _join(at, shown(name)), found, depth + 1, budget)
            for key, inner in value.items()
            if (name := _name(key, at, found)) is not None
        }
    if isinstance(value, (list, tuple)):
        return [_json(inner, f"{at}[{i}]", found, depth + 1, budget) for i, inner in enumerate(value)]
    if isinstance(value, str):
        if not _encodable(value):
            found.refuse(at, "must be valid Unicode (it has a lone surrogate)", shown(value))
    elif isinstance(value, float):
        if not math.isfinite(value):
            found.refuse(at, "must be finite", shown(value))
    elif isinstance(value, int):
        if value.bit_length() > 63:
            found.refuse(at, "must fit into 64 bits", shown(value))
    elif value is not None:
        found.refuse(at, f"must be a JSON value, not {type(value).__name__}")
    return value


def _name(key: Any, at: str, found: Findings) -> str | None:
    key = plain(key)
    if isinstance(key, str) and _encodable(key):
        return key
    found.refuse(at or "an object", "names must be strings of valid Unicode", shown(key))
    return None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copied(v) for k, v in value.items()}
    return [_copied(v) for v in value] if isinstance(value, list) else value


def _flat(data: Mapping[Any, Any], names: Sequence[str], path: str, found: Findings) -> dict[str, Any]:
    """Brings `{"daily": {"token": …}}` to `{"daily.token": …}` where the names have dots."""
    deeper = {name.partition(".")[0] for name in names if "." in name}
    flat: dict[str, Any] = {}
    for key, value in data.items():
        name = _name(key, path, found)
        if name in deeper:
            if isinstance(value, Mapping):
                inner = ((_name(key, _join(path, name), found), content) for key, content in value.items())
                flat.update((f"{name}.{key}", content) for key, content in inner if key is not None)
            else:
                found.refuse(
                    _join(path, name), f"must be an object, not {'null' if value is None else type(value).__name__}"
                )
        elif name is not None:
            flat[name] = value
    return flat


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
