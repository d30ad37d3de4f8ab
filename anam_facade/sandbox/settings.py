"""What can be said about the account and the server; and how what is said, in Python or over HTTP, is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Self

import jsonschema_rs

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# What an annotation asks for, as JSON Schema; bounds stand in the field's metadata.
_TYPES: dict[Any, dict[str, Any]] = {
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "int | None": {"type": ["integer", "null"]},
    "float": {"type": "number", "minimum": 0},
    "float | None": {"type": ["number", "null"], "minimum": 0},
    "str | None": {"type": ["string", "null"]},
    "tuple[str, ...]": {"type": "array", "items": {"type": "string"}},
    "tuple[float, float]": {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 2, "maxItems": 2},
}


@cache
def _validator(kind: type[DataclassInstance]) -> jsonschema_rs.Draft4Validator:
    # In draft 4, other than in later ones, 503.0 is no integer; nor is it a status.
    schemas = {f.name: {**_TYPES.get(f.type, {}), **f.metadata} for f in fields(kind)}
    return jsonschema_rs.Draft4Validator({"properties": schemas})


def check_values(instance: DataclassInstance) -> None:
    """Raises TypeError or ValueError, naming it, for a value that annotation and bounds of its field do not allow.

    Fields of type `Any` are the dataclass's own concern.
    """
    kind = type(instance)
    values = {f.name: getattr(instance, f.name) for f in fields(kind) if f.type != "Any"}
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{kind.__name__}.{name} must be a finite number, not {value}")
    for error in _validator(kind).iter_errors(values):
        wrong = TypeError if error.kind.name == "type" else ValueError
        raise wrong(f"{kind.__name__}.{'.'.join(map(str, error.instance_path))}: {error.message}")


def check_names(kind: type[DataclassInstance], given: Any, *besides: str) -> None:
    """Raises ValueError for names that a dataclass does not have, TypeError for what is no mapping at all."""
    if not isinstance(given, Mapping):
        raise TypeError(f"{kind.__name__} must be given as an object, not as {type(given).__name__}")
    known = [*(f.name for f in fields(kind)), *besides]
    if unknown := [str(name) for name in given if name not in known]:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}; known are {', '.join(known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the sandbox behaves.

    Attributes:
        max_sessions: Simultaneous sessions of the plan; None for no limit.
        strict: Check at minting what is otherwise checked at the start.
        latency: Seconds that the answers of a mint and of a start take. The work itself is done at once when a request
            arrives, so that a client that gives up waiting may have started a session.
        used_token_status: Status for a token that was used before, 401 or 409: the vendor does not say which.
        token_lifetime: Seconds that a token lives when `expiresIn` does not say otherwise.
        has_plan: Without a plan a start is answered 402.
        spend_cap_reached: With the cap reached a start is answered 429.
        gated_models: Avatar models that are not part of the plan: 403.
        record_all: Keep in `Sandbox.requests` also what browsers and the vendor's SDK send of their own accord: CORS
            preflights and telemetry.
        unknown_avatars: Ids of avatars that there are not: 404 at the start.
    """

    max_sessions: int | None = field(default=None, metadata={"minimum": 0})
    strict: bool = False
    latency: tuple[float, float] = (0.0, 0.0)
    used_token_status: int = field(default=401, metadata={"enum": [401, 409]})
    token_lifetime: float = field(default=3600.0, metadata={"exclusiveMinimum": True})
    has_plan: bool = True
    spend_cap_reached: bool = False
    gated_models: tuple[str, ...] = ("cara-4-latest",)
    record_all: bool = False
    unknown_avatars: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_values(self)
        # What arrives over HTTP has lists.
        for name in ("latency", "gated_models", "unknown_avatars"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """A copy with some values replaced.

        Raises:
            ValueError: An unknown name, or a value out of bounds.
            TypeError: A value of the wrong type, or no mapping at all.
        """
        check_names(type(self), changes)
        return replace(self, **changes)


def checked_seconds(value: Any) -> float:
    """A number of seconds, finite and at least 0; raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"seconds must be a finite number, at least 0, not {value!r}")
    return float(value)
