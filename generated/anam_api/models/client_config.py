# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.ice_server import IceServer


T = TypeVar("T", bound="ClientConfig")


@_attrs_define
class ClientConfig:
    """What a browser needs to connect to the engine. Further fields may come."""

    heartbeat_interval_seconds: int | Unset = 5
    """ Seconds between two heartbeats on the signalling socket. """
    max_ws_reconnection_attempts: int | Unset = 5
    """ How often to try to reconnect the signalling socket. """
    ice_servers: list[IceServer] | Unset = UNSET
    """ WebRTC ICE servers. """
    ice_transport_policy: str | Unset = UNSET
    """ Which ICE candidates may be used. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        heartbeat_interval_seconds = self.heartbeat_interval_seconds

        max_ws_reconnection_attempts = self.max_ws_reconnection_attempts

        ice_servers: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.ice_servers, Unset):
            ice_servers = []
            for ice_servers_item_data in self.ice_servers:
                ice_servers_item = ice_servers_item_data.to_dict()
                ice_servers.append(ice_servers_item)

        ice_transport_policy = self.ice_transport_policy

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if heartbeat_interval_seconds is not UNSET:
            field_dict["heartbeatIntervalSeconds"] = heartbeat_interval_seconds
        if max_ws_reconnection_attempts is not UNSET:
            field_dict["maxWsReconnectionAttempts"] = max_ws_reconnection_attempts
        if ice_servers is not UNSET:
            field_dict["iceServers"] = ice_servers
        if ice_transport_policy is not UNSET:
            field_dict["iceTransportPolicy"] = ice_transport_policy

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.ice_server import IceServer  # noqa: PLC0415

        d = dict(src_dict)
        heartbeat_interval_seconds = d.pop("heartbeatIntervalSeconds", UNSET)

        max_ws_reconnection_attempts = d.pop("maxWsReconnectionAttempts", UNSET)

        _ice_servers = d.pop("iceServers", UNSET)
        ice_servers: list[IceServer] | Unset = UNSET
        if _ice_servers is not UNSET:
            ice_servers = []
            for ice_servers_item_data in _ice_servers:
                ice_servers_item = IceServer.from_dict(ice_servers_item_data)

                ice_servers.append(ice_servers_item)

        ice_transport_policy = d.pop("iceTransportPolicy", UNSET)

        client_config = cls(
            heartbeat_interval_seconds=heartbeat_interval_seconds,
            max_ws_reconnection_attempts=max_ws_reconnection_attempts,
            ice_servers=ice_servers,
            ice_transport_policy=ice_transport_policy,
        )

        client_config.additional_properties = d
        return client_config

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
