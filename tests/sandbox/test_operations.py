"""Minting a token and starting a session: what is read, validated and remembered, in both modes.

The model of an account, in `test_contract`, proves that plan, cap, slots, used, expired and legacy tokens are refused.
"""

import base64
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from anam_facade.sandbox.service import bearer_of, parse_duration, token_type
from tests.sandbox.support import EXAMPLES, INLINE, LIVEKIT, MINT, SAVED, START, UUID, Api, Clock

OTHER = "30fa96d0-26c4-4e55-94a0-517025942e18"
CARA3, CARA4 = {**INLINE, "avatarModel": "cara-3"}, {**INLINE, "avatarModel": "cara-4"}
PASSTHROUGH = {"avatarId": UUID, "enableAudioPassthrough": True}
TOOL = {"type": "client", "name": "a"}
DAILY = {"egress": {"mode": "daily", "daily": {"roomUrl": "https://rooms.example.org/a", "token": "daily-secret"}}}


def test_the_type_follows_the_persona():
    """Inline without llmId and voiceId it is a legacy token, unless audio or agent come from outside."""
    avatar = {"avatarId": UUID}
    agents = [{"personaConfig": avatar, "environment": EXAMPLES["MintElevenLabsAgent"]["environment"]}]
    agents += [{"personaConfig": avatar, "environment": EXAMPLES["StartDirectAgora"]["environment"]}]
    ephemeral = [{"voiceId": UUID}, {"llmId": "CUSTOMER_CLIENT_V1"}, {"brainType": UUID}, PASSTHROUGH]
    legacy = [avatar, {**avatar, "enableAudioPassthrough": False, "llmId": ""}, {}, 5]
    assert token_type({"personaConfig": SAVED}) == "stateful"
    assert {token_type(config) for config in [*agents, *({"personaConfig": one} for one in ephemeral)]} == {"ephemeral"}
    assert {token_type({"personaConfig": persona, "environment": 5}) for persona in legacy} == {"legacy"}


def test_the_bearer_is_what_stands_behind_the_scheme():
    """The scheme's letters may be small or large."""
    expected = {None: None, "": None, "Bearer ": None, "bearer  a ": "a", "Basic a": None, "a": None}
    assert {header: bearer_of(header) for header in expected} == expected


def test_a_duration_is_a_number_and_a_unit():
    """Seconds, minutes, hours, days and weeks, up to a year; anything else is none."""
    durations = {"90s": 90, "30m": 1800, "1h": 3600, "2d": 172_800, "2w": 1_209_600, "1.5h": 5400, " 5 m ": 300}
    others = dict.fromkeys(("soon", "1y", "", "-1h", "1e9d", "367d", "\u0661s", 60, None))
    assert {text: parse_duration(text) for text in durations | others} == durations | others


def test_a_token_is_a_signed_jwt_with_the_claims_seen_in_the_wild(serve):
    """The claims are account, type, issue and expiry (one hour later), and an id that the ledger knows."""
    api = serve(clock=(clock := Clock()))
    token = api.token()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert set(claims) == {"accountId", "type", "iat", "exp", "jti"}
    assert (claims["iat"], claims["exp"]) == (int(clock.now), int(clock.now) + 3600)
    (record,) = api.sandbox.tokens
    assert (record.id, record.type, record.minted_at) == (claims["jti"], claims["type"], clock.now)
    assert record.expires_at == clock.now + 3600
    assert token not in repr(api.sandbox.tokens)


def test_minting_validates_almost_nothing_unless_strict(serve):
    """A lifetime that is none is the usual one; strictly it is answered 400, naming the field."""
    api = serve(token_lifetime=60, clock=(clock := Clock()))
    persona = {**INLINE, "avatarId": "bogus", "tools": [{"type": "nonsense", "name": "a\x00b"}]}
    api.token(persona, environment=5, clientLabel=["a"], something="else", expiresIn="soon")
    assert api.sandbox.tokens[0].expires_at == clock.now + 60
    assert api.start(api.token(expiresIn=60)).status_code == 200
    api.sandbox.configure(strict=True)
    assert [problem["path"] for problem in api.mint(expiresIn="soon").json()["details"]] == ["expiresIn"]
    assert api.mint(expiresIn="1h").status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"personaConfig": null}', "application/json", 400),
        (b'{"personaConfig": {}}', "text/plain", 400),
        (b'{"personaConfig": {}}', "application/json; charset=utf-8", None),
        (b'{"personaConfig": "' + b"x" * (1 << 20) + b'"}', "application/json", 413),
    ],
)
def test_what_is_no_json_object_is_refused(api, body, content_type, status):
    """By either operation; nothing is minted, and the connection goes on working."""
    for path, otherwise in ((MINT, 200), (START, 201)):
        answer = api.post(path, body, api.sandbox.api_key, headers={"Content-Type": content_type})
        assert answer.status_code == (status or otherwise)
    assert len(api.sandbox.tokens) == (status is None)
    assert api.mint().status_code == 200


