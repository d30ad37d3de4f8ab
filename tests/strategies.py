"""Right values, made from the rules of the generated classes, so that a new field is tried without being added here."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from hypothesis import strategies as st

from anam_api.support import Flag, Id, Items, Kind, Model, Number, Object, One, Password, Text, Whole
from anam_facade import LiveKitEnvironment, PersonaConfig, SessionOptions

CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS, max_size=20)
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXT, JSON, max_size=3)
UUIDS = st.uuids().map(str) | st.uuids().map(lambda uuid: str(uuid).upper())
HOST = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,9}[a-z0-9])?(\.[a-z]{2,5})?(:[1-9][0-9]{0,3})?", fullmatch=True)
PATH = st.text(st.sampled_from("abcXYZ019-._~/%"), max_size=8).map(lambda path: "/" + path.replace("%", "%2f"))
URIS = st.builds("{}://{}{}".format, st.sampled_from(["https", "wss", "http"]), HOST, PATH)


def values(kind: Kind) -> st.SearchStrategy[Any]:
    """Values that keep a rule, made from the rule itself."""
    match kind:
        case Text(bounds={"enum": words}):
            return st.sampled_from(words)
        case Text(bounds={"format": "uuid"}):
            return UUIDS
        case Text(bounds={"format": "uri"}):
            return URIS
        case Text(bounds=bounds):
            least, most = bounds.get("min_length", 0), bounds.get("max_length", 20)
            text = st.text(CHARACTERS, min_size=max(least, isinstance(kind, Id)), max_size=min(most, 20))
            text = text.filter(lambda word: word == word.strip()) if isinstance(kind, Password) else text
            return text | st.sampled_from(bounds.get("extensible_enum", [*"x"]))
        case Flag():
            return st.booleans()
        case Whole():
            return st.integers(-(2**31), 2**31 - 1)
        case Number(bounds=bounds):
            least, most = bounds["minimum"], bounds.get("maximum", 2**63 - 1)
            return st.floats(least, min(most, 1e9)) | st.sampled_from([least, most])
        case Items(of=of):
            unique = kind.bounds.get("unique_by")
            return st.lists(values(of), max_size=3, unique_by=attrgetter(unique) if unique else None)
        case Object(of=Kind() as of):
            return st.dictionaries(TEXT, values(of), max_size=3)
        case One(classes=classes):
            return st.one_of(*map(parts, classes))
    return OBJECTS


def parts(cls: type[Model]) -> st.SearchStrategy[Any]:
    """Instances of a class: every field set or not, as far as its rules across fields allow."""
    names = {*cls.CONSTANTS, *cls._wires}
    keys = OBJECTS.map(lambda extra: {k: v for k, v in extra.items() if k not in names} or None)
    fields = {f.name: values(f.kind) if f.required else st.none() | values(f.kind) for f in cls.FIELDS}

    def made(given: dict[str, Any]) -> Any:
        for rule in cls.ACROSS:
            if given[rule.when] is not None and rule.equals in (None, given[rule.when]):
                if any(given[name] is None for name in rule.needs):
                    given |= {rule.when: None} | dict.fromkeys(rule.needs)
                given |= dict.fromkeys(rule.forbids)
        return cls(**{k: v for k, v in given.items() if k != "brain_type"})

    return st.fixed_dictionaries(fields | ({"extra": keys} if cls.OPEN else {})).map(made)


PERSONAS = parts(PersonaConfig)
ROOMS = parts(LiveKitEnvironment)
OPTIONS = parts(SessionOptions)
