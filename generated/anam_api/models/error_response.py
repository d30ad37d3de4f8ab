# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ErrorResponse")


@_attrs_define
class ErrorResponse:
    """What went wrong. Either text, or both, may be there; further fields may come."""

    error: str | Unset = UNSET
    """ Short and stable enough to match on. """
    message: Any | Unset = UNSET
    """ For people. Text; a list of texts has been seen of servers of this kind. """
    reason: str | Unset = UNSET
    """ The error once more, as one word, such as `concurrent_limit`; there may be no `message` then. """
    summary: str | Unset = UNSET
    """ The `details` in a sentence. """
    details: Any | Unset = UNSET
    """ More about the problem, in any shape. For mistakes in the request a list of objects with `path`, `message`
    and `code`.
     """
    supported_dimensions: list[str] | Unset = UNSET
    """ The video sizes that would be accepted, such as `1152x768`. They can also be in `message`. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        error = self.error

        message = self.message

        reason = self.reason

        summary = self.summary

        details = self.details

        supported_dimensions: list[str] | Unset = UNSET
        if not isinstance(self.supported_dimensions, Unset):
            supported_dimensions = self.supported_dimensions

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if error is not UNSET:
            field_dict["error"] = error
        if message is not UNSET:
            field_dict["message"] = message
        if reason is not UNSET:
            field_dict["reason"] = reason
        if summary is not UNSET:
            field_dict["summary"] = summary
        if details is not UNSET:
            field_dict["details"] = details
        if supported_dimensions is not UNSET:
            field_dict["supportedDimensions"] = supported_dimensions

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        error = d.pop("error", UNSET)

        message = d.pop("message", UNSET)

        reason = d.pop("reason", UNSET)

        summary = d.pop("summary", UNSET)

        details = d.pop("details", UNSET)

        supported_dimensions = cast(list[str], d.pop("supportedDimensions", UNSET))

        error_response = cls(
            error=error,
            message=message,
            reason=reason,
            summary=summary,
            details=details,
            supported_dimensions=supported_dimensions,
        )

        error_response.additional_properties = d
        return error_response

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
