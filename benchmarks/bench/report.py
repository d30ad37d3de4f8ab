"""The findings: as JSON with every round, as tables, and as pictures."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from bench import clients, footprint, latency, servers, targets, throughput
from bench.latency import BASE
from bench.stats import Figure, Verdict, ratios


@attrs.define
class Findings:
    """What a run has found; a part that was not measured is empty."""

    machine: dict[str, str]
    day: str
    kind: str
    load: list[float] = attrs.field(factory=list)
    minutes: float = 0.0
    ceiling: servers.Ceiling | None = None
    calibration: dict[float, latency.Calibration] = attrs.field(factory=dict)
    latency: dict[latency.Cell, latency.Outcome] = attrs.field(factory=dict)
    throughput: throughput.Outcomes = attrs.field(factory=dict)
    imports: footprint.Imports = attrs.field(factory=footprint.Imports)
    idle_clients: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    in_flight: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    overhead: dict[str, dict[str, list[float]]] = attrs.field(factory=dict)
    idle_note: str = ""

    def verdicts(self) -> list[Verdict]:
        found = []
        for name, mode, kind, limit in targets.ROUND_TRIPS:
            note = self.idle_note if kind == latency.IDLE_300 else ""
            if kind != latency.IDLE_300 or self.idle_note:
                found.append(targets.round_trips(self.latency, name, mode, kind, limit, note))
        found.append(targets.hung_up(self.latency))
        found += [targets.rate(self.throughput, *wanted) for wanted in targets.RATES]
        found.append(targets.overhead(self.overhead))
        found.append(targets.importing(self.imports.ratio()))
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "day": self.day,
            "kind": self.kind,
            "load average before and after": self.load,
            "minutes": round(self.minutes, 1),
            "targets": [
                {
                    "name": verdict.name,
                    "at_most" if verdict.at_most else "at_least": verdict.limit,
                    "unit": verdict.unit,
                    "measured": None if verdict.figure is None else attrs.asdict(verdict.figure),
                    "noise": None if verdict.figure is None else verdict.figure.noise,
                    "outcome": verdict.outcome,
                    "note": verdict.note,
                }
                for verdict in self.verdicts()
            ],
            "server": None if self.ceiling is None else attrs.asdict(self.ceiling),
            "calibration": [
                {"round_trip": round_trip, **attrs.asdict(found)} for round_trip, found in self.calibration.items()
            ],
            "latency": [{**attrs.asdict(cell), **attrs.asdict(found)} for cell, found in self.latency.items()],
            "throughput": [{**attrs.asdict(cell), **attrs.asdict(found)} for cell, found in self.throughput.items()],
            "imports": attrs.asdict(self.imports),
            "idle clients": self.idle_clients,
            "in flight": self.in_flight,
            "overhead": self.overhead,
        }

    def text(self) -> str:
        parts = [
            "# What starting a session costs",
            f"Measured on {self.day} by `make bench`{'' if self.kind == 'full' else f' ({self.kind})'} in"
            f" {self.minutes:.0f} minutes; ours and theirs in turn, in one run, medians of the rounds. ± is half the"
            " distance between the quartiles: half of the rounds lie within it. Ratios are taken round by round.",
            table(["", ""], [[key, value] for key, value in [*self.machine.items(), ("load average", self._load())]]),
            "## Targets",
            table(["", "target", "measured", "noise", "outcome", ""], targets.table(self.verdicts())),
            *self._latency(),
            *self._throughput(),
            *self._footprint(),
            *self._overhead(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _load(self) -> str:
        return " before, ".join(f"{load:.1f}" for load in self.load) + " after"

    def _latency(self) -> list[str]:
        if not self.latency:
            return []
        names = list(dict.fromkeys(cell.client for cell in self.latency))
        kinds = [kind for kind in latency.KINDS if any(cell.kind == kind for cell in self.latency)]
        trips = sorted({cell.round_trip for cell in self.latency})
        at_base = [
            [name, *(in_trips(self.latency.get(latency.Cell(name, kind, BASE)), kind) for kind in kinds)]
            for name in names
        ]
        parts = [
            "## Time to a started session",
            "TLS 1.3 to a server that answers at once, the distance made by a proxy in a process of its own. A new"
            " connection and one request cost three round trips (connect, handshake, request), a request on an open one"
            " costs one. Checked with bare sockets:",
            table(
                ["round trip", "connect and handshake", "new connection and one request", "one request more"],
                [
                    [f"{trip * 1e3:g} ms", *(trips_of(f) for f in (both(found), found.cold, found.warm))]
                    for trip, found in self.calibration.items()
                ],
            ),
            f"**In round trips, at {BASE * 1e3:g} ms.** *cold*: the first start of a new client object, the making of"
            " which is not counted; *first of a program*: from the first import, everything counted, in ms; *always*"
            " cold are clients that connect anew for each start. A token minted before is not counted.",
            table(["client", *kinds], at_base),
        ]
        if len(trips) > 1:
            rows = []
            for kind in (latency.COLD, latency.WARMED, latency.WARM):
                for name in names:
                    outcomes = [self.latency.get(latency.Cell(name, kind, trip)) for trip in trips]
                    if any(outcome and outcome.seconds for outcome in outcomes):
                        rows.append([name, kind, *map(in_ms, outcomes)])
            heads = [f"{trip * 1e3:g} ms" for trip in trips]
            parts += ["**In milliseconds, by round trip:**", table(["client", "start", *heads], rows)]
        return [*parts, *self._failures()]

    def _failures(self) -> list[str]:
        lines: dict[str, None] = {}
        for cell, found in self.latency.items():
            if found.unavailable:
                lines[f"- {cell.client}: not available: {found.unavailable}"] = None
            for error in found.errors[:1]:
                lines[f"- {cell.client}, {cell.kind}: {len(found.errors)} failed: {error}"] = None
        return ["\n".join(lines)] if lines else []

    def _throughput(self) -> list[str]:
        if not self.throughput:
            return []
        parts = [
            "## Throughput, and CPU time per start",
            "Plain HTTP on loopback, nginx answering constants; each cell and round in a process of its own. *over"
            " httpx*: starts per second over those of httpx's own client in the same mode. A sync client's *at a time*"
            " are threads.",
        ]
        if self.ceiling is not None:
            share = max(found.server_share() for found in self.throughput.values() if found.rounds)
            parts.append(
                f"The server is not the limit: it answers {self.ceiling.per_second:,.0f} requests/s when asked with"
                f" ready-made bytes ({self.ceiling.cpu:.1f} µs of CPU each), and used at most {share:.0%} of a core"
                " in any cell."
            )
        heads = ["client", "at a time", "over httpx", "starts/s", "CPU µs per start", "server's share", "remarks"]
        return [*parts, table(heads, throughput.rows(self.throughput))]

    def _footprint(self) -> list[str]:
        parts = []
        if took := self.imports.seconds:
            base = took[footprint.HTTPX]
            nothing = Figure.of(self.imports.mebibytes.get(footprint.NOTHING, [0.0])).median
            rows = [
                [
                    name,
                    ratios(seconds, base).text(2),
                    f"{Figure.of(seconds).median * 1e3:,.1f}",
                    f"{(peak := Figure.of(self.imports.mebibytes[name]).median):.1f}",
                    f"{peak - nothing:.1f}",
                ]
                for name, seconds in took.items()
            ]
            rows += [[name, "-", "-", "-", why] for name, why in self.imports.failed.items()]
            heads = ["", "over httpx", "ms", "peak MiB", "MiB more than Python alone"]
            parts += ["## Importing", "In a fresh interpreter.", table(heads, rows)]
        if self.idle_clients:
            rows = [
                [name, found["unavailable"], "", ""]
                if "unavailable" in found
                else [name, f"{found['seconds'] * 1e3:.2f}", f"{found['mebibytes'] * 1e3:.0f}", f"{found['count']:,}"]
                for name, found in self.idle_clients.items()
            ]
            heads = ["client", "ms to make one", "MiB for 1,000", "made"]
            parts += [
                "## Idle clients",
                "Made for an https:// address, and so with the machine's certificates; none has connected.",
                table(heads, rows),
            ]
        if self.in_flight:
            rows = [
                [name, found["unavailable"] if "unavailable" in found else f"{found['mebibytes'] * 1e3:.0f}"]
                for name, found in self.in_flight.items()
            ]
            parts += [
                "## A thousand starts under way",
                "Plain HTTP; the most memory used before the first answer came.",
                table(["client", "MiB for 1,000"], rows),
            ]
        return parts

    def _overhead(self) -> list[str]:
        if not self.overhead:
            return []
        rows = []
        for name, calls in self.overhead.items():
            more = targets.difference(calls["ours"], calls["bare"])
            bare, whole = Figure.of(calls["bare"]), Figure.of(calls["ours"])
            rows.append([name, more.text(1), f"{whole.median:.1f}", f"{bare.median:.1f}"])
        return [
            "## What the facade adds",
            "CPU µs per call over an httpx transport that does no I/O. The bare path is what has to be done all the"
            " same: the generated client's body and request, an httpx request with the bearer, the transport, the httpx"
            " response and its JSON; it checks nothing, and has neither time-outs nor retries.",
            table(["call", "difference", "facade", "bare"], rows),
        ]


def both(found: latency.Calibration) -> Figure:
    """Connecting and shaking hands: the proxy makes the second wait for the first's round trip."""
    ends = zip(
        *((part.median, part.low, part.high) for part in (found.connect, found.handshake)),
        strict=True,
    )
    median, low, high = (sum(pair) for pair in ends)
    return Figure(median, low, high, found.cold.rounds)


