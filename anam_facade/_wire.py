"""One way to describe, check, read and write everything a user says about a session.

Each class in `persona` and `session` lists its fields with a `Rule`: the field's name on the wire and its bounds. From
the rules follow the checks (all problems at once, each naming field, value and rule), `from_dict` and `to_dict`. The
bounds repeat what `openapi.yaml` says; a test fails when the two differ.
"""

from __future__ import annotations

import json
import math
import re
import reprlib
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

import attrs

from ._plain import as_list, as_object, as_text, exact, is_a
from ._secret import MASK, Secret, scrub
from .errors import AnamConfigError, Problem

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 80, 80
short = _SHORT.repr

UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")

# Free-form values (metadata, JSON Schemas) are walked to the end; these limits end the walk of a hostile one.
MAX_DEPTH = 64
MAX_NODES = 100_000
TOO_DEEP = f"must not nest deeper than {MAX_DEPTH} levels"
TOO_MANY = f"must not hold more than {MAX_NODES:,} values"

# RFC 3986, as far as `urlsplit` does not check it: which characters may stand where.
_CHAR = r"(?:[\w.~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})"
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*://(?:{_CHAR}*@)?(?:\[[0-9A-Fa-f:.]+\](?::[0-9]*)?|{_CHAR}*)"
    rf"(?:/(?:{_CHAR}|[/@])*)?(?:\?(?:{_CHAR}|[/@?])*)?(?:#(?:{_CHAR}|[/@?])*)?",
    re.ASCII,
)


class AnamConfigWarning(UserWarning):
    """A value that is legal but looks like a mistake, such as one that is not in the vendor's catalogue as of today.

    Turn it into an error with `warnings.simplefilter("error", AnamConfigWarning)`, or silence it the same way.
    """


Parse = Callable[[Any, str, "list[Problem]"], Any]
"""Makes a part from a mapping (at a path), or adds to the problems and returns None."""


class Kind(Enum):
    """The JSON types that fields have; the value is how an error message names it."""

    STRING = "a string"
    BOOLEAN = "true or false"
    NUMBER = "a number"
    INTEGER = "a whole number"
    OBJECT = "an object"
    STRINGS = "a list of strings"
    STRING_MAP = "an object whose values are strings"
    PART = "an object of its own"
    PARTS = "a list of objects"


@attrs.frozen(kw_only=True)
class Rule:
    """What one field must satisfy.

    Attributes:
        name: Name on the wire; a dot goes one object deeper.
        kind: JSON type.
        ge, le: Bounds of a number, included.
        min_length, max_length: Bounds of a string, in characters.
        max_bytes: Bound of an object, in bytes of its JSON in UTF-8.
        one_of: The only values there are.
        known: The values known today; others are warned of, not refused.
        uuid: The string, or each string of the list, should be a UUID; others are warned of.
        uri: The string must be an absolute URI.
        required: The field cannot be left out.
        secret: The value is held as a `Secret` and never shown.
        nullable: `null` on the wire means unset; elsewhere `null` is refused.
        unique_by: The property that must differ between the objects of the list.
        of: For PART and PARTS: the classes it may be.
        parse: For PART and PARTS: makes one from a mapping.
    """

    name: str
    kind: Kind
    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    max_bytes: int | None = None
    one_of: tuple[str, ...] | None = None
    known: tuple[str, ...] | None = None
    uuid: bool = False
    uri: bool = False
    required: bool = False
    secret: bool = False
    nullable: bool = False
    unique_by: str | None = None
    of: tuple[type[Any], ...] = ()
    parse: Parse | None = None


def rule(name: str, kind: Kind, **bounds: Any) -> dict[str, Rule]:
    """Metadata for `attrs.field`: the field is on the wire, under this name and with these bounds."""
    return {"rule": Rule(name=name, kind=kind, **bounds)}


def rules(cls: type[Part]) -> Mapping[str, Rule]:
    """Attribute name → rule, for every field of the class that is on the wire."""
    found = _rules.get(cls)
    if found is None:
        found = _rules[cls] = {a.name: a.metadata["rule"] for a in attrs.fields(cls) if "rule" in a.metadata}
    return found


_rules: dict[type, Mapping[str, Rule]] = {}


