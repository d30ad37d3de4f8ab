# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.agora_settings import AgoraSettings


T = TypeVar("T", bound="AgoraEnvironment")


@_attrs_define
class AgoraEnvironment:
    """A channel of Agora that the engine joins."""

    agora_settings: AgoraSettings
    """ Which channel, and how the avatar is published there. """

    def to_dict(self) -> dict[str, Any]:
        agora_settings = self.agora_settings.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "agoraSettings": agora_settings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.agora_settings import AgoraSettings  # noqa: PLC0415

        d = dict(src_dict)
        agora_settings = AgoraSettings.from_dict(d.pop("agoraSettings"))

        agora_environment = cls(
            agora_settings=agora_settings,
        )

        return agora_environment
