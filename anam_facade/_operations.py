"""What to send, and what to make of the outcome: the two operations as generators that do no I/O.

A generator yields `Send` and `Sleep` and is resumed with what became of them, so the sync and the async client run the
same decisions (httpx's `Auth.auth_flow` is built on the same idea).
"""

from __future__ import annotations

import copy
import json
import re
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_args

import attrs
from attrs import field

from anam_api import models
from anam_api.api.auth import create_session_token
from anam_api.api.engine import create_engine_session
from anam_api.models import EngineSession
from anam_api.support import Findings, Model, Refused, Secret, as_secret, read, scrub, warn
from anam_api.types import Request as HttpRequest

from ._observer import Outcome, Run
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
from .persona import CUSTOMER_CLIENT_V1, PersonaConfig
from .retry import Attempt, Doubt, GiveUp, Operation, Retry, decide, doubt_after, outcome, repeatable
from .session import VIDEO_SIZES, LiveKitEnvironment, SessionToken, room_of

if TYPE_CHECKING:
    from ._settings import Settings

M = TypeVar("M", bound=Model)
T = TypeVar("T")

# Of the contract's kinds of environment, and the facade's own class for one of them.
ENVIRONMENTS = get_args(getattr(models, "SessionEnvironment", None)) or (models.LiveKitEnvironment,)

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
    environment: Model | None = None

    @property
    def livekit_url(self) -> str | None:
        """Address of the LiveKit server that the engine joins."""
        if self.token is not None:
            return self.token.livekit_url
        return self.environment.url if isinstance(self.environment, models.LiveKitEnvironment) else None

    @property
    def livekit_room(self) -> str | None:
        """Name of the room there, as far as it is known."""
        if self.token is not None:
            return self.token.livekit_room
        return room_of(self.environment)

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
    session_options: models.SessionOptions | Mapping[str, Any] | None = None
    client_label: str | None = None
    client_metadata: Mapping[str, Any] | None = None


# What to send.

Persona = PersonaConfig | Mapping[str, Any]
Environment = LiveKitEnvironment | Mapping[str, Any]
Options = models.SessionOptions | Mapping[str, Any]
Body = models.SessionTokenRequest | models.DirectStartRequest


def taken(persona: Any, environment: Any, session_options: Any) -> tuple[Any, Any, Any]:
    """The arguments that may hold credentials, taken over at the door: no frame behind it keeps a caller's mapping.

    Mappings become objects; what is wrong becomes `Refused`, which the body's constructor takes as its own problems.
    """
    who = _taken(persona, "persona", "personaConfig", (models.PersonaConfig,), PersonaConfig)
    if persona is None:
        who = _refused("persona", "is required")
    ours = [LiveKitEnvironment if cls is models.LiveKitEnvironment else cls for cls in ENVIRONMENTS]
    room = _taken(environment, "environment", "environment", ENVIRONMENTS, *ours)
    options = (models.SessionOptions,)
    return who, room, _taken(session_options, "session_options", "sessionOptions", options, *options)


def _taken(value: Any, name: str, wire: str, accepted: tuple[type[Model], ...], *read_as: type[Model]) -> Any:
    if isinstance(value, Mapping) and wire in value:
        return _refused(name, f"is a whole body; pass what is under {wire}")
    return value if isinstance(value, (Refused, *accepted)) else read(value, name, *read_as)


def _refused(field: str, rule: str) -> Refused:
    found = Findings()
    found.refuse(field, rule)
    return Refused(found)


def mint(
    settings: Settings,
    persona: Persona,
    environment: Environment | None,
    session_options: Options | None,
    client_label: str | None,
    expires_in: str | None = None,
    client_metadata: Mapping[str, Any] | None = None,
) -> Call:
    """The call that mints a session token.

    `client_metadata` is for the start that follows; it is checked here so that nothing is sent when it is wrong.

    Raises:
        AnamConfigError: With every problem of every argument.
    """
    persona, environment, session_options = taken(persona, environment, session_options)
    problems: list[Problem] = []
    body = _made(
        problems,
        models.SessionTokenRequest,
        persona_config=persona,
        environment=environment,
        session_options=session_options,
        client_label=_label(settings, client_label),
        expires_in=expires_in,
    )
    if client_metadata is not None:
        _made(problems, models.TokenStartRequest, client_metadata=client_metadata)
    _across(problems, persona, session_options)
    if body is None or problems:
        raise AnamConfigError(*problems)
    target = settings.gateway_target(MINTING)
    return _call(settings, Operation.MINT, body, create_session_token.request(body=body, x_anam_target_url=target))


