# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="StatefulPersonaConfig")


@_attrs_define
class StatefulPersonaConfig:
    """A persona saved in Anam's web app."""

    persona_id: str
    """ The saved persona's UUID. Not an avatar's. """
    enable_audio_passthrough: bool | Unset = UNSET
    """ The caller brings its own audio. The only field that goes with `personaId`. """

    def to_dict(self) -> dict[str, Any]:
        persona_id = self.persona_id

        enable_audio_passthrough = self.enable_audio_passthrough

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "personaId": persona_id,
            }
        )
        if enable_audio_passthrough is not UNSET:
            field_dict["enableAudioPassthrough"] = enable_audio_passthrough

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        persona_id = d.pop("personaId")

        enable_audio_passthrough = d.pop("enableAudioPassthrough", UNSET)

        stateful_persona_config = cls(
            persona_id=persona_id,
            enable_audio_passthrough=enable_audio_passthrough,
        )

        return stateful_persona_config
