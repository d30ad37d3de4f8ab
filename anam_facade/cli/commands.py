"""The sub-commands: what they take and what they print. What takes more than that is in the modules beside this one."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from anam_facade import (
    DEFAULT_BASE_URL,
    AnamClient,
    AnamConfigError,
    AnamConfigWarning,
    AnamError,
    LiveKitEnvironment,
    PersonaConfig,
    __version__,
)
from anam_facade._hosts import is_loopback
from anam_facade.sandbox.__main__ import main as sandbox

from . import doctor as checks
from .load import MAX_CONCURRENCY, MAX_STARTS, Report, run

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(dir_okay=False)
SAVED_IN_THE_SANDBOX = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
"""Any UUID is a saved persona there."""


class Failed(click.ClickException):
    """An error of the package's, shown in one line; the exit status is 3 when a session may be running."""

    def __init__(self, error: AnamError) -> None:
        super().__init__(f"{error} ({type(error).__name__})")
        self.exit_code = 3 if error.may_have_started else 1  # type: ignore[misc]


class Commands(click.Group):
    """Shows the package's errors and warnings as lines, not as tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        """Calls the sub-command."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        with warnings.catch_warnings():
            warnings.simplefilter("always", AnamConfigWarning)
            warnings.showwarning = lambda message, *_, **__: click.echo(f"warning: {message}", err=True)
            try:
                return super().invoke(ctx)
            except AnamError as error:
                raise Failed(error) from None


