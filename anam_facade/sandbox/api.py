"""The Python API of the sandbox."""

from __future__ import annotations

import base64
import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, Self, TypedDict, Unpack

from . import contract, not_installed
from .app import create_app
from .faults import Fault
from .server import Server
from .service import parse_duration, token_type
from .settings import Settings, checked_seconds
from .state import Listener, SeenRequest, Session, State, Token


class Setting(TypedDict, total=False):
    """The fields of `Settings` that are given by name."""

    max_sessions: int | None
    strict: bool
    latency: tuple[float, float]
    used_token_status: int
    token_lifetime: float
    has_plan: bool
    spend_cap_reached: bool
    gated_models: tuple[str, ...]
    record_all: bool
    unknown_avatars: tuple[str, ...]


class Sandbox:
    """A local Anam that keeps state, for tests and demos. It starts no engine and renders nothing.

    Use it as a context manager, or call `start()` and `stop()`. It serves from a thread of its own, so that it works
    beside blocking and asyncio code alike; its methods may be called from any thread.

    ```python
    with Sandbox(max_sessions=1) as sandbox:
        client = AnamClient(sandbox.api_key, sandbox.base_url)
    ```

    What it remembers of tokens and sessions grows until `reset()`; of requests it keeps the latest 10,000.

    Args:
        port: TCP port; 0 picks a free one.
        host: Address to listen on. Others than loopback let the network in.
        api_key: The key that requests must carry. By default a random one that looks like a real one.
        clock: Returns the time, in seconds since the epoch. Decides on expiry and session length; delays are in real
            time. None means that of `time.time`, looked up when it is asked for: under freezegun, the frozen one.
        keepalive: Seconds after which an idle connection is closed.
        livekit: Whether an avatar joins the LiveKit rooms of sessions: a test picture that plays back what the agent
            says, see `avatar`. True for rooms of this machine, `"any"` for those of others too. What the start answers
            is the same. Needs `pip install "anam_facade[livekit]"`.
        settings: Those of `Settings`, by name: `max_sessions=1`, `strict=True`.

    Attributes:
        api_key: The API key to give to a client.
        clock: The clock given, or that of the system.
        settings: The settings in force; `configure` changes them.
        state: What is remembered since the last reset. (This and the next are for the sandbox's own modules.)
        listeners: Who is told of what happens; to be added to before the sandbox is started.

    Raises:
        ValueError: A value is out of bounds; the message names it.
        TypeError: A value has the wrong type.
        ImportError: `livekit` is asked for and not installed.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        api_key: str | None = None,
        clock: Callable[[], float] | None = None,
        keepalive: float = 75.0,
        livekit: bool | Literal["any"] = False,
        **settings: Unpack[Setting],
    ) -> None:
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be between 0 and 65535, not {port}")
        if api_key is not None and not re.fullmatch(r"[!-~]+", api_key):
            raise ValueError("api_key must be printable ASCII without blanks, not empty")
        # Of the shape that real ones have: base64 of an id and a secret.
        likely = base64.b64encode(f"{uuid.uuid4()}:{secrets.token_urlsafe(32)}".encode("ascii")).decode("ascii")
        self.api_key = api_key or likely
        self.clock: Callable[[], float] = clock or (lambda: time.time())
        self.settings = self._initial = Settings(**settings)
        self.listeners: list[Listener] = []
        self._new_state = partial(State, api_key=self.api_key, clock=self.clock, listeners=self.listeners)
        self.state = self._new_state()
        self._changing, self._lifecycle = threading.Lock(), threading.Lock()
        idle = checked_seconds(keepalive)
        self._server = Server(create_app(self), host, port, keepalive=idle, at_the_end=self._aclose)
        if livekit:
            try:
                # 0.2 s and 100 MB that nobody else pays for.
                from .avatar import Avatars
            except ModuleNotFoundError as error:
                raise not_installed(error, "Sandbox(livekit=True)", "livekit") from error
            self.listeners.append(Avatars(anywhere=livekit == "any", clock=self.clock))

    def __repr__(self) -> str:
        return f"<Sandbox at {self._server.base_url}>" if self._server.base_url else "<Sandbox, not started>"

    # Starting and stopping

    def start(self) -> Self:
        """Starts serving; does nothing when it serves already. What it remembers from before a `stop()` is kept.

        Returns:
            The sandbox itself.

        Raises:
            OSError: The address cannot be used; the port is taken, for instance.
        """
        with self._lifecycle:
            self._server.start()
        return self

    def stop(self) -> None:
        """Cuts all connections, frees the port, ends the thread. Does nothing when it does not serve."""
        with self._lifecycle:
            self._server.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """The URL to give to a client, without a slash at the end.

        Raises:
            RuntimeError: The sandbox was never started.
        """
        if self._server.base_url is None:
            raise RuntimeError("the sandbox was not started: use `with Sandbox() as sandbox:`, or call start()")
        return self._server.base_url

    # Faults

    def inject(self, fault: Fault) -> Fault:
        """Puts a fault in force from the next call on, behind those that are in force.

        Returns:
            The same fault.
        """
        self.state.faults.add(fault)
        return fault

    def clear_faults(self) -> None:
        """Forgets all faults. Requests that have already met theirs are not spared."""
        self.state.faults.clear()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that were injected and not cleared, those used up included."""
        return tuple(self.state.faults)

    def outage(self, seconds: float) -> None:
        """Goes down: refuses connections and resets those that are open, then comes back on the same port.

        Returns as soon as it is down. Tokens, sessions and faults are kept. Called again during an outage, it starts
        the time anew. Does nothing when the sandbox does not serve.

        Args:
            seconds: How long to be away.

        Raises:
            ValueError: Not a finite number, or negative.
        """
        seconds = checked_seconds(seconds)
        with self._lifecycle:
            self._server.call(self._server.go_down, seconds)

    # What happened

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Every session that was started, in that order."""
        return self.state.sessions

    @property
    def active_sessions(self) -> tuple[Session, ...]:
        """The sessions that run."""
        return tuple(session for session in self.sessions if session.active)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every token that was minted, in that order."""
        return self.state.tokens

    @property
    def requests(self) -> tuple[SeenRequest, ...]:
        """The latest requests, oldest first, credentials masked.

        Without those to `/_sandbox`, `/docs` and the like; with preflights and telemetry only if `record_all` is set.
        """
        return self.state.requests

    # Changing things

    def end_session(self, session_id: str) -> bool:
        """Ends a session, which frees its slot.

        Returns:
            False when the session had ended before.

        Raises:
            KeyError: There is no such session.
        """
        return self.state.end(session_id)

    def end_all(self) -> int:
        """Ends every session that runs, and says how many those were."""
        return self.state.end_all()

    def reset(self) -> None:
        """Forgets everything: tokens, sessions, requests, faults, and settings changed since the sandbox was made.

        The API key and the port stay. Requests in progress are cut off, and leave no trace in what follows.
        """
        with self._lifecycle:
            self._server.call(self.forget)

    def forget(self) -> None:
        """What `reset` does, in the server's thread if there is one."""
        # A request keeps the state it arrived in, so that nothing outlives a reset.
        before, self.settings, self.state = self.state, self._initial, self._new_state()
        before.end_all("reset")
        self._server.cut()

    def mint_token(
        self,
        *,
        persona: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        session_options: Mapping[str, Any] | None = None,
        client_label: str | None = None,
        expires_in: str | float | None = None,
        type: str | None = None,  # noqa: A002 - the claim's name
    ) -> str:
        """Mints a token without a request, and without the checks of one.

        Args:
            persona: `personaConfig` in the wire's form; by default some saved persona.
            environment: `environment` in the wire's form.
            session_options: `sessionOptions` in the wire's form.
            client_label: `clientLabel`.
            expires_in: Seconds, or a text such as `30m`; a negative number makes a token that has expired.
            type: The token's `type` claim; by default the one that fits the persona.

        Returns:
            The token itself.

        Raises:
            ValueError: The text in `expires_in` is not a duration.
        """
        given = {
            "personaConfig": persona or contract.example("MintSaved")["personaConfig"],
            "environment": environment,
            "sessionOptions": session_options,
            "clientLabel": client_label,
        }
        config = {name: value for name, value in given.items() if value is not None}
        lifetime = parse_duration(expires_in) if isinstance(expires_in, str) else expires_in
        if lifetime is None and expires_in is not None:
            raise ValueError(f"expires_in must be a number and one of s, m, h, d, w, not {expires_in!r}")
        lifetime = self.settings.token_lifetime if lifetime is None else lifetime
        return self.state.mint(config, kind=type or token_type(config), lifetime=lifetime)

    # Settings

    def configure(self, **changes: Unpack[Setting]) -> Settings:
        """Changes settings, for requests from now on: `sandbox.configure(max_sessions=1, strict=True)`.

        Returns:
            The settings now in force.

        Raises:
            ValueError: An unknown name, or a value out of bounds.
            TypeError: A value of the wrong type.
        """
        with self._changing:
            self.settings = self.settings.changed(changes)
            return self.settings

    @property
    def latency(self) -> tuple[float, float]:
        """Seconds that the answers of a mint and of a start take. Can be set."""
        return self.settings.latency

    @latency.setter
    def latency(self, seconds: tuple[float, float]) -> None:
        self.configure(latency=seconds)

    async def _aclose(self) -> None:
        for listener in self.listeners:
            await listener.aclose()
