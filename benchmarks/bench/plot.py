"""Draws the figures of `bench.json`: `plot.py bench.json folder`. Run in the benchmark's own environment."""

from __future__ import annotations

import json
import statistics
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

matplotlib: Any = import_module("matplotlib")
matplotlib.use("svg")
pyplot: Any = import_module("matplotlib.pyplot")
ticker: Any = import_module("matplotlib.ticker")

matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",
        "svg.hashsalt": "bench",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e4e4e4",
        "axes.axisbelow": True,
        "legend.frameon": False,
        "figure.constrained_layout.use": True,
    }
)

Data = dict[str, Any]

# One colour a client in every picture; ours are the blues.
COLOURS = {
    "ours": "#0b5fa5",
    "ours, fast": "#35a0dd",
    "httpx": "#d1495b",
    "generated client": "#8d5a97",
    "plugin": "#e08e1b",
    "plugin kept open": "#b3a125",
    "anam": "#5a8f4e",
    "aiohttp": "#777777",
    "pyreqwest": "#222222",
}


def colour(client: str) -> str:
    family = client.partition(",")[0]
    if family == "ours":
        return COLOURS["ours, fast" if client.endswith(", fast") else "ours"]
    if family.startswith("plugin"):
        return COLOURS["plugin kept open" if "kept open" in family else "plugin"]
    return COLOURS["anam" if family.startswith("anam") else family]


def label(client: str) -> str:
    """The client's name without what the panel says already."""
    words = [word for word in client.split(", ") if word not in ("async", "token", "direct")]
    return ", ".join(words).replace("ours, fast", "ours, fast transport")


def save(figure: Any, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    print(f"drew {path.name}")


def latency(data: Data, folder: Path) -> None:
    lines: dict[tuple[str, str], dict[float, float]] = {}
    for row in data["latency"]:
        if row["seconds"]:
            way = lines.setdefault((row["client"], row["kind"]), {})
            way[row["round_trip"] * 1e3] = statistics.median(row["seconds"]) * 1e3
    warmed = "cold, after warm_up()"
    panels = {
        "one call (direct)": (
            [
                ("ours, async, direct", "warm", "-", "ours, warm"),
                ("ours, async, direct", warmed, ":", "ours, cold after warm_up()"),
                ("ours, async, direct", "cold", "--", "ours, cold"),
                ("httpx, direct", "warm", "-", "httpx, warm"),
                ("plugin 1.8.9, direct", "warm", "-", "plugin 1.8.9, always"),
                ("anam 0.12, direct", "warm", "-", "anam 0.12, always"),
            ],
            1,
        ),
        "two calls (token, then start)": (
            [
                ("ours, async, token minted before", "warm", ":", "ours, warm, token minted before"),
                ("ours, async, token", "warm", "-", "ours, warm"),
                ("ours, async, token", "cold", "--", "ours, cold"),
                ("httpx, token", "warm", "-", "httpx, warm"),
                ("generated client, token", "warm", "-", "generated client, warm"),
                ("plugin 1.6.10, token", "warm", "-", "plugin 1.6.10, always"),
            ],
            2,
        ),
    }
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.6), sharey=True)
    for axis, (title, (wanted, floor)) in zip(axes, panels.items(), strict=True):
        far = max((at for points in lines.values() for at in points), default=100)
        name = "floor: one round trip" if floor == 1 else f"floor: {floor} round trips"
        axis.plot([0, far], [0, far * floor], color="#bbbbbb", linewidth=5, label=name)
        for client, kind, style, name in wanted:
            points = sorted(lines.get((client, kind), {}).items())
            if points:
                axis.plot(
                    *zip(*points, strict=True), style, color=colour(client), marker="o", markersize=3.5, label=name
                )
        axis.set_title(title)
        axis.set_xlabel("round trip, ms")
        # In the order of the lines' right ends, so that the eye finds them.
        ends = sorted(zip(*axis.get_legend_handles_labels(), strict=True), key=highest, reverse=True)
        axis.legend(*zip(*ends, strict=True), loc="upper left", fontsize=9)
        axis.set_xlim(left=0)
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel("time to a started session, ms")
    save(figure, folder / "latency.svg")


def highest(line: tuple[Any, str]) -> float:
    return float(line[0].get_ydata()[-1])


def cells(data: Data, mode: str) -> dict[str, dict[int, tuple[float, float]]]:
    """Client → starts at a time → (starts/s, CPU µs per start); the clients on an event loop only."""
    found: dict[str, dict[int, tuple[float, float]]] = {}
    for row in data["throughput"]:
        client = row["client"]
        if row["rounds"] and ", sync" not in client and f", {mode}" in client:
            rate = statistics.median(r["starts"] / r["wall"] for r in row["rounds"])
            cpu = statistics.median(r["cpu"] / max(1, r["starts"]) * 1e6 for r in row["rounds"])
            found.setdefault(client, {})[row["at_a_time"]] = (rate, cpu)
    return found


