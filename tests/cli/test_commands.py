"""The sub-commands: what they print, their exit status, and that no secret is in it unless asked for."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from click.shell_completion import ShellComplete

import anam_facade
from anam_facade.cli import commands, main
from anam_facade.sandbox import Fault, Sandbox

from .conftest import Run

FILES = Path(__file__).parents[2] / "docs" / "command"
GOOD, WRONG = str(FILES / "cara.yaml"), str(FILES / "wrong.yaml")
SAVED = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
ABROAD = "https://anam.invalid"


def test_token_shows_claims_and_the_token_only_when_asked(run: Run, anam_sandbox: Sandbox) -> None:
    """Without --raw there is nothing of the token in the output; with it there is nothing else."""
    told = run("token", GOOD, "--label", "one")
    raw = run("token", "--persona-id", SAVED, "--raw", "--expires-in", "30m")
    assert (told.exit_code, raw.exit_code) == (0, 0), told.output + raw.output
    assert "eyJ" not in told.output
    assert '"type": "ephemeral"' in told.output
    assert "in 60 minutes" in told.output
    assert raw.output.count(".") == 2
    assert raw.output.startswith("eyJ")
    assert [token.label for token in anam_sandbox.tokens] == ["one", None]
    assert anam_sandbox.sessions == ()


@pytest.mark.parametrize(
    ("command", "fault", "shown", "hidden"),
    [
        ("token", {"operation": "createSessionToken", "body": {"sessionToken": "opaque"}}, "claims     {}", "expires"),
        ("start", {"operation": "createEngineSession", "body": {"sessionId": SAVED}}, f"session    {SAVED}", "engine"),
    ],
)
def test_nothing_is_made_up(run: Run, anam_sandbox: Sandbox, command: str, fault: Any, shown: str, hidden: str) -> None:
    """What an answer does not say is not shown: a token's expiry, a session's engine."""
    anam_sandbox.inject(Fault(status=200, **fault))
    told = run(command, GOOD)
    assert told.exit_code == 0, told.output
    assert shown in told.output
    assert hidden not in told.output


@pytest.mark.parametrize("mode", [[], ["--direct"]])
def test_start_shows_what_comes_next(run: Run, anam_sandbox: Sandbox, mode: list[str]) -> None:
    """Session, label and engine; on this machine nobody is asked."""
    told = run("start", GOOD, "--label", "checkout-42", *mode)
    (session,) = anam_sandbox.sessions
    assert told.exit_code == 0, told.output
    assert (session.label, session.mode) == ("checkout-42", "direct" if mode else "token")
    assert session.id in told.output
    assert "checkout-42" in told.output
    assert "engine     http" in told.output


def test_start_into_a_livekit_room(run: Run, anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The join token is made from LIVEKIT_…, which never show; what is missing of them is told first."""
    missing = run("token", GOOD, "--room", "lobby")
    assert missing.exit_code == 1
    assert "LIVEKIT_API_SECRET" in missing.stderr

    monkeypatch.setenv("LIVEKIT_URL", "wss://rooms.invalid")
    monkeypatch.setenv("LIVEKIT_API_KEY", "devkey")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a secret of at least thirty-two bytes")
    told = run("start", GOOD, "--room", "lobby", "--agent", "my-agent")
    assert told.exit_code == 0, told.output
    assert "room       lobby at wss://rooms.invalid" in told.output
    assert "secret of" not in told.output
    assert [session.livekit_room for session in anam_sandbox.sessions] == ["lobby"]


@pytest.mark.parametrize(
    ("arguments", "answer", "told"),
    [
        (["start", GOOD], "n\n", "Starting one session at https://anam.invalid is billed. Go on? [y/N]: n"),
        (["load", "3", GOOD], "\n", "Starting 3 sessions at https://anam.invalid is billed."),
    ],
)
def test_what_is_billed_is_asked_for(
    bare: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str], answer: str, told: str
) -> None:
    """Anything but a yes sends nothing; without a terminal only --yes goes on."""
    monkeypatch.setenv("ANAM_API_KEY", "a-key")
    refused = bare(*arguments, "--url", ABROAD)
    assert refused.exit_code == 2
    assert "say --yes" in refused.output

    monkeypatch.setattr(commands, "is_a_terminal", lambda: True)
    asked = bare(*arguments, "--url", ABROAD, input=answer)
    assert asked.exit_code == 1
    assert told in asked.output
    assert asked.output.endswith("Aborted!\n")


def test_errors_are_one_line_with_the_class_to_look_up(run: Run, anam_sandbox: Sandbox) -> None:
    """No traceback, no key; the exit status says whether a session may be running."""
    anam_sandbox.inject(Fault(operation="createEngineSession", close="after", times=1))
    lost = run("start", GOOD, "--direct")
    wrong = run("start", WRONG)
    refused = run("start", GOOD, env={"ANAM_API_KEY": "another-key"})
    assert [done.exit_code for done in (lost, wrong, refused)] == [3, 1, 1]
    assert lost.stderr.startswith("Error: POST ")
    assert lost.stderr.endswith("(SessionStartUncertainError)\n")
    assert "voiceID" in wrong.stderr
    assert "(AuthenticationError)" in refused.stderr
    assert "another-key" not in refused.output
    assert len(anam_sandbox.sessions) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["token"], "--persona-id"),
        (["start", GOOD, "--persona-id", SAVED], "--persona-id"),
        (["doctor", GOOD, "--persona-id", SAVED], "--persona-id"),
        (["load", "0"], "0 is not in the range 1<=x<=10000"),
        (["load", "10001"], "10001 is not in the range"),
        (["load", "5", "--concurrency", "257"], "257 is not in the range 1<=x<=256"),
    ],
)
def test_wrong_usage(run: Run, anam_sandbox: Sandbox, arguments: list[str], words: str) -> None:
    """One persona has to be named, not two; neither more starts nor more at a time than the bounds."""
    told = run(*arguments)
    assert told.exit_code == 2
    assert words in told.output
    assert anam_sandbox.requests == ()


