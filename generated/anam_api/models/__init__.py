# Generated from openapi.yaml by openapi-python-client. Do not edit: change the contract and run `make generate`.

"""What travels: the bodies that are sent, and the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import attrs

from ..support import (
    Across,
    Answer,
    Field,
    Flag,
    Id,
    Items,
    Json,
    Model,
    Number,
    Object,
    One,
    Password,
    Secret,
    Text,
    Whole,
    constructor,
    frozen,
)

if TYPE_CHECKING:
    from uuid import UUID

CartesiaEmotion: TypeAlias = Literal["neutral", "calm", "angry", "content", "sad", "scared"]
"""Colour of the delivery."""
VideoQuality: TypeAlias = Literal["high", "auto"]
"""Pin the quality high, or let it follow the network."""
RegionPolicy: TypeAlias = Literal["preferred", "strict"]
"""`preferred` may run elsewhere when the region is full; `strict` may not, and needs `region`. `preferred` when
left out."""


@frozen(init=False, eq=False, repr=False, slots=False)
class VoiceDetectionOptions(Model):
    """When the persona takes the user's turn as over, and what happens in silence.

    Args:
        end_of_speech_sensitivity: How readily a pause counts as the end of the user's turn. Higher is sooner.
            Between 0 and 1.
        silence_before_skip_turn_seconds: Seconds of silence after which the persona speaks although it is the
            user's turn. 0 switches it off. Between 0 and 900.
        silence_before_session_end_seconds: Seconds of silence after which the session ends. 0 switches it off.
            Between 0 and 7,200.
        silence_before_auto_end_turn_seconds: Seconds of silence after which the user's turn ends in any case.
            Between 0.5 and 10.
        speech_enhancement_level: How strongly the user's speech is cleaned of noise. Between 0 and 1.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("end_of_speech_sensitivity", "endOfSpeechSensitivity", Number(minimum=0, maximum=1)),
        Field("silence_before_skip_turn_seconds", "silenceBeforeSkipTurnSeconds", Number(minimum=0, maximum=900)),
        Field("silence_before_session_end_seconds", "silenceBeforeSessionEndSeconds", Number(minimum=0, maximum=7200)),
        Field(
            "silence_before_auto_end_turn_seconds", "silenceBeforeAutoEndTurnSeconds", Number(minimum=0.5, maximum=10)
        ),
        Field("speech_enhancement_level", "speechEnhancementLevel", Number(minimum=0, maximum=1)),
    )

    end_of_speech_sensitivity: float | None
    """How readily a pause counts as the end of the user's turn. Higher is sooner. Between 0 and 1."""
    silence_before_skip_turn_seconds: float | None
    """Seconds of silence after which the persona speaks although it is the user's turn. 0 switches it off. Between 0
    and 900."""
    silence_before_session_end_seconds: float | None
    """Seconds of silence after which the session ends. 0 switches it off. Between 0 and 7,200."""
    silence_before_auto_end_turn_seconds: float | None
    """Seconds of silence after which the user's turn ends in any case. Between 0.5 and 10."""
    speech_enhancement_level: float | None
    """How strongly the user's speech is cleaned of noise. Between 0 and 1."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        end_of_speech_sensitivity: float | None = None,
        silence_before_skip_turn_seconds: float | None = None,
        silence_before_session_end_seconds: float | None = None,
        silence_before_auto_end_turn_seconds: float | None = None,
        speech_enhancement_level: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class ElevenLabsV1VoiceOptions(Model):
    """For voices of ElevenLabs, first generation.

    Args:
        stability: Evenness of the delivery. Between 0 and 1.
        similarity_boost: Closeness to the original voice. Between 0 and 1.
        speed: Factor on the speaking rate. Between 0.7 and 1.2.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("stability", "stability", Number(minimum=0, maximum=1)),
        Field("similarity_boost", "similarityBoost", Number(minimum=0, maximum=1)),
        Field("speed", "speed", Number(minimum=0.7, maximum=1.2)),
    )

    stability: float | None
    """Evenness of the delivery. Between 0 and 1."""
    similarity_boost: float | None
    """Closeness to the original voice. Between 0 and 1."""
    speed: float | None
    """Factor on the speaking rate. Between 0.7 and 1.2."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        stability: float | None = None,
        similarity_boost: float | None = None,
        speed: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class ElevenLabsV2VoiceOptions(Model):
    """For voices of ElevenLabs, second generation.

    Args:
        stability: Evenness of the delivery. Between 0 and 1.
        similarity_boost: Closeness to the original voice. Between 0 and 1.
        speed: Factor on the speaking rate. Between 0.7 and 1.2.
        style: How much the voice's style is exaggerated. Between 0 and 1.
        use_speaker_boost: Strengthen the likeness to the original speaker.
        model: Name of the provider's model.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("stability", "stability", Number(minimum=0, maximum=1)),
        Field("similarity_boost", "similarityBoost", Number(minimum=0, maximum=1)),
        Field("speed", "speed", Number(minimum=0.7, maximum=1.2)),
        Field("style", "style", Number(minimum=0, maximum=1)),
        Field("use_speaker_boost", "useSpeakerBoost", Flag()),
        Field("model", "model", Text()),
    )

    stability: float | None
    """Evenness of the delivery. Between 0 and 1."""
    similarity_boost: float | None
    """Closeness to the original voice. Between 0 and 1."""
    speed: float | None
    """Factor on the speaking rate. Between 0.7 and 1.2."""
    style: float | None
    """How much the voice's style is exaggerated. Between 0 and 1."""
    use_speaker_boost: bool | None
    """Strengthen the likeness to the original speaker."""
    model: str | None
    """Name of the provider's model."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        stability: float | None = None,
        similarity_boost: float | None = None,
        speed: float | None = None,
        style: float | None = None,
        use_speaker_boost: bool | None = None,
        model: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class CartesiaSonic3VoiceOptions(Model):
    """For voices of Cartesia, Sonic-3.

    Args:
        volume: Factor on the loudness. Between 0.5 and 2.
        speed: Factor on the speaking rate. Between 0.6 and 1.5.
        emotion: Colour of the delivery. One of `neutral`, `calm`, `angry`, `content`, `sad` and `scared`.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("volume", "volume", Number(minimum=0.5, maximum=2)),
        Field("speed", "speed", Number(minimum=0.6, maximum=1.5)),
        Field("emotion", "emotion", Text(enum=("neutral", "calm", "angry", "content", "sad", "scared"))),
    )

    volume: float | None
    """Factor on the loudness. Between 0.5 and 2."""
    speed: float | None
    """Factor on the speaking rate. Between 0.6 and 1.5."""
    emotion: CartesiaEmotion | None
    """Colour of the delivery. One of `neutral`, `calm`, `angry`, `content`, `sad` and `scared`."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        volume: float | None = None,
        speed: float | None = None,
        emotion: CartesiaEmotion | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class FishAudioVoiceOptions(Model):
    """For voices of Fish Audio.

    Args:
        volume: Factor on the loudness. Between 0.5 and 2.
        speed: Factor on the speaking rate. Between 0.5 and 2.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("volume", "volume", Number(minimum=0.5, maximum=2)),
        Field("speed", "speed", Number(minimum=0.5, maximum=2)),
    )

    volume: float | None
    """Factor on the loudness. Between 0.5 and 2."""
    speed: float | None
    """Factor on the speaking rate. Between 0.5 and 2."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        volume: float | None = None,
        speed: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class DirectorNotes(Model):
    """How the avatar acts. For cara-4 only; cara-3 drops it without a word. A preset or a prompt of one's own, never
    both.

    Args:
        preset_style: A ready-made style. Known today: `happy`, `warm`, `playful`, `supportive`, `sad`, `angry`
            and `distressed`; others are sent, with a warning. Not together with `custom_style_prompt`.
        custom_style_prompt: A style in one's own words. At most 2,000 characters. Not together with
            `preset_style`.
        expressivity: How strongly the style shows. Finite. 0.5 when left out. Between 0 and 1.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field(
            "preset_style",
            "presetStyle",
            Text(extensible_enum=("happy", "warm", "playful", "supportive", "sad", "angry", "distressed")),
        ),
        Field("custom_style_prompt", "customStylePrompt", Text(max_length=2000)),
        Field("expressivity", "expressivity", Number(minimum=0, maximum=1)),
    )
    ACROSS: ClassVar = (Across(when="custom_style_prompt", forbids=("preset_style",)),)

    preset_style: str | None
    """A ready-made style. Known today: `happy`, `warm`, `playful`, `supportive`, `sad`, `angry` and `distressed`;
    others are sent, with a warning. Not together with `custom_style_prompt`."""
    custom_style_prompt: str | None
    """A style in one's own words. At most 2,000 characters. Not together with `preset_style`."""
    expressivity: float | None
    """How strongly the style shows. Finite. 0.5 when left out. Between 0 and 1."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        preset_style: str | None = None,
        custom_style_prompt: str | None = None,
        expressivity: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class ClientTool(Model):
    """Calls back into the program in the user's browser. Further keys are passed on.

    Args:
        name: Name by which the language model calls the tool. Unique within the persona. At least 1 character.
        description: What the tool does, for the language model. At most 1,024 characters.
        parameters: A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8.
        disable_interruptions: The user cannot interrupt the persona while the tool is at work.
        await_result: Whether the persona waits for the tool's result before it goes on.
        tool_timeout_seconds: Seconds after which the result is no longer waited for. 10 when left out. Between
            1 and 600.
        extra: Further keys, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("name", "name", Text(min_length=1), required=True),
        Field("description", "description", Text(max_length=1024)),
        Field("parameters", "parameters", Object(max_bytes=10000)),
        Field("disable_interruptions", "disableInterruptions", Flag()),
        Field("await_result", "awaitResult", Flag()),
        Field("tool_timeout_seconds", "toolTimeoutSeconds", Number(minimum=1, maximum=600)),
    )
    CONSTANTS: ClassVar = {"type": "client"}
    OPEN: ClassVar = True

    name: str
    """Name by which the language model calls the tool. Unique within the persona. At least 1 character."""
    description: str | None
    """What the tool does, for the language model. At most 1,024 characters."""
    parameters: Mapping[str, Any] | None
    """A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8."""
    disable_interruptions: bool | None
    """The user cannot interrupt the persona while the tool is at work."""
    await_result: bool | None
    """Whether the persona waits for the tool's result before it goes on."""
    tool_timeout_seconds: float | None
    """Seconds after which the result is no longer waited for. 10 when left out. Between 1 and 600."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        disable_interruptions: bool | None = None,
        await_result: bool | None = None,
        tool_timeout_seconds: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class WebhookTool(Model):
    """Calls a web address of the developer's. Further keys are passed on.

    Args:
        name: Name by which the language model calls the tool. Unique within the persona. At least 1 character.
        description: What the tool does, for the language model. At most 1,024 characters.
        parameters: A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8.
        disable_interruptions: The user cannot interrupt the persona while the tool is at work.
        url: Address to call.
        method: HTTP method of the call. Known today: `GET`, `POST`, `PUT`, `PATCH` and `DELETE`; others are
            sent, with a warning.
        headers: Headers of the call. Often carry a credential; treat the values as secret. Held as a `Secret`.
        query_parameters: A JSON Schema of the query parameters. At most 10,000 bytes as JSON in UTF-8.
        await_response: Whether the persona waits for the answer before it goes on.
        extra: Further keys, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("name", "name", Text(min_length=1), required=True),
        Field("description", "description", Text(max_length=1024)),
        Field("parameters", "parameters", Object(max_bytes=10000)),
        Field("disable_interruptions", "disableInterruptions", Flag()),
        Field("url", "url", Text()),
        Field("method", "method", Text(extensible_enum=("GET", "POST", "PUT", "PATCH", "DELETE"))),
        Field("headers", "headers", Object(Password(format="password"))),
        Field("query_parameters", "queryParameters", Object(max_bytes=10000)),
        Field("await_response", "awaitResponse", Flag()),
    )
    CONSTANTS: ClassVar = {"type": "server", "subtype": "webhook"}
    OPEN: ClassVar = True

    name: str
    """Name by which the language model calls the tool. Unique within the persona. At least 1 character."""
    description: str | None
    """What the tool does, for the language model. At most 1,024 characters."""
    parameters: Mapping[str, Any] | None
    """A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8."""
    disable_interruptions: bool | None
    """The user cannot interrupt the persona while the tool is at work."""
    url: str | None
    """Address to call."""
    method: str | None
    """HTTP method of the call. Known today: `GET`, `POST`, `PUT`, `PATCH` and `DELETE`; others are sent, with a
    warning."""
    headers: Mapping[str, Secret] | None
    """Headers of the call. Often carry a credential; treat the values as secret. Held as a `Secret`."""
    query_parameters: Mapping[str, Any] | None
    """A JSON Schema of the query parameters. At most 10,000 bytes as JSON in UTF-8."""
    await_response: bool | None
    """Whether the persona waits for the answer before it goes on."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        disable_interruptions: bool | None = None,
        url: str | None = None,
        method: str | None = None,
        headers: Mapping[str, str | Secret] | None = None,
        query_parameters: Mapping[str, Any] | None = None,
        await_response: bool | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class KnowledgeTool(Model):
    """Looks things up in document folders. Further keys are passed on.

    Args:
        name: Name by which the language model calls the tool. Unique within the persona. At least 1 character.
        description: What the tool does, for the language model. At most 1,024 characters.
        parameters: A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8.
        disable_interruptions: The user cannot interrupt the persona while the tool is at work.
        document_folder_ids: The folders to search.
        extra: Further keys, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("name", "name", Text(min_length=1), required=True),
        Field("description", "description", Text(max_length=1024)),
        Field("parameters", "parameters", Object(max_bytes=10000)),
        Field("disable_interruptions", "disableInterruptions", Flag()),
        Field("document_folder_ids", "documentFolderIds", Items(Text())),
    )
    CONSTANTS: ClassVar = {"type": "server", "subtype": "knowledge"}
    OPEN: ClassVar = True

    name: str
    """Name by which the language model calls the tool. Unique within the persona. At least 1 character."""
    description: str | None
    """What the tool does, for the language model. At most 1,024 characters."""
    parameters: Mapping[str, Any] | None
    """A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8."""
    disable_interruptions: bool | None
    """The user cannot interrupt the persona while the tool is at work."""
    document_folder_ids: Sequence[str] | None
    """The folders to search."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        disable_interruptions: bool | None = None,
        document_folder_ids: Sequence[str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class SystemTool(Model):
    """One of the engine's own abilities, called by its name. Further keys are passed on. Inline ones were refused in a
    live call, with a persona of type `ephemeral`: name those made beforehand in `tool_ids`.

    Args:
        name: Name by which the language model calls the tool. Unique within the persona. At least 1 character.
        description: What the tool does, for the language model. At most 1,024 characters.
        parameters: A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8.
        disable_interruptions: The user cannot interrupt the persona while the tool is at work.
        extra: Further keys, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("name", "name", Text(min_length=1), required=True),
        Field("description", "description", Text(max_length=1024)),
        Field("parameters", "parameters", Object(max_bytes=10000)),
        Field("disable_interruptions", "disableInterruptions", Flag()),
    )
    CONSTANTS: ClassVar = {"type": "system"}
    OPEN: ClassVar = True

    name: str
    """Name by which the language model calls the tool. Unique within the persona. At least 1 character."""
    description: str | None
    """What the tool does, for the language model. At most 1,024 characters."""
    parameters: Mapping[str, Any] | None
    """A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8."""
    disable_interruptions: bool | None
    """The user cannot interrupt the persona while the tool is at work."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        disable_interruptions: bool | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class PersonaConfig(Model):
    """Who appears. Either an inline (ephemeral) persona or a saved (stateful) one.

    A persona described inline. Every field may be left out, but without `llm_id` and `voice_id` the token comes out
    as `legacy` and cannot be used; unless the audio comes from outside: with `enable_audio_passthrough`, or an
    ElevenLabs or Agora environment, an `avatar_id` is enough. `voice_id` is needed unless the audio comes from
    outside (`CUSTOMER_CLIENT_V1` with LiveKit, passthrough, or an ElevenLabs agent).

    Args:
        type: Says that the persona is described inline. One of `ephemeral`.
        name: Name shown for the persona.
        avatar_id: Which face. A UUID.
        avatar_model: Version of the rendering model; the server picks one when left out. `cara-4-latest` is by
            invitation only. Known today: `cara-3`, `cara-4` and `cara-4-latest`; others are sent, with a warning.
        voice_id: Which voice. A UUID. Needed unless the audio comes from outside.
        llm_id: Which language model answers: a UUID, a known name, or `CUSTOMER_CLIENT_V1` to switch Anam's own
            model off because the caller brings the words. With LiveKit it is always the latter.
            `ANAM_LLAMA_v3_3_70B_V1` and `ANAM_GPT_4O_MINI_V1` are older names of models. An empty string is none.
        brain_type: Old name of `llm_id`. Understood, but send `llm_id`.
        system_prompt: Instructions for the language model.
        personality: Older, shorter way to describe the character. Optional.
        max_session_length_seconds: The session ends by itself after so many seconds. A plan's cap holds all the
            same: 3 minutes on Free, 5 on Starter, 10 on Explorer, none above. At least 1.
        language_code: Language of the transcription, as ISO 639-1. Overrides the organisation's setting, and
            the default, which is multilingual.
        skip_greeting: The persona waits for the user to speak first.
        uninterruptible_greeting: The user cannot interrupt the greeting.
        initial_message: The first words spoken. Empty, null or left out, the persona greets in its own words.
            `null` on the wire is the same as leaving it out.
        zero_data_retention: Keep nothing of the conversation.
        enable_audio_passthrough: The caller brings its own audio.
        metadata: The developer's own data, kept with the persona.
        voice_detection_options: When the persona takes the user's turn as over, and what happens in silence.
        voice_generation_options: How the voice sounds; which of the fields are understood, and their bounds,
            depend on the voice's provider: those of `ElevenLabsV1VoiceOptions`, `ElevenLabsV2VoiceOptions`,
            `CartesiaSonic3VoiceOptions` or `FishAudioVoiceOptions`. Nothing in the object says which one it is, so
            an object may satisfy several.
        director_notes: How the avatar acts. For cara-4 only; cara-3 drops it without a word. A preset or a
            prompt of one's own, never both.
        tools: Tools described inline. Their names must differ.
        tool_ids: UUIDs of tools made beforehand.
        persona_id: The saved persona's UUID. Not an avatar's.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("type", "type", Text(enum=("ephemeral",))),
        Field("name", "name", Text()),
        Field("avatar_id", "avatarId", Id(format="uuid")),
        Field("avatar_model", "avatarModel", Text(extensible_enum=("cara-3", "cara-4", "cara-4-latest"))),
        Field("voice_id", "voiceId", Id(format="uuid")),
        Field("llm_id", "llmId", Id()),
        Field("brain_type", "brainType", Text()),
        Field("system_prompt", "systemPrompt", Text()),
        Field("personality", "personality", Text()),
        Field("max_session_length_seconds", "maxSessionLengthSeconds", Number(minimum=1)),
        Field("language_code", "languageCode", Text()),
        Field("skip_greeting", "skipGreeting", Flag()),
        Field("uninterruptible_greeting", "uninterruptibleGreeting", Flag()),
        Field("initial_message", "initialMessage", Text(), nullable=True),
        Field("zero_data_retention", "zeroDataRetention", Flag()),
        Field("enable_audio_passthrough", "enableAudioPassthrough", Flag()),
        Field("metadata", "metadata", Object()),
        Field("voice_detection_options", "voiceDetectionOptions", One(VoiceDetectionOptions)),
        Field(
            "voice_generation_options",
            "voiceGenerationOptions",
            One(ElevenLabsV1VoiceOptions, ElevenLabsV2VoiceOptions, CartesiaSonic3VoiceOptions, FishAudioVoiceOptions),
        ),
        Field("director_notes", "directorNotes", One(DirectorNotes)),
        Field("tools", "tools", Items(One(ClientTool, WebhookTool, KnowledgeTool, SystemTool), unique_by="name")),
        Field("tool_ids", "toolIds", Items(Id(format="uuid"))),
        Field("persona_id", "personaId", Id(format="uuid")),
    )
    ACROSS: ClassVar = (
        Across(
            when="persona_id",
            forbids=(
                "type",
                "name",
                "avatar_id",
                "avatar_model",
                "voice_id",
                "llm_id",
                "brain_type",
                "system_prompt",
                "personality",
                "max_session_length_seconds",
                "language_code",
                "skip_greeting",
                "uninterruptible_greeting",
                "initial_message",
                "zero_data_retention",
                "metadata",
                "voice_detection_options",
                "voice_generation_options",
                "director_notes",
                "tools",
                "tool_ids",
            ),
        ),
    )

    type: Literal["ephemeral"] | None
    """Says that the persona is described inline. One of `ephemeral`."""
    name: str | None
    """Name shown for the persona."""
    avatar_id: str | None
    """Which face. A UUID."""
    avatar_model: str | None
    """Version of the rendering model; the server picks one when left out. `cara-4-latest` is by invitation only. Known
    today: `cara-3`, `cara-4` and `cara-4-latest`; others are sent, with a warning."""
    voice_id: str | None
    """Which voice. A UUID. Needed unless the audio comes from outside."""
    llm_id: str | None
    """Which language model answers: a UUID, a known name, or `CUSTOMER_CLIENT_V1` to switch Anam's own model off
    because the caller brings the words. With LiveKit it is always the latter. `ANAM_LLAMA_v3_3_70B_V1` and
    `ANAM_GPT_4O_MINI_V1` are older names of models. An empty string is none."""
    brain_type: str | None
    """Old name of `llm_id`. Understood, but send `llm_id`."""
    system_prompt: str | None
    """Instructions for the language model."""
    personality: str | None
    """Older, shorter way to describe the character. Optional."""
    max_session_length_seconds: float | None
    """The session ends by itself after so many seconds. A plan's cap holds all the same: 3 minutes on Free, 5 on
    Starter, 10 on Explorer, none above. At least 1."""
    language_code: str | None
    """Language of the transcription, as ISO 639-1. Overrides the organisation's setting, and the default, which is
    multilingual."""
    skip_greeting: bool | None
    """The persona waits for the user to speak first."""
    uninterruptible_greeting: bool | None
    """The user cannot interrupt the greeting."""
    initial_message: str | None
    """The first words spoken. Empty, null or left out, the persona greets in its own words. `null` on the wire is the
    same as leaving it out."""
    zero_data_retention: bool | None
    """Keep nothing of the conversation."""
    enable_audio_passthrough: bool | None
    """The caller brings its own audio."""
    metadata: Mapping[str, Any] | None
    """The developer's own data, kept with the persona."""
    voice_detection_options: VoiceDetectionOptions | None
    """When the persona takes the user's turn as over, and what happens in silence."""
    voice_generation_options: VoiceGenerationOptions | None
    """How the voice sounds; which of the fields are understood, and their bounds, depend on the voice's provider:
    those of `ElevenLabsV1VoiceOptions`, `ElevenLabsV2VoiceOptions`, `CartesiaSonic3VoiceOptions` or
    `FishAudioVoiceOptions`. Nothing in the object says which one it is, so an object may satisfy several."""
    director_notes: DirectorNotes | None
    """How the avatar acts. For cara-4 only; cara-3 drops it without a word. A preset or a prompt of one's own, never
    both."""
    tools: Sequence[Tool] | None
    """Tools described inline. Their names must differ."""
    tool_ids: Sequence[str] | None
    """UUIDs of tools made beforehand."""
    persona_id: str | None
    """The saved persona's UUID. Not an avatar's."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        type: Literal["ephemeral"] | None = None,
        name: str | None = None,
        avatar_id: str | UUID | None = None,
        avatar_model: str | None = None,
        voice_id: str | UUID | None = None,
        llm_id: str | None = None,
        brain_type: str | None = None,
        system_prompt: str | None = None,
        personality: str | None = None,
        max_session_length_seconds: float | None = None,
        language_code: str | None = None,
        skip_greeting: bool | None = None,
        uninterruptible_greeting: bool | None = None,
        initial_message: str | None = None,
        zero_data_retention: bool | None = None,
        enable_audio_passthrough: bool | None = None,
        metadata: Mapping[str, Any] | None = None,
        voice_detection_options: VoiceDetectionOptions | Mapping[str, Any] | None = None,
        voice_generation_options: VoiceGenerationOptions | Mapping[str, Any] | None = None,
        director_notes: DirectorNotes | Mapping[str, Any] | None = None,
        tools: Sequence[Tool | Mapping[str, Any]] | None = None,
        tool_ids: Sequence[str | UUID] | None = None,
        persona_id: str | UUID | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class LiveKitEnvironment(Model):
    """The LiveKit room that the engine joins, by default as the participant `anam-avatar-agent`, publishing video and
    audio.

    Args:
        url: Address of the LiveKit server, such as `wss://…`. The engine must be able to reach it from the
            internet. At least 1 character.
        token: A LiveKit access token for that room, minted by the caller: kind `agent`, with an identity, a
            name, the grant to join the room, and the attribute `lk.publish_on_behalf` set to the local agent's
            identity. A credential; treat it as secret. At least 1 character. Held as a `Secret`.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("url", "livekitUrl", Text(format="uri", min_length=1), required=True),
        Field("token", "livekitToken", Password(format="password", min_length=1), required=True),
    )

    url: str
    """Address of the LiveKit server, such as `wss://…`. The engine must be able to reach it from the internet. At
    least 1 character."""
    token: Secret
    """A LiveKit access token for that room, minted by the caller: kind `agent`, with an identity, a name, the grant to
    join the room, and the attribute `lk.publish_on_behalf` set to the local agent's identity. A credential; treat
    it as secret. At least 1 character. Held as a `Secret`."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        url: str,
        token: str | Secret,
        *,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class ElevenLabsEnvironment(Model):
    """A conversation with an agent of ElevenLabs. The persona has an avatar then, and neither voice nor LLM.

    Args:
        signed_url: Address of the conversation, signed by ElevenLabs. Lives about 15 minutes. A credential;
            treat it as secret. At least 1 character. Held as a `Secret`.
        agent_id: The agent's id at ElevenLabs. At least 1 character.
        dynamic_variables: Passed on to ElevenLabs as it is; its documentation says what it understands.
        conversation_config_override: Passed on to ElevenLabs as it is; its documentation says what it
            understands.
        user_id: Id of the user, passed on to ElevenLabs.
        custom_llm_extra_body: Passed on to ElevenLabs as it is; its documentation says what it understands.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field(
            "signed_url", "elevenLabsAgentSettings.signedUrl", Password(format="password", min_length=1), required=True
        ),
        Field("agent_id", "elevenLabsAgentSettings.agentId", Id(min_length=1), required=True),
        Field("dynamic_variables", "elevenLabsAgentSettings.dynamicVariables", Object()),
        Field("conversation_config_override", "elevenLabsAgentSettings.conversationConfigOverride", Object()),
        Field("user_id", "elevenLabsAgentSettings.userId", Id()),
        Field("custom_llm_extra_body", "elevenLabsAgentSettings.customLlmExtraBody", Object()),
    )

    signed_url: Secret
    """Address of the conversation, signed by ElevenLabs. Lives about 15 minutes. A credential; treat it as secret. At
    least 1 character. Held as a `Secret`."""
    agent_id: str
    """The agent's id at ElevenLabs. At least 1 character."""
    dynamic_variables: Mapping[str, Any] | None
    """Passed on to ElevenLabs as it is; its documentation says what it understands."""
    conversation_config_override: Mapping[str, Any] | None
    """Passed on to ElevenLabs as it is; its documentation says what it understands."""
    user_id: str | None
    """Id of the user, passed on to ElevenLabs."""
    custom_llm_extra_body: Mapping[str, Any] | None
    """Passed on to ElevenLabs as it is; its documentation says what it understands."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        signed_url: str | Secret,
        agent_id: str,
        dynamic_variables: Mapping[str, Any] | None = None,
        conversation_config_override: Mapping[str, Any] | None = None,
        user_id: str | None = None,
        custom_llm_extra_body: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class AgoraEnvironment(Model):
    """A channel of Agora that the engine joins.

    Args:
        app_id: Id of the Agora project. At least 1 character.
        token: Agora token with which the avatar joins. A credential; treat it as secret. At least 1 character.
            Held as a `Secret`.
        channel: Name of the channel. At least 1 character.
        uid: Under which user id the avatar joins. At least 1 character.
        quality: Quality of the video. Known today: `low`, `medium` and `high`; others are sent, with a warning.
        video_encoding: Codec of the video. Known today: `H264`, `VP8` and `AV1`; others are sent, with a
            warning.
        enable_string_uids: Whether the channel's user ids are strings.
        activity_idle_timeout: Seconds without activity after which the session ends. 120 when left out.
        width: Width of the video in pixels.
        height: Height of the video in pixels.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("app_id", "agoraSettings.appId", Id(min_length=1), required=True),
        Field("token", "agoraSettings.token", Password(format="password", min_length=1), required=True),
        Field("channel", "agoraSettings.channel", Text(min_length=1), required=True),
        Field("uid", "agoraSettings.uid", Text(min_length=1), required=True),
        Field("quality", "agoraSettings.quality", Text(extensible_enum=("low", "medium", "high")), required=True),
        Field(
            "video_encoding", "agoraSettings.videoEncoding", Text(extensible_enum=("H264", "VP8", "AV1")), required=True
        ),
        Field("enable_string_uids", "agoraSettings.enableStringUids", Flag(), required=True),
        Field("activity_idle_timeout", "agoraSettings.activityIdleTimeout", Whole(format="int32")),
        Field("width", "agoraSettings.width", Whole(format="int32")),
        Field("height", "agoraSettings.height", Whole(format="int32")),
    )

    app_id: str
    """Id of the Agora project. At least 1 character."""
    token: Secret
    """Agora token with which the avatar joins. A credential; treat it as secret. At least 1 character. Held as a
    `Secret`."""
    channel: str
    """Name of the channel. At least 1 character."""
    uid: str
    """Under which user id the avatar joins. At least 1 character."""
    quality: str
    """Quality of the video. Known today: `low`, `medium` and `high`; others are sent, with a warning."""
    video_encoding: str
    """Codec of the video. Known today: `H264`, `VP8` and `AV1`; others are sent, with a warning."""
    enable_string_uids: bool
    """Whether the channel's user ids are strings."""
    activity_idle_timeout: int | None
    """Seconds without activity after which the session ends. 120 when left out."""
    width: int | None
    """Width of the video in pixels."""
    height: int | None
    """Height of the video in pixels."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        app_id: str,
        token: str | Secret,
        channel: str,
        uid: str,
        quality: str,
        video_encoding: str,
        enable_string_uids: bool,
        activity_idle_timeout: int | None = None,
        width: int | None = None,
        height: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class DailyEgress(Model):
    """Publishes the avatar straight into another provider's room. Experimental. Needs `enable_audio_passthrough` on
    the persona and cara-4, and excludes the session replay.

    Args:
        room_url: Address of the room. At least 1 character.
        token: A meeting token of Daily's, for rooms that are not public. A credential; treat it as secret. Held
            as a `Secret`.
        user_name: Name shown for the avatar in the room. `anam-avatar` when left out.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("room_url", "daily.roomUrl", Text(format="uri", min_length=1), required=True),
        Field("token", "daily.token", Password(format="password")),
        Field("user_name", "daily.userName", Text()),
    )
    CONSTANTS: ClassVar = {"mode": "daily"}

    room_url: str
    """Address of the room. At least 1 character."""
    token: Secret | None
    """A meeting token of Daily's, for rooms that are not public. A credential; treat it as secret. Held as a `Secret`."""
    user_name: str | None
    """Name shown for the avatar in the room. `anam-avatar` when left out."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        room_url: str,
        token: str | Secret | None = None,
        user_name: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class SessionOptions(Model):
    """How the session is recorded, encoded, placed and delivered.

    Args:
        enable_session_replay: Whether the session is recorded. Anam's default is True.
        video_quality: Pin the quality high, or let it follow the network. One of `high` and `auto`.
        video_width: Width of the video in pixels; goes with `video_height`. Sizes known today: 720×480 with
            cara-3; 1152×768 and 768×1152 with cara-4, limited further by the avatar's own versions. Any other is
            refused at the start, never replaced. Together with `video_height`.
        video_height: Height of the video in pixels; goes with `video_width`. Together with `video_width`.
        show_ai_avatar_disclosure: Show a mark in the video that says it is an AI avatar. Anam's default is
            False.
        region: Where the engine should run. `us` is an older name. Known today: `eu`, `us-east`, `us-west` and
            `us`; others are sent, with a warning.
        region_policy: `preferred` may run elsewhere when the region is full; `strict` may not, and needs
            `region`. `preferred` when left out. One of `preferred` and `strict`.
        egress: Publishes the avatar straight into another provider's room. Experimental. Needs
            `enable_audio_passthrough` on the persona and cara-4, and excludes the session replay.
        end_of_speech_sensitivity: How readily a pause counts as the end of the user's turn. Higher is sooner.
            Between 0 and 1.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("enable_session_replay", "sessionReplay.enableSessionReplay", Flag()),
        Field("video_quality", "videoQuality", Text(enum=("high", "auto"))),
        Field("video_width", "videoWidth", Whole(format="int32")),
        Field("video_height", "videoHeight", Whole(format="int32")),
        Field("show_ai_avatar_disclosure", "showAIAvatarDisclosure", Flag()),
        Field("region", "region", Text(extensible_enum=("eu", "us-east", "us-west", "us"))),
        Field("region_policy", "regionPolicy", Text(enum=("preferred", "strict"))),
        Field("egress", "egress", One(DailyEgress)),
        Field("end_of_speech_sensitivity", "voiceDetection.endOfSpeechSensitivity", Number(minimum=0, maximum=1)),
    )
    ACROSS: ClassVar = (
        Across(when="video_width", needs=("video_height",)),
        Across(when="video_height", needs=("video_width",)),
        Across(when="region_policy", equals="strict", needs=("region",)),
    )
    KNOWN_VIDEO_SIZES: ClassVar = {"cara-3": ["720x480"], "cara-4": ["1152x768", "768x1152"]}

    enable_session_replay: bool | None
    """Whether the session is recorded. Anam's default is True."""
    video_quality: VideoQuality | None
    """Pin the quality high, or let it follow the network. One of `high` and `auto`."""
    video_width: int | None
    """Width of the video in pixels; goes with `video_height`. Sizes known today: 720×480 with cara-3; 1152×768 and
    768×1152 with cara-4, limited further by the avatar's own versions. Any other is refused at the start, never
    replaced. Together with `video_height`."""
    video_height: int | None
    """Height of the video in pixels; goes with `video_width`. Together with `video_width`."""
    show_ai_avatar_disclosure: bool | None
    """Show a mark in the video that says it is an AI avatar. Anam's default is False."""
    region: str | None
    """Where the engine should run. `us` is an older name. Known today: `eu`, `us-east`, `us-west` and `us`; others are
    sent, with a warning."""
    region_policy: RegionPolicy | None
    """`preferred` may run elsewhere when the region is full; `strict` may not, and needs `region`. `preferred` when
    left out. One of `preferred` and `strict`."""
    egress: DailyEgress | None
    """Publishes the avatar straight into another provider's room. Experimental. Needs `enable_audio_passthrough` on
    the persona and cara-4, and excludes the session replay."""
    end_of_speech_sensitivity: float | None
    """How readily a pause counts as the end of the user's turn. Higher is sooner. Between 0 and 1."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        enable_session_replay: bool | None = None,
        video_quality: VideoQuality | None = None,
        video_width: int | None = None,
        video_height: int | None = None,
        show_ai_avatar_disclosure: bool | None = None,
        region: str | None = None,
        region_policy: RegionPolicy | None = None,
        egress: DailyEgress | Mapping[str, Any] | None = None,
        end_of_speech_sensitivity: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class SessionTokenRequest(Model):
    """What a session token is bound to.

    Args:
        persona_config: Who appears. Either an inline (ephemeral) persona or a saved (stateful) one.
        environment: Where the session takes place, when not in a browser that connects to the engine. Told
            apart by their fields. The vendor's document leaves the object open: other kinds may come.
        session_options: How the session is recorded, encoded, placed and delivered.
        client_label: A label of the caller's choice, kept with the session, by which its server can find it
            later. At most 128 characters.
        expires_in: How long the token lives, as a number and a unit: `1h`, `12h`, `1d`, `2d`, `3d`, `1w` and
            `2w` are documented. One hour when left out.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("persona_config", "personaConfig", One(PersonaConfig), required=True),
        Field("environment", "environment", One(LiveKitEnvironment, ElevenLabsEnvironment, AgoraEnvironment)),
        Field("session_options", "sessionOptions", One(SessionOptions)),
        Field("client_label", "clientLabel", Text(max_length=128)),
        Field("expires_in", "expiresIn", Text()),
    )

    persona_config: PersonaConfig
    """Who appears. Either an inline (ephemeral) persona or a saved (stateful) one."""
    environment: SessionEnvironment | None
    """Where the session takes place, when not in a browser that connects to the engine. Told apart by their fields.
    The vendor's document leaves the object open: other kinds may come."""
    session_options: SessionOptions | None
    """How the session is recorded, encoded, placed and delivered."""
    client_label: str | None
    """A label of the caller's choice, kept with the session, by which its server can find it later. At most 128
    characters."""
    expires_in: str | None
    """How long the token lives, as a number and a unit: `1h`, `12h`, `1d`, `2d`, `3d`, `1w` and `2w` are documented.
    One hour when left out."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        persona_config: PersonaConfig | Mapping[str, Any],
        environment: SessionEnvironment | Mapping[str, Any] | None = None,
        session_options: SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        expires_in: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class DirectStartRequest(Model):
    """The body of a start with the API key.

    Args:
        persona_config: Who appears. Either an inline (ephemeral) persona or a saved (stateful) one.
        environment: Where the session takes place, when not in a browser that connects to the engine. Told
            apart by their fields. The vendor's document leaves the object open: other kinds may come.
        session_options: How the session is recorded, encoded, placed and delivered.
        client_label: A label of the caller's choice, kept with the session, by which its server can find it
            later. At most 128 characters.
        client_metadata: Free-form facts about the calling program, such as its name and version.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("persona_config", "personaConfig", One(PersonaConfig), required=True),
        Field("environment", "environment", One(LiveKitEnvironment, ElevenLabsEnvironment, AgoraEnvironment)),
        Field("session_options", "sessionOptions", One(SessionOptions)),
        Field("client_label", "clientLabel", Text(max_length=128)),
        Field("client_metadata", "clientMetadata", Object()),
    )

    persona_config: PersonaConfig
    """Who appears. Either an inline (ephemeral) persona or a saved (stateful) one."""
    environment: SessionEnvironment | None
    """Where the session takes place, when not in a browser that connects to the engine. Told apart by their fields.
    The vendor's document leaves the object open: other kinds may come."""
    session_options: SessionOptions | None
    """How the session is recorded, encoded, placed and delivered."""
    client_label: str | None
    """A label of the caller's choice, kept with the session, by which its server can find it later. At most 128
    characters."""
    client_metadata: Mapping[str, Any] | None
    """Free-form facts about the calling program, such as its name and version."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        persona_config: PersonaConfig | Mapping[str, Any],
        environment: SessionEnvironment | Mapping[str, Any] | None = None,
        session_options: SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        client_metadata: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class TokenStartOptions(Model):
    """What may still be said of a session whose other options are bound to the token.

    Args:
        end_of_speech_sensitivity: How readily a pause counts as the end of the user's turn. Higher is sooner.
            Between 0 and 1.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("end_of_speech_sensitivity", "voiceDetection.endOfSpeechSensitivity", Number(minimum=0, maximum=1)),
    )

    end_of_speech_sensitivity: float | None
    """How readily a pause counts as the end of the user's turn. Higher is sooner. Between 0 and 1."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        end_of_speech_sensitivity: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@frozen(init=False, eq=False, repr=False, slots=False)
class TokenStartRequest(Model):
    """The body of a start with a session token. Send `{}` when there is nothing to say.

    Args:
        client_metadata: Free-form facts about the calling program, such as its name and version.
        session_options: What may still be said of a session whose other options are bound to the token.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("client_metadata", "clientMetadata", Object()),
        Field("session_options", "sessionOptions", One(TokenStartOptions)),
    )

    client_metadata: Mapping[str, Any] | None
    """Free-form facts about the calling program, such as its name and version."""
    session_options: TokenStartOptions | None
    """What may still be said of a session whose other options are bound to the token."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    @constructor
    def __init__(
        self,
        *,
        client_metadata: Mapping[str, Any] | None = None,
        session_options: TokenStartOptions | Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None: ...


@attrs.frozen(kw_only=True, repr=False, slots=False)
class SessionTokenResponse(Answer):
    """A freshly minted session token.

    Attributes:
        session_token: The token, a signed JWT. A credential; treat it as secret. At least 1 character. Held as
            a `Secret`.
        raw: The whole answer, with the fields that are newer than this package. Not shown by `repr`.
    """

    FIELDS: ClassVar = (
        Field("session_token", "sessionToken", Password(format="password", min_length=1), required=True),
    )

    session_token: str
    """The token, a signed JWT. A credential; treat it as secret. At least 1 character. Held as a `Secret`."""
    raw: Mapping[str, Any] = attrs.field(factory=dict, eq=False)
    """The whole answer."""


@attrs.frozen(kw_only=True, repr=False, slots=False)
class ErrorResponse(Answer):
    """What went wrong. Either text, or both, may be there; further fields may come.

    Attributes:
        error: Short and stable enough to match on.
        message: For people. Text; a list of texts has been seen of servers of this kind.
        reason: The error once more, as one word, such as `concurrent_limit`; there may be no `message` then.
        summary: The `details` in a sentence.
        details: More about the problem, in any shape. For mistakes in the request a list of objects with
            `path`, `message` and `code`.
        supported_dimensions: The video sizes that would be accepted, such as `1152x768`. They can also be in
            `message`.
        raw: The whole answer, with the fields that are newer than this package. Not shown by `repr`.
    """

    FIELDS: ClassVar = (
        Field("error", "error", Text()),
        Field("message", "message", Json()),
        Field("reason", "reason", Text()),
        Field("summary", "summary", Text()),
        Field("details", "details", Json()),
        Field("supported_dimensions", "supportedDimensions", Items(Text())),
    )

    error: str | None = None
    """Short and stable enough to match on."""
    message: Any | None = None
    """For people. Text; a list of texts has been seen of servers of this kind."""
    reason: str | None = None
    """The error once more, as one word, such as `concurrent_limit`; there may be no `message` then."""
    summary: str | None = None
    """The `details` in a sentence."""
    details: Any | None = None
    """More about the problem, in any shape. For mistakes in the request a list of objects with `path`, `message` and
    `code`."""
    supported_dimensions: tuple[str, ...] = ()
    """The video sizes that would be accepted, such as `1152x768`. They can also be in `message`."""
    raw: Mapping[str, Any] = attrs.field(factory=dict, eq=False)
    """The whole answer."""


@attrs.frozen(kw_only=True, repr=False, slots=False)
class IceServer(Answer):
    """A STUN or TURN server, as WebRTC's RTCIceServer. Further fields may come.

    Attributes:
        urls: One address or several.
        username: User name at a TURN server.
        credential: Password at a TURN server. Short-lived; treat it as secret. Held as a `Secret`.
        credential_type: What kind of credential it is, as WebRTC names it.
        raw: The whole answer, with the fields that are newer than this package. Not shown by `repr`.
    """

    FIELDS: ClassVar = (
        Field("urls", "urls", Items(Text()), required=True),
        Field("username", "username", Text()),
        Field("credential", "credential", Password(format="password")),
        Field("credential_type", "credentialType", Text()),
    )

    urls: tuple[str, ...]
    """One address or several."""
    username: str | None = None
    """User name at a TURN server."""
    credential: str | None = None
    """Password at a TURN server. Short-lived; treat it as secret. Held as a `Secret`."""
    credential_type: str | None = None
    """What kind of credential it is, as WebRTC names it."""
    raw: Mapping[str, Any] = attrs.field(factory=dict, eq=False)
    """The whole answer."""


@attrs.frozen(kw_only=True, repr=False, slots=False)
class ClientConfig(Answer):
    """What a browser needs to connect to the engine. Further fields may come.

    Attributes:
        heartbeat_interval_seconds: Seconds between two heartbeats on the signalling socket. 5 when the server
            does not say.
        max_ws_reconnection_attempts: How often to try to reconnect the signalling socket. 5 when the server
            does not say.
        ice_servers: WebRTC ICE servers.
        ice_transport_policy: Which ICE candidates may be used. Known today: `all` and `relay`; others are sent,
            with a warning.
        raw: The whole answer, with the fields that are newer than this package. Not shown by `repr`.
    """

    FIELDS: ClassVar = (
        Field("heartbeat_interval_seconds", "heartbeatIntervalSeconds", Whole(format="int32")),
        Field("max_ws_reconnection_attempts", "maxWsReconnectionAttempts", Whole(format="int32")),
        Field("ice_servers", "iceServers", Items(One(IceServer))),
        Field("ice_transport_policy", "iceTransportPolicy", Text(extensible_enum=("all", "relay"))),
    )

    heartbeat_interval_seconds: int = 5
    """Seconds between two heartbeats on the signalling socket. 5 when the server does not say."""
    max_ws_reconnection_attempts: int = 5
    """How often to try to reconnect the signalling socket. 5 when the server does not say."""
    ice_servers: tuple[IceServer, ...] = ()
    """WebRTC ICE servers."""
    ice_transport_policy: str | None = None
    """Which ICE candidates may be used. Known today: `all` and `relay`; others are sent, with a warning."""
    raw: Mapping[str, Any] = attrs.field(factory=dict, eq=False)
    """The whole answer."""


@attrs.frozen(kw_only=True, repr=False, slots=False)
class EngineSession(Answer):
    """A started session. Further fields may come.

    Attributes:
        session_id: The session's UUID.
        engine_host: Host and path of the engine. Absent with a LiveKit or an Agora environment.
        engine_protocol: Protocol to reach the engine with, such as `https`.
        signalling_endpoint: Path of the signalling socket on the engine, such as `/v1/webrtc/engines/<id>/ws`;
            `/ws` in older examples.
        websocket_address: Address of the engine's socket, with an Agora environment only. Its URL carries a
            secret; treat it as one. Held as a `Secret`.
        region: Where the session really runs. Any value; for information. `null` on the wire is the same as
            leaving it out.
        client_config: What a browser needs to connect to the engine. Further fields may come.
        raw: The whole answer, with the fields that are newer than this package. Not shown by `repr`.
    """

    FIELDS: ClassVar = (
        Field("session_id", "sessionId", Id(), required=True),
        Field("engine_host", "engineHost", Text()),
        Field("engine_protocol", "engineProtocol", Text()),
        Field("signalling_endpoint", "signallingEndpoint", Text()),
        Field("websocket_address", "websocketAddress", Password(format="password")),
        Field("region", "region", Text(), nullable=True),
        Field("client_config", "clientConfig", One(ClientConfig)),
    )

    session_id: str
    """The session's UUID."""
    engine_host: str | None = None
    """Host and path of the engine. Absent with a LiveKit or an Agora environment."""
    engine_protocol: str | None = None
    """Protocol to reach the engine with, such as `https`."""
    signalling_endpoint: str | None = None
    """Path of the signalling socket on the engine, such as `/v1/webrtc/engines/<id>/ws`; `/ws` in older examples."""
    websocket_address: str | None = None
    """Address of the engine's socket, with an Agora environment only. Its URL carries a secret; treat it as one. Held
    as a `Secret`."""
    region: str | None = None
    """Where the session really runs. Any value; for information. `null` on the wire is the same as leaving it out."""
    client_config: ClientConfig | None = None
    """What a browser needs to connect to the engine. Further fields may come."""
    raw: Mapping[str, Any] = attrs.field(factory=dict, eq=False)
    """The whole answer."""


