"""Under LiveKit's agents framework: the plugin's `AnamAPI` over this client, and an `AvatarSession` of our own.

```python
from anam_facade.livekit import AvatarSession

avatar = AvatarSession(PersonaConfig.saved("<persona id>"))
await ctx.connect()
await avatar.start(session, ctx.room)  # before session.start
```

`livekit-agents` comes from your own environment: 1.2.2 or newer for `AnamAPI`, 1.6 or newer for `AvatarSession`.
Nothing else in this package imports it.
"""

from typing import TYPE_CHECKING, Any

try:
    import livekit.agents  # noqa: F401 - only to say plainly that it is missing
except ModuleNotFoundError as error:
    raise ImportError(
        "anam_facade.livekit needs livekit-agents, which is not installed: pip install livekit-agents", name=error.name
    ) from error

from ..http import preload
from ._api import AnamAPI, install, uninstall

if TYPE_CHECKING:
    from ._avatar import AvatarLostError, AvatarSession

preload()  # an agent's program is imported while its process waits for a job

__all__ = ["AnamAPI", "AvatarLostError", "AvatarSession", "install", "uninstall"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from . import _avatar  # here, because AnamAPI serves older frameworks too
    except ImportError as error:
        raise ImportError(f"anam_facade.livekit.{name} needs livekit-agents 1.6 or newer: {error}") from error
    return getattr(_avatar, name)
