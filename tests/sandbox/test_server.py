"""The sandbox as an object, a program and a fixture: starting, stopping, outages, resets; what is left behind.

With `-- COMMAND` the program is tried in tests/cli.
"""

import asyncio
import base64
import contextlib
import gc
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

import anam_facade.sandbox
from anam_facade.sandbox import Fault, Sandbox
from anam_facade.sandbox.__main__ import _Coloured, main
from anam_facade.sandbox.state import Listener
from tests.sandbox.support import INLINE, LIVEKIT, SAVED, START, Api, eventually, exchanged

ROOT = Path(__file__).parents[2]
GONE = (httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)
REQUEST = f"POST {START} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n".encode()


def left_open():
    """How many threads and file descriptors there are."""
    gc.collect()
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def leaves_nothing():
    """Threads and file descriptors are the same in number after the test."""
    with Sandbox():
        pass  # whatever is opened once per process is open now
    before = left_open()
    yield
    assert left_open() == before


def test_start_and_stop_can_be_repeated(leaves_nothing):
    """Both are idempotent; a sandbox that is started anew remembers what was before; a stopped one refuses."""
    sandbox = Sandbox()
    sandbox.stop()
    sandbox.outage(1)
    with pytest.raises(RuntimeError, match="start"):
        _ = sandbox.base_url
    assert "not started" in repr(sandbox)
    assert sandbox.start() is sandbox.start()
    assert sandbox.base_url in repr(sandbox)
    assert sandbox.api_key not in repr(sandbox)
    assert re.fullmatch(rb"[0-9a-f-]{36}:.{20,}", base64.b64decode(sandbox.api_key, validate=True))  # as a real one
    sandbox.mint_token()
    sandbox.stop()
    sandbox.stop()
    with sandbox, (api := Api(sandbox)).http:
        api.mint()
        assert len(sandbox.tokens) == 2
    with pytest.raises(httpx.ConnectError):
        httpx.get(sandbox.base_url)
    sandbox.reset()
    assert sandbox.tokens == ()


