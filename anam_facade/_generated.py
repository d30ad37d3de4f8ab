"""Where the generated client is met: the requests that it makes of bodies.

Its functions take neither a bearer nor a time-out per request, and parse an answer before its status can be looked at.
What knows the contract in them is the part that builds the request: method, path, headers and JSON. That part is used
here. The facade's own types write the wire's form already, and are tested against the same contract, so a body passes
through as it is: to read it into the generated models only to write it again took half of the time that a call takes.
"""

from __future__ import annotations

from typing import Any

from anam_api.api.auth import create_session_token
from anam_api.api.engine import create_engine_session
from anam_api.models import DirectStartRequest, SessionTokenRequest, TokenStartRequest
from anam_api.types import UNSET


class _WireBody:
    """A body in the wire's form, where the generated client expects one of its models."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body

    def to_dict(self) -> dict[str, Any]:
        return self._body


class _Mint(_WireBody, SessionTokenRequest):
    pass


class _TokenStart(_WireBody, TokenStartRequest):
    pass


class _DirectStart(_WireBody, DirectStartRequest):
    pass


def mint_request(body: dict[str, Any], gateway_target: str | None) -> dict[str, Any]:
    """`POST /v1/auth/session-token`."""
    return create_session_token._get_kwargs(body=_Mint(body), x_anam_target_url=gateway_target or UNSET)


def token_start_request(body: dict[str, Any], gateway_target: str | None) -> dict[str, Any]:
    """`POST /v1/engine/session` with a session token."""
    return create_engine_session._get_kwargs(body=_TokenStart(body), x_anam_target_url=gateway_target or UNSET)


def direct_start_request(body: dict[str, Any], gateway_target: str | None) -> dict[str, Any]:
    """`POST /v1/engine/session` with the API key."""
    return create_engine_session._get_kwargs(body=_DirectStart(body), x_anam_target_url=gateway_target or UNSET)
