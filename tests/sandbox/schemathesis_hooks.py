"""Loaded by schemathesis into its own process: the credential of its requests, and the checks it has not got itself.

`SANDBOX_UNDER_TEST` describes the run, as JSON: the strict sandbox's address and key, and whether requests carry the
key or a session token.
"""

from __future__ import annotations

import json
import os
from typing import Any

import httpx
import schemathesis
from schemathesis import CheckContext, Response

from tests.sandbox.contract import document, fits, violations

MINT, START = "/v1/auth/session-token", "/v1/engine/session"

RUN: dict[str, Any] = json.loads(os.environ["SANDBOX_UNDER_TEST"])

Case = schemathesis.Case[Any]

# What the document asks for outside its schemas, as the sandbox names it in `details`. Who makes data from the schemas
# cannot know of it.
BEYOND_SCHEMAS = {
    "x-extensible-enum",  # avatarModel; the sandbox knows no others
    "x-maxBytes",
    "x-uniqueBy",
    "enableAudioPassthrough",  # Egress needs it, in words
    "format",  # expiresIn is "a number and a unit", in words
}


@schemathesis.auth(refresh_interval=None)
class Bearer:
    """The API key, or a session token: one of its own for every start, since a start uses it up."""

    def get(self, case: Case, context: schemathesis.AuthContext) -> str:
        if RUN["bearer"] == "api_key":
            return str(RUN["api_key"])
        saved = document()["components"]["examples"]["MintSaved"]["value"]
        headers = {"Authorization": f"Bearer {RUN['api_key']}"}
        return str(httpx.post(RUN["base_url"] + MINT, json=saved, headers=headers).json()["sessionToken"])

    def set(self, case: Case, data: str, context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.check
def answers_are_as_documented(ctx: CheckContext, response: Response, case: Case) -> None:
    """By the reading of these tests too: unlike schemathesis, they do not let `default` stand for any status."""
    headers = {name.lower(): ", ".join(values) for name, values in response.headers.items()}
    url, method = httpx.URL(str(response.request.url)), str(response.request.method)
    found = violations(method, url.path, response.status_code, headers, response.content)
    assert not found, "\n".join(found)


@schemathesis.check
def valid_data_is_refused_for_a_documented_reason(ctx: CheckContext, response: Response, case: Case) -> None:
    """What satisfies the schemas is accepted, or breaks a rule that the document states outside of them.

    Stands in for `positive_data_acceptance`, which knows schemas only.
    """
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code < 300:
        return
    if RUN["bearer"] == "session_token" and case.path == MINT:
        assert response.status_code == 401
        return
    if case.path == START and fits("TokenStartRequest", case.body) != (RUN["bearer"] == "session_token"):
        assert response.status_code == 400, "the body is the one that goes with the other bearer"
        return
    if response.status_code == 403:
        body: Any = case.body
        assert body["personaConfig"]["avatarModel"] == "cara-4-latest"
        return
    assert response.status_code == 400
    if response.json()["error"] == "video_dimensions_not_supported_for_model":
        return  # sizes stand in an extension
    rules = {problem["code"] for problem in response.json().get("details", ())}
    assert rules <= BEYOND_SCHEMAS, f"refused by {rules - BEYOND_SCHEMAS}, although the schema is satisfied"
