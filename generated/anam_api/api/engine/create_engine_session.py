# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from http import HTTPStatus
from typing import Any

import httpx

from ...client import AuthenticatedClient, Client
from ...models.direct_start_request import DirectStartRequest
from ...models.engine_session import EngineSession
from ...models.error_response import ErrorResponse
from ...models.token_start_request import TokenStartRequest
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: DirectStartRequest | TokenStartRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_anam_target_url, Unset):
        headers["X-Anam-Target-Url"] = x_anam_target_url

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/engine/session",
    }

    if isinstance(body, DirectStartRequest):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> EngineSession | ErrorResponse:
    if response.status_code == 200:
        response_200 = EngineSession.from_dict(response.json())

        return response_200

    if response.status_code == 201:
        response_201 = EngineSession.from_dict(response.json())

        return response_201

    if response.status_code == 400:
        response_400 = ErrorResponse.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = ErrorResponse.from_dict(response.json())

        return response_401

    if response.status_code == 402:
        response_402 = ErrorResponse.from_dict(response.json())

        return response_402

    if response.status_code == 403:
        response_403 = ErrorResponse.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = ErrorResponse.from_dict(response.json())

        return response_404

    if response.status_code == 409:
        response_409 = ErrorResponse.from_dict(response.json())

        return response_409

    if response.status_code == 429:
        response_429 = ErrorResponse.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = ErrorResponse.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = ErrorResponse.from_dict(response.json())

        return response_503

    response_default = ErrorResponse.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[EngineSession | ErrorResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: DirectStartRequest | TokenStartRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> Response[EngineSession | ErrorResponse]:
    """Start an avatar session

     Starts a session: it is billed, and it takes one of the plan's simultaneous-session slots (one on
    free plans) until it
    ends. The bearer decides the mode:

    - **Session token**: the configuration is the one bound to the token, and the body carries
    `clientMetadata` and
      `sessionOptions.voiceDetection` at most; send `{}` when there is neither. The token is used up by
    a successful
      start.
    - **API key** ("direct"): the body is that of `createSessionToken` without `expiresIn`, plus
    `clientMetadata`. One
      round trip less; never do this from a browser.

    With a LiveKit or an Agora environment the engine joins the room as a participant and `engineHost`,
    `engineProtocol` and `signallingEndpoint` may be absent from the answer.

    Args:
        x_anam_target_url (str | Unset):
        body (DirectStartRequest | TokenStartRequest): The body of a start; which of the two
            depends on the bearer.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[EngineSession | ErrorResponse]
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
    body: DirectStartRequest | TokenStartRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> EngineSession | ErrorResponse | None:
    """Start an avatar session

     Starts a session: it is billed, and it takes one of the plan's simultaneous-session slots (one on
    free plans) until it
    ends. The bearer decides the mode:

    - **Session token**: the configuration is the one bound to the token, and the body carries
    `clientMetadata` and
      `sessionOptions.voiceDetection` at most; send `{}` when there is neither. The token is used up by
    a successful
      start.
    - **API key** ("direct"): the body is that of `createSessionToken` without `expiresIn`, plus
    `clientMetadata`. One
      round trip less; never do this from a browser.

    With a LiveKit or an Agora environment the engine joins the room as a participant and `engineHost`,
    `engineProtocol` and `signallingEndpoint` may be absent from the answer.

    Args:
        x_anam_target_url (str | Unset):
        body (DirectStartRequest | TokenStartRequest): The body of a start; which of the two
            depends on the bearer.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        EngineSession | ErrorResponse
    """

    return sync_detailed(
        client=client,
        body=body,
        x_anam_target_url=x_anam_target_url,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: DirectStartRequest | TokenStartRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> Response[EngineSession | ErrorResponse]:
    """Start an avatar session

     Starts a session: it is billed, and it takes one of the plan's simultaneous-session slots (one on
    free plans) until it
    ends. The bearer decides the mode:

    - **Session token**: the configuration is the one bound to the token, and the body carries
    `clientMetadata` and
      `sessionOptions.voiceDetection` at most; send `{}` when there is neither. The token is used up by
    a successful
      start.
    - **API key** ("direct"): the body is that of `createSessionToken` without `expiresIn`, plus
    `clientMetadata`. One
      round trip less; never do this from a browser.

    With a LiveKit or an Agora environment the engine joins the room as a participant and `engineHost`,
    `engineProtocol` and `signallingEndpoint` may be absent from the answer.

    Args:
        x_anam_target_url (str | Unset):
        body (DirectStartRequest | TokenStartRequest): The body of a start; which of the two
            depends on the bearer.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[EngineSession | ErrorResponse]
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
    body: DirectStartRequest | TokenStartRequest,
    x_anam_target_url: str | Unset = UNSET,
) -> EngineSession | ErrorResponse | None:
    """Start an avatar session

     Starts a session: it is billed, and it takes one of the plan's simultaneous-session slots (one on
    free plans) until it
    ends. The bearer decides the mode:

    - **Session token**: the configuration is the one bound to the token, and the body carries
    `clientMetadata` and
      `sessionOptions.voiceDetection` at most; send `{}` when there is neither. The token is used up by
    a successful
      start.
    - **API key** ("direct"): the body is that of `createSessionToken` without `expiresIn`, plus
    `clientMetadata`. One
      round trip less; never do this from a browser.

    With a LiveKit or an Agora environment the engine joins the room as a participant and `engineHost`,
    `engineProtocol` and `signallingEndpoint` may be absent from the answer.

    Args:
        x_anam_target_url (str | Unset):
        body (DirectStartRequest | TokenStartRequest): The body of a start; which of the two
            depends on the bearer.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        EngineSession | ErrorResponse
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            x_anam_target_url=x_anam_target_url,
        )
    ).parsed
