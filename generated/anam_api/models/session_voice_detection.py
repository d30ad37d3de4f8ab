# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="SessionVoiceDetection")


@_attrs_define
class SessionVoiceDetection:
    """Voice detection for this session only. With a session token it belongs into the start; nobody is known to send it
    when
    minting.

    """

    end_of_speech_sensitivity: float | Unset = UNSET
    """ How readily a pause counts as the end of the user's turn. Higher is sooner. """

    def to_dict(self) -> dict[str, Any]:
        end_of_speech_sensitivity = self.end_of_speech_sensitivity

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if end_of_speech_sensitivity is not UNSET:
            field_dict["endOfSpeechSensitivity"] = end_of_speech_sensitivity

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        end_of_speech_sensitivity = d.pop("endOfSpeechSensitivity", UNSET)

        session_voice_detection = cls(
            end_of_speech_sensitivity=end_of_speech_sensitivity,
        )

        return session_voice_detection
