"""What to send, and what to make of the outcome: the two operations as generators that do no I/O.

A generator yields `Send` and `Sleep` and is resumed with what became of them, so the sync and the async client run the
same decisions (httpx's `Auth.auth_flow` is built on the same idea).
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from functools import cache, partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import attrs
from attrs import field

from ._observer import Outcome, Run
from ._plain import as_object, exact, is_a
from ._secret import Secret, scrub
from ._wire import Kind, Part, Rule, check_value, copied_object, warn
from .errors import (
    AnamConfigError,
    AnamError,
    AnamResponseError,
    AnamTimeoutError,
    ClientClosedError,
    Problem,
    SessionStartUncertainError,
    error_from_response,
    scrub_headers,
)
from .http.exchange import PROXY_ADVICE, Answer, Request, connection_error
from .persona import CUSTOMER_CLIENT_V1, PersonaConfig, WebhookTool
from .retry import Attempt, Doubt, GiveUp, Operation, Retry, decide, doubt_after, outcome, repeatable
from .session import VIDEO_SIZES, EngineSession, LiveKitEnvironment, SessionOptions, SessionToken

if TYPE_CHECKING:
    from ._settings import Settings

P = TypeVar("P", bound=Part)
T = TypeVar("T")

CLIENT_LABEL = Rule(name="clientLabel", kind=Kind.STRING, max_length=128)
EXPIRES_IN = Rule(name="expiresIn", kind=Kind.STRING)
CLIENT_METADATA = Rule(name="clientMetadata", kind=Kind.OBJECT)
_ARGUMENTS = {"client_label": CLIENT_LABEL, "expires_in": EXPIRES_IN, "client_metadata": CLIENT_METADATA}

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

# RFC 6750's b64token: what a bearer may consist of. Anything else, a newline above all, must not reach a header.
BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


@attrs.frozen
class Call:
    """One operation, ready to be sent as often as needed.

    Attributes:
        operation: What it does; decides what may be repeated.
        method, path: For messages and logs.
        bearer: The credential that travels.
        request: What the generated client makes of the body: method, URL, JSON and headers.
        secrets: All that must be masked in what the server says.
        token, client_label, environment: For finding the session when the start's fate is not known.
    """

    operation: Operation
    bearer: Secret
    request: Mapping[str, Any] = field(repr=False)
    secrets: tuple[Secret, ...] = field(repr=False)
    token: SessionToken | None = None
    client_label: str | None = None
    environment: LiveKitEnvironment | None = None

    @property
    def livekit_url(self) -> str | None:
        """Address of the LiveKit server that the engine joins."""
        if self.token is not None:
            return self.token.livekit_url
        return self.environment.url if self.environment else None

    @property
    def livekit_room(self) -> str | None:
        """Name of the room there, as far as it is known."""
        if self.token is not None:
            return self.token.livekit_room
        return self.environment.room if self.environment else None

    @property
    def method(self) -> str:
        return str(self.request["method"]).upper()

    @property
    def path(self) -> str:
        return str(self.request["url"])

    def http_request(self, settings: Settings, timeout: float) -> Request:
        """The request, its bearer included. Made anew for every attempt."""
        content = _JSON.encode(self.request["json"]).encode()
        return Request(
            self.method,
            settings.url + self.path,
            content=content,
            headers={
                **{name: value.reveal() for name, value in settings.extra_headers.items()},
                **self.request["headers"],
                "Host": settings.host,
                "Authorization": f"Bearer {self.bearer.reveal()}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Content-Length": str(len(content)),
                "User-Agent": settings.user_agent,
            },
            timeout=timeout,
        )


@attrs.frozen
class Send:
    """Asks the driver to send the request, and to resume with the answer, or with whatever exception it raised."""

    request: Request


@attrs.frozen
class Sleep:
    """Asks the driver to wait."""

    seconds: float


Flow = Generator[Send | Sleep, Answer | Exception | None, T]


@attrs.frozen(repr=False)
class Setup:
    """The arguments of a call that may hold credentials, in a thing that does not show them."""

    persona: PersonaConfig | Mapping[str, Any]
    environment: LiveKitEnvironment | Mapping[str, Any] | None = None
    session_options: SessionOptions | Mapping[str, Any] | None = None
    client_label: str | None = None
    client_metadata: Mapping[str, Any] | None = None


@cache
def generated() -> ModuleType:
    """The generated client; imported by the first client that is made, since it takes longer than the whole facade."""
    from . import _generated

    return _generated


# What to send.


def mint(
    settings: Settings,
    persona: PersonaConfig | Mapping[str, Any],
    environment: LiveKitEnvironment | Mapping[str, Any] | None,
    session_options: SessionOptions | Mapping[str, Any] | None,
    client_label: str | None,
    expires_in: str | None = None,
    client_metadata: Mapping[str, Any] | None = None,
) -> Call:
    """The call that mints a session token.

    `client_metadata` is for the start that follows; it is checked here so that nothing is sent when it is wrong.

    Raises:
        AnamConfigError: With every problem of every argument.
    """
    arguments = {"expires_in": expires_in, "client_metadata": client_metadata}
    setup = _Setup.of(settings, persona, environment, session_options, client_label, arguments)
    body = setup.body | ({} if expires_in is None else {"expiresIn": exact(expires_in)})
    request = generated().mint_request(body, settings.gateway_target("/v1/auth/session-token"))
    return setup.call(Operation.MINT, request, settings.api_key)


def start_direct(
    settings: Settings,
    persona: PersonaConfig | Mapping[str, Any],
    environment: LiveKitEnvironment | Mapping[str, Any] | None,
    session_options: SessionOptions | Mapping[str, Any] | None,
    client_label: str | None,
    client_metadata: Mapping[str, Any] | None,
) -> Call:
    """The call that starts a session with the API key."""
    setup = _Setup.of(
        settings, persona, environment, session_options, client_label, {"client_metadata": client_metadata}
    )
    body = setup.body | ({} if client_metadata is None else {"clientMetadata": copied_object(client_metadata)})
    request = generated().direct_start_request(body, settings.gateway_target("/v1/engine/session"))
    return setup.call(Operation.START_DIRECT, request, settings.api_key)


def start_with_token(settings: Settings, token: object, client_metadata: Mapping[str, Any] | None) -> Call:
    """The call that starts a session with a session token: the token, and not the API key, is the bearer."""
    token = SessionToken(token) if is_a(token, str) else token
    problems = list(_argument_problems(client_metadata=client_metadata))
    if not is_a(token, SessionToken):
        problems.append(Problem("token", "", f"must be a SessionToken or a string, not {type(token).__name__}"))
    elif token._secret == settings.api_key:
        problems.append(Problem("token", "", "must be a session token; this is the API key, which may not travel here"))
    elif not BEARER.fullmatch(token.value):
        problems.append(Problem("token", "", "must be a bearer token: letters, digits and -._~+/ only, not empty"))
    elif token.claims.get("type") == "legacy":
        rule = (
            "is of type legacy, which cannot start a session: give the persona a voice_id or an llm_id, and mint anew"
        )
        problems.append(Problem("token", "", rule))
    if problems or not isinstance(token, SessionToken):
        raise AnamConfigError(*problems)
    body = {} if client_metadata is None else {"clientMetadata": copied_object(client_metadata)}
    return Call(
        operation=Operation.START_WITH_TOKEN,
        bearer=token._secret,
        request=generated().token_start_request(body, settings.gateway_target("/v1/engine/session")),
        secrets=(settings.api_key, token._secret, *token._bound),
        token=token,
        client_label=token.client_label,
    )


@attrs.frozen
class _Setup:
    """What both ways of describing a session have in common, checked."""

    body: dict[str, Any] = field(repr=False)
    secrets: tuple[Secret, ...] = field(repr=False)
    client_label: str | None
    environment: LiveKitEnvironment | None

    @classmethod
    def of(
        cls,
        settings: Settings,
        persona: PersonaConfig | Mapping[str, Any],
        environment: LiveKitEnvironment | Mapping[str, Any] | None,
        session_options: SessionOptions | Mapping[str, Any] | None,
        client_label: str | None,
        arguments: Mapping[str, Any],
    ) -> _Setup:
        problems: list[Problem] = []
        who = _part(PersonaConfig, persona, "persona", problems)
        room = None if environment is None else _part(LiveKitEnvironment, environment, "environment", problems)
        options = (
            None if session_options is None else _part(SessionOptions, session_options, "session_options", problems)
        )
        label = settings.client_label if client_label is None else exact(client_label)
        problems += _argument_problems(client_label=label, **arguments)
        if options is not None and options.egress is not None and who is not None and not who.enable_audio_passthrough:
            problems.append(Problem("session_options.egress", "", "needs persona.enable_audio_passthrough to be true"))
        if problems or who is None:
            raise AnamConfigError(*problems)
        for_livekit = {} if room is None else what_livekit_needs(who)
        if not for_livekit:
            _warn_of_legacy(who)
        _warn_of_video_size(who, options)
        body: dict[str, Any] = {"personaConfig": who.to_dict() | for_livekit}
        secrets = [settings.api_key]
        for tool in who.tools or ():
            if isinstance(tool, WebhookTool):
                secrets += (tool.headers or {}).values()
        if room is not None:
            body["environment"] = room.to_dict()
            secrets.append(room.token)
        if options is not None:
            body["sessionOptions"] = options.to_dict()
            if options.egress is not None and options.egress.token is not None:
                secrets.append(options.egress.token)
        if label is not None:
            body["clientLabel"] = label
        return cls(body, tuple(secrets), label, room)

    def call(self, operation: Operation, request: Mapping[str, Any], bearer: Secret) -> Call:
        return Call(
            operation=operation,
            bearer=bearer,
            request=request,
            secrets=self.secrets,
            client_label=self.client_label,
            environment=self.environment,
        )


def what_livekit_needs(persona: PersonaConfig) -> dict[str, str]:
    """What LiveKit always needs on the wire; nothing for a saved persona, or one that chose a language model."""
    if persona.persona_id is not None or persona.llm_id not in (None, CUSTOMER_CLIENT_V1):
        return {}
    return {"type": "ephemeral", "llmId": CUSTOMER_CLIENT_V1}


def _part(cls: type[P], value: P | Mapping[str, Any], path: str, problems: list[Problem]) -> P | None:
    if is_a(value, cls):
        return value
    if as_object(value) is not None:
        return cls._parse(value, path, problems)
    rule = f"must be a {cls.__name__} or a mapping in the wire's form, not {type(value).__name__}"
    problems.append(Problem(path, "", rule))
    return None


def _argument_problems(**arguments: Any) -> list[Problem]:
    found: list[Problem] = []
    for name, value in arguments.items():
        if value is not None:
            found += check_value(_ARGUMENTS[name], value, name)
    return found


def _warn_of_legacy(who: PersonaConfig) -> None:
    if who.persona_id is None and who.llm_id is None and who.voice_id is None:
        warn("the persona has neither llm_id nor voice_id: Anam will mint a token of type legacy, which starts nothing")


def _warn_of_video_size(who: PersonaConfig, options: SessionOptions | None) -> None:
    sizes = VIDEO_SIZES.get(who.avatar_model or "")
    if sizes is not None and options is not None and options.video_width is not None:
        size = (options.video_width, options.video_height)
        if size not in sizes:
            known = ", ".join(f"{width}x{height}" for width, height in sizes)
            warn(f"video size {size[0]}x{size[1]} is not one of {who.avatar_model}'s ({known}); Anam refuses others")


# What to make of the outcome.


def minting(settings: Settings, setup: Setup, expires_in: str | None = None) -> Flow[SessionToken]:
    """Mints a token."""
    call = _mint(settings, setup, expires_in)
    return (yield from _attempts(settings, call, partial(_session_token, call)))


def starting(settings: Settings, token: object, client_metadata: Mapping[str, Any] | None) -> Flow[EngineSession]:
    """Starts the session of a token."""
    return (yield from _start(settings, start_with_token(settings, token, client_metadata)))


def minting_and_starting(settings: Settings, setup: Setup, *, direct: bool) -> Flow[EngineSession]:
    """Both steps, or both in one, within one deadline.

    Nothing after the first step leads back to it: a second token could start a second session.
    """
    if setup.client_label is None and settings.client_label is None and settings.auto_label:
        setup = attrs.evolve(setup, client_label=f"af-{uuid.uuid4()}")
    if direct:
        arguments = (setup.persona, setup.environment, setup.session_options, setup.client_label, setup.client_metadata)
        return (yield from _start(settings, start_direct(settings, *arguments)))
    began = time.monotonic()
    call = _mint(settings, setup, None)
    token = yield from _attempts(settings, call, partial(_session_token, call), began)
    return (yield from _start(settings, start_with_token(settings, token, setup.client_metadata), began))


def _mint(settings: Settings, setup: Setup, expires_in: str | None) -> Call:
    return mint(
        settings,
        setup.persona,
        setup.environment,
        setup.session_options,
        setup.client_label,
        expires_in,
        setup.client_metadata,
    )


def _start(settings: Settings, call: Call, began: float | None = None) -> Flow[EngineSession]:
    return (yield from _attempts(settings, call, EngineSession.from_dict, began))


def _session_token(call: Call, said: Mapping[str, Any]) -> SessionToken | None:
    value = said.get("sessionToken")
    if not isinstance(value, str) or not BEARER.fullmatch(value):
        return None
    return SessionToken(
        value,
        client_label=call.client_label,
        livekit_url=call.livekit_url,
        environment=call.environment,
        bound=call.secrets,
    )


Read = Callable[[Mapping[str, Any]], T | None]


def _attempts(settings: Settings, call: Call, read: Read[T], began: float | None = None) -> Flow[T]:
    """Sends the call until it succeeds or must not, or cannot, be tried again; the observers are told."""
    run = Run(
        call.operation,
        call.method,
        settings.url + call.path,
        call.client_label,
        call.livekit_room,
        settings.policy.max_attempts,
        began=time.monotonic(),
    )
    for observer in settings.observers:
        observer.started(run)
    ended: Outcome = "ok"
    raised: BaseException | None = None
    try:
        return (yield from _tries(settings, call, read, run, run.began if began is None else began))
    except BaseException as error:
        raised, ended = error, "error" if isinstance(error, Exception) else "cut off"
        if isinstance(error, SessionStartUncertainError):
            ended = "uncertain"
        raise
    finally:
        for observer in settings.observers:
            observer.finished(run, ended, raised)
        del raised


def _tries(settings: Settings, call: Call, read: Read[T], run: Run, began: float) -> Flow[T]:
    policy, doubt, budget = settings.policy, Doubt.NONE, settings.budgets[call.operation]
    where = settings.where(call.method, call.path)
    while True:
        timeout = settings.timeout
        if policy.deadline is not None:
            left = policy.deadline - (time.monotonic() - began)
            timeout = max(0.001, min(timeout, left))
            if run.attempts == 0 and left < policy.least:
                error: AnamError = AnamTimeoutError(f"{where}: the deadline left no time to send it", sent=False)
                error.retryable = True
                raise error
        run.attempts += 1
        for observer in settings.observers:
            observer.sending(run)
        request = call.http_request(settings, timeout)
        try:
            result = yield Send(request)
        except BaseException:
            run.taken = request.taken
            raise
        run.taken = request.taken
        if isinstance(result, Answer):
            for observer in settings.observers:
                observer.answered(run, result.status_code)
            settled = _settle(settings, call, result, read)
            if not isinstance(settled, AnamError):
                budget.earn()
                return settled
            error = settled
        else:
            assert result is not None
            error = connection_error(result, request, where, call.secrets)
        elapsed = time.monotonic() - began
        attempt = Attempt(operation=call.operation, number=run.attempts, doubt=doubt, elapsed=elapsed)
        decision = decide(attempt, error, policy, budget, settings.rng)
        for observer in settings.observers:
            observer.failed(run, error, decision.delay if isinstance(decision, Retry) else None)
        if not isinstance(decision, Retry):
            _give_up(call, error, decision, run)
        doubt = doubt_after(call.operation, doubt, error)
        yield Sleep(decision.delay)


def _give_up(call: Call, error: AnamError, decision: GiveUp, run: Run) -> NoReturn:
    error.attempts = run.attempts - (isinstance(error, ClientClosedError) and not error.sent)
    error.may_have_started = decision.may_have_started
    error.retryable = (
        not decision.uncertain and not error.may_have_started and repeatable(call.operation, outcome(error))
    )
    if not decision.uncertain:
        raise error
    uncertain = _uncertain(call, error)
    uncertain.attempts = error.attempts
    raise uncertain from error


def _settle(settings: Settings, call: Call, answer: Answer, read: Read[T]) -> T | AnamError:
    """What the answer holds, or the error that it means. Every response passes here, before anything else parses it."""
    if not answer.is_success:
        return error_from_response(
            method=call.method,
            path=call.path,
            where=settings.where(call.method, call.path),
            advice=_advice(settings, call, answer),
            status_code=answer.status_code,
            headers=answer.headers,
            body=answer.body,
            secrets=call.secrets,
        )
    why = "is not a JSON object" if answer.complete else "is too long, or wrongly compressed"
    truncated = False
    if answer.complete:
        try:
            said = json.loads(answer.body)
        except (ValueError, RecursionError):
            said = None
            truncated = answer.body.lstrip().startswith(b"{")
        if isinstance(said, dict):
            read_value = read(said)
            if read_value is not None:
                return read_value
            wanted = "sessionToken" if call.operation is Operation.MINT else "sessionId"
            why = f"has no usable {wanted}"
    # Nothing of the body goes into the message: it may hold a fresh credential, which nobody knows yet to mask.
    return AnamResponseError(
        f"{settings.where(call.method, call.path)}: {answer.status_code}, but the body {why}",
        status_code=answer.status_code,
        body=scrub(answer.body.decode("utf-8", "replace"), call.secrets),
        headers=scrub_headers(answer.headers, call.secrets),
        truncated=truncated,
    )


def _advice(settings: Settings, call: Call, answer: Answer) -> str | None:
    """Where to look, for the statuses that are mostly a matter of settings."""
    match answer.status_code:
        case 401 if call.bearer is settings.api_key:
            return f"the API key came from {settings.key_source}"
        case 407:
            return PROXY_ADVICE
        case status if 300 <= status < 400 and "Location" in answer.headers:
            return f"redirects are not followed; this one leads to {answer.headers['Location']}: correct base_url"
    return None


def _uncertain(call: Call, error: AnamError) -> SessionStartUncertainError:
    hints = [
        f"client label {call.client_label!r}" if call.client_label else "",
        f"LiveKit room {call.livekit_room!r}" if call.livekit_room else "",
    ]
    by = " or ".join(hint for hint in hints if hint)
    return SessionStartUncertainError(
        f"{call.method} {call.path}: a session may have been started, and be billed, but the answer did not arrive"
        f" ({error}); look for it{f' by {by}' if by else ''} before starting another",
        token_claims=call.token.claims if call.token else {},
        client_label=call.client_label,
        livekit_url=call.livekit_url,
        livekit_room=call.livekit_room,
    )
