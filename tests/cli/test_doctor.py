"""`doctor`: one finding for each thing that can be wrong."""

from __future__ import annotations

import json
import socket
import ssl
import time
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from anam_facade.cli import doctor
from anam_facade.sandbox import Fault, Sandbox
from tests.client.servers import running
from tests.hostile.certificates import self_signed

from .conftest import Run
from .test_commands import GOOD, SAVED, WRONG


def line(output: str, check: str) -> str:
    return next(line for line in output.splitlines() if line[2:].startswith(check))


def test_all_is_well(run: Run, anam_sandbox: Sandbox) -> None:
    """Every check passes or does not apply; the key is tried by minting, which starts nothing; it is never shown."""
    told = run("doctor", GOOD)
    assert told.exit_code == 0, told.output
    assert "✗" not in told.output
    assert told.output.endswith("All is well.\n")
    assert anam_sandbox.api_key not in told.output
    assert line(told.output, "ANAM_API_KEY") == f"✓ ANAM_API_KEY  is set: ***, {len(anam_sandbox.api_key)} characters"
    assert "which starts and bills nothing" in line(told.output, "key accepted")
    assert (len(anam_sandbox.tokens), len(anam_sandbox.sessions)) == (1, 0)


def test_the_same_for_programs(run: Run) -> None:
    """--json: a list of checks, each with its status."""
    report = json.loads(run("doctor", "--json", "--persona-id", SAVED).output)
    assert report["ok"] is True
    assert {"check", "status", "detail", "advice"} == set(report["checks"][0])
    assert {check["status"] for check in report["checks"]} == {"passed", "skipped"}


def test_nothing_is_set_up(bare: Run) -> None:
    """What cannot be tried is skipped, and the exit status is 1."""
    told = bare("doctor", WRONG, "--url", "http://127.0.0.1:9")
    assert told.exit_code == 1
    assert line(told.output, "ANAM_API_KEY").startswith("✗ ANAM_API_KEY  is not set")
    assert line(told.output, "persona").startswith("✗")
    assert "refused" in line(told.output, "connection")
    assert line(told.output, "key accepted").startswith("-")
    assert told.output.endswith("3 of 8 checks failed\n")


@pytest.mark.parametrize(
    ("name", "value", "passed", "detail"),
    [
        ("ANAM_API_KEY", "", False, "is empty"),
        ("ANAM_API_KEY", '"a-key"', False, "has quotes around it"),
        ("ANAM_API_KEY", "a key", False, "has blanks or line breaks in it"),
        ("ANAM_API_KEY", "a-key\n", False, "has blanks or line breaks in it"),
        ("ANAM_API_KEY", "a-key", True, "is set: ***, 5 characters"),
        ("ANAM_API_URL", "https://me:pw@anam.invalid", True, "is set: https://***@anam.invalid"),
    ],
)
def test_a_variable_that_is_not_what_it_seems(name: str, value: str, passed: bool, detail: str) -> None:
    """The key itself is not shown, nor the user in a URL."""
    found = doctor.variable(name, value, secret=name == "ANAM_API_KEY")
    assert (found.passed, found.detail) == (passed, detail)
    assert bool(found.advice) is not passed


@pytest.mark.parametrize("url", ["ftp://anam.invalid", "http://anam.invalid", "nonsense"])
def test_an_address_that_no_client_takes(run: Run, url: str) -> None:
    """The client's own words; nothing is sent."""
    told = run("doctor", "--url", url)
    assert told.exit_code == 1
    assert line(told.output, "address").startswith("✗")
    assert "connection" not in told.output


