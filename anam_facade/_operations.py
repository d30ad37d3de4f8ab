"""What to send, and what to make of the outcome: the two operations as generators that do no I/O.

A generator yields a `Request` to send, or how many seconds to wait, and is resumed with what became of it, so the sync
and the async client run the same decisions (httpx's `Auth.auth_flow` is built on the same idea).
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

from ._observer import Outcome, Run
from .errors import (
    AnamConfigError,
    AnamError,
    AnamResponseError,
    AnamTimeoutError,
    ClientClosedError,
    SessionStartUncertainError,
    error_from_response,
    scrub_headers,
)
from .http.exchange import PROXY_ADVICE, Answer, Request, connection_error
from .persona import CUSTOMER_CLIENT_V1, PersonaConfig
from .retry import Doubt, Operation, decide, doubt_after, outcome, repeatable
from .session import VIDEO_SIZES, LiveKitEnvironment, SessionToken, room_of

if TYPE_CHECKING:
    from ._settings import Settings

T = TypeVar("T")

Flow = Generator[Request | float, Answer | Exception | None, T]

ENVIRONMENTS = get_args(getattr(models, "SessionEnvironment", None)) or (models.LiveKitEnvironment,)

# The facade's own classes for some of the contract's.
_OURS: Mapping[type[Model], type[Model]] = {
    models.PersonaConfig: PersonaConfig,
    models.LiveKitEnvironment: LiveKitEnvironment,
}

ENDPOINTS: Mapping[Operation, Any] = {
    Operation.MINT: create_session_token,
    Operation.START_WITH_TOKEN: create_engine_session,
    Operation.START_DIRECT: create_engine_session,
}

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)

# RFC 6750's b64token: what a bearer may consist of. Anything else, a newline above all, must not reach a header.
BEARER = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


@attrs.frozen
class Call:
    """One operation, ready to be sent as often as needed.

    Attributes:
        settings: Of the client.
        operation: What it does; decides what may be repeated.
        method, path, headers, content: What the generated client makes of the body.
        body: What is asked for.
        token: The credential that travels; the API key, when there is none.
    """

    settings: Settings = field(repr=False)
    operation: Operation
    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    body: Any = field(repr=False)
    token: SessionToken | None = None

    @property
    def client_label(self) -> str | None:
        """For finding the session when the start's fate is not known, as the next two."""
        label: str | None = (self.token or self.body).client_label
        return label

    @property
    def livekit_url(self) -> str | None:
        """Address of the LiveKit server that the engine joins."""
        if self.token is not None:
            return self.token.livekit_url
        environment = self.body.environment
        return environment.url if isinstance(environment, models.LiveKitEnvironment) else None

    @property
    def livekit_room(self) -> str | None:
        """Name of the room there, as far as it is known."""
        return room_of(self.body.environment) if self.token is None else self.token.livekit_room

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All that must be masked in what the server says."""
        return (self.settings.api_key, *self.settings.extra_headers.values(), *(self.token or self.body).secrets())

    @property
    def where(self) -> str:
        """The request, for messages."""
        return self.settings.where(self.method, self.path)

    def request(self, timeout: float) -> Request:
        """The request, its bearer included. Made anew for every attempt."""
        settings = self.settings
        bearer = settings.api_key if self.token is None else self.token._secret
        headers = {
            **{name: value.reveal() for name, value in settings.extra_headers.items()},
            **settings.headers,
            **self.headers,
            "Authorization": f"Bearer {bearer.reveal()}",
            "Content-Length": str(len(self.content)),
        }
        return Request(self.method, settings.url + self.path, headers=headers, content=self.content, timeout=timeout)


@attrs.define(repr=False)
class Setup:
    """The arguments of a call that may hold credentials, in a thing that does not show them."""

    persona: Any
    environment: Any = None
    session_options: Any = None
    client_label: str | None = None
    client_metadata: Mapping[str, Any] | None = None
    expires_in: str | None = None

    def take_over(self) -> None:
        """Mappings become objects, so that no frame from here on keeps a caller's.

        What is wrong becomes `Refused`, which the body's constructor takes as its own problems.
        """
        if self.persona is None:
            self.persona = _refused("persona", "is required")
        self.persona = _taken(self.persona, "persona", "personaConfig", models.PersonaConfig)
        self.environment = _taken(self.environment, "environment", "environment", *ENVIRONMENTS)
        self.session_options = _taken(self.session_options, "session_options", "sessionOptions", models.SessionOptions)


def _taken(value: Any, name: str, wire: str, *classes: type[Model]) -> Any:
    if value is None or isinstance(value, classes):
        return value
    if isinstance(value, Mapping) and wire in value:
        return _refused(name, f"is a whole body; pass what is under {wire}")
    return read(value, name, *(_OURS.get(cls, cls) for cls in classes))


def _refused(field: str, rule: str) -> Refused:
    found = Findings()
    found.refuse(field, rule)
    return Refused(found)


def as_secrets(values: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The values of a mapping as secrets."""
    return None if values is None else {name: as_secret(value) for name, value in dict(values).items()}


