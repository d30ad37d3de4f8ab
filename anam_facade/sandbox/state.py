"""What the sandbox remembers: minted tokens, sessions, and the requests it saw.

Every change happens under one lock, so that a token starts one session and a slot is given once, however many requests
race for it. Nothing in here does I/O, and time comes from the clock that was given.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import math
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jwt

from .faults import Fault

REQUESTS_KEPT = 10_000
"""How many requests are remembered; older ones are forgotten, so that a long run does not fill the memory."""

CredentialKind = Literal["api_key", "session_token", "other"]
"""What a request's bearer is: the sandbox's key, a JWT it signed (whether or not it still works), or anything else."""

_ALGORITHM = "HS256"


@dataclass(frozen=True, slots=True)
class Credential:
    """What was learned from a request's bearer. The bearer itself is not in here.

    Attributes:
        kind: What it is.
        token_id: The `jti` of a session token that was signed here, whether or not it still works.
        looks_like_token: Whether it has the three parts of a JWT.
    """

    kind: CredentialKind
    token_id: str | None = None
    looks_like_token: bool = False


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
        livekit_url: The environment's `livekitUrl`, if any.
        livekit_room: The room that the environment's token names, if it can be read.
        client_metadata: `clientMetadata` of the start.
        started_at: Seconds since the epoch, by the sandbox's clock.
        ended_at: When it ended; None while it runs.
        delivered: Whether the answer was handed over completely while the client was still connected, as far as the
            sandbox can see: a client that gives up in that very moment, or a network that loses the rest, goes
                unnoticed.
            A session with False is one that its client cannot know of.
    """

    id: str
    mode: Literal["token", "direct"]
    token_id: str | None
    label: str | None
    persona: Mapping[str, Any] = field(repr=False)
    session_options: Mapping[str, Any] = field(repr=False)
    livekit_url: str | None
    livekit_room: str | None
    client_metadata: Mapping[str, Any] = field(repr=False)
    started_at: float
    ended_at: float | None = None
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
        operation: The contract's `operationId`, or None for a path it does not have.
        method: HTTP method.
        path: Path without the query.
        received_at: Seconds since the epoch, by the sandbox's clock.
        headers: By lower-case name.
        body: The JSON sent, or None when there was none, or it was too large to keep.
        credential: What the bearer is; None when there is none.
        fault: The fault it met, if any.
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
    status: int | Literal["closed"] | None = None


@dataclass(frozen=True, slots=True)
class BoundToken:
    """A token's record with the configuration bound to it (the mint's body without `expiresIn`)."""

    record: Token
    config: Mapping[str, Any] = field(repr=False)


class TokenRefused(Exception):
    """The session token does not work: it has expired, or is from before a reset."""


class TokenUsed(Exception):
    """The token has already started a session."""


class NoSlot(Exception):
    """All simultaneous sessions of the plan are in use."""


