"""What a program in another language has to do against the sandbox, and whether it did: no I/O, no compilers.

`languages/README.md` tells authors of such programs the same in prose.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

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

STEPS = ("token", "start", "direct", "extra", "unauthorized", "limit")
"""What the program does, in this order, and prints a line about."""

# operation, credential, status, body
REQUESTS: Sequence[tuple[str, str, int, Mapping[str, Any]]] = (
    (
        "createSessionToken",
        "api_key",
        200,
        {"personaConfig": INLINE_PERSONA, "clientLabel": "token", "expiresIn": "1h"},
    ),
    ("createEngineSession", "session_token", 200, {}),
    # Both 200 and 201 are used for a start; the sandbox answers a direct one with 201.
    ("createEngineSession", "api_key", 201, {"personaConfig": SAVED_PERSONA, "clientLabel": "direct"}),
    ("createEngineSession", "api_key", 200, {"personaConfig": SAVED_PERSONA, "clientLabel": "extra"}),
    ("createSessionToken", "other", 401, {"personaConfig": SAVED_PERSONA}),
    ("createEngineSession", "api_key", 429, {"personaConfig": SAVED_PERSONA, "clientLabel": "limit"}),
)


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


def check_lost(sandbox: Sandbox) -> list[str]:
    """What is wrong after the second run, whatever became of the program; empty if nothing.

    A start is billed, and a direct one cannot be repeated without starting another session. HTTP libraries know nothing
    of that: several repeat a request by themselves when a connection breaks that they have used before.
    """
    sent = [r.status for r in sandbox.requests if isinstance(r.body, dict) and r.body.get("clientLabel") == "direct"]
    if sent == ["closed"]:
        return []
    return [f"the start whose answer is lost must be sent once, and was {len(sent)} times, with {sent}"]


# --- Comparing JSON ------------------------------------------------------------------------------


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


# --- Judging -------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A line the program printed."""

    step: str
    content: Mapping[str, Any]


def read_lines(output: str) -> list[Line]:
    """The program's lines, one JSON object each.

    Raises:
        ValueError: A line is something else.
    """
    lines = []
    for text in output.splitlines():
        try:
            content = json.loads(text)
        except ValueError:
            content = None
        if not isinstance(content, dict) or not isinstance(content.get("step"), str):
            raise ValueError(f"the program printed something that is no step: {text[:200]!r}")
        lines.append(Line(content["step"], content))
    return lines


def _claims(token: object) -> Mapping[str, Any]:
    """The claims of a token, unverified; empty if it is none."""
    parts = token.split(".") if isinstance(token, str) else []
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def check_steps(lines: Sequence[Line], sandbox: Sandbox, listed: Sequence[Loss] = ()) -> list[str]:
    """What is wrong with what the program printed, or with what the sandbox recorded of it; empty if nothing.

    What is listed as added in every body of a schema may be in the requests too.
    """
    said = [line for line in lines if line.step in STEPS]
    if tuple(line.step for line in said) != STEPS:
        printed = ", ".join(line.step for line in said) or "none"
        return [f"the steps must be {', '.join(STEPS)}; printed: {printed}"]
    problems = _check_requests(sandbox, {loss.what for loss in listed if loss.every})
    if len(sandbox.tokens) != 1 or len(sandbox.sessions) != 3:
        problems.append(f"{len(sandbox.tokens)} tokens and {len(sandbox.sessions)} sessions on record, not 1 and 3")
        return problems

    result: dict[str, Any] = {line.step: line.content.get("result") for line in said}
    status = {line.step: line.content.get("status") for line in said}
    wrong = [step for step in STEPS if not isinstance(result[step], dict)]
    if wrong:
        return [*problems, f"no result of {', '.join(wrong)}"]

    (token,), (first, second, third) = sandbox.tokens, sandbox.sessions
    if _claims(result["token"].get("sessionToken")).get("jti") != token.id:
        problems.append("token: not the session token that was minted")
    if (first.mode, first.token_id, second.mode, third.mode) != ("token", token.id, "direct", "direct"):
        problems.append("the sessions were not started with the token, and twice directly")
    for step, session in (("start", first), ("direct", second)):
        if result[step].get("sessionId") != session.id:
            problems.append(f"{step}: not the session that was started")
        missing = {"engineHost", "engineProtocol", "signallingEndpoint", "clientConfig"} - result[step].keys()
        if missing:
            problems.append(f"{step}: {', '.join(sorted(missing))} did not arrive")
    # Whether a type keeps what it does not know is its own affair; everything else has to arrive.
    for difference in differences(EXTRA_ANSWER, result["extra"]):
        if not re.fullmatch(f"lost .*/{UNKNOWN}", difference):
            problems.append(f"extra: {difference}")
    for step, code, error in (
        ("unauthorized", 401, "Unauthorized"),
        ("limit", 429, "Concurrent session limit reached"),
    ):
        if status[step] != code or result[step].get("error") != error or not result[step].get("message"):
            problems.append(f"{step}: must be {code} {error!r} and a message, not {status[step]} {result[step]}")
    return problems


