# Generated from openapi.yaml by openapi-python-client. Do not edit: change the contract and run `make generate`.

"""POST /v1/auth/session-token: Mint a session token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...models import ErrorResponse, SessionTokenRequest, SessionTokenResponse
from ...types import Request, Response

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient

METHOD = "POST"
PATH = "/v1/auth/session-token"


def request(*, body: SessionTokenRequest, x_anam_target_url: str | None = None) -> Request:
    """Mint a session token.

    Binds a persona, an environment and session options to a new session token. Safe to repeat: minting starts
    nothing and is not billed.

    The server checks very little here: an unknown avatar, a malformed tool or an unsupported video size is usually
    accepted and only refused when the session is started. An inline persona without `llm_id` or `voice_id` yields a
    token whose `type` claim is `legacy`, which cannot be used; unless its audio comes from outside, with
    `enable_audio_passthrough` or the environment of another provider's agent.

    Args:
        body: What the session started with the token will look like.
        x_anam_target_url: Only for calls through a gateway: the full URL at Anam that the gateway should
            forward to. Leave it out when calling Anam itself.

    Returns:
        The request. Nothing is sent; the credential is for the sender to add.
    """
    headers = {"Content-Type": "application/json"}
    if x_anam_target_url is not None:
        headers["X-Anam-Target-Url"] = x_anam_target_url
    return {"method": METHOD, "url": PATH, "headers": headers, "json": body.to_dict()}


def _response(response: httpx.Response) -> Response[SessionTokenResponse | ErrorResponse | None]:
    try:
        said = response.json()
    except ValueError:
        said = None
    parsed: SessionTokenResponse | ErrorResponse | None = None
    if isinstance(said, dict):
        if response.status_code == 200:
            parsed = SessionTokenResponse.from_dict(said)
        else:
            parsed = ErrorResponse.from_dict(said)
    return Response(response.status_code, response.content, response.headers, parsed)


def sync_detailed(
    *, client: AuthenticatedClient, body: SessionTokenRequest, x_anam_target_url: str | None = None
) -> Response[SessionTokenResponse | ErrorResponse | None]:
    """Sends what `request` makes, and gives the whole response."""
    return _response(client.get_httpx_client().request(**request(body=body, x_anam_target_url=x_anam_target_url)))


def sync(
    *, client: AuthenticatedClient, body: SessionTokenRequest, x_anam_target_url: str | None = None
) -> SessionTokenResponse | ErrorResponse | None:
    """Sends what `request` makes, and gives what is answered; None when it is not what the contract promises."""
    return (sync_detailed(client=client, body=body, x_anam_target_url=x_anam_target_url)).parsed


async def asyncio_detailed(
    *, client: AuthenticatedClient, body: SessionTokenRequest, x_anam_target_url: str | None = None
) -> Response[SessionTokenResponse | ErrorResponse | None]:
    """Sends what `request` makes, and gives the whole response."""
    return _response(
        await client.get_async_httpx_client().request(**request(body=body, x_anam_target_url=x_anam_target_url))
    )


async def asyncio(
    *, client: AuthenticatedClient, body: SessionTokenRequest, x_anam_target_url: str | None = None
) -> SessionTokenResponse | ErrorResponse | None:
    """Sends what `request` makes, and gives what is answered; None when it is not what the contract promises."""
    return (await asyncio_detailed(client=client, body=body, x_anam_target_url=x_anam_target_url)).parsed