EngineSessionRequest: TypeAlias = DirectStartRequest | TokenStartRequest
"""The body of a start; which of the two depends on the bearer."""
VoiceGenerationOptions: TypeAlias = (
    ElevenLabsV1VoiceOptions | ElevenLabsV2VoiceOptions | CartesiaSonic3VoiceOptions | FishAudioVoiceOptions
)
"""How the voice sounds; which of the fields are understood, and their bounds, depend on the voice's provider:
those of `ElevenLabsV1VoiceOptions`, `ElevenLabsV2VoiceOptions`, `CartesiaSonic3VoiceOptions` or
`FishAudioVoiceOptions`. Nothing in the object says which one it is, so an object may satisfy several."""
Tool: TypeAlias = ClientTool | WebhookTool | KnowledgeTool | SystemTool
"""Something the persona may do during the conversation."""
SessionEnvironment: TypeAlias = LiveKitEnvironment | ElevenLabsEnvironment | AgoraEnvironment
"""Where the session takes place, when not in a browser that connects to the engine. Told apart by their fields.
The vendor's document leaves the object open: other kinds may come."""

__all__ = [
    "AgoraEnvironment",
    "CartesiaSonic3VoiceOptions",
    "ClientConfig",
    "ClientTool",
    "DailyEgress",
    "DirectorNotes",
    "DirectStartRequest",
    "ElevenLabsEnvironment",
    "ElevenLabsV1VoiceOptions",
    "ElevenLabsV2VoiceOptions",
    "EngineSession",
    "EngineSessionRequest",
    "ErrorResponse",
    "FishAudioVoiceOptions",
    "IceServer",
    "KnowledgeTool",
    "SessionEnvironment",
    "SessionOptions",
    "SessionTokenRequest",
    "SessionTokenResponse",
    "SystemTool",
    "TokenStartOptions",
    "TokenStartRequest",
    "Tool",
    "VoiceDetectionOptions",
    "VoiceGenerationOptions",
    "WebhookTool",
]
