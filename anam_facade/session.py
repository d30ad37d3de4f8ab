"""What surrounds a persona in a session: the room, the options, the token, and the session that was started."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, Self, TypeVar, cast

import attrs
from attrs import field

from ._join_token import AVATAR_IDENTITY, JOIN_TTL, room_access
from ._plain import as_text, is_a
from ._secret import MASK, Secret, as_optional_secret, as_secret
from ._wire import Kind, Part, as_part, rule, short, warn
from .errors import AnamConfigError, Problem

T = TypeVar("T")

VIDEO_SIZES: Mapping[str, tuple[tuple[int, int], ...]] = {
    "cara-3": ((720, 480),),
    "cara-4": ((1152, 768), (768, 1152)),
}
"""Width and height in pixels that each avatar model is known to take. Anam refuses others when the session starts."""


def jwt_claims(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified: only the issuer can verify them. Empty when it is not a JWT."""
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


@attrs.frozen(repr=False)
class LiveKitEnvironment(Part):
    """The LiveKit room that Anam's engine joins, as participant `anam-avatar-agent` by default.

    Args:
        url: Address of the LiveKit server, such as `wss://my-project.livekit.cloud`.
        token: A LiveKit access token for that room, minted by you: kind `agent`, with an identity, a name, the grant to
            join the room, and the attribute `lk.publish_on_behalf` set to the local agent's identity. Held as a
            `Secret`.

    Raises:
        AnamConfigError: With every problem found.
    """

    SCHEMAS: ClassVar = ("LiveKitEnvironment",)

    url: str = field(metadata=rule("livekitUrl", Kind.STRING, min_length=1, uri=True, required=True))
    token: Secret = field(
        converter=as_secret,
        repr=lambda _: repr(MASK),
        metadata=rule("livekitToken", Kind.STRING, min_length=1, required=True, secret=True),
    )

    @classmethod
    def for_room(
        cls,
        url: str | None = None,
        *,
        room: str,
        agent_identity: str,
        api_key: str | None = None,
        api_secret: str | Secret | None = None,
        identity: str = AVATAR_IDENTITY,
        ttl: float = JOIN_TTL,
    ) -> Self:
        """The environment for a room of a LiveKit server whose key you hold; makes the token, without `livekit-api`.

        Args:
            url: Address of the LiveKit server; `LIVEKIT_URL` when not given.
            room: Name of the room.
            agent_identity: Identity of the agent that the avatar publishes on behalf of.
            api_key: The LiveKit project's API key; `LIVEKIT_API_KEY` when not given.
            api_secret: Its secret, which signs the token and stays here; `LIVEKIT_API_SECRET` when not given.
            identity: Identity and name of the avatar. Of two participants with the same one LiveKit removes the first.
            ttl: Seconds within which the engine must join, from 1 to a day; whoever has joined stays.

        Raises:
            AnamConfigError: With every problem found.
        """
        secret, api_secret = as_optional_secret(api_secret), None  # no frame of ours shows it from here on
        return cls(
            *room_access(
                url,
                room=room,
                agent_identity=agent_identity,
                api_key=api_key,
                api_secret=secret,
                identity=identity,
                ttl=ttl,
            )
        )

    @property
    def room(self) -> str | None:
        """Name of the room, as the token's `video.room` claim has it; None when it does not tell."""
        video = jwt_claims(self.token.reveal()).get("video")
        room = video.get("room") if isinstance(video, dict) else None
        return room if isinstance(room, str) else None


