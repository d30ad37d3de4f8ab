# Generated from openapi.yaml by openapi-python-client. Do not edit: change the contract and run `make generate`.

"""POST /v1/engine/session: Start an avatar session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models import DirectStartRequest, EngineSession, ErrorResponse, TokenStartRequest
from ...types import Request, Response

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient

METHOD = "POST"
PATH = "/v1/engine/session"


def request(*, body: DirectStartRequest | TokenStartRequest, x_anam_target_url: str | None = None) -> Request:
    """Start an avatar session.

    Starts a session: it is billed, and it takes one of the plan's simultaneous-session slots (one on free plans)
    until it ends. The bearer decides the mode:

    - **Session token**: the configuration is the one bound to the token, and the body carries `client_metadata` and
    `sessionOptions.voiceDetection` at most; send `{}` when there is neither. The token is used up by a successful
    start.
    - **API key** ("direct"): the body is that of `createSessionToken` without `expires_in`, plus `client_metadata`.
    One round trip less; never do this from a browser.

    With a LiveKit or an Agora environment the engine joins the room as a participant and `engine_host`,
    `engine_protocol` and `signalling_endpoint` may be absent from the answer.

    Args:
        body: `TokenStartRequest` with a session token, `DirectStartRequest` with the API key.
        x_anam_target_url: Only for calls through a gateway: the full URL at Anam that the gateway should
            forward to. Leave it out when calling Anam itself.

    Returns:
        The request. Nothing is sent; the credential is for the sender to add.
    """
    headers = {"Content-Type": "application/json"}
    if x_anam_target_url is not None:
        headers["X-Anam-Target-Url"] = x_anam_target_url
    return {"method": METHOD, "url": PATH, "headers": headers, "json": body.to_dict()}


def _response(response: httpx.Response) -> Response[EngineSession | ErrorResponse | None]:
    try:
        said = response.json()
    except ValueError:
        said = None
    parsed: EngineSession | ErrorResponse | None = None
    if isinstance(said, dict):
        if response.status_code == 200:
            parsed = EngineSession.from_dict(said)
        elif response.status_code == 201:
            parsed = EngineSession.from_dict(said)
        else:
            parsed = ErrorResponse.from_dict(said)
    return Response(response.status_code, response.content, response.headers, parsed)


def sync_detailed(
    *, client: AuthenticatedClient, body: DirectStartRequest | TokenStartRequest, x_anam_target_url: str | None = None
) -> Response[EngineSession | ErrorResponse | None]:
    """Sends what `request` makes, and gives the whole response."""
    return _response(client.get_httpx_client().request(**request(body=body, x_anam_target_url=x_anam_target_url)))


def sync(
    *, client: AuthenticatedClient, body: DirectStartRequest | TokenStartRequest, x_anam_target_url: str | None = None
) -> EngineSession | ErrorResponse | None:
    """Sends what `request` makes, and gives what is answered; None when it is not what the contract promises."""
    return (sync_detailed(client=client, body=body, x_anam_target_url=x_anam_target_url)).parsed


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: DirectStartRequest | TokenStartRequest, x_anam_target_url: str | None = None
) -> Response[EngineSession | ErrorResponse | None]:
    """Sends what `request` makes, and gives the whole response."""
    return _response(
        await client.get_async_httpx_client().request(**request(body=body, x_anam_target_url=x_anam_target_url))
    )


async def asyncio(
    *, client: AuthenticatedClient, body: DirectStartRequest | TokenStartRequest, x_anam_target_url: str | None = None
) -> EngineSession | ErrorResponse | None:
    """Sends what `request` makes, and gives what is answered; None when it is not what the contract promises."""
    return (await asyncio_detailed(client=client, body=body, x_anam_target_url=x_anam_target_url)).parsed