def as_token(token: object) -> SessionToken | Refused:
    """A token, which may be a plain string. No frame from here on keeps what is none."""
    secret = as_secret(token)
    if isinstance(secret, Secret):
        return SessionToken(secret)
    rule = f"must be a SessionToken or a string, not {type(token).__name__}"
    return token if isinstance(token, SessionToken) else _refused("token", rule)


# What to send.


def mint(settings: Settings, setup: Setup) -> Call:
    """The call that mints a session token.

    Raises:
        AnamConfigError: With every problem of every argument.
    """
    found = Findings()
    if setup.client_metadata is not None:  # it goes with the start that follows; nothing is sent when it is wrong
        _made(found, models.TokenStartRequest, client_metadata=setup.client_metadata)
    body_class = partial(models.SessionTokenRequest, expires_in=setup.expires_in)
    return _binding(settings, Operation.MINT, setup, body_class=body_class, found=found)


def start_direct(settings: Settings, setup: Setup) -> Call:
    """The call that starts a session with the API key."""
    body_class = partial(models.DirectStartRequest, client_metadata=setup.client_metadata)
    return _binding(settings, Operation.START_DIRECT, setup, body_class=body_class, found=Findings())


def start_with_token(
    settings: Settings,
    token: SessionToken | Refused,
    client_metadata: Mapping[str, Any] | None,
    end_of_speech_sensitivity: float | None = None,
) -> Call:
    """The call that starts a session with a session token: the token, and not the API key, is the bearer."""
    found, options = Findings(), None
    if end_of_speech_sensitivity is not None:
        options = _made(found, models.TokenStartOptions, end_of_speech_sensitivity=end_of_speech_sensitivity)
    body = _made(found, models.TokenStartRequest, client_metadata=client_metadata, session_options=options)
    if isinstance(token, Refused):
        raise AnamConfigError(*found.problems, *token.findings.problems)
    if token._secret == settings.api_key:
        found.refuse("token", "must be a session token; this is the API key, which may not travel here")
    elif not BEARER.fullmatch(token.value):
        found.refuse("token", "must be a bearer token: letters, digits and -._~+/ only, not empty")
    elif token.claims.get("type") == "legacy":
        remedy = "give the persona a voice_id or an llm_id, and mint anew"
        found.refuse("token", f"is of type legacy, which cannot start a session: {remedy}")
    found.settle()
    return _call(settings, Operation.START_WITH_TOKEN, body, token=token)


def _binding(
    settings: Settings, operation: Operation, setup: Setup, *, body_class: Callable[..., Any], found: Findings
) -> Call:
    """The call whose body says who appears, where and how; to a token, or to a session at once."""
    persona, environment, options = setup.persona, setup.environment, setup.session_options
    body = _made(
        found,
        body_class,
        persona_config=persona,
        environment=environment,
        session_options=options,
        client_label=settings.client_label if setup.client_label is None else setup.client_label,
    )
    egress = options.egress if isinstance(options, models.SessionOptions) else None
    if egress is not None and isinstance(persona, models.PersonaConfig) and not persona.enable_audio_passthrough:
        found.refuse("session_options.egress", "needs persona.enable_audio_passthrough to be true")
    found.settle()
    _warn_of_legacy(persona, environment)
    _warn_of_video_size(persona, options)
    needs = what_livekit_needs(persona) if isinstance(environment, models.LiveKitEnvironment) else {}
    return _call(settings, operation, body, needs=needs)


def _made(found: Findings, make: Callable[..., Any], **arguments: Any) -> Any:
    """The object; None after its problems were noted."""
    try:
        return make(**arguments)
    except AnamConfigError as error:
        found.problems += error.problems
        return None


def _call(
    settings: Settings, operation: Operation, body: Model, *, token: SessionToken | None = None, needs: Any = ()
) -> Call:
    endpoint = ENDPOINTS[operation]
    request = endpoint.request(body=body, x_anam_target_url=settings.gateway_target(endpoint.PATH))
    if needs:
        request["json"]["personaConfig"].update(needs)
    content = _JSON.encode(request["json"]).encode()
    return Call(settings, operation, request["method"], request["url"], request["headers"], content, body, token)


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


# The operations.


def minting(settings: Settings, setup: Setup) -> Flow[SessionToken]:
    """Mints a token."""
    setup.take_over()
    call = mint(settings, setup)
    return (yield from _attempts(call, partial(_session_token, call)))


def starting(
    settings: Settings,
    token: SessionToken | Refused,
    client_metadata: Mapping[str, Any] | None,
    end_of_speech_sensitivity: float | None = None,
) -> Flow[EngineSession]:
    """Starts the session of a token."""
    call = start_with_token(settings, token, client_metadata, end_of_speech_sensitivity)
    return (yield from _attempts(call, EngineSession.from_dict))


