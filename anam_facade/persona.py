"""The ergonomics of a persona: a saved one, one from a file, an old name, and what contradicts itself."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from anam_api import models
from anam_api.support import AnamConfigError, Findings, Problem, shown

if TYPE_CHECKING:
    from yaml import Node, SafeLoader

CUSTOMER_CLIENT_V1 = "CUSTOMER_CLIENT_V1"
"""The `llm_id` that switches Anam's own language model off, because the caller brings the words."""

MAX_FILE_BYTES = 1024 * 1024

MAX_NUMBER_LENGTH = 100
"""Characters of a number in YAML: the time to read one grows with their square."""


class PersonaConfig(models.PersonaConfig):  # noqa: D101 - the generated one's
    __doc__ = models.PersonaConfig.__doc__
    __slots__ = ()

    @classmethod
    def saved(cls, persona_id: str | UUID, *, enable_audio_passthrough: bool | None = None) -> Self:
        """A persona saved in Anam's web app.

        Args:
            persona_id: Its UUID. Not an avatar's.
            enable_audio_passthrough: The caller brings its own audio.

        Raises:
            AnamConfigError: The id is not a string, or empty.
        """
        if not persona_id:
            raise AnamConfigError(Problem("persona_id", shown(persona_id), "must be the UUID of a saved persona"))
        return cls(persona_id=persona_id, enable_audio_passthrough=enable_audio_passthrough)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Reads a persona from a JSON or YAML file in the wire's form (camelCase), to be shared with other languages.

        Args:
            path: A `.json`, `.yaml` or `.yml` file of at most 1 MiB. Fields that are newer than this package may stand
                under the key `extra`. YAML's aliases and merge keys are refused: a few lines of them can grow beyond
                any memory.

        Raises:
            AnamConfigError: The file cannot be read or parsed, or its content is not valid. Every problem names the
                file and, in YAML, the line.
        """
        file = _File(Path(path))
        found = Findings()
        made = cls.__new__(cls)
        if file.data is None:
            file.refuse("is empty; it must hold a mapping of the persona's fields")
        elif not isinstance(file.data, Mapping):
            file.refuse(f"must hold a mapping of the persona's fields, not a {type(file.data).__name__}")
        else:
            made = cls._parse(file.data, "", found)
        found.problems = file.problems + [file.located(problem) for problem in found.problems]
        del file  # which holds what may be a credential
        found.settle()
        return made

    def _check(self, given: Mapping[str, Any], spell: Mapping[str, str], found: Findings) -> None:
        if self.brain_type is not None:
            if self.llm_id not in (None, self.brain_type):
                found.refuse(spell["brain_type"], f"is the old name of {spell['llm_id']} and contradicts it")
            found.warn("brain_type is deprecated; use llm_id", DeprecationWarning)
            object.__setattr__(self, "llm_id", self.brain_type)
            object.__setattr__(self, "brain_type", None)
        if self.avatar_model == "cara-3" and self.director_notes is not None:
            found.warn("director_notes have no effect with avatar_model='cara-3'; Anam drops them silently")


class _File:
    """What a file holds, and where in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.lines: dict[str, int] = {}
        self.words: dict[str, str] = {}
        """Path of a value that YAML did not take for a string → the word that stands there."""
        self.data: Any = {}
        try:
            if path.suffix.lower() not in (".json", ".yaml", ".yml"):
                raise ValueError("must end in .json, .yaml or .yml")
            with path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
            if len(raw) > MAX_FILE_BYTES:
                raise ValueError(f"must be at most {MAX_FILE_BYTES:,} bytes")
            text = raw.decode("utf-8-sig")
            if path.suffix.lower() != ".json":
                self.data = self.yaml(text)
            elif text.strip():
                self.data = json.loads(text, object_pairs_hook=self.unique)
            else:
                self.data = None
        except OSError as error:
            self.refuse(f"cannot be read: {error.strerror or error}")
        except UnicodeDecodeError as error:
            self.refuse(f"must be UTF-8: {error.reason} at byte {error.start}")
        except RecursionError:
            self.refuse("nests too deeply")
        except OverflowError:  # PyYAML's, for a character that there is none of
            self.refuse("cannot be parsed: not valid YAML")
        except ValueError as error:
            self.refuse(str(error) if str(error).startswith("must") else f"cannot be parsed: {error}")

    def refuse(self, rule: str, line: int | None = None) -> None:
        self.problems.append(Problem(self.place(line), "", rule))

    def place(self, line: int | None) -> str:
        name = str(self.path) if str(self.path).isprintable() else shown(str(self.path))
        return name if line is None else f"{name}, line {line}"

    def located(self, problem: Problem) -> Problem:
        """The same problem, with its line, and what YAML made of a word."""
        parents = [problem.field]
        while parents[-1]:
            parents.append(max(parents[-1].rpartition(".")[0], parents[-1].rpartition("[")[0], key=len))
        line = next((self.lines[name] for name in parents if name in self.lines), None)
        word, rule = self.words.get(problem.field), problem.rule
        if word is not None and "must be a" in rule:
            rule += f'; YAML does not take {word} for a string: write "{word}"'
        return Problem(f"{self.place(line)}: {problem.field}", problem.value, rule)

    def unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object of a JSON file."""
        for name in dict.fromkeys(name for name, _ in pairs if [n for n, _ in pairs].count(name) > 1):
            self.refuse(f"the key {shown(name)} stands twice")
        return dict(pairs)

    def yaml(self, text: str) -> Any:
        import yaml  # here, because most programs never need it
        from yaml.composer import ComposerError

        class Loader(yaml.SafeLoader):  # builds plain values only
            def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
                if self.check_event(yaml.AliasEvent):  # a few lines of them can stand for billions of values
                    mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
                    raise ComposerError(problem="aliases (*) are not supported", problem_mark=mark)
                return super().compose_node(parent, index)

        try:
            loader = Loader(text)
            node = loader.get_single_node()
            return None if node is None else self.value(loader, node, "")
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
            raise ValueError(f"{getattr(error, 'problem', None) or 'not valid YAML'}{where}") from None

    def value(self, loader: SafeLoader, node: Node, at: str) -> Any:
        """The value of a node of a YAML file. Notes lines, and words that are no strings to YAML."""
        line, tag = node.start_mark.line + 1, node.tag.removeprefix("tag:yaml.org,2002:")
        self.lines.setdefault(at, line)
        if tag == "map":
            made: dict[str, Any] = {}
            for key, inner in node.value:
                line = key.start_mark.line + 1
                path = f"{at}.{shown(key.value)}" if at else shown(key.value)
                if key.tag != "tag:yaml.org,2002:str":
                    self.refuse(
                        "merge keys (<<) are not supported"
                        if key.value == "<<"
                        else "a key must be a string; YAML takes this one for something else: quote it",
                        line,
                    )
                elif key.value in made:
                    self.refuse(f"the key {path} stands twice; first in line {self.lines[path]}", line)
                else:
                    self.lines[path] = line
                    made[key.value] = self.value(loader, inner, path)
            return made
        if tag == "seq":
            return [self.value(loader, inner, f"{at}[{i}]") for i, inner in enumerate(node.value)]
        if tag in ("int", "float") and len(node.value) > MAX_NUMBER_LENGTH:
            self.refuse(f"{at} is too long a number", line)
            return node.value
        try:
            value = loader.construct_object(node)
        except (LookupError, TypeError, AttributeError, ArithmeticError, ValueError):
            self.refuse(f"{at} cannot be read as YAML's type {tag}; quote it", line)
            return node.value
        if not isinstance(value, str) and getattr(node, "style", None) is None:
            self.words[at] = node.value
        return value
