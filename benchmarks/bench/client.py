"""Starts sessions with one client and measures them from inside. Run as a program in the client's own environment.

The job is a line of JSON on standard input, the findings are a line of JSON on standard output. Only the standard
library and the client are imported, so that the same file runs where nothing but a peer is installed. How the peers are
called is `interop/worker.py`'s business.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import resource
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, suppress
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "interop"))

import worker

BEGAN = time.perf_counter()

Job = dict[str, Any]


class UnavailableError(Exception):
    """The client cannot do what the job asks for, at least not yet."""


class Client:
    """One object of a client that runs on an event loop, ready to start sessions.

    Attributes:
        start: Starts the session of that name.
        prepare: What may be done ahead of a start, and is not measured: minting its token.
        warm_up: Opens a connection ahead.
    """

    def __init__(
        self,
        start: worker.Start,
        prepare: Callable[[], Awaitable[object]] | None = None,
        warm_up: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.start = start
        self.prepare = prepare
        self.warm_up = warm_up


class SyncClient:
    """The same for a client that blocks."""

    def __init__(
        self,
        start: Callable[[str], str],
        prepare: Callable[[], object] | None = None,
        warm_up: Callable[[], object] | None = None,
    ) -> None:
        self.start = start
        self.prepare = prepare
        self.warm_up = warm_up


# The clients.


def extra(job: Job) -> dict[str, Any]:
    """The arguments of our client that choose its transport."""
    return {} if job["transport"] == "default" else {"transport": job["transport"]}


async def ours(job: Job, stack: AsyncExitStack) -> Client:
    from anam_facade import AsyncAnamClient, LiveKitEnvironment, PersonaConfig

    try:
        made = AsyncAnamClient(job["api_key"], job["base_url"], timeout=job["timeout"], **extra(job))
    except Exception as error:  # whatever a version without such a transport says
        raise UnavailableError(f"{type(error).__name__}: {error}") from error
    client = await stack.enter_async_context(made)
    persona = PersonaConfig(name="Cara", avatar_id=worker.AVATAR)
    direct = job["mode"] == "direct"
    minted: list[Any] = []

    async def start(name: str) -> str:
        url = worker.room(name)
        environment = LiveKitEnvironment(url, worker.LIVEKIT_TOKEN)
        session = await client.start_session(persona, environment=environment, client_label=url, direct=direct)
        return session.session_id

    async def mint() -> None:
        url = worker.room("ahead")
        environment = LiveKitEnvironment(url, worker.LIVEKIT_TOKEN)
        minted.append(await client.create_session_token(persona, environment=environment, client_label=url))

    async def start_minted(name: str) -> str:
        return (await client.start_engine_session(minted.pop())).session_id

    warm_up = getattr(client, "warm_up", None)
    if job["mode"] == "minted":
        return Client(start_minted, mint, warm_up)
    return Client(start, None, warm_up)


def ours_sync(job: Job, stack: ExitStack) -> SyncClient:
    from anam_facade import AnamClient, LiveKitEnvironment, PersonaConfig

    try:
        made = AnamClient(job["api_key"], job["base_url"], timeout=job["timeout"], **extra(job))
    except Exception as error:  # whatever a version without such a transport says
        raise UnavailableError(f"{type(error).__name__}: {error}") from error
    client = stack.enter_context(made)
    persona = PersonaConfig(name="Cara", avatar_id=worker.AVATAR)
    direct = job["mode"] == "direct"
    minted: list[Any] = []

    def start(name: str) -> str:
        url = worker.room(name)
        environment = LiveKitEnvironment(url, worker.LIVEKIT_TOKEN)
        return client.start_session(persona, environment=environment, client_label=url, direct=direct).session_id

    def mint() -> None:
        url = worker.room("ahead")
        environment = LiveKitEnvironment(url, worker.LIVEKIT_TOKEN)
        minted.append(client.create_session_token(persona, environment=environment, client_label=url))

    def start_minted(name: str) -> str:
        return client.start_engine_session(minted.pop()).session_id

    warm_up = getattr(client, "warm_up", None)
    if job["mode"] == "minted":
        return SyncClient(start_minted, mint, warm_up)
    return SyncClient(start, None, warm_up)


def body(name: str) -> dict[str, Any]:
    """What the programs written by hand send, and the peers too, but for labels of their own."""
    return {
        "personaConfig": {
            "type": "ephemeral",
            "name": "Cara",
            "avatarId": worker.AVATAR,
            "llmId": "CUSTOMER_CLIENT_V1",
        },
        "environment": {"livekitUrl": worker.room(name), "livekitToken": worker.LIVEKIT_TOKEN},
    }


MINT, START = "/v1/auth/session-token", "/v1/engine/session"


async def by_hand(job: Job, post: Callable[[str, dict[str, Any], str], Awaitable[dict[str, Any]]]) -> Client:
    """The one or two requests of a start, given a way to send one."""
    if job["mode"] == "direct":

        async def direct(name: str) -> str:
            return str((await post(START, body(name), job["api_key"]))["sessionId"])

        return Client(direct)

    async def start(name: str) -> str:
        token = (await post(MINT, body(name), job["api_key"]))["sessionToken"]
        return str((await post(START, {}, token))["sessionId"])

    return Client(start)


def httpx_limits() -> Any:
    """Those with which httpx was fastest here.

    Its default, 100 connections, or keeping all of them, takes it up to ten times as long at 256 at a time.
    """
    import httpx

    return httpx.Limits(max_connections=None, max_keepalive_connections=20)


async def httpx_client(job: Job, stack: AsyncExitStack) -> Client:
    import httpx

    client = await stack.enter_async_context(
        httpx.AsyncClient(base_url=job["base_url"], limits=httpx_limits(), timeout=job["timeout"])
    )

    async def post(path: str, content: dict[str, Any], bearer: str) -> dict[str, Any]:
        answer = await client.post(path, json=content, headers={"Authorization": f"Bearer {bearer}"})
        said: dict[str, Any] = answer.raise_for_status().json()
        return said

    return await by_hand(job, post)


def httpx_sync(job: Job, stack: ExitStack) -> SyncClient:
    import httpx

    client = stack.enter_context(httpx.Client(base_url=job["base_url"], limits=httpx_limits(), timeout=job["timeout"]))

    def post(path: str, content: dict[str, Any], bearer: str) -> dict[str, Any]:
        answer = client.post(path, json=content, headers={"Authorization": f"Bearer {bearer}"})
        said: dict[str, Any] = answer.raise_for_status().json()
        return said

    def start(name: str) -> str:
        if job["mode"] == "direct":
            return str(post(START, body(name), job["api_key"])["sessionId"])
        token = post(MINT, body(name), job["api_key"])["sessionToken"]
        return str(post(START, {}, token)["sessionId"])

    return SyncClient(start)


async def generated(job: Job, stack: AsyncExitStack) -> Client:
    """The generated client by itself. Its bearer belongs to the client object, so each session token needs its own."""
    import httpx

    from anam_api import AuthenticatedClient
    from anam_api.api.auth import create_session_token
    from anam_api.api.engine import create_engine_session
    from anam_api.models import (
        DirectStartRequest,
        EngineSession,
        SessionTokenRequest,
        SessionTokenResponse,
        TokenStartRequest,
    )

    settings: dict[str, Any] = {
        "timeout": httpx.Timeout(job["timeout"]),
        "httpx_args": {"limits": httpx_limits()},
        "verify_ssl": ssl.create_default_context(),  # made once; by default each client makes its own
    }
    keyed = await stack.enter_async_context(AuthenticatedClient(job["base_url"], token=job["api_key"], **settings))

    async def direct(name: str) -> str:
        said = await create_engine_session.asyncio(client=keyed, body=DirectStartRequest.from_dict(body(name)))
        assert isinstance(said, EngineSession), said
        return str(said.session_id)

    async def start(name: str) -> str:
        minted = await create_session_token.asyncio(client=keyed, body=SessionTokenRequest.from_dict(body(name)))
        assert isinstance(minted, SessionTokenResponse), minted
        async with AuthenticatedClient(job["base_url"], token=minted.session_token, **settings) as once:
            said = await create_engine_session.asyncio(client=once, body=TokenStartRequest())
        assert isinstance(said, EngineSession), said
        return str(said.session_id)

    return Client(direct if job["mode"] == "direct" else start)


async def aiohttp_session(job: Job, stack: AsyncExitStack) -> Client:
    """aiohttp, its session kept open: about the least that Python code can do."""
    aiohttp: Any = import_module("aiohttp")  # by name: the types' checker has no such package
    session = await stack.enter_async_context(
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=job["timeout"])
        )
    )
    base_url = job["base_url"]

    async def post(path: str, content: dict[str, Any], bearer: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {bearer}"}
        async with session.post(base_url + path, json=content, headers=headers) as answer:
            answer.raise_for_status()
            said: dict[str, Any] = await answer.json()
            return said

    return await by_hand(job, post)


async def pyreqwest_client(job: Job, stack: AsyncExitStack) -> Client:
    """pyreqwest, its client kept open: HTTP in Rust."""
    pyreqwest: Any = import_module("pyreqwest.client")
    builder = pyreqwest.ClientBuilder().error_for_status().timeout(timedelta(seconds=job["timeout"]))
    if trusted := os.environ.get("SSL_CERT_FILE"):
        builder = builder.add_root_certificate_pem(Path(trusted).read_bytes())  # noqa: ASYNC240 - once
    client = await stack.enter_async_context(builder.build())
    base_url = job["base_url"]

    async def post(path: str, content: dict[str, Any], bearer: str) -> dict[str, Any]:
        request = client.post(base_url + path).bearer_auth(bearer).body_json(content).build()
        said: dict[str, Any] = await (await request.send()).json()
        return said

    return await by_hand(job, post)


async def peer(job: Job, stack: AsyncExitStack) -> Client:
    """A client people use today, called as `make interop` and `make chaos` call it: as its own program does it."""
    return Client(await worker.CLIENTS[job["peer"]](job, stack))


async def plugin_kept(job: Job, stack: AsyncExitStack) -> Client:
    """The plugin's API class at its best: kept open, which the plugin itself does not do."""
    from livekit.agents import APIConnectOptions
    from livekit.plugins.anam.api import AnamAPI
    from livekit.plugins.anam.types import PersonaConfig

    options = APIConnectOptions(timeout=job["timeout"])
    persona = PersonaConfig(name="Cara", avatarId=worker.AVATAR)
    api = await stack.enter_async_context(AnamAPI(job["api_key"], job["base_url"], conn_options=options))

    async def start(name: str) -> str:
        if job["mode"] == "direct":
            answer = await api.start_session(persona, worker.room(name), worker.LIVEKIT_TOKEN)
        else:
            token = await api.create_session_token(persona, worker.room(name), worker.LIVEKIT_TOKEN)
            answer = await api.start_engine_session(token)
        return str(answer["sessionId"])

    return Client(start)