def trips_of(figure: Figure) -> str:
    return figure.text(2)


def in_trips(found: latency.Outcome | None, kind: str) -> str:
    if found is None:
        return ""
    if not found.seconds:
        return "failed" if found.errors else "-"
    figure = Figure.of(found.seconds)
    failed = f", {len(found.errors)} failed" if found.errors else ""
    if kind == latency.FIRST:
        return f"{figure.median * 1e3:,.0f} ms{failed}"
    return f"{trips_of(figure.scaled(1 / BASE))}{failed}"


def in_ms(found: latency.Outcome | None) -> str:
    if found is None or not found.seconds:
        return "-"
    figure = Figure.of(found.seconds).scaled(1e3)
    return figure.text(1)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown, its columns aligned, so that it can be read in a terminal too."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(heads))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in cells]
    lines = [f"| {' | '.join(row)} |" for row in padded]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def rounded(value: Any) -> Any:
    """The same with six digits of every number, which is more than any measurement here is good for."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value


def write(findings: Findings, folder: Path) -> None:
    """`bench.json`, `bench.md` and the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "bench.json"
    text = json.dumps(rounded(findings.as_json()), indent=1, ensure_ascii=False)
    text = re.sub(r"\[[^\[\]{}\"]*\]", lambda numbers: " ".join(numbers[0].split()), text)  # a line for all rounds
    # What a client says when it fails may name the folder that it stands in.
    data.write_text(text.replace(str(clients.ROOT), "…") + "\n", "utf-8")
    pictures = "".join(
        f"![{title}]({name}.svg)\n\n"
        for name, title in (
            ("latency", "Time to a started session by round trip"),
            ("throughput", "Starts per second by starts at a time"),
            ("cpu", "CPU time per start"),
            ("footprint", "Import time and memory"),
        )
    )
    head, _, rest = findings.text().partition("## Time to a started session")
    report = f"{head}{pictures}## Time to a started session{rest}".replace(str(clients.ROOT), "…")
    (folder / "bench.md").write_text(report, "utf-8")
    plot = [clients.bench_python(), str(clients.HERE / "plot.py"), str(data), str(folder)]
    subprocess.run(plot, check=True)
