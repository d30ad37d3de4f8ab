"""docs/other-languages.md: in step with the contract, with the languages that are tried, and with the sandbox."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from anam_facade.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "other-languages.md").read_text("utf-8")


@pytest.fixture(scope="module")
def document(root: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((root / "openapi.yaml").read_text("utf-8"))
    return read


def part(page: str, heading: str) -> str:
    """What stands under a heading, up to the next of its rank."""
    rank = heading.partition(" ")[0]
    return page.partition(f"\n{heading}\n")[2].partition(f"\n{rank} ")[0]


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")
    ]


def fill(root: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "scripts" / "docs_languages.py"), *args]
    return subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", check=False)


def test_what_is_said_of_the_languages_is_what_was_tried(root: Path) -> None:
    done = fill(root, "--check")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_language_is_there_with_its_command(root: Path, page: str) -> None:
    """Independent of the script that writes it: each word of each command that reads the contract."""
    files = sorted((root / "interop" / "languages").glob("*/language.toml"))
    assert len(files) >= 8
    for file in files:
        language = tomllib.loads(file.read_text("utf-8"))
        section = part(page, f"### {language['name']}")
        said = [shlex.split(line[2:]) for line in section.splitlines() if line.startswith("$ ")]
        tried = [words for words in language["generate"] if any("{spec}" in word for word in words)]
        assert len(said) == len(tried) >= 1
        for spoken, words in zip(said, tried, strict=True):
            plain = [word for word in words if not re.search(r"[{}]|log\.level", word)]
            assert [word for word in spoken if word in plain] == plain
        assert f"../interop/languages/{file.parent.name}/language.toml" in section
        assert language["generator"] in page


def test_what_is_said_to_survive_is_what_the_vectors_ask(root: Path) -> None:
    """The two bodies by whose losses the page judges exist, and have something that the contract lacks."""
    sys.path.insert(0, str(root / "scripts"))
    try:
        from docs_languages import ANSWER, TOOL
    finally:
        sys.path.remove(str(root / "scripts"))
    for body in (ANSWER, TOOL):
        name, side = body.split("/")
        (file,) = (root / "interop" / "vectors").glob(f"*/{name}.json")
        assert json.loads(file.read_text("utf-8"))[side]["body"]
        assert "unknown" in name


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ('generate = [["x", "{spec}", "{cache}/y"]]', "a placeholder that a reader cannot know"),
        ('generate = [["x"]]', "no command in `generate` reads the contract"),
        ('generate = [["x", "{spec}", "{here}/none.yaml"]]', "none.yaml is not there"),
    ],
)
def test_what_a_reader_could_not_follow_is_refused(root: Path, tmp_path: Path, toml: str, named: str) -> None:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "language.toml").write_text(f'name = "Odd"\ngenerator = "x 1"\nexpected = "ran"\n{toml}\n')
    copy = tmp_path / "page.md"
    shutil.copy(root / "docs" / "other-languages.md", copy)

    done = fill(root, f"--languages={tmp_path}", f"--page={copy}")

    assert done.returncode == 1
    assert named in done.stderr
    assert copy.read_bytes() == (root / "docs" / "other-languages.md").read_bytes()


def test_a_changed_command_is_noticed(root: Path, tmp_path: Path, page: str) -> None:
    copy = tmp_path / "page.md"
    copy.write_text(page.replace("$ java ", "$ java -Xmx1g ", 1), "utf-8")

    done = fill(root, "--check", f"--page={copy}")

    assert done.returncode == 1
    assert "-$ java -Xmx1g" in done.stdout
    assert done.stderr == "error: page.md is not what language.toml gives; run `make docs`.\n"


def test_the_table_of_errors_has_every_status_and_text_of_the_contract(page: str, document: dict[str, Any]) -> None:
    """Every documented error, and of each `error` in the contract's examples the row with its status."""
    said = {(row[0], text) for row in rows(part(page, "## Errors"))[1:] for text in re.findall(r"`(.+?)`", row[1])}
    known = set()
    for item in document["paths"].values():
        for status, reference in item["post"]["responses"].items():
            if status.startswith("2"):
                continue
            response = document["components"]["responses"][reference["$ref"].rpartition("/")[2]]
            for example in response["content"]["application/json"]["examples"].values():
                value = document["components"]["examples"][example["$ref"].rpartition("/")[2]]["value"]
                known.add((status if status != "default" else "others", value["error"]))
    assert len(known) >= 10
    assert said == known


def test_the_rules_of_repeating_are_those_of_the_readme(root: Path, page: str) -> None:
    """The facade keeps to its own table, and tests it cell by cell: this one may not say something else."""
    facade = rows(part((root / "README.md").read_text("utf-8"), "## Retries"))
    here = rows(part(page, "## What may be repeated"))

    def repeats(table: list[list[str]], words: str) -> list[bool]:
        (row,) = (row for row in table if words in row[0])
        return [re.match(r"retry|repeat", cell) is not None for cell in row[1:]]

    for there, its in {
        "the request never left": "the request never left",
        "408, 503": "408, 503",
        "other 5xx": "other 5xx",
        "the answer was lost": "no answer, or half of one",
        "401 or 409": "401 or 409",
        "makes no sense": "makes no sense",
        "any other 4xx": "any other 4xx",
    }.items():
        assert repeats(facade, there) == repeats(here, its), there


def test_the_numbers_of_the_page_are_the_facades_defaults(page: str) -> None:
    from anam_facade import RetryPolicy

    policy = RetryPolicy()
    words = {5: "five"}
    assert f"Pause {policy.initial_backoff:g} s, doubling up to {policy.max_backoff:g} s" in page
    assert f"stop after {words[policy.max_attempts]} tries or {policy.deadline:g} s" in page


def test_every_link_leads_somewhere(root: Path, page: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page)
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert len(links) > 20
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors, link
        else:
            assert (root / "docs" / link).exists(), link


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_examples_do_what_the_page_says(page: str) -> None:
    """The two calls start one session; the faults then hit the next two starts, of which the second one runs."""
    scripts = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    faults, calls = scripts
    with Sandbox() as sandbox:
        environment = {"PATH": os.environ["PATH"], "ANAM_API_URL": sandbox.base_url, "ANAM_API_KEY": sandbox.api_key}

        def run(script: str) -> subprocess.CompletedProcess[str]:
            command = ["sh", "-uc", script]
            return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)

        started = run(calls)
        assert json.loads(started.stdout)["sessionId"] == sandbox.sessions[0].id
        assert run(faults).returncode == 0
        busy, lost = run(calls), run(calls)
        assert json.loads(busy.stdout)["error"] == "Service Unavailable"
        assert lost.returncode != 0
        assert lost.stdout == ""
        assert len(sandbox.sessions) == 2


def test_the_commands_for_the_sandbox_are_understood(page: str) -> None:
    (line,) = re.findall(r"^\$ python (-m anam_facade\.sandbox .*)$", page, re.MULTILINE)
    command = [sys.executable, *shlex.split(line), "--help"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 0
    for option in re.findall(r"--[a-z-]+", line):
        assert option in done.stdout
    assert "--strict" in done.stdout
