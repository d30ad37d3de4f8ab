# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="SessionReplayOptions")


@_attrs_define
class SessionReplayOptions:
    """Recording of the session."""

    enable_session_replay: bool | Unset = True
    """ Whether the session is recorded. """

    def to_dict(self) -> dict[str, Any]:
        enable_session_replay = self.enable_session_replay

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if enable_session_replay is not UNSET:
            field_dict["enableSessionReplay"] = enable_session_replay

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        enable_session_replay = d.pop("enableSessionReplay", UNSET)

        session_replay_options = cls(
            enable_session_replay=enable_session_replay,
        )

        return session_replay_options
