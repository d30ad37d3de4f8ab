"""What a user says about an avatar: `PersonaConfig` and its parts.

Names, bounds and defaults are Anam's, as `openapi.yaml` has them; in Python they are snake_case. `None` means unset:
nothing is sent, and the server decides.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import attrs
from attrs import field

from ._plain import as_list, as_object, as_text
from ._secret import MASK, Secret, as_secret_values
from ._wire import (
    TOO_DEEP,
    TOO_MANY,
    Kind,
    Part,
    as_part,
    check_free,
    copied_object,
    copied_strings,
    problem,
    rule,
    rules,
    shown,
    warn,
)
from .errors import AnamConfigError, Problem, _line

CUSTOMER_CLIENT_V1 = "CUSTOMER_CLIENT_V1"
"""The `llm_id` that switches Anam's own language model off, because the caller brings the words."""

MAX_FILE_BYTES = 1024 * 1024

MAX_NUMBER_LENGTH = 100
"""Characters of a number in YAML: the time to read one grows with their square."""

_FRACTION = {"ge": 0, "le": 1}


@attrs.frozen(kw_only=True, repr=False)
class DirectorNotes(Part):
    """How the avatar acts. For cara-4; cara-3 drops it without a word.

    Args:
        preset_style: A ready-made style: happy, warm, playful, supportive, sad, angry or distressed.
        custom_style_prompt: A style in one's own words, at most 2,000 characters. Not together with `preset_style`.
        expressivity: How strongly the style shows, from 0 to 1.
    """

    SCHEMAS: ClassVar = ("DirectorNotes",)

    preset_style: str | None = field(
        default=None,
        metadata=rule(
            "presetStyle",
            Kind.STRING,
            known=("happy", "warm", "playful", "supportive", "sad", "angry", "distressed"),
        ),
    )
    custom_style_prompt: str | None = field(
        default=None, metadata=rule("customStylePrompt", Kind.STRING, max_length=2000)
    )
    expressivity: float | None = field(default=None, metadata=rule("expressivity", Kind.NUMBER, **_FRACTION))

    @classmethod
    def _cross_check(cls, values: Mapping[str, Any], spell: Callable[[str], str]) -> Iterable[Problem]:
        if values["preset_style"] is not None and values["custom_style_prompt"] is not None:
            yield Problem(spell("preset_style"), "", f"cannot be set together with {spell('custom_style_prompt')}")


@attrs.frozen(kw_only=True, repr=False)
class VoiceDetectionOptions(Part):
    """When the persona takes the user's turn as over, and what happens in silence.

    Args:
        end_of_speech_sensitivity: How readily a pause counts as the end of the turn, from 0 to 1. Higher is sooner.
        silence_before_skip_turn_seconds: Seconds of silence after which the persona speaks although it is the user's
            turn, from 0 (off) to 900.
        silence_before_session_end_seconds: Seconds of silence after which the session ends, from 0 (off) to 7,200.
        silence_before_auto_end_turn_seconds: Seconds of silence after which the user's turn ends, from 0.5 to 10.
        speech_enhancement_level: How strongly the user's speech is cleaned of noise, from 0 to 1.
    """

    SCHEMAS: ClassVar = ("VoiceDetectionOptions",)

    end_of_speech_sensitivity: float | None = field(
        default=None, metadata=rule("endOfSpeechSensitivity", Kind.NUMBER, **_FRACTION)
    )
    silence_before_skip_turn_seconds: float | None = field(
        default=None, metadata=rule("silenceBeforeSkipTurnSeconds", Kind.NUMBER, ge=0, le=900)
    )
    silence_before_session_end_seconds: float | None = field(
        default=None, metadata=rule("silenceBeforeSessionEndSeconds", Kind.NUMBER, ge=0, le=7200)
    )
    silence_before_auto_end_turn_seconds: float | None = field(
        default=None, metadata=rule("silenceBeforeAutoEndTurnSeconds", Kind.NUMBER, ge=0.5, le=10)
    )
    speech_enhancement_level: float | None = field(
        default=None, metadata=rule("speechEnhancementLevel", Kind.NUMBER, **_FRACTION)
    )


