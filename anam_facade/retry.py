"""Whether to try again, after how long, and what to raise when not: decisions only, no I/O.

A session token is single-use, so a start repeated with the *same* token cannot start a second session. A start in
direct mode has no such guard, so it is repeated only when it certainly started nothing.
"""

from __future__ import annotations

import os
import random
import threading
from collections import defaultdict
from collections.abc import Callable
from enum import Enum, IntEnum, auto
from typing import Any

import attrs
from attrs import field

from anam_api.support import shown

from .errors import (
    AnamConfigError,
    AnamConnectionError,
    AnamError,
    AnamResponseError,
    AnamStatusError,
    ClientClosedError,
    ConcurrencyLimitError,
    Problem,
    RateLimitError,
    SpendCapError,
)

A_DAY = 86_400.0
"""No duration is longer, so that none overflows what it is handed to."""


def _number(
    low: float, high: float, *, whole: bool = False, above: bool = False, optional: bool = False
) -> Callable[..., None]:
    rule = f"must be a {'whole' if whole else 'finite'} number {'above' if above else 'of at least'} {low:g}"
    rule += f" and at most {high:g}" + ", or None" * optional
    kinds = (int,) if whole else (int, float)

    def check(instance: object, attribute: attrs.Attribute[float], value: Any) -> None:
        fits = isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high
        if (not fits or (above and value == low)) and not (optional and value is None):
            raise AnamConfigError(Problem(f"RetryPolicy.{attribute.name}", shown(value), rule))

    return check


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When and how often to try again. Durations are in seconds.

    The pauses grow by doubling: with the defaults 0.25, 0.5, 1 and 2 s, each shortened by up to a quarter at random, so
    that an outage of two seconds is outlasted. What the server asks for (`Retry-After`, `RateLimit-Reset`) takes
    precedence.

    Args:
        max_attempts: How often a request is sent at most, the first time included; 1 switches retries off.
        initial_backoff: First pause.
        max_backoff: Longest pause.
        max_retry_after: What the server asks for is obeyed up to this; when it asks for more, its error is raised.
        deadline: A call's attempts and pauses together take no longer than this; a pause that would is not begun. None
            means no limit. For `start_session` it holds for minting and starting together.
        jitter: The share of each pause that is random, from 0 to 1.
        budget: How many retries a client may be ahead of its successes, all callers taken together, for each operation;
            once it is used up, calls fail at the first error, so that a server in trouble is not hit harder. Each
            success gives one back. None means no limit.

    Raises:
        AnamConfigError: A value is out of bounds.
    """

    max_attempts: int = field(default=5, validator=_number(1, 1_000_000, whole=True))
    initial_backoff: float = field(default=0.25, validator=_number(0, A_DAY))
    max_backoff: float = field(default=2.0, validator=_number(0, A_DAY))
    max_retry_after: float = field(default=30.0, validator=_number(0, A_DAY))
    deadline: float | None = field(default=30.0, validator=_number(0, A_DAY, above=True, optional=True))
    jitter: float = field(default=0.25, validator=_number(0, 1))
    budget: int | None = field(default=250, validator=_number(0, 1_000_000_000, whole=True, optional=True))

    @property
    def least(self) -> float:
        """Seconds that must be left before the deadline for an attempt to be worth sending.

        One that has no time to be answered would turn a plain refusal into an uncertain start.
        """
        return 0.0 if self.deadline is None else min(1.0, self.deadline / 10)

    def backoff(self, attempt: int, rng: random.Random) -> float:
        """The pause after the given attempt (counted from 1) when the server asks for none."""
        pause = min(self.max_backoff, self.initial_backoff * 2.0 ** min(attempt - 1, 60))
        return pause * (1 - self.jitter * rng.random())


class RetryBudget:
    """How many retries a client has left; shared by all its calls, from any thread.

    The idea is gRPC's retry throttling and botocore's retry quota: when most calls fail, retries stop.
    """

    def __init__(self, capacity: int | None) -> None:
        self._capacity = capacity
        self._left = capacity or 0
        # One for each process: a fork may come while another thread holds it.
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    @property
    def left(self) -> int | None:
        """How many retries are left; None when they are not limited."""
        return None if self._capacity is None else self._left

    def spend(self) -> bool:
        """Takes one retry; False when none is left."""
        if self._capacity is None:
            return True
        with self._locks[os.getpid()]:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def earn(self) -> None:
        """A call succeeded."""
        if self._capacity is not None and self._left < self._capacity:
            with self._locks[os.getpid()]:
                self._left = min(self._capacity, self._left + 1)


class Operation(Enum):
    """What is being tried; what may be repeated depends on it."""

    MINT = "mint a session token"
    START_WITH_TOKEN = "start a session"  # noqa: S105 - words for a log line
    START_DIRECT = "start a session directly"


class Outcome(Enum):
    """What a failure says about the request's effect."""

    NEVER_SENT = auto()
    """DNS, connect, TLS, pool: the server knows nothing of it."""
    NOT_NOW = auto()
    """408, 429 without a plan limit, 503: refused without effect; later it may pass."""
    SERVER_FAULT = auto()
    """Any other 5xx: it may have had its effect."""
    ANSWER_LOST = auto()
    """Sent, then time-out, reset or an answer cut short: it may well have had its effect."""
    NONSENSE = auto()
    """2xx, but not what the contract promises: it probably had its effect."""
    TOKEN_REFUSED = auto()
    """401 or 409: on a repeated start, the sign that the first try used the token up."""
    REFUSED = auto()
    """Any other status, plan limits and permanent obstacles included: trying again changes nothing."""
    CLOSED = auto()
    """The client was closed."""


