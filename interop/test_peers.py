"""Programs written for Anam run against the sandbox as they are: `make interop`.

Every client, ours and the ones people use today, unmodified and in an environment of its own, starts sessions; the
sandbox must have recorded exactly the sessions whose ids the client returned.
"""

from __future__ import annotations

import peers
import pytest

from anam_facade.sandbox import Sandbox

STARTS = 3


@pytest.mark.parametrize("client", peers.FAULTY)
def test_a_client_gets_the_sessions_that_it_started(client: str) -> None:
    with Sandbox() as sandbox:
        _, outcomes = peers.run(
            client,
            base_url=sandbox.base_url,
            api_key=sandbox.api_key,
            names=[f"interop-{i}" for i in range(STARTS)],
            concurrency=1,
            timeout=10.0,
        )
        assert sorted(o["session_id"] for o in outcomes) == sorted(s.id for s in sandbox.sessions), outcomes
        assert len(outcomes) == STARTS
        assert {session.mode for session in sandbox.sessions} == {peers.CLIENTS[client].mode}