CLIENTS: dict[str, Callable[[Job, AsyncExitStack], Awaitable[Client]]] = {
    "ours": ours,
    "httpx": httpx_client,
    "generated": generated,
    "aiohttp": aiohttp_session,
    "pyreqwest": pyreqwest_client,
    "peer": peer,
    "plugin kept": plugin_kept,
}
SYNC_CLIENTS: dict[str, Callable[[Job, ExitStack], SyncClient]] = {"ours": ours_sync, "httpx": httpx_sync}


# Throughput: so many starts at a time, for so long.


class Meter:
    """What has happened since a moment: starts, errors, time; CPU time of this process and of the server's."""

    def __init__(self, server: int) -> None:
        self.starts = 0
        self.errors: Counter[str] = Counter()
        self._server = server
        self._then = self._now()

    def failed(self, error: BaseException) -> None:
        self.errors[f"{type(error).__name__}: {error}"[:200]] += 1

    def begin(self) -> None:
        self.starts = 0
        self._then = self._now()

    def _now(self) -> tuple[float, float, float, float]:
        used = resource.getrusage(resource.RUSAGE_SELF)  # all threads of it, a client's own too
        cpu = used.ru_utime + used.ru_stime
        return time.perf_counter(), cpu, scheduled(self._server)[0], scheduled(os.getpid())[1]

    def seconds(self) -> float:
        return time.perf_counter() - self._then[0]

    def since(self) -> dict[str, Any]:
        wall, cpu, server, waited = (now - then for now, then in zip(self._now(), self._then, strict=True))
        return {
            "starts": self.starts,
            "wall": wall,
            "cpu": cpu,
            "server_cpu": server,
            "waited": waited,
            "errors": dict(self.errors.most_common(3)),
        }