@attrs.frozen(kw_only=True, repr=False)
class ElevenLabsV1VoiceOptions(Part):
    """For voices of ElevenLabs, first generation.

    Args:
        stability: Evenness of the delivery, from 0 to 1.
        similarity_boost: Closeness to the original voice, from 0 to 1.
        speed: Factor on the speaking rate, from 0.7 to 1.2.
    """

    SCHEMAS: ClassVar = ("ElevenLabsV1VoiceOptions",)

    stability: float | None = field(default=None, metadata=rule("stability", Kind.NUMBER, **_FRACTION))
    similarity_boost: float | None = field(default=None, metadata=rule("similarityBoost", Kind.NUMBER, **_FRACTION))
    speed: float | None = field(default=None, metadata=rule("speed", Kind.NUMBER, ge=0.7, le=1.2))


@attrs.frozen(kw_only=True, repr=False)
class ElevenLabsV2VoiceOptions(Part):
    """For voices of ElevenLabs, second generation.

    Args:
        stability: Evenness of the delivery, from 0 to 1.
        similarity_boost: Closeness to the original voice, from 0 to 1.
        speed: Factor on the speaking rate, from 0.7 to 1.2.
        style: How much the voice's style is exaggerated, from 0 to 1.
        use_speaker_boost: Strengthen the likeness to the original speaker.
        model: Name of the provider's model.
    """

    SCHEMAS: ClassVar = ("ElevenLabsV2VoiceOptions",)

    stability: float | None = field(default=None, metadata=rule("stability", Kind.NUMBER, **_FRACTION))
    similarity_boost: float | None = field(default=None, metadata=rule("similarityBoost", Kind.NUMBER, **_FRACTION))
    speed: float | None = field(default=None, metadata=rule("speed", Kind.NUMBER, ge=0.7, le=1.2))
    style: float | None = field(default=None, metadata=rule("style", Kind.NUMBER, **_FRACTION))
    use_speaker_boost: bool | None = field(default=None, metadata=rule("useSpeakerBoost", Kind.BOOLEAN))
    model: str | None = field(default=None, metadata=rule("model", Kind.STRING))


@attrs.frozen(kw_only=True, repr=False)
class CartesiaSonic3VoiceOptions(Part):
    """For voices of Cartesia, Sonic-3.

    Args:
        volume: Factor on the loudness, from 0.5 to 2.
        speed: Factor on the speaking rate, from 0.6 to 1.5.
        emotion: Colour of the delivery.
    """

    SCHEMAS: ClassVar = ("CartesiaSonic3VoiceOptions",)

    volume: float | None = field(default=None, metadata=rule("volume", Kind.NUMBER, ge=0.5, le=2))
    speed: float | None = field(default=None, metadata=rule("speed", Kind.NUMBER, ge=0.6, le=1.5))
    emotion: Literal["neutral", "calm", "angry", "content", "sad", "scared"] | None = field(
        default=None,
        metadata=rule("emotion", Kind.STRING, one_of=("neutral", "calm", "angry", "content", "sad", "scared")),
    )


@attrs.frozen(kw_only=True, repr=False)
class FishAudioVoiceOptions(Part):
    """For voices of Fish Audio.

    Args:
        volume: Factor on the loudness, from 0.5 to 2.
        speed: Factor on the speaking rate, from 0.5 to 2.
    """

    SCHEMAS: ClassVar = ("FishAudioVoiceOptions",)

    volume: float | None = field(default=None, metadata=rule("volume", Kind.NUMBER, ge=0.5, le=2))
    speed: float | None = field(default=None, metadata=rule("speed", Kind.NUMBER, ge=0.5, le=2))


VoiceGenerationOptions = (
    ElevenLabsV1VoiceOptions | ElevenLabsV2VoiceOptions | CartesiaSonic3VoiceOptions | FishAudioVoiceOptions
)
"""How the voice sounds; which of the four depends on the voice's provider."""

_VOICE_OPTIONS: tuple[type[Part], ...] = (
    ElevenLabsV1VoiceOptions,
    ElevenLabsV2VoiceOptions,
    CartesiaSonic3VoiceOptions,
    FishAudioVoiceOptions,
)


def _parse_voice_options(data: Any, path: str, problems: list[Problem]) -> Part | None:
    """Nothing on the wire says which of the four it is: the first that fits, else the problems of the nearest."""
    mapping = as_object(data)
    if mapping is None:
        problems.append(problem(path, data, Kind.OBJECT))
        return None
    names = {as_text(name) for name in mapping}

    def strangers(cls: type[Part]) -> int:
        return len(names - {r.name for r in rules(cls).values()})

    attempts: list[list[Problem]] = []
    for cls in sorted(_VOICE_OPTIONS, key=strangers):
        found: list[Problem] = []
        made = cls._parse(mapping, path, found)
        if made is not None:
            return made
        attempts.append(found)
    problems += attempts[0]
    return None


