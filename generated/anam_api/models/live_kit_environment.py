# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

T = TypeVar("T", bound="LiveKitEnvironment")


@_attrs_define
class LiveKitEnvironment:
    """The LiveKit room that the engine joins, by default as the participant `anam-avatar-agent`, publishing video and
    audio.

    """

    livekit_url: str
    """ Address of the LiveKit server, such as `wss://…`. The engine must be able to reach it from the internet. """
    livekit_token: str
    """ A LiveKit access token for that room, minted by the caller: kind `agent`, with an identity, a name, the
    grant to join
    the room, and the attribute `lk.publish_on_behalf` set to the local agent's identity. A credential; treat it as
    secret.
     """

    def to_dict(self) -> dict[str, Any]:
        livekit_url = self.livekit_url

        livekit_token = self.livekit_token

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "livekitUrl": livekit_url,
                "livekitToken": livekit_token,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        livekit_url = d.pop("livekitUrl")

        livekit_token = d.pop("livekitToken")

        live_kit_environment = cls(
            livekit_url=livekit_url,
            livekit_token=livekit_token,
        )

        return live_kit_environment