def throughput(data: Data, folder: Path) -> None:
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.8), sharey=True)
    for axis, mode in zip(axes, ("token", "direct"), strict=True):
        for client, points in cells(data, mode).items():
            sizes = sorted(points)
            style = "-" if client.startswith("ours") else "--"
            axis.plot(
                sizes,
                [points[size][0] for size in sizes],
                style,
                color=colour(client),
                marker="o",
                markersize=4,
                linewidth=2.4 if client.startswith("ours") else 1.4,
                label=label(client),
            )
        axis.set_title({"token": "two calls (token, then start)", "direct": "one call (direct)"}[mode])
        axis.set_xscale("log")
        axis.set_yscale("log")
        sizes = sorted({row["at_a_time"] for row in data["throughput"] if ", sync" not in row["client"]})
        axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axis.xaxis.set_minor_locator(ticker.NullLocator())
        axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_minor_locator(ticker.NullLocator())
        axis.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.set_xlabel("starts at a time")
        axis.legend(fontsize=8.5, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    axes[0].set_ylabel("starts per second")
    save(figure, folder / "throughput.svg")


def cpu(data: Data, folder: Path) -> None:
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 5.2))
    shades = {1: 0.35, 32: 1.0, 256: 0.65}
    for axis, mode in zip(axes, ("token", "direct"), strict=True):
        found = cells(data, mode)
        order = sorted(found, key=lambda client: -min(cost for _, cost in found[client].values()))
        sizes = [size for size in shades if any(size in points for points in found.values())]
        height = 0.8 / max(1, len(sizes))
        widest = max((found[client][size][1] for client in order for size in sizes if size in found[client]), default=1)
        for at, client in enumerate(order):
            for number, size in enumerate(sizes):
                if size not in found[client]:
                    continue
                cost = found[client][size][1]
                y = at + 0.4 - (number + 0.5) * height
                axis.barh(y, cost, height * 0.9, color=colour(client), alpha=shades[size])
                axis.text(cost + widest * 0.01, y, f"{cost:,.0f}", va="center", fontsize=7)
        axis.set_yticks(range(len(order)), [label(client) for client in order])
        axis.grid(visible=False, axis="y")
        axis.set_xlim(right=widest * 1.12)
        axis.set_title({"token": "two calls (token, then start)", "direct": "one call (direct)"}[mode])
        axis.set_xlabel(f"CPU µs per start\n(bars from the top: {', '.join(map(str, sizes))} at a time)")
    save(figure, folder / "cpu.svg")


def bars(axis: Any, values: dict[str, float], title: str, unit: str, ours: str = "ours") -> None:
    order = sorted(values, key=lambda name: -values[name])
    colours = [COLOURS["ours"] if name.startswith(ours) or "anam_facade" in name else "#9a9a9a" for name in order]
    axis.barh(order, [values[name] for name in order], color=colours)
    for at, name in enumerate(order):
        axis.text(values[name], at, f" {values[name]:,.{0 if values[name] >= 10 else 2}f}", va="center", fontsize=8)
    axis.set_title(title)
    axis.set_xlabel(unit)
    axis.set_xlim(right=max(values.values(), default=1) * 1.18)
    axis.grid(visible=False, axis="y")


def footprint(data: Data, folder: Path) -> None:
    took = data.get("imports", {}).get("seconds", {})
    size = data.get("imports", {}).get("mebibytes", {})
    nothing = statistics.median(size.get("(nothing)", [0.0]))
    named = {name: name.replace("…", "import anam_facade …") for name in took if name != "(nothing)"}
    panels = [
        ({named[name]: statistics.median(took[name]) * 1e3 for name in named}, "import time", "ms"),
        (
            {named[name]: statistics.median(size[name]) - nothing for name in named},
            "memory after importing",
            "MiB more than Python alone",
        ),
        (
            {n: found["mebibytes"] * 1e3 for n, found in data.get("idle clients", {}).items() if "mebibytes" in found},
            "1,000 idle clients",
            "MiB",
        ),
        (
            {n: found["mebibytes"] * 1e3 for n, found in data.get("in flight", {}).items() if "mebibytes" in found},
            "1,000 starts under way",
            "MiB",
        ),
    ]
    panels = [panel for panel in panels if panel[0]]
    if not panels:
        return
    rows = (len(panels) + 1) // 2
    figure, axes = pyplot.subplots(rows, 2, figsize=(12, 3.9 * rows), squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis, (values, title, unit) in zip(axes.flat, panels, strict=False):
        bars(axis, values, title, unit)
    save(figure, folder / "footprint.svg")


def main() -> None:
    data: Data = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    folder = Path(sys.argv[2])
    for draw in (latency, throughput, cpu, footprint):
        draw(data, folder)


if __name__ == "__main__":
    main()
