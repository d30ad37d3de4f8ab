"""Start Anam avatar sessions: mint a session token, start the session, never twice.

```python
from anam_facade import AnamClient, PersonaConfig

with AnamClient() as client:  # ANAM_API_KEY
    session = client.start_session(PersonaConfig.saved("<persona id>"))
```
"""

from anam_api import models
from anam_api.models import *  # noqa: F403 - what the contract has; a new schema is here without being listed
from anam_api.support import BLAMELESS, AnamConfigError, AnamConfigWarning, AnamError, Problem, Secret

from ._contract import openapi_path
from ._version import __version__
from .client import DEFAULT_BASE_URL, AnamClient, AsyncAnamClient
from .errors import (
    AnamConnectionError,
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
    RateLimitError,
    ServerError,
    ServiceBusyError,
    SessionStartUncertainError,
    SpendCapError,
)
from .persona import CUSTOMER_CLIENT_V1, PersonaConfig
from .retry import RetryPolicy
from .session import VIDEO_SIZES, LiveKitEnvironment, SessionToken

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
    "ClientClosedError",
    "ConcurrencyLimitError",
    "ConflictError",
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
    "SessionStartUncertainError",
    "SessionToken",
    "SpendCapError",
    "__version__",
    "openapi_path",
]
__all__ += models.__all__

BLAMELESS.append(__name__)  # a warning blames the caller's line
