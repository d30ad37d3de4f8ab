# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="DailyEgress")


@_attrs_define
class DailyEgress:
    """A Daily room that the avatar joins."""

    room_url: str
    """ Address of the room. """
    token: str | Unset = UNSET
    """ A meeting token of Daily's, for rooms that are not public. A credential; treat it as secret. """
    user_name: str | Unset = UNSET
    """ Name shown for the avatar in the room. `anam-avatar` when left out. """

    def to_dict(self) -> dict[str, Any]:
        room_url = self.room_url

        token = self.token

        user_name = self.user_name

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "roomUrl": room_url,
            }
        )
        if token is not UNSET:
            field_dict["token"] = token
        if user_name is not UNSET:
            field_dict["userName"] = user_name

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        room_url = d.pop("roomUrl")

        token = d.pop("token", UNSET)

        user_name = d.pop("userName", UNSET)

        daily_egress = cls(
            room_url=room_url,
            token=token,
            user_name=user_name,
        )

        return daily_egress
