"""The class of `livekit-plugins-anam` that calls Anam, name for name, over `AsyncAnamClient`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions

from anam_api.support import Secret

from ..client import AsyncAnamClient
from ..persona import CUSTOMER_CLIENT_V1, PersonaConfig
from ..retry import A_DAY, RetryPolicy
from ..session import LiveKitEnvironment, SessionOptions, SessionToken
from ._errors import framework_errors

if TYPE_CHECKING:
    import aiohttp


class AnamAPI:
    """The plugin's class of this name, of every version from 1.2.2 to 1.8.9: the same calls, the same plain answers.

    What goes wrong is raised as LiveKit's errors (`APIStatusError`, `APIConnectionError`, `APITimeoutError`) and this
    package's at once. A start whose answer was lost is never repeated in a way that could start a second session; the
    error then says `retryable=False`.

    Args:
        api_key: Anam's API key.
        api_url: Where the API is.
        conn_options: `max_retry` retries, with pauses that grow up to `retry_interval`; `timeout` bounds each attempt
            as a whole, 0 means no limit.
        session: An aiohttp session to send through; it is never closed here.
        direct: Whether `start_session` makes one call with the API key instead of minting a token and starting with
            it. A round trip less, but a lost answer cannot be repaired.
    """

    def __init__(
        self,
        api_key: str,
        api_url: str,
        *,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        session: aiohttp.ClientSession | None = None,
        direct: bool = False,
    ) -> None:
        self._key, self._url = Secret(api_key), api_url
        self._options, self._session, self._direct = conn_options, session, direct
        self._kept: AsyncAnamClient | None = None
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._kept = await self._exits.enter_async_context(self._open())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._kept = None
        await self._exits.aclose()

    async def create_session_token(
        self, persona_config: Any, livekit_url: str, livekit_token: str, session_options: Any = None
    ) -> str:
        """Mints a session token for a LiveKit room, and returns the token itself.

        Args:
            persona_config: The plugin's, or anything with its attributes; a persona of this package, or a mapping in
                the wire's form.
            livekit_url: Address of the LiveKit server.
            livekit_token: Access token for the room.
            session_options: The plugin's, or anything with its attributes; options of this package, or a mapping.

        Raises:
            AnamConfigError: An argument is not valid; nothing was sent. It is a `ValueError`.
            APIStatusError, APIConnectionError, APITimeoutError: The server refused or was not reached.
            AnamException: The answer holds no token.
        """
        environment, livekit_token = LiveKitEnvironment(livekit_url, livekit_token), ""
        async with self._client() as client:
            token = await client.create_session_token(
                _persona(persona_config), environment=environment, session_options=_options(session_options)
            )
        return token.value

    async def start_engine_session(self, session_token: str) -> dict[str, Any]:
        """Starts the session of a token, minted here or elsewhere, and returns the whole answer.

        Raises:
            AnamConfigError: The token cannot be one; nothing was sent.
            APIStatusError, APIConnectionError, APITimeoutError: See `retryable`.
        """
        token, session_token = SessionToken(session_token), ""
        async with self._client() as client:
            session = await client.start_engine_session(token)
        return dict(session.raw)

    async def start_session(
        self, persona_config: Any, livekit_url: str, livekit_token: str, session_options: Any = None
    ) -> dict[str, Any]:
        """Mints a token and starts its session, or both in one call when `direct`; arguments and errors as above."""
        environment, livekit_token = LiveKitEnvironment(livekit_url, livekit_token), ""
        async with self._client() as client:
            session = await client.start_session(
                _persona(persona_config),
                environment=environment,
                session_options=_options(session_options),
                direct=self._direct,
            )
        return dict(session.raw)

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncAnamClient]:
        with framework_errors():
            if self._kept is not None:
                yield self._kept
            else:
                async with self._open() as client:
                    yield client

    def _open(self) -> AsyncAnamClient:
        pause = self._options.retry_interval
        policy = RetryPolicy(
            max_attempts=self._options.max_retry + 1,
            initial_backoff=min(0.25, pause),
            max_backoff=pause,
            deadline=None,  # max_retry and timeout bound it
        )
        return AsyncAnamClient(
            self._key,
            self._url,
            retry=policy,
            timeout=self._options.timeout or A_DAY,
            auto_label=False,  # the plugin sends none
            http_client=self._session,
        )


def _persona(given: Any) -> PersonaConfig | Mapping[str, Any]:
    """The plugin's persona, whose attributes are spelled as the wire's fields; not every version has all of them."""
    if isinstance(given, (PersonaConfig, Mapping)):
        return given
    persona = {"type": "ephemeral", "name": given.name, "avatarId": given.avatarId, "llmId": CUSTOMER_CLIENT_V1}
    if model := getattr(given, "avatarModel", None):
        persona["avatarModel"] = model
    notes = getattr(given, "directorNotes", None)
    if notes := {name: value for name, value in vars(notes).items() if value is not None} if notes else {}:
        persona["directorNotes"] = notes
    return persona


def _options(given: Any) -> SessionOptions | Mapping[str, Any] | None:
    if given is None or isinstance(given, (SessionOptions, Mapping)):
        return given
    names = ("video_width", "video_height", "show_ai_avatar_disclosure")
    chosen = {name: value for name in names if (value := getattr(given, name, None)) is not None}
    return SessionOptions(**chosen) if chosen else None


_replaced: dict[str, Any] = {}


def install() -> None:
    """Puts `AnamAPI` where the installed `livekit-plugins-anam` looks for its own, so that its `AvatarSession` uses it.

    Call it before the program imports the plugin's `AnamAPI` by name. Calling it again changes nothing.

    Raises:
        ImportError: `livekit-plugins-anam` is not installed.
    """
    for name, module in _plugin_modules().items():
        if module.AnamAPI is not AnamAPI:
            _replaced[name], module.AnamAPI = module.AnamAPI, AnamAPI


def uninstall() -> None:
    """Takes `install` back. Calling it without an `install` before changes nothing."""
    while _replaced:
        name, original = _replaced.popitem()
        _plugin_modules()[name].AnamAPI = original


def _plugin_modules() -> dict[str, Any]:
    try:
        from livekit.plugins.anam import api, avatar
    except ModuleNotFoundError as error:
        raise ImportError(
            "install() needs livekit-plugins-anam, which is not installed: pip install livekit-plugins-anam",
            name=error.name,
        ) from error
    return {"api": api, "avatar": avatar}  # `avatar` has imported the name, so both must change
