# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.eleven_labs_values import ElevenLabsValues


T = TypeVar("T", bound="ElevenLabsAgentSettings")


@_attrs_define
class ElevenLabsAgentSettings:
    """Which agent, and what it is told."""

    signed_url: str
    """ Address of the conversation, signed by ElevenLabs. Lives about 15 minutes. A credential; treat it as secret.
     """
    agent_id: str
    """ The agent's id at ElevenLabs. """
    dynamic_variables: ElevenLabsValues | Unset = UNSET
    """ Passed on to ElevenLabs as it is; its documentation says what it understands. """
    conversation_config_override: ElevenLabsValues | Unset = UNSET
    """ Passed on to ElevenLabs as it is; its documentation says what it understands. """
    user_id: str | Unset = UNSET
    """ Id of the user, passed on to ElevenLabs. """
    custom_llm_extra_body: ElevenLabsValues | Unset = UNSET
    """ Passed on to ElevenLabs as it is; its documentation says what it understands. """

    def to_dict(self) -> dict[str, Any]:
        signed_url = self.signed_url

        agent_id = self.agent_id

        dynamic_variables: dict[str, Any] | Unset = UNSET
        if not isinstance(self.dynamic_variables, Unset):
            dynamic_variables = self.dynamic_variables.to_dict()

        conversation_config_override: dict[str, Any] | Unset = UNSET
        if not isinstance(self.conversation_config_override, Unset):
            conversation_config_override = self.conversation_config_override.to_dict()

        user_id = self.user_id

        custom_llm_extra_body: dict[str, Any] | Unset = UNSET
        if not isinstance(self.custom_llm_extra_body, Unset):
            custom_llm_extra_body = self.custom_llm_extra_body.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "signedUrl": signed_url,
                "agentId": agent_id,
            }
        )
        if dynamic_variables is not UNSET:
            field_dict["dynamicVariables"] = dynamic_variables
        if conversation_config_override is not UNSET:
            field_dict["conversationConfigOverride"] = conversation_config_override
        if user_id is not UNSET:
            field_dict["userId"] = user_id
        if custom_llm_extra_body is not UNSET:
            field_dict["customLlmExtraBody"] = custom_llm_extra_body

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.eleven_labs_values import ElevenLabsValues  # noqa: PLC0415

        d = dict(src_dict)
        signed_url = d.pop("signedUrl")

        agent_id = d.pop("agentId")

        _dynamic_variables = d.pop("dynamicVariables", UNSET)
        dynamic_variables: ElevenLabsValues | Unset
        if isinstance(_dynamic_variables, Unset):
            dynamic_variables = UNSET
        else:
            dynamic_variables = ElevenLabsValues.from_dict(_dynamic_variables)

        _conversation_config_override = d.pop("conversationConfigOverride", UNSET)
        conversation_config_override: ElevenLabsValues | Unset
        if isinstance(_conversation_config_override, Unset):
            conversation_config_override = UNSET
        else:
            conversation_config_override = ElevenLabsValues.from_dict(_conversation_config_override)

        user_id = d.pop("userId", UNSET)

        _custom_llm_extra_body = d.pop("customLlmExtraBody", UNSET)
        custom_llm_extra_body: ElevenLabsValues | Unset
        if isinstance(_custom_llm_extra_body, Unset):
            custom_llm_extra_body = UNSET
        else:
            custom_llm_extra_body = ElevenLabsValues.from_dict(_custom_llm_extra_body)

        eleven_labs_agent_settings = cls(
            signed_url=signed_url,
            agent_id=agent_id,
            dynamic_variables=dynamic_variables,
            conversation_config_override=conversation_config_override,
            user_id=user_id,
            custom_llm_extra_body=custom_llm_extra_body,
        )

        return eleven_labs_agent_settings
