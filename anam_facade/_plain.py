"""What a value is and holds, whatever it says of itself.

Callers pass values of any class: a mock that claims to be a string, a lazy list whose methods fail, an array whose
comparison is no truth value, an enum member that formats itself by its name. `isinstance` asks the value, and a
subclass may override any method; the functions here rely on neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")


def is_a(value: object, *kinds: type[T]) -> TypeGuard[T]:
    """Whether a value really is of one of the classes."""
    return issubclass(type(value), kinds)


def exact(value: Any) -> Any:
    """A string or number of a subclass as the plain string or number that it is; anything else untouched."""
    if type(value) in (str, int, float, bool):
        return value
    if is_a(value, str):
        return str.__str__(value)
    if is_a(value, int):
        return int.__pos__(value)
    return float.__pos__(value) if is_a(value, float) else value


def as_text(value: object) -> str | None:
    """The content of a string; None when it is none."""
    return str.__str__(value) if is_a(value, str) else None


def as_list(value: object) -> list[Any] | tuple[Any, ...] | None:
    """The content of a list or tuple; None when it is neither."""
    if type(value) in (list, tuple):
        return value  # type: ignore[return-value]
    if is_a(value, list):
        return list(list.__iter__(value))
    return tuple(tuple.__iter__(value)) if is_a(value, tuple) else None


def as_object(value: object) -> dict[Any, Any] | None:
    """The content of a mapping of whatever class; None when it is none, or cannot be read."""
    if type(value) is dict:
        return value
    if is_a(value, dict):
        return dict(dict.items(value))
    if not issubclass(type(value), Mapping):
        return None
    try:
        return dict(value.items())  # type: ignore[attr-defined]
    except Exception:  # whatever its methods raise: what cannot be read is no mapping
        return None
