# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..models.cartesia_emotion import CartesiaEmotion, check_cartesia_emotion
from ..types import UNSET, Unset

T = TypeVar("T", bound="CartesiaSonic3VoiceOptions")


@_attrs_define
class CartesiaSonic3VoiceOptions:
    """For voices of Cartesia, Sonic-3."""

    volume: float | Unset = UNSET
    """ Factor on the loudness. """
    speed: float | Unset = UNSET
    """ Factor on the speaking rate. """
    emotion: CartesiaEmotion | Unset = UNSET
    """ Colour of the delivery. """

    def to_dict(self) -> dict[str, Any]:
        volume = self.volume

        speed = self.speed

        emotion: str | Unset = UNSET
        if not isinstance(self.emotion, Unset):
            emotion = self.emotion

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if volume is not UNSET:
            field_dict["volume"] = volume
        if speed is not UNSET:
            field_dict["speed"] = speed
        if emotion is not UNSET:
            field_dict["emotion"] = emotion

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        volume = d.pop("volume", UNSET)

        speed = d.pop("speed", UNSET)

        _emotion = d.pop("emotion", UNSET)
        emotion: CartesiaEmotion | Unset
        if isinstance(_emotion, Unset):
            emotion = UNSET
        else:
            emotion = check_cartesia_emotion(_emotion)

        cartesia_sonic_3_voice_options = cls(
            volume=volume,
            speed=speed,
            emotion=emotion,
        )

        return cartesia_sonic_3_voice_options
