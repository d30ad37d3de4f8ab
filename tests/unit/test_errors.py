"""From a response, whatever it holds, to the error that it means."""

from __future__ import annotations

import copy
import itertools
import json
import pickle

import httpx
import pytest

import anam_facade
from anam_facade import (
    AnamConfigError,
    AnamConnectionError,
    AnamError,
    AnamResponseError,
    AnamStatusError,
    AnamTimeoutError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConcurrencyLimitError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    PlanRequiredError,
    Problem,
    RateLimitError,
    Secret,
    ServerError,
    ServiceBusyError,
    SessionStartUncertainError,
    SpendCapError,
)
from anam_facade.errors import error_from_response, retry_after, scrub_headers


def respond(status: int, body: bytes = b"", headers: object = (), secrets: tuple[str, ...] = ()) -> AnamStatusError:
    return error_from_response(
        method="POST",
        path="/v1/x",
        status_code=status,
        headers=httpx.Headers(headers),
        body=body,
        secrets=[Secret(s) for s in secrets],
    )


# Beside those that the vectors have.
BY_STATUS = {
    300: AnamStatusError,
    402: PlanRequiredError,
    408: AnamStatusError,
    418: AnamStatusError,
    502: ServerError,
    520: ServerError,
    599: ServerError,
}
BODIES: dict[str, tuple[bytes, str | None, str | None, str]] = {
    # name → body, code, message, the words in str(error) when the body has them
    "both": (b'{"error": "Slow", "message": "Too fast"}', "Slow", "Too fast", ": Slow: Too fast"),
    "same": (b'{"error": "Slow", "message": "Slow"}', "Slow", "Slow", ": Slow"),
    "bom": (b'\xef\xbb\xbf{"error": "Slow"}', "Slow", None, ": Slow"),
    "wrong-types": (b'{"error": {"a": 1}, "message": 5}', None, None, ': {"error": {"a": 1}, "message": 5}'),
    "empty-strings": (b'{"error": "", "message": ""}', None, None, ': {"error": "", "message": ""}'),
    "null": (b"null", None, None, ": null"),
    "blank": (b" \n ", None, None, ""),
    "html": (
        b"<html>\r\n <h1>502  Bad\tGateway</h1>\n</html>",
        None,
        None,
        ": <html> <h1>502 Bad Gateway</h1> </html>",
    ),
    "invalid-utf8": (b"\xff\xfe caf\xe9", None, None, ": \ufffd\ufffd caf\ufffd"),
    "deep details": (b'{"error": "Slow", "details": ' + b"[" * 600 + b"]" * 600 + b"}", "Slow", None, ": Slow"),
    "deep": (b"[" * 100_000, None, None, ": " + "[" * 200),
    "huge": (b"x" * 1_000_000, None, None, ": " + "x" * 200),
    "long-number": (b'{"error": ' + b"9" * 5000 + b"}", None, None, ': {"error": ' + "9" * 190),
}


@pytest.mark.parametrize(
    ("status", "name"),
    [*((status, "both") for status in BY_STATUS), *((502, name) for name in BODIES if name != "both")],
)
def test_every_status_with_every_body(status, name):
    """A status decides the class of the error; the body, whatever it is, never gets in the way and is kept."""
    body, code, message, words = BODIES[name]
    error = respond(status, body)
    assert type(error) is BY_STATUS[status]
    assert (error.status_code, error.code, error.message) == (status, code, message)
    assert error.body.removeprefix("\ufeff") == body.decode("utf-8", "replace").removeprefix("\ufeff")
    assert (error.method, error.path, error.retry_after) == ("POST", "/v1/x", None)
    text = str(error)
    assert text.startswith(f"POST /v1/x: {status}")
    assert text.endswith(words)
    assert text.isprintable()


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": "Bad Request", "message": ["a must be b", "c too"]}, "Bad Request", "a must be b; c too"),
        ({"error": {"message": "a must be b"}}, None, "a must be b"),
        ({"error": {"code": 7, "error": {"title": "a must be b"}}}, None, "a must be b"),
        ({"detail": "a must be b"}, None, "a must be b"),
        ({"detail": [{"loc": ["body"], "msg": "a must be b"}, {"msg": "c too"}]}, None, "a must be b; c too"),
        ({"error": "Slow", "message": [[[["too deep"]]]]}, "Slow", None),
        ({"error": "Slow", "message": [5, {}, None]}, "Slow", None),
    ],
)
def test_words_are_shown_in_whatever_shape_they_come(body, code, message):
    """A list, an object, `detail`: what frameworks for servers put where Anam has a text."""
    error = respond(400, json.dumps(body).encode())
    assert (error.code, error.message) == (code, message)
    assert (message or code) in str(error)


