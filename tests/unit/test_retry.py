"""What is tried again, after how long, and what is raised when not: the whole table, without a server."""

from __future__ import annotations

import itertools
import math
import random
import threading

import attrs
import httpx
import pytest

from anam_facade import (
    AnamConfigError,
    AnamConnectionError,
    AnamError,
    AnamResponseError,
    AnamTimeoutError,
    ClientClosedError,
    RetryPolicy,
)
from anam_facade.errors import error_from_response
from anam_facade.retry import (
    Doubt,
    Operation,
    Outcome,
    RetryBudget,
    decide,
    doubt_after,
    give_up,
    outcome,
    repeatable,
)

MINT, TOKEN, DIRECT = Operation.MINT, Operation.START_WITH_TOKEN, Operation.START_DIRECT
STEADY = RetryPolicy(jitter=0)


def status(code: int, error: str = "e", **headers: str) -> AnamError:
    return error_from_response(
        method="POST",
        path="/v1/x",
        status_code=code,
        headers=httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()}),
        body=f'{{"error": "{error}"}}'.encode(),
    )


AGAIN, RAISE, MAY, UNCERTAIN = "again", Doubt.NONE, Doubt.FAULT, Doubt.LOST

NONSENSE = AnamResponseError("e", status_code=200, body="", headers=httpx.Headers())

# What happened on the first attempt → what to do when minting, starting with a token, starting directly.
TABLE = {
    "never sent": (AnamConnectionError("e", sent=False), AGAIN, AGAIN, AGAIN),
    "never sent, time-out": (AnamTimeoutError("e", sent=False), AGAIN, AGAIN, AGAIN),
    "408": (status(408), AGAIN, AGAIN, AGAIN),
    "429 with a hint": (status(429, Retry_After="1"), AGAIN, AGAIN, AGAIN),
    "429 without": (status(429), AGAIN, AGAIN, AGAIN),
    "429 concurrency": (status(429, "Concurrent session limit reached", Retry_After="1"), RAISE, RAISE, RAISE),
    "429 spend cap": (status(429, "Spend cap reached", Retry_After="1"), RAISE, RAISE, RAISE),
    "503": (status(503), AGAIN, AGAIN, AGAIN),
    "500": (status(500), AGAIN, AGAIN, MAY),
    "502": (status(502), AGAIN, AGAIN, MAY),
    "504": (status(504), AGAIN, AGAIN, MAY),
    "520": (status(520), AGAIN, AGAIN, MAY),
    "lost, reset": (AnamConnectionError("e", sent=True), AGAIN, AGAIN, UNCERTAIN),
    "lost, time-out": (AnamTimeoutError("e", sent=True), AGAIN, AGAIN, UNCERTAIN),
    "nonsense": (NONSENSE, RAISE, UNCERTAIN, UNCERTAIN),
    "401": (status(401), RAISE, RAISE, RAISE),
    "409": (status(409), RAISE, RAISE, RAISE),
    "400": (status(400), RAISE, RAISE, RAISE),
    "402": (status(402), RAISE, RAISE, RAISE),
    "403": (status(403), RAISE, RAISE, RAISE),
    "404": (status(404), RAISE, RAISE, RAISE),
    "302": (status(302), RAISE, RAISE, RAISE),
    "closed": (ClientClosedError("e", sent=False), RAISE, RAISE, RAISE),
    "never sent, for good": (AnamConnectionError("e", sent=False, permanent=True), RAISE, RAISE, RAISE),
    "other": (AnamError("e"), RAISE, RAISE, RAISE),
}
ERRORS: dict[str, AnamError] = {name: row[0] for name, row in TABLE.items()}
CELLS = [
    pytest.param(name, operation, expected, id=f"{name}-{operation.name}")
    for name, (_, *row) in TABLE.items()
    for operation, expected in zip((MINT, TOKEN, DIRECT), row, strict=True)
]


def decided(
    error: AnamError,
    operation: Operation = MINT,
    number: int = 1,
    doubt: Doubt = Doubt.NONE,
    elapsed: float = 0.0,
    policy: RetryPolicy = STEADY,
    budget: RetryBudget | None = None,
    rng: random.Random | None = None,
) -> float | Doubt:
    return decide(
        error,
        operation=operation,
        number=number,
        doubt=doubt,
        elapsed=elapsed,
        policy=policy,
        budget=budget or RetryBudget(policy.budget),
        rng=rng or random.Random(1),
    )


def is_again(decision: float | Doubt) -> bool:
    return not isinstance(decision, Doubt)


def test_the_table_names_every_error():
    """No kind of failure is missing in the table."""
    assert {outcome(error) for error in ERRORS.values()} == set(Outcome)


