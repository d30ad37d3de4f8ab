"""`python -m anam_facade.sandbox`: serves the sandbox for programs in any language, until Ctrl-C or SIGTERM.

With `-- COMMAND` it serves for as long as that command runs; see `run`. The command `anam-facade` has it too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shlex
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

try:
    import click
except ModuleNotFoundError:
    sys.exit('error: anam_facade.sandbox needs click, which is not installed: pip install "anam_facade[sandbox]"')

from .._hosts import is_loopback

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
@click.option(
    "--latency", type=(float, float), default=(0, 0), metavar="MINT START", help="Seconds that the answers take."
)
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
def main(
    command: tuple[str, ...], faults: tuple[str, ...], port: int | None, livekit: str | None, **options: Any
) -> None:
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
        if not command:
            _serve(sandbox, options["host"])
            return
        from .run import run

        sys.exit(run(sandbox, command))


def _serve(sandbox: Sandbox, host: str) -> None:
    _log_to_stderr()
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
        colour = 31 if status == "closed" or status >= 500 else 33 if status >= 400 else 0
        text = super().format(record)
        return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def _log_to_stderr() -> None:
    logger = logging.getLogger("anam_facade.sandbox")
    handler = logging.StreamHandler()
    # https://no-color.org
    coloured = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    handler.setFormatter((_Coloured if coloured else logging.Formatter)("%(asctime)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False


if __name__ == "__main__":
    main(prog_name="python -m anam_facade.sandbox")