class State:
    """One account's tokens and sessions, and what was asked of the server.

    Args:
        api_key: The key that this account's requests carry.
        clock: Returns the time, in seconds since the epoch.
    """

    def __init__(self, *, api_key: str, clock: Callable[[], float]) -> None:
        self._api_key = api_key.encode("utf-8", "surrogatepass")
        self._clock = clock
        self._account = str(uuid.uuid4())
        self._signing_key = secrets.token_bytes(32)
        self._lock = threading.RLock()
        self._tokens: dict[str, BoundToken] = {}
        self._sessions: dict[str, Session] = {}
        self._running: set[str] = set()
        self._ends: dict[str, float] = {}
        self._requests: dict[int, SeenRequest] = {}
        self._request_count = 0

    # Credentials

    def identify(self, bearer: str | None) -> Credential | None:
        """What a bearer is, without asking whether it still works. None for none."""
        if bearer is None:
            return None
        if hmac.compare_digest(bearer.encode("utf-8", "surrogatepass"), self._api_key):
            return Credential("api_key")
        if bearer.count(".") != 2:
            return Credential("other")
        try:
            # Times are compared with the sandbox's own clock, not with PyJWT's.
            claims = jwt.decode(
                bearer,
                self._signing_key,
                algorithms=[_ALGORITHM],
                options={"verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, UnicodeError):
            return Credential("other", looks_like_token=True)
        return Credential("session_token", token_id=claims["jti"], looks_like_token=True)

    def mint(self, config: Mapping[str, Any], *, kind: str, lifetime: float) -> str:
        """Makes a token that is bound to a configuration.

        Args:
            config: What a session started with the token will look like.
            kind: The token's `type` claim.
            lifetime: Seconds until it expires; negative for one that already has.

        Returns:
            The token, a signed JWT.
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
            "iat": int(now),
            # Whole seconds, as seen in the wild; rounded up so that a token of one second is not born expired.
            "exp": math.ceil(record.expires_at),
        }
        with self._lock:
            self._tokens[record.id] = BoundToken(record, config)
        return jwt.encode(claims, self._signing_key, algorithm=_ALGORITHM)

    def token(self, token_id: str) -> BoundToken:
        """The token of that id.

        Raises:
            TokenRefused: There is none, or it has expired.
        """
        with self._lock:
            bound = self._tokens.get(token_id)
            if bound is None or self._clock() >= bound.record.expires_at:
                raise TokenRefused
            return bound

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every token, in the order they were minted."""
        with self._lock:
            return tuple(bound.record for bound in self._tokens.values())

    # Sessions

    def start(
        self,
        config: Mapping[str, Any],
        *,
        token_id: str | None,
        client_metadata: Mapping[str, Any],
        max_sessions: int | None,
    ) -> Session:
        """Starts a session, using up the token and a slot; or neither of them.

        Raises:
            TokenUsed: The token has started a session before.
            NoSlot: `max_sessions` sessions are running.
        """
        persona, environment = config["personaConfig"], config.get("environment") or {}
        session = Session(
            id=str(uuid.uuid4()),
            mode="direct" if token_id is None else "token",
            token_id=token_id,
            label=config.get("clientLabel"),
            persona=persona,
            session_options=config.get("sessionOptions") or {},
            livekit_url=environment.get("livekitUrl"),
            livekit_room=_room(environment.get("livekitToken")),
            client_metadata=client_metadata,
            started_at=self._clock(),
        )
        with self._lock:
            self._end_overdue()
            if token_id is not None and self._tokens[token_id].record.used_by:
                raise TokenUsed
            if max_sessions is not None and len(self._running) >= max_sessions:
                raise NoSlot
            if token_id is not None:
                bound = self._tokens[token_id]
                self._tokens[token_id] = replace(bound, record=replace(bound.record, used_by=(session.id,)))
            self._sessions[session.id] = session
            self._running.add(session.id)
            if (limit := persona.get("maxSessionLengthSeconds")) is not None:
                self._ends[session.id] = session.started_at + limit
        return session

    def end(self, session_id: str) -> bool:
        """Ends a session, which frees its slot. False when it had ended before.

        Raises:
            KeyError: There is no such session.
        """
        with self._lock:
            self._end_overdue()
            session = self._sessions[session_id]
            if not session.active:
                return False
            self._end(session_id, self._clock())
            return True

    def end_all(self) -> int:
        """Ends every session that runs, and says how many those were."""
        with self._lock:
            return sum(self.end(session_id) for session_id in list(self._running))

    def mark_delivered(self, session_id: str, delivered: bool) -> None:
        """Notes whether the answer with this session reached its client."""
        with self._lock:
            self._sessions[session_id] = replace(self._sessions[session_id], delivered=delivered)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Every session, in the order they were started."""
        with self._lock:
            self._end_overdue()
            return tuple(self._sessions.values())

    def _end_overdue(self) -> None:
        """Ends the sessions whose `maxSessionLengthSeconds` have passed."""
        now = self._clock()
        for session_id, ends_at in [(session_id, at) for session_id, at in self._ends.items() if at <= now]:
            self._end(session_id, ends_at)

    def _end(self, session_id: str, at: float) -> None:
        self._running.discard(session_id)
        self._ends.pop(session_id, None)
        self._sessions[session_id] = replace(self._sessions[session_id], ended_at=at)

    # Requests

    def arrived(self, *, method: str, path: str, operation: str | None, headers: Mapping[str, str]) -> int:
        """Records a request, and returns its number."""
        with self._lock:
            self._request_count += 1
            number = self._request_count
            self._requests[number] = SeenRequest(
                number=number,
                operation=operation,
                method=method,
                path=path,
                received_at=self._clock(),
                headers=headers,
            )
            self._requests.pop(number - REQUESTS_KEPT, None)
            return number

    def learned(self, number: int, **facts: Any) -> None:
        """Adds to the record of a request what has turned out since it arrived."""
        with self._lock:
            if number in self._requests:
                self._requests[number] = replace(self._requests[number], **facts)

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """The latest requests, oldest first."""
        with self._lock:
            return tuple(self._requests.values())


def _room(livekit_token: object) -> str | None:
    """The room that a LiveKit access token lets its bearer join. Nobody checks the signature here."""
    try:
        payload = str(livekit_token).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        room = claims["video"]["room"]
    except (IndexError, KeyError, TypeError, ValueError, RecursionError, binascii.Error):
        return None
    return room if isinstance(room, str) else None
