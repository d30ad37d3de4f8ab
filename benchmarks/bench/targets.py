"""What was promised, and whether it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench import latency, throughput
from bench.clients import ALL, Client
from bench.latency import BASE, CLOSED, COLD, IDLE_300, WARM, WARMED
from bench.stats import Figure, Verdict, ratios

ROUND_TRIPS: tuple[tuple[str, str, str, float], ...] = (
    ("warm start, direct", "direct", WARM, 1.10),
    ("warm start, token", "token", WARM, 2.15),
    ("warm start, token minted before", "minted", WARM, 1.10),
    ("cold start, direct", "direct", COLD, 3.15),
    ("cold start, direct, after warm_up()", "direct", WARMED, 1.10),
    ("start after 5 min idle, direct", "direct", IDLE_300, 1.10),
)
"""What, mode, kind, and round trips at most, with a round trip of 50 ms."""

RATES: tuple[tuple[str, str, int, float], ...] = (
    ("ours, async, token", "httpx, token", 256, 4.0),
    ("ours, async, token, fast", "plugin 1.6.10 kept open, token", 32, 1.0),
    ("ours, async, token, fast", "plugin 1.6.10 kept open, token", 256, 1.0),
    ("ours, async, direct, fast", "plugin 1.8.9 kept open, direct", 32, 1.0),
    ("ours, async, direct, fast", "plugin 1.8.9 kept open, direct", 256, 1.0),
)
"""Ours, theirs, starts at a time, and how many times as many starts a second at least."""

OVERHEAD, IMPORT = 60.0, 1.15

Latencies = Mapping[latency.Cell, latency.Outcome]


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The one that is farthest from being met; one without a figure before all others."""

    def excess(verdict: Verdict) -> float:
        if verdict.figure is None:
            return float("inf")
        over = verdict.figure.median - verdict.limit
        return over if verdict.at_most else -over

    return max(verdicts, key=excess)


def ours(mode: str) -> list[Client]:
    return [client for client in ALL.values() if client.is_ours and client.mode == mode]


def round_trips(found: Latencies, name: str, mode: str, kind: str, limit: float, note: str = "") -> Verdict:
    """The worst of our clients that were there to be measured."""
    candidates = []
    for client in ours(mode):
        outcome = found.get(latency.Cell(client.name, kind, BASE))
        if outcome is None or outcome.unavailable is not None:
            continue
        figure = None if outcome.errors else Figure.of(outcome.seconds).scaled(1 / BASE)
        why = f"{client.name}: {outcome.errors[0]}" if outcome.errors else f"worst: {client.name}"
        candidates.append(
            Verdict(name=name, limit=limit, at_most=True, figure=figure, unit="round trips", note=joined(why, note))
        )
    if not candidates:
        return Verdict(name=name, limit=limit, at_most=True, figure=None, note="no client of ours can do that")
    return worst(candidates)


def hung_up(found: Latencies) -> Verdict:
    """Whether any start failed because its idle connection was closed by the server."""
    outcomes = [
        outcome
        for cell, outcome in found.items()
        if cell.kind == CLOSED and ALL[cell.client].is_ours and outcome.unavailable is None
    ]
    starts = sum(len(outcome.seconds) + len(outcome.errors) for outcome in outcomes)
    failed = float(sum(len(outcome.errors) for outcome in outcomes))
    return Verdict(
        name="starts that failed after the server hung up",
        limit=0,
        at_most=True,
        figure=Figure.of([failed]) if starts else None,
        unit="starts",
        note=f"of {starts}, by all our clients",
    )


def rate(found: throughput.Outcomes, one: str, other: str, at_a_time: int, limit: float) -> Verdict:
    name = f"{one}: starts/s, {at_a_time} at a time"
    note = f"times {other}"
    both = [found.get(throughput.Cell(client, at_a_time)) for client in (one, other)]
    figure = None
    for client, outcome in zip((one, other), both, strict=True):
        if outcome is None or outcome.failure or not outcome.rounds:
            note = f"{client}: {outcome.failure if outcome else 'not measured'}"
            break
        if client == one and outcome.errors():
            note = f"{client}: {outcome.errors()} starts failed"
            break
    else:
        figure = ratios(*(outcome.per_second() for outcome in both if outcome))
    return Verdict(name=name, limit=limit, at_most=False, figure=figure, unit="times", note=note)


def overhead(found: Mapping[str, Mapping[str, Sequence[float]]]) -> Verdict:
    """The worst of the calls."""
    return worst(
        [
            Verdict(
                name="the facade over the bare low-level path",
                limit=OVERHEAD,
                at_most=True,
                figure=difference(calls["ours"], calls["bare"]),
                unit="µs of CPU a call",
                note=f"worst: {name}",
            )
            for name, calls in found.items()
        ]
    )


def difference(ours: Sequence[float], bare: Sequence[float]) -> Figure:
    return Figure.of([high - low for high, low in zip(ours, bare, strict=True)])


def importing(figure: Figure) -> Verdict:
    return Verdict(
        name="import anam_facade", limit=IMPORT, at_most=True, figure=figure, unit="times", note="times import httpx"
    )


def joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def table(verdicts: Sequence[Verdict]) -> list[list[str]]:
    rows = []
    for verdict in verdicts:
        sign = "≤" if verdict.at_most else "≥"
        figure = verdict.figure
        digits = 1 if verdict.limit >= 10 else 2
        rows.append(
            [
                verdict.name,
                f"{sign} {verdict.limit:g} {verdict.unit}",
                "-" if figure is None else f"{figure.median:.{digits}f}",
                "-" if figure is None else figure.spread(digits),
                verdict.outcome,
                verdict.note,
            ]
        )
    return rows
