"""A local Anam for tests and demos: it keeps state, checks against the contract, and misbehaves on demand.

```python
from anam_facade.sandbox import Fault, Sandbox

with Sandbox() as sandbox:
    sandbox.inject(Fault(operation="createEngineSession", status=503, times=2))
    ...  # a client at sandbox.base_url with sandbox.api_key
    assert len(sandbox.sessions) == 1
```

`python -m anam_facade.sandbox` serves it for other programs and languages, which control it over HTTP (see `app`);
pytest finds the fixture `anam_sandbox` by itself. A person with a browser finds the contract at `/docs` (see `pages`).

A page with the vendor's JavaScript SDK can start a session, and is told that there is no engine (see `signalling`).
With `Sandbox(livekit=True)` a test picture joins the LiveKit rooms of sessions, and plays back what the agent says (see
`avatar`).

What it does not do: it starts no engine, renders nobody and bills nothing; it knows no catalogue of avatars, voices or
personas; of Anam's API it has the two operations of the contract. Where the vendor does not say what
its server does, `service` lists what the sandbox decided.

It needs `pip install "anam_facade[sandbox]"`. Its modules are loaded when a name is first asked for, because the pytest
plugin lives in this package and is imported by every pytest run, with the extra or without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Sandbox
    from .faults import Fault
    from .settings import Settings
    from .state import SeenRequest, Session, Token

__all__ = ["Fault", "Sandbox", "SeenRequest", "Session", "Settings", "Token"]

_EXTRA = frozenset({"click", "h11", "jsonschema_rs", "jwt", "starlette", "uvicorn", "wsproto"})


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(".api", __name__), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise not_installed(error, __name__, "sandbox") from error


def not_installed(error: ModuleNotFoundError, who: str, extra: str) -> ImportError:
    """What is raised in place of an error that does not say what to do."""
    advice = f'which is not installed: pip install "anam_facade[{extra}]"'
    return ImportError(f"{who} needs {error.name}, {advice}", name=error.name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
