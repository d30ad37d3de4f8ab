# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.server_tool_type import ServerToolType, check_server_tool_type
from ..models.webhook_tool_subtype import WebhookToolSubtype, check_webhook_tool_subtype
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.tool_parameters import ToolParameters
    from ..models.webhook_headers import WebhookHeaders
    from ..models.webhook_query_parameters import WebhookQueryParameters


T = TypeVar("T", bound="WebhookTool")


@_attrs_define
class WebhookTool:
    """Calls a web address of the developer's. Further keys are passed on."""

    type_: ServerToolType
    """ Marks a tool that Anam's servers run. """
    subtype: WebhookToolSubtype
    """ Marks a server tool that calls a web address. """
    name: str
    """ Name by which the language model calls the tool. Unique within the persona. """
    description: str | Unset = UNSET
    """ What the tool does, for the language model. """
    parameters: ToolParameters | Unset = UNSET
    """ A JSON Schema of the tool's arguments. At most 10,000 bytes as JSON in UTF-8. """
    disable_interruptions: bool | Unset = UNSET
    """ The user cannot interrupt the persona while the tool is at work. """
    url: str | Unset = UNSET
    """ Address to call. """
    method: str | Unset = UNSET
    """ HTTP method of the call. """
    headers: WebhookHeaders | Unset = UNSET
    """ Headers of the call. Often carry a credential; treat the values as secret. """
    query_parameters: WebhookQueryParameters | Unset = UNSET
    """ A JSON Schema of the query parameters. At most 10,000 bytes as JSON in UTF-8. """
    await_response: bool | Unset = UNSET
    """ Whether the persona waits for the answer before it goes on. """
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

        url = self.url

        method = self.method

        headers: dict[str, Any] | Unset = UNSET
        if not isinstance(self.headers, Unset):
            headers = self.headers.to_dict()

        query_parameters: dict[str, Any] | Unset = UNSET
        if not isinstance(self.query_parameters, Unset):
            query_parameters = self.query_parameters.to_dict()

        await_response = self.await_response

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
        if url is not UNSET:
            field_dict["url"] = url
        if method is not UNSET:
            field_dict["method"] = method
        if headers is not UNSET:
            field_dict["headers"] = headers
        if query_parameters is not UNSET:
            field_dict["queryParameters"] = query_parameters
        if await_response is not UNSET:
            field_dict["awaitResponse"] = await_response

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.tool_parameters import ToolParameters  # noqa: PLC0415
        from ..models.webhook_headers import WebhookHeaders  # noqa: PLC0415
        from ..models.webhook_query_parameters import WebhookQueryParameters  # noqa: PLC0415

        d = dict(src_dict)
        type_ = check_server_tool_type(d.pop("type"))

        subtype = check_webhook_tool_subtype(d.pop("subtype"))

        name = d.pop("name")

        description = d.pop("description", UNSET)

        _parameters = d.pop("parameters", UNSET)
        parameters: ToolParameters | Unset
        if isinstance(_parameters, Unset):
            parameters = UNSET
        else:
            parameters = ToolParameters.from_dict(_parameters)

        disable_interruptions = d.pop("disableInterruptions", UNSET)

        url = d.pop("url", UNSET)

        method = d.pop("method", UNSET)

        _headers = d.pop("headers", UNSET)
        headers: WebhookHeaders | Unset
        if isinstance(_headers, Unset):
            headers = UNSET
        else:
            headers = WebhookHeaders.from_dict(_headers)

        _query_parameters = d.pop("queryParameters", UNSET)
        query_parameters: WebhookQueryParameters | Unset
        if isinstance(_query_parameters, Unset):
            query_parameters = UNSET
        else:
            query_parameters = WebhookQueryParameters.from_dict(_query_parameters)

        await_response = d.pop("awaitResponse", UNSET)

        webhook_tool = cls(
            type_=type_,
            subtype=subtype,
            name=name,
            description=description,
            parameters=parameters,
            disable_interruptions=disable_interruptions,
            url=url,
            method=method,
            headers=headers,
            query_parameters=query_parameters,
            await_response=await_response,
        )

        webhook_tool.additional_properties = d
        return webhook_tool

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
