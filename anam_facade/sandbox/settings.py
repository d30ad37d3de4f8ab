"""What can be said about the account and the server, when the sandbox is made or while it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self


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

    max_sessions: int | None = None
    strict: bool = False
    latency: tuple[float, float] = (0.0, 0.0)
    used_token_status: int = 401
    token_lifetime: float = 3600.0
    has_plan: bool = True
    spend_cap_reached: bool = False
    gated_models: tuple[str, ...] = ("cara-4-latest",)
    record_all: bool = False
    unknown_avatars: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # What arrives over HTTP or from an untyped program may have any type.
        given: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("strict", "has_plan", "spend_cap_reached", "record_all"):
            if not isinstance(given[name], bool):
                raise TypeError(f"{name} must be true or false, not {given[name]!r}")
        slots, latency = given["max_sessions"], given["latency"]
        if slots is not None and (isinstance(slots, bool) or not isinstance(slots, int)):
            raise TypeError(f"max_sessions must be a whole number or None, not {slots!r}")
        if slots is not None and slots < 0:
            raise ValueError(f"max_sessions must be at least 0, not {slots}")
        if given["used_token_status"] not in (401, 409):
            raise ValueError(f"used_token_status must be 401 or 409, not {given['used_token_status']!r}")
        if not _is_seconds(given["token_lifetime"]) or given["token_lifetime"] == 0:
            raise ValueError(f"token_lifetime must be a positive number of seconds, not {given['token_lifetime']!r}")
        if not isinstance(latency, tuple | list) or len(latency) != 2 or not all(map(_is_seconds, latency)):
            raise ValueError(f"latency must be two numbers of seconds, (mint, start), not {latency!r}")
        for name in ("gated_models", "unknown_avatars"):
            names = given[name]
            if not isinstance(names, tuple | list) or not all(isinstance(item, str) for item in names):
                raise TypeError(f"{name} must be a list of names, not {names!r}")
            object.__setattr__(self, name, tuple(names))
        object.__setattr__(self, "latency", tuple(latency))

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """A copy with some values replaced.

        Raises:
            ValueError: An unknown name, or a value out of bounds.
            TypeError: A value of the wrong type, or no mapping at all.
        """
        if not isinstance(changes, Mapping):
            raise TypeError(f"settings must be an object, not {type(changes).__name__}")
        known = [f.name for f in fields(self)]
        unknown = [str(name) for name in changes if name not in known]
        if unknown:
            raise ValueError(f"there is no setting {', '.join(unknown)}; known are {', '.join(known)}")
        return replace(self, **changes)


def checked_seconds(value: Any) -> float:
    """A number of seconds, finite and at least 0.

    Raises:
        ValueError: It is something else.
    """
    if not _is_seconds(value):
        raise ValueError(f"seconds must be a finite number, at least 0, not {value!r}")
    return float(value)


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
