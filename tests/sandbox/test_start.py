"""Starting a session: both modes, single use, what is validated, what is absent with LiveKit."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from anam_facade.sandbox import Fault
from tests.sandbox.support import EXAMPLES, INLINE, LIVEKIT, SAVED, START, UUID, Api, Clock

OTHER = "30fa96d0-26c4-4e55-94a0-517025942e18"

Serve = Callable[..., Api]
CARA3, CARA4 = {**INLINE, "avatarModel": "cara-3"}, {**INLINE, "avatarModel": "cara-4"}
DAILY = {"egress": {"mode": "daily", "daily": {"roomUrl": "https://rooms.example.org/a", "token": "daily-secret"}}}


def test_a_token_starts_a_session_with_what_was_bound_to_it(api: Api) -> None:
    """The ledger has the token's persona and label, the caller's metadata, and how the session was started."""
    token = api.token(INLINE, clientLabel="kiosk", sessionOptions={"region": "us-west"})
    response = api.start(token, {"clientMetadata": {"client": "test"}})
    assert response.status_code == 200
    said = response.json()
    (session,) = api.sandbox.sessions
    (minted,) = api.sandbox.tokens
    assert (session.id, session.token_id, session.mode) == (said["sessionId"], minted.id, "token")
    assert (session.persona, session.label) == (INLINE, "kiosk")
    assert (session.client_metadata, session.session_options) == ({"client": "test"}, {"region": "us-west"})
    assert (session.active, session.delivered, session.ended_at) == (True, True, None)
    assert minted.used_by == (session.id,)
    assert said["region"] == "us-west"
    assert {"engineHost", "engineProtocol", "signallingEndpoint", "clientConfig"} <= set(said)


def test_the_api_key_starts_a_session_directly(api: Api) -> None:
    """One request with the whole configuration; no token is involved."""
    response = api.direct(SAVED, clientLabel="batch", clientMetadata={"client": "test"})
    assert response.status_code == 201
    (session,) = api.sandbox.sessions
    assert (session.id, session.mode, session.token_id) == (response.json()["sessionId"], "direct", None)
    assert (session.label, session.persona, session.client_metadata) == ("batch", SAVED, {"client": "test"})
    assert api.sandbox.tokens == ()


def test_with_livekit_there_is_no_engine_to_connect_to(api: Api) -> None:
    """In both modes the engine's address is absent, and the ledger knows the room, but not the token."""
    payload = base64.urlsafe_b64encode(json.dumps({"video": {"room": "lobby"}}).encode()).rstrip(b"=").decode()
    environment = {"livekitUrl": "wss://rooms.example.org", "livekitToken": f"e30.{payload}.c2ln"}
    for response in [api.start(api.token(INLINE, environment=environment)), api.direct(environment=environment)]:
        assert set(response.json()) == {"sessionId", "region", "clientConfig"}
    for session in api.sandbox.sessions:
        assert (session.livekit_url, session.livekit_room) == ("wss://rooms.example.org", "lobby")
        assert payload not in repr(session)


@pytest.mark.parametrize(
    "token", ["no jwt", "a.b.c", "a.!.c", "a.bnVsbA.c", "a.e30.c", "a.eyJ2aWRlbyI6eyJyb29tIjo1fX0.c"]
)
def test_a_livekit_token_that_cannot_be_read_is_no_obstacle(api: Api, token: str) -> None:
    """The room is unknown then; the server that owns the room is the one to judge the token."""
    assert api.direct(environment={**LIVEKIT, "livekitToken": token}).status_code == 201
    assert api.sandbox.sessions[0].livekit_room is None


@pytest.mark.parametrize("status", [401, 409])
def test_a_token_starts_one_session(serve: Serve, status: int) -> None:
    """The second start is refused with the status that was configured."""
    api = serve(used_token_status=status)
    token = api.token()
    assert [api.start(token).status_code for _ in range(3)] == [200, status, status]
    assert len(api.sandbox.sessions) == 1


def test_a_start_that_fails_does_not_use_the_token_up(serve: Serve) -> None:
    """After 402, 429, an injected 503 and a wrong body the same token still starts its session."""
    api = serve(has_plan=False, max_sessions=1)
    token = api.token()
    assert api.start(token).status_code == 402
    api.sandbox.configure(has_plan=True, spend_cap_reached=True)
    assert api.start(token).status_code == 429
    api.sandbox.configure(spend_cap_reached=False)
    api.sandbox.inject(Fault(status=503, times=1))
    assert api.start(token).status_code == 503
    assert api.start(token, {"unknown": 1}).status_code == 400
    api.direct()
    assert api.start(token).status_code == 429
    api.sandbox.end_all()
    assert api.start(token).status_code == 200


