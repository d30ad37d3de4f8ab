"""README and docs/ keep what they promise: every fenced block is run, page by page and in order, as a reader would, and
every link leads somewhere (`make docs ARGS=--site` checks those inside docs/, too).
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from markdown_it import MarkdownIt
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from anam_facade import PersonaConfig
from anam_facade.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FILES = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
TRACKED = [name for name in FILES if (ROOT / name).is_file()]

PATIENCE = 120.0
"""Seconds after which a command that neither ends nor serves is a failure."""


class Shell:
    """A reader's: a copy of the checkout, an environment whose `python` and `pip` come first, and no `make`.

    What serves (prints an address and does not end) runs until `close()`. `fresh` is where an environment is made,
    once, for the pages that install.
    """

    def __init__(self, folder: Path, fresh: Path) -> None:
        self.folder = folder
        self._fresh = fresh
        self._environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self._servers: list[subprocess.Popen[bytes]] = []

    def run(self, command: str) -> None:
        """It must succeed, or serve."""
        if made := re.match(r"make ([\w-]+)", command):
            # The checks run these themselves; here it is enough that there is such a verb.
            command = f"make -C {ROOT} --dry-run {made[1]}"
        if "pip install" in command:
            self._prepare()
        log = self.folder.parent / f"{time.monotonic_ns()}.log"
        line, how = ["bash", "-euo", "pipefail", "-c", command], {"cwd": self.folder, "env": self._environment}
        with log.open("wb") as sink:
            process = subprocess.Popen(
                line, **how, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
            )
        self._servers.append(process)
        ends = time.monotonic() + PATIENCE
        while process.poll() is None and not re.search(rb"http://(127\.0\.0\.1|localhost):\d+", log.read_bytes()):
            assert time.monotonic() < ends, f"{command!r} did not end: {log.read_text('utf-8', 'replace')}"
            time.sleep(0.05)
        assert not process.returncode, f"{command!r}: {process.returncode}\n{log.read_text('utf-8', 'replace')}"

    def close(self) -> None:
        for process in self._servers:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(10)

    def _prepare(self) -> None:
        """The checkout's tracked files, and an environment with nothing in it, at the locked versions."""
        for name in TRACKED:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.folder / name)
        if not self._fresh.exists():
            venv.create(self._fresh, with_pip=True)
        pins = self.folder.parent / "pins.txt"
        lock = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
        pins.write_text("\n".join(re.findall(r"^[\w.-]+==[^ \\]+", lock, re.MULTILINE)), "utf-8")
        self._environment["PIP_CONSTRAINT"] = str(pins)
        self._environment["PATH"] = f"{self._fresh / 'bin'}:{self._environment['PATH']}"


def python(example: Example) -> None:
    """In the page's namespace, with `await` at the top level as in a notebook; a test is run as a test."""
    source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
    code = compile(source, example.path, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    before = set(example.namespace)
    running = eval(code, example.namespace)
    if inspect.iscoroutine(running):
        asyncio.run(running)
    for name in sorted(set(example.namespace) - before):
        if name.startswith("test_"):
            with Sandbox() as sandbox:
                example.namespace[name](sandbox)


def console(example: Example) -> None:
    """Each command behind a `$ `; what stands between them is what it prints."""
    for command in re.findall(r"^\$ ((?:.*\\\n)*.*)", example.parsed, re.MULTILINE):
        example.namespace["shell"].run(command)


def data(example: Example) -> None:
    """A file, kept under the name in its first line and read as what it is."""
    named = re.match(r"# ([\w-]+\.\w+)\n", example.parsed)
    if named:
        Path(named[1]).write_text(example.parsed, "utf-8")
    if named and "avatarId" in example.parsed:
        PersonaConfig.load(named[1])
    else:
        yaml.safe_load(example.parsed)


def parsed_json(example: Example) -> None:
    json.loads(example.parsed)


def excerpt_only(example: Example) -> None:
    pytest.fail(f"{example.path}:{example.line}: must be an excerpt of a file that is run elsewhere")


EVALUATORS = {
    "python": python,
    "console": console,
    "sh": lambda example: example.namespace["shell"].run(example.parsed),
    "yaml": data,
    "json": parsed_json,
    "js": excerpt_only,
}
SHOWN_ONLY = {"text", "mermaid"}
"""Not code: output, pictures."""

sybil = Sybil([SkipParser(), *(CodeBlockParser(language, run) for language, run in EVALUATORS.items())], path=str(ROOT))


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fresh") / "environment"


@pytest.fixture
def shell(tmp_path: Path, fresh: Path, anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """In an empty folder, with a sandbox in Anam's place."""
    environment = {
        "ANAM_API_KEY": anam_sandbox.api_key,
        "ANAM_API_URL": anam_sandbox.base_url,
        "LIVEKIT_URL": "wss://rooms.example.org",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a secret of at least thirty-two bytes",
        "PERSONA_ID": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    shell = Shell(folder, fresh)
    yield shell
    shell.close()


# What docs/command.md prints is part of it: scripts/docs.py runs it, and compares.
@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "command.md"], ids=lambda page: page.name)
@pytest.mark.filterwarnings("default")  # a reader's program has its own filters
def test_every_block_of_the_page_runs(page: Path, shell: Shell) -> None:
    document = sybil.parse(page)
    document.namespace["shell"] = shell
    for example in document.examples():
        example.evaluate()


def flat(code: str) -> str:
    """Code without its indentation."""
    return "\n".join(line.strip() for line in code.strip().splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_not_run_is_part_of_what_is(page: Path) -> None:
    """A block that is skipped stands in a file that other tests run, or the page says why it is not run."""
    text = page.read_text("utf-8")
    fence = r"```(\w*)\n(.*?)\n```"
    for mark, language, block in re.findall(rf"(.*)\n<!-- skip: next -->\n{fence}", text, re.DOTALL | re.MULTILINE):
        mark = mark.rpartition("\n")[2]
        if excerpt := re.fullmatch(r"<!-- excerpt: (\S+) -->", mark):
            assert flat(block) in flat((ROOT / excerpt[1]).read_text("utf-8"))
        else:
            assert re.fullmatch(r"<!-- not run: .+ -->", mark), (language, block)
    ran = re.sub(rf"<!-- skip: next -->\n{fence}", "", text, flags=re.DOTALL)
    assert set(re.findall(r"^```(\w+)$", ran, re.MULTILINE)) <= EVALUATORS.keys() | SHOWN_ONLY


def anchors(page: Path) -> set[str]:
    """What a heading is called in a link, as GitHub and Zensical both have it."""
    tokens = MarkdownIt().parse(page.read_text("utf-8"))
    headings = (after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open")
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", [name for name in TRACKED if name.endswith(".md")])
def test_links_lead_somewhere(name: str) -> None:
    """The file exists, and has the heading."""
    page = ROOT / name
    blocks = MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))
    for token in (token for block in blocks for token in block.children or ()):
        target = str(token.attrGet("href") or token.attrGet("src") or "")
        link = urlsplit(target)
        if target and not link.scheme:
            file = (page.parent / unquote(link.path)).resolve() if link.path else page
            assert file.exists(), target
            assert not link.fragment or file.suffix != ".md" or link.fragment in anchors(file), target
