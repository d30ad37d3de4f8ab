"""Hiding credentials in what the sandbox shows: records, logs, the HTTP control."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from . import contract

MASK = "***"

_SECRET_FIELDS = frozenset({"authorization", "apikey", "token", "credential"})
"""Besides those that the contract calls a password."""
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})


def _passwords(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for name, value in schema.get("properties", {}).items():
            if isinstance(value, dict) and value.get("format") == "password":
                yield name.lower()
        for value in schema.values():
            yield from _passwords(value)


@cache
def secret_fields() -> frozenset[str]:
    """Names of the fields that hold a credential, in small letters."""
    return _SECRET_FIELDS | frozenset(_passwords(contract.document()["components"]["schemas"]))


def masked(value: Any, name: str = "") -> Any:
    """A copy of a JSON value with every credential replaced.

    Hidden are the fields that the contract calls a password (tokens, addresses that hold one, TURN passwords), and all
    values of a `headers` object, which is where a webhook tool carries its own credentials. `name` is the field's.
    """
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, dict):
        # Under a credential's name it is a description (a JSON Schema's property called "token"), and no credential.
        return {key: MASK if name == "headers" else masked(item, key.lower()) for key, item in value.items()}
    return MASK if name in secret_fields() and value is not None else value


def masked_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Request headers by lower-case name, credentials replaced but for their scheme (`Bearer ***`)."""
    shown: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in _SECRET_HEADERS:
            scheme, blank, _ = value.partition(" ")
            value = f"{scheme} {MASK}" if blank and scheme.lower() in {"bearer", "basic"} else MASK
        shown[name] = f"{shown[name]}, {value}" if name in shown else value
    return shown
