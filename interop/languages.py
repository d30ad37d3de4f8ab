"""Proves that openapi.yaml serves programs in other languages: `make interop ARGS="go rust"`, or without ARGS all.

For each folder in `languages/`, a client is generated from the contract, checked and compiled with a small program on
top, and the program is run against the sandbox, which must have recorded what the program claims (`scenario.py`). What
is built lies in `.interop/` and is kept until the contract, the program or a lock changes. A language whose compiler is
not installed is skipped, and said to be; where REQUIRE_LANGUAGES names it, that is an error.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

import scenario

import tools
from anam_facade import openapi_path
from anam_facade.sandbox import Sandbox

HERE = Path(__file__).resolve().parent
LANGUAGES, VECTORS, BUILDS = HERE / "languages", HERE / "vectors", HERE.parent / ".interop"
GENERATOR_LOCK = tools.ROOT / "requirements" / "tools.txt"
NODE_LOCK = tools.ROOT / "tools" / "package-lock.json"
STEP_LIMIT = 900.0
"""Seconds that one command may take; a first build downloads what it needs."""

_running = threading.Lock()
"""One program at a time: they share a sandbox."""


class Failure(Exception):
    """A step did not do what it should; the message says why."""


class Language:
    """A folder of `languages/`; `languages/README.md` explains its language.toml."""

    def __init__(self, folder: Path, spec: Path) -> None:
        self.folder = folder
        self.config: dict[str, Any] = tomllib.loads((folder / "language.toml").read_text("utf-8"))
        self.name: str = self.config["name"]
        self.needs: dict[str, Any] = self.config["needs"]
        self._spec, self._home = spec, BUILDS / folder.name
        self._log = self._home / "log.txt"
        paths = {"spec": spec, "here": folder, "build": self._home / "build", "cache": self._home / "cache"}
        paths |= {"modules": tools.MODULES, "python": Path(sys.executable)}
        self._values = {name: str(path) for name, path in paths.items()}

    def missing(self) -> str:
        """Which of the commands are not here, or too old, and in which of Debian's packages they are; empty if none."""
        problems = []
        for command, need in self.needs.items():
            if problem := tools.missing(command, need.get("ask", ()), need.get("oldest", "0")):
                problems.append(f"{problem} (in Debian: {need['debian']})" if "debian" in need else problem)
        return "; ".join(problems)

    def build(self, *, fresh: bool) -> bool:
        """Generates, checks and compiles; whether there was anything to do.

        Raises:
            Failure: A step failed.
        """
        place = tools.peer_environment(GENERATOR_LOCK)
        (jar,) = place.glob("lib/python*/site-packages/openapi_generator_cli/openapi-generator.jar")
        self._values["generator"] = str(jar)
        if "npm" in self.needs and not tools.has_node(self.name):
            raise Failure("Node's tools are not installed")
        build, cache = self._home / "build", self._home / "cache"
        steps = [words for step in ("generate", "check", "compile") for words in self.config.get(step, ())]
        asked = [[name, *need["ask"]] for name, need in self.needs.items() if "ask" in need]
        versions = [subprocess.run(words, capture_output=True, text=True, check=False).stdout for words in asked]
        # All that decides what is built. The losses do not.
        files = [file for file in sorted(self.folder.rglob("*")) if file.is_file() and file.name != "language.toml"]
        rest = json.dumps([steps, self.config.get("environment"), versions])
        if fresh:
            shutil.rmtree(self._home, ignore_errors=True)
        with tools.outdated(build, self._spec, GENERATOR_LOCK, NODE_LOCK, *files, rest) as must_build:
            if must_build:
                print(f"Building {self.name} …", file=sys.stderr, flush=True)
                shutil.rmtree(build, ignore_errors=True)
                build.mkdir()
                cache.mkdir(exist_ok=True)
                self._log.unlink(missing_ok=True)
                for words in steps:
                    self._command(words)
        return must_build

    def _filled(self, words: Sequence[str]) -> list[str]:
        """The words of a command with their placeholders, such as `{spec}`, replaced."""
        return [re.sub(r"\{(\w+)\}", lambda match: self._values[match[1]], word) for word in words]

    def _command(self, words: Sequence[str], limit: float = STEP_LIMIT, **environment: str) -> str:
        """Runs a command and returns what it printed; everything is added to the log.

        Raises:
            Failure: It failed, could not be started, or took longer than `limit` seconds.
        """
        own = self.config.get("environment", {})
        with self._log.open("a", encoding="utf-8") as errors:
            print("$", *(words := self._filled(words)), file=errors, flush=True)
            start = errors.tell()
            try:
                done = subprocess.run(
                    words,
                    cwd=self._home / "build",
                    env={**os.environ, **dict(zip(own, self._filled([*own.values()]), strict=True)), **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    encoding="utf-8",
                    errors="replace",
                    timeout=limit,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise Failure(str(error)) from error
            errors.write(done.stdout)
        if done.returncode != 0:
            lines = [line[:500] for line in self._log.read_bytes()[start:].decode("utf-8", "replace").splitlines()]
            if len(lines) > 40:  # the cause is at the beginning or at the end
                lines = [*lines[:15], "…", *lines[-25:]]
            raise Failure("\n    ".join([f"{words[0]} ended with exit code {done.returncode}:", *lines]))
        return done.stdout

    def union(self) -> str:
        """How the generated code spells the persona union, read from it.

        Raises:
            Failure: It is not where language.toml says.
        """
        (file,) = self._filled([self.config["union"]["file"]])
        text = Path(file).read_text("utf-8") if Path(file).exists() else ""
        found = list(re.finditer(self.config["union"]["pattern"], text, re.MULTILINE | re.DOTALL))
        if not found:
            raise Failure(f"the persona union is not in {Path(file).name}, or does not look as language.toml says")
        parts = [part for match in found for part in (match.groups() or (match[0],)) if part]
        return re.sub(r"\s+", " ", "; ".join(parts)).strip()

    def run(self, sandbox: Sandbox, bodies: Sequence[scenario.Body]) -> list[str]:
        """Runs the program against the sandbox, and once more with an answer lost; what is wrong.

        Raises:
            Failure: It could not be run to its end.
        """
        vectors = self._home / "bodies.jsonl"
        vectors.write_text("".join(json.dumps(body._asdict()) + "\n" for body in bodies), "utf-8")
        environment = {
            "ANAM_API_URL": sandbox.base_url,
            "ANAM_API_KEY": sandbox.api_key,
            "ANAM_VECTORS": str(vectors),
            "NO_PROXY": "127.0.0.1",  # the sandbox, whatever the user's settings say
            "no_proxy": "127.0.0.1",
        }
        known, (*first, last) = self.config.get("losses", {}).get("known", []), self.config["run"]
        with _running:
            scenario.prepare(sandbox)
            for words in first:
                self._command(words, **environment)
            try:
                lines = scenario.read_lines(self._command(last, 60.0, **environment))
            except ValueError as error:
                raise Failure(str(error)) from error
            problems = [*scenario.wrong_steps(lines, sandbox, known)]
            scenario.prepare_to_lose(sandbox)
            # How it takes it is the program's affair, an ugly end included.
            with contextlib.suppress(Failure):
                self._command(last, 60.0, **environment)
            problems += scenario.wrong_repeats(sandbox)
        return [*problems, *scenario.wrong_losses(lines, bodies, known)]


def build_and_run(language: Language, sandbox: Sandbox, bodies: Sequence[scenario.Body], *, fresh: bool) -> list[str]:
    """What is wrong with a language; tells how it went."""
    began, union, built = time.monotonic(), "", False
    try:
        built = language.build(fresh=fresh)
        union = language.union()
        problems = language.run(sandbox, bodies)
    except (Failure, SystemExit) as failure:
        problems = [str(failure)]
    how = "" if built else ", as built before"
    print(f"{'FAILED' if problems else 'ok    '} {language.name}, {language.config['generator']}:", end=" ")
    print(f"{time.monotonic() - began:.0f} s{how}\n       a persona is: {union[:400]}", flush=True)
    for problem in problems:
        print(f"       {problem}", flush=True)
    return problems


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = sorted(file.parent.name for file in LANGUAGES.glob("*/language.toml"))
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=f"of {', '.join(known)}; all by default")
    parser.add_argument("--fresh", action="store_true", help="build anew, whatever is there")
    parser.add_argument("--spec", type=Path, default=openapi_path(), help="another contract, to see what becomes of it")
    options = parser.parse_args(arguments)
    required = [name for name in os.environ.get("REQUIRE_LANGUAGES", "").split(",") if name]
    if unknown := {*options.languages, *required} - {*known}:
        parser.error(f"there is no language {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    failed, ready = False, []
    for name in options.languages or known:
        language = Language(LANGUAGES / name, options.spec.resolve())
        missing = language.missing()
        if not missing:
            ready.append(language)
        elif name in required:
            print(f"error: {language.name} cannot be built: {missing}.", file=sys.stderr)
            failed = True
        else:
            print(f"SKIPPED: {language.name} was not built: {missing}.")
    bodies = scenario.read_bodies(VECTORS)
    with Sandbox() as sandbox, ThreadPoolExecutor(2) as pool:
        outcomes = pool.map(lambda one: build_and_run(one, sandbox, bodies, fresh=options.fresh), ready)
        return int(any(list(outcomes)) or failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
