"""What should go wrong, and on which call: decisions only, no I/O.

A `Fault` says what happens; a `FaultPlan` says which fault, if any, the next call meets. Both are plain data and
counting, so that the same plan gives the same sequence to every client, whatever language it is written in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from .settings import check_names, check_values

OPERATIONS = ("createSessionToken", "createEngineSession")
"""The operations a fault can be tied to, by their `operationId` in the contract."""

SIGNALLING = "signalling"
"""What else it can be tied to: a page's socket, which module `signalling` describes."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = {"pattern": r"^[\t -~\x80-\xff]*$"}
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong on some calls.

    Which calls: the first `after` matching ones are spared; of the others, all are hit, or those that `rate` picks,
    until `times` of them were hit. With neither `times` nor `rate`, every call is hit until `Sandbox.clear_faults()`.
    Every request to an operation counts as a call, a client's retries included.

    What happens: exactly what is set, in the order delay, close="before", work, delay_answer, close="after", answer.
    A fault with `status` and without `processed` answers instead of doing the work; every other fault does the work, so
    that a session is started.

    Attributes:
        operation: `"createSessionToken"`, `"createEngineSession"`, or None for both; `"signalling"` for the sockets of
            pages, which meet `delay`, `close`, `delay_answer` and `body` as module `signalling` says.
        times: How many calls are hit at most; None for no limit.
        rate: Share of the calls that is hit, from 0 to 1. Whether the n-th matching call (from 0, after the spared
            ones) is hit depends on `seed` and n alone: it is when the first 53 bits of SHA-256 of `"<seed>:<n>"`, read
            as a binary fraction, are below `rate`.
        seed: Picks another sequence for the same `rate`.
        per_session: Count calls, and draw for `rate`, for each session by itself, so that a session meets the same
            faults however the calls of several interleave. A session is known by its `clientLabel`, or else by its
            `livekitUrl`; what is hashed is then `"<seed>:<that>:<n>"`. `times` still counts the hits of all together.
        after: How many matching calls are spared first.
        status: Status of the answer, 200 to 599.
        body: Body that goes with `status`: text, bytes, or a value that is sent as JSON. None stands for the error that
            the contract shows for this status; `""` for no body.
        headers: Further headers of the answer, such as `{"Retry-After": "1"}`.
        content_type: Content type of `body`. By default JSON for a value, HTML for text that begins with `<`, plain
            text for other text, and binary for bytes.
        processed: With `status`: do the work first (a session is started), then send this answer instead of the real
            one.
        delay: Seconds to wait before the request is looked at. A client that leaves meanwhile started nothing.
        delay_answer: Seconds to hold the answer back after the work was done.
        close: `"before"` resets the connection before anything is done; `"after"` resets it once the work is done,
            before any byte of the answer.
        truncate: Announce the whole length, send half of the body, end the connection.
        drip: Seconds between single bytes of the answer, its headers included.
        endless: A chunked answer whose body never ends: `body` over and over; without one, blanks after the real one.
        avatar_never_joins: The avatar of the session that is started does not join its LiveKit room (as the following,
            with `Sandbox(livekit=True)`).
        avatar_joins_after: Seconds that it takes to join.
        avatar_leaves_after: Seconds after joining when it leaves, which ends its session; None for when it is told to.
        avatar_never_finishes: It never tells that a playback has finished.

    Raises:
        ValueError: A value is out of bounds, or two of them contradict each other; the message names them.
        TypeError: A value has the wrong type.
    """

    operation: Literal["createSessionToken", "createEngineSession", "signalling"] | None = field(
        default=None, metadata={"enum": [None, *OPERATIONS, SIGNALLING]}
    )
    times: int | None = field(default=None, metadata={"minimum": 1})
    rate: float | None = field(default=None, metadata={"maximum": 1})
    seed: int = 0
    per_session: bool = False
    after: int = field(default=0, metadata={"minimum": 0})
    status: int | None = field(default=None, metadata={"minimum": 200, "maximum": 599})
    body: Any = None
    headers: Mapping[str, str] = field(
        default_factory=dict, metadata={"type": "object", "additionalProperties": {"type": "string", **_HEADER_VALUE}}
    )
    content_type: str | None = field(default=None, metadata=_HEADER_VALUE)
    processed: bool = False
    delay: float = 0.0
    delay_answer: float = 0.0
    close: Literal["before", "after"] | None = field(default=None, metadata={"enum": [None, "before", "after"]})
    truncate: bool = False
    drip: float = 0.0
    endless: bool = False
    avatar_never_joins: bool = False
    avatar_joins_after: float = 0.0
    avatar_leaves_after: float | None = None
    avatar_never_finishes: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.headers, Mapping):
            object.__setattr__(self, "headers", dict(self.headers))
        check_values(self)
        for name in self.headers:
            if name.lower() in _FRAMING:
                raise ValueError(f"Fault.headers must not set {name}; to cut an answer short, use truncate=True")
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"Fault.headers: {name!r} is not a header that HTTP can carry")
        if not isinstance(self.body, bytes):
            try:
                json.dumps(self.body, ensure_ascii=False).encode("utf-8")
            except (TypeError, ValueError, RecursionError):
                raise TypeError("Fault.body must be text of valid Unicode, bytes, or what json.dumps takes") from None
        self._check_combination()

    def _check_combination(self) -> None:
        given = self._given()
        answer = [name for name in given if name in ("status", "truncate", "drip", "endless")]
        avatar = [name for name in given if name.startswith("avatar_")]
        if avatar and (self.operation != "createEngineSession" or not self.does_the_work):
            raise ValueError(f"Fault.{avatar[0]} goes with operation=createEngineSession, and a session that starts")
        if self.operation == SIGNALLING:
            if answer or self.headers or not isinstance(self.body, str | None):
                raise ValueError("Fault.operation=signalling goes with delay, close, delay_answer, and a text as body")
            if self.close and (self.body or self.delay_answer):
                raise ValueError("Fault.close leaves a page nothing to be told: no body, no delay_answer")
            if not (self.close or self.delay or self.delay_answer or self.body):
                raise ValueError("a Fault must do something: set close, delay, delay_answer or body")
            return
        if self.status is None and (self.processed or self.content_type is not None):
            raise ValueError("Fault.processed and content_type go with a status")
        if self.status is None and self.body is not None and not self.endless:
            raise ValueError("Fault.body goes with a status, or with endless")
        if self.close and answer:
            raise ValueError(f"Fault.close sends no answer, so it does not go with {', '.join(answer)}")
        if self.close == "before" and self.delay_answer:
            raise ValueError('Fault.close="before" leaves no answer to hold back with delay_answer')
        if self.truncate and self.endless:
            raise ValueError("Fault.truncate and endless contradict each other")
        if self.headers and not answer:
            raise ValueError("Fault.headers go with status, truncate, drip or endless")
        if not (answer or avatar or self.close or self.delay or self.delay_answer):
            raise ValueError(
                "a Fault must do something: set status, close, truncate, endless, drip, delay, delay_answer or avatar_…"
            )

    def _given(self) -> dict[str, Any]:
        """What is not as by default."""
        defaults = {f.name: f.default for f in fields(self)} | {"headers": {}}
        return {name: getattr(self, name) for name, default in defaults.items() if getattr(self, name) != default}

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations whose calls it counts."""
        return OPERATIONS if self.operation is None else (self.operation,)

    @property
    def does_the_work(self) -> bool:
        """Whether the request is processed (a token minted, a session started) in spite of the fault."""
        return self.close != "before" and (self.status is None or self.processed)

    def to_dict(self) -> dict[str, Any]:
        """What is set, as JSON can carry it: what the HTTP control and `--fault` take. Bytes become `body_base64`."""
        values = self._given()
        if isinstance(self.body, bytes):
            values["body_base64"] = base64.b64encode(values.pop("body")).decode("ascii")
        return values

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `to_dict` writes.

        Raises:
            ValueError: An unknown name, or a value out of bounds.
            TypeError: A value of the wrong type, or no mapping at all.
        """
        check_names(cls, data, "body_base64")
        values = dict(data)
        if "body_base64" in values:
            try:
                values["body"] = base64.b64decode(values.pop("body_base64"), validate=True)
            except (binascii.Error, TypeError, ValueError):
                raise ValueError("Fault.body_base64 must be base64") from None
        return cls(**values)


class FaultPlan:
    """The faults in force, in the order they were injected. Safe to use from several threads.

    Every fault counts the calls it matches; the first one whose turn it is takes the call. A call taken by an earlier
    fault does not use up the `times` of a later one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []

    def add(self, *faults: Fault) -> None:
        """Puts faults behind those already there, in force from the next call on."""
        with self._lock:
            self._entries += [_Entry(fault) for fault in faults]

    def clear(self) -> None:
        """Forgets all faults. Requests that have already met theirs are not spared."""
        with self._lock:
            self._entries.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter([entry.fault for entry in self._entries])

    def decide(self, operation: str, session: Callable[[], str] = str) -> Fault | None:
        """The fault that the next call of this operation meets, or None. Counts the call.

        `session` tells which session the call is for; asked only when a fault wants to know.
        """
        taken: Fault | None = None
        with self._lock:
            for entry in self._entries:
                if operation in entry.fault.operations and entry.is_due(session) and taken is None:
                    entry.hits += 1
                    taken = entry.fault
        return taken


@dataclass(slots=True)
class _Entry:
    fault: Fault
    seen: Counter[str] = field(default_factory=Counter)
    hits: int = 0

    def is_due(self, session: Callable[[], str]) -> bool:
        """Counts a matching call, and says whether the fault wants it."""
        key = session() if self.fault.per_session else ""
        n = self.seen[key] - self.fault.after
        self.seen[key] += 1
        if n < 0 or (self.fault.times is not None and self.hits >= self.fault.times):
            return False
        seed = f"{self.fault.seed}:{key}" if self.fault.per_session else self.fault.seed
        return self.fault.rate is None or chance(seed, n) < self.fault.rate


def chance(seed: int | str, n: int) -> float:
    """A number from 0 up to 1 that depends on the seed and n alone, the same on every machine and in every language."""
    digest = hashlib.sha256(f"{seed}:{n}".encode("utf-8", "surrogatepass")).digest()
    # 53 bits: what a float holds exactly, so that the result stays below 1.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
