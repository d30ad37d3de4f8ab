"""Starting, stopping, outages, resets; many connections at once; nothing left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from anam_facade.sandbox import Fault, Sandbox, Session
from anam_facade.sandbox.server import Server
from tests.sandbox.support import SAVED, START, Api, until

Serve = Callable[..., Api]
GONE = (httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)
REQUEST = b"POST /v1/engine/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"


def descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """Threads and file descriptors are the same in number after the test."""
    with Sandbox():
        pass  # whatever is opened once per process is open now
    before = threading.active_count(), descriptors()
    yield
    assert (threading.active_count(), descriptors()) == before


def test_it_is_ready_when_the_context_begins_and_gone_when_it_ends(leaves_nothing: None) -> None:
    """The first request needs no waiting; afterwards connecting is refused."""
    with Sandbox() as sandbox:
        assert httpx.get(f"{sandbox.base_url}/_sandbox/faults").json() == []
        url = sandbox.base_url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_sandboxes_come_and_go(leaves_nothing: None) -> None:
    """Twenty, one after the other, each of which answers."""
    for _ in range(20):
        with Sandbox() as sandbox:
            assert httpx.get(f"{sandbox.base_url}/_sandbox/faults").status_code == 200


def test_start_and_stop_can_be_repeated(leaves_nothing: None) -> None:
    """Both are idempotent; a sandbox that is started anew remembers what was before."""
    sandbox = Sandbox()
    sandbox.stop()
    with pytest.raises(RuntimeError, match="start"):
        _ = sandbox.base_url
    assert "not started" in repr(sandbox)
    assert sandbox.start() is sandbox.start()
    assert sandbox.base_url in repr(sandbox)
    assert sandbox.api_key not in repr(sandbox)
    (api := Api(sandbox)).direct()
    api.http.close()
    sandbox.stop()
    sandbox.stop()
    with sandbox:
        (again := Api(sandbox)).direct()
        again.http.close()
        assert len(sandbox.sessions) == 2


def test_a_port_that_is_taken_is_an_oserror(leaves_nothing: None) -> None:
    """It is raised in the caller's thread, and the second sandbox leaves nothing behind."""
    with Sandbox() as sandbox:
        port = int(sandbox.base_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            Sandbox(port=port).start()
    with Sandbox(port=port) as again:
        assert again.base_url == sandbox.base_url


def test_a_port_that_is_taken_in_the_last_moment_is_an_oserror_too(leaves_nothing: None) -> None:
    """Between reserving the port and listening on it, another process may begin to listen."""
    with socket.socket() as rival:
        rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        rival.bind(("127.0.0.1", 0))
        server = Server(None, "127.0.0.1", rival.getsockname()[1], 1, None)  # type: ignore[arg-type]
        rival.listen()
        with pytest.raises(OSError, match="in use"):
            server.start()
        server.stop()


def test_a_port_that_is_lost_during_an_outage_is_logged(leaves_nothing: None, caplog: pytest.LogCaptureFixture) -> None:
    """The sandbox stays away, and can still be stopped."""
    with Sandbox() as sandbox:
        sandbox.outage(0.1)
        with Sandbox(port=int(sandbox.base_url.rpartition(":")[2])) as rival:
            assert rival.base_url == sandbox.base_url
            until(lambda: "cannot come back" in caplog.text)


def test_listening_on_every_address_gives_a_url_that_can_be_connected_to() -> None:
    """The base URL names loopback then."""
    with Sandbox(host="0.0.0.0") as sandbox:
        assert sandbox.base_url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{sandbox.base_url}/_sandbox/faults", trust_env=False).status_code == 200


def test_ipv6_works() -> None:
    """The URL has the brackets it needs."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return  # this machine has no IPv6
    with Sandbox(host="::1") as sandbox:
        assert sandbox.base_url.startswith("http://[::1]:")
        assert httpx.get(f"{sandbox.base_url}/_sandbox/faults", trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"port": -1}, "port"),
        ({"port": "80"}, "port"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": "a b"}, "api_key"),
        ({"api_key": "é"}, "api_key"),
        ({"max_sessions": -1}, "max_sessions"),
        ({"max_sessions": True}, "max_sessions"),
        ({"strict": 1}, "strict"),
        ({"latency": 1}, "latency"),
        ({"latency": (1, -1)}, "latency"),
        ({"used_token_status": 403}, "used_token_status"),
        ({"token_lifetime": 0}, "token_lifetime"),
        ({"gated_models": "cara-4"}, "gated_models"),
        ({"keepalive": float("nan")}, "seconds"),
    ],
)
def test_wrong_settings_are_refused_at_once(settings: dict[str, Any], named: str) -> None:
    """The message names the setting."""
    with pytest.raises((TypeError, ValueError), match=named):
        Sandbox(**settings)


def test_settings_can_be_changed_while_it_runs(sandbox: Sandbox, api: Api) -> None:
    """By name; unknown names and wrong values are refused, and change nothing."""
    sandbox.configure(strict=True, max_sessions=0)
    assert (sandbox.settings.strict, sandbox.settings.max_sessions) == (True, 0)
    assert api.direct().status_code == 429
    for wrong in ({"stirct": True}, {"strict": "yes"}):
        with pytest.raises((TypeError, ValueError), match=next(iter(wrong))):
            sandbox.configure(**wrong)
    assert sandbox.settings.strict is True


@pytest.mark.parametrize(
    "fault",
    [
        Fault(delay=3600),
        Fault(delay_answer=3600),
        Fault(close="after", delay_answer=3600),
        Fault(drip=3600),
        Fault(endless=True),
        Fault(endless=True, drip=0.01),
    ],
)
def test_stopping_does_not_wait_for_hanging_requests(leaves_nothing: None, fault: Fault) -> None:
    """Whatever a fault holds back, it is cut within a second, also where the client does not read."""
    with Sandbox() as sandbox:
        sandbox.inject(fault)
        address = "127.0.0.1", int(sandbox.base_url.rpartition(":")[2])
        clients = [socket.create_connection(address) for _ in range(5)]
        for client in clients:
            client.sendall(REQUEST + f"Authorization: Bearer {sandbox.api_key}\r\n\r\n".encode() + b"{}")
        until(lambda: sum(seen.fault is not None for seen in sandbox.requests) == 5)
        began = time.monotonic()
    assert time.monotonic() - began < 5  # not a speed test: it would hang
    for client in clients:
        client.close()


def test_a_request_that_never_ends_does_not_keep_it_from_stopping(leaves_nothing: None) -> None:
    """Half a body, and half a request line."""
    with Sandbox() as sandbox:
        address = "127.0.0.1", int(sandbox.base_url.rpartition(":")[2])
        with socket.create_connection(address) as body, socket.create_connection(address) as line:
            body.sendall(REQUEST + b"\r\n{")
            line.sendall(b"POST /v1/")
            until(lambda: sandbox.requests)
            began = time.monotonic()
            sandbox.stop()
            assert time.monotonic() - began < 5  # not a speed test: it would hang
        assert sandbox.requests[0].status == "closed"


def test_what_is_not_http_is_answered_in_the_contracts_form(sandbox: Sandbox) -> None:
    """A garbled request gets a 400 with a JSON body."""
    with socket.create_connection(("127.0.0.1", int(sandbox.base_url.rpartition(":")[2])), timeout=5) as raw:
        raw.sendall(b"POST /\x00 nonsense\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\ncontent-type: application/json\r\n" in head
    assert b'"error":"Bad Request"' in body


def test_during_an_outage_connecting_is_refused_and_afterwards_nothing_is_lost(leaves_nothing: None) -> None:
    """Open connections break, the port comes back, tokens and sessions are still known."""
    with Sandbox() as sandbox, (api := Api(sandbox)).http:
        token, used = api.token(), api.token()
        api.start(used)
        sandbox.inject(Fault(delay_answer=3600, times=1, operation="createEngineSession"))
        with ThreadPoolExecutor(1) as threads:
            hanging = threads.submit(Api(sandbox, check=False).direct)
            until(lambda: len(sandbox.sessions) == 2)
            began = time.monotonic()
            sandbox.outage(1.0)
            for _ in range(2):
                with pytest.raises(GONE), (fresh := Api(sandbox)).http:
                    fresh.mint()
            with pytest.raises(GONE):
                hanging.result(5)
        time.sleep(max(0.0, began + 1.1 - time.monotonic()))
        assert api.start(token).status_code == 200
        assert api.start(used).status_code == 401
        assert len(sandbox.sessions) == 3


def test_an_outage_can_be_prolonged_and_cut_short_by_stopping(leaves_nothing: None) -> None:
    """The time starts anew; stop() frees the port at once; without a server there is nothing to take down."""
    sandbox = Sandbox()
    sandbox.outage(1)
    with sandbox:
        sandbox.outage(0.05)
        sandbox.outage(3600)
        time.sleep(0.1)
        with pytest.raises(httpx.ConnectError):
            httpx.get(sandbox.base_url)
        began = time.monotonic()
    assert time.monotonic() - began < 5  # not a speed test: it would hang
    for wrong in (-1, float("nan"), "2"):
        with pytest.raises(ValueError, match="seconds"):
            sandbox.outage(wrong)  # type: ignore[arg-type]


def test_reset_forgets_everything_but_the_key(serve: Serve) -> None:
    """Tokens, sessions, requests, faults, changed settings."""
    api = serve(max_sessions=3)
    sandbox, key = api.sandbox, api.sandbox.api_key
    api.start(api.token())
    sandbox.configure(strict=True, max_sessions=0)
    sandbox.inject(Fault(status=500))
    sandbox.reset()
    assert (sandbox.tokens, sandbox.sessions, sandbox.requests, sandbox.faults) == ((), (), (), ())
    assert (sandbox.settings.strict, sandbox.settings.max_sessions, sandbox.api_key) == (False, 3, key)
    assert api.direct().status_code == 201
    assert sandbox.requests[0].number == 1


def test_a_request_from_before_a_reset_leaves_no_trace_after_it(sandbox: Sandbox) -> None:
    """It is cut off, and what it would have started is not in the new ledger."""
    sandbox.inject(Fault(delay=0.2))
    with ThreadPoolExecutor(1) as threads:
        early = threads.submit(Api(sandbox, check=False).direct)
        until(lambda: sandbox.requests and sandbox.requests[0].fault)
        sandbox.reset()
        with pytest.raises(GONE):
            early.result(5)
    time.sleep(0.25)
    assert (sandbox.sessions, sandbox.requests) == ((), ())


def test_idle_connections_survive_a_reset(sandbox: Sandbox, api: Api) -> None:
    """A client that shares its pool between tests must not stumble."""
    api.direct()
    sandbox.reset()
    assert api.direct().status_code == 201


def test_idle_connections_are_closed_after_a_while(serve: Serve) -> None:
    """After `keepalive` seconds the server ends them, as real ones do."""
    api = serve(keepalive=0.1)
    address = "127.0.0.1", api.http.base_url.port or 0
    with socket.create_connection(address, timeout=5) as raw:
        raw.sendall(b"GET /_sandbox/faults HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"".join(iter(lambda: raw.recv(4096), b"")).endswith(b"[]")


def test_500_connections_at_once(leaves_nothing: None) -> None:
    """All are served, each session is started once with its own token, and no descriptor stays open."""

    async def one(port: int, token: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST + f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode() + b"{}")
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        assert head.startswith(b"HTTP/1.1 200 OK")
        session_id: str = json.loads(body)["sessionId"]
        return session_id

    async def all_of_them(sandbox: Sandbox) -> list[str]:
        port = int(sandbox.base_url.rpartition(":")[2])
        tokens = [sandbox.mint_token(client_label=f"caller-{n}") for n in range(500)]
        return list(await asyncio.gather(*(one(port, token) for token in tokens)))

    with Sandbox(latency=(0.0, 0.5)) as sandbox:
        started = asyncio.run(all_of_them(sandbox))
        by_id: dict[str, Session] = {session.id: session for session in sandbox.sessions}
        assert [by_id[session_id].label for session_id in started] == [f"caller-{n}" for n in range(500)]
        assert all(session.delivered for session in by_id.values())
        assert all(len(token.used_by) == 1 for token in sandbox.tokens)


def test_it_works_beside_an_event_loop() -> None:
    """The sandbox has a thread of its own, so that an asyncio test may start it and talk to it."""

    async def main() -> None:
        with Sandbox() as sandbox:
            async with httpx.AsyncClient(base_url=sandbox.base_url, trust_env=False) as client:
                key = {"Authorization": f"Bearer {sandbox.api_key}"}
                response = await client.post(START, json={"personaConfig": SAVED}, headers=key)
                sandbox.outage(0.05)
                assert response.json()["sessionId"] == sandbox.sessions[0].id

    asyncio.run(main())


def test_several_sandboxes_do_not_know_each_other(serve: Serve) -> None:
    """Keys, tokens and sessions are each one's own."""
    one, other = serve(), serve()
    one.direct()
    assert len(other.sandbox.sessions) == 0
    assert one.sandbox.api_key != other.sandbox.api_key
    assert other.mint(bearer=one.sandbox.api_key).status_code == 401
    assert other.start(one.token()).status_code == 401


def test_tokens_can_be_minted_without_a_request(serve: Serve) -> None:
    """Usable ones by default; expired, short-lived and legacy ones on demand."""
    api = serve()
    sandbox = api.sandbox
    assert (
        api.start(sandbox.mint_token(persona=SAVED, client_label="a", session_options={"region": "eu"})).status_code
        == 200
    )
    assert sandbox.sessions[0].label == "a"
    environment = {"livekitUrl": "wss://a.example.org", "livekitToken": "x"}
    assert "engineHost" not in api.start(sandbox.mint_token(environment=environment)).json()
    assert api.start(sandbox.mint_token(expires_in=-1)).status_code == 401
    assert api.start(sandbox.mint_token(type="legacy")).status_code == 400
    sandbox.mint_token(expires_in="30m")
    assert sandbox.tokens[-1].expires_at - sandbox.tokens[-1].minted_at == pytest.approx(1800)
    with pytest.raises(ValueError, match="expires_in"):
        sandbox.mint_token(expires_in="soon")
    assert sandbox.requests[0].operation == "createEngineSession"
