"""Holds a response against openapi.yaml. Takes nothing from the sandbox, so that they cannot be wrong together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import jsonschema_rs
import yaml

import anam_facade

BY_HTTP = frozenset({405, 413})
"""Statuses that HTTP defines for any resource, and that the document leaves to `default`."""


@cache
def document() -> dict[str, Any]:
    """The contract as it is installed with the package."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    loaded: dict[str, Any] = yaml.load(anam_facade.openapi_path().read_text("utf-8"), loader)
    return loaded


def documented() -> set[tuple[str, int]]:
    """Every operation with every status that the document names for it."""
    return {
        (operation["operationId"], int(status))
        for item in document()["paths"].values()
        for operation in item.values()
        for status in operation["responses"]
        if status != "default"
    }


@cache
def validator(pointer: str) -> jsonschema_rs.Validator:
    """A validator for the schema at a place in the document."""
    schema = {**document(), "$ref": f"#{pointer}"}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def fits(schema: str, value: Any) -> bool:
    """Whether a value satisfies one of the document's named schemas."""
    return validator(f"/components/schemas/{schema}").is_valid(value)


def violations(method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    """What of a response is not as the document says; empty when all is.

    Args:
        method: HTTP method of the request.
        path: Path of the request, without the query.
        status: Status of the response.
        headers: Its headers, names in lower case.
        body: Its body.
    """
    described = f"/paths/{path.replace('/', '~1')}/{method.lower()}"
    operation = document()["paths"].get(path, {}).get(method.lower())
    if operation is None:
        # Another path or method. The document has nothing on it, but its clients read every error alike.
        found = [] if status >= 400 else [f"{status} to a request that is not in the document"]
        described = "/components/responses/Unexpected"
    else:
        known = str(status) in operation["responses"]
        found = [] if known or status in BY_HTTP else [f"status {status} is not documented"]
        described = f"{described}/responses/{status if known else 'default'}"
    described, description = _followed(described)
    found += _wrong_headers(described, description.get("headers", {}), headers)
    if method != "HEAD":  # whose answers have no body, whatever their headers say
        found += _wrong_body(f"{described}/content/application~1json/schema", headers.get("content-type"), body)
    return [f"{method} {path}: {status}: {problem}" for problem in found]


def _wrong_headers(described: str, names: Iterable[str], headers: Mapping[str, str]) -> list[str]:
    found = []
    for name in names:
        where, header = _followed(f"{described}/headers/{name}")
        text = headers.get(name.lower())
        if text is None:
            found += [f"the header {name} is missing"] if header.get("required") else []
            continue
        is_number = header["schema"]["type"] == "integer" and text.removeprefix("-").isdecimal()
        errors = validator(f"{where}/schema").iter_errors(int(text) if is_number else text)
        found += [f"the header {name}: {error.message}" for error in errors]
    return found


def _wrong_body(schema: str, content_type: str | None, body: bytes) -> list[str]:
    if content_type != "application/json":
        return [f"the content type is {content_type}"]
    try:
        value = json.loads(body.decode("utf-8"))
    except ValueError as error:
        return [f"the body is not JSON: {error}"]
    errors = validator(schema).iter_errors(value)
    return [f"the body at /{'/'.join(map(str, error.instance_path))}: {error.message}" for error in errors]


def _followed(pointer: str) -> tuple[str, dict[str, Any]]:
    """What is at a place in the document, and where that really is, when there is a reference at the place."""
    node: Any = document()
    for step in pointer.split("/")[1:]:
        node = node[step.replace("~1", "/")]
    return _followed(node["$ref"][1:]) if "$ref" in node else (pointer, node)
