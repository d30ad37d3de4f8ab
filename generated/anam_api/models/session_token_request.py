# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.agora_environment import AgoraEnvironment
    from ..models.eleven_labs_environment import ElevenLabsEnvironment
    from ..models.ephemeral_persona_config import EphemeralPersonaConfig
    from ..models.live_kit_environment import LiveKitEnvironment
    from ..models.session_options import SessionOptions
    from ..models.stateful_persona_config import StatefulPersonaConfig


T = TypeVar("T", bound="SessionTokenRequest")


@_attrs_define
class SessionTokenRequest:
    """What a session token is bound to."""

    persona_config: EphemeralPersonaConfig | StatefulPersonaConfig
    """ Who appears. Either an inline (ephemeral) persona or a saved (stateful) one. """
    environment: AgoraEnvironment | ElevenLabsEnvironment | LiveKitEnvironment | Unset = UNSET
    """ Where the session takes place, when not in a browser that connects to the engine. Told apart by their
    fields. The
    vendor's document leaves the object open: other kinds may come.
     """
    session_options: SessionOptions | Unset = UNSET
    """ How the session is recorded, encoded, placed and delivered. """
    client_label: str | Unset = UNSET
    """ A label of the caller's choice, kept with the session, by which its server can find it later. """
    expires_in: str | Unset = UNSET
    """ How long the token lives, as a number and a unit: `1h`, `12h`, `1d`, `2d`, `3d`, `1w` and `2w` are
    documented. One
    hour when left out.
     """

    def to_dict(self) -> dict[str, Any]:
        from ..models.eleven_labs_environment import ElevenLabsEnvironment  # noqa: PLC0415
        from ..models.live_kit_environment import LiveKitEnvironment  # noqa: PLC0415
        from ..models.stateful_persona_config import StatefulPersonaConfig  # noqa: PLC0415

        persona_config: dict[str, Any]
        if isinstance(self.persona_config, StatefulPersonaConfig):
            persona_config = self.persona_config.to_dict()
        else:
            persona_config = self.persona_config.to_dict()

        environment: dict[str, Any] | Unset
        if isinstance(self.environment, Unset):
            environment = UNSET
        elif isinstance(self.environment, LiveKitEnvironment):
            environment = self.environment.to_dict()
        elif isinstance(self.environment, ElevenLabsEnvironment):
            environment = self.environment.to_dict()
        else:
            environment = self.environment.to_dict()

        session_options: dict[str, Any] | Unset = UNSET
        if not isinstance(self.session_options, Unset):
            session_options = self.session_options.to_dict()

        client_label = self.client_label

        expires_in = self.expires_in

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "personaConfig": persona_config,
            }
        )
        if environment is not UNSET:
            field_dict["environment"] = environment
        if session_options is not UNSET:
            field_dict["sessionOptions"] = session_options
        if client_label is not UNSET:
            field_dict["clientLabel"] = client_label
        if expires_in is not UNSET:
            field_dict["expiresIn"] = expires_in

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.agora_environment import AgoraEnvironment  # noqa: PLC0415
        from ..models.eleven_labs_environment import ElevenLabsEnvironment  # noqa: PLC0415
        from ..models.ephemeral_persona_config import EphemeralPersonaConfig  # noqa: PLC0415
        from ..models.live_kit_environment import LiveKitEnvironment  # noqa: PLC0415
        from ..models.session_options import SessionOptions  # noqa: PLC0415
        from ..models.stateful_persona_config import StatefulPersonaConfig  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_persona_config(data: object) -> EphemeralPersonaConfig | StatefulPersonaConfig:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_persona_config_type_0 = StatefulPersonaConfig.from_dict(data)

                return componentsschemas_persona_config_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_persona_config_type_1 = EphemeralPersonaConfig.from_dict(data)

            return componentsschemas_persona_config_type_1

        persona_config = _parse_persona_config(d.pop("personaConfig"))

        def _parse_environment(data: object) -> AgoraEnvironment | ElevenLabsEnvironment | LiveKitEnvironment | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_session_environment_type_0 = LiveKitEnvironment.from_dict(data)

                return componentsschemas_session_environment_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_session_environment_type_1 = ElevenLabsEnvironment.from_dict(data)

                return componentsschemas_session_environment_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_session_environment_type_2 = AgoraEnvironment.from_dict(data)

            return componentsschemas_session_environment_type_2

        environment = _parse_environment(d.pop("environment", UNSET))

        _session_options = d.pop("sessionOptions", UNSET)
        session_options: SessionOptions | Unset
        if isinstance(_session_options, Unset):
            session_options = UNSET
        else:
            session_options = SessionOptions.from_dict(_session_options)

        client_label = d.pop("clientLabel", UNSET)

        expires_in = d.pop("expiresIn", UNSET)

        session_token_request = cls(
            persona_config=persona_config,
            environment=environment,
            session_options=session_options,
            client_label=client_label,
            expires_in=expires_in,
        )

        return session_token_request
