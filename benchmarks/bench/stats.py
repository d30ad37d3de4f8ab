"""Medians and their spread, and whether a target is met: arithmetic only."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Literal

import attrs


@attrs.frozen
class Figure:
    """What several rounds measured of one thing.

    Attributes:
        median: The middle one.
        low, high: The quartiles; half of the rounds lie between them.
        rounds: How many rounds there were.
    """

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        if not values:
            raise ValueError("no rounds")
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(middle, low, high, len(values))

    @property
    def noise(self) -> float:
        """Half the distance between the quartiles: what is called the noise everywhere."""
        return (self.high - self.low) / 2

    def spread(self, digits: int) -> str:
        """The noise as a text; one round tells nothing about it."""
        return f"± {self.noise:,.{digits}f}" if self.rounds > 1 else "± ?"

    def text(self, digits: int) -> str:
        """The median and the noise."""
        return f"{self.median:,.{digits}f} {self.spread(digits)}"

    def scaled(self, factor: float) -> Figure:
        """The same in another unit."""
        low, high = sorted((self.low * factor, self.high * factor))
        return Figure(self.median * factor, low, high, self.rounds)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """Ours over theirs, round by round: what slows the machine down for a while slows both down in the same round."""
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds against {len(theirs)}")
    return Figure.of([one / other for one, other in zip(ours, theirs, strict=True)])


Outcome = Literal["ok", "ok within noise", "missed", "missed: not available"]


@attrs.frozen(kw_only=True)
class Verdict:
    """One target, and what was measured for it.

    Attributes:
        name: What was measured.
        limit: The bound.
        at_most: Whether the bound is an upper one.
        figure: What was measured; None when it could not be.
        unit: Of the bound and the figure.
        note: How it was measured, or why it was not.
    """

    name: str
    limit: float
    at_most: bool
    figure: Figure | None
    unit: str = ""
    note: str = ""

    @property
    def outcome(self) -> Outcome:
        if self.figure is None:
            return "missed: not available"
        excess = self.figure.median - self.limit if self.at_most else self.limit - self.figure.median
        if excess <= 0:
            return "ok"
        return "ok within noise" if excess <= self.figure.noise else "missed"

    @property
    def met(self) -> bool:
        return self.outcome.startswith("ok")
