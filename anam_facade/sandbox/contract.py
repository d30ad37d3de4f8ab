"""What the contract, `openapi.yaml`, says: operations, examples, and what is wrong with a value.

Shapes are taken from the document at start-up and validated by reference into the whole of it, so that the sandbox
cannot drift away from what clients are generated from.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from functools import cache
from http.client import responses
from typing import Any, NamedTuple, cast

import jsonschema_rs
import yaml
from jsonschema_rs import ValidationError
from jsonschema_rs import ValidationErrorKind as Kind

from anam_facade._contract import openapi_path

MAX_DEPTH = 80
"""How deep a request's JSON may nest: far more than any persona needs, far less than what exhausts a stack."""


class NotJson(ValueError):
    """The text is not JSON that everyone reads alike."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The body is not valid JSON: {reason}")


class Problem(NamedTuple):
    """One thing that is wrong with a request.

    Attributes:
        steps: Of the path to the field in the request, be it missing or superfluous.
        code: The keyword of JSON Schema, or of the contract's extensions, that is not met.
        message: The same in words. The value itself is never in it: it may be a credential.
        allowed: What tells alternatives apart: the one value that is accepted here, or `""` where there must be no such
            field.
    """

    steps: tuple[str | int, ...]
    code: str
    message: str
    allowed: str | None = None

    @property
    def path(self) -> str:
        """The path as a person writes it, such as `personaConfig.tools[0].name`."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps).removeprefix(".")

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.steps else self.message


@cache
def document() -> Mapping[str, Any]:
    """The contract of this version of the package, read once per process. Not to be changed."""
    # The C loader reads it in a twentieth of the time, where PyYAML was built with it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return cast("Mapping[str, Any]", loader(openapi_path().read_bytes()).get_single_data())


def operations() -> dict[tuple[str, str], str]:
    """The `operationId` of every operation, by its method and path."""
    paths = document()["paths"].items()
    return {(method.upper(), path): item[method]["operationId"] for path, item in paths for method in item}


def example(name: str) -> dict[str, Any]:
    """A copy of the value of a named example."""
    return cast("dict[str, Any]", copy.deepcopy(document()["components"]["examples"][name]["value"]))


def error(status: int) -> dict[str, Any]:
    """The error that the contract shows for a status, known by its words; for others, one of the same form."""
    words = responses.get(status, f"Status {status}")
    errors = [name for name in document()["components"]["examples"] if name.startswith("Error")]
    shown = [name for name in errors if example(name)["error"].lower() == words.lower()]
    return example(shown[-1]) if shown else {"error": words}


def schema(name: str) -> Mapping[str, Any]:
    """A named schema, for the extensions that no validator knows."""
    return cast("Mapping[str, Any]", document()["components"]["schemas"][name])


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(
        {**document(), "$ref": f"#/components/schemas/{name}"},
        validate_formats=True,
        mask="the value",
        keywords={"x-uniqueBy": _UniqueBy, "x-maxBytes": _MaxBytes},
    )


def problems(name: str, value: Any) -> list[Problem]:
    """Everything that is wrong with a value that should satisfy a named schema, each thing once."""
    return list(dict.fromkeys(p for error in _validator(name).iter_errors(value) for p in _explained(error)))


def parse_json(body: bytes) -> Any:
    """The JSON value that a body holds, as strictly as the standard: UTF-8, finite numbers, no lone surrogates.

    Raises:
        NotJson: It holds none; the message says why, without quoting the body.
    """
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_number, parse_float=_number, parse_int=_number)
        if _is_deeper(value, MAX_DEPTH):
            raise RecursionError
        if b"\\u" in body:
            # An escaped lone surrogate parses, but nothing could write it out again.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise NotJson("it is not UTF-8, or has a lone surrogate") from None
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise NotJson(f"it nests deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    return value


def _number(text: str) -> int | float:
    if not math.isfinite(number := float(text)):
        raise ValueError("a number is not finite, or out of range")
    return int(text) if text.lstrip("-").isdigit() else number


def _is_deeper(value: Any, limit: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return limit < 0 or any(_is_deeper(item, limit - 1) for item in inner)


# The contract's own keywords. jsonschema-rs calls `validate` and reports what it raises.


class _Keyword:
    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:
        self._value = value


class _UniqueBy(_Keyword):
    """`x-uniqueBy`: the property that must differ between the items of an array."""

    def validate(self, instance: Any) -> None:
        items = [item for item in instance if isinstance(item, dict)] if isinstance(instance, list) else []
        values = [value for item in items if isinstance(value := item.get(self._value), str)]
        if len(set(values)) < len(values):
            raise ValueError(f"two items have the same {self._value}")


class _MaxBytes(_Keyword):
    """`x-maxBytes`: the size of the value as compact JSON in UTF-8."""

    def validate(self, instance: Any) -> None:
        size = len(json.dumps(instance, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))
        if size > self._value:
            raise ValueError(f"it has {size:,} bytes as JSON, more than {self._value:,}")


# From a validator's errors to problems that name the field a person has to change.


def _explained(error: ValidationError) -> list[Problem]:
    kind, path, code = error.kind, (*error.instance_path,), error.kind.name
    match kind:
        case Kind.AnyOf(context=context) | Kind.OneOfNotValid(context=context):
            return _closest([[problem for e in branch for problem in _explained(e)] for branch in context], len(path))
        case Kind.AdditionalProperties(unexpected=names) | Kind.UnevaluatedProperties(unexpected=names):
            return [Problem((*path, name), code, "no such field here", allowed="") for name in names]
        case Kind.Required(property=name):
            return [Problem((*path, name), code, "required here")]
        case Kind.Enum(options=[constant]):
            return [Problem(path, code, error.message, allowed=str(constant))]
        case Kind.Custom(keyword=keyword, message=message):
            return [Problem(path, keyword, message)]
        case Kind.Not(schema=dict() as forbidden):
            together = " and ".join(cast("Mapping[str, Any]", forbidden.get("properties") or {}))
            return [Problem(path, code, f"{together} are not allowed in this combination")]
        case _:
            return [Problem(path, code, error.message)]


def _closest(branches: list[list[Problem]], depth: int) -> list[Problem]:
    """The problems of the alternative that was probably meant, for a value at that depth.

    A field with one fixed value (`type`, `subtype`) tells the alternatives apart where there is one. Otherwise it is
    the alternative in which the fewest fields are wrong, and of those the one that got furthest into the object.
    """
    for steps in dict.fromkeys(problem.steps for branch in branches for problem in branch if problem.allowed):
        allowed = [{p.steps: p.allowed for p in branch if p.allowed is not None}.get(steps) for branch in branches]
        if None in allowed:
            branches = [branch for branch, value in zip(branches, allowed, strict=True) if value is None]
        elif all(allowed):
            options = ", ".join(dict.fromkeys(map(str, allowed)))
            return [Problem(steps, "enum", f"the value is not one of {options}")]

    def distance(branch: list[Problem]) -> tuple[int, int]:
        return len({p.steps[depth : depth + 1] for p in branch} - {()}), -max(len(p.steps) for p in branch)

    return min(branches, key=distance)
