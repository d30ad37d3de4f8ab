"""A program for the LiveKit plugin's `AnamAPI`, over this client: of the plugin's way, one import is another.

    ANAM_API_KEY=… LIVEKIT_URL=… LIVEKIT_TOKEN=… python examples/from_the_plugin.py

It needs `livekit-plugins-anam` for the persona's class, and `livekit-agents` for the errors. A lost answer no longer
starts a second session.
"""

from __future__ import annotations

import asyncio
import os

from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError
from livekit.plugins.anam import PersonaConfig

from anam_facade.livekit import AnamAPI  # was: from livekit.plugins.anam.api import AnamAPI

PERSONA = PersonaConfig(name="Cara", avatarId="30fa96d0-26c4-4e55-94a0-517025942e18")


async def main() -> str:
    url = os.environ.get("ANAM_API_URL", "https://api.anam.ai")
    options = APIConnectOptions(max_retry=3, retry_interval=0.5, timeout=10.0)
    async with AnamAPI(os.environ["ANAM_API_KEY"], url, conn_options=options) as api:
        try:
            token = await api.create_session_token(PERSONA, os.environ["LIVEKIT_URL"], os.environ["LIVEKIT_TOKEN"])
            session = await api.start_engine_session(token)
        except APIStatusError as error:
            return f"refused with {error.status_code}"
        except APIConnectionError as error:
            return f"no answer; {'try again' if error.retryable else 'a session may be running'}"
    return f"session {session['sessionId']}"


if __name__ == "__main__":
    print(asyncio.run(main()))
