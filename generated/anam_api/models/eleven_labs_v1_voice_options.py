# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="ElevenLabsV1VoiceOptions")


@_attrs_define
class ElevenLabsV1VoiceOptions:
    """For voices of ElevenLabs, first generation."""

    stability: float | Unset = UNSET
    """ Evenness of the delivery. """
    similarity_boost: float | Unset = UNSET
    """ Closeness to the original voice. """
    speed: float | Unset = UNSET
    """ Factor on the speaking rate. """

    def to_dict(self) -> dict[str, Any]:
        stability = self.stability

        similarity_boost = self.similarity_boost

        speed = self.speed

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if stability is not UNSET:
            field_dict["stability"] = stability
        if similarity_boost is not UNSET:
            field_dict["similarityBoost"] = similarity_boost
        if speed is not UNSET:
            field_dict["speed"] = speed

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        stability = d.pop("stability", UNSET)

        similarity_boost = d.pop("similarityBoost", UNSET)

        speed = d.pop("speed", UNSET)

        eleven_labs_v1_voice_options = cls(
            stability=stability,
            similarity_boost=similarity_boost,
            speed=speed,
        )

        return eleven_labs_v1_voice_options
