"""From a response, whatever it holds, to the error that it means."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import re

import httpx
import pytest

import anam_facade
from anam_facade import Problem, Secret, errors


def respond(status: int, body: object = b"", headers: object = (), *secrets: str) -> errors.AnamStatusError:
    return errors.error_from_response(
        method="POST",
        path="/v1/x",
        status_code=status,
        headers=httpx.Headers(headers),
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        secrets=[Secret(s) for s in secrets],
    )


CONCURRENCY, SPENT = {"error": "Concurrent session limit reached"}, {"message": "Spend cap reached"}
MEANINGS = [
    *((status, {}, errors.AnamStatusError) for status in (300, 408, 418, 422)),
    *((status, {}, errors.ServerError) for status in (500, 502, 504, 520, 599)),
    (400, {}, errors.BadRequestError),
    (401, {}, errors.AuthenticationError),
    (402, {}, errors.PlanRequiredError),
    (403, {}, errors.PermissionDeniedError),
    (404, {}, errors.NotFoundError),
    (409, {}, errors.ConflictError),
    (429, {}, errors.RateLimitError),
    (503, {}, errors.ServiceBusyError),
    # The two limits that waiting does not cure are recognised by their words, in either field, and nowhere else.
    (429, CONCURRENCY, errors.ConcurrencyLimitError),
    (429, {"message": "concurrent SESSION limit reached."}, errors.ConcurrencyLimitError),
    (429, SPENT, errors.SpendCapError),
    (429, {"error": " Spend cap reached "}, errors.SpendCapError),
    (429, {"error": "Spend cap almost reached"}, errors.RateLimitError),
    (403, SPENT, errors.PermissionDeniedError),
]


@pytest.mark.parametrize(("status", "body", "cls"), MEANINGS, ids=itertools.count())
def test_every_status_has_its_error(status, body, cls):
    """The status decides the class of the error, and of a 429 its words."""
    error = respond(status, body)
    assert type(error) is cls
    assert (error.method, error.path, error.status_code, error.retry_after) == ("POST", "/v1/x", status, None)


FORGED = "a\r\nCRITICAL \x1b[31mforged\u2028b"
LIST = {"error": "Bad Request", "message": ["a must be b", "c too"]}
DETAILS = {"detail": [{"loc": ["body"], "msg": "a must be b"}, {"msg": "c too"}]}
BODIES = [
    # body, code, message, the words at the end of the error's text
    ({"error": "Slow", "message": "Too fast"}, "Slow", "Too fast", ": Slow: Too fast"),
    ({"error": "Slow", "message": "Slow"}, "Slow", "Slow", ": Slow"),
    ({"error": "Bad Gateway", "message": "m"}, "Bad Gateway", "m", "502 Bad Gateway: m"),
    (b'\xef\xbb\xbf{"error": "Slow"}', "Slow", None, ": Slow"),
    ({"error": {"a": 1}, "message": 5}, None, None, ': {"error": {"a": 1}, "message": 5}'),
    ({"error": "", "message": ""}, None, None, ': {"error": "", "message": ""}'),
    (None, None, None, ": null"),
    (b" \n ", None, None, "502 Bad Gateway"),
    (b"<html>\r\n <h1>502  Bad\tGateway</h1>\n</html>", None, None, ": <html> <h1>502 Bad Gateway</h1> </html>"),
    (b"\xff\xfe caf\xe9", None, None, ": \ufffd\ufffd caf\ufffd"),
    (b'{"error": "Slow", "details": ' + b"[" * 600 + b"]" * 600 + b"}", "Slow", None, ": Slow"),
    (b"[" * 100_000, None, None, ": " + "[" * 200),
    (b"x" * 1_000_000, None, None, ": " + "x" * 200),
    (b'{"error": ' + b"9" * 5000 + b"}", None, None, ': {"error": ' + "9" * 190),
    # Nothing that a server says can forge a log line or colour a terminal.
    ({"message": FORGED}, None, FORGED, ": a CRITICAL [31mforged b"),
    # A list, an object, `detail`: what frameworks for servers put where Anam has a text.
    (LIST, "Bad Request", "a must be b; c too", ": a must be b; c too"),
    (DETAILS, None, "a must be b; c too", ": a must be b; c too"),
    ({"detail": "a must be b"}, None, "a must be b", ": a must be b"),
    ({"error": {"message": "a must be b"}}, None, "a must be b", ": a must be b"),
    ({"error": {"code": 7, "error": {"title": "a must be b"}}}, None, "a must be b", ": a must be b"),
    ({"error": "Slow", "message": [[[["too deep"]]]]}, "Slow", None, ": Slow"),
    ({"error": "Slow", "message": [5, {}, None]}, "Slow", None, ": Slow"),
    # As seen in live answers; shown where there is no message, and the sizes always.
    (CONCURRENCY | {"reason": "limit"}, CONCURRENCY["error"], None, ": Concurrent session limit reached: limit"),
    ({"summary": "2 problems", "reason": "x"}, None, None, "502 Bad Gateway: 2 problems"),
    ({"error": "size", "supportedDimensions": ["1x2", 5, "2x1"]}, "size", None, ": size (supported: 1x2, 2x1)"),
]


@pytest.mark.parametrize(("body", "code", "message", "words"), BODIES, ids=itertools.count())
def test_every_body_is_understood_as_far_as_it_goes(body, code, message, words):
    """A body, whatever it is, never gets in the way and is kept; its words are told on one line, none of them twice."""
    error = respond(502, body)
    assert (type(error), error.code, error.message) == (errors.ServerError, code, message)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert error.body == raw.decode("utf-8-sig", "replace")
    assert str(error).startswith("POST /v1/x: 502 Bad Gateway")
    assert str(error).endswith(words)
    assert str(error).isprintable()


def test_what_else_an_error_tells():
    """Fields of a live answer are attributes, headers need not be ASCII; and a test can make the error by hand."""
    error = respond(400, {"summary": "s", "details": {"a": [1]}, "reason": "r", "supportedDimensions": ["1x2", 5]})
    assert (error.summary, error.details, error.reason) == ("s", {"a": [1]}, "r")
    assert error.supported_dimensions == ("1x2",)
    assert respond(400, {"supportedDimensions": 7}).supported_dimensions == ()
    for raw in ("café".encode(), "café".encode("latin-1"), b"\xff\xfe"):
        assert "X-Proxy" in respond(502, b"", [(b"X-Proxy", raw)]).headers
    assert str(respond(520, b"oops")) == "POST /v1/x: 520: oops"
    error = errors.RateLimitError(method="POST", path="/x", status_code=429)
    assert (error.headers, error.body, error.retry_after) == (httpx.Headers(), "", None)
    assert str(error) == "POST /x: 429 Too Many Requests"


SUNDAY, ZONED = "Sun, 22 Nov 2026 09:00:10 GMT", "Sun, 22 Nov 2026 11:00:10 +0200"
SPENT_HOUR = {"X-RateLimit-Org-Hour-Reset": "1800", "X-RateLimit-Org-Hour-Remaining": "0"}
WAITS = [
    ({}, None),
    *(({"Retry-After": wait}, seconds) for wait, seconds in ((" 1.5 ", 1.5), (SUNDAY, 5.0), (ZONED, 5.0))),
    *(({"Retry-After": nonsense}, None) for nonsense in ("-1", "nan", "٣", "9" * 400, "soon", "", "1e9")),
    *(({"Retry-After": SUNDAY.replace(*change)}, None) for change in (("22 N", "99 N"), ("2026", "99999"))),
    ({"Retry-After": SUNDAY, "Date": "Sun, 22 Nov 2026 09:00:00 GMT"}, 10.0),
    ({"Retry-After": SUNDAY, "Date": "Sun, 22 Nov 2026 09:00:20 GMT"}, 0.0),
    ({"Retry-After": SUNDAY, "Date": "yesterday"}, 5.0),
    ({"RateLimit-Reset": "7", "RateLimit-Remaining": "0"}, 7.0),
    ({"RateLimit-Reset": "7", "RateLimit-Remaining": "3"}, None),
    ({"RateLimit-Reset": "later"}, None),
    ({"RateLimit-Reset": "7", "Retry-After": "2"}, 2.0),
    (SPENT_HOUR | {"RateLimit-Reset": "7"}, 1800.0),
    (SPENT_HOUR | {"RateLimit-Reset": "7", "X-RateLimit-Org-Hour-Remaining": "5"}, 7.0),
    (SPENT_HOUR | {"Retry-After": "2"}, 2.0),
]


@pytest.mark.parametrize(("headers", "seconds"), WAITS, ids=itertools.count())
def test_what_the_server_asks_to_wait(headers, seconds):
    """Seconds and dates are understood, dates against the server's own clock; nonsense is as good as nothing."""
    now = 1_795_338_005.0  # Sun, 22 Nov 2026 09:00:05 GMT
    assert errors.retry_after(httpx.Headers(headers, encoding="utf-8"), now) == seconds
    assert errors.retry_after({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0  # by this machine's clock


SECRET = "swordfish/key+0=="


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"error": "bad", "message": f"key {SECRET} refused", "details": {SECRET: [SECRET]}}).encode(),
        json.dumps({"error": SECRET}).replace("/", "\\/").encode(),
        json.dumps({"error": SECRET}).replace("+", "\\u002b").encode(),
        json.dumps({"message": SECRET, "details": [SECRET]}).replace("=", "\\u003D").encode(),
        f"<html>{SECRET}</html>".encode(),
        f'{{"error": "{SECRET}'.encode(),
    ],
    ids=["json", "escaped-slash", "escaped-plus", "escaped-equals", "html", "truncated"],
)
def test_secrets_are_masked_wherever_the_server_quotes_them(body):
    """A credential quoted in the body or a header, also with JSON's escapes, appears nowhere in the error."""
    headers = [("X-Echo", f"a {SECRET} b"), ("Set-Cookie", f"a={SECRET}"), ("Set-Cookie", "b=2"), (SECRET, "x")]
    error = respond(401, body, headers, SECRET)
    told = (str(error), error.args, error.code, error.message, error.details, error.body, error.headers.multi_items())
    assert SECRET not in repr(told)
    masked = [("x-echo", "a *** b"), ("set-cookie", "a=***"), ("set-cookie", "b=2"), ("***", "x")]
    assert error.headers.multi_items() == masked


