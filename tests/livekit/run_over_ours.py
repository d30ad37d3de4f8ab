"""Runs a program for the plugin, as it is, over our `AnamAPI`: `run_over_ours.py MODULE`. Its jobs import this too."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
from pathlib import Path

from anam_facade.livekit import install

install()
sys.path.insert(0, str(Path(__file__).parent))
program = importlib.import_module(sys.argv[1])

if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(program.server.run())
