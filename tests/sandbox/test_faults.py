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


def hits(plan: FaultPlan, calls: int, operation: str = START) -> list[int]:
    return [n for n in range(calls) if plan.decide(operation) is not None]


def plan_of(*faults: Fault) -> FaultPlan:
    plan = FaultPlan()
    plan.add(*faults)
    return plan


def test_a_fault_without_limits_hits_every_call_until_it_is_cleared() -> None:
    """Neither times nor rate means always."""
    plan = plan_of(Fault(status=500))
    assert hits(plan, 5) == [0, 1, 2, 3, 4]
    plan.clear()
    assert hits(plan, 5) == []


def test_times_and_after_pick_a_window() -> None:
    """The first `after` calls are spared, the next `times` are hit."""
    assert hits(plan_of(Fault(status=500, times=2)), 5) == [0, 1]
    assert hits(plan_of(Fault(status=500, times=2, after=1)), 5) == [1, 2]
    assert hits(plan_of(Fault(status=500, after=3)), 5) == [3, 4]


def test_a_fault_counts_only_the_calls_of_its_operation() -> None:
    """Calls of the other operation neither meet it nor use it up; without an operation both do."""
    plan = plan_of(Fault(operation="createEngineSession", status=500, times=1))
    assert hits(plan, 3, MINT) == []
    assert hits(plan, 3, START) == [0]
    assert [plan_of(both := Fault(status=500)).decide(name) for name in (MINT, START)] == [both, both]


def test_of_several_faults_the_first_that_is_due_takes_the_call() -> None:
    """A call that one fault took does not use up another."""
    first, second = Fault(status=500, times=1), Fault(status=502, times=1)
    plan = plan_of(first, second)
    assert [plan.decide(START) for _ in range(3)] == [first, second, None]


def test_a_rate_is_a_fixed_sequence() -> None:
    """The same seed gives the same calls to everyone; another seed gives others; the share is about right."""
    sequence = hits(plan_of(Fault(status=500, rate=0.2, seed=7)), 2000)
    assert sequence == hits(plan_of(Fault(status=500, rate=0.2, seed=7)), 2000)
    assert sequence != hits(plan_of(Fault(status=500, rate=0.2, seed=8)), 2000)
    assert 340 < len(sequence) < 460
    assert hits(plan_of(Fault(status=500, rate=0.0)), 100) == []
    assert hits(plan_of(Fault(status=500, rate=1.0)), 100) == list(range(100))


def test_a_rate_goes_with_after_and_times() -> None:
    """`after` shifts the sequence, `times` ends it."""
    sequence = hits(plan_of(Fault(status=500, rate=0.2, seed=7)), 100)
    assert hits(plan_of(Fault(status=500, rate=0.2, seed=7, after=10)), 110) == [n + 10 for n in sequence]
    assert hits(plan_of(Fault(status=500, rate=0.2, seed=7, times=3)), 100) == sequence[:3]


def test_the_chance_is_what_the_documentation_says() -> None:
    """So that another language can foretell the sequence."""
    bits = bin(int.from_bytes(hashlib.sha256(b"7:3").digest(), "big"))[2:].zfill(256)[:53]
    assert chance(7, 3) == sum(2.0 ** -(i + 1) for i, bit in enumerate(bits) if bit == "1")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=503),
        Fault(operation="createSessionToken", status=429, headers={"Retry-After": "1"}, times=3, after=2),
        Fault(status=502, body="<html>", content_type="text/html", rate=0.5, seed=3),
        Fault(status=500, body=b"\xff\x00", processed=True),
        Fault(status=200, body={"sessionToken": 5}),
        Fault(status=200, body=""),
        Fault(status=200, body=0),
        Fault(status=200, body=False),
        Fault(close="after", delay=1.5),
        Fault(truncate=True, drip=0.1),
        Fault(endless=True, body="ha", delay_answer=2),
        Fault(operation=START, avatar_never_joins=True),
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
    assert Fault(status=503).to_dict() == {"status": 503}
    assert Fault(status=500, body=b"a").to_dict() == {"status": 500, "body_base64": "YQ=="}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({}, "must do something"),
        ({"times": 3}, "must do something"),
        ({"status": 600}, "status"),
        ({"avatar_never_joins": 1}, "avatar_never_joins"),
        ({"avatar_leaves_after": -1}, "avatar_leaves_after"),
        ({"avatar_joins_after": 1, "status": 503, "operation": START}, "avatar_joins_after"),
        ({"avatar_never_finishes": True}, "avatar_never_finishes"),
        ({"status": 100}, "status"),
        ({"status": "503"}, "status"),
        ({"status": True}, "status"),
        ({"status": 500, "times": 0}, "times"),
        ({"status": 500, "times": 1.5}, "times"),
        ({"status": 500, "after": -1}, "after"),
        ({"status": 500, "rate": 1.1}, "rate"),
        ({"status": 500, "rate": float("nan")}, "rate"),
        ({"status": 500, "rate": "often"}, "rate"),
        ({"status": 500, "operation": "createPersona"}, "operation"),
        ({"delay": -1}, "delay"),
        ({"delay_answer": float("inf")}, "delay_answer"),
        ({"drip": True}, "drip"),
        ({"close": "later"}, "close"),
        ({"close": "after", "status": 500}, "close"),
        ({"close": "after", "truncate": True}, "close"),
        ({"close": "before", "delay_answer": 1}, "delay_answer"),
        ({"truncate": True, "endless": True}, "truncate"),
        ({"truncate": "yes"}, "truncate"),
        ({"processed": True, "delay": 1}, "processed"),
        ({"body": "x", "truncate": True}, "body"),
        ({"content_type": "text/html", "delay": 1}, "content_type"),
        ({"status": 500, "content_type": 5}, "content_type"),
        ({"status": 500, "content_type": "a\nb"}, "content_type"),
        ({"status": 500, "body": object()}, "body"),
        ({"status": 500, "body": "\ud800"}, "body"),
        ({"status": 500, "headers": {"a b": "c"}}, "headers"),
        ({"status": 500, "headers": {"a": "b\r\nc: d"}}, "headers"),
        ({"status": 500, "headers": {"a": "€"}}, "headers"),
        ({"status": 500, "headers": {"a": 1}}, "headers"),
        ({"status": 500, "headers": ["a"]}, "headers"),
        ({"status": 500, "headers": {"Content-Length": "5"}}, "truncate"),
        ({"delay": 1, "headers": {"a": "b"}}, "headers"),
        ({"status": 500, "statsu": 1}, "statsu"),
        ({"status": 500, "body_base64": "é"}, "body_base64"),
        ({"status": 500, "body_base64": 5}, "body_base64"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, Any], named: str) -> None:
    """The message names what is wrong, from Python and from JSON alike."""
    with pytest.raises((TypeError, ValueError), match=named):
        Fault.from_dict(wrong)


def test_a_fault_must_be_an_object() -> None:
    """A list or a text is refused with a TypeError."""
    with pytest.raises(TypeError, match="object"):
        Fault.from_dict([])  # type: ignore[arg-type]


def test_a_fault_cannot_be_changed() -> None:
    """It is frozen, and does not follow changes of the mapping it was made from."""
    headers = {"Retry-After": "1"}
    fault = Fault(status=429, headers=headers)
    headers["Retry-After"] = "2"
    assert fault.headers == {"Retry-After": "1"}
    with pytest.raises(AttributeError):
        fault.status = 500  # type: ignore[misc]
