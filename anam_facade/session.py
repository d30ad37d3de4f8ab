"""What surrounds a persona in a session: the room, the video sizes, and the token."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

import attrs
from attrs import field

from anam_api import models
from anam_api.models import EngineSession as EngineSession
from anam_api.models import SessionOptions as SessionOptions
from anam_api.support import MASK, AnamConfigError, Findings, Model, Problem, Secret, as_secret, short

from ._hosts import is_loopback
from ._join_token import AVATAR_IDENTITY, JOIN_TTL, room_access

VIDEO_SIZES: Mapping[str, tuple[tuple[int, int], ...]] = {
    model: tuple((int(width), int(height)) for width, height in (size.split("x") for size in sizes))
    for model, sizes in models.SessionOptions.KNOWN_VIDEO_SIZES.items()
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


class LiveKitEnvironment(models.LiveKitEnvironment):  # noqa: D101 - the generated one's
    __doc__ = models.LiveKitEnvironment.__doc__
    __slots__ = ()

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
        secret, api_secret = as_secret(api_secret), None  # no frame of ours shows it from here on
        access = room_access(url, api_key, secret, room=room, agent_identity=agent_identity, identity=identity, ttl=ttl)
        return cls(*access)

    @property
    def room(self) -> str | None:
        """Name of the room, as the token's `video.room` claim has it; None when it does not tell."""
        return room_of(self)

    def _check(self, given: Mapping[str, Any], spell: Mapping[str, str], found: Findings) -> None:
        host = None if found.problems else urlsplit(self.url).hostname
        if host is not None and is_loopback(host):
            found.warn(f"{spell['url']}={self.url} is this machine ({host}): Anam's engine, elsewhere, cannot join it")


def room_of(environment: Model | None) -> str | None:
    """Name of the LiveKit room of an environment, as far as there is one and its token tells."""
    if not isinstance(environment, models.LiveKitEnvironment):
        return None
    video = jwt_claims(environment.token.reveal()).get("video")
    room = video.get("room") if isinstance(video, dict) else None
    return room if isinstance(room, str) else None


def _as_token(value: str | Secret) -> Secret:
    secret = as_secret(value)
    kind = type(value).__name__
    del value
    if not isinstance(secret, Secret):
        raise AnamConfigError(Problem("SessionToken.value", "", f"must be a string, not {kind}"))
    return secret


def _claims_of(token: SessionToken) -> Mapping[str, Any]:
    return jwt_claims(token._secret.reveal())


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

    _secret: Secret = field(converter=_as_token, alias="value")
    client_label: str | None = field(default=None, kw_only=True)
    livekit_url: str | None = field(default=None, kw_only=True)
    _room: str | None = field(default=None, kw_only=True, alias="livekit_room")
    # What it was minted for: names the room, when asked, and what must be masked should the server quote it.
    _body: models.SessionTokenRequest | None = field(default=None, kw_only=True, alias="body")
    claims: Mapping[str, Any] = field(init=False, default=attrs.Factory(_claims_of, takes_self=True))

    @property
    def livekit_room(self) -> str | None:
        """Name of the room the engine will join, as far as the LiveKit token tells."""
        return room_of(self._body.environment) if self._room is None and self._body is not None else self._room

    def secrets(self) -> Iterator[Secret]:
        """The token, and the credentials in the configuration bound to it."""
        yield self._secret
        if self._body is not None:
            yield from self._body.secrets()

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
