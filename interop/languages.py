"""Proves that openapi.yaml serves programs in other languages: `make languages`.

For each folder in `languages/`, a client is generated from the contract, checked and compiled with a small program on
top, and the program is run against the sandbox, which must have recorded what the program claims. What is built lies in
`.interop/` and is kept until the contract, the program or a lock changes. A language whose compiler is not installed is
skipped, and said to be; where REQUIRE_LANGUAGES names it, that is an error.
"""

from __future__ import annotations

import argparse
import contextlib
import enum
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

import scenario

from anam_facade import openapi_path
from anam_facade.sandbox import Sandbox

HERE = Path(__file__).resolve().parent
LANGUAGES = HERE / "languages"
VECTORS = HERE / "vectors"
BUILDS = HERE.parent / ".interop"

GENERATOR_LOCK = LANGUAGES / "generator.txt"
PLACEHOLDERS = ("spec", "here", "build", "cache", "generator", "python")

STEP_LIMIT = 900.0
"""Seconds that one command may take; a first build downloads what it needs."""

RUN_LIMIT = 60.0
"""Seconds that the program may take."""


class Level(enum.IntEnum):
    """How far a language gets; each level includes those before it that it has steps for."""

    NOTHING = 0
    GENERATED = 1
    CHECKED = 2
    COMPILED = 3
    RAN = 4


STEPS = {Level.GENERATED: "generate", Level.CHECKED: "check", Level.COMPILED: "compile", Level.RAN: "run"}


class LanguageError(Exception):
    """A language.toml that says something that cannot be meant."""


@dataclass(frozen=True)
class Need:
    """A command that a language needs.

    Attributes:
        command: Its name on the PATH.
        ask: Arguments that make it print its version; empty when any will do.
        oldest: The oldest version that will do.
        level: The first step that needs it. Without it, that step and those after it are left out.
        debian: Debian's packages that have it, and what has to be installed with it.
    """

    command: str
    ask: tuple[str, ...] = ()
    oldest: tuple[int, ...] = ()
    level: Level = Level.GENERATED
    debian: str = ""