def test_reason_summary_and_sizes_are_read():
    """As seen in live answers; shown where there is no message, and the sizes always."""
    body = {"error": "video_dimensions_not_supported_for_model", "supportedDimensions": ["1152x768", 5, "768x1152"]}
    error = respond(400, json.dumps(body).encode())
    assert error.supported_dimensions == ("1152x768", "768x1152")
    assert str(error).endswith(": video_dimensions_not_supported_for_model (supported: 1152x768, 768x1152)")
    error = respond(429, b'{"error": "Concurrent session limit reached", "reason": "concurrent_limit"}')
    assert (type(error), error.reason, error.message) == (ConcurrencyLimitError, "concurrent_limit", None)
    assert str(error).endswith(": Concurrent session limit reached: concurrent_limit")
    error = respond(400, b'{"summary": "2 problems", "details": {"a": [1]}, "reason": "x", "supportedDimensions": 7}')
    assert (error.summary, error.details, error.supported_dimensions) == ("2 problems", {"a": [1]}, ())
    assert str(error).endswith("400 Bad Request: 2 problems")


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (
            401,
            b'{"error": "Unauthorized", "message": "Invalid API key"}',
            "POST /v1/x: 401 Unauthorized: Invalid API key",
        ),
        (520, b"oops", "POST /v1/x: 520: oops"),
        (404, b"", "POST /v1/x: 404 Not Found"),
    ],
)
def test_the_text_names_method_path_status_and_the_servers_words(status, body, text):
    """Nothing is said twice, and an unknown status is no problem."""
    assert str(respond(status, body)) == text


def test_the_text_tells_how_long_to_wait():
    """When the server asks for a pause, the text says so; masking a header does not change it."""
    error = respond(429, b'{"error": "Slow"}', {"Retry-After": "1234"}, ("1234",))
    assert error.retry_after == 1234
    assert str(error) == "POST /v1/x: 429 Too Many Requests: Slow (the server asks to wait 1234 s)"


@pytest.mark.parametrize("words", ["a\nCRITICAL forged", "a\r\nb", "\x1b[31mred", "a\u2028b"])
def test_the_text_stays_on_one_line(words):
    """What a server says cannot forge a log line or colour a terminal."""
    assert str(respond(400, json.dumps({"error": "e", "message": words}).encode())).isprintable()


@pytest.mark.parametrize(
    ("text", "cls"),
    [
        ("Concurrent session limit reached", ConcurrencyLimitError),
        ("concurrent SESSION limit reached.", ConcurrencyLimitError),
        (" Spend cap reached ", SpendCapError),
        ("Spend cap almost reached", RateLimitError),
        ("Too Many Requests", RateLimitError),
    ],
)
@pytest.mark.parametrize("field", ["error", "message"])
def test_the_three_429s_are_told_apart(text, cls, field):
    """The two limits that waiting does not cure are recognised by their words, in either field."""
    assert type(respond(429, json.dumps({field: text}).encode())) is cls


def test_the_words_of_a_plan_limit_mean_nothing_elsewhere():
    """Only a 429 is a plan limit."""
    assert type(respond(403, b'{"error": "Spend cap reached"}')) is PermissionDeniedError


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "9" * 400}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Sun, 22 Nov 2026 09:00:10 GMT", "Date": "Sun, 22 Nov 2026 09:00:00 GMT"}, 10.0),
        ({"Retry-After": "Sun, 22 Nov 2026 09:00:10 GMT"}, 5.0),
        ({"Retry-After": "Sun, 22 Nov 2026 09:00:10 GMT", "Date": "yesterday"}, 5.0),
        ({"Retry-After": "Sun, 22 Nov 2026 11:00:10 +0200"}, 5.0),
        ({"Retry-After": "Sun, 99 Nov 2026 09:00:10 GMT"}, None),
        ({"Retry-After": "Sun, 22 Nov 99999 09:00:10 GMT"}, None),
        ({"RateLimit-Reset": "7", "RateLimit-Remaining": "0"}, 7.0),
        ({"RateLimit-Reset": "7", "RateLimit-Remaining": "3"}, None),
        ({"RateLimit-Reset": "later"}, None),
        ({"Retry-After": "2", "RateLimit-Reset": "7"}, 2.0),
        ({"X-RateLimit-Org-Hour-Reset": "1800", "X-RateLimit-Org-Hour-Remaining": "0", "RateLimit-Reset": "7"}, 1800.0),
        ({"X-RateLimit-Org-Hour-Reset": "1800", "X-RateLimit-Org-Hour-Remaining": "5", "RateLimit-Reset": "7"}, 7.0),
        ({"Retry-After": "2", "X-RateLimit-Org-Hour-Remaining": "0", "X-RateLimit-Org-Hour-Reset": "9"}, 2.0),
    ],
    ids=itertools.count(),
)
def test_what_the_server_asks_to_wait(headers, seconds):
    """Seconds and dates are understood, dates against the server's own clock; nonsense is as good as nothing."""
    now = 1_795_338_005.0  # Sun, 22 Nov 2026 09:00:05 GMT
    assert retry_after(httpx.Headers(headers, encoding="utf-8"), now) == seconds


