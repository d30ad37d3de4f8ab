"""Links between the project's own documents lead somewhere. `make docs ARGS=--site` checks those inside docs/, too."""

from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
TRACKED = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
PAGES = [ROOT / name for name in TRACKED.split() if (ROOT / name).exists()]


def anchors(page: Path) -> set[str]:
    """What a heading is called in a link, as GitHub and Zensical both have it."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    headings = (after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open")
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """The file exists, and has the heading."""
    broken = []
    for block in MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8")):
        for token in block.children or ():
            target = str(token.attrGet("href") or token.attrGet("src") or "")
            link = urlsplit(target)
            if not target or link.scheme:
                continue
            file = (page.parent / unquote(link.path)).resolve() if link.path else page
            if not file.exists() or (link.fragment and file.suffix == ".md" and link.fragment not in anchors(file)):
                broken.append(target)
    assert not broken