class Patience:
    """How long to wait until each has had its turn: for some seconds in all, and a second without any progress.

    Some clients never come to that: of those that wait for a connection, the same few may go on getting theirs.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds
        self._last = (0, time.perf_counter())

    def lasts(self, progress: int) -> bool:
        now = time.perf_counter()
        if progress > self._last[0]:
            self._last = (progress, now)
        return now < self._end and now < self._last[1] + 1.0


def scheduled(pid: int) -> tuple[float, float]:
    """Seconds that a process's first thread has run, and has waited for a core; 0 where the system does not tell."""
    try:
        ran, waited = Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[:2]
    except (OSError, ValueError):
        return 0.0, 0.0
    return int(ran) / 1e9, int(waited) / 1e9


async def throughput(job: Job) -> None:
    """From one start's end to another's, and as many starts between them as each task's share makes.

    Many tasks on one loop fall into step: all mint, then all start. In a window cut anywhere, one burst of ends more or
    less would be a large part of all; between two ends that lie whole rounds apart there are whole bursts.
    """
    meter, size = Meter(job["server"]), job["at_a_time"]
    began: set[int] = set()  # the tasks that have a start behind them: their connections are open
    ready = running = False
    async with AsyncExitStack() as stack:
        client = await CLIENTS[job["client"]](job, stack)

        def ended(number: int) -> None:
            nonlocal ready, running
            began.add(number)
            if running:
                meter.starts += 1
                if meter.starts % size == 0 and meter.seconds() >= job["seconds"]:
                    report({**meter.since(), "begun": len(began)})
            elif ready:
                running = True
                meter.begin()

        async def starts(number: int) -> None:
            name = f"bench-{number}"
            while True:
                try:
                    await client.start(name)
                except Exception as error:  # counted, and shown with the figures
                    meter.failed(error)
                    await asyncio.sleep(0.01)
                ended(number)

        tasks = [asyncio.create_task(starts(number)) for number in range(size)]
        await asyncio.sleep(job["run_up"])
        patience = Patience(job["patience"])
        while len(began) < len(tasks) and patience.lasts(len(began)):  # noqa: ASYNC110 - seldom, so it costs nothing
            await asyncio.sleep(0.02)
        ready = True
        await asyncio.sleep(job["seconds"] + 2 * job["patience"])
        report({**meter.since(), "begun": len(began)})


