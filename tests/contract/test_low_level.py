"""The generated client by itself: what it sends and gives, without the facade."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import httpx
import pytest

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
from anam_facade.sandbox import Sandbox

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(avatar_id=ID, enable_audio_passthrough=True)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


def test_a_session_is_started_sync_and_async(sandbox):
    """Both steps with what the stock generator gives: `sync`, `sync_detailed`, `asyncio`, `asyncio_detailed`."""
    with AuthenticatedClient(sandbox.base_url, sandbox.api_key) as client:
        minted = create_session_token.sync(client=client, body=SessionTokenRequest(persona_config=PERSONA))
        direct = create_engine_session.sync_detailed(client=client, body=DirectStartRequest(persona_config=PERSONA))
    assert isinstance(minted, SessionTokenResponse)
    assert minted.session_token not in repr(minted)
    assert direct.status_code in (200, 201)

    async def start() -> tuple[object, object]:
        async with AuthenticatedClient(sandbox.base_url, minted.session_token) as client:
            once = await create_engine_session.asyncio(client=client, body=TokenStartRequest())
            twice = await create_engine_session.asyncio_detailed(client=client, body=TokenStartRequest())
            refused = await create_session_token.asyncio(
                client=client, body=SessionTokenRequest(persona_config=PERSONA)
            )
            return once, (twice.parsed, refused)

    once, refusals = asyncio.run(start())
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


def test_a_request_is_made_without_sending_it():
    """A pure function for each operation says what to send; who sends it adds the credential."""
    body = SessionTokenRequest(persona_config={"personaId": ID}, expires_in="1h")
    assert create_session_token.request(body=body, x_anam_target_url="https://a") == {
        "method": "POST",
        "url": "/v1/auth/session-token",
        "headers": {"Content-Type": "application/json", "X-Anam-Target-Url": "https://a"},
        "json": {"personaConfig": {"personaId": ID}, "expiresIn": "1h"},
    }


def test_it_knows_nobody():
    """The generated package loads nothing of the facade, and an unknown name is an ordinary error."""
    code = (
        "import sys, anam_api; from anam_api.api.auth import create_session_token; from anam_api import Client\n"
        "print(hasattr(anam_api, 'nothing'), [m for m in sys.modules if m.startswith('anam_facade')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False []\n"