def examples(*lines: str) -> str:
    """The end of a help text, marked so that click does not wrap it."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def persona_options(function: F) -> F:
    """A persona file, or the id of a saved persona."""
    function = click.option("--persona-id", metavar="ID", help="Id of a persona saved in Anam's web app.")(function)
    return click.argument("file", required=False, type=FILE)(function)


def room_options(function: F) -> F:
    """The LiveKit room that the engine joins."""
    agent = click.option("--agent", metavar="IDENTITY", default="agent", show_default=True, help="Whom it speaks for.")
    room = "LiveKit room to join; reads LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET."
    return click.option("--room", metavar="NAME", help=room)(agent(function))


url_option = click.option("--url", metavar="URL", help=f"Base URL; default: ANAM_API_URL, or else {DEFAULT_BASE_URL}.")
label_option = click.option("--label", help="Label to find the session by; start makes one if there is none.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask before starting what is billed.")
direct_option = click.option("--direct", is_flag=True, help="One call with the API key instead of a token.")


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "anam-facade doctor",
        "anam-facade check personas/*.yaml",
        "anam-facade sandbox -- pytest",
        'eval "$(_ANAM_FACADE_COMPLETE=bash_source anam-facade)"    # completion; also zsh, fish',
    ),
)
@click.version_option(__version__, prog_name="anam-facade")
def cli() -> None:
    """Start Anam avatar sessions, and find out why one does not start.

    Reads ANAM_API_KEY and ANAM_API_URL. Exit status: 0; 1 when it failed; 2 for wrong usage; 3 when a session may be
    running although it failed.
    """


cli.add_command(sandbox)


@cli.command(epilog=examples("anam-facade doctor", "anam-facade doctor cara.yaml --json"))
@persona_options
@url_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(file: str | None, persona_id: str | None, url: str | None, as_json: bool) -> None:
    """Check variables, address, TLS, clock and key, and say what to do.

    Mints one session token, which starts and bills nothing. FILE is a persona to check along.
    """
    if file and persona_id:
        raise click.UsageError("give a persona FILE or --persona-id, not both")
    findings = []
    for finding in checks.findings(os.environ, url, file, persona_id):
        findings.append(finding)
        if not as_json:
            colour = {True: "green", False: "red", None: "yellow"}[finding.passed]
            click.echo(f"{click.style(finding.mark, fg=colour)} {finding.line}")
    failed = sum(finding.passed is False for finding in findings)
    if as_json:
        click.echo(json.dumps({"ok": not failed, "checks": [finding.as_dict() for finding in findings]}, indent=2))
    else:
        click.echo(f"{failed} of {len(findings)} checks failed" if failed else "All is well.")
    sys.exit(bool(failed))


@cli.command(epilog=examples("anam-facade check cara.yaml", "anam-facade check personas/*.json personas/*.yaml"))
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
def check(files: Sequence[str]) -> None:
    """Check persona files; nothing is sent."""
    failed = False
    for file in files:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                PersonaConfig.load(file)
                problems: Sequence[object] = ()
            except AnamConfigError as error:
                problems = error.problems
        for problem in problems:
            click.echo(f"{click.style('✗', fg='red')} {problem}")  # which names the file, and the line
        for warning in warned:
            click.echo(f"{click.style('!', fg='yellow')} {file}: {warning.message}")
        if not problems:
            click.echo(f"{click.style('✓', fg='green')} {file}")
        failed |= bool(problems)
    sys.exit(failed)


@cli.command(
    epilog=examples(
        "anam-facade token cara.yaml",
        "anam-facade token --persona-id 8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506 --expires-in 1h --raw",
    )
)
@persona_options
@label_option
@room_options
@click.option("--expires-in", metavar="DURATION", help="Life of the token, such as 30m or 1h (the default).")
@click.option("--raw", is_flag=True, help="Print the token, a credential, and nothing else.")
@url_option
def token(
    file: str | None,
    persona_id: str | None,
    label: str | None,
    room: str | None,
    agent: str,
    expires_in: str | None,
    raw: bool,
    url: str | None,
) -> None:
    """Mint a session token; starts and bills nothing."""
    who, where = persona(file, persona_id), environment(room, agent)
    with AnamClient(base_url=url) as client:
        minted = client.create_session_token(who, environment=where, client_label=label, expires_in=expires_in)
    if raw:
        click.echo(minted.value)
        return
    show("token", "***, minted at " + address(url) + "; --raw prints it")
    show("label", label)
    show("claims", json.dumps(dict(minted.claims)))
    if (expires := minted.expires_at) is not None:
        minutes = (expires - datetime.now(UTC)).total_seconds() / 60
        show("expires", f"{expires:%Y-%m-%d %H:%M:%S} UTC, in {minutes:.0f} minutes")


@cli.command(
    epilog=examples(
        "anam-facade start cara.yaml --label checkout-42",
        "anam-facade start cara.yaml --room lobby --agent my-agent",
        "anam-facade sandbox -- anam-facade start cara.yaml    # costs nothing",
    )
)
@persona_options
@label_option
@room_options
@direct_option
@yes_option
@url_option
def start(
    file: str | None,
    persona_id: str | None,
    label: str | None,
    room: str | None,
    agent: str,
    direct: bool,
    yes: bool,
    url: str | None,
) -> None:
    """Start a session; at Anam it is billed, and this asks first."""
    who, where = persona(file, persona_id), environment(room, agent)
    label = label or f"cli-{uuid.uuid4()}"  # one that can be shown
    with AnamClient(base_url=url) as client:
        ask(address(url), 1, yes)
        session = client.start_session(who, environment=where, client_label=label, direct=direct)
    show("session", session.session_id)
    show("label", label)
    show("region", session.region)
    if where is not None:
        show("room", f"{room} at {where.url}")
        show("next", "the engine joins the room and is billed until it leaves")
    elif session.engine_host is not None:
        show("engine", f"{session.engine_protocol}://{session.engine_host}{session.signalling_endpoint}")
        show("next", "connect to the engine; the session is billed until it ends")


@cli.command(
    epilog=examples(
        "anam-facade load 200 --concurrency 20                        # a sandbox of its own",
        "anam-facade load 20 cara.yaml --url https://api.anam.ai      # billed",
    )
)
@click.argument("count", metavar="N", type=click.IntRange(1, MAX_STARTS))
@persona_options
@click.option("-c", "--concurrency", type=click.IntRange(1, MAX_CONCURRENCY), default=10, show_default=True)
@direct_option
@yes_option
@click.option("--url", metavar="URL", help="Where to; default: ANAM_API_URL if it is this machine, or else a sandbox.")
def load(
    count: int,
    file: str | None,
    persona_id: str | None,
    concurrency: int,
    direct: bool,
    yes: bool,
    url: str | None,
) -> None:
    """Start N sessions, some at a time, and show how long that took.

    Goes to this machine unless --url says otherwise.
    """
    there = os.environ.get("ANAM_API_URL", "")
    target = url or (there if is_local(there) else None)
    here = target is None or is_local(target)
    who = persona(file, persona_id or (SAVED_IN_THE_SANDBOX if here and file is None else None))

    def go(url: str, key: str | None) -> Report:
        ask(url, count, yes)
        with click.progressbar(length=count, label=f"{count} starts", file=sys.stderr) as bar:
            how: dict[str, Any] = {"count": count, "concurrency": concurrency, "direct": direct}
            return asyncio.run(run(url, key, who, **how, done=lambda: bar.update(1)))

    if target is not None:
        sys.exit(shown(go(target, None)) < count)
    from anam_facade.sandbox import Sandbox

    with Sandbox() as local:
        sys.exit(shown(go(local.base_url, local.api_key)) < count)


def shown(report: Report) -> int:
    """How many were started, after the report was shown."""
    for name, text in report.lines():
        show(name, text)
    return report.started


def persona(file: str | None, persona_id: str | None) -> PersonaConfig:
    """The persona that was named on the command line."""
    if file is not None and persona_id is None:
        return PersonaConfig.load(file)
    if file is None and persona_id is not None:
        return PersonaConfig.saved(persona_id)
    raise click.UsageError("give either a persona FILE or --persona-id")


def environment(room: str | None, agent: str) -> LiveKitEnvironment | None:
    """The room that was named on the command line."""
    return None if room is None else LiveKitEnvironment.for_room(room=room, agent_identity=agent)


def is_local(url: str) -> bool:
    """Whether a URL certainly leads to this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def address(url: str | None) -> str:
    """Where a client goes that is given this URL."""
    return url or os.environ.get("ANAM_API_URL") or DEFAULT_BASE_URL


def is_a_terminal() -> bool:
    """Whether there is somebody to ask."""
    return sys.stdin.isatty()


def ask(url: str, count: int, yes: bool) -> None:
    """Asks before something is billed. What runs on this machine is not."""
    if yes or is_local(url):
        return
    what = "one session" if count == 1 else f"{count} sessions"
    if not is_a_terminal():
        raise click.UsageError(f"starting {what} at {url} is billed, and there is nobody to ask: say --yes")
    click.confirm(f"Starting {what} at {url} is billed. Go on?", abort=True, err=True)


def show(name: str, text: object) -> None:
    """One line of a result; nothing when there is nothing to say."""
    if text is not None:
        click.echo(f"{name:<10} {text}")
