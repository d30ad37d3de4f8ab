"""`sandbox -- COMMAND`: a sandbox for as long as a program runs, and what the program did with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from .api import Sandbox


def run(sandbox: Sandbox, command: Sequence[str]) -> int:
    """Runs the command, and reports on standard error what it did with a sandbox that serves; its output is left alone.

    Returns:
        Its exit status; 127 when it cannot be run, 128 and the number of the signal that ended it, as shells do.
    """
    try:
        process = subprocess.Popen(command, env=environment(os.environ, sandbox))  # noqa: S603 - the user's own
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
    sys.stderr.writelines(f"sandbox: {line}\n" for line in [*report(sandbox), f"exit      status {status}"])
    return status


def environment(environ: Mapping[str, str], sandbox: Sandbox) -> dict[str, str]:
    """What leads the command to the sandbox, past a proxy too."""
    host = urlsplit(sandbox.base_url).hostname
    proxies = {name: ",".join(filter(None, [environ.get(name), host])) for name in ("NO_PROXY", "no_proxy")}
    return {**environ, **proxies, "ANAM_API_URL": sandbox.base_url, "ANAM_API_KEY": sandbox.api_key}


def report(sandbox: Sandbox) -> Iterator[str]:
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
