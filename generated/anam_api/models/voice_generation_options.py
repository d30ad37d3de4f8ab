# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.cartesia_emotion import CartesiaEmotion, check_cartesia_emotion
from ..types import UNSET, Unset

T = TypeVar("T", bound="VoiceGenerationOptions")


@_attrs_define
class VoiceGenerationOptions:
    """How the voice sounds; which of the fields are understood, and their bounds, depend on the voice's provider: those of
    `ElevenLabsV1VoiceOptions`, `ElevenLabsV2VoiceOptions`, `CartesiaSonic3VoiceOptions` or `FishAudioVoiceOptions`.
    Nothing in the object says which one it is, so an object may satisfy several.

    """

    stability: float | Unset = UNSET
    """ Evenness of the delivery. ElevenLabs. """
    similarity_boost: float | Unset = UNSET
    """ Closeness to the original voice. ElevenLabs. """
    speed: float | Unset = UNSET
    """ Factor on the speaking rate: from 0.7 to 1.2 with ElevenLabs, from 0.6 to 1.5 with Cartesia, from 0.5 to 2
    with Fish
    Audio.
     """
    style: float | Unset = UNSET
    """ How much the voice's style is exaggerated. ElevenLabs, second generation. """
    use_speaker_boost: bool | Unset = UNSET
    """ Strengthen the likeness to the original speaker. ElevenLabs, second generation. """
    model: str | Unset = UNSET
    """ Name of the provider's model. ElevenLabs, second generation. """
    volume: float | Unset = UNSET
    """ Factor on the loudness. Cartesia and Fish Audio. """
    emotion: CartesiaEmotion | Unset = UNSET
    """ Colour of the delivery. """

    def to_dict(self) -> dict[str, Any]:
        stability = self.stability

        similarity_boost = self.similarity_boost

        speed = self.speed

        style = self.style

        use_speaker_boost = self.use_speaker_boost

        model = self.model

        volume = self.volume

        emotion: str | Unset = UNSET
        if not isinstance(self.emotion, Unset):
            emotion = self.emotion

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if stability is not UNSET:
            field_dict["stability"] = stability
        if similarity_boost is not UNSET:
            field_dict["similarityBoost"] = similarity_boost
        if speed is not UNSET:
            field_dict["speed"] = speed
        if style is not UNSET:
            field_dict["style"] = style
        if use_speaker_boost is not UNSET:
            field_dict["useSpeakerBoost"] = use_speaker_boost
        if model is not UNSET:
            field_dict["model"] = model
        if volume is not UNSET:
            field_dict["volume"] = volume
        if emotion is not UNSET:
            field_dict["emotion"] = emotion

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        stability = d.pop("stability", UNSET)

        similarity_boost = d.pop("similarityBoost", UNSET)

        speed = d.pop("speed", UNSET)

        style = d.pop("style", UNSET)

        use_speaker_boost = d.pop("useSpeakerBoost", UNSET)

        model = d.pop("model", UNSET)

        volume = d.pop("volume", UNSET)

        _emotion = d.pop("emotion", UNSET)
        emotion: CartesiaEmotion | Unset
        if isinstance(_emotion, Unset):
            emotion = UNSET
        else:
            emotion = check_cartesia_emotion(_emotion)

        voice_generation_options = cls(
            stability=stability,
            similarity_boost=similarity_boost,
            speed=speed,
            style=style,
            use_speaker_boost=use_speaker_boost,
            model=model,
            volume=volume,
            emotion=emotion,
        )

        return voice_generation_options
