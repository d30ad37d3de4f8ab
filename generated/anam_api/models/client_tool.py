# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.client_tool_type import ClientToolType, check_client_tool_type
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.tool_parameters import ToolParameters


T = TypeVar("T", bound="ClientTool")


@_attrs_define
class ClientTool:
    """Calls back into the program in the user's browser. Further keys are passed on."""

    type_: ClientToolType
    """ Marks a tool that runs in the user's browser. """
    name: str
    """ Name by which the language model calls the tool. Unique within the persona. """
    description: str | Unset = UNSET
    """ What the tool does, for the language model. """
    parameters: ToolParameters | Unset = UNSET
    """ A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8. """
    disable_interruptions: bool | Unset = UNSET
    """ The user cannot interrupt the persona while the tool is at work. """
    await_result: bool | Unset = UNSET
    """ Whether the persona waits for the tool's result before it goes on. """
    tool_timeout_seconds: float | Unset = UNSET
    """ Seconds after which the result is no longer waited for. 10 when left out. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_: str = self.type_

        name = self.name

        description = self.description

        parameters: dict[str, Any] | Unset = UNSET
        if not isinstance(self.parameters, Unset):
            parameters = self.parameters.to_dict()

        disable_interruptions = self.disable_interruptions

        await_result = self.await_result

        tool_timeout_seconds = self.tool_timeout_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "name": name,
            }
        )
        if description is not UNSET:
            field_dict["description"] = description
        if parameters is not UNSET:
            field_dict["parameters"] = parameters
        if disable_interruptions is not UNSET:
            field_dict["disableInterruptions"] = disable_interruptions
        if await_result is not UNSET:
            field_dict["awaitResult"] = await_result
        if tool_timeout_seconds is not UNSET:
            field_dict["toolTimeoutSeconds"] = tool_timeout_seconds

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.tool_parameters import ToolParameters  # noqa: PLC0415

        d = dict(src_dict)
        type_ = check_client_tool_type(d.pop("type"))

        name = d.pop("name")

        description = d.pop("description", UNSET)

        _parameters = d.pop("parameters", UNSET)
        parameters: ToolParameters | Unset
        if isinstance(_parameters, Unset):
            parameters = UNSET
        else:
            parameters = ToolParameters.from_dict(_parameters)

        disable_interruptions = d.pop("disableInterruptions", UNSET)

        await_result = d.pop("awaitResult", UNSET)

        tool_timeout_seconds = d.pop("toolTimeoutSeconds", UNSET)

        client_tool = cls(
            type_=type_,
            name=name,
            description=description,
            parameters=parameters,
            disable_interruptions=disable_interruptions,
            await_result=await_result,
            tool_timeout_seconds=tool_timeout_seconds,
        )

        client_tool.additional_properties = d
        return client_tool

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
