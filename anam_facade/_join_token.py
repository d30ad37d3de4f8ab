"""A LiveKit access token for the avatar, signed with the standard library: what `livekit-api` would be needed for."""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import time
from typing import Any

from anam_api.support import Findings, Secret, as_secret

from .retry import A_DAY

AVATAR_IDENTITY = "anam-avatar-agent"
JOIN_TTL = 600.0
"""Seconds within which the avatar must join; whoever has joined stays."""


def room_access(
    url: str | None,
    api_key: str | None,
    api_secret: Secret | None,
    *,
    room: str,
    agent_identity: str,
    identity: str,
    ttl: float,
) -> tuple[str, Secret]:
    """Address of the LiveKit server, from `LIVEKIT_*` where an argument is None, and a token for the room there.

    The token lets one participant join and publish on the agent's behalf (HS256, RFC 7515).
    """
    url = url or os.environ.get("LIVEKIT_URL", "")
    key = api_key or os.environ.get("LIVEKIT_API_KEY", "")
    secret: Secret = api_secret or as_secret(os.environ.get("LIVEKIT_API_SECRET", ""))
    found = Findings()
    for name, value in (("url", url), ("api_key", key), ("api_secret", secret)):
        if value == "":
            variable = f"LIVEKIT_{name.upper()}"
            found.refuse(name, f"is missing: pass {name}, or set the environment variable {variable}")
    if url and not re.fullmatch(r"(wss?|https?)://[^\s/?#]+\S*", url):
        found.refuse("url", "must be an absolute URL such as wss://my-project.livekit.cloud", url)
    for name, value in (("room", room), ("agent_identity", agent_identity), ("identity", identity)):
        if not value:
            found.refuse(name, "must have at least 1 character")
    if identity and identity == agent_identity:
        found.refuse("identity", "must differ from agent_identity: a room holds each identity once", identity)
    if not 1 <= ttl <= A_DAY:
        found.refuse("ttl", f"must be a number of seconds of at least 1 and at most {A_DAY:g}", f"{ttl:g}")
    found.settle()
    now = int(time.time())
    claims = {
        "iss": key,
        "sub": identity,
        "name": identity,
        "nbf": now,
        "exp": now + int(ttl),
        "kind": "agent",
        "video": {"roomJoin": True, "room": room, "canPublish": True, "canSubscribe": True, "canPublishData": True},
        "attributes": {"lk.publish_on_behalf": agent_identity},
    }
    signed = _part({"alg": "HS256", "typ": "JWT"}) + b"." + _part(claims)
    signature = hmac.digest(secret.reveal().encode(), signed, "sha256")
    return url, Secret((signed + b"." + _base64url(signature)).decode())


def _part(value: dict[str, Any]) -> bytes:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