@pytest.mark.parametrize(("name", "operation", "expected"), CELLS)
def test_every_cell_of_the_table(name, operation, expected):
    """The first attempt failed: whether it is tried again, and if not what is raised, is what the table says."""
    decision = decided(ERRORS[name], operation)
    assert repeatable(operation, outcome(ERRORS[name])) is (expected is AGAIN)
    assert is_again(decision) if expected is AGAIN else decision is expected


@pytest.mark.parametrize(("name", "operation", "expected"), CELLS)
def test_without_retries_every_error_is_raised(name, operation, expected):
    """With `max_attempts=1` nothing is tried again, and a start's unknown fate is still told."""
    decision = decided(ERRORS[name], operation, policy=RetryPolicy(max_attempts=1))
    doubtful = {"500": MAY, "502": MAY, "504": MAY, "520": MAY, "lost, reset": UNCERTAIN, "lost, time-out": UNCERTAIN}
    if expected is AGAIN:
        expected = doubtful.get(name, RAISE) if operation is not MINT else RAISE
    assert decision is expected


# A start with a token: the failures so far, the last one being final → what is raised.
HISTORIES = [
    # 401 and 409 after an attempt that may have won are the sign that it did; after others they mean what they say.
    (["500"], "401", UNCERTAIN),
    (["lost, time-out"], "409", UNCERTAIN),
    (["lost, reset", "503", "never sent"], "401", UNCERTAIN),
    (["503", "408", "429 with a hint", "never sent"], "401", RAISE),
    (["503"], "409", RAISE),
    # Exhausted: the worst of what happened counts, not the last.
    (["never sent"], "503", RAISE),
    (["500"], "503", MAY),
    (["503"], "500", MAY),
    (["500"], "closed", MAY),
    (["500"], "lost, reset", UNCERTAIN),
    (["lost, reset"], "500", UNCERTAIN),
    (["lost, reset"], "never sent", UNCERTAIN),
    (["lost, reset"], "429 with a hint", UNCERTAIN),
    (["lost, reset"], "closed", UNCERTAIN),
    (["500"], "nonsense", UNCERTAIN),
    # The slot in use, or the money spent, may be the doing of the first attempt.
    (["lost, reset"], "429 concurrency", UNCERTAIN),
    (["500"], "429 spend cap", MAY),
    (["503"], "429 concurrency", RAISE),
    # What is wrong with the request was probably wrong with it before, but nobody knows.
    (["lost, reset"], "400", MAY),
    (["500"], "403", MAY),
    (["503"], "400", RAISE),
]


@pytest.mark.parametrize(
    ("earlier", "final", "expected"), HISTORIES, ids=[f"{'+'.join(e)}+{f}" for e, f, _ in HISTORIES]
)
def test_what_is_raised_after_several_attempts(earlier, final, expected):
    """Doubt from an earlier attempt is never forgotten when the last one fails."""
    doubt = Doubt.NONE
    for name in earlier:
        doubt = doubt_after(TOKEN, doubt, ERRORS[name])
    assert give_up(TOKEN, doubt, ERRORS[final]) == expected


# Pauses.


def test_pauses_grow_by_doubling_up_to_the_longest():
    """Without jitter the pauses are 0.25, 0.5, 1, 2, 2 … seconds."""
    policy = RetryPolicy(jitter=0, max_attempts=9)
    assert [decided(ERRORS["503"], number=n, policy=policy) for n in range(1, 6)] == [0.25, 0.5, 1.0, 2.0, 2.0]


def test_the_pause_of_a_late_attempt_is_still_a_number():
    """Doubling does not overflow, however many attempts there are."""
    assert RetryPolicy(jitter=0).backoff(100_000, random.Random(1)) == 2.0


def test_jitter_shortens_a_pause_by_its_share_at_most():
    """Pauses differ, are never longer than without jitter, and shorter by its share at most."""
    rng = random.Random(7)
    pauses = [RetryPolicy(jitter=0.25).backoff(3, rng) for _ in range(300)]
    assert len(set(pauses)) > 250
    assert 0.75 <= min(pauses) < 0.78
    assert 0.97 < max(pauses) <= 1


@pytest.mark.parametrize(
    ("hint", "pause"), [("0", 0.25), ("3", 3.0), ("29", 29.0), ("30", 30.0), ("31", None), ("9999999", None)]
)
def test_the_servers_hint_is_obeyed_up_to_a_limit(hint, pause):
    """What the server asks for replaces the pause; beyond `max_retry_after` its error is raised at once."""
    policy = RetryPolicy(jitter=0, deadline=None)
    for code in (408, 429, 500, 503):
        assert decided(status(code, Retry_After=hint), policy=policy) == (RAISE if pause is None else pause)


