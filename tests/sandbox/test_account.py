"""An account's life, in any order: the sandbox does what a model of it expects, and answers as openapi.yaml says.

The document has no links from a mint to a start, for the token becomes the bearer, and links carry parameters and
bodies only. Hence the machine here, which knows how one follows from the other.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
import jwt
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from anam_facade.sandbox import Sandbox
from tests.sandbox.contract import documented
from tests.sandbox.support import EXAMPLES, INLINE, MINT, SAVED, START, UUID, Api, Clock


@dataclass(frozen=True)
class Configuration:
    """Something to bind to a token: the mint's body, what its checks come to, and the type of the token."""

    body: dict[str, Any]
    status: int = 200
    kind: str = "ephemeral"


CONFIGURATIONS = [
    Configuration({"personaConfig": SAVED}, kind="stateful"),
    Configuration({"personaConfig": INLINE}),
    Configuration({"personaConfig": {**INLINE, "maxSessionLengthSeconds": 60}}),
    Configuration(EXAMPLES["MintLiveKit"]),
    Configuration(EXAMPLES["MintEveryOption"]),
    Configuration({"personaConfig": {"avatarId": UUID}}, kind="legacy"),
    Configuration({}, 400, "legacy"),
    Configuration({"personaConfig": {**INLINE, "avatarModel": "cara-4-latest"}}, 403),
    Configuration({"personaConfig": {**INLINE, "avatarModel": "cara-2"}}, 400),
    Configuration({"personaConfig": {"personaId": "not-a-uuid"}}, 400, "stateful"),
    Configuration({"personaConfig": INLINE, "sessionOptions": {"videoWidth": 1, "videoHeight": 1}}, 400),
]
# Answers that nothing but a fault brings about: the sandbox neither limits the rate nor fails, and has engines enough.
BY_FAULTS = {
    ("createSessionToken", 429),
    ("createSessionToken", 500),
    ("createEngineSession", 500),
    ("createEngineSession", 503),
}
LIFETIMES = {"1h": 3600.0, "2h": 7200.0, "90s": 90.0}


@dataclass(eq=False)
class Minted:
    """What the model knows of a token."""

    value: str
    configuration: Configuration
    expires_at: float
    used: bool = False


