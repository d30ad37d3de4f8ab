"""What is tried again, after how long, and what is raised when not: the whole table, without a server."""

from __future__ import annotations

import itertools
import math
import random
import threading
from typing import Any

import attrs
import httpx
import pytest

from anam_facade import errors, retry
from anam_facade.retry import Doubt, Operation, Outcome, RetryBudget, RetryPolicy

MINT, TOKEN, DIRECT = Operation.MINT, Operation.START_WITH_TOKEN, Operation.START_DIRECT
AGAIN, RAISE, MAY, UNCERTAIN = "again", Doubt.NONE, Doubt.FAULT, Doubt.LOST


def status(code: int, error: str = "e", hint: str | None = None) -> errors.AnamStatusError:
    return errors.error_from_response(
        method="POST",
        path="/v1/x",
        status_code=code,
        headers=httpx.Headers({} if hint is None else {"Retry-After": hint}),
        body=f'{{"error": "{error}"}}'.encode(),
    )


# What happened on the first attempt → what to do when minting, starting with a token, starting directly.
TABLE: dict[str, tuple[errors.AnamError, Any, Any, Any]] = {
    "never sent": (errors.AnamConnectionError("e", sent=False), AGAIN, AGAIN, AGAIN),
    "never sent, time-out": (errors.AnamTimeoutError("e", sent=False), AGAIN, AGAIN, AGAIN),
    "408": (status(408), AGAIN, AGAIN, AGAIN),
    "429 with a hint": (status(429, hint="1"), AGAIN, AGAIN, AGAIN),
    "429 without": (status(429), AGAIN, AGAIN, AGAIN),
    "429 concurrency": (status(429, "Concurrent session limit reached", hint="1"), RAISE, RAISE, RAISE),
    "429 spend cap": (status(429, "Spend cap reached", hint="1"), RAISE, RAISE, RAISE),
    "503": (status(503), AGAIN, AGAIN, AGAIN),
    **{str(code): (status(code), AGAIN, AGAIN, MAY) for code in (500, 502, 504, 520)},
    "lost, reset": (errors.AnamConnectionError("e", sent=True), AGAIN, AGAIN, UNCERTAIN),
    "lost, time-out": (errors.AnamTimeoutError("e", sent=True), AGAIN, AGAIN, UNCERTAIN),
    "nonsense": (
        errors.AnamResponseError("e", status_code=200, body="", headers=httpx.Headers()),
        *(RAISE, UNCERTAIN, UNCERTAIN),
    ),
    **{str(code): (status(code), RAISE, RAISE, RAISE) for code in (302, 400, 401, 402, 403, 404, 409)},
    "closed": (errors.ClientClosedError("e", sent=False), RAISE, RAISE, RAISE),
    "never sent, for good": (errors.AnamConnectionError("e", sent=False, permanent=True), RAISE, RAISE, RAISE),
    "other": (errors.AnamError("e"), RAISE, RAISE, RAISE),
}
ERRORS = {name: row[0] for name, row in TABLE.items()}
BUSY, FAULT = ERRORS["503"], ERRORS["500"]


def decided(error: errors.AnamError, policy: RetryPolicy | None = None, **more: Any) -> Any:
    """What is decided about a failed attempt; about the first of a call that mints, without jitter."""
    policy = policy or RetryPolicy(jitter=0)
    usual = {"operation": MINT, "number": 1, "doubt": RAISE, "elapsed": 0.0, "rng": random.Random(1)}
    return retry.decide(error, policy=policy, **{**usual, "budget": RetryBudget(policy.budget), **more})


def test_the_table_names_every_outcome():
    """No kind of failure is missing in the table."""
    assert {retry.outcome(error) for error in ERRORS.values()} == set(Outcome)