@attrs.frozen(kw_only=True, repr=False)
class DailyEgress(Part):
    """Publishes the avatar straight into a Daily room. Needs `enable_audio_passthrough` on the persona.

    Args:
        room_url: Address of the room.
        token: A meeting token of Daily's, for rooms that are not public. Held as a `Secret`.
        user_name: Name shown for the avatar in the room.

    Raises:
        AnamConfigError: With every problem found.
    """

    SCHEMAS: ClassVar = ("Egress",)
    CONSTANTS: ClassVar = {"mode": "daily"}

    room_url: str = field(metadata=rule("daily.roomUrl", Kind.STRING, min_length=1, uri=True, required=True))
    token: Secret | None = field(
        default=None,
        converter=as_optional_secret,
        repr=lambda _: repr(MASK),
        metadata=rule("daily.token", Kind.STRING, secret=True),
    )
    user_name: str | None = field(default=None, metadata=rule("daily.userName", Kind.STRING))


def _as_egress(value: DailyEgress | Mapping[str, Any] | None) -> DailyEgress | None:
    return cast("DailyEgress | None", as_part(value, DailyEgress._parse))


@attrs.frozen(kw_only=True, repr=False)
class SessionOptions(Part):
    """How the session is recorded, encoded, placed and delivered.

    Args:
        enable_session_replay: Whether the session is recorded; Anam's default is True.
        video_quality: `high` pins the quality, `auto` lets it follow the network.
        video_width: Width of the video in pixels; together with `video_height`. See `VIDEO_SIZES`; others are warned
            of.
        video_height: Height of the video in pixels; together with `video_width`.
        show_ai_avatar_disclosure: Show a mark in the video that says it is an AI avatar; Anam's default is False.
        region: Where the engine should run; known are eu, us-east and us-west.
        region_policy: `preferred` may run elsewhere when the region is full; `strict` may not, and needs `region`.
        egress: Publish the avatar into a Daily room.
        end_of_speech_sensitivity: For this session only: how readily a pause counts as the end of the user's turn, from
            0 to 1. Higher is sooner.

    Raises:
        AnamConfigError: With every problem found.
    """

    SCHEMAS: ClassVar = ("SessionOptions",)

    enable_session_replay: bool | None = field(
        default=None, metadata=rule("sessionReplay.enableSessionReplay", Kind.BOOLEAN)
    )
    video_quality: Literal["high", "auto"] | None = field(
        default=None, metadata=rule("videoQuality", Kind.STRING, one_of=("high", "auto"))
    )
    video_width: int | None = field(default=None, metadata=rule("videoWidth", Kind.INTEGER))
    video_height: int | None = field(default=None, metadata=rule("videoHeight", Kind.INTEGER))
    show_ai_avatar_disclosure: bool | None = field(default=None, metadata=rule("showAIAvatarDisclosure", Kind.BOOLEAN))
    region: str | None = field(default=None, metadata=rule("region", Kind.STRING, known=("eu", "us-east", "us-west")))
    region_policy: Literal["preferred", "strict"] | None = field(
        default=None, metadata=rule("regionPolicy", Kind.STRING, one_of=("preferred", "strict"))
    )
    egress: DailyEgress | None = field(
        default=None,
        converter=_as_egress,
        metadata=rule("egress", Kind.PART, of=(DailyEgress,), parse=DailyEgress._parse),
    )
    end_of_speech_sensitivity: float | None = field(
        default=None, metadata=rule("voiceDetection.endOfSpeechSensitivity", Kind.NUMBER, ge=0, le=1)
    )

    @classmethod
    def _cross_check(cls, values: Mapping[str, Any], spell: Callable[[str], str]) -> Iterable[Problem]:
        for one, other in (("video_width", "video_height"), ("video_height", "video_width")):
            if values[one] is None and values[other] is not None:
                yield Problem(spell(one), "", f"must be set together with {spell(other)}")
        if as_text(values["region_policy"]) == "strict" and values["region"] is None:
            yield Problem(spell("region"), "", f"is required when {spell('region_policy')} is strict")

    def _warn(self, values: Mapping[str, Any]) -> None:
        super()._warn(values)
        size = (self.video_width, self.video_height)
        if size != (None, None) and not any(size in sizes for sizes in VIDEO_SIZES.values()):
            warn(
                f"video size {size[0]}x{size[1]} is not among those known today; Anam refuses sizes it does not support"
            )


