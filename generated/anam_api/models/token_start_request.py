# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.client_metadata import ClientMetadata
    from ..models.token_start_options import TokenStartOptions


T = TypeVar("T", bound="TokenStartRequest")


@_attrs_define
class TokenStartRequest:
    """The body of a start with a session token. Send `{}` when there is nothing to say."""

    client_metadata: ClientMetadata | Unset = UNSET
    """ Free-form facts about the calling program, such as its name and version. """
    session_options: TokenStartOptions | Unset = UNSET
    """ What may still be said of a session whose other options are bound to the token. """

    def to_dict(self) -> dict[str, Any]:
        client_metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.client_metadata, Unset):
            client_metadata = self.client_metadata.to_dict()

        session_options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.session_options, Unset):
            session_options = self.session_options.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if client_metadata is not UNSET:
            field_dict["clientMetadata"] = client_metadata
        if session_options is not UNSET:
            field_dict["sessionOptions"] = session_options

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.client_metadata import ClientMetadata  # noqa: PLC0415
        from ..models.token_start_options import TokenStartOptions  # noqa: PLC0415

        d = dict(src_dict)
        _client_metadata = d.pop("clientMetadata", UNSET)
        client_metadata: ClientMetadata | Unset
        if isinstance(_client_metadata, Unset):
            client_metadata = UNSET
        else:
            client_metadata = ClientMetadata.from_dict(_client_metadata)

        _session_options = d.pop("sessionOptions", UNSET)
        session_options: TokenStartOptions | Unset
        if isinstance(_session_options, Unset):
            session_options = UNSET
        else:
            session_options = TokenStartOptions.from_dict(_session_options)

        token_start_request = cls(
            client_metadata=client_metadata,
            session_options=session_options,
        )

        return token_start_request