@pytest.mark.parametrize("column", [MINT, TOKEN, DIRECT], ids=lambda operation: operation.name)
@pytest.mark.parametrize("name", TABLE)
def test_every_cell_of_the_table(name, column):
    """The first attempt failed: tried again or raised as the table says; without retries, as for a direct start."""
    error, *row = TABLE[name]
    expected = row[list(Operation).index(column)]
    assert retry.repeatable(column, retry.outcome(error)) is (expected is AGAIN)
    decision = decided(error, operation=column)
    assert not isinstance(decision, Doubt) if expected is AGAIN else decision is expected
    # Minting starts nothing, so no doubt is left of it; a start that is not repeated is as doubtful in both modes.
    doubt = RAISE if column is MINT or row[-1] is AGAIN else row[-1]
    assert decided(error, RetryPolicy(max_attempts=1), operation=column) is doubt


# A start with a token fails for good → what is raised when the attempts before it certainly started nothing (such as a
# 503), when one may have (a 500), and when the answer to one was lost.
FINALLY: list[tuple[tuple[str, ...], Doubt, Doubt, Doubt]] = [
    # After an attempt that may have won, these are the sign that it did; else they mean what they say.
    (("401", "409"), RAISE, UNCERTAIN, UNCERTAIN),
    # Exhausted or closed: the worst of what happened counts, not the last.
    (("never sent", "never sent, time-out", "408", "429 with a hint", "429 without", "503"), RAISE, MAY, UNCERTAIN),
    (("closed",), RAISE, MAY, UNCERTAIN),
    (("500", "502", "504", "520"), MAY, MAY, UNCERTAIN),
    (("lost, reset", "lost, time-out", "nonsense"), UNCERTAIN, UNCERTAIN, UNCERTAIN),
    # The slot in use, or the money spent, may be the doing of an earlier attempt.
    (("429 concurrency", "429 spend cap"), RAISE, MAY, UNCERTAIN),
    # What is wrong with the request was probably wrong with it before, but nobody knows.
    (("302", "400", "402", "403", "404", "never sent, for good", "other"), RAISE, MAY, MAY),
]


@pytest.mark.parametrize(("last", "expected"), [(name, row) for names, *row in FINALLY for name in names])
def test_what_is_raised_after_several_attempts(last, expected):
    """Doubt from an earlier attempt is never forgotten when the last one fails; minting starts nothing."""
    assert [retry.give_up(TOKEN, before, ERRORS[last]) for before in Doubt] == expected
    assert retry.give_up(MINT, RAISE, ERRORS[last]) is RAISE


def test_doubt_grows_only():
    """Of several attempts the most doubtful counts, in whichever order they failed."""
    assert {name for names, *_ in FINALLY for name in names} == TABLE.keys()
    for names, expected in (
        (["503", "408", "429 with a hint", "never sent"], RAISE),
        (["503", "500", "never sent"], MAY),
        (["500", "lost, reset", "503"], UNCERTAIN),
        (["lost, time-out", "500", "never sent"], UNCERTAIN),
    ):
        doubt = RAISE
        for name in names:
            doubt = retry.doubt_after(TOKEN, doubt, ERRORS[name])
        assert doubt is expected


TEN, NO_DEADLINE = {"deadline": 10}, {"deadline": None}


@pytest.mark.parametrize(
    ("policy", "error", "state", "pause"),
    [
        # Pauses double up to the longest, without overflow, and the attempt numbered `max_attempts` is the last.
        *(({}, BUSY, {"number": n}, pause) for n, pause in enumerate((0.25, 0.5, 1.0, 2.0, None, None), 1)),
        ({"max_attempts": 9}, BUSY, {"number": 5}, 2.0),
        ({"max_attempts": 200_000}, BUSY, {"number": 100_000}, 2.0),
        # What the server asks for replaces the pause, whatever the status, up to `max_retry_after`; never at once.
        *((NO_DEADLINE, status(code, hint="3"), {}, 3.0) for code in (408, 429, 500, 503)),
        *((NO_DEADLINE, status(503, hint=h), {}, p) for h, p in (("0", 0.25), ("30", 30.0), ("31", None))),
        # A pause after which too little time would be left before the deadline is not begun.
        *((TEN, BUSY, {"elapsed": t}, p) for t, p in ((0.0, 0.25), (8.75, 0.25), (8.76, None), (11.0, None))),
        ({"deadline": 1}, BUSY, {"elapsed": 0.65}, 0.25),
        (TEN, status(429, hint="20"), {}, None),
        (NO_DEADLINE, status(429, hint="20"), {"elapsed": 1e9}, 20.0),
    ],
    ids=itertools.count(),
)
def test_how_long_to_wait(policy, error, state, pause):
    """Without jitter: after a failed attempt so many seconds, or None when its error is raised."""
    assert decided(error, RetryPolicy(jitter=0, **policy), **state) == (RAISE if pause is None else pause)