@pytest.mark.parametrize("secret", ["true", "error", "1234", "null", "reached"])
def test_masking_does_not_change_what_an_answer_means(secret):
    """A webhook's header may have a common word as its value: the answer is understood all the same."""
    body = b'{"error": "Concurrent session limit reached", "retryable": true, "used": 1234, "next": null}'
    error = respond(429, body, {"Retry-After": "1234"}, secret)
    assert (type(error), error.retry_after) == (errors.ConcurrencyLimitError, 1234)
    assert str(error).endswith(" (the server asks to wait 1234 s)")


LOOK_FOR = {"token_claims": {"type": "ephemeral"}, "client_label": "l", "livekit_url": "wss://a", "livekit_room": "r"}
EVERY_KIND = [
    errors.AnamError("plain"),
    errors.AnamConfigError(Problem("field", "5", "must be 6"), Problem("other", "", "is required")),
    errors.AnamConnectionError("lost", sent=True),
    errors.AnamTimeoutError("late", sent=False),
    errors.ClientClosedError("closed", sent=False),
    errors.AnamResponseError("odd", status_code=200, body="<html>", headers=httpx.Headers({"X-A": "b"})),
    errors.SessionStartUncertainError("unknown", **LOOK_FOR),
    *(respond(status, body, {"Retry-After": "2", "X-A": "b"}) for status, body, _ in MEANINGS),
]