def test_credentials_that_are_not_this_account_s_are_refused(serve):
    """Another account's, one without a signature, one with another secret, one from before a reset, or none at all."""
    api = serve()
    token = api.token()
    payload = jwt.decode(token, options={"verify_signature": False})
    unsigned, resigned = (jwt.encode(payload, key, alg) for key, alg in ((None, "none"), (b"x" * 32, "HS256")))
    for bearer in (serve().token(), unsigned, resigned, "\xff.\xff.\xff"):
        raw = {"Authorization": f"Bearer {bearer}".encode("latin-1"), "Content-Type": b"application/json"}
        response = api.http.post(START, content=b"{}", headers=raw)
        assert (response.status_code, response.json()) == (401, EXAMPLES["ErrorBadToken"])
        assert response.headers["www-authenticate"] == "Bearer"
    assert api.mint(bearer=token).json() == EXAMPLES["ErrorBadKey"]
    api.start(token)
    api.sandbox.configure(has_plan=False)
    assert api.start(token).json() == EXAMPLES["ErrorBadToken"], "it was used, whatever else is in the way"
    api.sandbox.reset()
    assert api.start(token).json() == EXAMPLES["ErrorBadToken"]
    assert api.start("no-jwt").json() == EXAMPLES["ErrorBadKey"]
    assert [api.post(path, {}, None).status_code for path in (MINT, START)] == [401, 401]
    assert api.sandbox.sessions == api.sandbox.tokens == ()


@pytest.mark.parametrize(("slots", "won", "lost"), [(None, 1, 401), (5, 5, 429)])
def test_of_simultaneous_starts_as_many_win_as_may(serve, slots, won, lost):
    """However many requests arrive at once, a token starts one session, and a slot is given once."""
    api, gate = serve(max_sessions=slots), threading.Barrier(40)
    token = api.token()

    def start(_):
        with (own := Api(api.sandbox)).http:
            gate.wait(10)
            return (own.start(token) if slots is None else own.direct()).status_code

    with ThreadPoolExecutor(40) as threads:
        statuses = Counter(threads.map(start, range(40)))
    assert statuses == {200 if slots is None else 201: won, lost: 40 - won}


def test_the_ledger_has_what_a_session_was_started_with(serve):
    """What was bound to the token, or sent with the key, the caller's metadata, how it was started and why it ended."""
    api, metadata = serve(clock=(clock := Clock())), {"clientMetadata": {"client": "test"}}
    persona = {**INLINE, "maxSessionLengthSeconds": 60}
    config = {"clientLabel": "kiosk", "sessionOptions": {"region": "us-west"}}
    answers = [api.start(api.token(persona, **config), metadata), api.direct(persona, **config, **metadata)]
    assert [(answer.status_code, answer.json()["region"]) for answer in answers] == [(200, "us-west"), (201, "us-west")]
    (by_token, direct), (minted,) = api.sandbox.sessions, api.sandbox.tokens
    assert (by_token.mode, by_token.token_id, minted.used_by) == ("token", minted.id, (by_token.id,))
    assert (direct.mode, direct.token_id) == ("direct", None)
    for session, answer in zip(api.sandbox.sessions, answers, strict=True):
        assert (session.id, session.persona, session.label) == (answer.json()["sessionId"], persona, "kiosk")
        assert (session.client_metadata, session.session_options) == ({"client": "test"}, {"region": "us-west"})
        assert (session.active, session.delivered, session.ended_at) == (True, True, None)
    assert api.direct(persona).json()["region"] == EXAMPLES["StartedForBrowser"]["region"]  # not that of another
    clock.now += 61
    assert {(one.ended_at, one.end_reason) for one in api.sandbox.sessions} == {(clock.now - 1, "max_length")}


def test_in_a_room_there_is_no_engine_to_connect_to(api):
    """In both modes the ledger knows LiveKit's room, but not the token; one that cannot be read is the room's to judge.

    With Agora the answer has the address of a socket.
    """
    payload = base64.urlsafe_b64encode(b'{"video": {"room": "lobby"}}').rstrip(b"=").decode()
    rooms = {f"e30.{payload}.c2ln": "lobby", "no jwt": None, "a.b.c": None, "e30.e30.c2ln": None}
    for token in rooms:
        for response in api.in_both_modes(environment={**LIVEKIT, "livekitToken": token}):
            assert set(response.json()) == {"sessionId", "region", "clientConfig"}
    for session in api.sandbox.sessions:
        token = session.environment["livekitToken"]
        assert (session.livekit_url, session.livekit_room) == (LIVEKIT["livekitUrl"], rooms[token])
        assert token not in repr(session)
    agora = api.post(START, EXAMPLES["StartDirectAgora"], api.sandbox.api_key).json()
    assert agora["websocketAddress"] == EXAMPLES["StartedForAgora"]["websocketAddress"]
    assert "engineHost" not in agora


