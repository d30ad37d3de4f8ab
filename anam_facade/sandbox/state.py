"""What the sandbox remembers: minted tokens, sessions, the requests it saw; and who is told of it.

Every change happens under one lock, so that a token starts one session and a slot is given once, however many requests
race for it. Nothing in here does I/O, and time comes from the clock that was given.

Other modules of the sandbox (the avatar, the signalling, the page) take part as a `Listener`: they are told when a
session starts and ends, and put down what they learn of it with `State.note`.
"""

from __future__ import annotations

import hmac
import math
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jwt

from . import contract
from .faults import Fault, FaultPlan
from .settings import Settings

REQUESTS_KEPT = 10_000
"""How many requests are remembered; older ones are forgotten, so that a long run does not fill the memory."""

CredentialKind = Literal["api_key", "session_token", "other"]
"""What a request's bearer is: the sandbox's key, a JWT it signed (whether or not it still works), or anything else."""

_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Credential:
    """What was learned from a request's bearer. The bearer itself is not in here.

    Attributes:
        kind: What it is; None when there is none.
        token_id: The `jti` of a session token that was signed here, whether or not it still works; empty for anything
            else with the three parts of a JWT.
    """

    kind: CredentialKind | None
    token_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A session token that was minted. The token itself is not in here.

    Attributes:
        id: The token's `jti` claim.
        type: The token's `type` claim: `ephemeral`, `stateful` or `legacy`.
        label: The `clientLabel` it was minted with.
        minted_at: Seconds since the epoch, by the sandbox's clock.
        expires_at: When it stops working, likewise.
        used_by: Ids of the sessions it started: one at most.
    """

    id: str
    type: str
    label: str | None
    minted_at: float
    expires_at: float
    used_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that was started.

    Attributes:
        id: What the answer calls `sessionId`.
        mode: `token`, or `direct` with the API key.
        token_id: Id of the token that started it; None for a direct start.
        label: The `clientLabel` of the token, or of the direct start.
        persona: `personaConfig` as it was sent. May hold credentials of webhook tools, hence not in the `repr`.
        session_options: `sessionOptions` as they were sent, likewise.
        environment: `environment` as it was sent, credentials included, likewise.
        livekit_url: The environment's `livekitUrl`, if any.
        livekit_room: The room that the environment's token names, if it can be read.
        client_metadata: `clientMetadata` of the start.
        started_at: Seconds since the epoch, by the sandbox's clock.
        ended_at: When it ended; None while it runs.
        end_reason: Why it ended: `stopped` (by `end_session` and the like), `max_length` (its
            `maxSessionLengthSeconds` have passed), `reset`, or what another module of the sandbox names: of the avatar
            `avatar_left` (by a fault), `avatar_failed`, `sandbox_stopped`, or LiveKit's reason for having put it out,
            such as `participant_removed`, `duplicate_identity` or `room_deleted`. None while it runs.
        fault: What the start met, if anything.
        joined_at: When the sandbox's avatar joined the LiveKit room; None when it has not, or there is none.
        left_at: When it left the room.
        delivered: Whether the answer was handed over completely while the client was still connected, as far as the
            sandbox can see: a client that gives up in that very moment, or a network that loses the rest, goes
            unnoticed. A session with False is one that its client cannot know of.
    """

    id: str
    mode: Literal["token", "direct"]
    token_id: str | None
    label: str | None
    persona: Mapping[str, Any] = field(repr=False)
    session_options: Mapping[str, Any] = field(repr=False)
    environment: Mapping[str, Any] = field(repr=False)
    livekit_url: str | None
    livekit_room: str | None
    client_metadata: Mapping[str, Any] = field(repr=False)
    started_at: float
    ended_at: float | None = None
    end_reason: str | None = None
    fault: Fault | None = None
    joined_at: float | None = None
    left_at: float | None = None
    delivered: bool = False

    @property
    def active(self) -> bool:
        """Whether the session still ran when this record was made."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """A request that arrived, credentials masked.

    Attributes:
        number: Counts from 1.
        operation: The contract's `operationId`; `signalling` for a web socket; None for a path it does not have.
        method: HTTP method.
        path: Path without the query.
        received_at: Seconds since the epoch, by the sandbox's clock.
        headers: By lower-case name.
        body: The JSON sent, or None when there was none, or it was too large to keep.
        credential: What the bearer is; None when there is none.
        fault: The fault it met, if any.
        answer: The body that was sent back, or that a fault held back: JSON, or the beginning of a text. Masked.
        status: Status sent, `"closed"` when the connection ended before there was one, None while it is in progress.
    """

    number: int
    operation: str | None
    method: str
    path: str
    received_at: float
    headers: Mapping[str, str]
    body: Any = None
    credential: CredentialKind | None = None
    fault: Fault | None = None
    answer: Any = None
    status: int | Literal["closed"] | None = None


class Refused(Exception):
    """Ends the handling of a request with an error: an example of the contract's, or its `error` with other fields."""

    def __init__(self, status: int, example: str, **fields: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, contract.example(example)
        if fields:
            self.body = {"error": self.body["error"], **fields}

    @classmethod
    def used(cls, settings: Settings) -> Refused:
        """For a token that has started a session before."""
        status = settings.used_token_status
        return cls(status, "ErrorTokenUsed" if status == 409 else "ErrorBadToken")


class Listener:
    """Somebody who is told of what happens. To be subclassed; what is not overridden does nothing.

    The methods are called in the thread in which it happened (`started` in the server's, the others in any), after the
    state has changed and without its lock. They must neither block nor raise.
    """

    def started(self, state: State, session: Session) -> None:
        """A session has started. Its `environment` has the LiveKit token.

        Called in the server's thread, within its event loop, before the answer is sent; so tasks can be created here.
        """

    def ended(self, state: State, session: Session) -> None:
        """A session has ended; its `end_reason` says why. Called once per session."""

    async def aclose(self) -> None:
        """The server stops: end what was begun. Called in its event loop. Sessions outlive this."""


class State:
    """One account's tokens and sessions, what was asked of the server, and the faults in force.

    Args:
        api_key: The key that this account's requests carry.
        clock: Returns the time, in seconds since the epoch.
        listeners: Who is told of changes; the list may grow.

    Attributes:
        faults: What goes wrong on which call.
        changes: How often tokens, sessions or requests have changed.
    """

    def __init__(self, *, api_key: str, clock: Callable[[], float], listeners: Sequence[Listener] = ()) -> None:
        self._listeners = listeners
        self.faults = FaultPlan()
        self.changes = 0
        self._api_key = api_key.encode("utf-8", "surrogatepass")
        self._clock = clock
        self._account = str(uuid.uuid4())
        self._signing_key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._tokens: dict[str, Token] = {}
        self._configs: dict[str, dict[str, Any]] = {}
        self._sessions: dict[str, Session] = {}
        self._running: set[str] = set()
        self._ends: dict[str, float] = {}
        self._requests: dict[int, SeenRequest] = {}
        self._request_count = 0

    # Credentials

    def identify(self, bearer: str | None) -> Credential:
        """What a bearer is, without asking whether it still works."""
        if bearer is None:
            return Credential(None)
        if hmac.compare_digest(bearer.encode("utf-8", "surrogatepass"), self._api_key):
            return Credential("api_key")
        if bearer.count(".") != 2:
            return Credential("other")
        try:
            # Times are compared with the sandbox's own clock, not with PyJWT's.
            claims = jwt.decode(bearer, self._signing_key, [_ALGORITHM], {"verify_exp": False, "verify_iat": False})
        except (jwt.InvalidTokenError, UnicodeError):
            return Credential("other", token_id="")
        return Credential("session_token", token_id=claims["jti"])

    def mint(self, config: dict[str, Any], *, kind: str, lifetime: float) -> str:
        """Makes a token, a signed JWT, that is bound to a configuration: the mint's body without `expiresIn`.

        `kind` is its `type` claim; `lifetime` the seconds until it expires, negative for one that already has.
        """
        now = self._clock()
        label = config.get("clientLabel")
        record = Token(
            id=str(uuid.uuid4()),
            type=kind,
            label=label if isinstance(label, str) else None,
            minted_at=now,
            expires_at=now + lifetime,
        )
        claims = {
            "accountId": self._account,
            "type": kind,
            "jti": record.id,
            # Whole seconds, as seen in the wild; a week is a week.
            "iat": int(now),
            "exp": int(now) + math.ceil(lifetime),
        }
        with self._lock:
            self._tokens[record.id], self._configs[record.id] = record, config
            self.changes += 1
        return jwt.encode(claims, self._signing_key, algorithm=_ALGORITHM)

    def token(self, token_id: str) -> tuple[Token, dict[str, Any]]:
        """The token of that id, and the configuration bound to it.

        Raises:
            Refused: There is none, or it has expired.
        """
        with self._lock:
            token = self._tokens.get(token_id)
            if token is None or self._clock() >= token.expires_at:
                raise Refused(401, "ErrorBadToken")
            return token, self._configs[token_id]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every token, in the order they were minted."""
        with self._lock:
            return tuple(self._tokens.values())

    # Sessions

    def start(
        self,
        config: Mapping[str, Any],
        *,
        token_id: str | None,
        client_metadata: Mapping[str, Any],
        settings: Settings,
        fault: Fault | None = None,
    ) -> Session:
        """Starts a session, using up the token and a slot; or neither of them.

        Raises:
            Refused: The token has started a session before, or `max_sessions` are running.
        """
        persona, environment = config["personaConfig"], config.get("environment") or {}
        session = Session(
            id=str(uuid.uuid4()),
            mode="direct" if token_id is None else "token",
            token_id=token_id,
            label=config.get("clientLabel"),
            persona=persona,
            session_options=config.get("sessionOptions") or {},
            environment=environment,
            livekit_url=environment.get("livekitUrl"),
            livekit_room=_room(environment.get("livekitToken")),
            client_metadata=client_metadata,
            started_at=self._clock(),
            fault=fault,
        )
        self.end_overdue()
        with self._lock:
            if token_id is not None and self._tokens[token_id].used_by:
                raise Refused.used(settings)
            if settings.max_sessions is not None and len(self._running) >= settings.max_sessions:
                raise Refused(429, "ErrorConcurrency")
            if token_id is not None:
                self._tokens[token_id] = replace(self._tokens[token_id], used_by=(session.id,))
            self._sessions[session.id] = session
            self._running.add(session.id)
            if (limit := persona.get("maxSessionLengthSeconds")) is not None:
                self._ends[session.id] = session.started_at + limit
            self.changes += 1
        for listener in self._listeners:
            listener.started(self, session)
        return session

    def end(self, session_id: str, reason: str = "stopped") -> bool:
        """Ends a session, which frees its slot. False when it had ended before.

        Raises:
            KeyError: There is no such session.
        """
        self.end_overdue()
        return self._end(session_id, self._clock(), reason)

    def end_all(self, reason: str = "stopped") -> int:
        """Ends every session that runs, and says how many those were."""
        return sum(self.end(session_id, reason) for session_id in self._running.copy())

    def end_overdue(self) -> None:
        """Ends the sessions whose `maxSessionLengthSeconds` have passed."""
        now = self._clock()
        with self._lock:
            overdue = [(session_id, at) for session_id, at in self._ends.items() if at <= now]
        for session_id, ends_at in overdue:
            self._end(session_id, ends_at, "max_length")

    def _end(self, session_id: str, at: float, reason: str) -> bool:
        with self._lock:
            session = self._sessions[session_id]
            if not session.active:
                return False
            self._running.discard(session_id)
            self._ends.pop(session_id, None)
            self._sessions[session_id] = session = replace(session, ended_at=at, end_reason=reason)
            self.changes += 1
        for listener in self._listeners:
            listener.ended(self, session)
        return True

    def note(self, session_id: str, **facts: Any) -> None:
        """Adds to the record of a session what has turned out since it started: `delivered`, `joined_at`, `left_at`."""
        with self._lock:
            self._sessions[session_id] = replace(self._sessions[session_id], **facts)
            self.changes += 1

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Every session, in the order they were started."""
        self.end_overdue()
        with self._lock:
            return tuple(self._sessions.values())

    def running(self, session_id: str) -> Session | None:
        """The session of that id; None when there is none, or it has ended."""
        self.end_overdue()
        with self._lock:
            return self._sessions[session_id] if session_id in self._running else None

    # Requests

    def arrived(self, **known: Any) -> int:
        """Records a request with what is known of it at once (see `SeenRequest`), and returns its number."""
        with self._lock:
            self._request_count = number = self._request_count + 1
            self._requests[number] = SeenRequest(number=number, received_at=self._clock(), **known)
            self._requests.pop(number - REQUESTS_KEPT, None)
            self.changes += 1
        return number

    def learned(self, number: int, **facts: Any) -> None:
        """Adds to the record of a request what has turned out since it arrived."""
        with self._lock:
            if number in self._requests:
                self._requests[number] = replace(self._requests[number], **facts)
                self.changes += 1

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """The latest requests, oldest first."""
        with self._lock:
            return tuple(self._requests.values())


def _room(livekit_token: object) -> str | None:
    """The room that a LiveKit access token lets its bearer join. Nobody checks the signature here."""
    try:
        room = jwt.decode(str(livekit_token), options={"verify_signature": False})["video"]["room"]
    except (jwt.InvalidTokenError, LookupError, TypeError, ValueError, RecursionError):
        return None
    return room if isinstance(room, str) else None
