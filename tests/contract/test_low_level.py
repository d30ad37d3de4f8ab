"""The generated client by itself: what it sends and gives, without the facade."""

from __future__ import annotations

import asyncio

import httpx

import anam_api
from anam_api import AuthenticatedClient
from anam_api.api.auth import create_session_token
from anam_api.api.engine import create_engine_session
from anam_api.models import (
    DirectStartRequest,
    EngineSession,
    ErrorResponse,
    PersonaConfig,
    SessionTokenRequest,
    SessionTokenResponse,
    TokenStartRequest,
)

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(avatar_id=ID, enable_audio_passthrough=True)


def test_a_session_is_started_sync_and_async(anam_sandbox):
    """Both steps with what the stock generator gives: `sync`, `sync_detailed`, `asyncio`, `asyncio_detailed`."""
    mint, url = SessionTokenRequest(persona_config=PERSONA), anam_sandbox.base_url
    with AuthenticatedClient(url, anam_sandbox.api_key) as client:
        minted = create_session_token.sync(client=client, body=mint)
        direct = create_engine_session.sync_detailed(client=client, body=DirectStartRequest(persona_config=PERSONA))
    assert isinstance(minted, SessionTokenResponse)
    assert minted.session_token not in repr(minted)
    assert direct.status_code in (200, 201)

    async def start() -> tuple[object, ...]:
        async with AuthenticatedClient(url, minted.session_token) as client:
            once = await create_engine_session.asyncio(client=client, body=TokenStartRequest())
            twice = await create_engine_session.asyncio_detailed(client=client, body=TokenStartRequest())
            return once, twice.parsed, await create_session_token.asyncio(client=client, body=mint)

    once, *refusals = asyncio.run(start())
    assert isinstance(once, EngineSession)
    assert all(isinstance(refusal, ErrorResponse) and refusal.error for refusal in refusals)


def test_what_is_not_json_is_no_answer():
    """A gateway's page is kept as it came, and is nothing of the contract's."""
    transport = httpx.MockTransport(lambda request: httpx.Response(520, html="<html>"))
    client = AuthenticatedClient("https://a.example", "key", httpx_args={"transport": transport})
    response = create_engine_session.sync_detailed(
        client=client, body=TokenStartRequest(), x_anam_target_url="https://b"
    )
    assert (response.status_code, response.content, response.parsed) == (520, b"<html>", None)


def test_an_unknown_name_is_an_ordinary_error():
    """What is loaded when it is first used does not pretend to have everything."""
    assert not hasattr(anam_api, "nothing")
