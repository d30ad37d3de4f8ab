"""What the sandbox answers is what openapi.yaml says, whoever asks and in any order; and what it makes of a body."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup

from anam_facade.sandbox import Fault, Sandbox
from anam_facade.sandbox.contract import NotJson, parse_json, problems
from tests.sandbox.support import DOCUMENT, EXAMPLES, INLINE, MINT, SAVED, START, UUID, Api, Clock, contract

MET = {MINT: {200, 400, 401, 405}, START: {201, 400, 401, 404, 405}}
# What the document asks for outside its schemas, as the sandbox names it in `details`. Who makes data from the schemas
# cannot know of it, hence none of schemathesis' own check that all of it is accepted.
BEYOND_SCHEMAS = {"x-extensible-enum", "x-maxBytes", "x-uniqueBy", "enableAudioPassthrough", "format"}


@pytest.fixture(scope="module")
def strict():
    """A strict sandbox (as Anam, it would mint from nearly anything). What it was asked must have been worth asking."""
    with Sandbox(strict=True) as sandbox:
        yield sandbox
        for path, statuses in MET.items():
            assert {request.status for request in sandbox.requests if request.path == path} in (statuses, set())


@pytest.mark.slow
@contract().include(path=MINT).parametrize()
def test_schemathesis_finds_nothing_in_minting(case, strict):
    """Valid and invalid requests, made from the whole document, are all answered as it says."""
    judge(case, strict)


@pytest.mark.slow
@contract().include(path=START).parametrize()
def test_schemathesis_finds_nothing_in_starting(case, strict):
    """The same, with the API key."""
    judge(case, strict)


def judge(case, strict):
    answer = case.call_and_validate(
        strict.base_url,
        headers={"Authorization": f"Bearer {strict.api_key}"},
        excluded_checks=CHECKS.get_by_names(["positive_data_acceptance"]),
    )
    if case.meta.generation.mode.is_positive and answer.status_code >= 300:
        told = answer.json()
        rules = {problem["code"] for problem in told.get("details", ())}
        assert rules <= BEYOND_SCHEMAS, f"refused by {rules}, although the schema is satisfied"
        assert rules or told["error"] == "video_dimensions_not_supported_for_model" or answer.status_code == 403


@pytest.mark.parametrize("path", [MINT, START])
def test_a_fault_that_only_names_a_status_is_answered_as_documented(api, path):
    """Every error that the contract shows can be had, and is in its form."""
    statuses = {int(status) for status in DOCUMENT["paths"][path]["post"]["responses"] if status.isdecimal()}
    for status in statuses - {200, 201}:
        api.sandbox.inject(Fault(status=status, times=1))
        assert api.post(path, {}, "whoever").status_code == status


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault(status=200, body={"sessionToken": 7}), '7 is not of type "string"'),
        (Fault(status=402), "Received: 402"),
        (Fault(status=500, body="<h1>Oops</h1>"), "Received: text/html"),
        (Fault(status=429, headers={"RateLimit-Reset": "soon"}), "Response header does not conform"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_reported(api, fault, found):
    """The checks of this folder tell a wrong body, status, content type and header."""
    api.sandbox.inject(fault)
    with pytest.raises(FailureGroup, match=found):
        api.mint()


# --- An account's life ------------------------------------------------------------------------------
# The document has no links from a mint to a start, for the token becomes the bearer, and links carry parameters and
# bodies only. Hence a machine, which knows how one follows from the other.

GATED = {**INLINE, "avatarModel": "cara-4-latest"}
# What is bound to a token or sent with the key, and the error that its checks come to.
CONFIGURATIONS = [
    ({"personaConfig": SAVED}, None),
    ({"personaConfig": {**INLINE, "maxSessionLengthSeconds": 60}}, None),
    *((EXAMPLES[name], None) for name in ("MintLiveKit", "MintClientTool", "MintPassthrough")),
    ({"personaConfig": {"avatarId": UUID}}, None),  # whose token is a legacy one
    ({"personaConfig": GATED}, "ErrorForbidden"),
    ({"personaConfig": {**GATED, "voiceId": "x"}}, "ErrorBadRequest"),
    ({"personaConfig": {**GATED, "voiceId": "x", "avatarId": "x"}}, "ErrorNotFound"),
]
PLAN = {"has_plan": True, "spend_cap_reached": False, "max_sessions": None}
CAPPED = {"spend_cap_reached": True, "max_sessions": 0}
PLANS = [{}, {"max_sessions": 1}, {"max_sessions": 0}, CAPPED, CAPPED | {"has_plan": False}]
STATUSES = {
    "ErrorBadToken": 401,
    "ErrorTokenUsed": 409,
    "ErrorBadRequest": 400,
    "ErrorNoPlan": 402,
    "ErrorForbidden": 403,
    "ErrorNotFound": 404,
    "ErrorSpendCap": 429,
    "ErrorConcurrency": 429,
}


class Account(RuleBasedStateMachine):
    """A client and its account, beside a model of what the account should be like."""

    tokens = Bundle("tokens")

    def __init__(self):
        super().__init__()
        self.api.sandbox.reset()
        self.plan = PLAN
        self.used = set()
        self.started = []
        self.ends = {}  # of those that run

    @rule(target=tokens, configuration=st.sampled_from(CONFIGURATIONS), lifetime=st.sampled_from([60, 3600]))
    def mint(self, configuration, lifetime):
        response = self.api.post(MINT, {**configuration[0], "expiresIn": f"{lifetime}s"}, self.api.sandbox.api_key)
        assert response.status_code == 200
        return response.json()["sessionToken"], configuration, self.clock.now + lifetime

    @rule(minted=tokens, used=st.sampled_from(["ErrorBadToken", "ErrorTokenUsed"]))
    def start_twice(self, minted, used):
        """A token starts a session when nothing is in the way, and only once."""
        self.api.sandbox.configure(used_token_status=STATUSES[used])
        token, (config, error), expires_at = minted
        for _ in range(2):
            expected = self._in_the_way(error)
            if self.clock.now >= expires_at:
                expected = "ErrorBadToken"
            elif config["personaConfig"] == {"avatarId": UUID}:
                expected = "ErrorBadRequest"
            elif token in self.used:
                expected = used
            self._answered(self.api.start(token), expected, 200, config)
            self.used |= set() if expected else {token}

    @rule(configuration=st.sampled_from(CONFIGURATIONS))
    def start_directly(self, configuration):
        """With the API key the same things are in the way, those of a token apart."""
        config, error = configuration
        self._answered(self.api.post(START, config, self.api.sandbox.api_key), self._in_the_way(error), 201, config)

    @rule()
    def end_all(self):
        """Slots are free again."""
        assert self.api.sandbox.end_all() == len(self.ends)
        self.ends.clear()

    @rule(seconds=st.sampled_from([30, 60, 3600]))
    def let_time_pass(self, seconds):
        """Tokens expire, and sessions of limited length end, both to the moment."""
        self.clock.now += seconds
        self.ends = {name: end for name, end in self.ends.items() if end > self.clock.now}

    @rule(changes=st.sampled_from(PLANS))
    def change_the_plan(self, changes):
        self.plan = {**PLAN, **changes}
        self.api.sandbox.configure(**self.plan)

    @invariant()
    def the_ledger_agrees(self):
        """The sandbox has the sessions that its answers told of, and no others."""
        assert [session.id for session in self.api.sandbox.sessions] == self.started
        assert {session.id for session in self.api.sandbox.active_sessions} == set(self.ends)

    def _in_the_way(self, error):
        slots = self.plan["max_sessions"]
        if not self.plan["has_plan"]:
            return "ErrorNoPlan"
        if error or self.plan["spend_cap_reached"]:
            return error or "ErrorSpendCap"
        return None if slots is None or len(self.ends) < slots else "ErrorConcurrency"

    def _answered(self, response, error, success, config):
        answer = response.json()
        self.met.add(error)
        assert response.status_code == (STATUSES[error] if error else success), response.text
        assert answer.get("error") == (EXAMPLES[error]["error"] if error else None)
        if error is None:
            self.started.append(answer["sessionId"])
            limit = config["personaConfig"].get("maxSessionLengthSeconds", math.inf)
            self.ends[answer["sessionId"]] = self.clock.now + limit


def test_every_step_of_an_account_s_life_is_as_documented():
    """Mint, start, start again, end, wait, lose the plan: in any order, the expected status and a valid answer."""
    with Sandbox(clock=(clock := Clock())) as sandbox, (api := Api(sandbox)).http:
        Account.api, Account.clock, Account.met = api, clock, set()
        profile = settings(max_examples=100, stateful_step_count=40, derandomize=True, database=None, deadline=None)
        run_state_machine_as_test(Account, settings=profile)
    assert Account.met == {*STATUSES, None}


# --- What the sandbox says of a body ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "at line 1, column 2"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": NaN}', "not finite"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "out of range"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b"[" * 100_000, "80 levels"),
        (b"[" * 81 + b"1" + b"]" * 81, "80 levels"),
    ],
)
def test_json_is_read_as_strictly_as_the_standard(body, reason):
    """A reason, which does not quote the body."""
    with pytest.raises(NotJson, match=reason):
        parse_json(body)
    assert parse_json(b"[" * 80 + b"1" + b"]" * 80)


TOOL, CLIENT = {"type": "server", "name": "a"}, {"type": "client", "name": "a"}
VOICE = "voiceGenerationOptions"


@pytest.mark.parametrize(
    ("persona", "expected"),
    [
        ({"personaId": "x"}, ["personaId: pattern"]),
        ({"personaId": UUID, "name": "x"}, ["name: additionalProperties"]),
        ({"directorNotes": {"presetStyle": "warm", "customStylePrompt": "x"}}, ["directorNotes: not"]),
        ({"tools": [TOOL]}, ["tools[0].subtype: required"]),
        ({"tools": [{"type": "client"}, {"name": "b"}]}, ["tools[0].name: required", "tools[1].type: required"]),
        ({"tools": [{**TOOL, "subtype": "webhook", "headers": {"x": 5}}]}, ["tools[0].headers.x: type"]),
        # Bytes are counted as compact JSON in UTF-8: 10,000 are allowed.
        ({"tools": [{**CLIENT, "parameters": {"a": "é" * 4996}}]}, []),
        ({"tools": [{**CLIENT, "parameters": {"a": "é" * 4996 + "x"}}]}, ["tools[0].parameters: x-maxBytes"]),
        ({VOICE: {"emotion": "joy"}}, [f"{VOICE}.emotion: enum"]),
        ({VOICE: {"style": 1, "speed": 1.5}}, [f"{VOICE}.speed: maximum"]),
        ({VOICE: {"emotion": "calm", "speed": 1.8}}, [f"{VOICE}.speed: maximum"]),
    ],
)
def test_the_field_and_rule_are_those_of_the_alternative_that_was_meant(persona, expected):
    """Of a `oneOf` only one branch is talked about."""
    told = [f"{problem.path}: {problem.code}" for problem in problems("PersonaConfig", persona)]
    assert sorted(told) == sorted(expected)


def test_a_kind_that_nobody_knows_is_told_the_kinds_there_are():
    """The message lists the values of all alternatives."""
    told = [str(problem) for value in ({"type": "nonsense", "name": "a"}, 5) for problem in problems("Tool", value)]
    assert told == ["type: the value is not one of client, server, system", 'the value is not of type "object"']
