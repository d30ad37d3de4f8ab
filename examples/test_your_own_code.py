"""Testing your own code: the fixture `anam_sandbox` comes with the package (`pip install "anam_facade[sandbox]"`).

pytest examples/test_your_own_code.py
"""

from __future__ import annotations

import pytest

from anam_facade import AnamClient, PersonaConfig, ServerError, SessionStartUncertainError
from anam_facade.sandbox import Fault, Sandbox

PERSONA = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")


def greet(client: AnamClient, visitor: str) -> str:
    """Your code: starts a session for a visitor, at most one, and returns its id."""
    return client.start_session(PERSONA, client_label=f"visitor-{visitor}").session_id


def test_a_visitor_gets_one_session(anam_sandbox: Sandbox) -> None:
    with AnamClient(anam_sandbox.api_key, anam_sandbox.base_url) as client:
        session_id = greet(client, "ada")

    (session,) = anam_sandbox.sessions
    assert session.id == session_id
    assert session.label == "visitor-ada"


def test_a_busy_engine_is_waited_for(anam_sandbox: Sandbox) -> None:
    anam_sandbox.inject(Fault(operation="createEngineSession", status=503, times=2))
    with AnamClient(anam_sandbox.api_key, anam_sandbox.base_url) as client:
        greet(client, "ada")

    assert len(anam_sandbox.sessions) == 1


def test_a_lost_answer_is_told_and_not_paid_twice(anam_sandbox: Sandbox) -> None:
    anam_sandbox.inject(Fault(operation="createEngineSession", close="after", times=1))
    with (
        AnamClient(anam_sandbox.api_key, anam_sandbox.base_url) as client,
        pytest.raises(SessionStartUncertainError) as caught,
    ):
        greet(client, "ada")

    assert caught.value.client_label == "visitor-ada"
    assert len(anam_sandbox.sessions) == 1


def test_minting_that_always_fails_raises(anam_sandbox: Sandbox) -> None:
    anam_sandbox.inject(Fault(operation="createSessionToken", status=500))
    with (
        AnamClient(anam_sandbox.api_key, anam_sandbox.base_url) as client,
        pytest.raises(ServerError),
    ):
        greet(client, "ada")

    assert anam_sandbox.sessions == ()
