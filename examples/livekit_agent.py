"""What a LiveKit agent does to give itself a face: a token for the avatar, then one call.

    from livekit.api import AccessToken, VideoGrants        # in your agent: pip install livekit-api

Only `avatar_token` belongs to LiveKit; it is written out with PyJWT here so that the example runs by itself.
"""

from __future__ import annotations

import time

import jwt

from anam_facade import AsyncAnamClient, EngineSession, LiveKitEnvironment, PersonaConfig, SessionStartUncertainError

AVATAR_IDENTITY = "anam-avatar-agent"


def avatar_token(api_key: str, api_secret: str, *, room: str, agent_identity: str) -> str:
    """A LiveKit token that lets Anam's engine join the room and publish on the agent's behalf."""
    now = int(time.time())
    claims = {
        "iss": api_key,
        "sub": AVATAR_IDENTITY,
        "name": AVATAR_IDENTITY,
        "nbf": now,
        "exp": now + 600,
        "kind": "agent",
        "video": {"room": room, "roomJoin": True},
        "attributes": {"lk.publish_on_behalf": agent_identity},
    }
    return jwt.encode(claims, api_secret, algorithm="HS256")


async def give_face(
    client: AsyncAnamClient, *, avatar_id: str, room: str, livekit_url: str, livekit_key: str, livekit_secret: str
) -> EngineSession:
    """Has Anam's engine join the room; from then on it renders what the agent says."""
    token = avatar_token(livekit_key, livekit_secret, room=room, agent_identity="agent")
    try:
        # type=ephemeral and llmId=CUSTOMER_CLIENT_V1, which LiveKit always needs, are filled in.
        return await client.start_session(
            PersonaConfig(name="Cara", avatar_id=avatar_id),
            environment=LiveKitEnvironment(livekit_url, token),
            client_label=room,
        )
    except SessionStartUncertainError as error:
        # The avatar may be in the room, or join it in a moment. Look for AVATAR_IDENTITY among the participants of
        # error.livekit_room before starting another; here the caller decides.
        raise RuntimeError(f"look for {AVATAR_IDENTITY} in room {error.livekit_room} first") from error
