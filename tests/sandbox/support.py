"""What the tests of the sandbox share: personas, and a client that holds every answer against the contract."""

import copy
import json
import socket
import time
from functools import cache
from importlib.util import find_spec

import httpx
import yaml

from anam_facade import openapi_path

MINT, START = "/v1/auth/session-token", "/v1/engine/session"
UUID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
SAVED = {"personaId": UUID}
INLINE = {"avatarId": UUID, "voiceId": UUID, "llmId": UUID}
LIVEKIT = {"livekitUrl": "wss://rooms.example.org", "livekitToken": "header.payload.signature"}
DOCUMENT = yaml.load(openapi_path().read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
EXAMPLES = {name: example["value"] for name, example in DOCUMENT["components"]["examples"].items()}


@cache
def contract():
    """The document, as schemathesis reads it; other than the document allows, `default` does not stand for any status.

    A start's body is the one that goes with the API key. Nothing here comes from the sandbox, so that the two cannot
    be wrong together.
    """
    import schemathesis

    config = schemathesis.Config.from_dict({"seed": 1})
    document = copy.deepcopy(DOCUMENT)
    del document["servers"]
    for item in document["paths"].values():
        responses = item["post"]["responses"]
        # What HTTP defines for any resource.
        responses |= dict.fromkeys(("405", "413"), responses.pop("default"))
    content = document["paths"][START]["post"]["requestBody"]["content"]
    content["application/json"] = {"schema": {"$ref": "#/components/schemas/DirectStartRequest"}}
    return schemathesis.openapi.from_dict(document, config=config)


def assert_fits_contract(response):
    """Status, content type, headers and body of an answer from either operation's path are as the contract says."""
    from schemathesis.specs.openapi import checks

    judged = [
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
    contract()[response.request.url.path]["POST"].Case().validate_response(response, checks=judged)


class Api:
    """A plain client: one connection pool, one method per operation."""

    def __init__(self, sandbox, *, check=True):
        self.sandbox = sandbox
        # Certificates are loaded by every client, and none is needed here.
        self.http = httpx.Client(base_url=sandbox.base_url, timeout=10, trust_env=False, verify=False)
        self.address = self.http.base_url.host, self.http.base_url.port or 0
        # Some of these tests run in tests/packaging too, with the extra and without schemathesis.
        self._check = check and find_spec("schemathesis") is not None

    def post(self, path, body, bearer, **more):
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers |= {"Content-Type": "application/json"} | more.pop("headers", {})
        response = self.http.post(path, content=content, headers=headers, **more)
        if self._check:
            assert_fits_contract(response)
        return response

    def mint(self, persona=SAVED, *, bearer=None, **config):
        return self.post(MINT, {"personaConfig": persona, **config}, bearer or self.sandbox.api_key)

    def token(self, persona=SAVED, **config):
        return str(self.mint(persona, **config).raise_for_status().json()["sessionToken"])

    def start(self, token, body=None, **more):
        return self.post(START, {} if body is None else body, token, **more)

    def direct(self, persona=SAVED, **config):
        return self.post(START, {"personaConfig": persona, **config}, self.sandbox.api_key)

    def in_both_modes(self, persona=SAVED, **config):
        """The answers to a start with a token bound to a configuration, and to a direct one with it."""
        return [self.start(self.token(persona, **config)), self.direct(persona, **config)]


class Clock:
    """A clock that moves when it is told to."""

    now = 1_800_000_000.25

    def __call__(self):
        return self.now


def exchanged(api, request):
    """All that comes back to a request, until the connection is closed in an orderly way."""
    with socket.create_connection(api.address, timeout=5) as raw:
        raw.sendall(request)
        return b"".join(iter(lambda: raw.recv(4096), b""))


def eventually(condition, seconds=5.0):
    """Waits for what another thread is about to bring about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
