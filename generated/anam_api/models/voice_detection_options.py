# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="VoiceDetectionOptions")


@_attrs_define
class VoiceDetectionOptions:
    """When the persona takes the user's turn as over, and what happens in silence."""

    end_of_speech_sensitivity: float | Unset = UNSET
    """ How readily a pause counts as the end of the user's turn. Higher is sooner. """
    silence_before_skip_turn_seconds: float | Unset = UNSET
    """ Seconds of silence after which the persona speaks although it is the user's turn. 0 switches it off. """
    silence_before_session_end_seconds: float | Unset = UNSET
    """ Seconds of silence after which the session ends. 0 switches it off. """
    silence_before_auto_end_turn_seconds: float | Unset = UNSET
    """ Seconds of silence after which the user's turn ends in any case. """
    speech_enhancement_level: float | Unset = UNSET
    """ How strongly the user's speech is cleaned of noise. """

    def to_dict(self) -> dict[str, Any]:
        end_of_speech_sensitivity = self.end_of_speech_sensitivity

        silence_before_skip_turn_seconds = self.silence_before_skip_turn_seconds

        silence_before_session_end_seconds = self.silence_before_session_end_seconds

        silence_before_auto_end_turn_seconds = self.silence_before_auto_end_turn_seconds

        speech_enhancement_level = self.speech_enhancement_level

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if end_of_speech_sensitivity is not UNSET:
            field_dict["endOfSpeechSensitivity"] = end_of_speech_sensitivity
        if silence_before_skip_turn_seconds is not UNSET:
            field_dict["silenceBeforeSkipTurnSeconds"] = silence_before_skip_turn_seconds
        if silence_before_session_end_seconds is not UNSET:
            field_dict["silenceBeforeSessionEndSeconds"] = silence_before_session_end_seconds
        if silence_before_auto_end_turn_seconds is not UNSET:
            field_dict["silenceBeforeAutoEndTurnSeconds"] = silence_before_auto_end_turn_seconds
        if speech_enhancement_level is not UNSET:
            field_dict["speechEnhancementLevel"] = speech_enhancement_level

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        end_of_speech_sensitivity = d.pop("endOfSpeechSensitivity", UNSET)

        silence_before_skip_turn_seconds = d.pop("silenceBeforeSkipTurnSeconds", UNSET)

        silence_before_session_end_seconds = d.pop("silenceBeforeSessionEndSeconds", UNSET)

        silence_before_auto_end_turn_seconds = d.pop("silenceBeforeAutoEndTurnSeconds", UNSET)

        speech_enhancement_level = d.pop("speechEnhancementLevel", UNSET)

        voice_detection_options = cls(
            end_of_speech_sensitivity=end_of_speech_sensitivity,
            silence_before_skip_turn_seconds=silence_before_skip_turn_seconds,
            silence_before_session_end_seconds=silence_before_session_end_seconds,
            silence_before_auto_end_turn_seconds=silence_before_auto_end_turn_seconds,
            speech_enhancement_level=speech_enhancement_level,
        )

        return voice_detection_options
