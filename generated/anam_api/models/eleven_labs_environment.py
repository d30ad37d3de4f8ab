# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.eleven_labs_agent_settings import ElevenLabsAgentSettings


T = TypeVar("T", bound="ElevenLabsEnvironment")


@_attrs_define
class ElevenLabsEnvironment:
    """A conversation with an agent of ElevenLabs. The persona has an avatar then, and neither voice nor LLM."""

    eleven_labs_agent_settings: ElevenLabsAgentSettings
    """ Which agent, and what it is told. """

    def to_dict(self) -> dict[str, Any]:
        eleven_labs_agent_settings = self.eleven_labs_agent_settings.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "elevenLabsAgentSettings": eleven_labs_agent_settings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.eleven_labs_agent_settings import ElevenLabsAgentSettings  # noqa: PLC0415

        d = dict(src_dict)
        eleven_labs_agent_settings = ElevenLabsAgentSettings.from_dict(d.pop("elevenLabsAgentSettings"))

        eleven_labs_environment = cls(
            eleven_labs_agent_settings=eleven_labs_agent_settings,
        )

        return eleven_labs_environment
