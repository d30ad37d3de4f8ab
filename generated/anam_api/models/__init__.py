# Generated from openapi.yaml by openapi-python-client. Do not edit: change the contract and run `make generate`.

"""What travels: the bodies that are sent, and the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import attrs

from ..support import Across, Answer, Field, Flag, Items, Kind, Model, Number, Object, One, Secret, Table, Text

if TYPE_CHECKING:
    from uuid import UUID

CartesiaEmotion: TypeAlias = Literal["neutral", "calm", "angry", "content", "sad", "scared"]
"""Colour of the delivery."""


VideoQuality: TypeAlias = Literal["high", "auto"]
"""Pin the quality high, or let it follow the network."""


RegionPolicy: TypeAlias = Literal["preferred", "strict"]
"""`preferred` may run elsewhere when the region is full; `strict` may not, and needs `region`."""


@attrs.frozen(init=False, repr=False)
class VoiceDetectionOptions(Model):
    """When the persona takes the user's turn as over, and what happens in silence.

    Args:
        end_of_speech_sensitivity: How readily a pause counts as the end of the user's turn. Higher is sooner.
            From 0 to 1.
        silence_before_skip_turn_seconds: Seconds of silence after which the persona speaks although it is the
            user's turn. 0 switches it off. From 0 to 900.
        silence_before_session_end_seconds: Seconds of silence after which the session ends. 0 switches it off.
            From 0 to 7,200.
        silence_before_auto_end_turn_seconds: Seconds of silence after which the user's turn ends in any case.
            From 0.5 to 10.
        speech_enhancement_level: How strongly the user's speech is cleaned of noise. From 0 to 1.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("end_of_speech_sensitivity", "endOfSpeechSensitivity", Number(ge=0, le=1)),
        Field("silence_before_skip_turn_seconds", "silenceBeforeSkipTurnSeconds", Number(ge=0, le=900)),
        Field("silence_before_session_end_seconds", "silenceBeforeSessionEndSeconds", Number(ge=0, le=7200)),
        Field("silence_before_auto_end_turn_seconds", "silenceBeforeAutoEndTurnSeconds", Number(ge=0.5, le=10)),
        Field("speech_enhancement_level", "speechEnhancementLevel", Number(ge=0, le=1)),
    )

    end_of_speech_sensitivity: float | None
    """How readily a pause counts as the end of the user's turn. Higher is sooner. From 0 to 1."""
    silence_before_skip_turn_seconds: float | None
    """Seconds of silence after which the persona speaks although it is the user's turn. 0 switches it off. From 0 to
    900."""
    silence_before_session_end_seconds: float | None
    """Seconds of silence after which the session ends. 0 switches it off. From 0 to 7,200."""
    silence_before_auto_end_turn_seconds: float | None
    """Seconds of silence after which the user's turn ends in any case. From 0.5 to 10."""
    speech_enhancement_level: float | None
    """How strongly the user's speech is cleaned of noise. From 0 to 1."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        end_of_speech_sensitivity: float | None = None,
        silence_before_skip_turn_seconds: float | None = None,
        silence_before_session_end_seconds: float | None = None,
        silence_before_auto_end_turn_seconds: float | None = None,
        speech_enhancement_level: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take(
            {
                "end_of_speech_sensitivity": end_of_speech_sensitivity,
                "silence_before_skip_turn_seconds": silence_before_skip_turn_seconds,
                "silence_before_session_end_seconds": silence_before_session_end_seconds,
                "silence_before_auto_end_turn_seconds": silence_before_auto_end_turn_seconds,
                "speech_enhancement_level": speech_enhancement_level,
                "extra": extra,
            }
        )
        del (
            end_of_speech_sensitivity,
            silence_before_skip_turn_seconds,
            silence_before_session_end_seconds,
            silence_before_auto_end_turn_seconds,
            speech_enhancement_level,
            extra,
        )  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class ElevenLabsV1VoiceOptions(Model):
    """For voices of ElevenLabs, first generation.

    Args:
        stability: Evenness of the delivery. From 0 to 1.
        similarity_boost: Closeness to the original voice. From 0 to 1.
        speed: Factor on the speaking rate. From 0.7 to 1.2.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("stability", "stability", Number(ge=0, le=1)),
        Field("similarity_boost", "similarityBoost", Number(ge=0, le=1)),
        Field("speed", "speed", Number(ge=0.7, le=1.2)),
    )

    stability: float | None
    """Evenness of the delivery. From 0 to 1."""
    similarity_boost: float | None
    """Closeness to the original voice. From 0 to 1."""
    speed: float | None
    """Factor on the speaking rate. From 0.7 to 1.2."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        stability: float | None = None,
        similarity_boost: float | None = None,
        speed: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take(
            {"stability": stability, "similarity_boost": similarity_boost, "speed": speed, "extra": extra}
        )
        del stability, similarity_boost, speed, extra  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class ElevenLabsV2VoiceOptions(Model):
    """For voices of ElevenLabs, second generation.

    Args:
        stability: Evenness of the delivery. From 0 to 1.
        similarity_boost: Closeness to the original voice. From 0 to 1.
        speed: Factor on the speaking rate. From 0.7 to 1.2.
        style: How much the voice's style is exaggerated. From 0 to 1.
        use_speaker_boost: Strengthen the likeness to the original speaker.
        model: Name of the provider's model.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("stability", "stability", Number(ge=0, le=1)),
        Field("similarity_boost", "similarityBoost", Number(ge=0, le=1)),
        Field("speed", "speed", Number(ge=0.7, le=1.2)),
        Field("style", "style", Number(ge=0, le=1)),
        Field("use_speaker_boost", "useSpeakerBoost", Flag()),
        Field("model", "model", Text()),
    )

    stability: float | None
    """Evenness of the delivery. From 0 to 1."""
    similarity_boost: float | None
    """Closeness to the original voice. From 0 to 1."""
    speed: float | None
    """Factor on the speaking rate. From 0.7 to 1.2."""
    style: float | None
    """How much the voice's style is exaggerated. From 0 to 1."""
    use_speaker_boost: bool | None
    """Strengthen the likeness to the original speaker."""
    model: str | None
    """Name of the provider's model."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

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
    ) -> None:
        found = self._take(
            {
                "stability": stability,
                "similarity_boost": similarity_boost,
                "speed": speed,
                "style": style,
                "use_speaker_boost": use_speaker_boost,
                "model": model,
                "extra": extra,
            }
        )
        del (
            stability,
            similarity_boost,
            speed,
            style,
            use_speaker_boost,
            model,
            extra,
        )  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class CartesiaSonic3VoiceOptions(Model):
    """For voices of Cartesia, Sonic-3.

    Args:
        volume: Factor on the loudness. From 0.5 to 2.
        speed: Factor on the speaking rate. From 0.6 to 1.5.
        emotion: Colour of the delivery. One of `neutral`, `calm`, `angry`, `content`, `sad` and `scared`.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("volume", "volume", Number(ge=0.5, le=2)),
        Field("speed", "speed", Number(ge=0.6, le=1.5)),
        Field("emotion", "emotion", Text(one_of=("neutral", "calm", "angry", "content", "sad", "scared"))),
    )

    volume: float | None
    """Factor on the loudness. From 0.5 to 2."""
    speed: float | None
    """Factor on the speaking rate. From 0.6 to 1.5."""
    emotion: CartesiaEmotion | None
    """Colour of the delivery. One of `neutral`, `calm`, `angry`, `content`, `sad` and `scared`."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        volume: float | None = None,
        speed: float | None = None,
        emotion: CartesiaEmotion | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take({"volume": volume, "speed": speed, "emotion": emotion, "extra": extra})
        del volume, speed, emotion, extra  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class FishAudioVoiceOptions(Model):
    """For voices of Fish Audio.

    Args:
        volume: Factor on the loudness. From 0.5 to 2.
        speed: Factor on the speaking rate. From 0.5 to 2.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("volume", "volume", Number(ge=0.5, le=2)),
        Field("speed", "speed", Number(ge=0.5, le=2)),
    )

    volume: float | None
    """Factor on the loudness. From 0.5 to 2."""
    speed: float | None
    """Factor on the speaking rate. From 0.5 to 2."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        volume: float | None = None,
        speed: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take({"volume": volume, "speed": speed, "extra": extra})
        del volume, speed, extra  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class DirectorNotes(Model):
    """How the avatar acts. For cara-4 only; cara-3 drops it without a word. A preset or a prompt of one's own, never
    both.

    Args:
        preset_style: A ready-made style. Known today: `happy`, `warm`, `playful`, `supportive`, `sad`, `angry`
            and `distressed`; others are sent, with a warning. Not together with `custom_style_prompt`.
        custom_style_prompt: A style in one's own words. At most 2,000 characters. Not together with
            `preset_style`.
        expressivity: How strongly the style shows. Finite. From 0 to 1.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field(
            "preset_style",
            "presetStyle",
            Text(known=("happy", "warm", "playful", "supportive", "sad", "angry", "distressed")),
        ),
        Field("custom_style_prompt", "customStylePrompt", Text(max_length=2000)),
        Field("expressivity", "expressivity", Number(ge=0, le=1)),
    )
    ACROSS: ClassVar = (
        Across(
            when="custom_style_prompt",
            forbids=("preset_style",),
        ),
    )

    preset_style: str | None
    """A ready-made style. Known today: `happy`, `warm`, `playful`, `supportive`, `sad`, `angry` and `distressed`;
    others are sent, with a warning. Not together with `custom_style_prompt`."""
    custom_style_prompt: str | None
    """A style in one's own words. At most 2,000 characters. Not together with `preset_style`."""
    expressivity: float | None
    """How strongly the style shows. Finite. From 0 to 1."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        preset_style: str | None = None,
        custom_style_prompt: str | None = None,
        expressivity: float | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take(
            {
                "preset_style": preset_style,
                "custom_style_prompt": custom_style_prompt,
                "expressivity": expressivity,
                "extra": extra,
            }
        )
        del preset_style, custom_style_prompt, expressivity, extra  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class ClientTool(Model):
    """Calls back into the program in the user's browser. Further keys are passed on.

    Args:
        name: Name by which the language model calls the tool. Unique within the persona.
        description: What the tool does, for the language model. At most 1,024 characters.
        parameters: A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8.
        extra: Further keys, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("name", "name", Text(min_length=1), required=True),
        Field("description", "description", Text(max_length=1024)),
        Field("parameters", "parameters", Object(max_bytes=10000)),
    )
    CONSTANTS: ClassVar = {"type": "client"}
    OPEN: ClassVar = True

    name: str
    """Name by which the language model calls the tool. Unique within the persona."""
    description: str | None
    """What the tool does, for the language model. At most 1,024 characters."""
    parameters: Mapping[str, Any] | None
    """A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take({"name": name, "description": description, "parameters": parameters, "extra": extra})
        del name, description, parameters, extra  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class WebhookTool(Model):
    """Calls a web address of the developer's. Further keys are passed on.

    Args:
        name: Name by which the language model calls the tool. Unique within the persona.
        description: What the tool does, for the language model. At most 1,024 characters.
        parameters: A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8.
        url: Address to call.
        method: HTTP method of the call.
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
        Field("url", "url", Text()),
        Field("method", "method", Text()),
        Field("headers", "headers", Table(Text(secret=True))),
        Field("query_parameters", "queryParameters", Object(max_bytes=10000)),
        Field("await_response", "awaitResponse", Flag()),
    )
    CONSTANTS: ClassVar = {"type": "server", "subtype": "webhook"}
    OPEN: ClassVar = True

    name: str
    """Name by which the language model calls the tool. Unique within the persona."""
    description: str | None
    """What the tool does, for the language model. At most 1,024 characters."""
    parameters: Mapping[str, Any] | None
    """A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8."""
    url: str | None
    """Address to call."""
    method: str | None
    """HTTP method of the call."""
    headers: Mapping[str, Secret] | None
    """Headers of the call. Often carry a credential; treat the values as secret. Held as a `Secret`."""
    query_parameters: Mapping[str, Any] | None
    """A JSON Schema of the query parameters. At most 10,000 bytes as JSON in UTF-8."""
    await_response: bool | None
    """Whether the persona waits for the answer before it goes on."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        url: str | None = None,
        method: str | None = None,
        headers: Mapping[str, str | Secret] | None = None,
        query_parameters: Mapping[str, Any] | None = None,
        await_response: bool | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take(
            {
                "name": name,
                "description": description,
                "parameters": parameters,
                "url": url,
                "method": method,
                "headers": headers,
                "query_parameters": query_parameters,
                "await_response": await_response,
                "extra": extra,
            }
        )
        del (
            name,
            description,
            parameters,
            url,
            method,
            headers,
            query_parameters,
            await_response,
            extra,
        )  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class KnowledgeTool(Model):
    """Looks things up in document folders. Further keys are passed on.

    Args:
        name: Name by which the language model calls the tool. Unique within the persona.
        description: What the tool does, for the language model. At most 1,024 characters.
        parameters: A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8.
        document_folder_ids: The folders to search.
        extra: Further keys, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("name", "name", Text(min_length=1), required=True),
        Field("description", "description", Text(max_length=1024)),
        Field("parameters", "parameters", Object(max_bytes=10000)),
        Field("document_folder_ids", "documentFolderIds", Items(Text())),
    )
    CONSTANTS: ClassVar = {"type": "server", "subtype": "knowledge"}
    OPEN: ClassVar = True

    name: str
    """Name by which the language model calls the tool. Unique within the persona."""
    description: str | None
    """What the tool does, for the language model. At most 1,024 characters."""
    parameters: Mapping[str, Any] | None
    """A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8."""
    document_folder_ids: Sequence[str] | None
    """The folders to search."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        document_folder_ids: Sequence[str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take(
            {
                "name": name,
                "description": description,
                "parameters": parameters,
                "document_folder_ids": document_folder_ids,
                "extra": extra,
            }
        )
        del (
            name,
            description,
            parameters,
            document_folder_ids,
            extra,
        )  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class SystemTool(Model):
    """One of the engine's own abilities, called by its name. Further keys are passed on.

    Args:
        name: Name by which the language model calls the tool. Unique within the persona.
        description: What the tool does, for the language model. At most 1,024 characters.
        parameters: A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8.
        extra: Further keys, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("name", "name", Text(min_length=1), required=True),
        Field("description", "description", Text(max_length=1024)),
        Field("parameters", "parameters", Object(max_bytes=10000)),
    )
    CONSTANTS: ClassVar = {"type": "system"}
    OPEN: ClassVar = True

    name: str
    """Name by which the language model calls the tool. Unique within the persona."""
    description: str | None
    """What the tool does, for the language model. At most 1,024 characters."""
    parameters: Mapping[str, Any] | None
    """A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        name: str,
        description: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take({"name": name, "description": description, "parameters": parameters, "extra": extra})
        del name, description, parameters, extra  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class PersonaConfig(Model):
    """Who appears. Either an inline (ephemeral) persona or a saved (stateful) one.

    A persona described inline. Every field may be left out, but without `llm_id` and `voice_id` the token comes out
    as `legacy` and cannot be used; `voice_id` is needed unless the audio comes from outside (`CUSTOMER_CLIENT_V1`
    with LiveKit, or `enable_audio_passthrough`).

    Args:
        type: Says that the persona is described inline.
        name: Name shown for the persona.
        avatar_id: Which face. A UUID.
        avatar_model: Version of the rendering model; the server picks one when left out. `cara-4-latest` is by
            invitation only. Known today: `cara-3`, `cara-4` and `cara-4-latest`; others are sent, with a warning.
        voice_id: Which voice. A UUID.
        llm_id: Which language model answers: a UUID, or `CUSTOMER_CLIENT_V1` to switch Anam's own model off
            because the caller brings the words. With LiveKit it is always the latter.
        brain_type: Old name of `llm_id`. Understood, but send `llm_id`.
        system_prompt: Instructions for the language model.
        personality: Older, shorter way to describe the character. Optional.
        max_session_length_seconds: The session ends by itself after so many seconds. At least 1.
        language_code: Language of the transcription, as ISO 639-1.
        skip_greeting: The persona waits for the user to speak first.
        uninterruptible_greeting: The user cannot interrupt the greeting.
        initial_message: The first words spoken. `null` on the wire is the same as leaving it out.
        zero_data_retention: Keep nothing of the conversation.
        enable_audio_passthrough: The caller brings its own audio.
        metadata: The developer's own data, kept with the persona.
        voice_detection_options: When the persona takes the user's turn as over, and what happens in silence.
        voice_generation_options: How the voice sounds; which of the four depends on the voice's provider.
            Nothing in the object says which one it is, so an object may satisfy several.
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
        Field("type", "type", Text(one_of=("ephemeral",))),
        Field("name", "name", Text()),
        Field("avatar_id", "avatarId", Text(uuid=True, blank=False)),
        Field("avatar_model", "avatarModel", Text(known=("cara-3", "cara-4", "cara-4-latest"))),
        Field("voice_id", "voiceId", Text(uuid=True, blank=False)),
        Field("llm_id", "llmId", Text(blank=False)),
        Field("brain_type", "brainType", Text()),
        Field("system_prompt", "systemPrompt", Text()),
        Field("personality", "personality", Text()),
        Field("max_session_length_seconds", "maxSessionLengthSeconds", Number(ge=1)),
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
        Field("tool_ids", "toolIds", Items(Text(uuid=True, blank=False))),
        Field("persona_id", "personaId", Text(uuid=True, blank=False)),
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
    """Says that the persona is described inline."""
    name: str | None
    """Name shown for the persona."""
    avatar_id: str | None
    """Which face. A UUID."""
    avatar_model: str | None
    """Version of the rendering model; the server picks one when left out. `cara-4-latest` is by invitation only. Known
    today: `cara-3`, `cara-4` and `cara-4-latest`; others are sent, with a warning."""
    voice_id: str | None
    """Which voice. A UUID."""
    llm_id: str | None
    """Which language model answers: a UUID, or `CUSTOMER_CLIENT_V1` to switch Anam's own model off because the caller
    brings the words. With LiveKit it is always the latter."""
    brain_type: str | None
    """Old name of `llm_id`. Understood, but send `llm_id`."""
    system_prompt: str | None
    """Instructions for the language model."""
    personality: str | None
    """Older, shorter way to describe the character. Optional."""
    max_session_length_seconds: float | None
    """The session ends by itself after so many seconds. At least 1."""
    language_code: str | None
    """Language of the transcription, as ISO 639-1."""
    skip_greeting: bool | None
    """The persona waits for the user to speak first."""
    uninterruptible_greeting: bool | None
    """The user cannot interrupt the greeting."""
    initial_message: str | None
    """The first words spoken. `null` on the wire is the same as leaving it out."""
    zero_data_retention: bool | None
    """Keep nothing of the conversation."""
    enable_audio_passthrough: bool | None
    """The caller brings its own audio."""
    metadata: Mapping[str, Any] | None
    """The developer's own data, kept with the persona."""
    voice_detection_options: VoiceDetectionOptions | None
    """When the persona takes the user's turn as over, and what happens in silence."""
    voice_generation_options: VoiceGenerationOptions | None
    """How the voice sounds; which of the four depends on the voice's provider. Nothing in the object says which one it
    is, so an object may satisfy several."""
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
    ) -> None:
        found = self._take(
            {
                "type": type,
                "name": name,
                "avatar_id": avatar_id,
                "avatar_model": avatar_model,
                "voice_id": voice_id,
                "llm_id": llm_id,
                "brain_type": brain_type,
                "system_prompt": system_prompt,
                "personality": personality,
                "max_session_length_seconds": max_session_length_seconds,
                "language_code": language_code,
                "skip_greeting": skip_greeting,
                "uninterruptible_greeting": uninterruptible_greeting,
                "initial_message": initial_message,
                "zero_data_retention": zero_data_retention,
                "enable_audio_passthrough": enable_audio_passthrough,
                "metadata": metadata,
                "voice_detection_options": voice_detection_options,
                "voice_generation_options": voice_generation_options,
                "director_notes": director_notes,
                "tools": tools,
                "tool_ids": tool_ids,
                "persona_id": persona_id,
                "extra": extra,
            }
        )
        del (
            type,
            name,
            avatar_id,
            avatar_model,
            voice_id,
            llm_id,
            brain_type,
            system_prompt,
            personality,
            max_session_length_seconds,
            language_code,
            skip_greeting,
            uninterruptible_greeting,
            initial_message,
            zero_data_retention,
            enable_audio_passthrough,
            metadata,
            voice_detection_options,
            voice_generation_options,
            director_notes,
            tools,
            tool_ids,
            persona_id,
            extra,
        )  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class LiveKitEnvironment(Model):
    """The LiveKit room that the engine joins, by default as the participant `anam-avatar-agent`, publishing video and
    audio.

    Args:
        url: Address of the LiveKit server, such as `wss://…`.
        token: A LiveKit access token for that room, minted by the caller: kind `agent`, with an identity, a
            name, the grant to join the room, and the attribute `lk.publish_on_behalf` set to the local agent's
            identity. A credential; treat it as secret. Held as a `Secret`.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("url", "livekitUrl", Text(min_length=1, uri=True), required=True),
        Field("token", "livekitToken", Text(min_length=1, secret=True), required=True),
    )

    url: str
    """Address of the LiveKit server, such as `wss://…`."""
    token: Secret
    """A LiveKit access token for that room, minted by the caller: kind `agent`, with an identity, a name, the grant to
    join the room, and the attribute `lk.publish_on_behalf` set to the local agent's identity. A credential; treat
    it as secret. Held as a `Secret`."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        url: str,
        token: str | Secret,
        *,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take({"url": url, "token": token, "extra": extra})
        del url, token, extra  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class DailyEgress(Model):
    """Publishes the avatar straight into another provider's room. Needs `enable_audio_passthrough` on the persona.

    Args:
        room_url: Address of the room.
        token: A meeting token of Daily's, for rooms that are not public. A credential; treat it as secret. Held
            as a `Secret`.
        user_name: Name shown for the avatar in the room.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("room_url", "daily.roomUrl", Text(min_length=1, uri=True), required=True),
        Field("token", "daily.token", Text(secret=True)),
        Field("user_name", "daily.userName", Text()),
    )
    CONSTANTS: ClassVar = {"mode": "daily"}

    room_url: str
    """Address of the room."""
    token: Secret | None
    """A meeting token of Daily's, for rooms that are not public. A credential; treat it as secret. Held as a `Secret`."""
    user_name: str | None
    """Name shown for the avatar in the room."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        room_url: str,
        token: str | Secret | None = None,
        user_name: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take({"room_url": room_url, "token": token, "user_name": user_name, "extra": extra})
        del room_url, token, user_name, extra  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class SessionOptions(Model):
    """How the session is recorded, encoded, placed and delivered.

    Args:
        enable_session_replay: Whether the session is recorded. Anam's default is True.
        video_quality: Pin the quality high, or let it follow the network. One of `high` and `auto`.
        video_width: Width of the video in pixels; goes with `video_height`. Sizes known today: 720×480 with
            cara-3; 1152×768 and 768×1152 with cara-4. Any other is refused at the start, never replaced. Together
            with `video_height`.
        video_height: Height of the video in pixels; goes with `video_width`. Together with `video_width`.
        show_ai_avatar_disclosure: Show a mark in the video that says it is an AI avatar. Anam's default is
            False.
        region: Where the engine should run. Known today: `eu`, `us-east` and `us-west`; others are sent, with a
            warning.
        region_policy: `preferred` may run elsewhere when the region is full; `strict` may not, and needs
            `region`. One of `preferred` and `strict`.
        egress: Publishes the avatar straight into another provider's room. Needs `enable_audio_passthrough` on
            the persona.
        end_of_speech_sensitivity: How readily a pause counts as the end of the user's turn. Higher is sooner.
            From 0 to 1.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("enable_session_replay", "sessionReplay.enableSessionReplay", Flag()),
        Field("video_quality", "videoQuality", Text(one_of=("high", "auto"))),
        Field("video_width", "videoWidth", Number(bits=32, whole=True)),
        Field("video_height", "videoHeight", Number(bits=32, whole=True)),
        Field("show_ai_avatar_disclosure", "showAIAvatarDisclosure", Flag()),
        Field("region", "region", Text(known=("eu", "us-east", "us-west"))),
        Field("region_policy", "regionPolicy", Text(one_of=("preferred", "strict"))),
        Field("egress", "egress", One(DailyEgress)),
        Field("end_of_speech_sensitivity", "voiceDetection.endOfSpeechSensitivity", Number(ge=0, le=1)),
    )
    ACROSS: ClassVar = (
        Across(
            when="video_width",
            needs=("video_height",),
        ),
        Across(
            when="video_height",
            needs=("video_width",),
        ),
        Across(
            when="region_policy",
            equals="strict",
            needs=("region",),
        ),
    )
    KNOWN_VIDEO_SIZES: ClassVar = {"cara-3": ["720x480"], "cara-4": ["1152x768", "768x1152"]}

    enable_session_replay: bool | None
    """Whether the session is recorded. Anam's default is True."""
    video_quality: VideoQuality | None
    """Pin the quality high, or let it follow the network. One of `high` and `auto`."""
    video_width: int | None
    """Width of the video in pixels; goes with `video_height`. Sizes known today: 720×480 with cara-3; 1152×768 and
    768×1152 with cara-4. Any other is refused at the start, never replaced. Together with `video_height`."""
    video_height: int | None
    """Height of the video in pixels; goes with `video_width`. Together with `video_width`."""
    show_ai_avatar_disclosure: bool | None
    """Show a mark in the video that says it is an AI avatar. Anam's default is False."""
    region: str | None
    """Where the engine should run. Known today: `eu`, `us-east` and `us-west`; others are sent, with a warning."""
    region_policy: RegionPolicy | None
    """`preferred` may run elsewhere when the region is full; `strict` may not, and needs `region`. One of `preferred`
    and `strict`."""
    egress: DailyEgress | None
    """Publishes the avatar straight into another provider's room. Needs `enable_audio_passthrough` on the persona."""
    end_of_speech_sensitivity: float | None
    """How readily a pause counts as the end of the user's turn. Higher is sooner. From 0 to 1."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

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
    ) -> None:
        found = self._take(
            {
                "enable_session_replay": enable_session_replay,
                "video_quality": video_quality,
                "video_width": video_width,
                "video_height": video_height,
                "show_ai_avatar_disclosure": show_ai_avatar_disclosure,
                "region": region,
                "region_policy": region_policy,
                "egress": egress,
                "end_of_speech_sensitivity": end_of_speech_sensitivity,
                "extra": extra,
            }
        )
        del (
            enable_session_replay,
            video_quality,
            video_width,
            video_height,
            show_ai_avatar_disclosure,
            region,
            region_policy,
            egress,
            end_of_speech_sensitivity,
            extra,
        )  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class SessionTokenRequest(Model):
    """What a session token is bound to.

    Args:
        persona_config: Who appears. Either an inline (ephemeral) persona or a saved (stateful) one.
        environment: The LiveKit room that the engine joins, by default as the participant `anam-avatar-agent`,
            publishing video and audio.
        session_options: How the session is recorded, encoded, placed and delivered.
        client_label: A label of the caller's choice, kept with the session, by which its server can find it
            later. At most 128 characters.
        expires_in: How long the token lives, as a number and a unit. One hour when left out.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (
        Field("persona_config", "personaConfig", One(PersonaConfig), required=True),
        Field("environment", "environment", One(LiveKitEnvironment)),
        Field("session_options", "sessionOptions", One(SessionOptions)),
        Field("client_label", "clientLabel", Text(max_length=128)),
        Field("expires_in", "expiresIn", Text()),
    )

    persona_config: PersonaConfig
    """Who appears. Either an inline (ephemeral) persona or a saved (stateful) one."""
    environment: LiveKitEnvironment | None
    """The LiveKit room that the engine joins, by default as the participant `anam-avatar-agent`, publishing video and
    audio."""
    session_options: SessionOptions | None
    """How the session is recorded, encoded, placed and delivered."""
    client_label: str | None
    """A label of the caller's choice, kept with the session, by which its server can find it later. At most 128
    characters."""
    expires_in: str | None
    """How long the token lives, as a number and a unit. One hour when left out."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        persona_config: PersonaConfig | Mapping[str, Any],
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        expires_in: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take(
            {
                "persona_config": persona_config,
                "environment": environment,
                "session_options": session_options,
                "client_label": client_label,
                "expires_in": expires_in,
                "extra": extra,
            }
        )
        del (
            persona_config,
            environment,
            session_options,
            client_label,
            expires_in,
            extra,
        )  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(kw_only=True, repr=False)
class SessionTokenResponse(Answer):
    """A freshly minted session token.

    Attributes:
        session_token: The token, a signed JWT. A credential; treat it as secret. Held as a `Secret`.
        raw: The whole answer, with the fields that are newer than this package. Not shown by `repr`.
    """

    FIELDS: ClassVar = (Field("session_token", "sessionToken", Text(min_length=1, secret=True), required=True),)

    session_token: str
    """The token, a signed JWT. A credential; treat it as secret. Held as a `Secret`."""
    raw: Mapping[str, Any] = attrs.field(factory=dict, eq=False)
    """The whole answer."""


@attrs.frozen(init=False, repr=False)
class DirectStartRequest(Model):
    """The body of a start with the API key.

    Args:
        persona_config: Who appears. Either an inline (ephemeral) persona or a saved (stateful) one.
        environment: The LiveKit room that the engine joins, by default as the participant `anam-avatar-agent`,
            publishing video and audio.
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
        Field("environment", "environment", One(LiveKitEnvironment)),
        Field("session_options", "sessionOptions", One(SessionOptions)),
        Field("client_label", "clientLabel", Text(max_length=128)),
        Field("client_metadata", "clientMetadata", Object()),
    )

    persona_config: PersonaConfig
    """Who appears. Either an inline (ephemeral) persona or a saved (stateful) one."""
    environment: LiveKitEnvironment | None
    """The LiveKit room that the engine joins, by default as the participant `anam-avatar-agent`, publishing video and
    audio."""
    session_options: SessionOptions | None
    """How the session is recorded, encoded, placed and delivered."""
    client_label: str | None
    """A label of the caller's choice, kept with the session, by which its server can find it later. At most 128
    characters."""
    client_metadata: Mapping[str, Any] | None
    """Free-form facts about the calling program, such as its name and version."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        persona_config: PersonaConfig | Mapping[str, Any],
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        client_metadata: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take(
            {
                "persona_config": persona_config,
                "environment": environment,
                "session_options": session_options,
                "client_label": client_label,
                "client_metadata": client_metadata,
                "extra": extra,
            }
        )
        del (
            persona_config,
            environment,
            session_options,
            client_label,
            client_metadata,
            extra,
        )  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(init=False, repr=False)
class TokenStartRequest(Model):
    """The body of a start with a session token. Send `{}` when there is no metadata.

    Args:
        client_metadata: Free-form facts about the calling program, such as its name and version.
        extra: Fields that are newer than this package, as they are on the wire.

    Raises:
        AnamConfigError: With every problem found.
    """

    FIELDS: ClassVar = (Field("client_metadata", "clientMetadata", Object()),)

    client_metadata: Mapping[str, Any] | None
    """Free-form facts about the calling program, such as its name and version."""
    extra: Mapping[str, Any] | None
    """Further keys, as they are on the wire."""

    def __init__(
        self,
        *,
        client_metadata: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found = self._take({"client_metadata": client_metadata, "extra": extra})
        del client_metadata, extra  # no frame that an error passes keeps what was given
        found.settle()


@attrs.frozen(kw_only=True, repr=False)
class IceServer(Answer):
    """A STUN or TURN server, as WebRTC's RTCIceServer. Further fields may come.

    Attributes:
        urls: One address or several.
        username: User name at a TURN server.
        credential: Password at a TURN server. Short-lived; treat it as secret. Held as a `Secret`.
        raw: The whole answer, with the fields that are newer than this package. Not shown by `repr`.
    """

    FIELDS: ClassVar = (
        Field("urls", "urls", Items(Text()), required=True),
        Field("username", "username", Text()),
        Field("credential", "credential", Text(secret=True)),
    )

    urls: tuple[str, ...]
    """One address or several."""
    username: str | None = None
    """User name at a TURN server."""
    credential: str | None = None
    """Password at a TURN server. Short-lived; treat it as secret. Held as a `Secret`."""
    raw: Mapping[str, Any] = attrs.field(factory=dict, eq=False)
    """The whole answer."""


@attrs.frozen(kw_only=True, repr=False)
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
        Field("heartbeat_interval_seconds", "heartbeatIntervalSeconds", Number(bits=32, whole=True)),
        Field("max_ws_reconnection_attempts", "maxWsReconnectionAttempts", Number(bits=32, whole=True)),
        Field("ice_servers", "iceServers", Items(One(IceServer))),
        Field("ice_transport_policy", "iceTransportPolicy", Text(known=("all", "relay"))),
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


@attrs.frozen(kw_only=True, repr=False)
class EngineSession(Answer):
    """A started session. Further fields may come.

    Attributes:
        session_id: The session's UUID.
        engine_host: Host and path of the engine. Absent with a LiveKit environment.
        engine_protocol: Protocol to reach the engine with, such as `https`.
        signalling_endpoint: Path of the signalling socket on the engine, such as `/ws`.
        region: Where the session really runs. Any value; for information.
        client_config: What a browser needs to connect to the engine. Further fields may come.
        raw: The whole answer, with the fields that are newer than this package. Not shown by `repr`.
    """

    FIELDS: ClassVar = (
        Field("session_id", "sessionId", Text(blank=False), required=True),
        Field("engine_host", "engineHost", Text()),
        Field("engine_protocol", "engineProtocol", Text()),
        Field("signalling_endpoint", "signallingEndpoint", Text()),
        Field("region", "region", Text()),
        Field("client_config", "clientConfig", One(ClientConfig)),
    )

    session_id: str
    """The session's UUID."""
    engine_host: str | None = None
    """Host and path of the engine. Absent with a LiveKit environment."""
    engine_protocol: str | None = None
    """Protocol to reach the engine with, such as `https`."""
    signalling_endpoint: str | None = None
    """Path of the signalling socket on the engine, such as `/ws`."""
    region: str | None = None
    """Where the session really runs. Any value; for information."""
    client_config: ClientConfig | None = None
    """What a browser needs to connect to the engine. Further fields may come."""
    raw: Mapping[str, Any] = attrs.field(factory=dict, eq=False)
    """The whole answer."""


