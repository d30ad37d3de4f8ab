# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.client_config import ClientConfig


T = TypeVar("T", bound="EngineSession")


@_attrs_define
class EngineSession:
    """A started session. Further fields may come."""

    session_id: str
    """ The session's UUID. """
    engine_host: str | Unset = UNSET
    """ Host and path of the engine. Absent with a LiveKit or an Agora environment. """
    engine_protocol: str | Unset = UNSET
    """ Protocol to reach the engine with, such as `https`. """
    signalling_endpoint: str | Unset = UNSET
    """ Path of the signalling socket on the engine, such as `/v1/webrtc/engines/<id>/ws`; `/ws` in older examples.
     """
    websocket_address: str | Unset = UNSET
    """ Address of the engine's socket, with an Agora environment only. Its URL carries a secret; treat it as one.
     """
    region: None | str | Unset = UNSET
    """ Where the session really runs. Any value; for information. """
    client_config: ClientConfig | Unset = UNSET
    """ What a browser needs to connect to the engine. Further fields may come. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        session_id = self.session_id

        engine_host = self.engine_host

        engine_protocol = self.engine_protocol

        signalling_endpoint = self.signalling_endpoint

        websocket_address = self.websocket_address

        region: None | str | Unset
        if isinstance(self.region, Unset):
            region = UNSET
        else:
            region = self.region

        client_config: dict[str, Any] | Unset = UNSET
        if not isinstance(self.client_config, Unset):
            client_config = self.client_config.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "sessionId": session_id,
            }
        )
        if engine_host is not UNSET:
            field_dict["engineHost"] = engine_host
        if engine_protocol is not UNSET:
            field_dict["engineProtocol"] = engine_protocol
        if signalling_endpoint is not UNSET:
            field_dict["signallingEndpoint"] = signalling_endpoint
        if websocket_address is not UNSET:
            field_dict["websocketAddress"] = websocket_address
        if region is not UNSET:
            field_dict["region"] = region
        if client_config is not UNSET:
            field_dict["clientConfig"] = client_config

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.client_config import ClientConfig  # noqa: PLC0415

        d = dict(src_dict)
        session_id = d.pop("sessionId")

        engine_host = d.pop("engineHost", UNSET)

        engine_protocol = d.pop("engineProtocol", UNSET)

        signalling_endpoint = d.pop("signallingEndpoint", UNSET)

        websocket_address = d.pop("websocketAddress", UNSET)

        def _parse_region(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        region = _parse_region(d.pop("region", UNSET))

        _client_config = d.pop("clientConfig", UNSET)
        client_config: ClientConfig | Unset
        if isinstance(_client_config, Unset):
            client_config = UNSET
        else:
            client_config = ClientConfig.from_dict(_client_config)

        engine_session = cls(
            session_id=session_id,
            engine_host=engine_host,
            engine_protocol=engine_protocol,
            signalling_endpoint=signalling_endpoint,
            websocket_address=websocket_address,
            region=region,
            client_config=client_config,
        )

        engine_session.additional_properties = d
        return engine_session

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