def test_nobody_comes_back_earlier_than_asked_or_all_at_once():
    """A hint is lengthened a little at random, never shortened."""
    rng = random.Random(7)
    pauses = [decided(status(429, Retry_After="3"), policy=RetryPolicy(), rng=rng) for _ in range(100)]
    assert len(set(pauses)) > 90
    assert min(pauses) >= 3
    assert max(pauses) <= 3 + 0.25 * 0.25


@pytest.mark.parametrize(
    ("elapsed", "again"), [(0.0, True), (5.0, True), (9.75, False), (9.9, False), (10.0, False), (11.0, False)]
)
def test_no_pause_goes_past_the_deadline(elapsed, again):
    """A pause that would end at or after the deadline is not begun."""
    decision = decided(ERRORS["503"], elapsed=elapsed, policy=RetryPolicy(jitter=0, deadline=10))
    assert is_again(decision) is again


def test_a_hint_past_the_deadline_is_not_waited_for():
    """If the server asks for more than there is time, its error is raised at once; without a deadline there is time."""
    late = status(429, Retry_After="20")
    assert decided(late, policy=RetryPolicy(deadline=10)) is RAISE
    assert is_again(decided(late, elapsed=1e9, policy=RetryPolicy(deadline=None)))


@pytest.mark.parametrize(("number", "again"), [(1, True), (2, True), (3, False), (4, False)])
def test_attempts_are_limited(number, again):
    """The attempt numbered `max_attempts` is the last."""
    assert is_again(decided(ERRORS["503"], number=number, policy=RetryPolicy(max_attempts=3))) is again


# The budget.


def test_the_budget_is_used_up_and_earned_back():
    """Retries stop when the budget is used up, and each success gives one back, up to the full budget."""
    budget = RetryBudget(2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]
    for _ in range(5):
        budget.earn()
    assert [budget.spend() for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(("capacity", "spent"), [(None, True), (0, False)])
def test_no_limit_and_no_retries_at_all(capacity, spent):
    """None is no limit; 0 allows no retry."""
    budget = RetryBudget(capacity)
    budget.earn()
    assert budget.spend() is spent


def test_an_empty_budget_raises_the_error():
    """With the budget used up the first error is raised, with its doubt."""
    assert decided(ERRORS["503"], budget=RetryBudget(0)) == RAISE
    assert decided(ERRORS["500"], TOKEN, budget=RetryBudget(0)) == MAY


def test_the_budget_is_spent_on_retries_only():
    """An error that is not tried again, or has no time left, costs nothing."""
    budget = RetryBudget(1)
    decided(ERRORS["400"], budget=budget)
    decided(ERRORS["503"], number=5, budget=budget)
    decided(ERRORS["503"], elapsed=30, budget=budget)
    assert budget.spend()


def test_the_budget_is_safe_between_threads():
    """Two threads never spend the same retry."""
    budget, spent = RetryBudget(500), []

    def spend():
        spent.extend([budget.spend() for _ in range(200)])

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spent.count(True) == 500


# The policy.


def test_the_defaults_of_a_policy():
    """The defaults are the documented ones."""
    assert attrs.asdict(RetryPolicy()) == {
        "max_attempts": 5,
        "initial_backoff": 0.25,
        "max_backoff": 2.0,
        "max_retry_after": 30.0,
        "deadline": 30.0,
        "jitter": 0.25,
        "budget": 250,
    }
    assert RetryPolicy(budget=None).budget is None


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"max_attempts": 0}, "RetryPolicy.max_attempts = 0: must be"),
        ({"max_attempts": True}, "RetryPolicy.max_attempts = True: must be"),
        ({"initial_backoff": -0.1}, "RetryPolicy.initial_backoff = -0.1: must be a finite number of at least 0"),
        ({"max_backoff": math.inf}, "RetryPolicy.max_backoff = inf: must be a finite number of at least 0"),
        ({"max_retry_after": math.nan}, "RetryPolicy.max_retry_after = nan: must be a finite number of at least 0"),
        ({"deadline": "30"}, "RetryPolicy.deadline = '30': must be"),
        ({"deadline": 0}, "RetryPolicy.deadline = 0: must be"),
        ({"jitter": 1.5}, "RetryPolicy.jitter = 1.5: must be"),
        ({"budget": -1}, "RetryPolicy.budget = -1: must be"),
    ],
    ids=itertools.count(),
)
def test_policies_are_checked(arguments, text):
    """A value outside its bounds is refused by name."""
    with pytest.raises(AnamConfigError) as caught:
        RetryPolicy(**arguments)
    assert str(caught.value).startswith(text)
