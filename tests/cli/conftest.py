"""The command, run within the test's own process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from anam_facade.cli.commands import cli

if TYPE_CHECKING:
    from anam_facade.sandbox import Sandbox

Run = Callable[..., Result]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command; no variable of the user's leads it anywhere."""
    proxies = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
    livekit = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
    for name in ("ANAM_API_KEY", "ANAM_API_URL", *proxies, *livekit):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def run(*arguments: str, **options: object) -> Result:
        return CliRunner().invoke(cli, arguments, prog_name="anam-facade", **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def run(bare: Run, anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same with a sandbox in the variables."""
    monkeypatch.setenv("ANAM_API_URL", anam_sandbox.base_url)
    monkeypatch.setenv("ANAM_API_KEY", anam_sandbox.api_key)
    return bare