@dataclass(frozen=True)
class Language:
    """What a language.toml says; `languages/README.md` explains each."""

    folder: Path
    name: str
    generator: str
    needs: tuple[Need, ...]
    steps: Mapping[Level, tuple[tuple[str, ...], ...]]
    expected: Level
    union: tuple[str, re.Pattern[str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    python: str | None = None
    losses: tuple[scenario.Loss, ...] = ()

    @property
    def key(self) -> str:
        """Its folder's name, which is also what it is called on the command line."""
        return self.folder.name

    def uses(self, placeholder: str) -> bool:
        return any(f"{{{placeholder}}}" in word for step in self.steps.values() for argv in step for word in argv)


# --- Reading language.toml ------------------------------------------------------------------------


def read(folder: Path) -> Language:
    """Reads a folder's language.toml.

    Raises:
        LanguageError: It is not as `languages/README.md` says.
    """
    try:
        return _read(folder, tomllib.loads((folder / "language.toml").read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, re.error) as error:
        problem = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise LanguageError(f"{folder.name}/language.toml: {problem}") from error


def _read(folder: Path, table: dict[str, Any]) -> Language:
    known = {"name", "generator", "needs", "expected", "union", "environment", "python", "loss", *STEPS.values()}
    if unknown := sorted(set(table) - known):
        raise ValueError(f"there is no {', '.join(unknown)}")
    steps = {}
    for level, name in STEPS.items():
        if name in table:
            steps[level] = _commands(name, table[name])
    expected = {level.name.lower(): level for level in STEPS}.get(table["expected"])
    if expected is None or expected not in steps:
        raise ValueError(f"expected is {table['expected']!r}, which is none of its own steps")
    if Level.GENERATED not in steps:
        raise KeyError("generate")
    union = table["union"]
    needs = []
    for command, said in table["needs"].items():
        oldest = tuple(int(number) for number in said["oldest"].split(".")) if "oldest" in said else ()
        level = {name: level for level, name in STEPS.items()}[said.get("from", STEPS[Level.GENERATED])]
        needs.append(Need(command, tuple(said.get("ask", ())), oldest, level, said.get("debian", "")))
    language = Language(
        folder=folder,
        name=table["name"],
        generator=table["generator"],
        needs=tuple(needs),
        steps=steps,
        expected=expected,
        union=(union["file"], re.compile(union["pattern"], re.MULTILINE | re.DOTALL)),
        environment=dict(table.get("environment", {})),
        python=table.get("python"),
        losses=tuple(_loss(loss) for loss in table.get("loss", ())),
    )
    for text in (union["file"], *language.environment.values()):
        fill(text, dict.fromkeys(PLACEHOLDERS, ""))
    return language


def _loss(table: Mapping[str, Any]) -> scenario.Loss:
    if "every" in table:
        return scenario.Loss(table["what"], every=tuple(table["every"]), without=table.get("without", ""))
    return scenario.Loss(table["what"], tuple(table["bodies"]))


def _commands(name: str, value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list) or not value or not all(isinstance(argv, list) and argv for argv in value):
        raise TypeError(f"{name} must be a list of commands, each a list of words")
    for word in (word for argv in value for word in argv):
        if not isinstance(word, str):
            raise TypeError(f"{name} holds {word!r}, which is no word")
        fill(word, dict.fromkeys(PLACEHOLDERS, ""))
    return tuple(tuple(argv) for argv in value)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Replaces `{name}`.

    Raises:
        ValueError: There is no such placeholder.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise ValueError(f"there is no placeholder {match[0]}; known are {', '.join(PLACEHOLDERS)}")
        return values[match[1]]

    return re.sub(r"\{(\w+)\}", value, text)


# --- What the machine has -------------------------------------------------------------------------


def what_is_missing(language: Language) -> list[tuple[Need, str]]:
    """What the language needs that is not here, and how to say so."""
    missing = []
    for need in language.needs:
        path, problem = shutil.which(need.command), ""
        if path is None:
            problem = f"{need.command} is not installed"
        elif need.ask:
            done = subprocess.run(
                [path, *need.ask], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
            )
            printed = re.sub(r"\x1b\[[\d;]*m", "", done.stdout or done.stderr)  # Maven's is coloured, asked or not
            found = re.search(r"\d+(?:\.\d+)*", printed)
            have = tuple(int(number) for number in found[0].split(".")) if found and done.returncode == 0 else ()
            if done.returncode != 0 and printed.strip():
                problem = f"{need.command} does not do: {printed.strip().splitlines()[0][:160]}"
            elif have < need.oldest:
                wanted = ".".join(map(str, need.oldest))
                problem = f"{need.command} {wanted} or newer is needed, not {found[0] if have and found else '?'}"
        if problem:
            missing.append((need, f"{problem} (in Debian: {need.debian})" if need.debian else problem))
    return missing


def cut_short(language: Language, level: Level) -> Language:
    """The language without the steps from `level` on, and no more expected of it than what is left."""
    steps = {step: argvs for step, argvs in language.steps.items() if step < level}
    needs = tuple(need for need in language.needs if need.level < level)
    return replace(language, steps=steps, needs=needs, expected=min(language.expected, max(steps)))


# --- Building -------------------------------------------------------------------------------------


@dataclass
class Result:
    """How far a language got."""

    language: Language
    level: Level = Level.NOTHING
    problem: str = ""
    """Why it got no further; empty if nothing went wrong."""
    union: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cached: bool = False
    lines: list[scenario.Line] = field(default_factory=list)
    found: list[scenario.Loss] = field(default_factory=list)


class Failure(Exception):
    """A step did not do what it should; the message says why."""


_started: set[subprocess.Popen[str]] = set()
"""Commands in progress: they are in sessions of their own, so that Ctrl-C does not reach them."""


def end_all() -> None:
    """Ends every command in progress, with whatever it has started."""
    for process in tuple(_started):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def command(
    argv: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path, limit: float = STEP_LIMIT
) -> str:
    """Runs a command and returns what it printed; everything is added to the log.

    Raises:
        Failure: It failed, could not be started, or took longer than `limit` seconds.
    """
    with log.open("a", encoding="utf-8") as errors:
        print("$", *argv, file=errors, flush=True)
        start = errors.tell()
        try:
            process = subprocess.Popen(
                argv,
                cwd=cwd,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that compilers started by a build tool end with it
            )
        except OSError as error:
            raise Failure(f"{argv[0]} could not be started: {error.strerror}") from error
        _started.add(process)
        try:
            out, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Failure(f"{argv[0]} took longer than {limit:.0f} s") from error
        finally:
            _started.discard(process)
        errors.write(out)
    if process.returncode != 0:
        said = log.read_bytes()[start:].decode("utf-8", "replace").splitlines()
        if len(said) > 40:  # the cause is at the beginning or at the end
            said = [*said[:15], "…", *said[-25:]]
        said = [line if len(line) <= 500 else f"{line[:500]}…" for line in said]
        raise Failure(
            f"{argv[0]} ended with exit code {process.returncode}:\n" + textwrap.indent("\n".join(said), "    ")
        )
    return out


def _fingerprint(language: Language, spec: Path) -> str:
    """Of everything that decides what is built: the contract, the program, the steps, the locks, the tools."""
    total = hashlib.sha256()
    files = [
        spec,
        GENERATOR_LOCK,
        *(p for p in language.folder.rglob("*") if p.is_file() and p.name != "language.toml"),
        *LANGUAGES.glob("*.py"),  # what several languages share
    ]
    for file in sorted(files):
        total.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
    builds = {step: argvs for step, argvs in language.steps.items() if step != Level.RAN}
    total.update(repr((builds, sorted(language.environment.items()), language.python)).encode())
    for need in language.needs:
        path = shutil.which(need.command) or ""
        asked = need.ask and subprocess.run([path, *need.ask], capture_output=True, check=False).stdout
        total.update(f"{path} {asked!r}\0".encode())
    return total.hexdigest()


class Builder:
    """Builds languages and runs their programs, one program at a time, against one sandbox."""

    def __init__(self, sandbox: Sandbox, *, spec: Path, builds: Path, bodies: Sequence[scenario.Body]) -> None:
        self.sandbox, self.spec, self.builds, self.bodies = sandbox, spec, builds, bodies
        self._running = threading.Lock()
        self._installing = threading.Lock()

    def values(self, language: Language) -> dict[str, str]:
        """What the placeholders stand for; installs the generator, or the language's Python tools, if they are used."""
        folder = self.builds / language.key
        values = {
            "spec": str(self.spec),
            "here": str(language.folder),
            "build": str(folder / "build"),
            "cache": str(folder / "cache"),
            "python": sys.executable,
            "generator": "",
        }
        with self._installing:
            if language.uses("generator"):
                place = tools.peer_environment(GENERATOR_LOCK)
                (jar,) = place.glob("lib/python*/site-packages/openapi_generator_cli/openapi-generator.jar")
                values["generator"] = str(jar)
        return values

    def build_and_run(self, language: Language, *, fresh: bool = False) -> Result:
        """As far as it goes. Never raises because of what a language does."""
        result, started = Result(language), time.monotonic()
        folder = self.builds / language.key
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with tools.alone(folder):
                values = self.values(language)
                environment = {name: fill(text, values) for name, text in language.environment.items()}
                self._build(result, values, environment, fresh=fresh)
                result.union = self._union(language, values)
                if Level.RAN in language.steps and not result.problem:
                    self._run(result, values, environment)
        except (Failure, subprocess.CalledProcessError) as error:
            result.problem = str(error)
        result.seconds = time.monotonic() - started
        return result

    def _build(self, result: Result, values: Mapping[str, str], environment: Mapping[str, str], *, fresh: bool) -> None:
        language, folder = result.language, self.builds / result.language.key
        build, cache, stamp, log = folder / "build", folder / "cache", folder / "built", folder / "log.txt"
        wanted = _fingerprint(language, self.spec)
        last = max((level for level in language.steps if level != Level.RAN), default=Level.NOTHING)
        if not fresh and build.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted:
            result.level, result.cached = last, True
            return
        print(f"Building {language.name} …", file=sys.stderr, flush=True)
        stamp.unlink(missing_ok=True)
        log.unlink(missing_ok=True)
        for stale in (build, cache) if fresh else (build,):
            shutil.rmtree(stale, ignore_errors=True)
        build.mkdir()
        cache.mkdir(exist_ok=True)
        for level in sorted(language.steps.keys() - {Level.RAN}):
            try:
                for argv in language.steps[level]:
                    command([fill(word, values) for word in argv], cwd=build, environment=environment, log=log)
            except Failure as failure:
                result.problem = f"{STEPS[level]}: {failure}"
                return
            result.level = level
        stamp.write_text(wanted, "utf-8")

    def _union(self, language: Language, values: Mapping[str, str]) -> str:
        """How the generated code spells the persona union, read from it."""
        name, pattern = language.union
        file = Path(fill(name, values))
        matches = list(pattern.finditer(file.read_text("utf-8"))) if file.exists() else []
        if not matches:
            raise Failure(f"the persona union is not in {file.name}, or does not look as language.toml says")
        parts = [part for match in matches for part in (match.groups() or (match[0],)) if part]
        return re.sub(r"\s+", " ", "; ".join(parts)).strip()

    def _run(self, result: Result, values: Mapping[str, str], environment: Mapping[str, str]) -> None:
        language, folder = result.language, self.builds / result.language.key
        vectors = folder / "bodies.jsonl"
        vectors.write_text("".join(json.dumps(body._asdict()) + "\n" for body in self.bodies), "utf-8")
        (*first, last) = ([fill(word, values) for word in argv] for argv in language.steps[Level.RAN])
        cwd, log = folder / "build", folder / "log.txt"
        with self._running:
            scenario.prepare(self.sandbox)
            said = {
                **environment,
                "ANAM_API_URL": self.sandbox.base_url,
                "ANAM_API_KEY": self.sandbox.api_key,
                "ANAM_VECTORS": str(vectors),
                "NO_PROXY": "127.0.0.1",  # the sandbox, whatever the user's settings say
                "no_proxy": "127.0.0.1",
            }
            try:
                for argv in first:
                    command(argv, cwd=cwd, environment=said, log=log)
                out = command(last, cwd=cwd, environment=said, log=log, limit=RUN_LIMIT)
                result.lines = scenario.read_lines(out)
            except (Failure, ValueError) as failure:
                result.problem = f"run: {failure}"
                return
            problems = scenario.check_steps(result.lines, self.sandbox, language.losses)
            scenario.prepare_to_lose(self.sandbox)
            # How it takes it is the program's affair, an ugly end included.
            with contextlib.suppress(Failure):
                command(last, cwd=cwd, environment=said, log=log, limit=RUN_LIMIT)
            problems += scenario.check_lost(self.sandbox)
        result.found, wrong = scenario.losses_found(result.lines, self.bodies)
        why, listed = scenario.reasons(result.lines), []
        for loss in language.losses:
            try:
                listed.append(scenario.spelt_out(loss, self.bodies))
            except ValueError as error:
                problems.append(str(error))
        problems += [*wrong, *scenario.check_losses(result.found, listed, why)]
        if problems:
            result.problem = "run:\n" + textwrap.indent("\n".join(problems), "    ")
            return
        lossy = {name for loss in result.found for name in loss.bodies}
        result.notes.append(f"{len(self.bodies) - len(lossy)} of {len(self.bodies)} bodies as they were")
        result.level = Level.RAN


def regressions(result: Result) -> list[str]:
    """Why this result is not what the language's file expects; empty if it is."""
    said, expected = result.level.name.lower(), result.language.expected
    if result.level > expected:
        return [f"it {said}, more than language.toml expects ({expected.name.lower()}): raise `expected`"]
    if result.level < expected:
        return [f"{expected.name.lower()} is expected; it got to: {said}. {result.problem}"]
    return [] if result.union else [result.problem]


# --- Telling --------------------------------------------------------------------------------------


def _row(result: Result) -> list[str]:
    steps, level = result.language.steps, result.level

    def cell(*levels: Level) -> str:
        tried = [one for one in levels if one in steps]
        if not tried:
            return "-"
        best = max((one for one in tried if one <= level), default=None)
        return "no" if best is None else "yes" if best == levels[0] else best.name.lower()

    ran = cell(Level.RAN)
    return [
        result.language.name,
        result.language.generator,
        cell(Level.GENERATED),
        cell(Level.COMPILED, Level.CHECKED),
        f"{ran}: {', '.join(result.notes)}" if result.notes else ran,
        f"{result.seconds:.0f} s{', as built before' if result.cached else ''}",
        result.union,
    ]


def table(results: Sequence[Result]) -> str:
    """A row a language; the persona union, which can be long, on a line below."""
    rows = [["language", "generator", "generated", "compiled", "ran", "took"], *(_row(result) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = []
    for row in rows:
        lines.append("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=False)).rstrip())
        if len(row) > 6 and row[6]:
            lines.append(textwrap.fill(f"persona: {row[6]}", 116, initial_indent="    ", subsequent_indent="      "))
    return "\n".join(lines)


def as_toml(found: Sequence[scenario.Loss], bodies: Sequence[scenario.Body]) -> str:
    """The losses as language.toml lists them."""
    tables = []
    for loss in (scenario.abbreviated(loss, bodies) for loss in found):
        where = f"every = {json.dumps(list(loss.every))}" if loss.every else f"bodies = {json.dumps(list(loss.bodies))}"
        tables.append(f"[[loss]]\nwhat = {json.dumps(loss.what)}\n{where}\n")
    return "\n".join(tables)


def main(args: Sequence[str], *, languages: Path = LANGUAGES, builds: Path = BUILDS, vectors: Path = VECTORS) -> int:
    parser = argparse.ArgumentParser(prog="languages.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help="folders of interop/languages; all by default")
    parser.add_argument("--fresh", action="store_true", help="build anew, whatever is there")
    parser.add_argument("--losses", action="store_true", help="print the losses found, as language.toml lists them")
    parser.add_argument(
        "--spec", type=Path, default=openapi_path(), help="another contract, to see what would become of it"
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many to build at a time (default: 2)")
    options = parser.parse_args(args)

    if not options.spec.is_file():
        print(f"error: there is no {options.spec}.", file=sys.stderr)
        return 2
    known = sorted(file.parent.name for file in languages.glob("*/language.toml"))
    required = [name for name in os.environ.get("REQUIRE_LANGUAGES", "").split(",") if name]
    for name in (*options.languages, *required):
        if name not in known:
            print(f"error: there is no language {name}; there are {', '.join(known)}.", file=sys.stderr)
            return 2
    try:
        chosen = [read(languages / name) for name in options.languages or known]
    except LanguageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2

    failed, ready = False, []
    for language in chosen:
        missing = what_is_missing(language)
        why = "; ".join(problem for _, problem in missing)
        reach = min((need.level for need, _ in missing), default=None)
        if reach is None:
            ready.append(language)
        elif language.key in required:
            print(f"error: {language.name} cannot be built: {why}.", file=sys.stderr)
            failed = True
        elif reach == Level.GENERATED:
            print(f"SKIPPED: {language.name} was not built: {why}.")
        else:
            left_out = " and ".join(STEPS[level] for level in sorted(language.steps) if level >= reach)
            print(f"SKIPPED: {left_out} of {language.name}: {why}.")
            ready.append(cut_short(language, reach))
    if not ready:
        return int(failed)

    bodies = scenario.read_bodies(vectors)
    if not bodies:
        print(f"error: there are no vectors in {vectors.name}/.", file=sys.stderr)
        return 2
    with Sandbox() as sandbox, ThreadPoolExecutor(max_workers=options.jobs) as pool:
        builder = Builder(sandbox, spec=options.spec.resolve(), builds=builds, bodies=bodies)
        try:
            results = list(pool.map(lambda language: builder.build_and_run(language, fresh=options.fresh), ready))
        except BaseException:  # Ctrl-C, for one: the pool would wait for what was started
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise
    print(table(results))
    for result in results:
        for problem in regressions(result):
            failed = True
            print(f"FAILED: {result.language.name}: {problem}")
        if options.losses and result.found:
            print(f"\n# {result.language.name}\n{as_toml(result.found, bodies)}")
    return int(failed)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