def test_64_threads_race_one_token_and_one_wins(api: Api) -> None:
    """However many requests arrive at once, the token starts one session."""
    token, gate = api.token(), threading.Barrier(64)

    def race(_: int) -> int:
        with_own_connections = Api(api.sandbox)
        with with_own_connections.http:
            gate.wait(10)
            return with_own_connections.start(token).status_code

    with ThreadPoolExecutor(64) as threads:
        statuses = Counter(threads.map(race, range(64)))
    assert statuses == {200: 1, 401: 63}
    assert len(api.sandbox.sessions) == 1


def test_a_token_that_expired_is_refused(serve: Serve) -> None:
    """By the sandbox's clock, to the moment."""
    api = serve(clock=(clock := Clock()))
    token = api.token(expiresIn="30m")
    clock.now += 1800
    assert api.start(token).status_code == 401
    clock.now -= 0.5
    assert api.start(token).status_code == 200


def test_tokens_that_were_not_minted_here_are_refused(serve: Serve) -> None:
    """Another account's, one without a signature, one with another secret, one from before a reset."""
    api, other = serve(), serve()
    token = api.token()
    payload = jwt.decode(token, options={"verify_signature": False})
    forged = [
        other.token(),
        jwt.encode(payload, None, algorithm="none"),
        jwt.encode(payload, b"x" * 32, algorithm="HS256"),
        token[:-2],
        "\xff.\xff.\xff",
    ]
    for bearer in forged:
        raw = {"Authorization": f"Bearer {bearer}".encode("latin-1"), "Content-Type": b"application/json"}
        response = api.http.post(START, content=b"{}", headers=raw)  # type: ignore[arg-type]
        assert response.status_code == 401
        assert response.json() == EXAMPLES["ErrorBadToken"]
    api.sandbox.reset()
    assert api.start(token).json() == EXAMPLES["ErrorBadToken"]
    assert api.start("no-jwt").json() == EXAMPLES["ErrorBadKey"]
    assert api.post(START, {}, None).status_code == 401
    assert api.sandbox.sessions == ()


def test_a_legacy_token_cannot_start_anything(api: Api) -> None:
    """It is answered 400, and says why."""
    response = api.start(api.token({"avatarId": UUID}))
    assert response.status_code == 400
    assert "legacy" in response.json()["message"]


@pytest.mark.parametrize(
    "body", [{"clientLabel": "x"}, {"expiresIn": "1h"}, {"sessionOptions": {}, "environment": {}}, b"[]", b" ", b"{"]
)
def test_with_a_token_the_body_says_little(api: Api, body: Any) -> None:
    """What is bound to the token is answered 400 when said again, and starts nothing."""
    assert api.start(api.token(), body).status_code == 400
    assert api.sandbox.sessions == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        {"clientMetadata": {"client": "js-sdk", "version": "4.27.0"}},
        {"clientMetadata": {}, "personaConfig": SAVED},
        {"sessionOptions": {"voiceDetection": {"endOfSpeechSensitivity": 0.5}}},
        {"voiceDetection": {"endOfSpeechSensitivity": 0.5}},
    ],
)
def test_what_the_vendors_clients_send_with_a_token_is_taken(api: Api, body: Any) -> None:
    """No body, the persona once more, voice detection where either of them puts it."""
    assert api.start(api.token(), body).status_code == 200


def test_an_avatar_alone_starts_with_audio_from_outside(api: Api) -> None:
    """The vendor's own recipe: avatar and passthrough, in both modes; Daily's egress with it."""
    persona = {"avatarId": UUID, "enableAudioPassthrough": True}
    assert api.start(api.token(persona)).status_code == 200
    assert api.direct(persona, sessionOptions=DAILY).status_code == 201


