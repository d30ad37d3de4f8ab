"""A plain client of the sandbox that accepts no answer which is not as openapi.yaml says."""

from __future__ import annotations

import json
from collections import Counter
from types import TracebackType
from typing import Any, Self

import httpx

from anam_facade.sandbox import Sandbox
from tests.conformance.contract import document, violations

MINT, START = "/v1/auth/session-token", "/v1/engine/session"
OPERATIONS = {MINT: "createSessionToken", START: "createEngineSession"}
EXAMPLES: dict[str, Any] = {name: example["value"] for name, example in document()["components"]["examples"].items()}

UUID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
SAVED: dict[str, Any] = {"personaId": UUID}
INLINE: dict[str, Any] = {"avatarId": UUID, "voiceId": UUID, "llmId": UUID}


def problems(response: httpx.Response) -> list[str]:
    """What of a response is not as the document says."""
    request, headers = response.request, {name.lower(): value for name, value in response.headers.items()}
    return violations(request.method, request.url.path, response.status_code, headers, response.content)


class Client:
    """Sends what it is told, well-formed or not, and checks every answer.

    Attributes:
        answered: How often each operation was answered with each status.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.answered: Counter[tuple[str, int]] = Counter()
        # Certificates are loaded by every client, and none is needed here.
        self._http = httpx.Client(base_url=sandbox.base_url, timeout=10, trust_env=False, verify=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def send(self, path: str, body: Any, bearer: str | None, *, method: str = "POST", **headers: str) -> httpx.Response:
        """One request; the body goes as JSON, or as it is when it is bytes."""
        sent = {"content-type": "application/json"}
        if bearer is not None:
            sent["authorization"] = f"Bearer {bearer}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = self._http.request(method, path, content=content, headers=sent)
        found = problems(response)
        assert not found, "\n".join(found)
        if method == "POST" and path in OPERATIONS:
            self.answered[OPERATIONS[path], response.status_code] += 1
        return response

    def mint(self, body: Any, bearer: str | None = None, **headers: str) -> httpx.Response:
        """Asks for a token, with the API key unless told otherwise."""
        return self.send(MINT, body, self.sandbox.api_key if bearer is None else bearer, **headers)

    def token(self, **config: Any) -> str:
        """A token; it must be given."""
        response = self.mint({"personaConfig": SAVED, **config})
        assert response.status_code == 200, response.text
        token: str = response.json()["sessionToken"]
        return token

    def start(self, body: Any, bearer: str | None, **headers: str) -> httpx.Response:
        """Asks for a session."""
        return self.send(START, body, bearer, **headers)

    def direct(self, **config: Any) -> httpx.Response:
        """Asks for a session with the API key."""
        return self.start({"personaConfig": SAVED, **config}, self.sandbox.api_key)
