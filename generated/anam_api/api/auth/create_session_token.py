# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.session_token_request import SessionTokenRequest
from ...models.session_token_response import SessionTokenResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: SessionTokenRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_anam_target_url, Unset):
        headers["X-Anam-Target-Url"] = x_anam_target_url

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/auth/session-token",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorResponse | SessionTokenResponse:
    if response.status_code == 200:
        response_200 = SessionTokenResponse.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = ErrorResponse.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorResponse.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorResponse.from_dict(response.json())

        return response_403

    if response.status_code == 429:
        response_429 = ErrorResponse.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = ErrorResponse.from_dict(response.json())

        return response_500

    response_default = ErrorResponse.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorResponse | SessionTokenResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: SessionTokenRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> Response[ErrorResponse | SessionTokenResponse]:
    """Mint a session token

     Binds a persona, an environment and session options to a new session token. Safe to repeat: minting
    starts nothing
    and is not billed.

    The server checks very little here: an unknown avatar, a malformed tool or an unsupported video size
    is usually
    accepted and only refused when the session is started. An inline persona without `llmId` or
    `voiceId` yields a token
    whose `type` claim is `legacy`, which cannot be used; unless its audio comes from outside, with
    `enableAudioPassthrough` or the environment of another provider's agent.

    Args:
        x_anam_target_url (str | Unset):
        body (SessionTokenRequest): What a session token is bound to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | SessionTokenResponse]
    """

    kwargs = _get_kwargs(
        body=body,
        x_anam_target_url=x_anam_target_url,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: SessionTokenRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> ErrorResponse | SessionTokenResponse | None:
    """Mint a session token

     Binds a persona, an environment and session options to a new session token. Safe to repeat: minting
    starts nothing
    and is not billed.

    The server checks very little here: an unknown avatar, a malformed tool or an unsupported video size
    is usually
    accepted and only refused when the session is started. An inline persona without `llmId` or
    `voiceId` yields a token
    whose `type` claim is `legacy`, which cannot be used; unless its audio comes from outside, with
    `enableAudioPassthrough` or the environment of another provider's agent.

    Args:
        x_anam_target_url (str | Unset):
        body (SessionTokenRequest): What a session token is bound to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | SessionTokenResponse
    """

    return sync_detailed(
        client=client,
        body=body,
        x_anam_target_url=x_anam_target_url,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: SessionTokenRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> Response[ErrorResponse | SessionTokenResponse]:
    """Mint a session token

     Binds a persona, an environment and session options to a new session token. Safe to repeat: minting
    starts nothing
    and is not billed.

    The server checks very little here: an unknown avatar, a malformed tool or an unsupported video size
    is usually
    accepted and only refused when the session is started. An inline persona without `llmId` or
    `voiceId` yields a token
    whose `type` claim is `legacy`, which cannot be used; unless its audio comes from outside, with
    `enableAudioPassthrough` or the environment of another provider's agent.

    Args:
        x_anam_target_url (str | Unset):
        body (SessionTokenRequest): What a session token is bound to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorResponse | SessionTokenResponse]
    """

    kwargs = _get_kwargs(
        body=body,
        x_anam_target_url=x_anam_target_url,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: SessionTokenRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> ErrorResponse | SessionTokenResponse | None:
    """Mint a session token

     Binds a persona, an environment and session options to a new session token. Safe to repeat: minting
    starts nothing
    and is not billed.

    The server checks very little here: an unknown avatar, a malformed tool or an unsupported video size
    is usually
    accepted and only refused when the session is started. An inline persona without `llmId` or
    `voiceId` yields a token
    whose `type` claim is `legacy`, which cannot be used; unless its audio comes from outside, with
    `enableAudioPassthrough` or the environment of another provider's agent.

    Args:
        x_anam_target_url (str | Unset):
        body (SessionTokenRequest): What a session token is bound to.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorResponse | SessionTokenResponse
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            x_anam_target_url=x_anam_target_url,
        )
    ).parsed