def throughput_sync(job: Job) -> None:
    meter = Meter(job["server"])
    counts = [0] * job["at_a_time"]  # one a thread, so that no lock is measured
    with ExitStack() as stack:
        client = SYNC_CLIENTS[job["client"]](job, stack)

        def starts(number: int) -> None:
            name = f"bench-{number}"
            while True:
                try:
                    client.start(name)
                except Exception as error:  # counted, and shown with the figures
                    meter.failed(error)
                    time.sleep(0.01)
                counts[number] += 1

        for number in range(job["at_a_time"]):
            threading.Thread(target=starts, args=(number,), daemon=True).start()
        time.sleep(job["run_up"])
        patience = Patience(job["patience"])
        while not all(counts) and patience.lasts(sum(map(bool, counts))):
            time.sleep(0.02)
        begun, before = sum(map(bool, counts)), sum(counts)
        meter.begin()
        time.sleep(job["seconds"])
        meter.starts = sum(counts) - before
        report({**meter.since(), "begun": begun})


# Latency: one start at a time, as the other program asks for it.


class Clock:
    """`time.monotonic`, which can be moved ahead: for clients that ask Python's clock, idle time passes at once."""

    def __init__(self) -> None:
        self._real = time.monotonic
        self._ahead = 0.0

    def __call__(self) -> float:
        return self._real() + self._ahead

    def move(self, seconds: float) -> None:
        self._ahead += seconds