def test_a_port_that_is_taken_is_an_oserror(leaves_nothing, caplog):
    """One that is lost during an outage is logged, and the sandbox can still be stopped."""
    with Sandbox() as sandbox:
        port = int(sandbox.base_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            Sandbox(port=port).start()
        sandbox.outage(0.3)
        with Sandbox(port=port):
            eventually(lambda: "cannot come back" in caplog.text)


def test_the_url_can_be_connected_to():
    """All addresses become loopback, one of IPv6 (where this machine has it) gets its brackets."""
    for host, shown, missing in (("0.0.0.0", "127.0.0.1", ()), ("::1", "[::1]", OSError)):
        with contextlib.suppress(missing), Sandbox(host=host) as sandbox, (api := Api(sandbox)).http:
            assert sandbox.base_url.startswith(f"http://{shown}:")
            assert api.mint().status_code == 200


def test_wrong_settings_are_refused_at_once():
    """The message names the setting."""
    wrong = {"port": -1, "api_key": "a b", "max_sessions": True, "latency": (1,)}
    wrong |= {"used_token_status": 403, "token_lifetime": 0, "gated_models": "cara-4", "strict": None}
    for name, value in wrong.items():
        with pytest.raises((TypeError, ValueError), match=name):
            Sandbox(**{name: value})
    with pytest.raises(ValueError, match="seconds"):
        Sandbox(keepalive=float("nan"))


@pytest.mark.parametrize(
    "fault", [{"delay": 3600}, {"close": "after", "delay_answer": 3600}, {"drip": 3600}, {"endless": True}]
)
def test_stopping_does_not_wait_for_hanging_requests(leaves_nothing, fault):
    """Whatever a fault holds back is cut, also where the client does not read, or sends half a request."""
    with Sandbox() as sandbox, ExitStack() as stack:
        given = sandbox.inject(Fault(**fault))
        address = ("127.0.0.1", int(sandbox.base_url.rpartition(":")[2]))
        whole = REQUEST + f"Authorization: Bearer {sandbox.api_key}\r\n\r\n".encode() + b"{}"
        clients = [stack.enter_context(socket.create_connection(address)) for _ in range(5)]
        for client, sent in zip(clients, (whole, whole, whole, REQUEST + b"\r\n{", b"POST /v1/"), strict=True):
            client.sendall(sent)
        eventually(lambda: [seen.fault for seen in sandbox.requests].count(given) == 3 and len(sandbox.requests) == 4)
        sandbox.stop()
        assert all(seen.status is not None for seen in sandbox.requests)


def test_during_an_outage_connecting_is_refused_and_afterwards_nothing_is_lost(leaves_nothing):
    """Open connections break, the port comes back, tokens and sessions are still known."""
    with Sandbox() as sandbox, (api := Api(sandbox)).http, (other := Api(sandbox, check=False)).http:
        token, used = api.token(), api.token()
        api.start(used)
        sandbox.inject(Fault(delay_answer=3600, times=1, operation="createEngineSession"))
        with ThreadPoolExecutor(1) as threads:
            hanging = threads.submit(other.direct)
            eventually(lambda: len(sandbox.sessions) == 2)
            sandbox.outage(0.05)
            sandbox.outage(3600)  # the time starts anew
            time.sleep(0.2)
            for _ in range(2):
                with pytest.raises(GONE):
                    api.mint()
            with pytest.raises(GONE):
                hanging.result(5)
        sandbox.outage(0.05)
        time.sleep(0.2)
        eventually(lambda: api.start(token).status_code == 200)
        assert api.start(used).status_code == 401
        assert len(sandbox.sessions) == 3
        sandbox.outage(3600)  # which stopping does not wait for


def test_reset_forgets_everything_but_the_key(serve):
    """Requests in progress are cut off, and leave no trace; idle connections stay, for clients share pools."""
    api = serve(max_sessions=3)
    sandbox, key = api.sandbox, api.sandbox.api_key
    api.start(api.token())
    sandbox.configure(strict=True, max_sessions=0)
    sandbox.inject(Fault(delay=0.2))
    with ThreadPoolExecutor(1) as threads, (early := Api(sandbox, check=False)).http:
        hanging = threads.submit(early.direct)
        eventually(lambda: sandbox.requests[-1].fault)
        sandbox.reset()
        with pytest.raises(GONE):
            hanging.result(5)
    time.sleep(0.25)
    assert (sandbox.tokens, sandbox.sessions, sandbox.requests, sandbox.faults) == ((), (), (), ())
    assert (sandbox.settings.strict, sandbox.settings.max_sessions, sandbox.api_key) == (False, 3, key)
    assert api.direct().status_code == 201
    assert sandbox.requests[0].number == 1


def test_what_a_raw_connection_meets(serve):
    """Idle it is closed after `keepalive` seconds; what is no HTTP is answered in the contract's form."""
    api = serve(keepalive=0.1)
    assert exchanged(api, b"GET /_sandbox/faults HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"[]")
    head, _, body = exchanged(api, b"POST /\x00 nonsense\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\ncontent-type: application/json\r\n" in head
    assert json.loads(body)["error"] == "Bad Request"


def test_tokens_can_be_minted_without_a_request(api, monkeypatch):
    """Usable ones by default; expired, short-lived and legacy ones on demand; by a clock that tests can freeze."""
    mint = api.sandbox.mint_token
    token = mint(persona=SAVED, client_label="a", session_options={"region": "eu"})
    assert api.start(token).json()["region"] == "eu"
    assert api.sandbox.sessions[0].label == "a"
    assert "engineHost" not in api.start(mint(environment=LIVEKIT)).json()
    assert api.start(mint(expires_in=-1)).status_code == 401
    assert api.start(mint(type="legacy")).status_code == 400
    with pytest.raises(ValueError, match="expires_in"):
        mint(expires_in="soon")
    assert {seen.operation for seen in api.sandbox.requests} == {"createEngineSession"}
    monkeypatch.setattr(time, "time", lambda: 1_893_456_000.0)
    mint(expires_in="30m")
    minted = api.sandbox.tokens[-1]
    assert (minted.minted_at, minted.expires_at) == (1_893_456_000.0, 1_893_457_800.0)


class Diary(Listener):
    """Writes down what it is told."""

    def __init__(self):
        self.lines = []

    def started(self, state, session):
        asyncio.get_running_loop()
        state.note(session.id, joined_at=1.0)  # its lock is free, and the session is in there
        self.lines.append(("started", session.id, session.environment.get("livekitToken")))

    def ended(self, state, session):
        self.lines.append(("ended", session.id, session.end_reason))

    async def aclose(self):
        self.lines.append("closed")


def test_listeners_are_told_of_every_start_and_every_end():
    """With the LiveKit token, which no repr shows, and the reason; also of a limited session that nobody looks at."""
    diary = Diary()
    with Sandbox() as sandbox, (api := Api(sandbox)).http:
        sandbox.listeners.append(diary)
        one, two, three = (api.direct(INLINE, environment=LIVEKIT).json()["sessionId"] for _ in range(3))
        assert diary.lines == [("started", id_, LIVEKIT["livekitToken"]) for id_ in (one, two, three)]
        assert LIVEKIT["livekitToken"] not in repr(sandbox.sessions)
        assert [session.joined_at for session in sandbox.sessions] == [1.0] * 3
        diary.lines.clear()
        sandbox.end_session(one)
        sandbox.state.end(two, "avatar_removed")
        sandbox.reset()
        assert diary.lines == [("ended", one, "stopped"), ("ended", two, "avatar_removed"), ("ended", three, "reset")]
        four = api.direct({**INLINE, "maxSessionLengthSeconds": 1}).json()["sessionId"]
        eventually(lambda: diary.lines[-1] == ("ended", four, "max_length"))
    assert diary.lines[-1] == "closed"


# --- The program, and what is missing without the extra ----------------------------------------------


def test_the_public_names_are_these():
    """Adding or removing one is a decision, not an accident."""
    names = ["Fault", "Sandbox", "SeenRequest", "Session", "Settings", "Token"]
    assert anam_facade.sandbox.__all__ == [getattr(anam_facade.sandbox, name).__name__ for name in names]
    assert set(names) <= set(dir(anam_facade.sandbox))
    with pytest.raises(AttributeError, match="sandbocks"):
        _ = anam_facade.sandbox.sandbocks


@pytest.mark.parametrize(("number", "host"), [(signal.SIGTERM, "127.0.0.1"), (signal.SIGINT, "0.0.0.0")])
def test_it_prints_what_a_client_needs_serves_and_ends_when_asked(number, host):
    """URL, key, lines for a shell; one masked log line per request; a warning if the network reaches it; status 0."""
    fault = '{"operation": "createEngineSession", "status": 503, "times": 1}'
    command = [sys.executable, "-W", "error", "-m", "anam_facade.sandbox", "--port", "0", "--api-key", "it's$HOME"]
    options = ["--host", host, "--max-sessions", "1", "--latency", "0", "0.01", "--strict", "--fault", fault]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, *options], stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        try:
            lines = [process.stdout.readline().rstrip("\n") for _ in range(6)]
            url = re.fullmatch(r"base URL: (http://127\.0\.0\.1:\d+)", lines[1])
            assert url is not None
            assert lines[2] == "API key:  it's$HOME"
            assert lines[3] == f"look:     {url[1]} in a browser; {url[1]}/docs for the contract"
            script = "\n".join([*lines[4:], 'printf "%s %s" "$ANAM_API_URL" "$ANAM_API_KEY"'])
            printed = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
            assert printed == f"{url[1]} it's$HOME"
            with httpx.Client(base_url=url[1], trust_env=False, headers={"Authorization": "Bearer it's$HOME"}) as http:
                statuses = [http.post(START, json={"personaConfig": SAVED}).status_code for _ in range(3)]
                settings = http.get("/_sandbox/state").json()["settings"]
            assert statuses == [503, 201, 429]
            assert (settings["strict"], settings["latency"]) == (True, [0, 0.01])
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, out) == (0, "")
    assert ("warning: 0.0.0.0 is not a loopback address" in err) == (host == "0.0.0.0")
    logged = [line.split(" ", 2)[2].partition(" in ")[0] for line in err.splitlines() if "warning" not in line]
    assert logged == [*(f"POST {START} -> {status}" for status in statuses), "GET /_sandbox/state -> 200"]
    assert "it's$HOME" not in err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--fault", "{"], "--fault"),
        (["--fault", '{"status": 999}'], "status"),
        (["--max-sessions", "-1"], "max_sessions"),
        (["--port", "99999"], "port"),
        (["--port", "{taken}"], "Error: cannot listen on 127.0.0.1:{taken}: Address already in use\n"),
    ],
)
def test_wrong_arguments_are_told_and_exit_with_2(arguments, named):
    """The message names the option or the value, in one line; nothing is served."""
    with socket.create_server(("127.0.0.1", 0)) as rival:
        taken = str(rival.getsockname()[1])
        done = CliRunner().invoke(main, [argument.replace("{taken}", taken) for argument in arguments])
    assert done.exit_code == 2
    assert named.replace("{taken}", taken) in done.stderr
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)