def _check_requests(sandbox: Sandbox, known: Container[str]) -> list[str]:
    problems = []
    recorded = [(request.operation, request.credential, request.status) for request in sandbox.requests]
    wanted = [request[:3] for request in REQUESTS]
    if recorded != wanted:
        return [f"the sandbox recorded the requests {recorded}, not {wanted}"]
    for step, request, (_, _, _, body) in zip(STEPS, sandbox.requests, REQUESTS, strict=True):
        # The sandbox takes a header that was sent twice, and shows it with a comma; servers such as nginx refuse it.
        if (bearer := request.headers.get("authorization", "none")) != "Bearer ***":
            problems.append(f"{step}: must carry one bearer, not: {bearer}")
        found = differences(body, request.body)
        problems += [f"{step}: sent with {d}" for d in found if not (d.startswith("added ") and d in known)]
    return problems


REFUSED = "refused"


class Loss(NamedTuple):
    """A difference that a round trip through a generator's types makes, known and accepted.

    Attributes:
        what: As `differences` says it, or `refused` when the body cannot be decoded at all.
        bodies: Names of all bodies in which it occurs.
        every: Schemas instead: every body of them where the field is absent (if it is added) or present (if it is
            lost), in an object that is there.
        without: With `every`, a JSON pointer: only bodies that have nothing there.
    """

    what: str
    bodies: tuple[str, ...] = ()
    every: tuple[str, ...] = ()
    without: str = ""


_NOWHERE = object()


def _at(pointer: str, value: Any) -> Any:
    """The value at a JSON pointer, or `_NOWHERE`."""
    for key in pointer.split("/")[1:]:
        name = key.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name, _NOWHERE)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return _NOWHERE
    return value


def spelt_out(loss: Loss, bodies: Sequence[Body]) -> Loss:
    """The loss with the names of its bodies, where it says `every`.

    Raises:
        ValueError: It is neither lost nor added, or can occur in no body.
    """
    if not loss.every:
        return loss
    kind, _, pointer = loss.what.partition(" ")
    if kind not in ("lost", "added"):
        raise ValueError(f"only what is lost or added can be so in every {', '.join(loss.every)}, not {loss.what!r}")
    names = tuple(
        body.name
        for body in bodies
        if body.schema in loss.every
        and (not loss.without or _at(loss.without, body.body) is _NOWHERE)
        and isinstance(_at(pointer.rpartition("/")[0], body.body), dict)
        and (_at(pointer, body.body) is _NOWHERE) == (kind == "added")
    )
    if not names:
        raise ValueError(f"{loss.what!r} can occur in no {', '.join(loss.every)}")
    return Loss(loss.what, names)


def abbreviated(loss: Loss, bodies: Sequence[Body]) -> Loss:
    """The loss with `every`, where that says the same of three bodies or more."""
    schemas = tuple(sorted({body.schema for body in bodies if body.name in loss.bodies}))
    if len(loss.bodies) > 2 and loss.what.startswith(("lost ", "added ")):
        short = Loss(loss.what, every=schemas)
        if set(spelt_out(short, bodies).bodies) == set(loss.bodies):
            return short
    return loss


def losses_found(lines: Sequence[Line], bodies: Sequence[Body]) -> tuple[list[Loss], list[str]]:
    """The differences that the round trips made, and what is wrong with the lines about them."""
    printed: dict[str, Mapping[str, Any]] = {}
    problems = []
    known = {body.name for body in bodies}
    for line in lines:
        if line.step == "body":
            name = str(line.content.get("name"))
            if name in printed or name not in known:
                problems.append(f"body {name!r} was {'printed twice' if name in printed else 'never asked for'}")
            printed[name] = line.content
        elif line.step not in STEPS:
            problems.append(f"there is no step {line.step!r}")
    where: dict[str, list[str]] = {}
    for body in bodies:
        content = printed.get(body.name)
        if content is None:
            problems.append(f"body {body.name!r} was not printed")
        elif "result" not in content:
            where.setdefault(REFUSED, []).append(body.name)
        else:
            for difference in differences(body.body, content["result"]):
                where.setdefault(difference, []).append(body.name)
    return [Loss(what, tuple(names)) for what, names in where.items()], problems


def reasons(lines: Sequence[Line]) -> Mapping[str, str]:
    """Why bodies were refused, by name."""
    return {str(line.content.get("name")): str(line.content["error"]) for line in lines if "error" in line.content}


def check_losses(
    found: Sequence[Loss], listed: Sequence[Loss], why: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Where the losses that were found and those that are listed differ, either way. `why` are the `reasons`."""
    have = {(loss.what, name) for loss in found for name in loss.bodies}
    want = {(loss.what, name) for loss in listed for name in loss.bodies}
    return [
        *(
            f"not listed: {what} in {name}{f': {why[name]}' if what == REFUSED and name in why else ''}"
            for what, name in sorted(have - want)
        ),
        *(f"listed, but does not occur any more: {what} in {name}" for what, name in sorted(want - have)),
    ]