@attrs.frozen(kw_only=True, repr=False)
class _Tool(Part):
    OPEN: ClassVar = True

    name: str = field(metadata=rule("name", Kind.STRING, min_length=1, required=True))
    description: str | None = field(default=None, metadata=rule("description", Kind.STRING, max_length=1024))
    parameters: Mapping[str, Any] | None = field(
        default=None, converter=copied_object, metadata=rule("parameters", Kind.OBJECT, max_bytes=10_000)
    )
    extra: Mapping[str, Any] | None = field(default=None, converter=copied_object)

    def _check_rest(self) -> Iterable[Problem]:
        extra = as_object(self.extra)
        if extra is not None:
            names = {as_text(name) for name in extra}
            for name in [*self.CONSTANTS, *(r.name for r in rules(type(self)).values())]:
                if name in names:
                    yield Problem(f"extra.{name}", "", "has an argument of its own")
            yield from check_free(extra, "extra")
        elif self.extra is not None:
            yield problem("extra", self.extra, Kind.OBJECT)


@attrs.frozen(kw_only=True, repr=False)
class ClientTool(_Tool):
    """Calls back into the program in the user's browser.

    Args:
        name: Name by which the language model calls the tool; unique within the persona.
        description: What the tool does, for the language model; at most 1,024 characters.
        parameters: A JSON Schema of the arguments; at most 10,000 bytes as JSON in UTF-8.
        extra: Further keys, passed on as they are.
    """

    SCHEMAS: ClassVar = ("ClientTool",)
    CONSTANTS: ClassVar = {"type": "client"}


@attrs.frozen(kw_only=True, repr=False)
class SystemTool(_Tool):
    """One of the engine's own abilities, called by its name.

    Args:
        name: The ability; unique within the persona.
        description: What the tool does, for the language model; at most 1,024 characters.
        parameters: A JSON Schema of the arguments; at most 10,000 bytes as JSON in UTF-8.
        extra: Further keys, passed on as they are.
    """

    SCHEMAS: ClassVar = ("SystemTool",)
    CONSTANTS: ClassVar = {"type": "system"}


def _masked_headers(headers: Mapping[str, Secret] | None) -> str:
    return repr(dict.fromkeys(headers or {}, MASK))


@attrs.frozen(kw_only=True, repr=False)
class WebhookTool(_Tool):
    """Calls a web address of the developer's.

    Args:
        name: Name by which the language model calls the tool; unique within the persona.
        description: What the tool does, for the language model; at most 1,024 characters.
        parameters: A JSON Schema of the arguments; at most 10,000 bytes as JSON in UTF-8.
        url: Address to call.
        method: HTTP method of the call, such as POST.
        headers: Headers of the call. Their values are held as `Secret`, since they often carry a credential.
        query_parameters: A JSON Schema of the query parameters; at most 10,000 bytes as JSON in UTF-8.
        await_response: Whether the persona waits for the answer before it goes on.
        extra: Further keys, passed on as they are.
    """

    SCHEMAS: ClassVar = ("WebhookTool",)
    CONSTANTS: ClassVar = {"type": "server", "subtype": "webhook"}

    url: str | None = field(default=None, metadata=rule("url", Kind.STRING))
    method: str | None = field(default=None, metadata=rule("method", Kind.STRING))
    headers: Mapping[str, Secret] | None = field(
        default=None,
        converter=as_secret_values,
        repr=_masked_headers,
        metadata=rule("headers", Kind.STRING_MAP, secret=True),
    )
    query_parameters: Mapping[str, Any] | None = field(
        default=None, converter=copied_object, metadata=rule("queryParameters", Kind.OBJECT, max_bytes=10_000)
    )
    await_response: bool | None = field(default=None, metadata=rule("awaitResponse", Kind.BOOLEAN))


@attrs.frozen(kw_only=True, repr=False)
class KnowledgeTool(_Tool):
    """Looks things up in document folders.

    Args:
        name: Name by which the language model calls the tool; unique within the persona.
        description: What the tool does, for the language model; at most 1,024 characters.
        parameters: A JSON Schema of the arguments; at most 10,000 bytes as JSON in UTF-8.
        document_folder_ids: The folders to search.
        extra: Further keys, passed on as they are.
    """

    SCHEMAS: ClassVar = ("KnowledgeTool",)
    CONSTANTS: ClassVar = {"type": "server", "subtype": "knowledge"}

    document_folder_ids: Sequence[str] | None = field(
        default=None, converter=copied_strings, metadata=rule("documentFolderIds", Kind.STRINGS)
    )


