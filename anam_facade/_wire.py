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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

import attrs

from ._secret import MASK, Secret
from .errors import AnamConfigError, Problem

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 80, 80

UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")

# Free-form values (metadata, JSON Schemas) are walked to the end; these limits end the walk of a hostile one.
MAX_DEPTH = 64
MAX_NODES = 100_000


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


# Converters. What has the wrong type passes through them untouched, for `check` to name the problem.


def copied_object(value: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A deep copy, so that later changes of the caller's own object do not reach the part."""
    return value if any(check_free(value, "")) else _copied(value)


def copied_strings(value: Sequence[str] | None) -> Sequence[str] | None:
    """The same for a list of strings."""
    return tuple(value) if isinstance(value, (list, tuple)) else value


def as_part(value: Any, parse: Parse) -> Any:
    """The part that a mapping in the wire's form describes."""
    made = parse(value, "", []) if isinstance(value, Mapping) else None
    return value if made is None else made


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _copied(v) for k, v in value.items()}
    return [_copied(v) for v in value] if isinstance(value, (list, tuple)) else value


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
        values = {name: getattr(self, name) for name in rules(type(self))}
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
                warn(f"{attribute}={value!r} is not among the values known today ({', '.join(r.known)}); sent as it is")
            if r.uuid and value is not None:
                for item in (value,) if isinstance(value, str) else value:
                    if not UUID.fullmatch(item):
                        warn(
                            f"{attribute}={item!r} is not a UUID; Anam will probably refuse it when the session starts"
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
        if not isinstance(data, Mapping):
            problems.append(problem(path or cls.__name__, data, Kind.OBJECT))
            return None
        flat = _flatten(data, cls, path, problems)
        for name, constant in cls.CONSTANTS.items():
            if flat.pop(name, None) != constant:
                problems.append(Problem(_join(path, name), "", f'must be "{constant}"'))
        values: dict[str, Any] = {}
        for attribute, r in rules(cls).items():
            if r.name not in flat:
                values[attribute] = None
                continue
            value = flat.pop(r.name)
            if value is None and not r.nullable and not r.required:
                problems.append(Problem(_join(path, r.name), "null", f"must be {r.kind.value}; leave it out instead"))
            values[attribute] = _parse_value(r, value, _join(path, r.name), problems)
        extra: dict[str, Any] = {}
        for name, value in flat.items():
            if cls.OPEN:
                extra[name] = value
            else:
                problems.append(Problem(_join(path, shown(name)), "", _unknown(name, cls)))
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
        for attribute, r in rules(type(self)).items():
            value = getattr(self, attribute)
            if value is not None:
                _put(wire, r.name, _to_wire(value))
        wire.update(_copied(getattr(self, "extra", None) or {}))
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
            if not isinstance(value, bool):
                yield problem(field, value, r.kind)
        case Kind.NUMBER | Kind.INTEGER:
            yield from _check_number(r, value, field)
        case Kind.STRINGS:
            if not isinstance(value, (list, tuple)):
                yield problem(field, value, r.kind)
            else:
                for i, item in enumerate(value):
                    yield from _check_string(r, item, f"{field}[{i}]")
        case Kind.STRING_MAP:
            if not isinstance(value, Mapping):
                yield problem(field, value, r.kind)
            else:
                for key, item in value.items():
                    yield from _check_string(r, key, f"{field} (a name)")
                    yield from _check_string(r, item, _join(field, shown(key)))
        case Kind.OBJECT:
            if not isinstance(value, Mapping):
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
        case Kind.PARTS:
            if not isinstance(value, (list, tuple)):
                yield problem(field, value, r.kind)
                return
            found = [p for i, item in enumerate(value) for p in _check_part(r, item, f"{field}[{i}]")]
            yield from found
            if r.unique_by is not None and not found:
                names = [getattr(item, r.unique_by) for item in value]
                for name in sorted({name for name in names if names.count(name) > 1}):
                    yield Problem(field, shown(name), f"{r.unique_by} must be unique")


def _check_part(r: Rule, value: Any, field: str) -> list[Problem]:
    problems: list[Problem] = []
    if isinstance(value, Mapping) and r.parse is not None:
        r.parse(value, field, problems)
    elif not isinstance(value, Part):
        problems.append(problem(field, value, Kind.PART))
    return problems


def _check_string(r: Rule, value: Any, field: str) -> Iterator[Problem]:
    text = value.reveal() if isinstance(value, Secret) else value
    display = f"'{MASK}'" if r.secret else shown(text)
    if not isinstance(text, str):
        yield Problem(field, f"'{MASK}'" if r.secret else shown(value), f"must be {Kind.STRING.value}")
        return
    if not _encodable(text):
        yield Problem(field, display, "must be valid Unicode (it has a lone surrogate)")
        return
    if r.min_length is not None and len(text) < r.min_length:
        yield Problem(field, display, f"must have at least {r.min_length} character{'s' * (r.min_length > 1)}")
    if r.max_length is not None and len(text) > r.max_length:
        yield Problem(field, f"{len(text):,} characters", f"must have at most {r.max_length:,} characters")
    if r.one_of is not None and text not in r.one_of:
        yield Problem(field, display, f"must be one of {', '.join(r.one_of)}")
    if r.uri and not absolute_uri(text):
        yield Problem(field, display, "must be an absolute URI, without blanks or control characters")


def _check_number(r: Rule, value: Any, field: str) -> Iterator[Problem]:
    accepted = (int,) if r.kind is Kind.INTEGER else (int, float)
    if isinstance(value, bool) or not isinstance(value, accepted):
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


def check_free(value: Any, field: str) -> Iterator[Problem]:
    """Whether a free-form value can be written as JSON. Iterative, for depth is the enemy here."""
    stack: list[tuple[Any, str, int]] = [(value, field, 0)]
    for _ in range(MAX_NODES + 1):
        if not stack:
            return
        item, path, depth = stack.pop()
        if depth > MAX_DEPTH:
            yield Problem(path[:200], "", f"must not nest deeper than {MAX_DEPTH} levels")
            return
        if isinstance(item, Mapping):
            for key, inner in item.items():
                if not isinstance(key, str) or not _encodable(key):
                    yield Problem(path, shown(key), "names must be strings of valid Unicode")
                else:
                    stack.append((inner, _join(path, shown(key)), depth + 1))
        elif isinstance(item, (list, tuple)):
            stack += [(inner, f"{path}[{i}]", depth + 1) for i, inner in enumerate(item[: MAX_NODES + 1])]
        elif isinstance(item, str):
            if not _encodable(item):
                yield Problem(path, shown(item), "must be valid Unicode (it has a lone surrogate)")
        elif isinstance(item, float):
            if not math.isfinite(item):
                yield Problem(path, shown(item), "must be finite")
        elif isinstance(item, int):
            if item.bit_length() > 63:
                yield Problem(path, shown(item), "must fit into 64 bits")
        elif item is not None:
            yield Problem(path, shown(item), f"must be a JSON value, not {type(item).__name__}")
    yield Problem(field, "", f"must not hold more than {MAX_NODES:,} values")


def _parse_value(r: Rule, value: Any, path: str, problems: list[Problem]) -> Any:
    if r.kind is Kind.PART and r.parse is not None and value is not None:
        return r.parse(value, path, problems)
    if r.kind is Kind.PARTS and r.parse is not None and isinstance(value, (list, tuple)):
        # A list with a wrong item counts as unset here: the item's own problems are in the list already.
        items = [r.parse(item, f"{path}[{i}]", problems) for i, item in enumerate(value)]
        return None if None in items else items
    return value


def _unknown(name: Any, cls: type[Part]) -> str:
    from difflib import get_close_matches  # only ever needed on the way to an error

    known = sorted([r.name for r in rules(cls).values()] + list(cls.CONSTANTS))
    near = get_close_matches(str(name)[:60], known, n=1)
    return f"unknown; did you mean {near[0]}?" if near else f"unknown; known are {', '.join(known)}"


def _flatten(data: Mapping[str, Any], cls: type[Part], path: str, problems: list[Problem]) -> dict[str, Any]:
    """Brings `{"daily": {"token": …}}` to `{"daily.token": …}` where the class's rules have dots."""
    names = [r.name for r in rules(cls).values()] + list(cls.CONSTANTS)
    deeper = {name.partition(".")[0] for name in names if "." in name}
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if key in names and key.partition(".")[0] in deeper:
            problems.append(Problem(_join(path, key), "", "unknown; what looks like a path is not one here"))
        elif key not in deeper:
            flat[key] = value
        elif isinstance(value, Mapping):
            flat.update({f"{key}.{inner}": v for inner, v in value.items()})
        else:
            problems.append(problem(_join(path, key), value, Kind.OBJECT))
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
    if isinstance(value, int) and value.bit_length() > 256:
        return "a huge number"  # repr() refuses it, or takes for ever
    if isinstance(value, str) and re.fullmatch(
        r"(?!None$|True$|False$|nan$|inf$)[A-Za-z][\w.-]{0,59}", value, re.ASCII
    ):
        return value
    text = _SHORT.repr(value)
    return text if _encodable(text) else ascii(value)[:80]


def warn(message: str, category: type[Warning] = AnamConfigWarning) -> None:
    """Warns, blaming the first line of code outside this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename, frame.f_globals.get("__name__", "")):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_ours(filename: str, module: str) -> bool:
    return module.startswith(__package__ + ".") or filename.startswith("<attrs")


def absolute_uri(text: str) -> bool:
    """Whether the text has a scheme and a host, and nothing that could break out of a line."""
    if not re.fullmatch(r"[!-~]+", text.encode("ascii", "ignore").decode()) or re.search(r"\s", text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.scheme and parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        return False


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
