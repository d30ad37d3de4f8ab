"""A user's program that touches the whole public API: checked by mypy and pyright, both strict, and never run."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, assert_type

import httpx

from anam_facade import (
    CUSTOMER_CLIENT_V1,
    DEFAULT_BASE_URL,
    VIDEO_SIZES,
    AnamClient,
    AnamConfigError,
    AnamConfigWarning,
    AnamConnectionError,
    AnamError,
    AnamResponseError,
    AnamStatusError,
    AnamTimeoutError,
    AsyncAnamClient,
    AuthenticationError,
    BadRequestError,
    CartesiaSonic3VoiceOptions,
    ClientClosedError,
    ClientConfig,
    ClientTool,
    ConcurrencyLimitError,
    ConflictError,
    DailyEgress,
    DirectorNotes,
    ElevenLabsV1VoiceOptions,
    ElevenLabsV2VoiceOptions,
    EngineSession,
    FishAudioVoiceOptions,
    IceServer,
    KnowledgeTool,
    LiveKitEnvironment,
    NotFoundError,
    PermissionDeniedError,
    PersonaConfig,
    PlanRequiredError,
    Problem,
    RateLimitError,
    RetryPolicy,
    Secret,
    ServerError,
    ServiceBusyError,
    SessionOptions,
    SessionStartUncertainError,
    SessionToken,
    SpendCapError,
    SystemTool,
    Tool,
    VoiceDetectionOptions,
    VoiceGenerationOptions,
    WebhookTool,
    __version__,
    openapi_path,
)


def texts() -> list[str]:
    return [__version__, DEFAULT_BASE_URL, CUSTOMER_CLIENT_V1]


def constants() -> None:
    assert_type(VIDEO_SIZES, Mapping[str, tuple[tuple[int, int], ...]])
    assert_type(openapi_path(), Path)


def tools() -> list[Tool]:
    webhook = WebhookTool(name="order_status", method="POST", headers={"Authorization": "Bearer x", "B": Secret("x")})
    assert_type(webhook.headers, Mapping[str, Secret] | None)
    assert_type(webhook.parameters, Mapping[str, Any] | None)
    assert_type(webhook.to_dict(), dict[str, Any])
    assert_type(ClientTool.from_dict({"type": "client", "name": "t"}), ClientTool)
    return [webhook, ClientTool(name="t"), KnowledgeTool(name="t", document_folder_ids=["a"]), SystemTool(name="t")]


def voices() -> Sequence[VoiceGenerationOptions]:
    return (
        ElevenLabsV1VoiceOptions(stability=0.5, similarity_boost=1, speed=1.1),
        ElevenLabsV2VoiceOptions(stability=0.5, style=0, use_speaker_boost=True, model="m"),
        CartesiaSonic3VoiceOptions(volume=1, speed=0.9, emotion="calm"),
        FishAudioVoiceOptions(volume=0.5, speed=2),
    )


def personas() -> None:
    persona = PersonaConfig(
        name="Cara",
        llm_id=CUSTOMER_CLIENT_V1,
        max_session_length_seconds=600,
        skip_greeting=False,
        metadata={"course": "algebra"},
        voice_detection_options=VoiceDetectionOptions(end_of_speech_sensitivity=0.5),
        voice_generation_options=voices()[0],
        director_notes=DirectorNotes(preset_style="warm", expressivity=0.6),
        tools=tools(),
        tool_ids=["5d0f9c1e-7a3b-4c2d-9e8f-6a5b4c3d2e1f"],
        type="ephemeral",
    )
    assert_type(persona.name, str | None)
    assert_type(persona.max_session_length_seconds, float | None)
    assert_type(persona.tools, Sequence[Tool] | None)
    assert_type(persona.tool_ids, Sequence[str] | None)
    assert_type(persona.director_notes, DirectorNotes | None)
    assert_type(persona.voice_detection_options, VoiceDetectionOptions | None)
    assert_type(persona.voice_generation_options, VoiceGenerationOptions | None)
    assert_type(persona.type, Literal["ephemeral"] | None)
    assert_type(PersonaConfig.saved("id", enable_audio_passthrough=True), PersonaConfig)
    assert_type(PersonaConfig.load(Path("persona.json")), PersonaConfig)
    assert_type(PersonaConfig.from_dict({"personaId": "id"}), PersonaConfig)
    # Where a part is expected, its wire form does as well.
    PersonaConfig(
        director_notes={"presetStyle": "warm"},
        voice_detection_options={"endOfSpeechSensitivity": 0.5},
        voice_generation_options={"speed": 1},
        tools=[{"type": "system", "name": "end_call"}, SystemTool(name="mute")],
        tool_ids=("a", "b"),
    )


def rooms_and_options() -> None:
    room = LiveKitEnvironment("wss://rooms.example", "token")
    assert_type(LiveKitEnvironment(url="wss://rooms.example", token=Secret("token")), LiveKitEnvironment)
    assert_type(room.url, str)
    assert_type(room.token, Secret)
    assert_type(room.token.reveal(), str)
    assert_type(room.room, str | None)
    options = SessionOptions(video_quality="high", video_width=1152, egress=DailyEgress(room_url="https://a.example/x"))
    assert_type(options.video_quality, Literal["high", "auto"] | None)
    assert_type(options.region_policy, Literal["preferred", "strict"] | None)
    assert_type(options.egress, DailyEgress | None)
    assert_type(options.video_width, int | None)
    SessionOptions(egress={"mode": "daily", "daily": {"roomUrl": "https://rooms.example/x"}})


def policies() -> RetryPolicy:
    policy = RetryPolicy(
        max_attempts=3, initial_backoff=0.1, max_backoff=1, max_retry_after=5, deadline=None, jitter=0, budget=None
    )
    assert_type(policy.max_attempts, int)
    assert_type(policy.deadline, float | None)
    assert_type(policy.budget, int | None)
    return policy


def sync_client(context: ssl.SSLContext, transport: httpx.BaseTransport) -> None:
    AnamClient("key", "https://api.anam.ai", transport="fast", retry=3, http_client=httpx.Client())
    client = AnamClient(
        api_key="key",
        base_url=None,
        retry=policies(),
        timeout=5,
        client_label="desk",
        gateway_url="https://gateway.example",
        transport=transport,
        ssl_context=context,
        allow_insecure_http=False,
    )
    persona = PersonaConfig.saved("id")
    room = LiveKitEnvironment("wss://rooms.example", "token")
    with client as entered:
        assert_type(entered, AnamClient)
        token = client.create_session_token(
            persona, environment=room, session_options=SessionOptions(), client_label="desk", expires_in="1h"
        )
        assert_type(token, SessionToken)
        assert_type(client.create_session_token({"personaId": "id"}, environment={}, session_options={}), SessionToken)
        assert_type(client.start_engine_session(token), EngineSession)
        assert_type(client.start_engine_session("token", client_metadata={"a": 1}), EngineSession)
        assert_type(client.start_session(persona, environment=room), EngineSession)
        assert_type(client.start_session(persona, direct=True, client_metadata={}), EngineSession)
    assert_type(client.warm_up(connections=2), None)
    assert_type(client.close(), None)


async def async_client(transport: httpx.AsyncBaseTransport) -> None:
    client = AsyncAnamClient("key", retry=policies(), timeout=5.0, transport=transport)
    persona = PersonaConfig.saved("id")
    async with client as entered:
        assert_type(entered, AsyncAnamClient)
        token = await client.create_session_token(persona, expires_in="1h")
        assert_type(token, SessionToken)
        assert_type(await client.start_engine_session(token), EngineSession)
        assert_type(await client.start_engine_session("token", client_metadata={"a": 1}), EngineSession)
        assert_type(await client.start_session({"personaId": "id"}, session_options={"region": "eu"}), EngineSession)
        assert_type(await client.start_session(persona, direct=True, client_label="desk"), EngineSession)
    assert_type(await client.warm_up(2), None)
    assert_type(await AsyncAnamClient(transport="fast").warm_up(), None)
    assert_type(await client.aclose(), None)


def results(token: SessionToken, session: EngineSession) -> None:
    assert_type(SessionToken("token", client_label="desk"), SessionToken)
    assert_type(token.value, str)
    assert_type(token.claims, Mapping[str, Any])
    assert_type(token.expires_at, datetime | None)
    assert_type(token.is_expired(leeway=30), bool)
    assert_type(token.client_label, str | None)
    assert_type(token.livekit_url, str | None)
    assert_type(token.livekit_room, str | None)
    assert_type(session.session_id, str)
    assert_type(session.engine_host, str | None)
    assert_type(session.raw, Mapping[str, Any])
    config = session.client_config
    assert_type(config, ClientConfig | None)
    if config is not None:
        assert_type(config.heartbeat_interval_seconds, int)
        assert_type(config.ice_servers, tuple[IceServer, ...])
        assert_type(config.ice_servers[0].credential, str | None)


def statuses(error: AnamStatusError) -> None:
    assert_type(error.method, str)
    assert_type(error.path, str)
    assert_type(error.status_code, int)
    assert_type(error.code, str | None)
    assert_type(error.message, str | None)
    assert_type(error.body, str)
    assert_type(error.headers, httpx.Headers)
    assert_type(error.retry_after, float | None)


def errors(client: AnamClient) -> str:
    try:
        client.start_session({})
    except AnamConfigError as error:
        assert_type(error.problems, tuple[Problem, ...])
        problem = error.problems[0]
        return f"{problem.field} {problem.value} {problem.rule}"
    except (ClientClosedError, AnamTimeoutError, AnamConnectionError) as error:
        assert_type(error.sent, bool)
    except AnamResponseError as error:
        assert_type(error.status_code, int)
        assert_type(error.body, str)
        assert_type(error.headers, httpx.Headers)
    except SessionStartUncertainError as error:
        assert_type(error.token_claims, dict[str, Any])
        assert_type(error.client_label, str | None)
        assert_type(error.livekit_url, str | None)
        assert_type(error.livekit_room, str | None)
    except (BadRequestError, AuthenticationError, PlanRequiredError, PermissionDeniedError, NotFoundError) as error:
        statuses(error)
    except (ConflictError, RateLimitError, ConcurrencyLimitError, SpendCapError) as error:
        statuses(error)
    except (ServiceBusyError, ServerError) as error:
        statuses(error)
    except AnamError as error:
        assert_type(error.may_have_started, bool)
        assert_type(error.retryable, bool)
        assert_type(error.attempts, int)
    return "failed"


def raised_by_hand() -> list[AnamError]:
    """Tests of other programs raise these errors themselves."""
    return [
        AnamConfigError(Problem("field", "value", "rule")),
        AnamTimeoutError("late", sent=True),
        AnamResponseError("odd", status_code=200, body="", headers=httpx.Headers()),
        SessionStartUncertainError(
            "unknown", token_claims={}, client_label=None, livekit_url=None, livekit_room="lobby"
        ),
        RateLimitError(method="POST", path="/", status_code=429, retry_after=2.0),
    ]


def bases() -> tuple[type[ValueError], type[UserWarning]]:
    return AnamConfigError, AnamConfigWarning
