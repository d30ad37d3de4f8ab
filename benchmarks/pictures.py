"""Draws what `bench.json` says: `pictures.py JSON FOLDER`; or the samples of a soak, from standard input: `pictures.py
soak FILE`. Run in the environment that has matplotlib.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

matplotlib: Any = import_module("matplotlib")  # by name: the type checker's environment has none
matplotlib.use("agg")
pyplot: Any = import_module("matplotlib.pyplot")
matplotlib.rcParams.update({"axes.grid": True, "grid.alpha": 0.3, "font.size": 9, "savefig.dpi": 110})

DASHES = {"ours": "-", "plugin": "--", "httpx": ":", "aiohttp": "-.", "anam": "--"}


def curves(axis: Any, curves: dict[str, dict[str, list[float]]], title: str, *, across: str, up: str) -> None:
    """A line a client, through the medians."""
    for client, points in curves.items():
        where = sorted(points, key=float)
        style = DASHES[client.partition(" ")[0].strip(",")]
        width = 2.2 if style == "-" else 1.3
        axis.plot(
            [float(x) for x in where], [points[x][0] for x in where], style, lw=width, marker="o", ms=3, label=client
        )
    axis.set(title=title, xlabel=across, ylabel=up)
    axis.legend(fontsize=7)


def save(figure: Any, file: Path) -> None:
    figure.tight_layout()
    figure.savefig(file, metadata={"Software": None})
    pyplot.close(figure)


def main(source: Path, folder: Path) -> None:
    kept: dict[str, Any] = json.loads(source.read_text("utf-8"))
    starts = kept["ms to a session, by round trip in ms"]
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.5), sharey=True)
    for axis, kind in zip(axes, ("cold", "warm"), strict=True):
        found = {client: kinds[kind] for client, kinds in starts.items() if kind in kinds and "sync" not in client}
        curves(axis, found, f"{kind} start", across="round trip, ms", up="ms to a started session")
    save(figure, folder / "latency.png")

    loads = kept["throughput, by starts at a time"]
    figure, axes = pyplot.subplots(2, 2, figsize=(11, 8))
    for row, mode in zip(axes, ("token", "direct"), strict=True):
        for axis, what in zip(row, ("starts/s", "CPU µs"), strict=True):
            found = {
                client: {n: by[what] for n, by in sizes.items()} for client, sizes in loads.items() if mode in client
            }
            curves(axis, found, f"{what}, {mode}", across="starts at a time", up=what)
            axis.set(xscale="log", yscale="log")
    save(figure, folder / "throughput.png")

    figure, axis = pyplot.subplots(figsize=(8, 3))
    names = list(kept["ms to import"])[::-1]
    axis.barh(names, [kept["ms to import"][name][0] for name in names])
    axis.set(xlabel="ms")
    save(figure, folder / "imports.png")


def soak(file: Path) -> None:
    at, *values = zip(*json.load(sys.stdin), strict=True)
    figure, axes = pyplot.subplots(2, 1, figsize=(8, 5), sharex=True)
    for axis, name, series in zip(axes, ("resident memory, MiB", "open descriptors"), values, strict=True):
        axis.plot([seconds / 60 for seconds in at], series)
        axis.set(title=name, xlabel="minutes")
        axis.set_ylim(bottom=0)
    save(figure, file)


if __name__ == "__main__":
    if sys.argv[1] == "soak":
        soak(Path(sys.argv[2]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