def _check_token(_: object, attribute: object, value: Any) -> None:
    if not is_a(value, Secret) or not is_a(value.reveal(), str):
        raise AnamConfigError(Problem("SessionToken.value", "", f"must be a string, not {type(value).__name__}"))


def _check_text(_: object, attribute: attrs.Attribute[str | None], value: Any) -> None:
    if value is not None and not is_a(value, str):
        rule = f"must be a string, not {type(value).__name__}"
        raise AnamConfigError(Problem(f"SessionToken.{attribute.name}", "", rule))


def _check_environment(_: object, attribute: object, value: Any) -> None:
    if value is not None and not is_a(value, LiveKitEnvironment):
        rule = f"must be a LiveKitEnvironment, not {type(value).__name__}"
        raise AnamConfigError(Problem("SessionToken.environment", "", rule))


def _check_bound(_: object, attribute: object, value: Any) -> None:
    if type(value) is not tuple or not all(is_a(secret, Secret) for secret in value):
        raise AnamConfigError(Problem("SessionToken.bound", "", "must be a tuple of Secret"))


def _claims_of(token: SessionToken) -> Mapping[str, Any]:
    value: object = token._secret  # not checked yet: validators run after defaults
    text = value.reveal() if is_a(value, Secret) else None
    return jwt_claims(text) if is_a(text, str) else {}


@attrs.frozen(repr=False, eq=False)
class SessionToken:
    """A session token: starts one session, with the configuration that was bound to it when it was minted.

    It is a credential. Its `repr` shows what it is for, never the token, and it cannot be pickled; `value` is the way
    to hand it on, to a browser for instance.

    Attributes:
        claims: What the token says (`accountId`, `type`, `iat`, `exp` have been seen), unverified.
        client_label: The label the session will have.
        livekit_url: Address of the LiveKit server the engine will join.
    """

    _secret: Secret = field(converter=as_secret, validator=_check_token, alias="value")
    client_label: str | None = field(default=None, kw_only=True, validator=_check_text)
    livekit_url: str | None = field(default=None, kw_only=True, validator=_check_text)
    _room: str | None = field(default=None, kw_only=True, validator=_check_text, alias="livekit_room")
    # Where the room's name is looked up when it is asked for: reading a LiveKit token takes a while.
    _environment: LiveKitEnvironment | None = field(
        default=None, kw_only=True, validator=_check_environment, alias="environment"
    )
    # Credentials in the configuration bound to the token: to be masked should the server quote them when it is used.
    _bound: tuple[Secret, ...] = field(default=(), kw_only=True, validator=_check_bound, alias="bound")
    claims: Mapping[str, Any] = field(init=False, default=attrs.Factory(_claims_of, takes_self=True))

    @property
    def livekit_room(self) -> str | None:
        """Name of the room the engine will join, as far as the LiveKit token tells."""
        return self._environment.room if self._room is None and self._environment is not None else self._room

    @property
    def value(self) -> str:
        """The token itself. Do not log it."""
        return self._secret.reveal()

    @property
    def expires_at(self) -> datetime | None:
        """When the token expires, in UTC; None when it does not say. One hour after minting by default."""
        exp = self.claims.get("exp")
        if isinstance(exp, bool) or not isinstance(exp, (int, float)):
            return None
        try:
            return datetime.fromtimestamp(exp, UTC)
        except (ValueError, OverflowError, OSError):
            return None

    def is_expired(self, leeway: float = 0.0) -> bool:
        """Whether the token has expired, by this machine's clock. False when it does not say when.

        Args:
            leeway: Seconds before the real expiry from which it counts as expired.
        """
        expires_at = self.expires_at
        return expires_at is not None and datetime.now(UTC).timestamp() >= expires_at.timestamp() - leeway

    def __repr__(self) -> str:
        expires_at = self.expires_at
        return (
            f"SessionToken('{MASK}', type={short(self.claims.get('type'))},"
            f" expires_at={expires_at.isoformat() if expires_at else None})"
        )


