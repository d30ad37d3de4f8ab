"""Many starts, some at a time, and how long they took."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable

import attrs

from anam_facade import AnamError, AsyncAnamClient, PersonaConfig

MAX_STARTS = 10_000
MAX_CONCURRENCY = 256


@attrs.define
class Report:
    """What became of the starts.

    Attributes:
        url: Where they went.
        seconds: How long all of them took together.
        latencies: Seconds of each start that succeeded, retries included.
        errors: How many failed, by the error's class.
    """

    url: str
    seconds: float = 0.0
    latencies: list[float] = attrs.Factory(list)
    errors: Counter[str] = attrs.Factory(Counter)

    @property
    def started(self) -> int:
        """How many succeeded."""
        return len(self.latencies)

    def lines(self) -> Iterable[tuple[str, str]]:
        """The report in names and texts."""
        yield "url", self.url
        yield "started", f"{self.started} in {self.seconds:.2f} s, {self.started / self.seconds:.0f} a second"
        for name, times in self.errors.most_common():
            yield "failed", f"{times}x {name}"
        if self.latencies:
            middle, high = (percentile(self.latencies, share) for share in (50, 95))
            yield "latency", f"median {middle:.3f} s, 95 % within {high:.3f} s, slowest {max(self.latencies):.3f} s"


def percentile(values: list[float], share: int) -> float:
    """The value that `share` percent of the values do not exceed."""
    return statistics.quantiles(values * 2 if len(values) == 1 else values, n=100, method="inclusive")[share - 1]


async def run(
    url: str,
    key: str | None,
    persona: PersonaConfig,
    *,
    count: int,
    concurrency: int,
    direct: bool,
    done: Callable[[], object],
) -> Report:
    """Starts `count` sessions, `concurrency` at a time; calls `done` after each."""
    report = Report(url)
    waiting = iter(range(count))
    began = time.perf_counter()

    async def work(client: AsyncAnamClient) -> None:
        for _ in waiting:
            start = time.perf_counter()
            try:
                await client.start_session(persona, direct=direct)
                report.latencies.append(time.perf_counter() - start)
            except AnamError as error:
                report.errors[type(error).__name__] += 1
            done()

    async with AsyncAnamClient(key, url) as client, asyncio.TaskGroup() as tasks:
        for _ in range(min(concurrency, count)):
            tasks.create_task(work(client))
    report.seconds = time.perf_counter() - began
    return report