Tool = ClientTool | WebhookTool | KnowledgeTool | SystemTool
"""Something the persona may do during the conversation."""

_TOOLS: tuple[type[Part], ...] = (ClientTool, WebhookTool, KnowledgeTool, SystemTool)


def _parse_tool(data: Any, path: str, problems: list[Problem]) -> Part | None:
    mapping = as_object(data)
    if mapping is None:
        problems.append(problem(path, data, Kind.OBJECT))
        return None
    for cls in _TOOLS:
        if all(as_text(mapping.get(name)) == constant for name, constant in cls.CONSTANTS.items()):
            return cls._parse(mapping, path, problems)
    if as_text(mapping.get("type")) == "server":
        problems.append(Problem(f"{path}.subtype", shown(mapping.get("subtype")), "must be one of webhook, knowledge"))
    else:
        problems.append(Problem(f"{path}.type", shown(mapping.get("type")), "must be one of client, server, system"))
    return None


# Where a part is expected, its wire form does as well. (mypy wants converters to be named functions.)


def _as_voice_detection_options(
    value: VoiceDetectionOptions | Mapping[str, Any] | None,
) -> VoiceDetectionOptions | None:
    return cast("VoiceDetectionOptions | None", as_part(value, VoiceDetectionOptions._parse))


def _as_voice_generation_options(
    value: VoiceGenerationOptions | Mapping[str, Any] | None,
) -> VoiceGenerationOptions | None:
    return cast("VoiceGenerationOptions | None", as_part(value, _parse_voice_options))


def _as_director_notes(value: DirectorNotes | Mapping[str, Any] | None) -> DirectorNotes | None:
    return cast("DirectorNotes | None", as_part(value, DirectorNotes._parse))


def _as_tools(value: Sequence[Tool | Mapping[str, Any]] | None) -> Sequence[Tool] | None:
    items = as_list(value)
    if items is None:
        return cast("Sequence[Tool] | None", value)
    return tuple(as_part(item, _parse_tool) for item in items)