def test_a_date_is_read_against_this_clock_if_there_is_no_other():
    """Without a `Date` from the server, its date counts from now."""
    assert retry_after({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0


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
    error = respond(401, body, {"X-Echo": f"a {SECRET} b"}, (SECRET,))
    everything = repr([str(error), error.args, error.code, error.message, error.details, list(error.headers.items())])
    assert SECRET not in everything
    assert SECRET not in error.body
    assert error.headers["X-Echo"] == "a *** b"


@pytest.mark.parametrize("secret", ["true", "error", "1234", "null", "reached"])
def test_masking_does_not_change_what_an_answer_means(secret):
    """A webhook's header may have a common word as its value: the answer is understood all the same."""
    body = b'{"error": "Concurrent session limit reached", "retryable": true, "used": 1234, "next": null}'
    assert type(respond(429, body, secrets=(secret,))) is ConcurrencyLimitError


def test_masking_keeps_repeated_headers():
    """Masked headers are as many as came."""
    headers = httpx.Headers([("Set-Cookie", f"a={SECRET}"), ("Set-Cookie", "b=2"), (SECRET, "x")])
    masked = scrub_headers(headers, [Secret(SECRET)])
    assert masked.multi_items() == [("set-cookie", "a=***"), ("set-cookie", "b=2"), ("***", "x")]


@pytest.mark.parametrize("raw", ["café".encode(), "café".encode("latin-1"), b"\xff\xfe"])
def test_headers_need_not_be_ascii(raw):
    """A proxy's header with accents in it does not get in the way of the error."""
    error = respond(502, b"", [(b"X-Proxy", raw)])
    assert type(error) is ServerError
    assert "X-Proxy" in error.headers


def rich() -> AnamStatusError:
    error = respond(503, b'{"error": "Busy", "details": [1]}', {"Retry-After": "2", "X-A": "b"})
    error.attempts, error.may_have_started = 3, True
    return error


ERRORS: list[AnamError] = [
    AnamError("plain"),
    AnamConfigError(Problem("field", "5", "must be 6"), Problem("other", "", "is required")),
    AnamConnectionError("lost", sent=True),
    AnamTimeoutError("late", sent=False),
    ClientClosedError("closed", sent=False),
    AnamResponseError("odd", status_code=200, body="<html>", headers=httpx.Headers({"X-A": "b"})),
    SessionStartUncertainError(
        "unknown", token_claims={"type": "ephemeral"}, client_label="l", livekit_url="wss://a.b", livekit_room="r"
    ),
    *(respond(status, b'{"error": "e", "message": "m"}') for status in (400, 401, 402, 403, 404, 409, 418, 429, 500)),
    respond(429, b'{"error": "Spend cap reached"}'),
    respond(429, b'{"error": "Concurrent session limit reached"}'),
    rich(),
]


@pytest.mark.parametrize("error", ERRORS, ids=[f"{i}-{type(e).__name__}" for i, e in enumerate(ERRORS)])
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))], ids="cdp")
def test_every_error_survives_pickling_and_copying(error, duplicate):
    """Errors cross process borders with type, text and attributes."""
    error.add_note("a note")
    twin = duplicate(error)
    assert type(twin) is type(error)
    assert (str(twin), twin.args) == (str(error), error.args)
    assert twin.__dict__ == error.__dict__
    assert (twin.attempts, twin.may_have_started) == (error.attempts, error.may_have_started)


TREE = {
    AnamError: (AnamConfigError, AnamConnectionError, AnamResponseError, AnamStatusError, SessionStartUncertainError),
    AnamConnectionError: (AnamTimeoutError, ClientClosedError),
    AnamStatusError: (
        *(AuthenticationError, BadRequestError, ConcurrencyLimitError, ConflictError, NotFoundError),
        *(PermissionDeniedError, PlanRequiredError, RateLimitError, ServerError, SpendCapError),
    ),
    ServerError: (ServiceBusyError,),
    ValueError: (AnamConfigError,),
}


def test_the_tree():
    """The errors form the tree that the module's docstring draws, and the list above has an instance of each."""
    public = {getattr(anam_facade, name) for name in anam_facade.__all__ if name.endswith("Error")}
    for parent, children in TREE.items():
        assert {cls for cls in public if parent in cls.__bases__} == set(children)
    assert all(cls.__name__ in anam_facade.errors.__doc__ for cls in public)
    assert {type(error) for error in ERRORS} == public


def test_an_error_says_whether_a_session_may_have_been_started():
    """None may when nothing was sent; where one may, the text ends with it."""
    assert (AnamError("x").attempts, AnamError("x").may_have_started) == (0, False)
    assert str(rich()).endswith("Busy (the server asks to wait 2 s) (a session may have been started all the same)")
    uncertain = SessionStartUncertainError("x", token_claims={}, client_label=None, livekit_url=None, livekit_room=None)
    assert (uncertain.may_have_started, str(uncertain)) == (True, "x")


def test_a_status_error_can_be_made_by_hand():
    """Tests of other programs can raise these errors without a response."""
    error = RateLimitError(method="POST", path="/x", status_code=429)
    assert (error.headers, error.body, error.retry_after, str(error)) == (
        httpx.Headers(),
        "",
        None,
        "POST /x: 429 Too Many Requests",
    )
