"""`python -m anam_facade.sandbox`: serves the sandbox for programs in any language, until Ctrl-C or SIGTERM.

With `-- COMMAND` it serves for as long as that command runs, and tells what the command did with it. The command
`anam-facade` has it too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._hosts import is_loopback
from . import not_installed

try:
    import click
except ModuleNotFoundError as error:
    sys.stderr.write(f"Error: {not_installed(error, 'anam_facade.sandbox', 'sandbox')}\n")
    sys.exit(2)

if TYPE_CHECKING:
    from .api import Sandbox


class _Failed(click.ClickException):
    """One line, and the exit status of wrong usage."""

    exit_code = 2


@click.command(
    "sandbox",
    short_help="Serve a local Anam, or run a program with one.",
    epilog="\b\nExamples:\n  sandbox --port 8787\n  sandbox --max-sessions 1 -- pytest",
    context_settings={"allow_interspersed_args": False},
)
@click.option("--port", type=int, help="TCP port; 0 picks a free one.  [default: 8787; with a COMMAND a free one]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--api-key", metavar="KEY", help="The key that requests must carry.  [default: a random one]")
@click.option("--max-sessions", type=int, metavar="N", help="Simultaneous sessions.  [default: no limit]")
@click.option("--strict", is_flag=True, help="Check at minting what is otherwise checked at the start.")
@click.option("--latency", type=(float, float), default=(0, 0), metavar="MINT START", help="Seconds that answers take.")
@click.option(
    "--livekit",
    type=click.Choice(["here", "any"]),
    is_flag=False,
    flag_value="here",
    help="Let an avatar join the LiveKit rooms of sessions: those of this machine, or any.  [default: none]",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="JSON",
    help="""A fault, such as '{"operation": "createEngineSession", "status": 503, "times": 2}'; may be repeated.""",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND]")
def main(command: Sequence[str], faults: Sequence[str], port: int | None, livekit: str | None, **options: Any) -> None:
    """Serve a local Anam, until Ctrl-C or for as long as COMMAND runs; it finds it by ANAM_API_URL and ANAM_API_KEY."""
    port = port if port is not None else 0 if command else 8787
    try:
        from anam_facade.sandbox import Fault, Sandbox

        sandbox = Sandbox(port=port, livekit="any" if livekit == "any" else livekit is not None, **options)
    except (ImportError, TypeError, ValueError) as error:
        raise _Failed(str(error)) from None
    for text in faults:
        try:
            sandbox.inject(Fault.from_dict(json.loads(text)))
        except (TypeError, ValueError) as error:
            raise _Failed(f"--fault {text}: {error}") from None
    try:
        sandbox.start()
    except OSError as error:
        # Not asyncio's words for a system's error, which repeat the address.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or error
        raise _Failed(f"cannot listen on {options['host']}:{port}: {reason}") from None
    with sandbox:
        if command:
            sys.exit(_run(sandbox, command))
        _serve(sandbox, options["host"])


def _run(sandbox: Sandbox, command: Sequence[str]) -> int:
    """Runs the command, and reports on standard error what it did with the sandbox; its own output is left alone.

    Returns:
        Its exit status; 127 when it cannot be run, 128 and the number of the signal that ended it, as shells do.
    """
    # What leads the command to the sandbox, past a proxy too.
    host = urlsplit(sandbox.base_url).hostname
    proxies = {name: ",".join(filter(None, [os.environ.get(name), host])) for name in ("NO_PROXY", "no_proxy")}
    variables = {**os.environ, **proxies, "ANAM_API_URL": sandbox.base_url, "ANAM_API_KEY": sandbox.api_key}
    try:
        process = subprocess.Popen(command, env=variables)  # noqa: S603 - the user's own
    except OSError as error:
        sys.stderr.write(f"error: cannot run {command[0]}: {error.strerror or error}\n")
        return 127
    # A terminal sends Ctrl-C to the command too, which decides what that means; SIGTERM only this process gets.
    before = [
        (signal.SIGINT, signal.signal(signal.SIGINT, signal.SIG_IGN)),
        (signal.SIGTERM, signal.signal(signal.SIGTERM, lambda *_: process.terminate())),
    ]
    status = process.wait()
    for number, handler in before:
        signal.signal(number, handler)
    status = status if status >= 0 else 128 - status
    sys.stderr.writelines(f"sandbox: {line}\n" for line in [*_report(sandbox), f"exit      status {status}"])
    return status


def _report(sandbox: Sandbox) -> Iterator[str]:
    """What happened, in a few lines."""
    sessions, tokens, requests = sandbox.sessions, sandbox.tokens, sandbox.requests
    answers = Counter(str(request.status) for request in requests)
    listed = ", ".join(f"{times}x {status}" for status, times in sorted(answers.items()))
    yield f"requests  {len(requests)}" + (f", answered {listed}" if listed else "")
    yield f"tokens    {len(tokens)} minted, {sum(bool(token.used_by) for token in tokens)} used"
    yield f"sessions  {len(sessions)} started, {len(sandbox.active_sessions)} still running"
    if faults := sum(request.fault is not None for request in requests):
        yield f"faults    met by {faults} of the requests"
    if lost := sum(not session.delivered for session in sessions):
        yield f"lost      the answers to {lost} starts: these sessions run, and the command cannot know"


def _serve(sandbox: Sandbox, host: str) -> None:
    logger = logging.getLogger("anam_facade.sandbox")
    handler = logging.StreamHandler()
    # https://no-color.org
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    handler.setFormatter((_Coloured if coloured else logging.Formatter)("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    # From here on either signal ends the program through the `with` around this, which frees the port.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    if not is_loopback(host):
        click.echo(f"warning: {host} is not a loopback address; the network can reach this sandbox", err=True)
    url, key = sandbox.base_url, sandbox.api_key
    click.echo(
        "Anam sandbox: a local stand-in, it starts no engine. Ctrl-C ends it.\n"
        f"base URL: {url}\nAPI key:  {key}\nlook:     {url} in a browser; {url}/docs for the contract\n"
        f"export ANAM_API_URL={shlex.quote(url)}\nexport ANAM_API_KEY={shlex.quote(key)}"
    )
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


class _Coloured(logging.Formatter):
    """Failures in red, refusals in yellow: for terminals."""

    def format(self, record: logging.LogRecord) -> str:
        status = getattr(record, "status", 0)
        colour = "red" if status == "closed" or status >= 500 else "yellow" if status >= 400 else None
        return click.style(super().format(record), colour, reset=colour is not None)


if __name__ == "__main__":
    main(prog_name="python -m anam_facade.sandbox")