class Doubt(IntEnum):
    """How likely an attempt started a session although it failed; of several attempts, the greatest counts."""

    NONE = 0
    """It did not."""
    FAULT = 1
    """It may have; the error that is raised says so (`may_have_started`)."""
    LOST = 2
    """Nobody knows: `SessionStartUncertainError` is raised, caused by the error."""


def outcome(error: AnamError) -> Outcome:
    """What the failure of one attempt says."""
    match error:
        case ClientClosedError():
            return Outcome.CLOSED
        case AnamConnectionError(permanent=True):
            return Outcome.REFUSED
        case AnamConnectionError():
            return Outcome.ANSWER_LOST if error.sent else Outcome.NEVER_SENT
        case AnamResponseError():
            return Outcome.ANSWER_LOST if error.truncated else Outcome.NONSENSE
        case ConcurrencyLimitError() | SpendCapError():
            return Outcome.REFUSED
        case RateLimitError() | AnamStatusError(status_code=408 | 503):
            return Outcome.NOT_NOW
        case AnamStatusError(status_code=401 | 409):
            return Outcome.TOKEN_REFUSED
        case AnamStatusError() if error.status_code >= 500:
            return Outcome.SERVER_FAULT
    return Outcome.REFUSED


_DOUBT = {
    Outcome.SERVER_FAULT: Doubt.FAULT,
    Outcome.ANSWER_LOST: Doubt.LOST,
    Outcome.NONSENSE: Doubt.LOST,
}


def doubt_after(operation: Operation, before: Doubt, error: AnamError) -> Doubt:
    """What is open after one more failed attempt. Minting starts nothing, so nothing is ever open."""
    if operation is Operation.MINT:
        return Doubt.NONE
    return max(before, _DOUBT.get(outcome(error), Doubt.NONE))


def decide(
    error: AnamError,
    *,
    operation: Operation,
    number: int,
    doubt: Doubt,
    elapsed: float,
    policy: RetryPolicy,
    budget: RetryBudget,
    rng: random.Random,
) -> float | Doubt:
    """What to do about a failed attempt: try again after so many seconds; or raise, with that doubt.

    Args:
        error: What the attempt failed with.
        operation: What is being tried.
        number: Which attempt failed, counted from 1.
        doubt: What the attempts before this one left open.
        elapsed: Seconds since the call began.
        policy: When and how often to try again.
        budget: What a retry is taken from.
        rng: Shortens and lengthens pauses.
    """
    if repeatable(operation, outcome(error)) and number < policy.max_attempts:
        delay = _delay(number, error, policy, rng)
        in_time = policy.deadline is None or elapsed + (delay or 0) + policy.least <= policy.deadline
        if delay is not None and in_time and budget.spend():
            return delay
    return give_up(operation, doubt, error)


def repeatable(operation: Operation, what: Outcome) -> bool:
    """Whether another attempt can help and cannot harm."""
    if what in (Outcome.NEVER_SENT, Outcome.NOT_NOW):
        return True
    return what in (Outcome.SERVER_FAULT, Outcome.ANSWER_LOST) and operation is not Operation.START_DIRECT


def give_up(operation: Operation, before: Doubt, error: AnamError) -> Doubt:
    """With which doubt to put a final failure to the caller."""
    what = outcome(error)
    if before > Doubt.NONE and what is Outcome.TOKEN_REFUSED:
        return Doubt.LOST  # it was used up, then
    if (
        before > Doubt.NONE
        and what is Outcome.REFUSED
        and not isinstance(error, (ConcurrencyLimitError, SpendCapError))
    ):
        # Whatever made the server refuse this attempt most likely held for the earlier ones too; yet it is said.
        return Doubt.FAULT
    return doubt_after(operation, before, error)


def _delay(number: int, error: AnamError, policy: RetryPolicy, rng: random.Random) -> float | None:
    hint = error.retry_after if isinstance(error, AnamStatusError) else None
    if hint is None:
        return policy.backoff(number, rng)
    if hint > policy.max_retry_after:
        return None  # coming earlier than asked would be in vain
    # Never earlier than asked, nor at once; a little later, lest all who were told the same second come back in it.
    return max(hint, policy.initial_backoff) + policy.initial_backoff * policy.jitter * rng.random()
