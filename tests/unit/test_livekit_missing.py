"""`anam_facade.livekit` where LiveKit's framework is not installed."""

from __future__ import annotations

import subprocess
import sys


def test_what_is_missing_is_said_plainly():
    program = "import sys; sys.modules['livekit'] = None\nimport anam_facade.livekit"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: anam_facade.livekit needs livekit-agents, which is not installed: pip install livekit-agents"
    )
