"""The page of the contract, served from an installed wheel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Environment


def test_the_installed_sandbox_serves_the_page_and_the_contract(with_sandbox: Environment, root: Path) -> None:
    """With nothing but the wheel and its extra: no Node, no template engine, no checkout."""
    sizes = json.loads(
        with_sandbox.execute(
            "import json, httpx\n"
            "from anam_facade.sandbox import Sandbox\n"
            "with Sandbox() as sandbox:\n"
            "    urls = [sandbox.base_url + path for path in ('/docs', '/openapi.yaml')]\n"
            "    answers = [httpx.get(url, trust_env=False).raise_for_status() for url in urls]\n"
            "print(json.dumps([len(answer.content) for answer in answers]))"
        )
    )

    assert sizes == [(root / name).stat().st_size for name in ("generated/docs.html", "openapi.yaml")]