@attrs.frozen(kw_only=True, repr=False)
class PersonaConfig(Part):
    """Who appears: a persona described inline, or a saved one (`PersonaConfig.saved`).

    Every argument may be left out. Bounds, wrong types and contradictions raise; an unknown avatar model, or an id that
    is no UUID, is only warned of (`AnamConfigWarning`), for Anam may add such things without notice.

    Args:
        name: Name shown for the persona.
        avatar_id: Which face; a UUID.
        avatar_model: Rendering model: cara-3, cara-4 or cara-4-latest (by invitation). Anam picks one when unset.
        voice_id: Which voice; a UUID. Needed unless the audio comes from outside (LiveKit with `CUSTOMER_CLIENT_V1`, or
            `enable_audio_passthrough`).
        llm_id: Which language model: a UUID, or `CUSTOMER_CLIENT_V1` when the caller brings the words. Filled in with
            the latter when the session has a LiveKit environment and this is unset.
        system_prompt: Instructions for the language model.
        personality: Older, shorter way to describe the character.
        max_session_length_seconds: The session ends by itself after so many seconds; at least 1.
        language_code: Language of the transcription, as ISO 639-1.
        skip_greeting: The persona waits for the user to speak first.
        uninterruptible_greeting: The user cannot interrupt the greeting.
        initial_message: The first words spoken.
        zero_data_retention: Keep nothing of the conversation.
        enable_audio_passthrough: The caller brings its own audio. The only argument that goes with `persona_id`.
        metadata: Your own data, kept with the persona; any JSON.
        voice_detection_options: Turn-taking and silence.
        voice_generation_options: The sound of the voice; which of the four classes depends on the voice's provider.
        director_notes: How the avatar acts; cara-4.
        tools: Tools described inline; their names must differ.
        tool_ids: UUIDs of tools made beforehand.
        type: Marks an inline persona on the wire; filled in with a LiveKit environment, seldom needed elsewhere.
        brain_type: Deprecated name of `llm_id`, taken over into it with a `DeprecationWarning`, and never sent.
        persona_id: UUID of a saved persona; see `saved`.

    Raises:
        AnamConfigError: With every problem found.
    """

    SCHEMAS: ClassVar = ("EphemeralPersonaConfig", "StatefulPersonaConfig")

    name: str | None = field(default=None, metadata=rule("name", Kind.STRING))
    avatar_id: str | None = field(default=None, metadata=rule("avatarId", Kind.STRING, uuid=True))
    avatar_model: str | None = field(
        default=None, metadata=rule("avatarModel", Kind.STRING, known=("cara-3", "cara-4", "cara-4-latest"))
    )
    voice_id: str | None = field(default=None, metadata=rule("voiceId", Kind.STRING, uuid=True))
    llm_id: str | None = field(default=None, metadata=rule("llmId", Kind.STRING))
    system_prompt: str | None = field(default=None, metadata=rule("systemPrompt", Kind.STRING))
    personality: str | None = field(default=None, metadata=rule("personality", Kind.STRING))
    max_session_length_seconds: float | None = field(
        default=None, metadata=rule("maxSessionLengthSeconds", Kind.NUMBER, ge=1)
    )
    language_code: str | None = field(default=None, metadata=rule("languageCode", Kind.STRING))
    skip_greeting: bool | None = field(default=None, metadata=rule("skipGreeting", Kind.BOOLEAN))
    uninterruptible_greeting: bool | None = field(default=None, metadata=rule("uninterruptibleGreeting", Kind.BOOLEAN))
    initial_message: str | None = field(default=None, metadata=rule("initialMessage", Kind.STRING, nullable=True))
    zero_data_retention: bool | None = field(default=None, metadata=rule("zeroDataRetention", Kind.BOOLEAN))
    enable_audio_passthrough: bool | None = field(default=None, metadata=rule("enableAudioPassthrough", Kind.BOOLEAN))
    metadata: Mapping[str, Any] | None = field(
        default=None, converter=copied_object, metadata=rule("metadata", Kind.OBJECT)
    )
    voice_detection_options: VoiceDetectionOptions | None = field(
        default=None,
        converter=_as_voice_detection_options,
        metadata=rule(
            "voiceDetectionOptions", Kind.PART, of=(VoiceDetectionOptions,), parse=VoiceDetectionOptions._parse
        ),
    )
    voice_generation_options: VoiceGenerationOptions | None = field(
        default=None,
        converter=_as_voice_generation_options,
        metadata=rule("voiceGenerationOptions", Kind.PART, of=_VOICE_OPTIONS, parse=_parse_voice_options),
    )
    director_notes: DirectorNotes | None = field(
        default=None,
        converter=_as_director_notes,
        metadata=rule("directorNotes", Kind.PART, of=(DirectorNotes,), parse=DirectorNotes._parse),
    )
    tools: Sequence[Tool] | None = field(
        default=None,
        converter=_as_tools,
        metadata=rule("tools", Kind.PARTS, of=_TOOLS, parse=_parse_tool, unique_by="name"),
    )
    tool_ids: Sequence[str] | None = field(
        default=None, converter=copied_strings, metadata=rule("toolIds", Kind.STRINGS, uuid=True)
    )
    type: Literal["ephemeral"] | None = field(default=None, metadata=rule("type", Kind.STRING, one_of=("ephemeral",)))
    brain_type: str | None = field(default=None, metadata=rule("brainType", Kind.STRING))
    persona_id: str | None = field(default=None, metadata=rule("personaId", Kind.STRING, uuid=True))

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        if self.brain_type is not None:
            warn("brain_type is deprecated; use llm_id", DeprecationWarning)
            object.__setattr__(self, "llm_id", self.brain_type)
            object.__setattr__(self, "brain_type", None)

    @classmethod
    def saved(cls, persona_id: str, *, enable_audio_passthrough: bool | None = None) -> Self:
        """A persona saved in Anam's web app.

        Args:
            persona_id: Its UUID. Not an avatar's.
            enable_audio_passthrough: The caller brings its own audio.

        Raises:
            AnamConfigError: The id is not a string, or empty.
        """
        given: object = persona_id
        if given is None or as_text(given) == "":
            raise AnamConfigError(Problem("persona_id", shown(persona_id), "must be the UUID of a saved persona"))
        return cls(persona_id=persona_id, enable_audio_passthrough=enable_audio_passthrough)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Reads a persona from a JSON or YAML file in the wire's form (camelCase), to be shared with other languages.

        Args:
            path: A `.json`, `.yaml` or `.yml` file of at most 1 MiB. YAML's merge keys (`<<`) are refused: a few lines
                of them can grow beyond any memory.

        Raises:
            AnamConfigError: The file cannot be read or parsed, or its content is not valid.
        """
        data = _read(Path(path))
        # A few lines of YAML can refer to each other until they stand for billions of values.
        problems = [
            found
            for name, value in (as_object(data) or {}).items()
            for found in check_free(value, shown(name))
            if found.rule in (TOO_DEEP, TOO_MANY)
        ]
        if problems:
            raise AnamConfigError(*problems)
        return cls.from_dict(data)

    @classmethod
    def _cross_check(cls, values: Mapping[str, Any], spell: Callable[[str], str]) -> Iterable[Problem]:
        if values["persona_id"] is not None:
            for name, value in values.items():
                if value is not None and name not in ("persona_id", "enable_audio_passthrough"):
                    yield Problem(spell(name), "", f"cannot be set together with {spell('persona_id')}")
        old, new = as_text(values["brain_type"]), as_text(values["llm_id"])
        if old is not None and new is not None and old != new:
            yield Problem(spell("brain_type"), "", f"is the old name of {spell('llm_id')} and contradicts it")

    def _warn(self, values: Mapping[str, Any]) -> None:
        super()._warn(values)
        if self.avatar_model == "cara-3" and self.director_notes is not None:
            warn("director_notes have no effect with avatar_model='cara-3'; Anam drops them silently")


def _read(path: Path) -> Any:
    def refuse(why: str) -> AnamConfigError:
        name = str(path)
        fit_to_print = name.isprintable() and len(name) <= 4096
        return AnamConfigError(Problem("path", name if fit_to_print else shown(name), _line(why)))

    suffix = path.suffix.lower()
    if suffix not in (".json", ".yaml", ".yml"):
        raise refuse("must end in .json, .yaml or .yml")
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a pipe would wait for someone to write
            raise refuse("must be a regular file")
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise refuse(f"must be at most {MAX_FILE_BYTES:,} bytes")
        text = raw.decode("utf-8-sig")
        return json.loads(text) if suffix == ".json" else _yaml(text)
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise refuse(f"must be UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise refuse("nests too deeply") from None
    except AnamConfigError:
        raise
    except ValueError as error:
        raise refuse(f"cannot be parsed: {error}") from None


def _yaml(text: str) -> Any:
    import yaml  # here, because most programs never need it

    # A SafeLoader builds plain values only: a tag that asks for a Python object is refused.
    class Loader(yaml.SafeLoader):
        def flatten_mapping(self, node: yaml.MappingNode) -> None:
            for key, _ in node.value:
                if key.tag == "tag:yaml.org,2002:merge":  # a few lines of them can grow beyond any memory
                    raise yaml.constructor.ConstructorError(
                        problem="merge keys (<<) are not supported", problem_mark=key.start_mark
                    )

        def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
            if node.tag.endswith((":int", ":float")) and len(node.value) > MAX_NUMBER_LENGTH:
                raise yaml.constructor.ConstructorError(problem="too long a number", problem_mark=node.start_mark)
            made = super().construct_object(node, deep)
            if type(made) is int and made.bit_length() > 63:
                # Not left to the checks: as names in a mapping, such numbers can be chosen to have the same hash.
                raise yaml.constructor.ConstructorError(
                    problem="a number that does not fit into 64 bits", problem_mark=node.start_mark
                )
            return made

    try:
        loader = Loader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"{getattr(error, 'problem', None) or 'not valid YAML'}{where}") from None
    except (LookupError, TypeError, AttributeError, OverflowError) as error:  # PyYAML's, for `!!int ""` and the like
        raise ValueError(f"not valid YAML ({type(error).__name__} in a tagged value)") from None
    except ValueError as error:  # from Python's own functions, some of which quote the value, and that may be a secret
        raise ValueError(re.split(r": ['\"]", str(error))[0]) from None


__all__ = [
    "CUSTOMER_CLIENT_V1",
    "CartesiaSonic3VoiceOptions",
    "ClientTool",
    "DirectorNotes",
    "ElevenLabsV1VoiceOptions",
    "ElevenLabsV2VoiceOptions",
    "FishAudioVoiceOptions",
    "KnowledgeTool",
    "PersonaConfig",
    "SystemTool",
    "Tool",
    "VoiceDetectionOptions",
    "VoiceGenerationOptions",
    "WebhookTool",
]
