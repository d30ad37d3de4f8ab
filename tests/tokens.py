"""Tokens as Anam and LiveKit make them: JWTs, signed with a key that nobody here checks."""

from __future__ import annotations

from collections.abc import Mapping

import jwt


def signed(claims: Mapping[str, object] | None = None, /, **more: object) -> str:
    """A token that says so much."""
    return jwt.encode({**(claims or {}), **more}, "k" * 32)
