"""A check for cron or a readiness probe: can this machine start avatars?

It mints a token, which starts and bills nothing.

    ANAM_API_KEY=… PERSONA_ID=… python examples/operations.py

The exit status is what monitoring systems expect: 0 fine, 1 passing trouble (look again later), 2 somebody has to act.
"""

from __future__ import annotations

import os
import sys
import time

from anam_facade import AnamClient, AnamConfigError, AnamError, PersonaConfig


def main() -> int:
    began = time.monotonic()
    try:
        persona = PersonaConfig.saved(os.environ["PERSONA_ID"])
        with AnamClient(timeout=5, retry=2, client_label="probe") as client:
            client.create_session_token(persona)
    except AnamConfigError as error:
        print(f"CRITICAL: {error}")
        return 2
    except AnamError as error:
        state, status = ("WARNING", 1) if error.retryable else ("CRITICAL", 2)
        print(f"{state}: {error} | attempts={error.attempts}")
        return status
    print(f"OK: a token was minted | seconds={time.monotonic() - began:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