@pytest.mark.parametrize(
    ("body", "status"),
    [
        # Bound to the token, and not to be said again; no JSON object.
        ({"clientLabel": "x"}, 400),
        ({"sessionOptions": {}, "environment": {}}, 400),
        ({"personaConfig": {"personaId": "bogus"}}, 400),
        (b" ", 400),
        # What the vendor's clients send: nothing, the persona once more, voice detection in either place.
        (b"", 200),
        ({"clientMetadata": {"client": "js-sdk"}, "personaConfig": SAVED}, 200),
        ({"sessionOptions": {"voiceDetection": {"endOfSpeechSensitivity": 0.5}}}, 200),
        ({"voiceDetection": {"endOfSpeechSensitivity": 0.5}}, 200),
    ],
)
def test_with_a_token_the_body_says_little(api, body, status):
    """The configuration is the token's; who says more is answered 400, and starts nothing."""
    assert api.start(api.token(), body).status_code == status
    assert len(api.sandbox.sessions) == (status == 200)


def size(width, height):
    return {"sessionOptions": {"videoWidth": width, "videoHeight": height}}


@pytest.mark.parametrize(
    ("persona", "more", "refused"),
    [
        ({**INLINE, "avatarModel": "cara-99"}, {}, '"path":"personaConfig.avatarModel","code":"x-extensible-enum"'),
        ({**INLINE, "tools": [TOOL] * 2}, {}, '"path":"personaConfig.tools","code":"x-uniqueBy"'),
        (INLINE, {"environment": {**LIVEKIT, "livekitUrl": "x"}}, '"path":"environment.livekitUrl","code":"format"'),
        (INLINE, {"sessionOptions": DAILY}, '"path":"sessionOptions.egress","code":"enableAudioPassthrough"'),
        (INLINE, {"clientLabel": "x" * 129}, '"path":"clientLabel","code":"maxLength"'),
        # Sizes depend on the model; where it is not known, those of any are supported.
        (CARA3, size(720, 480), ""),
        (CARA3, size(1152, 768), '"supportedDimensions":["720x480"]'),
        (CARA4, size(768, 1152), ""),
        (CARA4, size(720, 480), '"supportedDimensions":["1152x768","768x1152"]'),
        (SAVED, size(720, 480), ""),
        (INLINE, size(480, 720), '"supportedDimensions":["720x480","1152x768","768x1152"]'),
        # An avatar alone with audio from outside; regions, styles and keys of tools that nobody has heard of.
        (PASSTHROUGH, {"sessionOptions": DAILY}, ""),
        ({**INLINE, "directorNotes": {"presetStyle": "aloof"}}, {"sessionOptions": {"region": "moon"}}, ""),
        ({**INLINE, "tools": [{**TOOL, "new": 1}]}, {}, ""),
    ],
)
def test_the_start_judges_what_minting_let_pass(api, persona, more, refused):
    """In both modes: a wrong configuration is answered 400 with path and rule, and starts nothing."""
    answers = api.in_both_modes(persona, **more)
    assert [answer.status_code for answer in answers] == ([400, 400] if refused else [200, 201])
    assert all(refused in answer.text for answer in answers)
    assert len(api.sandbox.sessions) == (0 if refused else 2)


def test_every_problem_is_listed_and_no_value_is_quoted(api):
    """A refusal must not repeat a credential that stands in the wrong place. `expiresIn` goes with a token only."""
    secret = "hunter2-hunter2"
    persona = {**INLINE, "voiceId": secret, "toolIds": [secret]}
    response = api.direct(persona, environment={**LIVEKIT, "livekitUrl": secret}, expiresIn="1h")
    problems = {problem["path"] for problem in response.json()["details"]}
    assert response.json()["summary"] == "4 problems in the request"
    assert response.json()["message"].count(": ") == 4
    assert problems == {"personaConfig.voiceId", "personaConfig.toolIds[0]", "environment.livekitUrl", "expiresIn"}
    assert secret not in response.text


def test_avatars_can_be_unknown_and_models_gated(serve):
    """404 in both modes, naming the id; 403 for those models only."""
    api = serve(unknown_avatars=(OTHER,), gated_models=("cara-4",))
    for refused in api.in_both_modes({**INLINE, "avatarId": OTHER}):
        assert (refused.status_code, refused.json()["message"]) == (404, f"Avatar {OTHER} not found")
    models = ("cara-4", "cara-4-latest")
    assert [api.direct({**INLINE, "avatarModel": model}).status_code for model in models] == [403, 201]
