"""The command, run within the test's own process: what it prints, its exit status, and that no secret is in it.

What `docs/command.md` shows is compared with what is printed by `scripts/terminal.py`.
"""

from __future__ import annotations

import json
import runpy
import socket
import sys
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

import anam_facade
from anam_facade.cli import commands, doctor, main
from anam_facade.cli.doctor import Finding
from anam_facade.sandbox import Fault, Sandbox
from tests.client.servers import running
from tests.hostile.certificates import certified

FILES = Path(__file__).parents[2] / "docs" / "command"
GOOD, WRONG = str(FILES / "cara.yaml"), str(FILES / "wrong.yaml")
SAVED = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
ABROAD = "https://anam.invalid"
ROOMS = {"LIVEKIT_URL": "wss://rooms.invalid", "LIVEKIT_API_KEY": "devkey"}
SECRET = {"LIVEKIT_API_SECRET": "a secret of at least thirty-two bytes"}

Run = Callable[..., Result]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command; no variable of the user's leads it anywhere."""
    proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    for name in ("anam_api_key", "anam_api_url", *proxies, *map(str.lower, ROOMS | SECRET)):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def run(*arguments: str, **options: Any) -> Result:
        return CliRunner().invoke(commands.cli, arguments, prog_name="anam-facade", **options)

    return run


