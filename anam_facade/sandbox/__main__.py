"""`python -m anam_facade.sandbox`: serves the sandbox for programs in any language, until Ctrl-C or SIGTERM.

With `-- COMMAND` it serves for as long as that command runs; see `run`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence

from .._hosts import is_loopback


def main(arguments: Sequence[str] | None = None, prog: str = "python -m anam_facade.sandbox") -> int:
    """Runs the command.

    Args:
        arguments: What stands on the command line; by default that of this process.
        prog: How the command is called, for its help.

    Returns:
        The exit status: 0 when it was asked to end, 2 when it could not serve, or that of the command it ran.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    end = given.index("--") if "--" in given else len(given)
    command = given[end + 1 :]
    options = vars(parser(prog).parse_args(given[:end]))
    faults, host = options.pop("fault"), options["host"]
    if options["port"] is None:
        options["port"] = 0 if command else 8787
    try:
        from anam_facade.sandbox import Fault, Sandbox

        sandbox = Sandbox(**options)
    except (ImportError, TypeError, ValueError) as error:
        return _failed(error)
    for text in faults:
        try:
            sandbox.inject(Fault.from_dict(json.loads(text)))
        except (TypeError, ValueError) as error:
            return _failed(f"--fault {text}: {error}")
    try:
        if command:
            from .run import run

            return run(sandbox, command)
        _log_to_stderr()
        # From here on either signal ends the program through the `with` below, which frees the port.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        with sandbox:
            if not is_loopback(host):
                sys.stderr.write(f"warning: {host} is not a loopback address; the network can reach this sandbox\n")
            url, key = sandbox.base_url, sandbox.api_key
            sys.stdout.write(
                "Anam sandbox: a local stand-in, it starts no engine. Ctrl-C ends it.\n"
                f"base URL: {url}\nAPI key:  {key}\nlook:     {url} in a browser; {url}/docs for the contract\n"
                f"export ANAM_API_URL={shlex.quote(url)}\nexport ANAM_API_KEY={shlex.quote(key)}\n"
            )
            sys.stdout.flush()
            while True:
                time.sleep(3600)
    except OSError as error:
        return _failed(f"cannot listen on {host}:{options['port']}: {error.strerror or error}")
    except KeyboardInterrupt:
        return 0


def parser(prog: str) -> argparse.ArgumentParser:
    """What can stand on the command line, before `--`."""
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s [OPTIONS] [-- COMMAND]",
        description="Serve a local Anam, until Ctrl-C or for as long as COMMAND runs; it finds it by ANAM_API_URL and"
        " ANAM_API_KEY.",
        epilog=f"examples: {prog} --port 8787; {prog} --max-sessions 1 -- pytest",
    )
    parser.add_argument(
        "--port", type=int, help="TCP port; 0 picks a free one (default: 8787, with a COMMAND a free one)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--api-key", help="the key that requests must carry (default: a random one)")
    parser.add_argument("--max-sessions", type=int, metavar="N", help="simultaneous sessions (default: no limit)")
    parser.add_argument("--strict", action="store_true", help="check at minting what is otherwise checked at the start")
    parser.add_argument(
        "--latency",
        nargs=2,
        type=float,
        default=(0.0, 0.0),
        metavar=("MINT", "START"),
        help="seconds that the answers take (default: 0 0)",
    )
    parser.add_argument(
        "--livekit",
        nargs="?",
        const=True,
        default=False,
        choices=("any",),
        help="let an avatar join the LiveKit rooms of sessions, those of this machine or any (default: none)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="JSON",
        help="""a fault, such as '{"operation": "createEngineSession", "status": 503, "times": 2}'; may be repeated""",
    )
    return parser


def _failed(message: object) -> int:
    sys.stderr.write(f"error: {message}\n")
    return 2


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
    sys.exit(main())
