# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.knowledge_tool_subtype import KnowledgeToolSubtype, check_knowledge_tool_subtype
from ..models.server_tool_type import ServerToolType, check_server_tool_type
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.tool_parameters import ToolParameters


T = TypeVar("T", bound="KnowledgeTool")


@_attrs_define
class KnowledgeTool:
    """Looks things up in document folders. Further keys are passed on."""

    type_: ServerToolType
    """ Marks a tool that Anam's servers run. """
    subtype: KnowledgeToolSubtype
    """ Marks a server tool that searches documents. """
    name: str
    """ Name by which the language model calls the tool. Unique within the persona. """
    description: str | Unset = UNSET
    """ What the tool does, for the language model. """
    parameters: ToolParameters | Unset = UNSET
    """ A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8. """
    disable_interruptions: bool | Unset = UNSET
    """ The user cannot interrupt the persona while the tool is at work. """
    document_folder_ids: list[str] | Unset = UNSET
    """ The folders to search. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        type_: str = self.type_

        subtype: str = self.subtype

        name = self.name

        description = self.description

        parameters: dict[str, Any] | Unset = UNSET
        if not isinstance(self.parameters, Unset):
            parameters = self.parameters.to_dict()

        disable_interruptions = self.disable_interruptions

        document_folder_ids: list[str] | Unset = UNSET
        if not isinstance(self.document_folder_ids, Unset):
            document_folder_ids = self.document_folder_ids

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "type": type_,
                "subtype": subtype,
                "name": name,
            }
        )
        if description is not UNSET:
            field_dict["description"] = description
        if parameters is not UNSET:
            field_dict["parameters"] = parameters
        if disable_interruptions is not UNSET:
            field_dict["disableInterruptions"] = disable_interruptions
        if document_folder_ids is not UNSET:
            field_dict["documentFolderIds"] = document_folder_ids

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.tool_parameters import ToolParameters  # noqa: PLC0415

        d = dict(src_dict)
        type_ = check_server_tool_type(d.pop("type"))

        subtype = check_knowledge_tool_subtype(d.pop("subtype"))

        name = d.pop("name")

        description = d.pop("description", UNSET)

        _parameters = d.pop("parameters", UNSET)
        parameters: ToolParameters | Unset
        if isinstance(_parameters, Unset):
            parameters = UNSET
        else:
            parameters = ToolParameters.from_dict(_parameters)

        disable_interruptions = d.pop("disableInterruptions", UNSET)

        document_folder_ids = cast(list[str], d.pop("documentFolderIds", UNSET))

        knowledge_tool = cls(
            type_=type_,
            subtype=subtype,
            name=name,
            description=description,
            parameters=parameters,
            disable_interruptions=disable_interruptions,
            document_folder_ids=document_folder_ids,
        )

        knowledge_tool.additional_properties = d
        return knowledge_tool

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