@pytest.fixture
def run(bare: Run, anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same with a sandbox in the variables."""
    monkeypatch.setenv("ANAM_API_URL", anam_sandbox.base_url)
    monkeypatch.setenv("ANAM_API_KEY", anam_sandbox.api_key)
    return bare


LOST = Fault(operation="createEngineSession", close="after", times=1)


@pytest.mark.parametrize(
    ("arguments", "status", "shown", "sessions", "setting"),
    [
        (["token", GOOD, "--label", "one"], 0, "label      one", 0, {}),
        (["token", GOOD], 0, '"type": "ephemeral"', 0, {}),
        (["token", GOOD], 0, "UTC, in 60 minutes", 0, {}),
        (["start", GOOD, "--label", "checkout-42"], 0, "label      checkout-42", 1, {}),
        (["start", "--persona-id", SAVED, "--direct"], 0, "engine     http", 1, {}),
        # The join token is made from LIVEKIT_…; what is missing of them is told.
        (["token", GOOD, "--room", "lobby"], 1, "LIVEKIT_API_SECRET", 0, {"env": ROOMS}),
        (["start", GOOD, "--room", "lobby"], 0, "room       lobby at wss://rooms.invalid", 1, {"env": ROOMS | SECRET}),
        # An error is a line with the class to look up; its exit status says whether a session may be running.
        (["start", GOOD, "--direct"], 3, "(SessionStartUncertainError)\n", 1, {"fault": LOST}),
        (["start", GOOD], 1, "(AuthenticationError)\n", 0, {"env": {"ANAM_API_KEY": "another-key"}}),
        (["start", WRONG], 1, "line 3: voiceID: unknown", 0, {}),
        # One persona has to be named, not two; neither more starts nor more at a time than the bounds.
        (["token"], 2, "--persona-id", 0, {}),
        (["start", GOOD, "--persona-id", SAVED], 2, "--persona-id", 0, {}),
        (["doctor", GOOD, "--persona-id", SAVED], 2, "--persona-id", 0, {}),
        (["load", "10001"], 2, "10001 is not in the range 1<=x<=10000", 0, {}),
        (["load", "5", "--concurrency", "257"], 2, "257 is not in the range 1<=x<=256", 0, {}),
        # The sandbox in the variables is loaded; starts that fail do not end the run, and are counted by class.
        (["load", "4", GOOD, "-c", "2"], 1, "failed     3x ConcurrencyLimitError", 1, {"max_sessions": 1}),
        (["load", "2", GOOD], 0, "started    2 in ", 2, {}),
        (["load", "1", GOOD], 1, "started    0 in ", 0, {"max_sessions": 0}),
    ],
    ids=range(18),
)
def test_what_a_command_comes_to(
    run: Run, anam_sandbox: Sandbox, arguments: list[str], status: int, shown: str, sessions: int, setting: Any
) -> None:
    """Exit status, a line, and how many sessions there are then. No key and no traceback in any output."""
    anam_sandbox.configure(max_sessions=setting.get("max_sessions", 9))
    if "fault" in setting:
        anam_sandbox.inject(setting["fault"])
    told = run(*arguments, env=setting.get("env"))
    assert told.exit_code == status, told.output
    assert shown in told.output
    assert len(anam_sandbox.sessions) == sessions
    if "--label" in arguments:
        assert {made.label for made in (*anam_sandbox.tokens, *anam_sandbox.sessions)} == {arguments[3]}
    if "--direct" in arguments:
        assert anam_sandbox.tokens == ()
    for hidden in (anam_sandbox.api_key, "another-key", "secret of", "eyJ", "Traceback"):
        assert hidden not in told.output


def test_nothing_is_made_up(run: Run, anam_sandbox: Sandbox) -> None:
    """What an answer does not say is not shown: a token's expiry, a session's engine. With --raw there is the token."""
    anam_sandbox.inject(Fault(status=200, body={"sessionToken": "opaque", "sessionId": SAVED}))
    for command, shown, hidden in (("token", "claims     {}", "expires"), ("start", f"session    {SAVED}", "engine")):
        told = run(command, GOOD).output
        assert (shown in told, hidden in told) == (True, False)
    raw = run("token", "--persona-id", "x", "--raw")
    assert raw.stdout == "opaque\n"
    assert raw.stderr.startswith("warning: persona_id='x' is not a UUID")


@pytest.mark.parametrize(("arguments", "what"), [(["start", GOOD], "one session"), (["load", "3", GOOD], "3 sessions")])
def test_what_is_billed_is_asked_for(
    bare: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], what: str
) -> None:
    """Anything but a yes sends nothing; without a terminal only --yes goes on."""
    monkeypatch.setenv("ANAM_API_KEY", "a-key")
    refused = bare(*arguments, "--url", ABROAD)
    assert (refused.exit_code, "say --yes" in refused.output) == (2, True)
    monkeypatch.setattr(commands, "is_a_terminal", lambda: True)
    asked = bare(*arguments, "--url", ABROAD, input="n\n")
    assert asked.output == f"Starting {what} at {ABROAD} is billed. Go on? [y/N]: n\nAborted!\n"
    assert asked.exit_code == 1


def test_check_lists_every_problem_of_every_file(bare: Run, tmp_path: Path) -> None:
    """One line each, warnings included; exit status 1 when one file is not valid. Colours are for terminals."""
    odd = tmp_path / "odd.json"
    odd.write_text('{"avatarModel": "cara-9", "voiceId": "6bfbe25a-979d-40f3-a92b-5394170af54b"}')
    told = bare("check", GOOD, WRONG, str(odd), str(tmp_path / "missing.yaml"))
    assert told.exit_code == 1
    good, voice, notes, model, valid, missing = told.output.splitlines()
    assert (good, valid) == (f"✓ {GOOD}", f"✓ {odd}")
    assert voice.startswith(f"✗ {WRONG}, line 3: voiceID")
    assert notes.startswith(f"✗ {WRONG}, line 5: directorNotes.expressivity = 7")
    assert model.startswith(f"! {odd}: avatarModel='cara-9'")
    assert "cannot be read" in missing
    assert bare("check", GOOD).exit_code == 0
    for no_color in ("", "1"):
        coloured = bare("check", GOOD, color=True, env={"NO_COLOR": no_color}).output
        assert ("\x1b[" in coloured) is (no_color == "")


def test_load_uses_a_sandbox_of_its_own(bare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is named in ANAM_API_URL is loaded unless it is this machine."""
    monkeypatch.setenv("ANAM_API_URL", ABROAD)
    told = bare("load", "8", "--concurrency", "3")
    assert told.exit_code == 0, told.output
    for line in ("url        http://127.0.0.1:", "started    8 in ", "latency    median "):
        assert line in told.output


def test_sandbox_hands_its_arguments_on(bare: Run) -> None:
    """A command finds the sandbox in its variables; its exit status is passed on; the help is the sandbox's own."""
    program = "import os, sys; sys.exit(3 if os.environ['ANAM_API_URL'].startswith('http://127.0.0.1:') else 1)"
    assert bare("sandbox", "--max-sessions", "1", "--", sys.executable, "-c", program).exit_code == 3
    assert bare("sandbox", "--help").output.startswith("Usage: anam-facade sandbox")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["do"], "doctor"),
        (["check", ""], "file"),
        (["start", "--per"], "--persona-id"),
        (["sandbox", "--max"], "--max-sessions"),
    ],
)
def test_completion_knows_commands_files_and_options(typed: list[str], offered: str) -> None:
    """What a shell is offered, the sandbox's options included."""
    complete = ShellComplete(commands.cli, {}, "anam-facade", "_ANAM_FACADE_COMPLETE")
    (item,) = complete.get_completions(typed[:-1], typed[-1])
    assert offered in (item.value, item.type)


