"""Proves that the facade and openapi.yaml understand each other: `make interop`.

Prism is a server made from the document and nothing else. It checks what it is sent (bearer, body) and answers with the
document's examples, with any status it is asked for (`Prefer: code=429`), or with values made up from the schemas
(`Prefer: dynamic=true`). It must accept whatever the facade sends, and the facade must understand whatever it answers.

What Prism does not check: `dependentRequired`, `unevaluatedProperties`, the `x-` extensions, and which bearer it is.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import httpx
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

import tools
from anam_facade import (
    AnamClient,
    AnamConfigError,
    AnamConfigWarning,
    AnamError,
    AnamStatusError,
    AsyncAnamClient,
    AuthenticationError,
    BadRequestError,
    CartesiaSonic3VoiceOptions,
    ClientTool,
    ConcurrencyLimitError,
    DailyEgress,
    DirectorNotes,
    ElevenLabsV1VoiceOptions,
    ElevenLabsV2VoiceOptions,
    EngineSession,
    FishAudioVoiceOptions,
    KnowledgeTool,
    LiveKitEnvironment,
    PermissionDeniedError,
    PersonaConfig,
    PlanRequiredError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    ServiceBusyError,
    SessionOptions,
    SessionToken,
    SpendCapError,
    SystemTool,
    Tool,
    VoiceDetectionOptions,
    VoiceGenerationOptions,
    WebhookTool,
    openapi_path,
)

API_KEY = "ak-prism"
UUID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
SAVED = PersonaConfig.saved(UUID)
ONCE = RetryPolicy(max_attempts=1)
MINT, START = "/v1/auth/session-token", "/v1/engine/session"
GENERATED = 150
DYNAMIC = 5
"""How many made-up answers of each operation and status are looked at."""

DOCUMENT: dict[str, Any] = yaml.safe_load(openapi_path().read_text("utf-8"))

# --- The server -----------------------------------------------------------------------------------


@contextmanager
def prism() -> Iterator[tuple[str, Path]]:
    """Serves the document on a free port of this machine; gives the address, and the file with what Prism says."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        # node itself rather than the script that finds it, for this is the process to stop.
        program = ["node", str(tools.MODULES / "@stoplight/prism-cli/dist/index.js")]
        with said.open("wb") as output:
            process = subprocess.Popen(
                [*program, "mock", str(openapi_path()), "--host", "127.0.0.1", "--port", str(port)],
                env={**os.environ, **tools.QUIET, "NO_COLOR": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_for(process, port, said)
            yield f"http://127.0.0.1:{port}", said
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, said: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"Prism does not serve {openapi_path()}:\n{said.read_text('utf-8')[-2000:]}")


# --- The road there -------------------------------------------------------------------------------


@attrs.frozen
class Sent:
    """A request as it left."""

    path: str
    bearer: str
    body: Any


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Keeps a copy of what is sent, and adds the header that the facade has no argument for.

    Attributes:
        prefer: What Prism is asked to answer, for one path.
        sent: The requests of the call under way.
        ever: All of them.
    """

    def __init__(self) -> None:
        self.prefer: tuple[str, str] | None = None
        self.sent: list[Sent] = []
        self.ever: list[Sent] = []
        self._sync, self._async = httpx.HTTPTransport(), httpx.AsyncHTTPTransport()

    def expect(self, prefer: tuple[str, str] | None) -> None:
        self.prefer, self.sent = prefer, []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._sync.handle_request(self._noted(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._async.handle_async_request(self._noted(request))

    def close(self) -> None:
        self._sync.close()

    async def aclose(self) -> None:
        await self._async.aclose()

    def _noted(self, request: httpx.Request) -> httpx.Request:
        path, bearer = request.url.path, request.headers["Authorization"].removeprefix("Bearer ")
        sent = Sent(path, bearer, json.loads(request.content))
        self.sent.append(sent)
        self.ever.append(sent)
        if self.prefer is not None and self.prefer[0] == path:
            request.headers["Prefer"] = self.prefer[1]
        return request


# --- What is asked --------------------------------------------------------------------------------

Call = Callable[[Any], Any]
"""Calls a method of either client; the async one's gives an awaitable."""

Check = Callable[[Any], str]
"""What is wrong with what a call returned or raised; nothing, when it is as it should be."""


@attrs.frozen
class Probe:
    """A call, made with both clients, and what must come of it.

    Attributes:
        row: Line of the table that it counts for.
        name: What to call it when it fails.
        call: The call.
        check: What must come of it.
        prefer: What Prism is asked to answer, for one path.
    """

    row: str
    name: str
    call: Call
    check: Check
    prefer: tuple[str, str] | None = None


def mint(persona: Any, **options: Any) -> Call:
    return lambda client: client.create_session_token(persona, **options)


def start(**options: Any) -> Call:
    return lambda client: client.start_engine_session(TOKEN, **options)


def both_steps(persona: Any, **options: Any) -> Call:
    return lambda client: client.start_session(persona, **options)


def direct(persona: Any, **options: Any) -> Call:
    return lambda client: client.start_session(persona, direct=True, **options)


def shapes() -> Iterator[tuple[str, Call]]:
    """Every kind of request, and every field that there is."""
    inline = PersonaConfig(name="Cara", avatar_id=UUID, voice_id=UUID, llm_id=UUID)
    room = LiveKitEnvironment("wss://rooms.example.org", "header.payload.signature")
    schema = {"type": "object", "properties": {"page": {"type": "string"}}}
    tools: list[Tool] = [
        ClientTool(name="open_page", description="Opens a page.", parameters=schema, extra={"later": [1, None]}),
        WebhookTool(
            name="order_status",
            description="Looks up an order.",
            parameters=schema,
            url="https://shop.example.org/orders",
            method="POST",
            headers={"X-Shop": "secret"},
            query_parameters=schema,
            await_response=True,
        ),
        KnowledgeTool(name="handbook", description="Searches.", parameters=schema, document_folder_ids=[UUID]),
        SystemTool(name="end_call", description="Ends the call.", parameters=schema),
    ]
    everything = PersonaConfig(
        type="ephemeral",
        name="Cara",
        avatar_id=UUID,
        avatar_model="cara-4",
        voice_id=UUID,
        llm_id=UUID,
        system_prompt="You greet.",
        personality="Calm.",
        max_session_length_seconds=600,
        language_code="en",
        skip_greeting=False,
        uninterruptible_greeting=True,
        initial_message="Hello. ¿Qué tal? 👋",
        zero_data_retention=True,
        enable_audio_passthrough=True,
        metadata={"course": ["algebra", 1, None, {"deep": True}]},
        voice_detection_options=VoiceDetectionOptions(
            end_of_speech_sensitivity=0.5,
            silence_before_skip_turn_seconds=0,
            silence_before_session_end_seconds=7200,
            silence_before_auto_end_turn_seconds=0.5,
            speech_enhancement_level=1,
        ),
        voice_generation_options=CartesiaSonic3VoiceOptions(volume=1.1, speed=0.9, emotion="calm"),
        director_notes=DirectorNotes(preset_style="warm", expressivity=0.6),
        tools=tools,
        tool_ids=[UUID],
    )
    options = SessionOptions(
        enable_session_replay=False,
        video_quality="high",
        video_width=1152,
        video_height=768,
        show_ai_avatar_disclosure=True,
        region="eu",
        region_policy="strict",
        egress=DailyEgress(room_url="https://rooms.example.org/a", token="daily", user_name="Tutor"),
        end_of_speech_sensitivity=0.7,
    )
    whole = {"session_options": options, "client_label": "interop"}
    metadata = {"client": "interop", "version": [2, 3, None]}
    voices: list[VoiceGenerationOptions] = [
        ElevenLabsV1VoiceOptions(stability=0.5, similarity_boost=0.5, speed=1.2),
        ElevenLabsV2VoiceOptions(
            stability=0, similarity_boost=1, speed=0.7, style=0.5, use_speaker_boost=True, model="eleven_v2"
        ),
        FishAudioVoiceOptions(volume=2, speed=0.5),
    ]

    yield "mint, saved", mint(SAVED)
    yield "mint, saved, passthrough", mint(PersonaConfig.saved(UUID, enable_audio_passthrough=True))
    for name, make in {"mint": mint, "both steps": both_steps, "direct": direct}.items():
        yield f"{name}, inline", make(inline)
        yield f"{name}, LiveKit", make(PersonaConfig(avatar_id=UUID), environment=room)
        yield f"{name}, everything", make(everything, environment=room, **whole)
        for voice in voices:
            styled = DirectorNotes(custom_style_prompt="Nods.")
            persona = PersonaConfig(voice_id=UUID, voice_generation_options=voice, director_notes=styled)
            yield f"{name}, {type(voice).__name__}", make(persona)
        for tool in tools:
            yield f"{name}, {type(tool).__name__}", make(PersonaConfig(voice_id=UUID, tools=[tool]))
    for name, example in examples_of_mints():
        yield f"mint, the document's {name}", mint(example["personaConfig"], **arguments(example))
    yield "mint with a lifetime", mint(SAVED, expires_in="1h")
    yield "start with a token", start()
    yield "start with a token and metadata", start(client_metadata=metadata)
    yield "both steps, metadata", both_steps(SAVED, client_metadata=metadata)
    yield "direct, metadata", direct(SAVED, client_metadata=metadata)


def examples_of_mints() -> Iterator[tuple[str, Any]]:
    body = DOCUMENT["paths"][MINT]["post"]["requestBody"]["content"]["application/json"]
    for name, example in body["examples"].items():
        yield name, resolved(example)["value"]


def arguments(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body of the document's as the facade's arguments, the persona apart."""
    names = {
        "environment": "environment",
        "sessionOptions": "session_options",
        "clientLabel": "client_label",
        "expiresIn": "expires_in",
        "clientMetadata": "client_metadata",
    }
    return {names[name]: value for name, value in body.items() if name != "personaConfig"}


def generated() -> Iterator[tuple[str, Call]]:
    """Requests that a generator makes of the schemas, as far as the facade takes them."""
    schema = schemathesis.openapi.from_path(openapi_path())
    bodies: list[tuple[str, Any]] = []
    for path in CALLS:
        cases = schema[path]["POST"].as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)

        @settings(
            max_examples=GENERATED // len(CALLS),
            phases=[Phase.generate],
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(path=st.just(path), case=cases)
        def collect(path: str, case: schemathesis.Case[Any]) -> None:
            bodies.append((path, case.body))

        collect()
    for number, (path, body) in enumerate(bodies):
        if "personaConfig" in body:
            make = mint if path == MINT else direct
            yield f"{path} {number}", make(body["personaConfig"], **arguments(body))
        else:
            yield f"{path} {number}", start(**arguments(body))


# --- What must come of it -------------------------------------------------------------------------


def is_accepted(outcome: Any) -> str:
    """Prism's answer to what it accepts is the first example of a 200."""
    if isinstance(outcome, SessionToken):
        return "" if outcome.value == TOKEN else "another token than the document's"
    return differs(outcome, {**resolved(DOCUMENT["components"]["examples"]["StartedForBrowser"])["value"]})


# What the facade refuses although the schemas allow it: what the document says in words, and 1152.0 for 1152.
BEYOND_SCHEMAS = {
    "needs persona.enable_audio_passthrough to be true",
    "is the old name of persona.llmId and contradicts it",
    "must be a whole number, not float",
}


def is_accepted_or_refused_before(outcome: Any) -> str:
    """Some of what the schemas allow breaks a rule in words; the facade refuses that before anything is sent."""
    if isinstance(outcome, AnamConfigError):
        others = [str(problem) for problem in outcome.problems if problem.rule not in BEYOND_SCHEMAS]
        return f"refused by the facade: {'; '.join(others)}" if others else ""
    return is_accepted(outcome)


def differs(session: Any, said: Mapping[str, Any]) -> str:
    """How a started session differs from what the server said of it."""
    if not isinstance(session, EngineSession):
        return f"{session!r} instead of a session"
    names = {"sessionId": "session_id", "engineHost": "engine_host", "engineProtocol": "engine_protocol"}
    names |= {"signallingEndpoint": "signalling_endpoint", "region": "region", "clientConfig": "client_config"}
    wrong = [name for name in names if name != "clientConfig" and getattr(session, names[name]) != said.get(name)]
    if session.raw != said:
        wrong.append("raw")
    config, expected = session.client_config, said.get("clientConfig")
    if (config is None) != (expected is None):
        wrong.append("clientConfig")
    elif config is not None and expected is not None:
        urls = [[server["urls"]] if isinstance(server["urls"], str) else server["urls"] for server in ice(expected)]
        pairs = {
            "heartbeatIntervalSeconds": (config.heartbeat_interval_seconds, 5),
            "maxWsReconnectionAttempts": (config.max_ws_reconnection_attempts, 5),
            "iceTransportPolicy": (config.ice_transport_policy, None),
        }
        wrong += [name for name, (read, default) in pairs.items() if read != expected.get(name, default)]
        if [list(server.urls) for server in config.ice_servers] != urls:
            wrong.append("iceServers")
        for key in ("username", "credential"):
            if [getattr(server, key) for server in config.ice_servers] != [server.get(key) for server in ice(expected)]:
                wrong.append(f"iceServers.{key}")
    return f"read wrongly: {', '.join(wrong)}" if wrong else ""


def ice(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(config.get("iceServers", []))


CLASSES: Mapping[int, type[AnamError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PlanRequiredError,
    403: PermissionDeniedError,
    429: RateLimitError,
    503: ServiceBusyError,
}
CLASSES_BY_TEXT = {"Concurrent session limit reached": ConcurrencyLimitError, "Spend cap reached": SpendCapError}


def is_the_error(path: str, status: int, said: Mapping[str, Any], waits: bool) -> Check:
    """A check for the error that a status and a body mean."""
    cls = CLASSES_BY_TEXT.get(said.get("error", "")) or CLASSES.get(status)
    cls = cls or (ServerError if status >= 500 else AnamStatusError)
    # A start that failed with a 5xx may have been carried out all the same; 503 says that it was not.
    started = path == START and status >= 500 and status != 503

    def check(outcome: Any) -> str:
        if type(outcome) is not cls:
            return f"{outcome!r} instead of {cls.__name__}"
        expected = {
            "status_code": status,
            "path": path,
            "code": said.get("error"),
            "message": said.get("message"),
            "details": said.get("details"),
            "retry_after": 2.0 if waits else None,
            "attempts": 1,
            "may_have_started": started,
        }
        wrong = [name for name, value in expected.items() if getattr(outcome, name) != value]
        return f"{cls.__name__} with wrong {', '.join(wrong)}" if wrong else ""

    return check


def is_typed(outcome: Any) -> str:
    """Whatever the schema allows is a result, all of it read, or an error of ours."""
    if isinstance(outcome, EngineSession):
        return differs(outcome, outcome.raw)
    return "" if isinstance(outcome, SessionToken | AnamError) else f"{outcome!r} is neither result nor error"


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


TOKEN: str = resolved(DOCUMENT["components"]["examples"]["Minted"])["value"]["sessionToken"]
CALLS: Mapping[str, Mapping[str, Call]] = {
    MINT: {"a mint": mint(SAVED), "both steps": both_steps(SAVED)},
    START: {"a start": start(), "a direct start": direct(SAVED), "both steps": both_steps(SAVED)},
}


def answers() -> Iterator[Probe]:
    """Every example of every response of the document, and values made up for each of its schemas."""
    check: Check
    for path, calls in CALLS.items():
        for key, reference in DOCUMENT["paths"][path]["post"]["responses"].items():
            response = resolved(reference)
            waits = "Retry-After" in response.get("headers", {})
            examples = response["content"]["application/json"]["examples"]
            # `default` stands for every status that has no entry of its own.
            for status in [404, 408, 418, 502, 504] if key == "default" else [int(key)]:
                for by, call in calls.items():
                    if path == MINT and by == "both steps" and status < 300:
                        continue  # goes on to the start, which other probes look at
                    for example in examples:
                        said = resolved(examples[example])["value"]
                        name = f"{status} {example}, {by}"
                        prefer = path, f"code={status}, example={example}"
                        if status >= 300:
                            check = is_the_error(path, status, said, waits)
                            yield Probe("the facade understands every example of an error", name, call, check, prefer)
                        else:
                            check = is_accepted if path == MINT else partial(differs, said=said)
                            yield Probe("the facade understands every example of a success", name, call, check, prefer)
                    for number in range(DYNAMIC):
                        prefer = path, f"code={status}, dynamic=true"
                        name = f"made up {status} no. {number}, {by}"
                        yield Probe("the facade understands made-up answers", name, call, is_typed, prefer)


def probes() -> Iterator[Probe]:
    for name, call in shapes():
        yield Probe("Prism accepts every kind of request", name, call, is_accepted)
    for name, call in generated():
        yield Probe("Prism accepts generated requests", name, call, is_accepted_or_refused_before)
    yield from answers()


# --- Running it -----------------------------------------------------------------------------------


@attrs.define
class Table:
    """What was tried, and what went wrong, line by line."""

    tried: Counter[str] = attrs.field(factory=Counter)
    failures: dict[str, list[str]] = attrs.field(factory=dict)
    notes: dict[str, str] = attrs.field(factory=dict)

    def add(self, row: str, name: str, problem: str = "") -> None:
        self.tried[row] += 1
        if problem:
            self.failures.setdefault(row, []).append(f"{name}: {problem}")

    def __str__(self) -> str:
        lines = []
        for row, count in self.tried.items():
            failures = self.failures.get(row, [])
            lines.append(f"{'FAILED' if failures else 'ok    '} {row:52} {count:5} {self.notes.get(row, '')}".rstrip())
            lines += [f"         {failure}"[:400] for failure in failures[:5]]
            if len(failures) > 5:
                lines.append(f"         … and {len(failures) - 5} more")
        return "\n".join(lines)


def run_sync(probes: Sequence[Probe], base_url: str, wire: Wire | None) -> list[tuple[Probe, Any, list[Sent]]]:
    done = []
    with AnamClient(API_KEY, base_url, retry=ONCE, transport=wire) as client:
        for probe in probes:
            if wire is not None:
                wire.expect(probe.prefer)
            try:
                outcome = probe.call(client)
            except Exception as error:  # of whatever kind; the check says whether it is the right one
                outcome = error
            done.append((probe, outcome, wire.sent if wire is not None else []))
    return done


async def run_async(probes: Sequence[Probe], base_url: str, wire: Wire | None) -> list[tuple[Probe, Any, list[Sent]]]:
    done = []
    async with AsyncAnamClient(API_KEY, base_url, retry=ONCE, transport=wire) as client:
        for probe in probes:
            if wire is not None:
                wire.expect(probe.prefer)
            try:
                outcome = await probe.call(client)
            except Exception as error:
                outcome = error
            done.append((probe, outcome, wire.sent if wire is not None else []))
    return done


def exchange(base_url: str, table: Table) -> None:
    """Makes every call with both clients, and once more those that need no `Prefer` over the clients' own pools."""
    everything = list(probes())
    own = [probe for probe in everything if probe.prefer is None]
    wires = Wire(), Wire()
    rounds = {
        "sync": run_sync(everything, base_url, wires[0]),
        "async": asyncio.run(run_async(everything, base_url, wires[1])),
        "sync, own connections": run_sync(own, base_url, None),
        "async, own connections": asyncio.run(run_async(own, base_url, None)),
    }
    kinds: Counter[tuple[str, str]] = Counter()
    for client, done in rounds.items():
        for probe, outcome, sent in done:
            row = probe.row + (", own connections" if "own" in client else "")
            table.add(row, f"{client}: {probe.name}", probe.check(outcome))
            kinds[row, type(outcome).__name__] += 1
            for request in sent:
                key = request.path == MINT or "personaConfig" in request.body
                right = request.bearer == (API_KEY if key else TOKEN)
                problem = "" if right else f"the bearer is {request.bearer}"
                table.add("the facade sends the key, or the token it was given", f"{client}: {probe.name}", problem)
    for row in table.tried:
        results = sum(count for (of, kind), count in kinds.items() if of == row and not kind.endswith("Error"))
        errors = {kind: count for (of, kind), count in kinds.items() if of == row and kind.endswith("Error")}
        if errors:
            table.notes[row] = f"{results} results, {sum(errors.values())} errors of {len(errors)} classes"
    sends_every_field([sent for wire in wires for sent in wire.ever], table)


def sends_every_field(sent: Sequence[Sent], table: Table) -> None:
    """Compares the fields of the document's requests with those that were sent."""
    for path in CALLS:
        schema = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        # The facade takes the old name of `llmId`, and sends the new one.
        missing = fields(schema) - {"personaConfig.brainType"}
        for request in sent:
            if request.path == path:
                missing -= present(request.body)
        for field in sorted(fields(schema)):
            table.add(
                "the facade sends every field of the document",
                f"{path} {field}",
                "never sent" if field in missing else "",
            )


def fields(schema: dict[str, Any], at: str = "") -> set[str]:
    schema = resolved(schema)
    found: set[str] = set()
    for alternative in [*schema.get("oneOf", ()), *schema.get("anyOf", ())]:
        found |= fields(alternative, at)
    for name, inner in schema.get("properties", {}).items():
        found |= {f"{at}{name}"} | fields(inner, f"{at}{name}.")
    return found | (fields(schema["items"], at) if "items" in schema else set())


def present(value: Any, at: str = "") -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in present(item, at)}
    if not isinstance(value, dict):
        return set()
    return {f"{at}{name}" for name in value} | {
        inner for name, item in value.items() for inner in present(item, f"{at}{name}.")
    }


def refuses(base_url: str, table: Table) -> None:
    """Being accepted means something: Prism refuses what the document forbids."""
    saved, inline = {"personaId": UUID}, {"voiceId": UUID}
    bearer = {"Authorization": f"Bearer {API_KEY}"}
    forbidden: list[tuple[str, Any]] = [
        (MINT, {}),
        (MINT, []),
        (MINT, {"personaConfig": {**saved, **inline}}),
        (MINT, {"personaConfig": {"personaId": "not-a-uuid"}}),
        (MINT, {"personaConfig": {**inline, "nonsense": 1}}),
        (MINT, {"personaConfig": saved, "nonsense": 1}),
        (MINT, {"personaConfig": saved, "clientMetadata": {}}),
        (MINT, {"personaConfig": saved, "clientLabel": "x" * 129}),
        (MINT, {"personaConfig": {**inline, "maxSessionLengthSeconds": 0}}),
        (MINT, {"personaConfig": {**inline, "skipGreeting": "no"}}),
        (MINT, {"personaConfig": {**inline, "directorNotes": {"expressivity": 2}}}),
        (MINT, {"personaConfig": {**inline, "directorNotes": {"presetStyle": "warm", "customStylePrompt": "x"}}}),
        (MINT, {"personaConfig": {**inline, "voiceGenerationOptions": {"speed": 5}}}),
        (MINT, {"personaConfig": {**inline, "tools": [{"type": "client"}]}}),
        (MINT, {"personaConfig": {**inline, "tools": [{"type": "server", "name": "a"}]}}),
        (MINT, {"personaConfig": saved, "environment": {"livekitUrl": "wss://rooms.example.org"}}),
        (MINT, {"personaConfig": saved, "sessionOptions": {"videoQuality": "low"}}),
        (MINT, {"personaConfig": saved, "sessionOptions": {"regionPolicy": "strict"}}),
        (START, {"personaConfig": saved, "expiresIn": "1h"}),
        (START, {"clientMetadata": "none"}),
        (START, {"clientLabel": "x"}),
    ]
    with httpx.Client(base_url=base_url, trust_env=False, headers={"Content-Type": "application/json"}) as client:

        def ask(path: str, content: bytes, expected: set[int], headers: Mapping[str, str]) -> None:
            status = client.post(path, content=content, headers=headers).status_code
            problem = "" if status in expected else f"answered {status}"
            table.add("Prism refuses what the document forbids", f"{path} {content[:200]!r}", problem)

        for path, body in forbidden:
            ask(path, json.dumps(body).encode(), {400, 422}, bearer)
        ask(MINT, b"{", {400, 422}, bearer)
        for path, body in ((MINT, {"personaConfig": saved}), (START, {})):
            ask(path, json.dumps(body).encode(), {200}, bearer)  # so that it is the body it refuses
            for headers in ({}, {"Authorization": "Basic YTpi"}):
                ask(path, json.dumps(body).encode(), {401}, headers)


def main() -> int:
    if tools.skips("prism", tools.node_is_missing(), "REQUIRE_NODE"):
        return 0
    tools.install_node_tools()
    # A termination must not leave Prism behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    warnings.simplefilter("error")
    # A generator does not know what looks like a mistake, or is called otherwise today.
    warnings.simplefilter("ignore", AnamConfigWarning)
    warnings.filterwarnings("ignore", "brain_type is deprecated", DeprecationWarning)
    table = Table()
    with prism() as (base_url, said):
        refuses(base_url, table)
        refused = len(said.read_bytes())
        exchange(base_url, table)
        complaints = said.read_bytes()[refused:].decode("utf-8").splitlines()
    print(table)
    if table.failures:
        print("\nWhat Prism said:", *[line for line in complaints if "Violation" in line][:20], sep="\n")
    return int(bool(table.failures))


if __name__ == "__main__":
    sys.exit(main())
