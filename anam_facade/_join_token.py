"""A LiveKit access token for the avatar, signed with the standard library: what `livekit-api` would be needed for."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import time
from typing import Any

from anam_api.support import Secret, as_secret

from .errors import AnamConfigError, Problem
from .retry import A_DAY

AVATAR_IDENTITY = "anam-avatar-agent"
JOIN_TTL = 600.0
"""Seconds within which the avatar must join; whoever has joined stays."""


def room_access(
    url: str | None,
    *,
    room: str,
    agent_identity: str,
    api_key: str | None,
    api_secret: Secret | None,
    identity: str,
    ttl: float,
) -> tuple[str, Secret]:
    """Address of the LiveKit server and a token to join the room, from `LIVEKIT_*` where an argument is None."""
    url = url or os.environ.get("LIVEKIT_URL", "")
    key = api_key or os.environ.get("LIVEKIT_API_KEY")
    secret = api_secret or as_secret(os.environ.get("LIVEKIT_API_SECRET"))
    problems = [
        Problem(name, "", f"is missing: pass {name}, or set the environment variable {variable}")
        for name, value, variable in (
            ("url", url, "LIVEKIT_URL"),
            ("api_key", key, "LIVEKIT_API_KEY"),
            ("api_secret", secret, "LIVEKIT_API_SECRET"),
        )
        if not value or value == ""
    ]
    if url and not re.fullmatch(r"(wss?|https?)://[^\s/?#]+\S*", url):
        problems.append(Problem("url", url, "must be an absolute URL such as wss://my-project.livekit.cloud"))
    problems += [
        Problem(name, "", "must have at least 1 character")
        for name, value in (("room", room), ("agent_identity", agent_identity), ("identity", identity))
        if not value
    ]
    if identity and identity == agent_identity:
        problems.append(
            Problem("identity", identity, "must differ from agent_identity: a room holds each identity once")
        )
    if not 1 <= ttl <= A_DAY:
        problems.append(Problem("ttl", f"{ttl:g}", f"must be a number of seconds of at least 1 and at most {A_DAY:g}"))
    if problems or key is None or secret is None:
        raise AnamConfigError(*problems)
    return url, join_token(key, secret, room=room, agent_identity=agent_identity, identity=identity, ttl=ttl)


def join_token(
    api_key: str,
    api_secret: Secret,
    *,
    room: str,
    agent_identity: str,
    identity: str,
    ttl: float,
    now: float | None = None,
) -> Secret:
    """A token that lets one participant join one room and publish there on an agent's behalf (HS256, RFC 7515)."""
    issued = int(time.time() if now is None else now)
    claims = {
        "iss": api_key,
        "sub": identity,
        "name": identity,
        "nbf": issued,
        "exp": issued + int(ttl),
        "kind": "agent",
        "video": {"roomJoin": True, "room": room, "canPublish": True, "canSubscribe": True, "canPublishData": True},
        "attributes": {"lk.publish_on_behalf": agent_identity},
    }
    signed = _part({"alg": "HS256", "typ": "JWT"}) + b"." + _part(claims)
    signature = hmac.digest(api_secret.reveal().encode(), signed, "sha256")
    return Secret((signed + b"." + _base64url(signature)).decode())


def _part(value: dict[str, Any]) -> bytes:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
