"""Measures one client from inside. Run as a program in the client's own environment, as `interop/worker.py` is, which
knows how each client is used; the job is a line of JSON on standard input, findings are lines of JSON on standard
output.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import resource
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))

import worker


def report(found: dict[str, Any]) -> NoReturn:
    """Tells what was found and ends, in the middle of the starts: some clients are long in letting go of them."""
    print(json.dumps(found), flush=True)
    os._exit(0)


def used() -> tuple[float, float]:
    """Wall and CPU seconds, the latter of all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime


async def throughput(job: worker.Job) -> None:
    """From one start's end to another's, and as many starts between them as each task's share makes.

    Many tasks on one loop fall into step: all mint, then all start. In a window cut anywhere, one burst of ends more or
    less would be a large part of all; between two ends that lie whole rounds apart there are whole bursts.
    """
    size, begun, errors, starts = job["at_a_time"], set[int](), Counter[str](), 0
    is_ready, then = False, (0.0, 0.0)

    def ended(number: int) -> None:
        nonlocal starts, then
        begun.add(number)
        if not is_ready:
            return
        if then[0] == 0:
            then = used()
            return
        starts += 1
        if starts % size == 0 and time.perf_counter() - then[0] >= job["seconds"]:
            wall, cpu = (now - before for now, before in zip(used(), then, strict=True))
            report({"starts": starts, "wall": wall, "cpu": cpu, "begun": len(begun), "errors": dict(errors)})

    async with AsyncExitStack() as stack:
        client = await worker.CLIENTS[job["program"]](job, stack)

        async def again_and_again(number: int) -> None:
            while True:
                try:
                    await client.start(f"bench-{number}")
                except Exception as error:  # counted, and shown with the figures
                    errors[f"{type(error).__name__}: {error}"[:200]] += 1
                    await asyncio.sleep(0.01)
                ended(number)

        tasks = [asyncio.create_task(again_and_again(number)) for number in range(size)]
        # Until each has had its turn and its connection is open; for some clients that wait for one, that never comes.
        end = time.perf_counter() + 8.0
        await asyncio.sleep(0.2)
        while len(begun) < len(tasks) and time.perf_counter() < end:  # noqa: ASYNC110 - seldom, so it costs nothing
            await asyncio.sleep(0.02)
        is_ready = True
        await asyncio.sleep(job["seconds"] + 20.0)
        report({"error": f"only {starts} starts; {dict(errors)}"})


class Clock:
    """`time.monotonic`, which can be moved ahead: for clients that ask Python's clock, idle time passes at once."""

    def __init__(self) -> None:
        self.real, self.ahead = time.monotonic, 0.0

    def __call__(self) -> float:
        return self.real() + self.ahead


async def timed(client: worker.Client) -> float:
    if client.prepare is not None:
        await client.prepare()
    began = time.perf_counter()
    await client.start("bench")
    return time.perf_counter() - began


async def latency(job: worker.Job) -> None:
    """Starts one session at a time as it is told to, order after order; keeps clients open between orders."""
    kept: dict[str, list[worker.Client]] = {}
    clock = Clock()
    time.monotonic = clock

    async def obey(order: dict[str, Any], forever: AsyncExitStack) -> list[float]:
        make = worker.CLIENTS[job["program"]]
        match order["do"]:
            case "start with a new client":
                async with AsyncExitStack() as stack:
                    client = await make(job | order, stack)
                    if order["warm_up"] and client.warm_up is not None:
                        await client.warm_up()
                    return [await timed(client)]
            case "keep":
                clients = [await make(job | order, forever) for _ in range(order["count"])]
                kept[order["key"]] = clients
                return [await timed(client) for client in clients]
            case "start with kept clients":
                return [await timed(client) for client in kept[order["key"]]]
            case "move the clock":
                clock.ahead += order["seconds"]
        return []

    orders = asyncio.StreamReader()
    # Read without blocking: clients on the loop must go on hearing what their servers say.
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print("{}", flush=True)
    async with AsyncExitStack() as forever:
        while line := await orders.readline():
            try:
                print(json.dumps({"seconds": await obey(json.loads(line), forever)}), flush=True)
            except Exception as error:  # a finding like any other
                print(json.dumps({"error": f"{type(error).__name__}: {error}"[:300]}), flush=True)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    job: worker.Job = json.loads(sys.stdin.readline())
    gc.collect()
    asyncio.run({"throughput": throughput, "latency": latency}[job["errand"]](job))