def test_colour_is_for_terminals():
    """A failure is red, a refusal yellow, all else plain."""
    records = [logging.makeLogRecord({"msg": "x", "status": status}) for status in (200, 404, 503, "closed")]
    lines = [_Coloured("%(message)s").format(record) for record in records]
    assert lines == ["x", "\x1b[33mx\x1b[0m", "\x1b[31mx\x1b[0m", "\x1b[31mx\x1b[0m"]


ADVICE = 'which is not installed: pip install "anam_facade[sandbox]"'
NEEDS = "anam_facade.sandbox needs {}, " + ADVICE
COMMAND = "from anam_facade.sandbox.__main__ import main; main('--port 0 {}'.split())"
IMPORT = "import anam_facade.sandbox.pytest_plugin; from anam_facade.sandbox import Sandbox"
PYTEST = "import pytest; sys.exit(pytest.main(['-p', 'anam_facade.sandbox.pytest_plugin', '-W', 'error']))"


def run(program, *missing, cwd=ROOT):
    """Runs a program that finds some modules not to be installed."""
    variables = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    without = f"import sys; sys.modules |= dict.fromkeys({missing})\n"
    command = [sys.executable, "-W", "error", "-c", without + program]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=os.environ | variables, timeout=60)


@pytest.mark.parametrize(
    ("program", "missing", "told"),
    [
        (IMPORT, "jwt", "ImportError: " + NEEDS.format("jwt")),
        *((COMMAND.format(""), name, "Error: " + NEEDS.format(name)) for name in ("click", "jsonschema_rs")),
        (COMMAND.format("--livekit"), "livekit", "needs livekit, " + ADVICE.replace("sandbox", "livekit")),
        # A broken dependency shows as what it is.
        (IMPORT, "yaml", "ModuleNotFoundError: import of yaml halted; None in sys.modules"),
    ],
)
def test_without_an_extra_the_error_says_what_to_install(program, missing, told):
    """Whatever is missing; the command says it in one line, and exits with status 2."""
    done = run(program, missing)
    assert done.stderr.splitlines()[-1].endswith(told)
    if program != IMPORT:
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_without_the_extra_the_fixture_says_so_to_who_uses_it(tmp_path):
    """Others' tests run as ever. That each test gets a sandbox of its own, all tests of the project rely on."""
    (tmp_path / "test_user.py").write_text("def test_it(anam_sandbox): ...\ndef test_without_it(): ...\n")
    done = run(PYTEST, "jwt", cwd=tmp_path)
    assert (done.returncode, "1 passed, 1 error" in done.stdout, ADVICE in done.stdout) == (1, True, True)
    assert "Traceback" not in done.stdout