def test_the_module_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m anam_facade`; without the extra one line says what to install."""
    monkeypatch.setattr(sys, "argv", ["__main__.py", "--version"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(Path(anam_facade.__file__).with_name("__main__.py")), run_name="__main__")
    assert (end.value.code, capsys.readouterr().out[:21]) == (0, "anam-facade, version ")
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit, match=r"needs click.*anam-facade\[cli\]"):
        main()


# doctor: one finding for each thing that can be wrong.


def line(output: str, check: str) -> str:
    return next(line for line in output.splitlines() if line[2:].startswith(check))


def test_all_is_well(run: Run, anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is tried by minting, which starts nothing, also when the clock is wrong; --json says the same."""
    told = run("doctor", GOOD)
    assert told.exit_code == 0, told.output
    assert "✗" not in told.output
    assert told.output.endswith("All is well.\n")
    assert anam_sandbox.api_key not in told.output
    assert line(told.output, "ANAM_API_KEY") == f"✓ ANAM_API_KEY  is set: ***, {len(anam_sandbox.api_key)} characters"
    assert "which starts and bills nothing" in line(told.output, "key accepted")
    assert (len(anam_sandbox.tokens), len(anam_sandbox.sessions)) == (1, 0)
    report = json.loads(run("doctor", "--json", "--persona-id", SAVED).output)
    assert report["ok"] is True
    assert {"check", "status", "detail", "advice"} == set(report["checks"][0])
    assert {check["status"] for check in report["checks"]} == {"passed", "skipped"}
    monkeypatch.setattr(doctor, "CLOCK_TOLERANCE", -1.0)
    late = run("doctor")
    assert (late.exit_code, line(late.output, "clock")[0], line(late.output, "key accepted")[0]) == (1, "✗", "✓")


def test_nothing_is_set_up(bare: Run) -> None:
    """What cannot be tried is skipped, and the exit status is 1."""
    told = bare("doctor", WRONG, "--url", "http://127.0.0.1:9")
    assert told.exit_code == 1
    assert line(told.output, "ANAM_API_KEY").startswith("✗ ANAM_API_KEY  is not set")
    assert line(told.output, "persona").startswith("✗")
    assert "refused" in line(told.output, "connection")
    assert line(told.output, "key accepted").startswith("-")
    assert told.output.endswith("3 of 8 checks failed\n")


@pytest.mark.parametrize("url", ["ftp://anam.invalid", "http://anam.invalid", "https://unknown.invalid"])
def test_an_address_that_leads_nowhere(run: Run, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """One that no client takes, or whose name cannot be resolved: nothing is tried over the network after that."""

    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", fails)
    told = run("doctor", "--url", url)
    assert told.exit_code == 1
    assert line(told.output, "address").startswith("✗")
    assert ("cannot be resolved: Name or service not known" in told.output) is ("unknown" in url)
    assert "connection" not in told.output


def key(value: str) -> Finding:
    return doctor.variable("ANAM_API_KEY", value, secret=True)


def clock(offset: float) -> Finding:
    return doctor.clock(formatdate(1_800_000_000 + offset, usegmt=True), 1_800_000_000)


@pytest.mark.parametrize(
    ("found", "mark", "detail", "advice"),
    [
        (key(""), "✗", "is empty", "Make a key"),
        (key('"a-key"'), "✗", "has quotes around it", "Remove the quotes"),
        (key("a-key\n"), "✗", "has blanks or line breaks in it", "Set it anew"),
        (key("a-key"), "✓", "is set: ***, 5 characters", ""),
        (doctor.variable("ANAM_API_URL", "https://me:pw@a.invalid"), "✓", "is set: https://***@a.invalid", ""),
        # Behind a proxy the name may not be known here at all.
        (doctor.address("https://a.invalid", proxied=True), "-", "a.invalid:443, resolved by the proxy", ""),
        (
            doctor.unreachable(httpx.ConnectError("[SSL: WRONG_VERSION]")),
            "✗",
            "ConnectError: [SSL: WRONG_V",
            "speak TLS",
        ),
        (doctor.unreachable(httpx.ProxyError("407")), "✗", "ProxyError: 407", "HTTPS_PROXY"),
        (doctor.unreachable(httpx.ConnectError("refused"), proxied=True), "✗", "ConnectError: refused", "HTTPS_PROXY"),
        (doctor.unreachable(httpx.ReadTimeout("")), "✗", "ReadTimeout", "Is it running"),
        (clock(60), "✓", "within 60 s", ""),
        (clock(-61), "✗", "is 61 s ahead of", "NTP"),
        (clock(61), "✗", "is 61 s behind", "NTP"),
        (doctor.clock(None, 0), "-", "not compared", ""),
    ],
    ids=range(14),
)
def test_what_is_found_is_told_with_what_to_do(found: Finding, mark: str, detail: str, advice: str) -> None:
    """Neither the key is shown, nor the user in a URL."""
    assert (found.mark, found.detail.startswith(detail)) == (mark, True)
    assert (advice in found.advice, bool(found.advice)) == (True, bool(advice))


@pytest.mark.parametrize(
    ("variables", "mark", "detail"),
    [
        ({}, "-", "none"),
        ({"https_proxy": "http://me:pw@proxy.invalid:3128"}, "✓", "proxy.invalid:3128"),
        ({"all_proxy": "proxy.invalid"}, "✓", "proxy.invalid:80"),
        ({"https_proxy": "http://a.invalid", "no_proxy": "anam.invalid"}, "-", "none for this address, by NO_PROXY"),
    ],
)
@pytest.mark.usefixtures("bare")
def test_the_proxy(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], mark: str, detail: str) -> None:
    """Its credentials are not shown."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = doctor.proxy("https://anam.invalid/")
    assert (found.mark, found.detail) == (mark, detail)


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is trusted is shown with its end; another is refused, with the variable that helps."""
    context, authority = certified()
    (tmp_path / "authority.pem").write_text(authority)
    with running(context) as server:
        (refused,) = doctor.connection(server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        answered, secured, _ = doctor.connection(server.url)
    assert (refused.check, refused.passed) == ("TLS", False)
    assert "SSL_CERT_FILE" in refused.advice
    assert answered.detail.startswith("answered 404")
    assert secured.detail.startswith("TLSv1.3, certificate valid until ")


@pytest.mark.parametrize(
    ("fault", "named", "mark"),
    [
        (Fault(status=401), True, "✗"),
        (Fault(status=500), True, "✗"),
        (Fault(status=400), True, "✗"),
        (Fault(status=400), False, "-"),  # an id that doctor made up is no reason to blame the key
        (Fault(close="before"), False, "✗"),
    ],
)
def test_a_key_that_mints_nothing(run: Run, anam_sandbox: Sandbox, fault: Fault, named: bool, mark: str) -> None:
    """One attempt, and what to do about it."""
    anam_sandbox.inject(fault)
    given = {"ANAM_API_KEY": "-", "ANAM_API_URL": ""}
    found = list(doctor.findings(given, anam_sandbox.base_url, GOOD if named else None, None))[-1]
    assert (found.check, found.mark, bool(found.advice)) == ("key accepted", mark, True)
    assert len(anam_sandbox.requests) == 1