@attrs.frozen(kw_only=True)
class IceServer:
    """A STUN or TURN server for WebRTC.

    Attributes:
        urls: Its addresses.
        username: User name, for TURN.
        credential: Password, for TURN. Short-lived; not shown by `repr`.
    """

    urls: tuple[str, ...] = ()
    username: str | None = None
    credential: str | None = field(default=None, repr=lambda value: repr(value and MASK))


@attrs.frozen(kw_only=True)
class ClientConfig:
    """What a browser needs to connect to the engine.

    Attributes:
        heartbeat_interval_seconds: Seconds between two heartbeats on the signalling socket; 5 when the server does not
            say.
        max_ws_reconnection_attempts: How often to try to reconnect that socket; 5 when the server does not say.
        ice_servers: WebRTC ICE servers.
        ice_transport_policy: `all` or `relay`; None when the server does not say.
    """

    heartbeat_interval_seconds: int = 5
    max_ws_reconnection_attempts: int = 5
    ice_servers: tuple[IceServer, ...] = ()
    ice_transport_policy: str | None = None


@attrs.frozen(kw_only=True)
class EngineSession:
    """A started session.

    Attributes:
        session_id: The session's UUID.
        engine_host: Host and path of the engine. None with a LiveKit environment.
        engine_protocol: Protocol to reach the engine with, such as `https`. None with a LiveKit environment.
        signalling_endpoint: Path of the signalling socket, such as `/ws`. None with a LiveKit environment.
        region: Where the session really runs; any value.
        client_config: What a browser needs to connect; None when the server sent none.
        raw: The whole answer, fields this version does not know included. Not shown by `repr`.
    """

    session_id: str
    engine_host: str | None = None
    engine_protocol: str | None = None
    signalling_endpoint: str | None = None
    region: str | None = None
    client_config: ClientConfig | None = None
    raw: Mapping[str, Any] = field(factory=dict, repr=False, eq=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self | None:
        """Reads the server's answer; None when it holds no `sessionId`.

        A session that was started must not be lost over a detail: a field of an unexpected type is left None here and
        can be looked up in `raw`.
        """
        session_id = _text(data.get("sessionId"))
        if not session_id:
            return None
        config = data.get("clientConfig")
        return cls(
            session_id=session_id,
            engine_host=_text(data.get("engineHost")),
            engine_protocol=_text(data.get("engineProtocol")),
            signalling_endpoint=_text(data.get("signallingEndpoint")),
            region=_text(data.get("region")),
            client_config=_client_config(config) if isinstance(config, (dict, Mapping)) else None,
            raw=data,
        )


def _client_config(data: Mapping[str, Any]) -> ClientConfig:
    servers = _of(list, data.get("iceServers")) or []
    heartbeat = _of(int, data.get("heartbeatIntervalSeconds"))
    attempts = _of(int, data.get("maxWsReconnectionAttempts"))
    return ClientConfig(
        heartbeat_interval_seconds=5 if heartbeat is None else heartbeat,
        max_ws_reconnection_attempts=5 if attempts is None else attempts,
        ice_servers=tuple(_ice_server(server) for server in servers if isinstance(server, Mapping)),
        ice_transport_policy=_text(data.get("iceTransportPolicy")),
    )


def _ice_server(data: Mapping[str, Any]) -> IceServer:
    urls = data.get("urls")
    several: Sequence[Any] = [urls] if isinstance(urls, str) else _of(list, urls) or []
    return IceServer(
        urls=tuple(url for url in several if isinstance(url, str)),
        username=_text(data.get("username")),
        credential=_text(data.get("credential")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _of(kind: type[T], value: object) -> T | None:
    return value if isinstance(value, kind) and not isinstance(value, bool) else None