def minting_and_starting(settings: Settings, setup: Setup, *, direct: bool) -> Flow[EngineSession]:
    """Both steps, or both in one, within one deadline.

    Nothing after the first step leads back to it: a second token could start a second session.
    """
    setup.take_over()
    if setup.client_label is None and settings.client_label is None and settings.auto_label:
        setup.client_label = f"af-{uuid.uuid4()}"
    if direct:
        return (yield from _attempts(start_direct(settings, setup), EngineSession.from_dict))
    began = time.monotonic()
    options, sensitivity = setup.session_options, None
    if isinstance(options, models.SessionOptions) and options.end_of_speech_sensitivity is not None:
        # The vendor's clients say this one at the start, and none is known to say it when minting.
        sensitivity, setup.session_options = options.end_of_speech_sensitivity, copy.copy(options)
        # Without the checks, and their warnings, again.
        object.__setattr__(setup.session_options, "end_of_speech_sensitivity", None)
    call = mint(settings, setup)
    token = yield from _attempts(call, partial(_session_token, call), began)
    start = start_with_token(settings, token, setup.client_metadata, sensitivity)
    return (yield from _attempts(start, EngineSession.from_dict, began))


def _session_token(call: Call, said: Mapping[str, Any]) -> SessionToken | None:
    value = said.get("sessionToken")
    if not isinstance(value, str) or not BEARER.fullmatch(value):
        return None
    return SessionToken(value, client_label=call.client_label, livekit_url=call.livekit_url, body=call.body)


# What to make of the outcome.

Read = Callable[[Mapping[str, Any]], T | None]


def _attempts(call: Call, read: Read[T], began: float | None = None) -> Flow[T]:
    """Sends the call until it succeeds or must not, or cannot, be tried again; the observers are told."""
    settings = call.settings
    run = Run(
        call.operation,
        call.method,
        settings.url + call.path,
        call.client_label,
        settings.policy.max_attempts,
        tuple(settings.observers),
        began=time.monotonic(),
        find_room=lambda: call.livekit_room,
    )
    for observer in run.observers:
        observer.started(run)
    ended: Outcome = "ok"
    raised: BaseException | None = None
    try:
        return (yield from _tries(call, read, run, run.began if began is None else began))
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


def _tries(call: Call, read: Read[T], run: Run, began: float) -> Flow[T]:
    settings = call.settings
    policy, doubt, budget = settings.policy, Doubt.NONE, settings.budgets[call.operation]
    while True:
        timeout, run.sent = settings.timeout, time.monotonic()
        if policy.deadline is not None:
            left = policy.deadline - (run.sent - began)
            timeout = max(0.001, min(timeout, left))
            if run.attempts == 0 and left < policy.least:
                error: AnamError = AnamTimeoutError(f"{call.where}: the deadline left no time to send it", sent=False)
                error.retryable = True
                raise error
        run.attempts += 1
        for observer in run.observers:
            observer.sending(run)
        request = call.request(timeout)
        try:
            result = yield request
        finally:
            run.taken = request.taken
        if isinstance(result, Answer):
            for observer in run.observers:
                observer.answered(run, result.status_code)
            settled = _settle(call, result, read)
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
            error = connection_error(result, request, call.where, call.secrets)
        decision = decide(
            error,
            operation=call.operation,
            number=run.attempts,
            doubt=doubt,
            elapsed=time.monotonic() - began,
            policy=policy,
            budget=budget,
            rng=settings.rng,
        )
        pause = None if isinstance(decision, Doubt) else decision
        for observer in run.observers:
            observer.failed(run, error, pause)
        if isinstance(decision, Doubt):
            _give_up(call, error, decision, run.attempts)
        doubt = doubt_after(call.operation, doubt, error)
        yield decision


def _give_up(call: Call, error: AnamError, doubt: Doubt, attempts: int) -> NoReturn:
    error.attempts = attempts - (isinstance(error, ClientClosedError) and not error.sent)
    error.may_have_started = doubt is Doubt.FAULT
    error.retryable = doubt is Doubt.NONE and repeatable(call.operation, outcome(error))
    if doubt is not Doubt.LOST:
        raise error
    uncertain = _uncertain(call, error)
    uncertain.attempts = error.attempts
    raise uncertain from error


def _settle(call: Call, answer: Answer, read: Read[T]) -> T | AnamError:
    """What the answer holds, or the error that it means. Every response passes here, before anything else parses it."""
    if not answer.is_success:
        return error_from_response(
            method=call.method,
            path=call.path,
            where=call.where,
            advice=_advice(call, answer),
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
        f"{call.where}: {answer.status_code}, but the body {why}",
        status_code=answer.status_code,
        body=scrub(answer.body.decode("utf-8", "replace"), call.secrets),
        headers=scrub_headers(answer.headers, call.secrets),
        truncated=truncated,
    )


def _advice(call: Call, answer: Answer) -> str | None:
    """Where to look, for the statuses that are mostly a matter of settings."""
    match answer.status_code:
        case 401 if call.token is None:
            return f"the API key came from {call.settings.key_source}"
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
