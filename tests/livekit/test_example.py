"""`examples/livekit_agent.py` as a real job, by way of `make rooms ARGS=demo`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from tests.livekit.room import Server

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_is_seen_and_heard(livekit: Server, tmp_path: Path) -> None:
    """One session; the notes that the agent sings, in order; a picture that is not of one colour."""
    picture = tmp_path / "seen.png"
    done = subprocess.run(
        [sys.executable, "scripts/demo_room.py", "--picture", str(picture)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    heard = [int(hz) for hz in re.findall(r"(\d+) Hz", done.stdout)]
    assert len(heard) >= 3
    assert heard == sorted(heard)
    assert "of persona 'Cara'" in done.stdout
    assert max(high - low for low, high in Image.open(picture).convert("RGB").getextrema()) > 100
