"""The two operations, as the facts describe them: from a request to an answer, without I/O.

Where the vendor does not say what its server does, the sandbox decides as follows:

- A used token is answered 401, or 409 when `Settings.used_token_status` says so.
- A `legacy` token is answered 400 at the start. (Clients refuse such a token before they send it.)
- A mint without `personaConfig` yields a `legacy` token; one whose `personaConfig` is no object is answered 400. A
  token for audio from outside (passthrough, or another provider's agent) is `ephemeral`.
- `expiresIn` is a number and one of s, m, h, d, w. Anything else leaves the usual lifetime, or is answered 400 when
  strict.
- A direct start is answered 201, a start with a token 200. The latter may have no body, and whatever the vendor's own
  clients put there: the `personaConfig` once more, `voiceDetection` without `sessionOptions`.
- `clientConfig` is always sent: the vendor's client for browsers fails without.
- Avatar models that the contract does not list are answered 400. Regions and preset styles that it does not list pass,
  and so does every well-formed UUID of a voice, a persona or a tool, and of an avatar unless `Settings.unknown_avatars`
  has it: the sandbox has no catalogue of them.
- Where several things are wrong, the first of these answers: 401, body 400, plan 402, avatar 404, configuration 400,
  gated model 403, spend cap 429, concurrency 429.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

from . import contract
from .contract import Problem
from .faults import Fault
from .settings import Settings
from .state import Credential, Refused, State

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_UNITS = "it is not a number and one of s, m, h, d, w, such as 1h"
_STARTED = {"livekitUrl": "StartedForLiveKit", "agoraSettings": "StartedForAgora"}
_LONGEST_LIFETIME = 366 * 86400.0


class Answer(JSONResponse):
    """A response that the sandbox itself decided on, before anything is sent.

    Attributes:
        session_id: The session that it tells the client about.
        refusal: Why it refuses; None when it does not.
    """

    session_id: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """Answers requests out of the state.

    Attributes:
        state: Tokens and sessions.
        settings: The account and the server, as they are for this request.
        engine: Protocol and host of the engine that sessions are sent to: this very server, see `signalling`.
        fault: What the request meets besides, for the record of its session.
    """

    state: State
    settings: Settings
    engine: tuple[str, str]
    fault: Fault | None = None

    def answer(self, operation: str, credential: Credential, content_type: str | None, body: bytes) -> Answer:
        """Does what an operation does, and says what the server says; `credential` is what the request's bearer is."""
        work = self._mint if operation == "createSessionToken" else self._start
        try:
            if credential.kind is None:
                raise Refused(401, "ErrorBadKey", message="The credential is missing")
            return work(credential, content_type, body)
        except Refused as refused:
            answer = Answer(refused.body, refused.status)
            answer.refusal = refused.body.get("message", refused.body["error"])
            if refused.status == 401:
                answer.headers["WWW-Authenticate"] = "Bearer"
            return answer

    # Minting

    def _mint(self, credential: Credential, content_type: str | None, body: bytes) -> Answer:
        if credential.kind != "api_key":
            raise Refused(401, "ErrorBadKey")
        config = _object(content_type, body)
        if "personaConfig" in config and not isinstance(config["personaConfig"], dict):
            raise _invalid([Problem(("personaConfig",), "type", "the value is not an object")])
        lifetime = parse_duration(config.get("expiresIn"))
        if self.settings.strict:
            self._check_config("SessionTokenRequest", config)
            if lifetime is None and "expiresIn" in config:
                raise _invalid([Problem(("expiresIn",), "format", _UNITS)])
        config.pop("expiresIn", None)
        lifetime = self.settings.token_lifetime if lifetime is None else lifetime
        return Answer({"sessionToken": self.state.mint(config, kind=token_type(config), lifetime=lifetime)})

    # Starting

    def _start(self, credential: Credential, content_type: str | None, body: bytes) -> Answer:
        if direct := credential.kind == "api_key":
            config = asked = _object(content_type, body)
        elif credential.token_id is None:
            raise Refused(401, "ErrorBadKey")
        else:
            config, asked = self._configured(credential.token_id, content_type, body)
        if not self.settings.has_plan:
            raise Refused(402, "ErrorNoPlan")
        self._check_avatar(config)
        self._check_config("DirectStartRequest" if direct else "SessionTokenRequest", config)
        if self.settings.spend_cap_reached:
            raise Refused(429, "ErrorSpendCap")
        session = self.state.start(
            config,
            token_id=credential.token_id,
            client_metadata=asked.get("clientMetadata") or {},
            settings=self.settings,
            fault=self.fault,
        )
        example = next((name for key, name in _STARTED.items() if key in session.environment), "StartedForBrowser")
        started = contract.example(example)
        started["sessionId"] = session.id
        if "engineHost" in started:
            started["engineProtocol"], started["engineHost"] = self.engine
        # The vendor's SDK reads it with LiveKit too. No ICE servers: nothing is to be reached, and nobody to be asked.
        started["clientConfig"] = {**contract.example("StartedForBrowser")["clientConfig"], "iceServers": []}
        started["region"] = session.session_options.get("region", started["region"])
        answer = Answer(started, 201 if direct else 200)
        answer.session_id = session.id
        return answer

    def _configured(
        self, token_id: str, content_type: str | None, body: bytes
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is bound to a token that is still good for a start, and what that start says besides."""
        token, config = self.state.token(token_id)
        asked = _object(content_type, body) if body else {}
        repeated = asked.pop("personaConfig", None)
        if "voiceDetection" in asked:
            asked.setdefault("sessionOptions", {"voiceDetection": asked.pop("voiceDetection")})
        problems = contract.problems("TokenStartRequest", asked)
        if repeated is not None:
            problems += contract.problems("PersonaConfig", repeated)
        if problems:
            raise _invalid(problems)
        if token.type == "legacy":
            raise Refused(400, "ErrorBadRequest", message="A session token of type legacy cannot start a session")
        if token.used_by:
            raise Refused.used(self.settings)
        return config, asked

    # Checks

    def _check_config(self, schema: str, config: Mapping[str, Any]) -> None:
        if problems := contract.problems(schema, config) or list(_beyond_the_schema(config)):
            raise _invalid(problems)
        model, options = config["personaConfig"].get("avatarModel"), config.get("sessionOptions") or {}
        if "videoWidth" in options:
            by_model: Mapping[str, list[str]] = contract.schema("SessionOptions")["x-knownVideoSizes"]
            # A saved persona, and one without a model of its own, may turn out to have any of them.
            sizes = by_model.get(model) or [size for sizes in by_model.values() for size in sizes]
            if f"{int(options['videoWidth'])}x{int(options['videoHeight'])}" not in sizes:
                raise Refused(400, "ErrorVideoSize", supportedDimensions=sizes)
        if model in self.settings.gated_models:
            raise Refused(403, "ErrorForbidden")

    def _check_avatar(self, config: Mapping[str, Any]) -> None:
        persona = config.get("personaConfig")
        avatar = persona.get("avatarId") if isinstance(persona, dict) else None
        pattern = contract.schema("EphemeralPersonaConfig")["properties"]["avatarId"]["pattern"]
        if isinstance(avatar, str) and (avatar in self.settings.unknown_avatars or not re.search(pattern, avatar)):
            raise Refused(404, "ErrorNotFound", message=f"Avatar {avatar[:100]} not found")


def _object(content_type: str | None, body: bytes) -> dict[str, Any]:
    media_type = (content_type or "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(400, "ErrorBadRequest", message="The Content-Type must be application/json")
    try:
        value = contract.parse_json(body)
    except contract.NotJson as error:
        raise Refused(400, "ErrorBadRequest", message=str(error)) from None
    if not isinstance(value, dict):
        raise Refused(400, "ErrorBadRequest", message="The body must be a JSON object")
    return value


def _beyond_the_schema(config: Mapping[str, Any]) -> Iterator[Problem]:
    """What the contract says in words or in extensions, for a configuration that satisfies its schema."""
    persona, options = config["personaConfig"], config.get("sessionOptions") or {}
    model = persona.get("avatarModel")
    models = contract.schema("EphemeralPersonaConfig")["properties"]["avatarModel"]["x-extensible-enum"]
    if model is not None and model not in models:
        yield Problem(("personaConfig", "avatarModel"), "x-extensible-enum", f"it is none of {', '.join(models)}")
    if "egress" in options and persona.get("enableAudioPassthrough") is not True:
        needed = "personaConfig.enableAudioPassthrough"
        yield Problem(("sessionOptions", "egress"), "enableAudioPassthrough", f"it needs {needed}")


def _invalid(problems: list[Problem]) -> Refused:
    summary = f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'} in the request"
    details = [{"path": p.path, "code": p.code, "message": p.message} for p in problems]
    return Refused(400, "ErrorBadRequest", message="; ".join(map(str, problems)), summary=summary, details=details)


def token_type(config: Mapping[str, Any]) -> str:
    """The `type` claim of a token that is bound to a configuration."""
    persona, environment = config.get("personaConfig"), config.get("environment")
    if not isinstance(persona, dict):
        return "legacy"
    if "personaId" in persona:
        return "stateful"
    # `brainType` is what `llmId` was called before. An empty id is none.
    thinks = any(persona.get(name) for name in ("llmId", "brainType", "voiceId"))
    agents = ("elevenLabsAgentSettings", "agoraSettings")
    brought = isinstance(environment, dict) and any(environment.get(name) for name in agents)
    return "ephemeral" if thinks or brought or persona.get("enableAudioPassthrough") is True else "legacy"


def parse_duration(text: object) -> float | None:
    """Seconds in a duration such as `90s`, `30m`, `1h`, `2d` or `1w`; None for anything else, and for over a year."""
    pattern = r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw])\s*"
    match = re.fullmatch(pattern, text, re.ASCII) if isinstance(text, str) else None
    if match is None:
        return None
    seconds = float(match[1]) * _SECONDS[match[2]]
    return seconds if seconds <= _LONGEST_LIFETIME else None


def bearer_of(authorization: str | None) -> str | None:
    """The credential in an `Authorization` header; None when there is no header, or it is not of the Bearer kind."""
    scheme, _, credential = (authorization or "").partition(" ")
    return credential.strip() or None if scheme.lower() == "bearer" else None
