"""Start Anam avatar sessions: mint a session token, start the session, never twice.

```python
from anam_facade import AnamClient, PersonaConfig

with AnamClient() as client:  # ANAM_API_KEY
    session = client.start_session(PersonaConfig.saved("<persona id>"))
```
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from ._contract import (
        openapi_path,
    )
    from ._secret import (
        Secret,
    )
    from ._wire import (
        AnamConfigWarning,
    )
    from .client import (
        DEFAULT_BASE_URL,
        AnamClient,
        AsyncAnamClient,
    )
    from .errors import (
        AnamConfigError,
        AnamConnectionError,
        AnamError,
        AnamResponseError,
        AnamStatusError,
        AnamTimeoutError,
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ConcurrencyLimitError,
        ConflictError,
        NotFoundError,
        PermissionDeniedError,
        PlanRequiredError,
        Problem,
        RateLimitError,
        ServerError,
        ServiceBusyError,
        SessionStartUncertainError,
        SpendCapError,
    )
    from .persona import (
        CUSTOMER_CLIENT_V1,
        CartesiaSonic3VoiceOptions,
        ClientTool,
        DirectorNotes,
        ElevenLabsV1VoiceOptions,
        ElevenLabsV2VoiceOptions,
        FishAudioVoiceOptions,
        KnowledgeTool,
        PersonaConfig,
        SystemTool,
        Tool,
        VoiceDetectionOptions,
        VoiceGenerationOptions,
        WebhookTool,
    )
    from .retry import (
        RetryPolicy,
    )
    from .session import (
        VIDEO_SIZES,
        ClientConfig,
        DailyEgress,
        EngineSession,
        IceServer,
        LiveKitEnvironment,
        SessionOptions,
        SessionToken,
    )

# Modules are imported when one of their names is first used: a program that imports the package and may never start a
# session pays next to nothing.
_HOMES = {
    "_contract": ("openapi_path",),
    "_secret": ("Secret",),
    "_wire": ("AnamConfigWarning",),
    "client": (
        "DEFAULT_BASE_URL",
        "AnamClient",
        "AsyncAnamClient",
    ),
    "errors": (
        "AnamConfigError",
        "AnamConnectionError",
        "AnamError",
        "AnamResponseError",
        "AnamStatusError",
        "AnamTimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ClientClosedError",
        "ConcurrencyLimitError",
        "ConflictError",
        "NotFoundError",
        "PermissionDeniedError",
        "PlanRequiredError",
        "Problem",
        "RateLimitError",
        "ServerError",
        "ServiceBusyError",
        "SessionStartUncertainError",
        "SpendCapError",
    ),
    "persona": (
        "CUSTOMER_CLIENT_V1",
        "CartesiaSonic3VoiceOptions",
        "ClientTool",
        "DirectorNotes",
        "ElevenLabsV1VoiceOptions",
        "ElevenLabsV2VoiceOptions",
        "FishAudioVoiceOptions",
        "KnowledgeTool",
        "PersonaConfig",
        "SystemTool",
        "Tool",
        "VoiceDetectionOptions",
        "VoiceGenerationOptions",
        "WebhookTool",
    ),
    "retry": ("RetryPolicy",),
    "session": (
        "VIDEO_SIZES",
        "ClientConfig",
        "DailyEgress",
        "EngineSession",
        "IceServer",
        "LiveKitEnvironment",
        "SessionOptions",
        "SessionToken",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CUSTOMER_CLIENT_V1",
    "DEFAULT_BASE_URL",
    "VIDEO_SIZES",
    "AnamClient",
    "AnamConfigError",
    "AnamConfigWarning",
    "AnamConnectionError",
    "AnamError",
    "AnamResponseError",
    "AnamStatusError",
    "AnamTimeoutError",
    "AsyncAnamClient",
    "AuthenticationError",
    "BadRequestError",
    "CartesiaSonic3VoiceOptions",
    "ClientClosedError",
    "ClientConfig",
    "ClientTool",
    "ConcurrencyLimitError",
    "ConflictError",
    "DailyEgress",
    "DirectorNotes",
    "ElevenLabsV1VoiceOptions",
    "ElevenLabsV2VoiceOptions",
    "EngineSession",
    "FishAudioVoiceOptions",
    "IceServer",
    "KnowledgeTool",
    "LiveKitEnvironment",
    "NotFoundError",
    "PermissionDeniedError",
    "PersonaConfig",
    "PlanRequiredError",
    "Problem",
    "RateLimitError",
    "RetryPolicy",
    "Secret",
    "ServerError",
    "ServiceBusyError",
    "SessionOptions",
    "SessionStartUncertainError",
    "SessionToken",
    "SpendCapError",
    "SystemTool",
    "Tool",
    "VoiceDetectionOptions",
    "VoiceGenerationOptions",
    "WebhookTool",
    "__version__",
    "openapi_path",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