class Account(RuleBasedStateMachine):
    """A client and its account, beside a model of what the account should be like."""

    api: ClassVar[Api]
    clock: ClassVar[Clock]
    story: ClassVar[Counter[str]]

    tokens = Bundle("tokens")

    @initialize(strict=st.booleans(), slots=st.sampled_from([None, 1, 2]), used_status=st.sampled_from([401, 409]))
    def open_an_account(self, strict: bool, slots: int | None, used_status: int) -> None:
        self.api.sandbox.reset()
        self.api.sandbox.configure(strict=strict, max_sessions=slots, used_token_status=used_status)
        self.strict, self.slots, self.used_status = strict, slots, used_status
        self.has_plan, self.spend_cap_reached = True, False
        self.started: list[str] = []
        self.running: dict[str, float] = {}  # id → when it ends by itself
        self.freed = False

    # What a client asks

    @rule(target=tokens, configuration=st.sampled_from(CONFIGURATIONS), lifetime=st.sampled_from([None, *LIFETIMES]))
    def mint(self, configuration: Configuration, lifetime: str | None) -> Any:
        """Strict, it refuses what a start would refuse; lenient, it gives a token for anything."""
        body = dict(configuration.body) if lifetime is None else {**configuration.body, "expiresIn": lifetime}
        response = self.api.post(MINT, body, self.api.sandbox.api_key)
        assert response.status_code == (configuration.status if self.strict else 200), response.text
        if response.status_code != 200:
            return multiple()
        value = response.json()["sessionToken"]
        claims = jwt.decode(value, options={"verify_signature": False})
        expires_at = self.clock.now + LIFETIMES[body.get("expiresIn", "1h")]
        assert (claims["type"], claims["iat"]) == (configuration.kind, int(self.clock.now))
        assert claims["exp"] - claims["iat"] == LIFETIMES[body.get("expiresIn", "1h")]
        return Minted(value, configuration, expires_at)

    @rule(token=tokens, body=st.sampled_from([{}, EXAMPLES["StartWithTokenAndMetadata"]]))
    def start(self, token: Minted, body: dict[str, Any]) -> None:
        """A token starts a session when nothing is in the way, and only once."""
        expected = self._expected(token)
        response = self.api.start(token.value, body)
        assert response.status_code == expected, response.text
        if response.status_code == 200:
            token.used = True
            self._runs(response, token.configuration)
        elif token.used and response.status_code == self.used_status:
            self.story["a used token was refused"] += 1
        elif response.status_code == 429:
            self._is_at_the_limit(response)

    @rule(configuration=st.sampled_from(CONFIGURATIONS))
    def start_directly(self, configuration: Configuration) -> None:
        """With the API key the same things are in the way, those of a token apart."""
        body = {name: value for name, value in configuration.body.items() if name != "expiresIn"}
        expected = self._in_the_way(configuration) or 201
        response = self.api.post(START, body, self.api.sandbox.api_key)
        assert response.status_code == expected, response.text
        if response.status_code == 201:
            self._runs(response, configuration)
        elif response.status_code == 429:
            self._is_at_the_limit(response)

    @rule(token=tokens)
    def start_the_same_twice(self, token: Minted) -> None:
        """Whatever the first start comes to, the second does not come to another session."""
        self.start(token, {})
        before = len(self.started)
        self.start(token, {})
        assert len(self.started) == before

    @rule(token=tokens)
    def mint_with_a_token(self, token: Minted) -> None:
        """A session token does not mint another."""
        assert self.api.mint(bearer=token.value).status_code == 401

    # What happens besides

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end_a_session(self, data: st.DataObject) -> None:
        """Its slot is free again. To end it once more does nothing."""
        ended = data.draw(st.sampled_from(self.started).filter(self.running.__contains__))
        self.freed = self._is_full
        assert self.api.sandbox.end_session(ended)
        assert not self.api.sandbox.end_session(ended)
        del self.running[ended]

    @rule(seconds=st.sampled_from([30.0, 61.0, 3600.0]))
    def let_time_pass(self, seconds: float) -> None:
        """Tokens expire, and sessions of limited length end."""
        self.clock.now += seconds
        self.running = {name: ends_at for name, ends_at in self.running.items() if ends_at > self.clock.now}

    @rule()
    def lose_or_regain_the_plan(self) -> None:
        self.has_plan = not self.has_plan
        self.api.sandbox.configure(has_plan=self.has_plan)

    @rule()
    def reach_or_raise_the_spend_cap(self) -> None:
        self.spend_cap_reached = not self.spend_cap_reached
        self.api.sandbox.configure(spend_cap_reached=self.spend_cap_reached)

    @invariant()
    def the_ledger_agrees(self) -> None:
        """The sandbox has the sessions that its answers told of, and no others."""
        assert [session.id for session in self.api.sandbox.sessions] == self.started
        assert {session.id for session in self.api.sandbox.active_sessions} == set(self.running)

    # The model

    def _expected(self, token: Minted) -> int:
        if self.clock.now >= token.expires_at:
            return 401
        if token.configuration.kind == "legacy":
            return 400
        if token.used:
            return self.used_status
        return self._in_the_way(token.configuration) or 200

    def _in_the_way(self, configuration: Configuration) -> int | None:
        if not self.has_plan:
            return 402
        if configuration.status != 200:
            return configuration.status
        return 429 if self.spend_cap_reached or self._is_full else None

    @property
    def _is_full(self) -> bool:
        return self.slots is not None and len(self.running) >= self.slots

    def _is_at_the_limit(self, response: httpx.Response) -> None:
        reason = "Spend cap reached" if self.spend_cap_reached else "Concurrent session limit reached"
        assert response.json()["error"] == reason
        self.story[reason] += 1

    def _runs(self, response: httpx.Response, configuration: Configuration) -> None:
        answer = response.json()
        assert ("engineHost" in answer) == ("environment" not in configuration.body)
        limit = configuration.body["personaConfig"].get("maxSessionLengthSeconds")
        self.started.append(answer["sessionId"])
        self.running[answer["sessionId"]] = math.inf if limit is None else self.clock.now + limit
        self.story["a freed slot was taken"] += self.freed
        self.freed = False


def test_every_step_of_an_account_s_life_is_as_documented() -> None:
    """Mint, start, start again, end, wait, lose the plan: in any order, the expected status and a valid answer."""
    clock = Clock()
    with Sandbox(clock=clock) as sandbox, (api := Api(sandbox)).http:
        Account.api, Account.clock, Account.story = api, clock, Counter()
        run_state_machine_as_test(
            Account,
            settings=settings(
                max_examples=60,
                stateful_step_count=40,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow],
            ),
        )
    assert documented() >= api.answered
    assert documented() - api.answered == BY_FAULTS | {("createEngineSession", 404)}
    assert set(+Account.story) == {
        "a used token was refused",
        "a freed slot was taken",
        "Concurrent session limit reached",
        "Spend cap reached",
    }
