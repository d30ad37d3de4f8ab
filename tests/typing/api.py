"""A user's program that touches the whole public API: checked by mypy and pyright, both strict, and never run."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, assert_type

import httpx

import anam_facade as anam
from anam_facade import AnamClient, AsyncAnamClient, LiveKitEnvironment, PersonaConfig, Secret, SessionOptions

# Values.

TEXTS: list[str] = [anam.__version__, anam.DEFAULT_BASE_URL, anam.CUSTOMER_CLIENT_V1]
assert_type(anam.VIDEO_SIZES, Mapping[str, tuple[tuple[int, int], ...]])
assert_type(anam.openapi_path(), Path)

webhook = anam.WebhookTool(name="t", method="POST", headers={"Authorization": "Bearer x", "B": Secret("x")})
assert_type(webhook.headers, Mapping[str, Secret] | None)
assert_type(webhook.parameters, Mapping[str, Any] | None)
assert_type(webhook.to_dict(), dict[str, Any])
assert_type(anam.ClientTool.from_dict({"type": "client", "name": "t"}), anam.ClientTool)
knowledge, system = anam.KnowledgeTool(name="t", document_folder_ids=["a"]), anam.SystemTool(name="t")
TOOLS: list[anam.Tool] = [webhook, anam.ClientTool(name="t"), knowledge, system]
VOICES: Sequence[anam.VoiceGenerationOptions] = (
    anam.ElevenLabsV1VoiceOptions(stability=0.5, similarity_boost=1, speed=1.1),
    anam.ElevenLabsV2VoiceOptions(stability=0.5, style=0, use_speaker_boost=True, model="m"),
    anam.CartesiaSonic3VoiceOptions(volume=1, speed=0.9, emotion="calm"),
    anam.FishAudioVoiceOptions(volume=0.5, speed=2),
)
persona = PersonaConfig(
    name="Cara",
    llm_id=anam.CUSTOMER_CLIENT_V1,
    max_session_length_seconds=600,
    skip_greeting=False,
    metadata={"course": "algebra"},
    voice_detection_options=anam.VoiceDetectionOptions(end_of_speech_sensitivity=0.5),
    voice_generation_options=VOICES[0],
    director_notes=anam.DirectorNotes(preset_style="warm", expressivity=0.6),
    tools=TOOLS,
    tool_ids=["5d0f9c1e-7a3b-4c2d-9e8f-6a5b4c3d2e1f"],
    type="ephemeral",
)
assert_type((persona.name, persona.max_session_length_seconds), tuple[str | None, float | None])
assert_type((persona.tools, persona.tool_ids), tuple[Sequence[anam.Tool] | None, Sequence[str] | None])
assert_type(persona.director_notes, anam.DirectorNotes | None)
assert_type(persona.voice_generation_options, anam.VoiceGenerationOptions | None)
assert_type(persona.type, Literal["ephemeral"] | None)
assert_type(PersonaConfig.saved("id", enable_audio_passthrough=True), PersonaConfig)
assert_type(PersonaConfig.load(Path("persona.json")), PersonaConfig)
assert_type(PersonaConfig.from_dict({"personaId": "id"}), PersonaConfig)

room = LiveKitEnvironment(url="wss://rooms.example", token=Secret("token"))
assert_type((room.url, room.token, room.token.reveal(), room.room), tuple[str, Secret, str, str | None])
assert_type(LiveKitEnvironment.for_room(room="lobby", agent_identity="agent", ttl=60), LiveKitEnvironment)
egress = anam.DailyEgress(room_url="https://a.example/x")
options = SessionOptions(video_quality="high", video_width=1152, region="eu", egress=egress)
assert_type(options.video_quality, Literal["high", "auto"] | None)
assert_type(options.region_policy, Literal["preferred", "strict"] | None)
assert_type((options.egress, options.video_width), tuple[anam.DailyEgress | None, int | None])

# Where a part is expected, its wire form does as well.
PersonaConfig(director_notes={"presetStyle": "warm"}, voice_detection_options={"endOfSpeechSensitivity": 0.5})
PersonaConfig(voice_generation_options={"speed": 1}, tools=[{"type": "system", "name": "end_call"}, system])
SessionOptions(egress={"mode": "daily", "daily": {"roomUrl": "https://rooms.example/x"}})

policy = anam.RetryPolicy(initial_backoff=0.1, max_backoff=1, max_retry_after=5, jitter=0)
assert_type((policy.max_attempts, policy.deadline, policy.budget), tuple[int, float | None, int | None])
anam.RetryPolicy(max_attempts=3, deadline=None, budget=None)


# Clients.

sending = httpx.HTTPTransport()
AnamClient("key", "https://api.anam.ai", transport="fast", retry=3, http_client=httpx.Client())
AnamClient(gateway_url="https://gateway.example", ssl_context=ssl.create_default_context(), allow_insecure_http=False)
client = AnamClient(api_key="key", base_url=None, retry=policy, timeout=5, client_label="desk", transport=sending)
with client as entered:
    assert_type(entered, AnamClient)
    bound = client.create_session_token(
        persona, environment=room, session_options=options, client_label="desk", expires_in="1h"
    )
    assert_type(bound, anam.SessionToken)
    client.create_session_token({"personaId": "id"}, environment={}, session_options={})
    assert_type(client.start_engine_session(bound), anam.EngineSession)
    client.start_engine_session("token", client_metadata={"a": 1})
    assert_type(client.start_session(persona, environment=room), anam.EngineSession)
    client.start_session(persona, direct=True, client_metadata={})
    assert_type(client.with_options(timeout=1, retry=0), AnamClient)
assert_type(client.warm_up(connections=2), None)
assert_type(client.close(), None)


async def async_client(transport: httpx.AsyncBaseTransport) -> None:
    client = AsyncAnamClient("key", retry=policy, timeout=5.0, transport=transport)
    async with client as entered:
        assert_type(entered, AsyncAnamClient)
        assert_type(await client.create_session_token(persona, expires_in="1h"), anam.SessionToken)
        assert_type(await client.start_engine_session("token", client_metadata={"a": 1}), anam.EngineSession)
        assert_type(await client.start_session({"personaId": "id"}, session_options={}), anam.EngineSession)
    assert_type(await AsyncAnamClient(transport="fast").warm_up(2), None)
    assert_type(await client.aclose(), None)


# Results, and errors as tests of other programs make them.

token, session = anam.SessionToken("token", client_label="desk"), anam.EngineSession(session_id="s")
assert_type((token.value, token.claims), tuple[str, Mapping[str, Any]])
assert_type((token.expires_at, token.is_expired(leeway=30)), tuple[datetime | None, bool])
where = (token.client_label, token.livekit_url, token.livekit_room)
assert_type(where, tuple[str | None, str | None, str | None])
assert_type((session.session_id, session.engine_host), tuple[str, str | None])
assert_type(session.raw, Mapping[str, Any])
assert_type(session.client_config, anam.ClientConfig | None)
if session.client_config is not None:
    assert_type(session.client_config.heartbeat_interval_seconds, int)
    assert_type(session.client_config.ice_servers, tuple[anam.IceServer, ...])
    assert_type(session.client_config.ice_servers[0].credential, str | None)

wrong, late = anam.AnamConfigError(anam.Problem("field", "value", "rule")), anam.AnamTimeoutError("late", sent=True)
odd = anam.AnamResponseError("odd", status_code=200, body="", headers=httpx.Headers())
lost = anam.SessionStartUncertainError("?", token_claims={}, client_label=None, livekit_url=None, livekit_room="lobby")
slow = anam.RateLimitError(method="POST", path="/", status_code=429, retry_after=2.0)
assert_type(wrong.problems, tuple[anam.Problem, ...])
assert_type((wrong.problems[0].field, wrong.problems[0].value, wrong.problems[0].rule), tuple[str, str, str])
assert_type((odd.status_code, odd.body, odd.headers), tuple[int, str, httpx.Headers])
assert_type(lost.token_claims, dict[str, Any])
assert_type((lost.client_label, lost.livekit_url, lost.livekit_room), tuple[str | None, str | None, str | None])
assert_type((slow.method, slow.path, slow.status_code), tuple[str, str, int])
assert_type((slow.code, slow.message, slow.retry_after), tuple[str | None, str | None, float | None])
assert_type((slow.body, slow.headers), tuple[str, httpx.Headers])
assert_type((late.sent, late.may_have_started, late.retryable, late.attempts), tuple[bool, bool, bool, int])
NOT_REACHED: list[type[anam.AnamConnectionError]] = [anam.AnamTimeoutError, anam.ClientClosedError]
STATUSES: list[type[anam.AnamStatusError]] = [
    *(anam.BadRequestError, anam.AuthenticationError, anam.PlanRequiredError, anam.PermissionDeniedError),
    *(anam.NotFoundError, anam.ConflictError, anam.RateLimitError, anam.ConcurrencyLimitError, anam.SpendCapError),
    *(anam.ServerError, anam.ServiceBusyError),
]
ALL: list[type[anam.AnamError]] = [anam.AnamConfigError, anam.AnamResponseError, *NOT_REACHED, *STATUSES]
BASES: tuple[type[ValueError], type[UserWarning]] = (anam.AnamConfigError, anam.AnamConfigWarning)
