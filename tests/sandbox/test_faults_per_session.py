"""Faults drawn for each session by itself."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from anam_facade.sandbox import Fault, Sandbox

START = "createEngineSession"
SAVED = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}
RATE = Fault(operation=START, status=503, rate=0.5, seed=3, per_session=True)


def statuses(sandbox: Sandbox, labels: list[str], *, token: bool) -> dict[str, list[int]]:
    """What each label's calls are answered, in the order given."""
    seen: dict[str, list[int]] = {label: [] for label in labels}
    key = {"Authorization": f"Bearer {sandbox.api_key}"}
    tokens: dict[str, str] = {}
    with httpx.Client(base_url=sandbox.base_url) as client:
        for label in labels:
            body: dict[str, Any] = {"personaConfig": SAVED, "clientLabel": label}
            if token:
                if label not in tokens or seen[label][-1] == 200:
                    tokens[label] = client.post("/v1/auth/session-token", json=body, headers=key).json()["sessionToken"]
                bearer = {"Authorization": f"Bearer {tokens[label]}"}
                seen[label].append(client.post("/v1/engine/session", json={}, headers=bearer).status_code)
            else:
                seen[label].append(client.post("/v1/engine/session", json=body, headers=key).status_code)
    return seen


@pytest.mark.parametrize("token", [True, False])
def test_a_session_meets_the_same_faults_however_calls_interleave(anam_sandbox: Sandbox, token: bool) -> None:
    """The order in which several sessions' calls arrive does not change which of one session's calls are hit."""
    anam_sandbox.inject(RATE)
    one_by_one = statuses(anam_sandbox, ["a"] * 8 + ["b"] * 8, token=token)
    anam_sandbox.reset()
    anam_sandbox.inject(RATE)
    interleaved = statuses(anam_sandbox, ["a", "b"] * 8, token=token)
    assert interleaved == one_by_one
    assert len(set(map(tuple, interleaved.values()))) == 2
    assert {503} < {status for seen in interleaved.values() for status in seen}


def test_a_room_names_a_session_that_has_no_label(anam_sandbox: Sandbox) -> None:
    """Without a label the LiveKit address tells sessions apart, so that a label of the same words meets the same."""
    anam_sandbox.inject(Fault(operation=START, status=503, per_session=True, after=1, times=1))
    environment = {"livekitUrl": "wss://r.example", "livekitToken": "t"}
    persona = {"type": "ephemeral", "llmId": "CUSTOMER_CLIENT_V1"}
    with httpx.Client(base_url=anam_sandbox.base_url) as client:
        client.headers["Authorization"] = f"Bearer {anam_sandbox.api_key}"
        seen = [
            client.post("/v1/engine/session", json=body).status_code
            for body in (
                {"personaConfig": persona, "environment": environment},
                {"personaConfig": persona, "environment": environment | {"livekitUrl": "wss://other.example"}},
                {"personaConfig": SAVED, "clientLabel": "wss://r.example"},
            )
        ]
    assert seen == [201, 201, 503]
