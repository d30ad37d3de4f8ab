"""A user's mistakes that a type checker must find: checked by mypy and pyright, never run.

Each line is marked with the mistake that is expected in it. Both report a mark that is not needed, so a mistake that is
no longer found fails the check.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import httpx

import anam_facade as anam
from anam_facade import AnamClient, AsyncAnamClient, PersonaConfig

client, persona, token = AnamClient(), PersonaConfig(), anam.SessionToken("t")

PersonaConfig(expressivty=1)  # type: ignore[call-arg]
anam.DirectorNotes("warm")  # type: ignore[call-arg]
anam.RetryPolicy(attempts=3)  # type: ignore[call-arg]
AnamClient(key="x")  # type: ignore[call-arg]
AnamClient("key", "https://api.anam.ai", 5.0)  # type: ignore[call-arg, arg-type]

PersonaConfig(name=5)  # type: ignore[arg-type]
PersonaConfig(type="stateful")  # type: ignore[arg-type]
PersonaConfig(tools=anam.ClientTool(name="t"))  # type: ignore[arg-type]
PersonaConfig(director_notes="warm")  # type: ignore[arg-type]
PersonaConfig.saved(5)  # type: ignore[arg-type]
anam.CartesiaSonic3VoiceOptions(emotion="glad")  # type: ignore[arg-type]
anam.SessionOptions(video_width=720.5)  # type: ignore[arg-type]
anam.WebhookTool(name="t", headers="A: b")  # type: ignore[arg-type]
anam.KnowledgeTool(name="t", document_folder_ids=[5])  # type: ignore[list-item]
anam.LiveKitEnvironment("wss://rooms.example")  # type: ignore[call-arg]
anam.LiveKitEnvironment("wss://rooms.example", 5)  # type: ignore[arg-type]
anam.SessionToken(b"token")  # type: ignore[arg-type]
AnamClient(retry="3")  # type: ignore[arg-type]
AnamClient(client_label=5)  # type: ignore[arg-type]
AnamClient(transport="quick")  # type: ignore[arg-type]
AnamClient(http_client=httpx.AsyncClient())  # type: ignore[arg-type]
AsyncAnamClient(transport=httpx.HTTPTransport())  # type: ignore[arg-type]

client.create_session_token()  # type: ignore[call-arg]
client.create_session_token("persona")  # type: ignore[arg-type]
client.create_session_token(persona, anam.SessionOptions())  # type: ignore[call-arg, arg-type]
client.create_session_token(persona, expires_in=3600)  # type: ignore[arg-type]
client.create_session_token(persona, client_label=5)  # type: ignore[arg-type]
client.start_engine_session(persona)  # type: ignore[arg-type]
client.start_session(persona, expires_in="1h")  # type: ignore[call-arg]
client.warm_up("2")  # type: ignore[arg-type]

persona.name = "other"  # type: ignore[misc]
token.value = "other"  # type: ignore[misc]


async def of_awaiting(client: AsyncAnamClient, persona: PersonaConfig) -> None:
    print(client.create_session_token(persona).value)  # type: ignore[attr-defined]
    with client:  # type: ignore[attr-defined]
        pass
