"""An account's life, in any order: the sandbox does what a model of it expects, and answers as openapi.yaml says.

The document has no links from a mint to a start, for the token becomes the bearer, and links carry parameters and
bodies only. Hence the machine here, which knows how one follows from the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
import jwt
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run

from anam_facade.sandbox import Sandbox
from tests.sandbox.support import EXAMPLES, INLINE, MINT, SAVED, START, UUID, Api, Clock


@dataclass(frozen=True)
class Configuration:
    """Something to bind to a token: the mint's body, the error that its checks come to, the type of the token."""

    body: dict[str, Any]
    error: str | None = None
    kind: str = "ephemeral"


CONFIGURATIONS = st.sampled_from(
    [
        Configuration({"personaConfig": SAVED}, kind="stateful"),
        Configuration({"personaConfig": INLINE}),
        Configuration({"personaConfig": {**INLINE, "maxSessionLengthSeconds": 60}}),
        Configuration(EXAMPLES["MintLiveKit"]),
        Configuration({"personaConfig": {"avatarId": UUID}}, kind="legacy"),
        Configuration({}, "ErrorBadRequest", "legacy"),
        Configuration({"personaConfig": {**INLINE, "avatarModel": "cara-4-latest"}}, "ErrorForbidden"),
        Configuration({"personaConfig": {**INLINE, "avatarModel": "cara-4-latest", "voiceId": "x"}}, "ErrorBadRequest"),
        Configuration({"personaConfig": {"personaId": "not-a-uuid"}}, "ErrorBadRequest", "stateful"),
    ]
)
PLAN: dict[str, Any] = {"has_plan": True, "spend_cap_reached": False, "max_sessions": None}
PLANS = st.sampled_from(
    [
        {},
        {"max_sessions": 1},
        {"max_sessions": 2},
        {"spend_cap_reached": True, "max_sessions": 0},
        {"has_plan": False, "spend_cap_reached": True},
    ]
)
STATUSES = {
    "ErrorBadToken": 401,
    "ErrorTokenUsed": 409,
    "ErrorBadRequest": 400,
    "ErrorNoPlan": 402,
    "ErrorForbidden": 403,
    "ErrorSpendCap": 429,
    "ErrorConcurrency": 429,
}


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
    met: ClassVar[set[str]]

    tokens = Bundle("tokens")

    @initialize(strict=st.booleans(), used=st.sampled_from(["ErrorBadToken", "ErrorTokenUsed"]))
    def open(self, strict: bool, used: str) -> None:
        self.api.sandbox.reset()
        self.api.sandbox.configure(strict=strict, used_token_status=STATUSES[used])
        self.strict, self.used = strict, used
        self.plan = PLAN
        self.started: list[str] = []
        self.ends: dict[str, float] = {}  # of those that run

    @rule(target=tokens, configuration=CONFIGURATIONS, lifetime=st.sampled_from([60, 3600, 7200]))
    def mint(self, configuration: Configuration, lifetime: int) -> Any:
        """Strict, it refuses what a start would refuse; lenient, it gives a token for anything."""
        body = configuration.body | ({} if lifetime == 3600 else {"expiresIn": f"{lifetime}s"})
        response = self.api.post(MINT, body, self.api.sandbox.api_key)
        if not self._succeeds(response, configuration.error if self.strict else None, 200):
            return multiple()
        value = response.json()["sessionToken"]
        claims = jwt.decode(value, options={"verify_signature": False})
        assert (claims["type"], claims["exp"] - claims["iat"]) == (configuration.kind, lifetime)
        return Minted(value, configuration, self.clock.now + lifetime)

    @rule(token=tokens, body=st.sampled_from([{}, EXAMPLES["StartWithTokenAndMetadata"], {"expiresIn": "1h"}]))
    def start_twice(self, token: Minted, body: dict[str, Any]) -> None:
        """A token starts a session when nothing is in the way, and only once."""
        for _ in range(2):
            if self.clock.now >= token.expires_at:
                error: str | None = "ErrorBadToken"
            elif "expiresIn" in body or token.configuration.kind == "legacy":
                error = "ErrorBadRequest"
            else:
                error = self.used if token.used else self._in_the_way(token.configuration)
            response = self.api.start(token.value, body)
            if self._succeeds(response, error, 200):
                token.used = True
                self._runs(response, token.configuration)

    @rule(configuration=CONFIGURATIONS)
    def start_directly(self, configuration: Configuration) -> None:
        """With the API key the same things are in the way, those of a token apart."""
        response = self.api.post(START, configuration.body, self.api.sandbox.api_key)
        if self._succeeds(response, self._in_the_way(configuration), 201):
            self._runs(response, configuration)

    @rule(data=st.data())
    def end_a_session(self, data: st.DataObject) -> None:
        """Its slot is free again. To end it once more does nothing."""
        for ended in data.draw(st.permutations(self.started))[:1]:
            assert self.api.sandbox.end_session(ended) == (ended in self.ends)
            self.ends.pop(ended, None)

    @rule(seconds=st.sampled_from([30, 60, 3600]))
    def let_time_pass(self, seconds: float) -> None:
        """Tokens expire, and sessions of limited length end, both to the moment."""
        self.clock.now += seconds
        self.ends = {name: end for name, end in self.ends.items() if end > self.clock.now}

    @rule(changes=PLANS)
    def change_the_plan(self, changes: dict[str, Any]) -> None:
        self.plan = PLAN | changes
        self.api.sandbox.configure(**self.plan)

    @invariant()
    def the_ledger_agrees(self) -> None:
        """The sandbox has the sessions that its answers told of, and no others."""
        assert [session.id for session in self.api.sandbox.sessions] == self.started
        assert {session.id for session in self.api.sandbox.active_sessions} == set(self.ends)

    def _in_the_way(self, configuration: Configuration) -> str | None:
        slots = self.plan["max_sessions"]
        if not self.plan["has_plan"]:
            return "ErrorNoPlan"
        if configuration.error or self.plan["spend_cap_reached"]:
            return configuration.error or "ErrorSpendCap"
        return None if slots is None or len(self.ends) < slots else "ErrorConcurrency"

    def _succeeds(self, response: httpx.Response, error: str | None, success: int) -> bool:
        """Holds the answer against what the model expects, and says whether that is a success."""
        if error is None:
            assert response.status_code == success, response.text
            return True
        self.met.add(error)
        assert (response.status_code, response.json()["error"]) == (STATUSES[error], EXAMPLES[error]["error"])
        return False

    def _runs(self, response: httpx.Response, configuration: Configuration) -> None:
        answer = response.json()
        assert ("engineHost" in answer) == ("environment" not in configuration.body)
        self.started.append(answer["sessionId"])
        limit = configuration.body["personaConfig"].get("maxSessionLengthSeconds", math.inf)
        self.ends[answer["sessionId"]] = self.clock.now + limit


def test_every_step_of_an_account_s_life_is_as_documented() -> None:
    """Mint, start, start again, end, wait, lose the plan: in any order, the expected status and a valid answer."""
    with Sandbox(clock=(clock := Clock())) as sandbox, (api := Api(sandbox)).http:
        Account.api, Account.clock, Account.met = api, clock, set()
        profile = settings(max_examples=60, stateful_step_count=40, derandomize=True, database=None, deadline=None)
        run(Account, settings=profile)
    assert Account.met == set(STATUSES)
    assert api.answered >= {(MINT, 400), (MINT, 403), (START, 200), (START, 201)}