class Bench:
    """Does what it is asked for, one order after the other; keeps clients open between orders."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self._job = job
        self._clock = clock
        self._kept: dict[str, list[Client]] = {}
        self._stack = AsyncExitStack()

    async def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            if order["order"] == "cold":
                return await self._cold(order)
            if order["order"] == "open":
                return await self._open(order)
            if order["order"] == "start":
                return {"seconds": [await self._timed(client) for client in self._kept[order["key"]]]}
            assert order["order"] == "move the clock"
            self._clock.move(order["seconds"])
            return {}
        except UnavailableError as why:
            return {"unavailable": str(why)}
        except Exception as error:  # a finding like any other
            return {"error": f"{type(error).__name__}: {error}"[:300]}

    async def _cold(self, order: dict[str, Any]) -> dict[str, Any]:
        """The first start of a new client: on no connection, or on one that it opened ahead."""
        async with AsyncExitStack() as stack:
            client = await made({**self._job, "base_url": order["base_url"]}, stack)
            if order["warm_up"]:
                if client.warm_up is None:
                    raise UnavailableError("it cannot open a connection ahead")
                await client.warm_up()
            return {"seconds": [await self._timed(client)]}

    async def _open(self, order: dict[str, Any]) -> dict[str, Any]:
        """Makes clients that have started a session each."""
        for _ in range(order["count"]):
            client = await made({**self._job, "base_url": order["base_url"]}, self._stack)
            await self._timed(client)
            self._kept.setdefault(order["key"], []).append(client)
        return {}

    @staticmethod
    async def _timed(client: Client) -> float:
        if client.prepare is not None:
            await client.prepare()
        began = time.perf_counter()
        await client.start("bench")
        return time.perf_counter() - began


async def made(job: Job, stack: AsyncExitStack) -> Client:
    """A client for an event loop, or one that blocks dressed as such: nothing else is on the loop."""
    if not job["sync"]:
        return await CLIENTS[job["client"]](job, stack)
    blocking = SYNC_CLIENTS[job["client"]](job, stack.enter_context(ExitStack()))

    async def start(name: str) -> str:
        return blocking.start(name)

    return Client(start, dressed(blocking.prepare), dressed(blocking.warm_up))


def dressed(act: Callable[[], object] | None) -> Callable[[], Awaitable[object]] | None:
    if act is None:
        return None

    async def call() -> object:
        return act()

    return call


async def latency(job: Job, clock: Clock) -> None:
    bench = Bench(job, clock)
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    # Read without blocking: clients on the loop must go on hearing what their servers say.
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    print("{}", flush=True)
    while line := await orders.readline():
        print(json.dumps(await bench.obey(json.loads(line))), flush=True)


async def first(job: Job) -> None:
    """The very first start of a program: importing the client, making one, connecting."""
    async with AsyncExitStack() as stack:
        client = await made(job, stack)
        await client.start("bench")
        report({"seconds": [time.perf_counter() - BEGAN]})


# Memory.


def resident() -> float:
    """MiB of memory that this process has in use."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


async def idle_clients(job: Job) -> None:
    """What a client object costs before it has done anything: time to make, and memory to keep."""
    async with AsyncExitStack() as stack:
        await made(job, stack)  # imports what is imported late
        gc.collect()
        before, began, count = resident(), time.perf_counter(), 0
        while count < job["count"] and time.perf_counter() < began + job["seconds"]:
            await made(job, stack)
            count += 1
        took = time.perf_counter() - began
        report({"seconds": took / count, "mebibytes": (resident() - before) / count, "count": count})


async def in_flight(job: Job) -> None:
    """Memory while many starts wait for a server that takes its time; the most there was until the first answer."""
    async with AsyncExitStack() as stack:
        client = await made(job, stack)
        began: set[int] = set()
        answered = asyncio.Event()

        async def start(number: int) -> None:
            began.add(number)
            with suppress(Exception):  # after the first answer, nothing matters any more
                await client.start(f"bench-{number}")
            answered.set()

        await client.start("bench")
        gc.collect()
        before = most = resident()
        tasks = [asyncio.create_task(start(number)) for number in range(job["count"])]
        while not answered.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(answered.wait(), 0.1)
            most = max(most, resident())
        report({"mebibytes": (most - before) / len(tasks), "count": len(began)})


def report(found: dict[str, Any]) -> NoReturn:
    """Says what was found and ends, in the middle of the starts: some clients are long in letting go of them."""
    print(json.dumps(found), flush=True)
    os._exit(0)


ERRANDS: dict[str, Callable[[Job], Awaitable[None]]] = {
    "throughput": throughput,
    "first": first,
    "idle clients": idle_clients,
    "in flight": in_flight,
}


def main() -> None:
    logging.disable(logging.CRITICAL)
    job: Job = json.loads(sys.stdin.readline())
    gc.collect()
    try:
        if job["do"] == "latency":
            clock = Clock()
            time.monotonic = clock
            asyncio.run(latency(job, clock))
        elif job["do"] == "throughput" and job["sync"]:
            throughput_sync(job)
        else:
            asyncio.run(run(ERRANDS[job["do"]](job)))
    except UnavailableError as why:
        report({"unavailable": str(why)})


async def run(errand: Awaitable[None]) -> None:
    await errand


if __name__ == "__main__":
    main()
