"""Where the generated client is met: what it makes of a body.

Its functions take neither a bearer nor a time-out per request, and parse an answer before its status can be looked at.
What
knows the contract in them is the part that builds the request: method, path, headers and JSON. That part is used here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anam_api.api.auth import create_session_token
from anam_api.api.engine import create_engine_session
from anam_api.models import DirectStartRequest, SessionTokenRequest, TokenStartRequest
from anam_api.types import UNSET


def mint_request(body: Mapping[str, Any], gateway_target: str | None) -> dict[str, Any]:
    """`POST /v1/auth/session-token`."""
    return create_session_token._get_kwargs(
        body=SessionTokenRequest.from_dict(body), x_anam_target_url=gateway_target or UNSET
    )


def token_start_request(body: Mapping[str, Any], gateway_target: str | None) -> dict[str, Any]:
    """`POST /v1/engine/session` with a session token."""
    return create_engine_session._get_kwargs(
        body=TokenStartRequest.from_dict(body), x_anam_target_url=gateway_target or UNSET
    )


def direct_start_request(body: Mapping[str, Any], gateway_target: str | None) -> dict[str, Any]:
    """`POST /v1/engine/session` with the API key."""
    return create_engine_session._get_kwargs(
        body=DirectStartRequest.from_dict(body), x_anam_target_url=gateway_target or UNSET
    )