def start_direct(
    settings: Settings,
    persona: Persona,
    environment: Environment | None,
    session_options: Options | None,
    client_label: str | None,
    client_metadata: Mapping[str, Any] | None,
) -> Call:
    """The call that starts a session with the API key."""
    persona, environment, session_options = taken(persona, environment, session_options)
    problems: list[Problem] = []
    body = _made(
        problems,
        models.DirectStartRequest,
        persona_config=persona,
        environment=environment,
        session_options=session_options,
        client_label=_label(settings, client_label),
        client_metadata=client_metadata,
    )
    _across(problems, persona, session_options)
    if body is None or problems:
        raise AnamConfigError(*problems)
    request = create_engine_session.request(body=body, x_anam_target_url=settings.gateway_target(STARTING))
    return _call(settings, Operation.START_DIRECT, body, request)


def as_secrets(values: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The values of a mapping as secrets."""
    return None if values is None else {name: as_secret(value) for name, value in dict(values).items()}


def as_token(token: object) -> SessionToken:
    """A token, which may be a plain string."""
    kind, secret = type(token).__name__, token if isinstance(token, SessionToken) else as_secret(token)
    del token  # no frame that an error passes keeps it
    if isinstance(secret, Secret):
        return SessionToken(secret)
    if isinstance(secret, SessionToken):
        return secret
    raise AnamConfigError(Problem("token", "", f"must be a SessionToken or a string, not {kind}"))


def start_with_token(
    settings: Settings,
    token: object,
    client_metadata: Mapping[str, Any] | None,
    end_of_speech_sensitivity: float | None = None,
) -> Call:
    """The call that starts a session with a session token: the token, and not the API key, is the bearer."""
    problems: list[Problem] = []
    said = _made(problems, models.TokenStartOptions, end_of_speech_sensitivity=end_of_speech_sensitivity)
    options = None if end_of_speech_sensitivity is None else said
    body = _made(problems, models.TokenStartRequest, client_metadata=client_metadata, session_options=options)
    try:
        token = as_token(token)
    except AnamConfigError as error:
        raise AnamConfigError(*error.problems, *problems) from None
    if token._secret == settings.api_key:
        problems.append(Problem("token", "", "must be a session token; this is the API key, which may not travel here"))
    elif not BEARER.fullmatch(token.value):
        problems.append(Problem("token", "", "must be a bearer token: letters, digits and -._~+/ only, not empty"))
    elif token.claims.get("type") == "legacy":
        rule = (
            "is of type legacy, which cannot start a session: give the persona a voice_id or an llm_id, and mint anew"
        )
        problems.append(Problem("token", "", rule))
    if body is None or problems:
        raise AnamConfigError(*problems)
    return Call(
        operation=Operation.START_WITH_TOKEN,
        bearer=token._secret,
        request=create_engine_session.request(body=body, x_anam_target_url=settings.gateway_target(STARTING)),
        secrets=(settings.api_key, *settings.extra_headers.values(), token._secret, *token._bound),
        token=token,
        client_label=token.client_label,
    )


MINTING = create_session_token.PATH
STARTING = create_engine_session.PATH


def _made(problems: list[Problem], cls: type[M], **arguments: Any) -> M | None:
    """The object; None after its problems were added to the list."""
    try:
        return cls(**arguments)
    except AnamConfigError as error:
        problems += error.problems
        return None


def _label(settings: Settings, client_label: str | None) -> str | None:
    return settings.client_label if client_label is None else client_label


def _call(settings: Settings, operation: Operation, body: Body, request: HttpRequest) -> Call:
    persona, environment = body.persona_config, body.environment
    needs = what_livekit_needs(persona) if isinstance(environment, models.LiveKitEnvironment) else {}
    request["json"]["personaConfig"].update(needs)
    _warn_of_legacy(persona, environment)
    _warn_of_video_size(persona, body.session_options)
    return Call(
        operation=operation,
        bearer=settings.api_key,
        request=request,
        secrets=(settings.api_key, *settings.extra_headers.values(), *body.secrets()),
        client_label=body.client_label,
        environment=environment,
    )


def _across(problems: list[Problem], persona: object, options: object) -> None:
    """Rules between arguments."""
    if not isinstance(options, models.SessionOptions) or not isinstance(persona, models.PersonaConfig):
        return
    if options.egress is not None and not persona.enable_audio_passthrough:
        problems.append(Problem("session_options.egress", "", "needs persona.enable_audio_passthrough to be true"))


def what_livekit_needs(persona: models.PersonaConfig) -> dict[str, str]:
    """What LiveKit always needs on the wire; nothing for a saved persona, or one that chose a language model."""
    if persona.persona_id is not None or persona.llm_id not in (None, CUSTOMER_CLIENT_V1):
        return {}
    return {"type": "ephemeral", "llmId": CUSTOMER_CLIENT_V1}


def _warn_of_legacy(persona: models.PersonaConfig, environment: Model | None) -> None:
    chosen = (persona.persona_id, persona.llm_id, persona.voice_id, persona.enable_audio_passthrough or None)
    if environment is None and not any(chosen):
        warn(
            "the persona has neither llm_id nor voice_id, nor enable_audio_passthrough: Anam will mint a token of type"
            " legacy, which starts nothing"
        )


def _warn_of_video_size(persona: models.PersonaConfig, options: models.SessionOptions | None) -> None:
    if options is None or options.video_width is None:
        return
    size, model = (options.video_width, options.video_height), persona.avatar_model
    sizes = VIDEO_SIZES.get(model or "") or [size for sizes in VIDEO_SIZES.values() for size in sizes]
    if size not in sizes:
        known = ", ".join(f"{width}x{height}" for width, height in sizes)
        whose = f"one of {model}'s" if model in VIDEO_SIZES else "among those known today"
        warn(f"video size {size[0]}x{size[1]} is not {whose} ({known}); Anam refuses sizes it does not support")


# What to make of the outcome.


def minting(settings: Settings, setup: Setup, expires_in: str | None = None) -> Flow[SessionToken]:
    """Mints a token."""
    call = _mint(settings, setup, expires_in)
    return (yield from _attempts(settings, call, partial(_session_token, call)))


def starting(
    settings: Settings,
    token: object,
    client_metadata: Mapping[str, Any] | None,
    end_of_speech_sensitivity: float | None = None,
) -> Flow[EngineSession]:
    """Starts the session of a token."""
    call = start_with_token(settings, token, client_metadata, end_of_speech_sensitivity)
    return (yield from _start(settings, call))


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
    options, sensitivity = taken(None, None, setup.session_options)[2], None
    if isinstance(options, models.SessionOptions) and options.end_of_speech_sensitivity is not None:
        # The vendor's clients say this one at the start, and none is known to say it when minting.
        sensitivity, options = options.end_of_speech_sensitivity, copy.copy(options)
        object.__setattr__(options, "end_of_speech_sensitivity", None)  # without the checks, and their warnings, again
    setup = attrs.evolve(setup, session_options=options)
    call = _mint(settings, setup, None)
    token = yield from _attempts(settings, call, partial(_session_token, call), began)
    start = start_with_token(settings, token, setup.client_metadata, sensitivity)
    return (yield from _start(settings, start, began))


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
        tuple(settings.observers),
        began=time.monotonic(),
    )
    for observer in run.observers:
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
        run.retries_left = settings.budgets[call.operation].left
        for observer in run.observers:
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
        for observer in run.observers:
            observer.sending(run)
        request = call.http_request(settings, timeout)
        try:
            result = yield Send(request)
        except BaseException:
            run.taken = request.taken
            raise
        run.taken = request.taken
        if isinstance(result, Answer):
            for observer in run.observers:
                observer.answered(run, result.status_code)
            settled = _settle(settings, call, result, read)
            if not isinstance(settled, AnamError):
                budget.earn()
                if isinstance(settled, EngineSession):
                    run.session_id = settled.session_id
                return settled
            error = settled
        elif isinstance(result, AnamConfigError):  # what only shows when the request is sent, such as the event loop
            raise result
        else:
            assert result is not None
            error = connection_error(result, request, where, call.secrets)
        elapsed = time.monotonic() - began
        attempt = Attempt(operation=call.operation, number=run.attempts, doubt=doubt, elapsed=elapsed)
        decision = decide(attempt, error, policy, budget, settings.rng)
        for observer in run.observers:
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
