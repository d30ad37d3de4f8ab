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

_HOMES = {
    "Fault": "faults",
    "Sandbox": "api",
    "SeenRequest": "state",
    "Session": "state",
    "Settings": "settings",
    "Token": "state",
}
_EXTRA = {
    "h11": "uvicorn",
    "jsonschema_rs": "jsonschema-rs",
    "jwt": "PyJWT",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "wsproto": "wsproto",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        # All of it, so that an incomplete installation shows with whichever name is asked for first.
        import_module(".api", __name__)
    except ModuleNotFoundError as error:
        missing = _EXTRA.get((error.name or "").partition(".")[0])
        if missing is None:
            raise
        raise ImportError(
            f'anam_facade.sandbox needs {missing}, which is not installed: pip install "anam_facade[sandbox]"',
            name=error.name,
        ) from error
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