def test_nobody_comes_back_earlier_than_asked_or_all_at_once():
    """A pause of our own is shortened at random, by its share at most; what a server asks for is lengthened."""
    rng = random.Random(7)
    pauses = [RetryPolicy(jitter=0.25).backoff(3, rng) for _ in range(300)]
    assert len(set(pauses)) > 250
    assert 0.75 <= min(pauses) < 0.78 < 0.97 < max(pauses) <= 1
    asked = [decided(status(429, hint="3"), RetryPolicy(), rng=rng) for _ in range(100)]
    assert len(set(asked)) > 90
    assert 3 <= min(asked) < max(asked) <= 3 + 0.25 * 0.25


def test_the_budget_is_used_up_and_earned_back():
    """Each success gives one retry back, up to the full budget; None is no limit, 0 allows none."""
    budget = RetryBudget(2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]
    for _ in range(5):
        budget.earn()
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    for capacity, spent in ((None, True), (0, False)):
        budget = RetryBudget(capacity)
        budget.earn()
        assert budget.spend() is spent


def test_the_budget_is_spent_on_retries_only():
    """An error that is not tried again, or has no time left, costs nothing; when it is used up, errors are raised."""
    budget = RetryBudget(1)
    decided(ERRORS["400"], budget=budget)
    decided(BUSY, number=5, budget=budget)
    decided(BUSY, elapsed=30, budget=budget)
    assert budget.spend()
    assert decided(BUSY, budget=budget) is RAISE
    assert decided(FAULT, operation=TOKEN, budget=budget) is MAY


def test_the_budget_is_safe_between_threads():
    """Two threads never spend the same retry."""
    budget, spent = RetryBudget(500), []
    threads = [threading.Thread(target=lambda: spent.extend([budget.spend() for _ in range(200)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spent.count(True) == 500


def test_the_defaults_of_a_policy():
    """The defaults are the documented ones."""
    durations = {"initial_backoff": 0.25, "max_backoff": 2.0, "max_retry_after": 30.0, "deadline": 30.0}
    assert attrs.asdict(RetryPolicy()) == {"max_attempts": 5, **durations, "jitter": 0.25, "budget": 250}


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("max_attempts", 0, "must be a whole number of at least 1 and at most 1e+06"),
        ("max_attempts", True, "must be a whole number"),
        ("initial_backoff", -0.1, "must be a finite number of at least 0 and at most 86400"),
        ("max_backoff", math.inf, "must be a finite number of at least 0"),
        ("max_retry_after", math.nan, "must be a finite number of at least 0"),
        ("deadline", "30", "must be a finite number above 0 and at most 86400, or None"),
        ("deadline", 0, "must be a finite number above 0"),
        ("jitter", 1.5, "must be a finite number of at least 0 and at most 1"),
        ("budget", -1, "must be a whole number of at least 0 and at most 1e+09, or None"),
    ],
)
def test_policies_are_checked(name, value, rule):
    """A value outside its bounds is refused by name."""
    with pytest.raises(errors.AnamConfigError) as caught:
        RetryPolicy(**{name: value})
    assert str(caught.value).startswith(f"RetryPolicy.{name} = {value!r}: {rule}")
