# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="FishAudioVoiceOptions")


@_attrs_define
class FishAudioVoiceOptions:
    """For voices of Fish Audio."""

    volume: float | Unset = UNSET
    """ Factor on the loudness. """
    speed: float | Unset = UNSET
    """ Factor on the speaking rate. """

    def to_dict(self) -> dict[str, Any]:
        volume = self.volume

        speed = self.speed

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if volume is not UNSET:
            field_dict["volume"] = volume
        if speed is not UNSET:
            field_dict["speed"] = speed

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        volume = d.pop("volume", UNSET)

        speed = d.pop("speed", UNSET)

        fish_audio_voice_options = cls(
            volume=volume,
            speed=speed,
        )

        return fish_audio_voice_options
