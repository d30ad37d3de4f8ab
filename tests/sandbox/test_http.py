"""What is not one of the two operations: other paths and methods, browsers, answers as such."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

import pytest

from anam_facade.sandbox import Fault
from tests.sandbox.support import MINT, START, Api, Clock, assert_fits_contract, eventually

Serve = Callable[..., Api]


@pytest.mark.parametrize("path", ["/v1", "/v1/auth/session-token/", "/%00", "/%ff", "/_sandboxes", "/docs/", "/Docs"])
def test_an_unknown_path_is_answered_404_as_the_contract_words_errors(api: Api, path: str) -> None:
    """With a JSON body, and without a redirect to something similar."""
    for response in (api.http.post(path, json={}), api.http.get(path)):
        assert (response.status_code, response.json()["error"]) == (404, "Not Found")
        assert_fits_contract(response)


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "OPTIONS", "QUERY"])
@pytest.mark.parametrize("path", [MINT, START])
def test_another_method_is_answered_405_and_told_which_one_works(api: Api, path: str, method: str) -> None:
    """`Allow` names POST."""
    response = api.http.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert_fits_contract(response)


def test_a_browser_may_call_it_from_anywhere(api: Api) -> None:
    """The preflight allows the credential, the gateway's header and JSON; every answer may be read."""
    asked = {"Origin": "https://shop.example.org", "Access-Control-Request-Method": "POST"}
    preflight = api.http.options(START, headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
    assert "POST" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert set(allowed) >= {"authorization", "content-type", "x-anam-target-url"}
    answers = [api.mint(), api.mint(bearer="wrong"), api.http.get("/nowhere")]
    for fault in (Fault(status=500, times=1), Fault(drip=0.0001, times=1)):
        api.sandbox.inject(fault)
        answers.append(api.mint())
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"Retry-After", "X-RateLimit-Org-Hour-Reset"} <= set(exposed)


def test_answers_carry_the_date(serve: Serve) -> None:
    """By the sandbox's own clock, so that clients can be tested against a server whose clock is off."""
    api = serve(clock=(clock := Clock()))
    api.sandbox.inject(Fault(drip=0.0001, times=1))
    for _ in range(2):
        assert parsedate_to_datetime(api.mint().headers["date"]).timestamp() == int(clock.now)


def test_a_failure_of_the_sandbox_itself_is_a_500(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its cause, and answered like any other error."""
    api = serve(check=False)

    def fail(bearer: str | None) -> None:
        raise RuntimeError("a defect")

    api.sandbox.world.state.identify = fail  # type: ignore[method-assign]
    response = api.mint()
    assert response.status_code == 500
    assert_fits_contract(response)
    eventually(lambda: "a defect" in caplog.text)
