"""What a program in another language has to do against the sandbox, and whether it did: no I/O, no compilers.

`languages/README.md` tells authors of such programs the same in prose.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from anam_facade import SessionToken
from anam_facade.sandbox import Fault, Sandbox

AVATAR = "30fa96d0-26c4-4e55-94a0-517025942e18"
VOICE = "6bfbe25a-979d-40f3-a92b-5394170af54b"
LLM = "0934d97d-0c3a-4f33-91b0-5e136a0ef466"
SAVED = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"

INLINE_PERSONA: Mapping[str, Any] = {
    "type": "ephemeral",
    "name": "Cara",
    "avatarId": AVATAR,
    "avatarModel": "cara-4",
    "voiceId": VOICE,
    "llmId": LLM,
    "directorNotes": {"presetStyle": "warm", "expressivity": 0.5},
    "tools": [{"type": "client", "name": "open_page", "description": "Opens a page of the shop."}],
}
SAVED_PERSONA: Mapping[str, Any] = {"personaId": SAVED}

# A field that the contract does not have, on every level, and values that it does not list: all of it may come any day.
UNKNOWN = "addedLater"
EXTRA_ANSWER: Mapping[str, Any] = {
    "sessionId": "4f0b7c52-1a86-4d0e-9b1f-6f7a2f1c9e30",
    "engineHost": "engine-9.example.org/v2",
    "engineProtocol": "https",
    "signallingEndpoint": "/ws",
    "region": "moon-1",
    UNKNOWN: {"nested": [1, "two", None]},
    "clientConfig": {
        "heartbeatIntervalSeconds": 7,
        "maxWsReconnectionAttempts": 3,
        "iceServers": [{"urls": "stun:stun.example.org:3478", UNKNOWN: True}],
        "iceTransportPolicy": "smoke-signals",
        UNKNOWN: "text",
    },
}

TO_MINT: Mapping[str, Any] = {"personaConfig": INLINE_PERSONA, "clientLabel": "token", "expiresIn": "1h"}
REQUESTS: Mapping[str, tuple[str, str, int, Mapping[str, Any]]] = {
    "token": ("createSessionToken", "api_key", 200, TO_MINT),
    "start": ("createEngineSession", "session_token", 200, {}),
    # Both 200 and 201 are used for a start; the sandbox answers a direct one with 201.
    "direct": ("createEngineSession", "api_key", 201, {"personaConfig": SAVED_PERSONA, "clientLabel": "direct"}),
    "extra": ("createEngineSession", "api_key", 200, {"personaConfig": SAVED_PERSONA, "clientLabel": "extra"}),
    "unauthorized": ("createSessionToken", "other", 401, {"personaConfig": SAVED_PERSONA}),
    "limit": ("createEngineSession", "api_key", 429, {"personaConfig": SAVED_PERSONA, "clientLabel": "limit"}),
}
"""What the program does, in this order, and prints a line about: operation, credential, status, body."""

STEPS = tuple(REQUESTS)


def prepare(sandbox: Sandbox) -> None:
    """Forgets the last program, and sets up what this one will meet."""
    sandbox.reset()
    sandbox.configure(max_sessions=3)
    sandbox.inject(
        Fault(operation="createEngineSession", after=2, times=1, status=200, processed=True, body=dict(EXTRA_ANSWER))
    )


def prepare_to_lose(sandbox: Sandbox) -> None:
    """Sets up a second run of the same program, in which the answer to the direct start is lost."""
    sandbox.reset()
    sandbox.inject(Fault(operation="createEngineSession", after=1, times=1, close="after"))


def differences(sent: Any, got: Any, at: str = "") -> Iterator[str]:
    """What differs between two JSON values, the order of keys aside: `lost /a/b`, `added /c`, `changed /d/0`.

    Numbers are compared by value, so that 1 and 1.0 are the same.
    """
    if isinstance(sent, dict) and isinstance(got, dict):
        for key in [*sent, *(key for key in got if key not in sent)]:
            path = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if key not in got:
                yield f"lost {path}"
            elif key not in sent:
                yield f"added {path}"
            else:
                yield from differences(sent[key], got[key], path)
    elif isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        for index, (left, right) in enumerate(zip(sent, got, strict=True)):
            yield from differences(left, right, f"{at}/{index}")
    elif isinstance(sent, bool) != isinstance(got, bool) or sent != got:  # True == 1 in Python, not in JSON
        yield f"changed {at or '/'}"


class Body(NamedTuple):
    """A JSON body of the contract, to be decoded with the type of its schema and encoded again."""

    name: str
    schema: str
    body: Any


def read_bodies(folder: Path) -> list[Body]:
    """The bodies of the shared vectors, requests and responses, each once, without those that violate the contract.

    A body that is an example of the contract is named like it, any other after the first vector that has it.
    """
    bodies: dict[str, Body] = {}
    for file in sorted(folder.glob("*/*.json")):
        vector = json.loads(file.read_text("utf-8"))
        broken = vector["violation"] and vector["violation"]["where"]
        for part in ("request", "response"):
            message = vector[part]
            if message["schema"] is not None and "body" in message and part != broken:
                name = message["example"] or f"{vector['name']}/{part}"
                key = json.dumps([message["schema"], message["body"]], sort_keys=True)
                bodies.setdefault(key, Body(name, message["schema"], message["body"]))
    return list(bodies.values())


# What is wrong, if anything.

Line = Mapping[str, Any]
"""What the program printed in a line: `step`, and what came of it."""


def read_lines(output: str) -> list[Line]:
    """The program's lines, one JSON object each.

    Raises:
        ValueError: A line is something else.
    """
    lines = []
    for text in output.splitlines():
        try:
            lines.append(json.loads(text))
            lines[-1]["step"]
        except (ValueError, LookupError, TypeError):
            raise ValueError(f"the program printed something that is no step: {text[:200]!r}") from None
    return lines


def wrong_steps(lines: Sequence[Line], sandbox: Sandbox, known: Collection[str]) -> Iterator[str]:
    """Of what the program printed, or of what the sandbox recorded of it.

    What is known to be added to bodies may be in the requests too.
    """
    names = [line["step"] for line in lines if line["step"] in STEPS]
    if names != list(STEPS):
        yield f"the steps must be {', '.join(STEPS)}; printed: {', '.join(names) or 'none'}"
        return
    recorded = [(request.operation, request.credential, request.status) for request in sandbox.requests]
    wanted = [request[:3] for request in REQUESTS.values()]
    if recorded != wanted:
        yield f"the sandbox recorded the requests {recorded}, not {wanted}"
        return
    for (step, (*_, body)), request in zip(REQUESTS.items(), sandbox.requests, strict=True):
        # The sandbox takes a header that was sent twice, and shows it with a comma; servers such as nginx refuse it.
        if (bearer := request.headers.get("authorization", "none")) != "Bearer ***":
            yield f"{step}: must carry one bearer, not: {bearer}"
        for found in differences(body, request.body):
            if not (found.startswith("added ") and found in known):
                yield f"{step}: sent with {found}"
    printed = {line["step"]: line for line in lines}
    result: dict[str, Any] = {step: printed[step].get("result") for step in STEPS}
    if missing := [step for step in STEPS if not isinstance(result[step], dict)]:
        yield f"no result of {', '.join(missing)}"
        return

    # The requests were those that mint one token and start three sessions, of which the second is in `EXTRA_ANSWER`.
    (token,), (first, second, _) = sandbox.tokens, sandbox.sessions
    if SessionToken(str(result["token"].get("sessionToken"))).claims.get("jti") != token.id:
        yield "token: not the session token that was minted"
    for step, session in (("start", first), ("direct", second)):
        if result[step].get("sessionId") != session.id:
            yield f"{step}: not the session that was started"
        if lost := {"engineHost", "engineProtocol", "signallingEndpoint", "clientConfig"} - result[step].keys():
            yield f"{step}: {', '.join(sorted(lost))} did not arrive"
    # Whether a type keeps what it does not know is its own affair; everything else has to arrive.
    for found in differences(EXTRA_ANSWER, result["extra"]):
        if not re.fullmatch(f"lost .*/{UNKNOWN}", found):
            yield f"extra: {found}"
    for step, error in (("unauthorized", "Unauthorized"), ("limit", "Concurrent session limit reached")):
        status, code = printed[step].get("status"), REQUESTS[step][2]
        if status != code or result[step].get("error") != error:
            yield f"{step}: must be {code} {error!r}, not {status} {result[step]}"


def wrong_repeats(sandbox: Sandbox) -> Iterator[str]:
    """After the second run, whatever became of the program.

    A start is billed, and a direct one cannot be repeated without starting another session. HTTP libraries know nothing
    of that: several repeat a request by themselves when a connection breaks that they have used before.
    """
    sent = [r.status for r in sandbox.requests if isinstance(r.body, dict) and r.body.get("clientLabel") == "direct"]
    if sent != ["closed"]:
        yield f"the start whose answer is lost must be sent once, and was {len(sent)} times, with {sent}"


def wrong_losses(lines: Sequence[Line], bodies: Sequence[Body], known: Collection[str]) -> Iterator[str]:
    """Where the changes that round trips through the types made, in any body, and those that are known differ.

    A body that could not be decoded at all is `refused`, with its name.
    """
    yield from (f"there is no step {line['step']!r}" for line in lines if line["step"] not in (*STEPS, "body"))
    printed = {str(line.get("name")): line for line in lines if line["step"] == "body"}
    found: dict[str, str] = {}
    for body in bodies:
        line = printed.pop(body.name, None)
        if line is None:
            yield f"body {body.name!r} was not printed"
        elif "result" not in line:
            found[f"refused {body.name}"] = str(line.get("error"))
        else:
            found |= dict.fromkeys(differences(body.body, line["result"]), body.name)
    yield from (f"body {name!r} was never asked for" for name in printed)
    yield from (f"not listed: {what} ({where})" for what, where in found.items() if what not in known)
    yield from (f"listed, but does not occur any more: {what}" for what in known if what not in found)
