"""Errors that are ours and LiveKit's at once, so that a program catches them by either name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from livekit.agents import APIConnectionError, APIError, APIStatusError, APITimeoutError

from ..errors import (
    AnamConfigError,
    AnamConnectionError,
    AnamError,
    AnamStatusError,
    AnamTimeoutError,
    RateLimitError,
    SessionStartUncertainError,
)


@contextmanager
def framework_errors() -> Iterator[None]:
    """Raises what is ours as LiveKit's too; an `AnamConfigError` stays as it is, which is a `ValueError`."""
    try:
        yield
    except AnamConfigError:
        raise
    except AnamError as error:
        raise both(error) from error


def both(error: AnamError) -> AnamError:
    """The same error, of a class that derives from LiveKit's as well.

    `retryable`, by which the framework decides whether to try again, is True only where that can help and cannot start
    a second session.
    """
    theirs, retryable = _counterpart(error)
    joint: Any = _class(type(error), theirs)(*error.args)  # type: ignore[arg-type] # mypy: a class has no hash
    # Not through their constructors, which disagree about arguments; `message` and the others are public in both.
    defaults = {"body": None, "status_code": -1, "request_id": None}
    vars(joint).update({**defaults, **vars(error), "message": str(error), "retryable": retryable})
    joint.__cause__ = error
    found: AnamError = joint
    return found


def _counterpart(error: AnamError) -> tuple[tuple[type[Exception], ...], bool]:
    unharmful = not error.may_have_started
    match error:
        case AnamStatusError():
            transient = isinstance(error, RateLimitError) or error.status_code == 408 or error.status_code >= 500
            return (APIStatusError,), transient and unharmful
        case SessionStartUncertainError():
            return (APIConnectionError,), False
        case AnamTimeoutError():
            return (APITimeoutError,), unharmful
        case AnamConnectionError():
            return (APIConnectionError,), unharmful
    # An answer without the token: the plugin's own exception, which whoever catches it has imported.
    plugin = sys.modules.get("livekit.plugins.anam.errors")
    return ((plugin.AnamException, APIError) if plugin else (APIError,)), False


@cache
def _class(ours: type[AnamError], theirs: tuple[type[Exception], ...]) -> type[AnamError]:
    methods = {
        "__init__": Exception.__init__,
        "__str__": ours.__str__,
        "__reduce__": lambda self: (both, (self.__cause__,)),
        "__module__": __name__,
        "__doc__": ours.__doc__,
    }
    return type(ours.__name__, (*theirs, ours), methods)
