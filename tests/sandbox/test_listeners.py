"""Who is told of what happens in a sandbox: the seam at which avatar, signalling and page are attached."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from anam_facade.sandbox import Fault, Sandbox
from anam_facade.sandbox.state import Listener, Session, State
from tests.sandbox.support import INLINE, LIVEKIT, Api, Clock, until


class Diary(Listener):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.changes = 0

    def started(self, state: State, session: Session) -> None:
        asyncio.get_running_loop()
        assert session in state.sessions, "the state's lock is free, and the session is in there"
        state.note(session.id, joined_at=1.0)
        self.lines.append(("started", session.id, session.environment.get("livekitToken")))

    def ended(self, state: State, session: Session) -> None:
        assert session in state.sessions
        self.lines.append(("ended", session.id, session.end_reason))

    def changed(self) -> None:
        self.changes += 1

    async def aclose(self) -> None:
        self.lines.append("closed")


def attended(sandbox: Sandbox) -> Diary:
    diary = Diary()
    sandbox.world.listeners.append(diary)
    return diary


def test_they_are_told_of_every_start_and_every_end() -> None:
    """With the LiveKit token, which no repr shows; with the reason of the end; the stop of the sandbox is none."""
    with Sandbox() as sandbox:
        diary, api = attended(sandbox), Api(sandbox)
        one, two, three, four = (api.direct(INLINE, environment=LIVEKIT).json()["sessionId"] for _ in range(4))
        assert diary.lines == [("started", id_, LIVEKIT["livekitToken"]) for id_ in (one, two, three, four)]
        assert LIVEKIT["livekitToken"] not in repr(sandbox.sessions)
        assert [session.joined_at for session in sandbox.sessions] == [1.0] * 4
        diary.lines.clear()
        assert sandbox.end_session(one)
        assert not sandbox.end_session(one)
        sandbox.world.state.end(two, "avatar_removed")
        api.http.post("/_sandbox/sessions/end")
        assert diary.lines == [("ended", one, "stopped"), ("ended", two, "avatar_removed")] + [
            ("ended", id_, "stopped") for id_ in sorted((three, four), key=[line[1] for line in diary.lines[2:]].index)
        ]
        assert {session.end_reason for session in sandbox.sessions} == {"stopped", "avatar_removed"}
        five = api.direct().json()["sessionId"]
        sandbox.reset()
        assert diary.lines[-1] == ("ended", five, "reset")
        api.direct()
        api.http.close()
    assert diary.lines[-1] == "closed"


def test_a_session_ends_on_time_although_nobody_looks() -> None:
    """Its `maxSessionLengthSeconds` are waited for by the sandbox itself."""
    with Sandbox() as sandbox:
        diary, api = attended(sandbox), Api(sandbox)
        id_ = api.direct(INLINE | {"maxSessionLengthSeconds": 1}).json()["sessionId"]
        until(lambda: len(diary.lines) > 1)
        assert diary.lines[-1] == ("ended", id_, "max_length")
        api.http.close()


def test_every_change_is_told() -> None:
    """Of requests, tokens, sessions, faults and settings: a page that shows them needs not ask again and again."""
    with Sandbox(clock=Clock()) as sandbox:
        diary, api = attended(sandbox), Api(sandbox)
        for change in (
            lambda: api.mint(),
            lambda: api.direct(),
            lambda: sandbox.end_all(),
            lambda: sandbox.inject(Fault(status=503)),
            lambda: sandbox.clear_faults(),
            lambda: sandbox.configure(strict=True),
            lambda: sandbox.reset(),
        ):
            before = diary.changes
            change()
            assert diary.changes > before
        api.http.close()


def test_the_clock_is_looked_up_when_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who freezes `time.time` in a test freezes the sandbox, made before or after."""
    with Sandbox() as sandbox:
        monkeypatch.setattr(time, "time", lambda: 1_893_456_000.0)
        sandbox.mint_token()
        assert sandbox.tokens[0].minted_at == 1_893_456_000.0
