"""Every fenced block of README and docs/ is run, page by page and in order, as a reader would."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import os
import re
from pathlib import Path

import pytest
import yaml
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

from anam_facade import PersonaConfig
from anam_facade.sandbox import Sandbox
from tests.docs.shell import Shell, with_python_first

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


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


def script(example: Example) -> None:
    example.namespace["shell"].run(example.parsed)


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
    "js": excerpt_only,
    "python": python,
    "console": console,
    "sh": script,
    "yaml": data,
    "json": parsed_json,
}
SHOWN_ONLY = {"text", "mermaid"}
"""Not code: output, pictures."""

sybil = Sybil([SkipParser(), *(CodeBlockParser(language, run) for language, run in EVALUATORS.items())], path=str(ROOT))


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fresh") / "environment"


# What docs/command.md prints is part of it: scripts/docs.py runs it, and compares.
@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "command.md"], ids=lambda page: page.name)
@pytest.mark.filterwarnings("default")  # a reader's program has its own filters
def test_every_block_of_the_page_runs(
    page: Path, tmp_path: Path, fresh: Path, anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block of each page does what the page shows, against a sandbox in Anam's place."""
    environment = {
        "ANAM_API_KEY": anam_sandbox.api_key,
        "ANAM_API_URL": anam_sandbox.base_url,
        "LIVEKIT_URL": "wss://rooms.example.org",
        "LIVEKIT_API_KEY": "devkey",
        "LIVEKIT_API_SECRET": "a secret of at least thirty-two bytes",
        "PERSONA_ID": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506",
        "PATH": with_python_first(os.environ["PATH"]),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    shell = Shell(folder, fresh, environment)
    document = sybil.parse(page)
    document.namespace["shell"] = shell
    try:
        for example in document.examples():
            example.evaluate()
    finally:
        shell.close()


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


def flat(code: str) -> str:
    """Code without its indentation."""
    return "\n".join(line.strip() for line in code.strip().splitlines())