@attrs.frozen(kw_only=True, repr=False)
class ErrorResponse(Answer):
    """What went wrong. Either text, or both, may be there; further fields may come.

    Attributes:
        error: Short and stable enough to match on.
        message: For people.
        details: More about the problem, in any shape.
        raw: The whole answer, with the fields that are newer than this package. Not shown by `repr`.
    """

    FIELDS: ClassVar = (
        Field("error", "error", Text()),
        Field("message", "message", Text()),
        Field("details", "details", Kind()),
    )

    error: str | None = None
    """Short and stable enough to match on."""
    message: str | None = None
    """For people."""
    details: Any | None = None
    """More about the problem, in any shape."""
    raw: Mapping[str, Any] = attrs.field(factory=dict, eq=False)
    """The whole answer."""


EngineSessionRequest: TypeAlias = DirectStartRequest | TokenStartRequest
"""The body of a start; which of the two depends on the bearer."""


VoiceGenerationOptions: TypeAlias = (
    ElevenLabsV1VoiceOptions | ElevenLabsV2VoiceOptions | CartesiaSonic3VoiceOptions | FishAudioVoiceOptions
)
"""How the voice sounds; which of the four depends on the voice's provider. Nothing in the object says which one it
is, so an object may satisfy several."""


Tool: TypeAlias = ClientTool | WebhookTool | KnowledgeTool | SystemTool
"""Something the persona may do during the conversation."""


__all__ = [
    "CartesiaSonic3VoiceOptions",
    "ClientConfig",
    "ClientTool",
    "DailyEgress",
    "DirectorNotes",
    "DirectStartRequest",
    "ElevenLabsV1VoiceOptions",
    "ElevenLabsV2VoiceOptions",
    "EngineSession",
    "EngineSessionRequest",
    "ErrorResponse",
    "FishAudioVoiceOptions",
    "IceServer",
    "KnowledgeTool",
    "SessionOptions",
    "SessionTokenRequest",
    "SessionTokenResponse",
    "SystemTool",
    "TokenStartRequest",
    "Tool",
    "VoiceDetectionOptions",
    "VoiceGenerationOptions",
    "WebhookTool",
]
