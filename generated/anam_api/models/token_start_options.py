# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.session_voice_detection import SessionVoiceDetection


T = TypeVar("T", bound="TokenStartOptions")


@_attrs_define
class TokenStartOptions:
    """What may still be said of a session whose other options are bound to the token."""

    voice_detection: SessionVoiceDetection | Unset = UNSET
    """ Voice detection for this session only. With a session token it belongs into the start; nobody is known to
    send it when
    minting.
     """

    def to_dict(self) -> dict[str, Any]:
        voice_detection: dict[str, Any] | Unset = UNSET
        if not isinstance(self.voice_detection, Unset):
            voice_detection = self.voice_detection.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if voice_detection is not UNSET:
            field_dict["voiceDetection"] = voice_detection

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.session_voice_detection import SessionVoiceDetection  # noqa: PLC0415

        d = dict(src_dict)
        _voice_detection = d.pop("voiceDetection", UNSET)
        voice_detection: SessionVoiceDetection | Unset
        if isinstance(_voice_detection, Unset):
            voice_detection = UNSET
        else:
            voice_detection = SessionVoiceDetection.from_dict(_voice_detection)

        token_start_options = cls(
            voice_detection=voice_detection,
        )

        return token_start_options
