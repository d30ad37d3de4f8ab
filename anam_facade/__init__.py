"""Start Anam avatar sessions: mint a session token, start the session, never twice.

```python
from anam_facade import AnamClient, PersonaConfig

with AnamClient() as client:  # ANAM_API_KEY
    session = client.start_session(PersonaConfig.saved("<persona id>"))
```
"""

from anam_api import models
from anam_api.models import *  # noqa: F403 - what the contract has; a new schema is here without being listed
from anam_api.support import BLAMELESS, AnamConfigWarning, Secret

from . import errors
from ._contract import openapi_path
from ._version import __version__
from .client import DEFAULT_BASE_URL, AnamClient, AsyncAnamClient
from .errors import *  # noqa: F403
from .persona import CUSTOMER_CLIENT_V1, PersonaConfig
from .retry import RetryPolicy
from .session import VIDEO_SIZES, LiveKitEnvironment, SessionToken

__all__ = [
    "CUSTOMER_CLIENT_V1",
    "DEFAULT_BASE_URL",
    "VIDEO_SIZES",
    "AnamClient",
    "AnamConfigWarning",
    "AsyncAnamClient",
    "LiveKitEnvironment",
    "PersonaConfig",
    "RetryPolicy",
    "Secret",
    "SessionToken",
    "__version__",
    "openapi_path",
]
__all__ += errors.__all__
__all__ += models.__all__

BLAMELESS.append(__name__)  # a warning blames the caller's line
