# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.agora_environment import AgoraEnvironment
    from ..models.client_metadata import ClientMetadata
    from ..models.eleven_labs_environment import ElevenLabsEnvironment
    from ..models.ephemeral_persona_config import EphemeralPersonaConfig
    from ..models.live_kit_environment import LiveKitEnvironment
    from ..models.session_options import SessionOptions
    from ..models.stateful_persona_config import StatefulPersonaConfig


T = TypeVar("T", bound="DirectStartRequest")


@_attrs_define
class DirectStartRequest:
    """The body of a start with the API key."""

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
    client_metadata: ClientMetadata | Unset = UNSET
    """ Free-form facts about the calling program, such as its name and version. """

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

        client_metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.client_metadata, Unset):
            client_metadata = self.client_metadata.to_dict()

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
        if client_metadata is not UNSET:
            field_dict["clientMetadata"] = client_metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.agora_environment import AgoraEnvironment  # noqa: PLC0415
        from ..models.client_metadata import ClientMetadata  # noqa: PLC0415
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

        _client_metadata = d.pop("clientMetadata", UNSET)
        client_metadata: ClientMetadata | Unset
        if isinstance(_client_metadata, Unset):
            client_metadata = UNSET
        else:
            client_metadata = ClientMetadata.from_dict(_client_metadata)

        direct_start_request = cls(
            persona_config=persona_config,
            environment=environment,
            session_options=session_options,
            client_label=client_label,
            client_metadata=client_metadata,
        )

        return direct_start_request