@pytest.mark.parametrize("error", EVERY_KIND, ids=itertools.count())
def test_every_error_survives_pickling_and_copying(error):
    """Errors cross process borders with type, text and attributes; one that leaves a doubt ends with it."""
    assert (error.attempts, error.may_have_started) == (0, type(error) is errors.SessionStartUncertainError)
    error = copy.copy(error)
    error.attempts, error.may_have_started = 3, True
    error.add_note("a note")
    for twin in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert (str(twin), twin.args, twin.__dict__) == (str(error), error.args, error.__dict__)
        assert str(twin).endswith(" (a session may have been started all the same)")


def test_the_tree():
    """The errors form the tree that the module's docstring draws, and the list above has an instance of each."""
    public = {getattr(anam_facade, name) for name in anam_facade.__all__ if name.endswith("Error")}
    path: list[str] = []
    drawn = set()
    for branch, name in re.findall(r"^([ │├└─]*)(\w+Error)\b", errors.__doc__, re.MULTILINE):
        path[len(branch) // 4 :] = [name]
        drawn.add(tuple(path[-2:]))
    assert drawn == {("AnamError",), *((p.__name__, c.__name__) for c in public for p in c.__bases__ if p in public)}
    assert issubclass(errors.AnamConfigError, ValueError)
    assert {type(error) for error in EVERY_KIND} == public
