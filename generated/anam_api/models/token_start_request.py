# Generated from openapi.yaml (version 1.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.client_metadata import ClientMetadata


T = TypeVar("T", bound="TokenStartRequest")


@_attrs_define
class TokenStartRequest:
    """The body of a start with a session token. Send `{}` when there is no metadata."""

    client_metadata: ClientMetadata | Unset = UNSET
    """ Free-form facts about the calling program, such as its name and version. """

    def to_dict(self) -> dict[str, Any]:
        client_metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.client_metadata, Unset):
            client_metadata = self.client_metadata.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if client_metadata is not UNSET:
            field_dict["clientMetadata"] = client_metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.client_metadata import ClientMetadata  # noqa: PLC0415

        d = dict(src_dict)
        _client_metadata = d.pop("clientMetadata", UNSET)
        client_metadata: ClientMetadata | Unset
        if isinstance(_client_metadata, Unset):
            client_metadata = UNSET
        else:
            client_metadata = ClientMetadata.from_dict(_client_metadata)

        token_start_request = cls(
            client_metadata=client_metadata,
        )

        return token_start_request
