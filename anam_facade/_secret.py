"""Credentials that cannot slip out: not through `repr`, `str`, a log line, a traceback's locals or a pickle."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping
from typing import NoReturn, cast, final

from ._plain import as_object, exact, is_a

MASK = "***"

_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{2,}\.[\w-]*", re.ASCII)


@final
class Secret:
    """A string that shows itself only when asked by `reveal()`.

    Compares equal to another `Secret`, or to a plain string, of the same content. It can be copied but not pickled.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value: str = exact(value)

    def reveal(self) -> str:
        """The secret itself. Do not log what this returns."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        theirs = exact(other.reveal() if is_a(other, Secret) else other)
        if type(theirs) is not str or type(self._value) is not str:
            return NotImplemented
        return hmac.compare_digest(_bytes(self._value), _bytes(theirs))

    def __hash__(self) -> int:
        return hash(self._value)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled; pass on what reveal() returns, by a channel made for secrets")


def as_secret(value: str | Secret) -> Secret:
    """Wraps a string; what is neither passes untouched, to be refused by validation."""
    return Secret(value) if is_a(value, str) else cast("Secret", value)


def as_optional_secret(value: str | Secret | None) -> Secret | None:
    """The same where the value may be unset."""
    return None if value is None else as_secret(value)


def as_secret_values(value: Mapping[str, str | Secret] | None) -> Mapping[str, Secret] | None:
    """Wraps the values of a mapping; anything else passes untouched, to be refused by validation."""
    mapping = as_object(value)
    if mapping is None:
        return cast("Mapping[str, Secret] | None", value)
    return {exact(name): as_secret(content) for name, content in mapping.items()}


def scrub(text: str, secrets: Iterable[Secret]) -> str:
    """The text with every secret in it masked: servers like to quote a credential in what they answer.

    Whatever looks like a JWT is masked too: it may be a fresh token in an answer that was not understood.
    """
    for hidden in sorted((s.reveal() for s in secrets), key=len, reverse=True):
        # Masking a one-letter header value would riddle the text, and such a value protects nothing.
        if len(hidden) >= 4:
            # Some servers escape the slashes of base64 in JSON.
            text = text.replace(hidden, MASK).replace(hidden.replace("/", "\\/"), MASK)
    return _JWT.sub(MASK, text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