def test_a_name_that_cannot_be_resolved(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried over the network after that."""

    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", fails)
    told = run("doctor", "--url", "https://anam.invalid")
    assert "cannot be resolved: Name or service not known" in line(told.output, "address")
    assert "connection" not in told.output


@pytest.mark.parametrize(
    ("variables", "passed", "detail"),
    [
        ({}, None, "none"),
        ({"https_proxy": "http://me:pw@proxy.invalid:3128"}, True, "proxy.invalid:3128"),
        ({"all_proxy": "proxy.invalid"}, True, "proxy.invalid:80"),
        (
            {"https_proxy": "http://proxy.invalid", "no_proxy": "anam.invalid"},
            None,
            "none for this address, by NO_PROXY",
        ),
    ],
)
def test_the_proxy(
    bare: Run, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], passed: bool | None, detail: str
) -> None:
    """Its credentials are not shown."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = doctor.proxy("https://anam.invalid/")
    assert (found.passed, found.detail) == (passed, detail)


def test_behind_a_proxy_the_name_is_not_resolved_here() -> None:
    """It may not be known here at all."""
    found = doctor.address("https://anam.invalid", proxied=True)
    assert (found.passed, found.detail) == (None, "anam.invalid:443, resolved by the proxy")


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is trusted is shown with its end; another is refused, with the variable that helps."""
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(self_signed("localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with running(context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        (refused,) = doctor.connection(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        answered, secured, clock = doctor.connection(url)
    assert (refused.check, refused.passed) == ("TLS", False)
    assert "SSL_CERT_FILE" in refused.advice
    assert answered.detail.startswith("answered 501")
    assert secured.detail.startswith("TLSv1.3, certificate valid until ")
    assert clock.passed is True


@pytest.mark.parametrize(
    ("error", "proxied", "advice"),
    [
        (httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), False, "speak TLS"),
        (httpx.ProxyError("407 Proxy Authentication Required"), False, "HTTPS_PROXY"),
        (httpx.ConnectError("refused"), True, "HTTPS_PROXY"),
        (httpx.ReadTimeout(""), False, "Is it running"),
    ],
)
def test_other_ways_not_to_arrive(error: Exception, proxied: bool, advice: str) -> None:
    """The error's own words, and what to look at."""
    found = doctor.unreachable(error, proxied=proxied)
    assert found.passed is False
    assert found.detail.startswith(type(error).__name__)
    assert advice in found.advice


@pytest.mark.parametrize(
    ("offset", "passed", "detail"),
    [
        (0, True, "within 60 s"),
        (-3600, False, "is 3600 s ahead of"),
        (90, False, "is 90 s behind"),
        (None, None, "not compared"),
    ],
)
def test_the_clock_against_the_servers(offset: float | None, passed: bool | None, detail: str) -> None:
    """Compared to the `Date` of an answer, if there is one."""
    now = float(int(time.time()))
    found = doctor.clock(None if offset is None else formatdate(now + offset, usegmt=True), now)
    assert found.passed is passed
    assert found.detail.startswith(detail)


def test_a_clock_that_is_wrong_does_not_keep_the_key_from_being_tried(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, and the rest goes on."""
    monkeypatch.setattr(doctor, "CLOCK_TOLERANCE", -1.0)
    told = run("doctor")
    assert told.exit_code == 1
    assert line(told.output, "key accepted").startswith("✓")


@pytest.mark.parametrize(
    ("fault", "named", "start"),
    [
        (Fault(status=401), True, "✗"),
        (Fault(status=500), True, "✗"),
        (Fault(status=400), True, "✗"),
        (Fault(status=400), False, "-"),
        (Fault(close="before"), False, "✗"),
    ],
)
def test_a_key_that_mints_nothing(run: Run, anam_sandbox: Sandbox, fault: Fault, named: bool, start: str) -> None:
    """One attempt; an id that doctor made up is no reason to blame the key."""
    anam_sandbox.inject(fault)
    found = list(
        doctor.findings({"ANAM_API_KEY": "-", "ANAM_API_URL": ""}, anam_sandbox.base_url, GOOD if named else None, None)
    )
    assert found[-1].check == "key accepted"
    assert found[-1].mark == start
    assert found[-1].advice
    assert len(anam_sandbox.requests) == 1