def values_of(part: Part) -> tuple[Any, ...]:
    """The part's values, in the order of its rules."""
    cls = type(part)
    getter = _getters.get(cls)
    if getter is None:
        names = list(rules(cls))
        # A single name gives the bare value, two or more a tuple of them.
        getter = _getters[cls] = attrgetter(*names) if len(names) > 1 else lambda part: (getattr(part, names[0]),)
    return getter(part)


_EXACT = (str, bool, int, float)
"""What needs no second look at what it really is."""

_getters: dict[type, Callable[[Any], tuple[Any, ...]]] = {}


# Converters. What has the wrong type passes through them untouched, for `check` to name the problem.


def copied_object(value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A deep copy, so that later changes of the caller's own object do not reach the part."""
    return value if any(check_free(value, "")) else _copied(value)


def copied_strings(value: Sequence[str] | None) -> Sequence[str] | None:
    """The same for a list of strings."""
    items = as_list(value)
    return value if items is None else tuple(exact(item) for item in items)


def as_part(value: Any, parse: Parse) -> Any:
    """The part that a mapping in the wire's form describes."""
    made = None if as_object(value) is None else parse(value, "", [])
    return value if made is None else made


def _copied(value: Any) -> Any:
    mapping = as_object(value)
    if mapping is not None:
        return {exact(k): _copied(v) for k, v in mapping.items()}
    items = as_list(value)
    return exact(value) if items is None else [_copied(v) for v in items]


@attrs.frozen(kw_only=True, repr=False)
class Part:
    """Something a user says; immutable, checked when it is made."""

    SCHEMAS: ClassVar[tuple[str, ...]] = ()
    """The schemas of the contract this class writes; the test that compares bounds goes by them."""
    CONSTANTS: ClassVar[Mapping[str, str]] = {}
    """What the wire form always says, by wire name."""
    OPEN: ClassVar[bool] = False
    """Whether keys that the class does not know are kept (in the attribute `extra`) instead of refused."""

    def __attrs_post_init__(self) -> None:
        values = dict(zip(rules(type(self)), values_of(self), strict=True))
        for name, value in values.items():
            if value is not None and type(value) not in _EXACT:
                values[name] = plain = exact(value)
                if plain is not value:
                    object.__setattr__(self, name, plain)
        problems = list(check(type(self), values, spell=lambda attribute, _: attribute))
        problems += self._cross_check(values, lambda attribute: attribute)
        problems += self._check_rest()
        if problems:
            raise AnamConfigError(*problems)
        self._warn(values)

    def __repr__(self) -> str:
        # Only what is set, so that a persona of two fields does not print twenty-two.
        shown_fields = [
            f"{a.name}={(a.repr if callable(a.repr) else repr)(value)}"
            for a in attrs.fields(type(self))
            if (value := getattr(self, a.name)) is not None
        ]
        return f"{type(self).__name__}({', '.join(shown_fields)})"

    @classmethod
    def _cross_check(cls, values: Mapping[str, Any], spell: Callable[[str], str]) -> Iterable[Problem]:
        """Rules that span several fields."""
        return ()

    def _check_rest(self) -> Iterable[Problem]:
        """Rules for what is not on the wire under a name of its own."""
        return ()

    def _warn(self, values: Mapping[str, Any]) -> None:
        for attribute, r in rules(type(self)).items():
            value = values[attribute]
            if r.known is not None and value is not None and value not in r.known:
                known = ", ".join(r.known)
                text = short(scrub(value, ()))
                warn(f"{attribute}={text} is not among the values known today ({known}); sent as it is")
            if r.uuid and value is not None:
                for item in (value,) if isinstance(value, str) else value:
                    if not UUID.fullmatch(item):
                        warn(
                            f"{attribute}={short(scrub(item, ()))} is not a UUID;"
                            " Anam will probably refuse it when the session starts"
                        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the wire form (camelCase).

        Raises:
            AnamConfigError: Unknown keys, wrong types, values out of bounds: every problem at once.
        """
        problems: list[Problem] = []
        part = cls._parse(data, "", problems)
        if part is None:
            raise AnamConfigError(*problems)
        return part

    @classmethod
    def _parse(cls, data: Any, path: str, problems: list[Problem]) -> Self | None:
        """The part, or None after its problems were added to the list."""
        before = len(problems)
        mapping = as_object(data)
        if mapping is None:
            problems.append(problem(path or cls.__name__, data, Kind.OBJECT))
            return None
        flat = _flatten(mapping, cls, path, problems)
        for name, constant in cls.CONSTANTS.items():
            if as_text(flat.pop(name, None)) != constant:
                problems.append(Problem(_join(path, name), "", f'must be "{constant}"'))
        values: dict[str, Any] = {}
        for attribute, r in rules(cls).items():
            if r.name not in flat:
                values[attribute] = None
                continue
            value = exact(flat.pop(r.name))
            if value is None and not r.nullable and not r.required:
                problems.append(Problem(_join(path, r.name), "null", f"must be {r.kind.value}; leave it out instead"))
            values[attribute] = _parse_value(r, value, _join(path, r.name), problems)
        extra: dict[str, Any] = {}
        for name, value in flat.items():
            if cls.OPEN:
                extra[name] = value
            else:
                problems.append(Problem(_join(path, shown(name)), "", _unknown(name, cls, len(problems))))
        problems += check(cls, values, spell=lambda _, r: _join(path, r.name))
        problems += check_free(extra, path)
        spelled = {attribute: _join(path, r.name) for attribute, r in rules(cls).items()}
        problems += cls._cross_check(values, spelled.__getitem__)
        if len(problems) > before:
            return None
        return cls(**{k: v for k, v in values.items() if v is not None}, **({"extra": extra} if extra else {}))

    def to_dict(self) -> dict[str, Any]:
        """The wire form (camelCase), without what is unset. Secrets are in it: do not log it."""
        wire: dict[str, Any] = {}
        for name, constant in self.CONSTANTS.items():
            _put(wire, name, constant)
        for r, value in zip(rules(type(self)).values(), values_of(self), strict=True):
            if value is not None:
                _put(wire, r.name, value if type(value) in _EXACT else _to_wire(value))
        extra = getattr(self, "extra", None)
        if extra:
            wire.update(_copied(extra))
        return wire


def check(cls: type[Part], values: Mapping[str, Any], spell: Callable[[str, Rule], str]) -> Iterator[Problem]:
    """Every field against its rule; pure."""
    for attribute, r in rules(cls).items():
        value = values[attribute]
        if value is None:
            if r.required:
                yield Problem(spell(attribute, r), "", "is required")
        else:
            yield from check_value(r, value, spell(attribute, r))


def check_value(r: Rule, value: Any, field: str) -> Iterator[Problem]:
    match r.kind:
        case Kind.STRING:
            yield from _check_string(r, value, field)
        case Kind.BOOLEAN:
            if type(value) is not bool:
                yield problem(field, value, r.kind)
        case Kind.NUMBER | Kind.INTEGER:
            yield from _check_number(r, value, field)
        case Kind.STRINGS:
            strings = as_list(value)
            if strings is None:
                yield problem(field, value, r.kind)
            else:
                for i, item in enumerate(strings):
                    yield from _check_string(r, item, f"{field}[{i}]")
        case Kind.STRING_MAP:
            mapping = as_object(value)
            if mapping is None:
                yield problem(field, value, r.kind)
            else:
                for key, item in mapping.items():
                    yield from _check_string(r, key, f"{field} (a name)")
                    yield from _check_string(r, item, _join(field, shown(key)))
        case Kind.OBJECT:
            if as_object(value) is None:
                yield problem(field, value, r.kind)
            else:
                found = list(check_free(value, field))
                yield from found
                if r.max_bytes is not None and not found:
                    size = len(json.dumps(_copied(value), ensure_ascii=False, separators=(",", ":")).encode())
                    if size > r.max_bytes:
                        yield Problem(
                            field, f"{size:,} bytes", f"must be at most {r.max_bytes:,} bytes as JSON in UTF-8"
                        )
        case Kind.PART:
            yield from _check_part(r, value, field)
        case _:  # Kind.PARTS
            parts = as_list(value)
            if parts is None:
                yield problem(field, value, r.kind)
                return
            found = [p for i, item in enumerate(parts) for p in _check_part(r, item, f"{field}[{i}]")]
            yield from found
            if r.unique_by is not None and not found:
                names = Counter(getattr(item, r.unique_by) for item in parts)
                for name in sorted(name for name, times in names.items() if times > 1):
                    yield Problem(field, shown(name), f"{r.unique_by} must be unique")


def _check_part(r: Rule, value: Any, field: str) -> list[Problem]:
    problems: list[Problem] = []
    if r.parse is not None and as_object(value) is not None:
        r.parse(value, field, problems)
    elif not is_a(value, *(r.of or (Part,))):
        problems.append(problem(field, value, Kind.PART))
    return problems


def _check_string(r: Rule, value: Any, field: str) -> Iterator[Problem]:
    text = as_text(value.reveal() if is_a(value, Secret) else value)

    def display() -> str:
        return f"'{MASK}'" if r.secret else shown(value if text is None else text)

    if text is None:
        yield Problem(field, display(), f"must be {Kind.STRING.value}")
        return
    if not _encodable(text):
        yield Problem(field, display(), "must be valid Unicode (it has a lone surrogate)")
        return
    if r.min_length is not None and len(text) < r.min_length:
        yield Problem(field, display(), f"must have at least {r.min_length} character{'s' * (r.min_length > 1)}")
    if r.max_length is not None and len(text) > r.max_length:
        yield Problem(field, f"{len(text):,} characters", f"must have at most {r.max_length:,} characters")
    if r.one_of is not None and text not in r.one_of:
        yield Problem(field, display(), f"must be one of {', '.join(r.one_of)}")
    if r.uri and _USUAL_URI.fullmatch(text):
        return
    if r.uri and not absolute_uri(text):
        yield Problem(field, display(), "must be an absolute URI, without blanks or control characters")
    elif r.uri and not _URI.fullmatch(text):
        yield Problem(
            field, display(), "must be a URI as RFC 3986 has it: other characters percent-encoded, hosts in ASCII"
        )


def _check_number(r: Rule, value: Any, field: str) -> Iterator[Problem]:
    value = exact(value)
    if type(value) is not int and (type(value) is not float or r.kind is Kind.INTEGER):
        yield problem(field, value, r.kind)
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(field, shown(value), "must be finite")
    elif r.ge is not None and r.le is not None and not r.ge <= value <= r.le:
        yield Problem(field, shown(value), f"must be between {r.ge:g} and {r.le:g}")
    elif r.ge is not None and value < r.ge:
        yield Problem(field, shown(value), f"must be at least {r.ge:g}")
    elif r.le is not None and value > r.le:
        yield Problem(field, shown(value), f"must be at most {r.le:g}")
    elif isinstance(value, int) and value.bit_length() > 63:
        yield Problem(field, shown(value), "must fit into 64 bits")
    elif r.kind is Kind.INTEGER and not -(2**31) <= value < 2**31:
        yield Problem(field, shown(value), "must fit into 32 bits")


def check_free(value: Any, field: str) -> Iterator[Problem]:
    """Whether a free-form value can be written as JSON. Iterative, for depth is the enemy here."""
    stack: list[tuple[Any, str, int]] = [(value, field, 0)]
    for _ in range(MAX_NODES + 1):
        if not stack:
            return
        if len(stack) > MAX_NODES:
            break
        item, path, depth = stack.pop()
        if depth > MAX_DEPTH:
            yield Problem(path[:200], "", TOO_DEEP)
            return
        item, mapping, items = exact(item), as_object(item), as_list(item)
        if mapping is not None:
            for key, inner in mapping.items():
                text = as_text(key)
                if text is None or not _encodable(text):
                    yield Problem(path or "an object", shown(key), "names must be strings of valid Unicode")
                else:
                    stack.append((inner, _join(path, shown(key)), depth + 1))
        elif items is not None:
            stack += [(inner, f"{path}[{i}]", depth + 1) for i, inner in enumerate(items[: MAX_NODES + 1])]
        elif type(item) is str:
            if not _encodable(item):
                yield Problem(path, shown(item), "must be valid Unicode (it has a lone surrogate)")
        elif type(item) is float:
            if not math.isfinite(item):
                yield Problem(path, shown(item), "must be finite")
        elif type(item) in (int, bool):
            if item.bit_length() > 63:
                yield Problem(path, shown(item), "must fit into 64 bits")
        elif item is not None:
            yield Problem(path, shown(item), f"must be a JSON value, not {type(item).__name__}")
    yield Problem(field or "an object", "", TOO_MANY)


def _parse_value(r: Rule, value: Any, path: str, problems: list[Problem]) -> Any:
    if r.kind is Kind.PART and r.parse is not None and value is not None:
        return r.parse(value, path, problems)
    listed = as_list(value)
    if r.kind is Kind.PARTS and r.parse is not None and listed is not None:
        # A list with a wrong item counts as unset here: the item's own problems are in the list already.
        items = [r.parse(item, f"{path}[{i}]", problems) for i, item in enumerate(listed)]
        return None if None in items else items
    return value


def _unknown(name: str, cls: type[Part], before: int) -> str:
    from difflib import get_close_matches  # only ever needed on the way to an error

    known = sorted([r.name for r in rules(cls).values()] + list(cls.CONSTANTS))
    # Nobody reads the hundredth suggestion, and each takes a while.
    near = get_close_matches(name[:60], known, n=1) if before < 100 else []
    return f"unknown; did you mean {near[0]}?" if near else f"unknown; known are {', '.join(known)}"


def _flatten(data: Mapping[Any, Any], cls: type[Part], path: str, problems: list[Problem]) -> dict[str, Any]:
    """Brings `{"daily": {"token": …}}` to `{"daily.token": …}` where the class's rules have dots."""
    names = [r.name for r in rules(cls).values()] + list(cls.CONSTANTS)
    deeper = {name.partition(".")[0] for name in names if "." in name}
    flat: dict[str, Any] = {}

    def refuse(name: Any, path: str) -> None:
        if cls.OPEN:
            problems.extend(check_free({name: None}, path))
        else:
            problems.append(Problem(_join(path, shown(name)), "", _unknown("", cls, len(problems))))

    for name, value in data.items():
        key, inner = as_text(name), as_object(value)
        if key is None:
            refuse(name, path)
        elif key in names and key.partition(".")[0] in deeper:
            problems.append(Problem(_join(path, key), "", "unknown; what looks like a path is not one here"))
        elif key not in deeper:
            flat[key] = value
        elif inner is None:
            problems.append(problem(_join(path, key), value, Kind.OBJECT))
        else:
            for name, value in inner.items():
                if as_text(name) is None:
                    refuse(name, _join(path, key))
                else:
                    flat[f"{key}.{as_text(name)}"] = value
    return flat


def _to_wire(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_dict()
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {k: _to_wire(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_wire(v) for v in value]
    return value


def _put(wire: dict[str, Any], name: str, value: Any) -> None:
    head, dot, rest = name.partition(".")
    if dot:
        wire.setdefault(head, {})[rest] = value
    else:
        wire[head] = value


def problem(field: str, value: Any, kind: Kind) -> Problem:
    """The problem of a value that has the wrong JSON type."""
    # What should have been an object may be a credential put in the wrong place: not shown.
    display = shown(value) if kind in (Kind.BOOLEAN, Kind.NUMBER, Kind.INTEGER) else ""
    return Problem(field, display, f"must be {kind.value}, not {type(value).__name__}")


def shown(value: Any) -> str:
    """The value as an error message shows it: short, and on one line."""
    value = exact(value)
    if type(value) is int and value.bit_length() > 256:
        return "a huge number"  # repr() refuses it, or takes for ever
    if type(value) is str:
        value = word = scrub(value, ())  # a token in the place of something else
        if re.fullmatch(r"(?!None$|True$|False$|nan$|inf$)[A-Za-z][\w.-]{0,59}", word, re.ASCII):
            return word
    try:
        text = scrub(short(value), ())
    except Exception:  # whatever its __repr__ raises
        text = f"a {type(value).__name__}"
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def warn(message: str, category: type[Warning] = AnamConfigWarning) -> None:
    """Warns, blaming the first line of code outside this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename, frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_ours(filename: str, module: str) -> bool:
    return module.startswith("anam_facade.") or filename.startswith("<attrs")


# A host name and perhaps a port and a path: what passes here passes every closer look, which takes ten times as long.
_USUAL_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,4})?(?:/[A-Za-z0-9._~/-]*)?", re.ASCII
)
_VISIBLE, _BLANK = re.compile(r"[!-~]+"), re.compile(r"\s")


def absolute_uri(text: str) -> bool:
    """Whether the text has a scheme and a host, and nothing that could break out of a line."""
    if not _VISIBLE.fullmatch(text if text.isascii() else text.encode("ascii", "ignore").decode()):
        return False
    if not text.isascii() and (_BLANK.search(text) or not _encodable(text)):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        return False


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
