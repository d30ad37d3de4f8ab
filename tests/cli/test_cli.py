"""The command, run within the test's own process: what it prints, its exit status, and that no secret is in it.

What `docs/command.md` shows is compared with what is printed by `scripts/docs.py`.
"""

from __future__ import annotations

import json
import runpy
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
from anam_facade.sandbox import Fault, Sandbox
from tests.client.servers import running
from tests.hostile.certificates import certified

FILES = Path(__file__).parents[2] / "docs" / "command"
GOOD, WRONG = str(FILES / "cara.yaml"), str(FILES / "wrong.yaml")
SAVED = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
ABROAD, NOBODY = "https://anam.invalid", "http://127.0.0.1:9"
ROOMS = {"LIVEKIT_URL": "wss://rooms.invalid", "LIVEKIT_API_KEY": "devkey"}
SECRET = {"LIVEKIT_API_SECRET": "a secret of at least thirty-two bytes"}

Run = Callable[..., Result]


@pytest.fixture
def run(bare_environment: None, anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command; no variable leads it anywhere but to the sandbox."""
    for name in ROOMS | SECRET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANAM_API_URL", anam_sandbox.base_url)
    monkeypatch.setenv("ANAM_API_KEY", anam_sandbox.api_key)
    return lambda *arguments, **options: CliRunner().invoke(commands.cli, arguments, prog_name="anam-facade", **options)


LOST = Fault(operation="createEngineSession", close="after", times=1)
CHECKS_ITS_URL = "import os, sys; sys.exit(3 if os.environ['ANAM_API_URL'].startswith('http://127.0.0.1:') else 1)"
BILLED = f"Starting one session at {ABROAD} is billed. Go on? [y/N]: n\nAborted!\n"
THROUGH = [
    "✓ proxy         p.invalid:3128",
    "- address       a.invalid:443, resolved by the proxy",
    "Check HTTPS_PROXY",
]
NO_PROXY = {"https_proxy": "http://p.invalid", "no_proxy": "a.invalid"}
# Arguments → exit status, how many sessions there are then, and what the output has; and what is done before.
COMES_TO: list[tuple[list[str], int, int, list[str], dict[str, Any]]] = [
    (["token", GOOD, "--label", "one"], 0, 0, ["label      one", '"type": "ephemeral"', "UTC, in 60 minutes"], {}),
    (["start", GOOD, "--label", "checkout-42"], 0, 1, ["label      checkout-42", "engine     http"], {}),
    (["start", "--persona-id", SAVED, "--direct"], 0, 1, ["label      cli-", "engine     http"], {}),
    # The join token is made from LIVEKIT_…; what is missing of them is told.
    (["token", GOOD, "--room", "lobby"], 1, 0, ["LIVEKIT_API_SECRET"], {"env": ROOMS}),
    (["start", GOOD, "--room", "lobby"], 0, 1, ["room       lobby at wss://rooms.invalid"], {"env": ROOMS | SECRET}),
    # An error is a line with the class to look up; the exit status says whether a session may be running.
    (["start", GOOD, "--direct"], 3, 1, ["(SessionStartUncertainError)\n"], {"fault": LOST}),
    (["start", GOOD], 1, 0, ["(AuthenticationError)\n"], {"env": {"ANAM_API_KEY": "another-key"}}),
    (["start", WRONG], 1, 0, ["line 3: voiceID: unknown"], {}),
    # One persona has to be named, not two; neither more starts nor more at a time than the bounds.
    (["token"], 2, 0, ["--persona-id"], {}),
    (["start", GOOD, "--persona-id", SAVED], 2, 0, ["--persona-id"], {}),
    (["doctor", GOOD, "--persona-id", SAVED], 2, 0, ["--persona-id"], {}),
    (["load", "10001"], 2, 0, ["10001 is not in the range 1<=x<=10000"], {}),
    (["load", "5", "--concurrency", "257"], 2, 0, ["257 is not in the range 1<=x<=256"], {}),
    # Anything but a yes sends nothing where it is billed; without a terminal only --yes goes on.
    (["start", GOOD, "--url", ABROAD], 2, 0, ["one session", "say --yes"], {}),
    (["load", "3", GOOD, "--url", ABROAD], 2, 0, ["3 sessions", "say --yes"], {}),
    (["start", GOOD, "--url", ABROAD], 1, 0, [BILLED], {"input": "n\n"}),
    # What is loaded is the sandbox in the variables, or one of its own; starts that fail do not end the run.
    (["load", "2", GOOD], 0, 2, ["started    2 in ", "latency    median "], {}),
    (["load", "2"], 0, 0, ["url        http://127.0.0.1:", "started    2 in "], {"env": {"ANAM_API_URL": ABROAD}}),
    (["load", "4", GOOD, "-c", "2"], 1, 1, ["started    1 in ", "failed     3x Concurrency"], {"max_sessions": 1}),
    (["load", "1", GOOD], 1, 0, ["started    0 in "], {"max_sessions": 0}),
    # The sandbox has its own arguments; a command finds it in its variables, and its exit status is passed on.
    (["sandbox", "--max-sessions", "1", "--", sys.executable, "-c", CHECKS_ITS_URL], 3, 0, [], {}),
    (["sandbox", "--help"], 0, 0, ["Usage: anam-facade sandbox"], {}),
    # doctor: one finding for each thing that can be wrong, and what to do; what cannot be tried is skipped.
    (["doctor", WRONG, "--url", NOBODY], 1, 0, ["✗ persona", "refused", "- key accepted", "2 of 8 checks failed"], {}),
    (["doctor", "--url", NOBODY], 1, 0, ["is not set: https://api.anam.ai"], {"env": {"ANAM_API_URL": ""}}),
    (["doctor"], 1, 0, ["✗ ANAM_API_KEY  is empty. Make a key", "- key accepted"], {"env": {"ANAM_API_KEY": ""}}),
    (["doctor"], 1, 0, ["✗ ANAM_API_KEY  has quotes around it. R"], {"env": {"ANAM_API_KEY": "'a'"}}),
    (["doctor"], 1, 0, ["✗ ANAM_API_KEY  has blanks or line breaks"], {"env": {"ANAM_API_KEY": "a\n"}}),
    (["doctor"], 1, 0, ["is set: https://***@a.invalid"], {"env": {"ANAM_API_URL": "https://me:pw@a.invalid"}}),
    (["doctor", "--url", "ftp://a.invalid"], 1, 0, ["✗ address", "- key accepted"], {}),
    (["doctor", "--url", "https://a.invalid"], 1, 0, ["✗ address       a.invalid cannot be resolved"], {}),
    (["doctor", "--url", "https://a.invalid"], 1, 0, THROUGH, {"env": {"https_proxy": "http://me:pw@p.invalid:3128"}}),
    (["doctor", "--url", "https://a.invalid"], 1, 0, ["p.invalid:80"], {"env": {"all_proxy": "p.invalid"}}),
    (["doctor", "--url", "https://a.invalid"], 1, 0, ["none for this address, by NO_PROXY"], {"env": NO_PROXY}),
    (["doctor", GOOD], 1, 0, ["✗ key accepted", "Check the key in Anam's web app"], {"fault": Fault(status=401)}),
    (["doctor", GOOD], 1, 0, ["✗ key accepted", "try again later"], {"fault": Fault(status=503, times=1)}),
    (["doctor", GOOD], 1, 0, ["✗ key accepted", "Correct what it names"], {"fault": Fault(close="before", times=1)}),
    # An id that doctor made up is no reason to blame the key.
    (["doctor"], 0, 0, ["- key accepted  perhaps", "Name one", "All is well.\n"], {"fault": Fault(status=400)}),
]


@pytest.mark.parametrize(("arguments", "status", "sessions", "shown", "before"), COMES_TO, ids=range(len(COMES_TO)))
def test_what_a_command_comes_to(
    run: Run,
    anam_sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    sessions: int,
    shown: list[str],
    before: dict[str, Any],
) -> None:
    """No key and no traceback is in any output; labels and modes are those that were asked for."""
    anam_sandbox.configure(max_sessions=before.get("max_sessions", 9))
    if "fault" in before:
        anam_sandbox.inject(before["fault"])
    if "input" in before:
        monkeypatch.setattr(commands, "is_a_terminal", lambda: True)
    told = run(*arguments, env=before.get("env"), input=before.get("input"))
    assert told.exit_code == status, told.output
    for words in shown:
        assert words in told.output
    for hidden in (anam_sandbox.api_key, "another-key", "secret of", "eyJ", ":pw@", "Traceback"):
        assert hidden not in told.output
    assert len(anam_sandbox.sessions) == sessions
    if "--label" in arguments:
        assert {made.label for made in (*anam_sandbox.tokens, *anam_sandbox.sessions)} == {arguments[3]}
    if "--direct" in arguments:
        assert anam_sandbox.tokens == ()


def test_nothing_is_made_up(run: Run, anam_sandbox: Sandbox) -> None:
    """What an answer does not say is not shown: a token's expiry, a session's engine. With --raw there is the token."""
    anam_sandbox.inject(Fault(status=200, body={"sessionToken": "opaque", "sessionId": SAVED}))
    for command, shown, hidden in (("token", "claims     {}", "expires"), ("start", f"session    {SAVED}", "engine")):
        told = run(command, GOOD).output
        assert (shown in told, hidden in told) == (True, False)
    raw = run("token", "--persona-id", "x", "--raw", "--expires-in", "30m")
    assert (raw.stdout, anam_sandbox.requests[-1].body["expiresIn"]) == ("opaque\n", "30m")
    assert raw.stderr.startswith("warning: persona_id='x' is not a UUID")


def test_check_lists_every_problem_of_every_file(run: Run, tmp_path: Path) -> None:
    """One line each, warnings included; exit status 1 when one file is not valid. Colours are for terminals."""
    odd = tmp_path / "odd.json"
    odd.write_text('{"avatarModel": "cara-9", "voiceId": "6bfbe25a-979d-40f3-a92b-5394170af54b"}')
    told = run("check", GOOD, WRONG, str(odd), str(tmp_path / "missing.yaml"))
    assert told.exit_code == 1
    good, voice, notes, model, valid, missing = told.output.splitlines()
    assert (good, valid) == (f"✓ {GOOD}", f"✓ {odd}")
    assert voice.startswith(f"✗ {WRONG}, line 3: voiceID")
    assert notes.startswith(f"✗ {WRONG}, line 5: directorNotes.expressivity = 7")
    assert model.startswith(f"! {odd}: avatarModel='cara-9'")
    assert "cannot be read" in missing
    assert run("check", GOOD).exit_code == 0
    for no_color in ("", "1"):
        coloured = run("check", GOOD, color=True, env={"NO_COLOR": no_color}).output
        assert ("\x1b[" in coloured) is (no_color == "")


def test_completion_knows_commands_files_and_options() -> None:
    """What a shell is offered, the sandbox's options included."""
    complete = ShellComplete(commands.cli, {}, "anam-facade", "_ANAM_FACADE_COMPLETE")
    for *typed, begun, offered in (
        ("do", "doctor"),
        ("check", "", "file"),
        ("start", "--per", "--persona-id"),
        ("sandbox", "--max", "--max-sessions"),
    ):
        (item,) = complete.get_completions(typed, begun)
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


def test_doctor_finds_that_all_is_well(run: Run, anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is tried by minting, which starts nothing, also when the clock is wrong; --json says the same."""
    told = run("doctor", GOOD).output
    assert "✗" not in told
    assert f"✓ ANAM_API_KEY  is set: ***, {len(anam_sandbox.api_key)} characters\n" in told
    assert "which starts and bills nothing\nAll is well.\n" in told
    assert (len(anam_sandbox.tokens), len(anam_sandbox.sessions)) == (1, 0)
    report = json.loads(run("doctor", "--json", "--persona-id", SAVED).output)
    assert report["ok"] is True
    assert {"check", "status", "detail", "advice"} == set(report["checks"][0])
    assert {check["status"] for check in report["checks"]} == {"passed", "skipped"}
    monkeypatch.setattr(doctor, "CLOCK_TOLERANCE", -1.0)
    late = run("doctor").output
    assert ("✗ clock" in late, "✓ key accepted" in late) == (True, True)


def clock(offset: float) -> doctor.Finding:
    return doctor.clock(formatdate(1_800_000_000 + offset, usegmt=True), 1_800_000_000)


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (clock(60), "✓ within 60 s of the server's"),
        (clock(-61), "✗ is 61 s ahead of the server's; Set it (NTP)"),
        (clock(61), "✗ is 61 s behind the server's; Set it (NTP)"),
        (doctor.clock(None, 0), "- not compared: the server sent no Date"),
        (doctor.unreachable(httpx.ConnectError("[SSL] wrong")), "✗ ConnectError: [SSL] wrong; Does the server speak"),
        (doctor.unreachable(httpx.ProxyError("407")), "✗ ProxyError: 407; Check HTTPS_PROXY"),
        (doctor.unreachable(httpx.ReadTimeout("")), "✗ ReadTimeout; Is it running"),
    ],
    ids=range(7),
)
def test_what_is_found_is_told_with_what_to_do(found: doctor.Finding, line: str) -> None:
    """Of the server's clock, if it tells, and of ways not to arrive."""
    assert f"{found.mark} {found.detail}; {found.advice}".startswith(line)


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
