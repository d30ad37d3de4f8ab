# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ElevenLabsV2VoiceOptions")


@_attrs_define
class ElevenLabsV2VoiceOptions:
    """For voices of ElevenLabs, second generation."""

    stability: float | Unset = UNSET
    """ Evenness of the delivery. """
    similarity_boost: float | Unset = UNSET
    """ Closeness to the original voice. """
    speed: float | Unset = UNSET
    """ Factor on the speaking rate. """
    style: float | Unset = UNSET
    """ How much the voice's style is exaggerated. """
    use_speaker_boost: bool | Unset = UNSET
    """ Strengthen the likeness to the original speaker. """
    model: str | Unset = UNSET
    """ Name of the provider's model. """

    def to_dict(self) -> dict[str, Any]:
        stability = self.stability

        similarity_boost = self.similarity_boost

        speed = self.speed

        style = self.style

        use_speaker_boost = self.use_speaker_boost

        model = self.model

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

        eleven_labs_v2_voice_options = cls(
            stability=stability,
            similarity_boost=similarity_boost,
            speed=speed,
            style=style,
            use_speaker_boost=use_speaker_boost,
            model=model,
        )

        return eleven_labs_v2_voice_options