def test_an_unknown_avatar_is_not_found(serve: Serve) -> None:
    """404 at the start in both modes, naming the id; what is no UUID is unknown; minting does not look."""
    api = serve(unknown_avatars=(OTHER,))
    for avatar in (OTHER, "bogus"):
        for refused in (
            api.direct({**INLINE, "avatarId": avatar}),
            api.start(api.token({**INLINE, "avatarId": avatar})),
        ):
            assert refused.status_code == 404
            assert refused.json() == {"error": "Not found", "message": f"Avatar {avatar} not found"}
    assert api.direct(INLINE).status_code == 201


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"personaConfig": {"personaId": "bogus"}}, "personaConfig.personaId", "pattern"),
    ({"personaConfig": {**SAVED, "name": "x"}}, "personaConfig.name", "additionalProperties"),
    ({"personaConfig": {**INLINE, "voiceId": "bogus"}}, "personaConfig.voiceId", "pattern"),
    ({"personaConfig": {**INLINE, "avatarID": UUID}}, "personaConfig.avatarID", "additionalProperties"),
    ({"personaConfig": {**INLINE, "avatarModel": "cara-99"}}, "personaConfig.avatarModel", "x-extensible-enum"),
    ({"personaConfig": {**INLINE, "maxSessionLengthSeconds": 0}}, "personaConfig.maxSessionLengthSeconds", "minimum"),
    (
        {"personaConfig": {**INLINE, "voiceDetectionOptions": {"endOfSpeechSensitivity": 2}}},
        "personaConfig.voiceDetectionOptions.endOfSpeechSensitivity",
        "maximum",
    ),
    (
        {"personaConfig": {**INLINE, "directorNotes": {"presetStyle": "warm", "customStylePrompt": "x"}}},
        "personaConfig.directorNotes",
        "not",
    ),
    (
        {"personaConfig": {**INLINE, "tools": [{"type": "client", "name": "a"}] * 2}},
        "personaConfig.tools",
        "x-uniqueBy",
    ),
    (
        {"personaConfig": {**INLINE, "tools": [{"type": "client", "name": "a", "parameters": {"é": "é" * 5000}}]}},
        "personaConfig.tools[0].parameters",
        "x-maxBytes",
    ),
    ({"personaConfig": INLINE, "environment": {"livekitUrl": "wss://a"}}, "environment.livekitToken", "required"),
    ({"personaConfig": INLINE, "environment": {**LIVEKIT, "livekitUrl": "no uri"}}, "environment.livekitUrl", "format"),
    ({"personaConfig": INLINE, "sessionOptions": {"videoWidth": 720}}, "sessionOptions.videoHeight", "required"),
    ({"personaConfig": INLINE, "sessionOptions": {"regionPolicy": "strict"}}, "sessionOptions", "not"),
    ({"personaConfig": INLINE, "sessionOptions": DAILY}, "sessionOptions.egress", "enableAudioPassthrough"),
    ({"personaConfig": SAVED, "clientLabel": "x" * 129}, "clientLabel", "maxLength"),
]


@pytest.mark.parametrize(("config", "field", "rule"), WRONG)
def test_the_start_refuses_what_minting_let_pass(api: Api, config: dict[str, Any], field: str, rule: str) -> None:
    """In both modes a wrong configuration is answered 400 with path and rule, and starts nothing."""
    persona, more = config["personaConfig"], {k: v for k, v in config.items() if k != "personaConfig"}
    for response in [api.start(api.token(persona, **more)), api.direct(persona, **more)]:
        assert response.status_code == 400
        said = response.json()
        assert (said["details"][0]["path"], said["details"][0]["code"]) == (field, rule)
        assert said["message"].startswith(field)
    assert api.sandbox.sessions == ()


def test_every_problem_is_listed_and_no_value_is_quoted(api: Api) -> None:
    """A refusal must not repeat a credential that stands in the wrong place."""
    secret = "hunter2-hunter2"
    response = api.direct(
        {**INLINE, "voiceId": secret, "toolIds": [secret]}, environment={**LIVEKIT, "livekitUrl": secret}
    )
    problems = {problem["path"] for problem in response.json()["details"]}
    assert response.json()["summary"] == "3 problems in the request"
    assert problems == {"personaConfig.voiceId", "personaConfig.toolIds[0]", "environment.livekitUrl"}
    assert secret not in response.text


@pytest.mark.parametrize(
    ("persona", "width", "height", "status"),
    [
        (CARA3, 720, 480, 201),
        (CARA3, 1152, 768, 400),
        (CARA4, 1152, 768, 201),
        (CARA4, 768, 1152, 201),
        (CARA4, 720, 480, 400),
        (INLINE, 720, 480, 201),
        (SAVED, 768, 1152, 201),
        (SAVED, 480, 720, 400),
    ],
)
def test_video_sizes_depend_on_the_model(api: Api, persona: Any, width: int, height: int, status: int) -> None:
    """The contract's sizes are supported; where the model is not known, those of any model are."""
    response = api.direct(persona, sessionOptions={"videoWidth": width, "videoHeight": height})
    assert response.status_code == status
    if status == 400:
        sizes = ["720x480"] * (persona != CARA4) + ["1152x768", "768x1152"] * (persona != CARA3)
        assert response.json() == {"error": "video_dimensions_not_supported_for_model", "supportedDimensions": sizes}


