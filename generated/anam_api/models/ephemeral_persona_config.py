# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.ephemeral_persona_type import EphemeralPersonaType, check_ephemeral_persona_type
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.client_tool import ClientTool
    from ..models.director_notes import DirectorNotes
    from ..models.knowledge_tool import KnowledgeTool
    from ..models.persona_metadata import PersonaMetadata
    from ..models.system_tool import SystemTool
    from ..models.voice_detection_options import VoiceDetectionOptions
    from ..models.voice_generation_options import VoiceGenerationOptions
    from ..models.webhook_tool import WebhookTool


T = TypeVar("T", bound="EphemeralPersonaConfig")


@_attrs_define
class EphemeralPersonaConfig:
    """A persona described inline. Every field may be left out, but without `llmId` and `voiceId` the token comes out as
    `legacy` and cannot be used; unless the audio comes from outside: with `enableAudioPassthrough`, or an ElevenLabs or
    Agora environment, an `avatarId` is enough. `voiceId` is needed unless the audio comes from outside
    (`CUSTOMER_CLIENT_V1` with LiveKit, passthrough, or an ElevenLabs agent).

    """

    type_: EphemeralPersonaType | Unset = UNSET
    """ Says that the persona is described inline. """
    name: str | Unset = UNSET
    """ Name shown for the persona. """
    avatar_id: str | Unset = UNSET
    """ Which face. A UUID. """
    avatar_model: str | Unset = UNSET
    """ Version of the rendering model; the server picks one when left out. `cara-4-latest` is by invitation only.
     """
    voice_id: str | Unset = UNSET
    """ Which voice. A UUID. Needed unless the audio comes from outside. """
    llm_id: str | Unset = UNSET
    """ Which language model answers: a UUID, a known name, or `CUSTOMER_CLIENT_V1` to switch Anam's own model off
    because
    the caller brings the words. With LiveKit it is always the latter. `ANAM_LLAMA_v3_3_70B_V1` and
    `ANAM_GPT_4O_MINI_V1` are older names of models. An empty string is none.
     """
    brain_type: str | Unset = UNSET
    """ Old name of `llmId`. Understood, but send `llmId`. """
    system_prompt: str | Unset = UNSET
    """ Instructions for the language model. """
    personality: str | Unset = UNSET
    """ Older, shorter way to describe the character. Optional. """
    max_session_length_seconds: float | Unset = UNSET
    """ The session ends by itself after so many seconds. A plan's cap holds all the same: 3 minutes on Free, 5 on
    Starter,
    10 on Explorer, none above.
     """
    language_code: str | Unset = UNSET
    """ Language of the transcription, as ISO 639-1. Overrides the organisation's setting, and the default, which is
    multilingual.
     """
    skip_greeting: bool | Unset = UNSET
    """ The persona waits for the user to speak first. """
    uninterruptible_greeting: bool | Unset = UNSET
    """ The user cannot interrupt the greeting. """
    initial_message: None | str | Unset = UNSET
    """ The first words spoken. Empty, null or left out, the persona greets in its own words. """
    zero_data_retention: bool | Unset = UNSET
    """ Keep nothing of the conversation. """
    enable_audio_passthrough: bool | Unset = UNSET
    """ The caller brings its own audio. """
    metadata: PersonaMetadata | Unset = UNSET
    """ The developer's own data, kept with the persona. """
    voice_detection_options: VoiceDetectionOptions | Unset = UNSET
    """ When the persona takes the user's turn as over, and what happens in silence. """
    voice_generation_options: VoiceGenerationOptions | Unset = UNSET
    """ How the voice sounds; which of the fields are understood, and their bounds, depend on the voice's provider:
    those of
    `ElevenLabsV1VoiceOptions`, `ElevenLabsV2VoiceOptions`, `CartesiaSonic3VoiceOptions` or `FishAudioVoiceOptions`.
    Nothing in the object says which one it is, so an object may satisfy several.
     """
    director_notes: DirectorNotes | Unset = UNSET
    """ How the avatar acts. For cara-4 only; cara-3 drops it without a word. A preset or a prompt of one's own,
    never both.
     """
    tools: list[ClientTool | KnowledgeTool | SystemTool | WebhookTool] | Unset = UNSET
    """ Tools described inline. Their names must differ. """
    tool_ids: list[str] | Unset = UNSET
    """ UUIDs of tools made beforehand. """

    def to_dict(self) -> dict[str, Any]:
        from ..models.client_tool import ClientTool  # noqa: PLC0415
        from ..models.knowledge_tool import KnowledgeTool  # noqa: PLC0415
        from ..models.webhook_tool import WebhookTool  # noqa: PLC0415

        type_: str | Unset = UNSET
        if not isinstance(self.type_, Unset):
            type_ = self.type_

        name = self.name

        avatar_id = self.avatar_id

        avatar_model = self.avatar_model

        voice_id = self.voice_id

        llm_id = self.llm_id

        brain_type = self.brain_type

        system_prompt = self.system_prompt

        personality = self.personality

        max_session_length_seconds = self.max_session_length_seconds

        language_code = self.language_code

        skip_greeting = self.skip_greeting

        uninterruptible_greeting = self.uninterruptible_greeting

        initial_message: None | str | Unset
        if isinstance(self.initial_message, Unset):
            initial_message = UNSET
        else:
            initial_message = self.initial_message

        zero_data_retention = self.zero_data_retention

        enable_audio_passthrough = self.enable_audio_passthrough

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        voice_detection_options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.voice_detection_options, Unset):
            voice_detection_options = self.voice_detection_options.to_dict()

        voice_generation_options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.voice_generation_options, Unset):
            voice_generation_options = self.voice_generation_options.to_dict()

        director_notes: dict[str, Any] | Unset = UNSET
        if not isinstance(self.director_notes, Unset):
            director_notes = self.director_notes.to_dict()

        tools: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.tools, Unset):
            tools = []
            for tools_item_data in self.tools:
                tools_item: dict[str, Any]
                if isinstance(tools_item_data, ClientTool):
                    tools_item = tools_item_data.to_dict()
                elif isinstance(tools_item_data, WebhookTool):
                    tools_item = tools_item_data.to_dict()
                elif isinstance(tools_item_data, KnowledgeTool):
                    tools_item = tools_item_data.to_dict()
                else:
                    tools_item = tools_item_data.to_dict()

                tools.append(tools_item)

        tool_ids: list[str] | Unset = UNSET
        if not isinstance(self.tool_ids, Unset):
            tool_ids = self.tool_ids

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if type_ is not UNSET:
            field_dict["type"] = type_
        if name is not UNSET:
            field_dict["name"] = name
        if avatar_id is not UNSET:
            field_dict["avatarId"] = avatar_id
        if avatar_model is not UNSET:
            field_dict["avatarModel"] = avatar_model
        if voice_id is not UNSET:
            field_dict["voiceId"] = voice_id
        if llm_id is not UNSET:
            field_dict["llmId"] = llm_id
        if brain_type is not UNSET:
            field_dict["brainType"] = brain_type
        if system_prompt is not UNSET:
            field_dict["systemPrompt"] = system_prompt
        if personality is not UNSET:
            field_dict["personality"] = personality
        if max_session_length_seconds is not UNSET:
            field_dict["maxSessionLengthSeconds"] = max_session_length_seconds
        if language_code is not UNSET:
            field_dict["languageCode"] = language_code
        if skip_greeting is not UNSET:
            field_dict["skipGreeting"] = skip_greeting
        if uninterruptible_greeting is not UNSET:
            field_dict["uninterruptibleGreeting"] = uninterruptible_greeting
        if initial_message is not UNSET:
            field_dict["initialMessage"] = initial_message
        if zero_data_retention is not UNSET:
            field_dict["zeroDataRetention"] = zero_data_retention
        if enable_audio_passthrough is not UNSET:
            field_dict["enableAudioPassthrough"] = enable_audio_passthrough
        if metadata is not UNSET:
            field_dict["metadata"] = metadata
        if voice_detection_options is not UNSET:
            field_dict["voiceDetectionOptions"] = voice_detection_options
        if voice_generation_options is not UNSET:
            field_dict["voiceGenerationOptions"] = voice_generation_options
        if director_notes is not UNSET:
            field_dict["directorNotes"] = director_notes
        if tools is not UNSET:
            field_dict["tools"] = tools
        if tool_ids is not UNSET:
            field_dict["toolIds"] = tool_ids

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.client_tool import ClientTool  # noqa: PLC0415
        from ..models.director_notes import DirectorNotes  # noqa: PLC0415
        from ..models.knowledge_tool import KnowledgeTool  # noqa: PLC0415
        from ..models.persona_metadata import PersonaMetadata  # noqa: PLC0415
        from ..models.system_tool import SystemTool  # noqa: PLC0415
        from ..models.voice_detection_options import VoiceDetectionOptions  # noqa: PLC0415
        from ..models.voice_generation_options import VoiceGenerationOptions  # noqa: PLC0415
        from ..models.webhook_tool import WebhookTool  # noqa: PLC0415

        d = dict(src_dict)
        _type_ = d.pop("type", UNSET)
        type_: EphemeralPersonaType | Unset
        if isinstance(_type_, Unset):
            type_ = UNSET
        else:
            type_ = check_ephemeral_persona_type(_type_)

        name = d.pop("name", UNSET)

        avatar_id = d.pop("avatarId", UNSET)

        avatar_model = d.pop("avatarModel", UNSET)

        voice_id = d.pop("voiceId", UNSET)

        llm_id = d.pop("llmId", UNSET)

        brain_type = d.pop("brainType", UNSET)

        system_prompt = d.pop("systemPrompt", UNSET)

        personality = d.pop("personality", UNSET)

        max_session_length_seconds = d.pop("maxSessionLengthSeconds", UNSET)

        language_code = d.pop("languageCode", UNSET)

        skip_greeting = d.pop("skipGreeting", UNSET)

        uninterruptible_greeting = d.pop("uninterruptibleGreeting", UNSET)

        def _parse_initial_message(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        initial_message = _parse_initial_message(d.pop("initialMessage", UNSET))

        zero_data_retention = d.pop("zeroDataRetention", UNSET)

        enable_audio_passthrough = d.pop("enableAudioPassthrough", UNSET)

        _metadata = d.pop("metadata", UNSET)
        metadata: PersonaMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = PersonaMetadata.from_dict(_metadata)

        _voice_detection_options = d.pop("voiceDetectionOptions", UNSET)
        voice_detection_options: VoiceDetectionOptions | Unset
        if isinstance(_voice_detection_options, Unset):
            voice_detection_options = UNSET
        else:
            voice_detection_options = VoiceDetectionOptions.from_dict(_voice_detection_options)

        _voice_generation_options = d.pop("voiceGenerationOptions", UNSET)
        voice_generation_options: VoiceGenerationOptions | Unset
        if isinstance(_voice_generation_options, Unset):
            voice_generation_options = UNSET
        else:
            voice_generation_options = VoiceGenerationOptions.from_dict(_voice_generation_options)

        _director_notes = d.pop("directorNotes", UNSET)
        director_notes: DirectorNotes | Unset
        if isinstance(_director_notes, Unset):
            director_notes = UNSET
        else:
            director_notes = DirectorNotes.from_dict(_director_notes)

        _tools = d.pop("tools", UNSET)
        tools: list[ClientTool | KnowledgeTool | SystemTool | WebhookTool] | Unset = UNSET
        if _tools is not UNSET:
            tools = []
            for tools_item_data in _tools:

                def _parse_tools_item(data: object) -> ClientTool | KnowledgeTool | SystemTool | WebhookTool:
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_tool_type_0 = ClientTool.from_dict(data)

                        return componentsschemas_tool_type_0
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_tool_type_1 = WebhookTool.from_dict(data)

                        return componentsschemas_tool_type_1
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError()
                        componentsschemas_tool_type_2 = KnowledgeTool.from_dict(data)

                        return componentsschemas_tool_type_2
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    if not isinstance(data, dict):
                        raise TypeError()
                    componentsschemas_tool_type_3 = SystemTool.from_dict(data)

                    return componentsschemas_tool_type_3

                tools_item = _parse_tools_item(tools_item_data)

                tools.append(tools_item)

        tool_ids = cast(list[str], d.pop("toolIds", UNSET))

        ephemeral_persona_config = cls(
            type_=type_,
            name=name,
            avatar_id=avatar_id,
            avatar_model=avatar_model,
            voice_id=voice_id,
            llm_id=llm_id,
            brain_type=brain_type,
            system_prompt=system_prompt,
            personality=personality,
            max_session_length_seconds=max_session_length_seconds,
            language_code=language_code,
            skip_greeting=skip_greeting,
            uninterruptible_greeting=uninterruptible_greeting,
            initial_message=initial_message,
            zero_data_retention=zero_data_retention,
            enable_audio_passthrough=enable_audio_passthrough,
            metadata=metadata,
            voice_detection_options=voice_detection_options,
            voice_generation_options=voice_generation_options,
            director_notes=director_notes,
            tools=tools,
            tool_ids=tool_ids,
        )

        return ephemeral_persona_config
