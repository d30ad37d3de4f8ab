"""What the contract, `openapi.yaml`, says: operations, examples, and what is wrong with a value.

Shapes are taken from the document at start-up and validated by reference into the whole of it, so that the sandbox
cannot drift away from what clients are generated from.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import jsonschema_rs
import yaml

from anam_facade._contract import openapi_path

MAX_DEPTH = 80
"""How deep a request's JSON may nest: far more than any persona needs, far less than what exhausts a stack."""


class NotJson(ValueError):
    """The text is not JSON that everyone reads alike."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request.

    Attributes:
        field: Path of the field in the request, such as `personaConfig.tools[0].name`.
        rule: The keyword of JSON Schema, or of the contract's extensions, that is not met.
        message: The rule in words. The value itself is never in it: it may be a credential.
    """

    field: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the contract."""

    id: str
    method: str
    path: str


class Contract:
    """The document, ready to validate against."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    @property
    def document(self) -> Mapping[str, Any]:
        """The whole of it. Not to be changed."""
        return self._document

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation of the document."""
        return tuple(
            Operation(id=operation["operationId"], method=method.upper(), path=path)
            for path, item in self._document["paths"].items()
            for method, operation in item.items()
            if isinstance(operation, dict) and "operationId" in operation
        )

    def example(self, name: str) -> dict[str, Any]:
        """A copy of the value of a named example."""
        return cast("dict[str, Any]", copy.deepcopy(self._document["components"]["examples"][name]["value"]))

    def schema(self, name: str) -> Mapping[str, Any]:
        """A named schema, for the extensions that no validator knows."""
        return cast("Mapping[str, Any]", self._document["components"]["schemas"][name])

    def problems(self, schema: str, value: Any) -> list[Problem]:
        """Everything that is wrong with a value that should satisfy a named schema."""
        if schema not in self._validators:
            self._validators[schema] = jsonschema_rs.Draft202012Validator(
                {**self._document, "$ref": f"#/components/schemas/{schema}"},
                validate_formats=True,
                mask="the value",
                keywords={"x-uniqueBy": _UniqueBy, "x-maxBytes": _MaxBytes},
            )
        errors = list(self._validators[schema].iter_errors(value))
        return [problem for error in errors for problem in _explained(error)]


@cache
def contract() -> Contract:
    """The contract of this version of the package, read once per process."""
    # The C loader reads the document in a twentieth of the time, where PyYAML was built with it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return Contract(loader(openapi_path().read_bytes()).get_single_data())


def parse_json(body: bytes) -> Any:
    """The JSON value that a body holds, as strictly as the standard: UTF-8, finite numbers, no lone surrogates.

    Raises:
        NotJson: It holds none; the message says why, without quoting the body.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole)
        if b"\\u" in body:
            # An escaped lone surrogate parses, but nothing could write it out again.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError:
        raise NotJson("it is not UTF-8") from None
    except UnicodeEncodeError:
        raise NotJson("it has a lone surrogate") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise NotJson(f"it nests deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    if _is_deeper(value, MAX_DEPTH):
        raise NotJson(f"it nests deeper than {MAX_DEPTH} levels")
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _whole(text: str) -> int:
    if len(text) > 300:
        raise ValueError("a number is out of range")
    return int(text)


def _is_deeper(value: Any, limit: int) -> bool:
    """Level by level rather than recursively: depth is what is being measured."""
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


# The contract's own keywords. jsonschema-rs calls `validate` and reports what it raises.


class _UniqueBy:
    """`x-uniqueBy`: the property that must differ between the items of an array."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:
        self._property = value

    def validate(self, instance: Any) -> None:
        if not isinstance(instance, list):
            return
        seen: set[str] = set()
        for item in instance:
            value = item.get(self._property) if isinstance(item, dict) else None
            if isinstance(value, str) and value in seen:
                raise ValueError(f"two items have the same {self._property}")
            if isinstance(value, str):
                seen.add(value)


class _MaxBytes:
    """`x-maxBytes`: the size of the value as compact JSON in UTF-8."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:
        self._limit = value

    def validate(self, instance: Any) -> None:
        size = len(json.dumps(instance, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))
        if size > self._limit:
            raise ValueError(f"it has {size:,} bytes as JSON, more than {self._limit:,}")


# From a validator's errors to problems that name the field a person has to change.


def _explained(error: jsonschema_rs.ValidationError) -> list[Problem]:
    kind, path = error.kind, list(error.instance_path)
    match kind:
        case (
            jsonschema_rs.ValidationErrorKind.AnyOf(context=context)
            | jsonschema_rs.ValidationErrorKind.OneOfNotValid(context=context)
        ):
            return _closest([list(branch) for branch in context], depth=len(path))
        case (
            jsonschema_rs.ValidationErrorKind.AdditionalProperties(unexpected=names)
            | jsonschema_rs.ValidationErrorKind.UnevaluatedProperties(unexpected=names)
        ):
            return [Problem(_dotted([*path, name]), kind.name, "no such field here") for name in names]
        case jsonschema_rs.ValidationErrorKind.Required(property=name):
            return [Problem(_dotted([*path, name]), kind.name, "required here")]
        case jsonschema_rs.ValidationErrorKind.Custom(keyword=keyword, message=message):
            return [Problem(_dotted(path), keyword, message)]
        case jsonschema_rs.ValidationErrorKind.Not(schema=dict() as schema):
            together = " and ".join(cast("Mapping[str, Any]", schema.get("properties") or {}))
            return [Problem(_dotted(path), kind.name, f"{together} are not allowed in this combination")]
        case _:
            return [Problem(_dotted(path), kind.name, error.message)]


def _closest(branches: list[list[jsonschema_rs.ValidationError]], *, depth: int) -> list[Problem]:
    """The problems of the alternative that was probably meant, for a value at that depth.

    A field with one fixed value (`type`, `subtype`) tells the alternatives apart where there is one. Otherwise it is
    the alternative in which the fewest fields are wrong, and of those the one that got furthest into the object.
    """
    for path in dict.fromkeys(path for branch in branches for path in _wrong_constants(branch)):
        branches = [branch for branch in branches if path not in _rejected(branch)] or branches
    shared = [path for path in _wrong_constants(branches[0]) if all(path in _wrong_constants(b) for b in branches)]
    if shared:
        options = dict.fromkeys(_wrong_constants(branch)[shared[0]] for branch in branches)
        return [Problem(_dotted(shared[0]), "enum", f"the value is not one of {', '.join(options)}")]
    best = min(branches, key=lambda b: (len(_wrong_fields(b, depth)), -max(len(e.instance_path) for e in b)))
    return [problem for error in best for problem in _explained(error)]


_Path = tuple[str | int, ...]
_Unexpected = (
    jsonschema_rs.ValidationErrorKind.AdditionalProperties,
    jsonschema_rs.ValidationErrorKind.UnevaluatedProperties,
)


def _wrong_constants(branch: list[jsonschema_rs.ValidationError]) -> dict[_Path, str]:
    """Paths at which another, fixed value was expected, and that value."""
    return {
        tuple(error.instance_path): str(kind.options[0])
        for error in branch
        if isinstance(kind := error.kind, jsonschema_rs.ValidationErrorKind.Enum) and len(kind.options) == 1
    }


def _rejected(branch: list[jsonschema_rs.ValidationError]) -> set[_Path]:
    """Paths that an alternative does not accept: a wrong constant, or a field it does not have."""
    unexpected = {
        (*error.instance_path, name)
        for error in branch
        if isinstance(error.kind, _Unexpected)
        for name in error.kind.unexpected
    }
    return unexpected | set(_wrong_constants(branch))


def _wrong_fields(branch: list[jsonschema_rs.ValidationError], depth: int) -> set[_Path]:
    """The fields of the value itself that an alternative finds missing, superfluous or wrong."""
    missing = {
        (*error.instance_path, error.kind.property)
        for error in branch
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required)
    }
    paths = {tuple(error.instance_path) for error in branch} | missing | _rejected(branch)
    return {path[depth : depth + 1] for path in paths} - {()}


def _dotted(path: Iterable[str | int]) -> str:
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
