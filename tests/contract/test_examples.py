"""What the facade knows by heart is what the contract says. Its examples are played by the vectors, each of them."""

from __future__ import annotations

from anam_facade import DEFAULT_BASE_URL, errors


def test_the_examples_of_headers_are_understood(contract):
    """The values that the contract gives as examples mean what they say."""
    headers = {name: str(header["example"]) for name, header in contract["components"]["headers"].items()}
    assert errors.retry_after({"Retry-After": headers["RetryAfter"]}) == 2
    assert errors.retry_after({"RateLimit-Reset": headers["RateLimitReset"]}) == 30
    spent = {"X-RateLimit-Org-Hour-Remaining": "0", "X-RateLimit-Org-Hour-Reset": headers["OrgHourReset"]}
    assert errors.retry_after(spent) == 1800


def test_every_status_with_an_error_of_its_own_is_documented(contract):
    """The statuses that the facade names are those the contract names."""
    documented = {status for path in contract["paths"].values() for status in path["post"]["responses"]} - {"default"}
    assert {str(status) for status in errors._BY_STATUS} | {"200", "201", "500"} == documented


def test_the_plan_limits_are_documented(contract):
    """The two texts that tell plan limits from rate limits are the contract's."""
    description = contract["components"]["responses"]["TooManySessions"]["description"].lower()
    assert all(text in description for text in errors._PLAN_LIMITS)


def test_the_default_server_is_the_contracts(contract):
    """The client's default address is the contract's server."""
    assert [server["url"] for server in contract["servers"]] == [DEFAULT_BASE_URL]