def test_warnings_are_lines_too(run: Run) -> None:
    """On standard error, so that --raw stays clean."""
    told = run("token", "--persona-id", "not-a-uuid", "--raw")
    assert told.stderr.startswith("warning: persona_id='not-a-uuid' is not a UUID")
    assert told.stdout.startswith("eyJ")


def test_check_lists_every_problem_of_every_file(bare: Run, tmp_path: Path) -> None:
    """One line each, warnings included; exit status 1 when one file is not valid."""
    odd = tmp_path / "odd.json"
    odd.write_text('{"avatarModel": "cara-9", "voiceId": "6bfbe25a-979d-40f3-a92b-5394170af54b"}')
    told = bare("check", GOOD, WRONG, str(odd), str(tmp_path / "missing.yaml"))
    assert told.exit_code == 1
    lines = told.output.splitlines()
    assert lines[0] == f"✓ {GOOD}"
    assert [line.partition(": ")[0] for line in lines[1:3]] == [f"✗ {WRONG}, line 3", f"✗ {WRONG}, line 5"]
    assert "voiceID" in lines[1]
    assert "directorNotes.expressivity = 7" in lines[2]
    assert any(line.startswith(f"! {odd}: ") and "cara-9" in line for line in lines)
    assert f"✓ {odd}" in lines
    assert "cannot be read" in lines[-1]
    assert bare("check", GOOD).exit_code == 0


def test_load_uses_a_sandbox_of_its_own(bare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is named in ANAM_API_URL is loaded unless it is this machine."""
    monkeypatch.setenv("ANAM_API_URL", ABROAD)
    told = bare("load", "8", "--concurrency", "3")
    assert told.exit_code == 0, told.output
    assert "url        http://127.0.0.1:" in told.output
    assert "started    8 in " in told.output
    assert "latency    median " in told.output


def test_load_counts_failures_by_class(run: Run, anam_sandbox: Sandbox) -> None:
    """The sandbox in the variables is used; starts that fail do not end the run."""
    anam_sandbox.configure(max_sessions=1)
    told = run("load", "4", GOOD, "-c", "2")
    assert told.exit_code == 1
    assert f"url        {anam_sandbox.base_url}" in told.output
    assert "started    1 in " in told.output
    assert "failed     3x ConcurrencyLimitError" in told.output
    assert len(anam_sandbox.sessions) == 1
    assert "latency" not in run("load", "1", GOOD).output


def test_sandbox_hands_its_arguments_on(bare: Run, capfd: pytest.CaptureFixture[str]) -> None:
    """A command finds the sandbox in its variables; its exit status is passed on; what it did is reported."""
    program = "import os, sys; sys.exit(3 if os.environ['ANAM_API_URL'].startswith('http://127.0.0.1:') else 1)"
    done = bare("sandbox", "--max-sessions", "1", "--", sys.executable, "-c", program)
    assert done.exit_code == 3, done.output
    assert bare("sandbox", "--help").output.startswith("Usage: anam-facade sandbox")


def test_completion_knows_commands_files_and_the_sandboxs_options() -> None:
    """What a shell is offered."""

    def offered(*arguments: str) -> list[str]:
        complete = ShellComplete(commands.cli, {}, "anam-facade", "_ANAM_FACADE_COMPLETE")
        return [
            item.value if item.type == "plain" else item.type
            for item in complete.get_completions([*arguments[:-1]], arguments[-1])
        ]

    assert offered("do") == ["doctor"]
    assert offered("check", "") == ["file"]
    assert "--persona-id" in offered("start", "--")
    assert offered("sandbox", "--max") == ["--max-sessions"]


@pytest.mark.parametrize("no_color", ["", "1"])
def test_colours_can_be_switched_off(bare: Run, no_color: str) -> None:
    """NO_COLOR wins over a terminal; without one there are none anyway."""
    told = bare("check", GOOD, color=True, env={"NO_COLOR": no_color})
    assert ("\x1b[" in told.output) is not bool(no_color)
    assert "\x1b[" not in bare("check", GOOD).output


def test_the_module_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m anam_facade`."""
    monkeypatch.setattr(sys, "argv", ["__main__.py", "--version"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(Path(anam_facade.__file__).with_name("__main__.py")), run_name="__main__")
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("anam-facade, version ")


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback."""
    monkeypatch.setitem(sys.modules, "click", None)
    with pytest.raises(SystemExit, match=r"needs click.*anam-facade\[cli\]"):
        main()
