"""Faults as decisions: what may be said, which calls are hit, how they travel as JSON. No server is involved."""

from __future__ import annotations

import hashlib
import json
import pickle
from typing import Any

import pytest

from anam_facade.sandbox import Fault
from anam_facade.sandbox.faults import FaultPlan, chance

MINT, START = "createSessionToken", "createEngineSession"


def plan_of(*faults: Fault) -> FaultPlan:
    plan = FaultPlan()
    plan.add(*faults)
    return plan


def hits(plan: FaultPlan, calls: int, operation: str = START) -> list[int]:
    return [n for n in range(calls) if plan.decide(operation) is not None]


RATE: dict[str, Any] = {"status": 500, "rate": 0.2, "seed": 7}
SEQUENCE = [n for n in range(100) if chance(7, n) < 0.2]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 500}, list(range(110))),
        ({"status": 500, "times": 2}, [0, 1]),
        ({"status": 500, "times": 2, "after": 1}, [1, 2]),
        ({"status": 500, "after": 107}, [107, 108, 109]),
        ({"status": 500, "rate": 0.0}, []),
        ({"status": 500, "rate": 1.0}, list(range(110))),
        ({**RATE, "after": 10}, [n + 10 for n in SEQUENCE]),
        ({**RATE, "times": 3}, SEQUENCE[:3]),
        ({"status": 500, "operation": MINT}, []),
    ],
)
def test_the_calls_that_a_fault_hits(fault: dict[str, Any], expected: list[int]) -> None:
    """`after` spares the first and shifts the sequence of a rate, `times` ends it; another operation's are spared."""
    assert hits(plan_of(Fault(**fault)), 110) == expected


def test_a_fault_without_an_operation_counts_the_calls_of_both_until_it_is_cleared() -> None:
    """Of several the first that is due takes the call, and does not use up the others."""
    first, second = Fault(status=500, times=1), Fault(status=502, times=2)
    plan = plan_of(first, second)
    assert [plan.decide(name) for name in (MINT, START)] == [first, second]
    plan.clear()
    assert plan.decide(START) is None


def test_the_chance_is_what_the_documentation_says() -> None:
    """So that another language can foretell the sequence; the share is about right, another seed gives another."""
    bits = bin(int.from_bytes(hashlib.sha256(b"7:3").digest(), "big"))[2:].zfill(256)[:53]
    assert chance(7, 3) == sum(2.0 ** -(i + 1) for i, bit in enumerate(bits) if bit == "1")
    assert 340 < sum(chance(7, n) < 0.2 for n in range(2000)) < 460
    assert chance(8, 3) != chance(7, 3)


def test_a_session_meets_the_same_faults_however_calls_interleave() -> None:
    """With `per_session` each counts, and draws, by itself; `times` counts the hits of all."""
    fault = Fault(operation=START, status=503, rate=0.5, seed=3, per_session=True)

    def drawn(plan: FaultPlan, calls: str) -> dict[str, list[bool]]:
        met: dict[str, list[bool]] = {name: [] for name in calls}
        for name in calls:
            met[name].append(plan.decide(START, lambda name=name: name) is not None)  # type: ignore[misc]
        return met

    one_by_one = drawn(plan_of(fault), "a" * 8 + "b" * 8)
    assert (
        drawn(plan_of(fault), "ab" * 8)
        == one_by_one
        == {name: [chance(f"3:{name}", n) < 0.5 for n in range(8)] for name in "ab"}
    )
    assert one_by_one["a"] != one_by_one["b"]
    limited = Fault(status=503, per_session=True, after=1, times=1)
    assert drawn(plan_of(limited), "abab") == {"a": [False, True], "b": [False, False]}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation=MINT, status=429, headers={"Retry-After": "1"}, times=3, after=2),
        Fault(status=502, body="<html>", content_type="text/html", rate=0.5, seed=3),
        Fault(status=500, body=b"\xff\x00", processed=True),
        Fault(status=200, body={"sessionToken": 5}),
        Fault(status=200, body=""),
        Fault(status=200, body=False),
        Fault(endless=True, body="ha", delay_answer=2),
        Fault(
            operation=START, close="after", avatar_joins_after=1, avatar_leaves_after=0.0, avatar_never_finishes=True
        ),
    ],
)
def test_a_fault_survives_json(fault: Fault) -> None:
    """What to_dict writes, from_dict reads; it can be pickled, too, for a server in another process."""
    assert Fault.from_dict(json.loads(json.dumps(fault.to_dict()))) == fault
    assert pickle.loads(pickle.dumps(fault)) == fault


def test_only_what_is_set_is_written() -> None:
    """The defaults stay out of the JSON."""
    assert Fault(status=500, body=b"a").to_dict() == {"status": 500, "body_base64": "YQ=="}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ([], "object"),
        ({}, "must do something"),
        ({"status": 600}, "status"),
        ({"status": True}, "status"),
        ({"status": 503.0}, "status"),
        ({"status": 500, "times": 0}, "times"),
        ({"status": 500, "after": -1}, "after"),
        ({"status": 500, "rate": float("nan")}, "rate"),
        ({"status": 500, "operation": "createPersona"}, "operation"),
        ({"status": 500, "per_session": 1}, "per_session"),
        ({"delay": -1}, "delay"),
        ({"delay_answer": float("inf")}, "delay_answer"),
        ({"avatar_joins_after": 1, "status": 503, "operation": START}, "avatar_joins_after"),
        ({"avatar_never_finishes": True}, "avatar_never_finishes"),
        ({"close": "later"}, "close"),
        ({"close": "after", "status": 500}, "close"),
        ({"close": "before", "delay_answer": 1}, "delay_answer"),
        ({"truncate": True, "endless": True}, "truncate"),
        ({"processed": True, "delay": 1}, "processed"),
        ({"body": "x", "truncate": True}, "body"),
        ({"content_type": "text/html", "delay": 1}, "content_type"),
        ({"status": 500, "content_type": "a\nb"}, "content_type"),
        ({"status": 500, "body": object()}, "body"),
        ({"status": 500, "body": "\ud800"}, "body"),
        ({"status": 500, "headers": {"a b": "c"}}, "headers"),
        ({"status": 500, "headers": {"a": "b\r\nc: d"}}, "headers"),
        ({"status": 500, "headers": ["a"]}, "headers"),
        ({"status": 500, "headers": {"Content-Length": "5"}}, "truncate"),
        ({"delay": 1, "headers": {"a": "b"}}, "headers"),
        ({"status": 500, "statsu": 1}, "statsu"),
        ({"status": 500, "body_base64": "é"}, "body_base64"),
        # A socket has no status and no headers, and one that was closed is told nothing.
        ({"operation": "signalling"}, "must do something"),
        ({"operation": "signalling", "status": 500}, "signalling"),
        ({"operation": "signalling", "headers": {"A": "b"}, "body": "x"}, "signalling"),
        ({"operation": "signalling", "body": "x", "close": "after"}, "close"),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(wrong: Any, named: str) -> None:
    """The message names what is wrong, from Python and from JSON alike."""
    with pytest.raises((TypeError, ValueError), match=named):
        Fault.from_dict(wrong)


def test_a_fault_does_not_follow_the_mapping_it_was_made_from() -> None:
    """It is frozen as a whole."""
    headers = {"Retry-After": "1"}
    fault = Fault(status=429, headers=headers)
    headers["Retry-After"] = "2"
    assert fault.headers == {"Retry-After": "1"}