def test_a_gated_model_is_not_part_of_the_plan(serve: Serve) -> None:
    """It is answered 403, unless the account has it."""
    api = serve()
    gated = {**INLINE, "avatarModel": "cara-4-latest"}
    assert api.start(api.token(gated)).status_code == 403
    assert api.direct(gated).json()["error"] == EXAMPLES["ErrorForbidden"]["error"]
    assert serve(gated_models=()).direct(gated).status_code == 201


def test_egress_goes_with_audio_passthrough(api: Api) -> None:
    """For inline and for saved personas."""
    for persona in (SAVED, INLINE):
        assert api.direct({**persona, "enableAudioPassthrough": True}, sessionOptions=DAILY).status_code == 201


def test_values_that_the_vendor_adds_without_notice_pass(api: Api) -> None:
    """Regions and preset styles nobody has heard of are no mistake; keys of tools are passed on."""
    persona = {
        **INLINE,
        "directorNotes": {"presetStyle": "aloof"},
        "tools": [{"type": "client", "name": "a", "new": 1}],
    }
    response = api.direct(persona, sessionOptions={"region": "moon"})
    assert response.status_code == 201
    assert response.json()["region"] == "moon"


def test_a_direct_start_needs_a_persona_and_takes_no_expires_in(api: Api) -> None:
    """There is no token that could bring the one, or whose life the other could set."""
    assert api.post(START, {}, api.sandbox.api_key).json()["details"][0]["path"] == "personaConfig"
    assert api.direct(expiresIn="1h").json()["details"][0]["path"] == "expiresIn"


def test_with_agora_the_engine_has_another_address(api: Api) -> None:
    """That of its socket, which carries a secret; where it runs may not be known."""
    answer = api.post(START, EXAMPLES["StartDirectAgora"], api.sandbox.api_key).json()
    assert (answer["websocketAddress"], answer["region"]) == (EXAMPLES["StartedForAgora"]["websocketAddress"], None)
    assert "engineHost" not in answer


@pytest.mark.parametrize("name", ["StartDirect", "StartDirectLiveKit", "StartDirectAgora"])
def test_the_contracts_examples_of_direct_starts_work(api: Api, name: str) -> None:
    """They are answered 201."""
    assert api.post(START, EXAMPLES[name], api.sandbox.api_key).status_code == 201


def test_without_a_plan_nothing_starts(serve: Serve) -> None:
    """402 in both modes, in the contract's words."""
    api = serve(has_plan=False)
    for response in [api.start(api.token()), api.direct()]:
        assert (response.status_code, response.json()) == (402, EXAMPLES["ErrorNoPlan"])


def test_the_spend_cap_stops_starts(serve: Serve) -> None:
    """429, told apart by its `error`."""
    api = serve(spend_cap_reached=True)
    for response in [api.start(api.token()), api.direct()]:
        assert (response.status_code, response.json()["error"]) == (429, "Spend cap reached")


def test_slots_free_when_sessions_end(serve: Serve) -> None:
    """With one slot, the second start is refused until the first session is ended, or its time is over."""
    api = serve(max_sessions=1, clock=(clock := Clock()))
    assert api.direct({**INLINE, "maxSessionLengthSeconds": 60}).status_code == 201
    refused = api.start(api.token())
    assert (refused.status_code, refused.json()) == (429, EXAMPLES["ErrorConcurrency"])
    clock.now += 60
    assert api.sandbox.active_sessions == ()
    assert api.sandbox.sessions[0].ended_at == clock.now
    second = api.direct().json()["sessionId"]
    assert api.direct().status_code == 429
    assert api.sandbox.end_session(second) is True
    assert api.sandbox.end_session(second) is False
    assert api.direct().status_code == 201
    with pytest.raises(KeyError):
        api.sandbox.end_session("no such session")


def test_slots_are_given_once(serve: Serve) -> None:
    """Of many simultaneous direct starts, as many succeed as there are slots."""
    api = serve(max_sessions=5)

    def start(_: int) -> int:
        with (own := Api(api.sandbox)).http:
            return own.direct().status_code

    with ThreadPoolExecutor(20) as threads:
        assert Counter(threads.map(start, range(40))) == {201: 5, 429: 35}
    assert api.sandbox.end_all() == 5
    assert api.sandbox.active_sessions == ()
