"""Compare openapi.yaml with the contract that was released last, contract/released.yaml: `breaking.py`.

A change that breaks a client, or the code generated for one, needs a new major version; one that only adds needs a
minor one; a change of descriptions or examples, a patch. Each needs an entry in contract/CHANGELOG.md that names what
it touches. What breaks is oasdiff's to say (built from tools/oasdiff with Go); what it does not look at is covered by
`unseen`; a change of a keyword that neither knows counts as breaking.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from enum import IntEnum
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from spec import Contract, Document, load
from vectors import Validated, read

import tools

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHANGELOG = tools.ROOT / "contract" / "CHANGELOG.md"
RELEASED = tools.ROOT / "contract" / "released.yaml"

Steps = tuple[str, ...]
Difference = tuple[Steps, Any, Any]  # where two documents differ, and what is there in each; None for nothing


class Level(IntEnum):
    """How much a change asks of those who use the contract: the part of the version that it raises."""

    NOTHING = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


# What oasdiff only mentions, and counts as breaking here: generated code is built on names; a documented answer that is
# gone may be waited for; a default that changes, changes what programs do that leave it out. (`--severity-levels` would
# be oasdiff's own way to say so; it does not reach its rules for components.)
RAISED = re.compile(
    r"api-operation-id-removed|api-tag-removed|api-schema-removed|api-(path-)?removed-with-deprecation"
    r"|api-security-component-(removed|type-changed)|request-parameter-removed-with-deprecation"
    r"|optional-response-header-removed|response-(non-success-status|optional-property)-removed"
    r"|(request|response)-(body|property|parameter)-default-value-(changed|removed)"
    r"|request-(optional|required)-property-became-read-only"
    r"|response-(optional|required)-property-became-write-only|response-media-type-name-specialized"
)


def oasdiff(old: Document, new: Document) -> list[str]:
    """What oasdiff calls breaking, each as "rule: text"; ends the program when it cannot read a document."""
    with tempfile.TemporaryDirectory(prefix="oasdiff-") as folder:
        for name, document in (("old.json", old), ("new.json", new)):
            (Path(folder) / name).write_text(json.dumps(document), "utf-8")
        command = [str(tools.OASDIFF), "changelog", "old.json", "new.json", "--format", "json"]
        # In a folder of its own: it would read a configuration file of the folder that it is run in.
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"error: oasdiff cannot compare (exit {done.returncode}): {done.stderr.strip()}")
    entries = json.loads(done.stdout or "[]")
    # 1 is what it takes to be harmless; above are warnings and errors.
    found = [entry for entry in entries if entry["level"] > 1 or RAISED.fullmatch(entry["id"])]
    return [f"{entry['id']}: {entry.get('operation', '')} {entry.get('path', '')} {entry['text']}" for entry in found]


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Under these, keys are names that somebody gave: what is called "description" there is a property.
NAMES = words("paths schemas responses parameters headers examples requestBodies securitySchemes content properties")
NAMES |= words("patternProperties dependentRequired dependentSchemas $defs")
PROSE = words("description summary title example examples externalDocs contact $comment x-source")
# Whose loss leaves a value that may be anything, with another type in generated code.
TYPES = words("type format $ref items schema oneOf anyOf")
# Rules for what is sent, which oasdiff does not read.
RULES = words("not additionalProperties unevaluatedProperties oneOf anyOf required x-maxBytes x-uniqueBy")
WHOLE = words("enum const default example required type security x-extensible-enum x-knownVideoSizes")  # values
KNOWN = NAMES | TYPES | RULES | WHOLE | words("components openapi info version license tags name in operationId get")
KNOWN |= words("post put delete patch requestBody deprecated allOf pattern servers url scheme bearerFormat readOnly")
KNOWN |= words("minLength maxLength minItems maxItems uniqueItems multipleOf minimum maximum exclusiveMinimum")
KNOWN |= words("exclusiveMaximum minProperties maxProperties writeOnly")


def keywords(path: Steps) -> list[str]:
    """The steps of a path that are OpenAPI's, neither names nor places in a list."""
    found, is_name = [], False
    for step in path:
        if not is_name and not step.startswith("#"):
            found.append(step)
        is_name = step in NAMES and not is_name
    return found


def differences(old: Any, new: Any, path: Steps = ()) -> Iterator[Difference]:
    """Every place where two documents differ; the order of keys makes no difference."""
    is_value = path and path[-1] in WHOLE and keywords(path)[-1] == path[-1]
    if isinstance(old, dict) and isinstance(new, dict) and not is_value:
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key), new.get(key), (*path, str(key)))
    elif isinstance(old, list) and isinstance(new, list) and not is_value:
        for index, (before, after) in enumerate(zip_longest(old, new)):
            yield from differences(before, after, (*path, f"#{index}"))
    elif json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True):  # for Python, 1 equals True
        yield path, old, new


def structure(old: Document, new: Document) -> list[Difference]:
    """The differences that are more than descriptions and examples, the version apart."""
    found = [d for d in differences(old, new) if d[0] != ("info", "version")]
    return [d for d in found if not PROSE & set(keywords(d[0]))]


def references(node: Any) -> list[str]:
    """The names of all that a part of a document refers to."""
    return re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(node))


def schemas_sent(document: Document) -> set[str]:
    """Names of the schemas that a client's requests are held to."""
    contract = Contract(document)
    waiting = references([operation["requestBody"] for operation in contract.operations.values()])
    seen: set[str] = set()
    while waiting:
        if (name := waiting.pop()) not in seen:
            seen.add(name)
            waiting += references(contract.schemas[name])
    return seen


def unseen(old: Document, new: Document) -> list[str]:
    """What breaks a client although oasdiff says nothing, each as "ours: keyword: place"."""
    sent, found = schemas_sent(old) | schemas_sent(new), []
    for path, before, after in structure(old, new):
        steps = keywords(path)
        last = steps[-1]
        if (
            not KNOWN.issuperset(steps)
            or ("securitySchemes" in steps and last in ("scheme", "in", "name"))
            or (path[-2:] == ("responses", "default") and after is None)
            or (path[-1] in TYPES and last == path[-1] and after is None and "securitySchemes" not in steps)
            or ("headers" in steps and last in ("type", "$ref") and before is not None)
            or ("parameters" in steps and "schema" in steps and last in RULES and after is not None)
            or (path[:2] == ("components", "schemas") and path[2] in sent and is_narrower(steps, path, before, after))
        ):
            found.append(f"ours: {last}: {'/'.join(path)}: {before!r} became {after!r}")
    gone = {server["url"] for server in old["servers"]} - {server["url"] for server in new["servers"]}
    return found + [f"ours: servers: {url} is gone" for url in gone] + list(refused_requests(old, new))


def is_narrower(steps: Sequence[str], path: Steps, before: Any, after: Any) -> bool:
    """Whether a rule for what is sent asks for more."""
    for rule in ("not", "additionalProperties", "unevaluatedProperties"):
        if rule in steps:  # only the whole rule can be taken away: inside of a `not`, less says more
            return not (path[-1] == rule and (after in (None, True, {}) or (before is False and rule != "not")))
    match path[-1]:
        case "oneOf" | "anyOf":
            return before is None
        case "required":
            return not set(after or ()) <= set(before or ())
        case "x-maxBytes" | "x-uniqueBy":
            return after is not None and (before is None or isinstance(after, str) or after < before)
        case "x-knownVideoSizes":
            return any(not set(sizes) <= set((after or {}).get(model, ())) for model, sizes in (before or {}).items())
    return False


def refused_requests(old: Document, new: Document) -> Iterator[str]:
    """Requests of the shared vectors that are valid no more, if only because they fit two schemas of a `oneOf` now."""
    before, after = Validated(old), Validated(new)
    for vector in read().values():
        there = vector["operation"] in after.operations
        if there and not any(before.wrong(vector, "request")) and any(after.wrong(vector, "request")):
            yield f"ours: request: that of the vector {vector['name']} is no longer valid"


def assess(old: Document, new: Document, *, with_oasdiff: bool) -> tuple[Level, list[str]]:
    """How much a change asks, and what is breaking about it."""
    if not structure(old, new):
        is_prose = any(path != ("info", "version") for path, _, _ in differences(old, new))
        return (Level.PATCH if is_prose else Level.NOTHING), []
    found = unseen(old, new) + (oasdiff(old, new) if with_oasdiff else [])
    return (Level.MAJOR if found else Level.MINOR), found


def touched(old: Document, new: Document) -> set[str]:
    """Names of the operations and components that changed, by more than descriptions and examples."""
    places = (path for path, _, _ in structure(old, new) if path[0] != "paths")
    names = {path[2] if path[0] == "components" else path[0] for path in places}
    before, after = Contract(old).operations, Contract(new).operations
    changed = {name for name in {*before, *after} if structure({"": before.get(name)}, {"": after.get(name)})}
    return names | changed


def problems(old: Document, new: Document, level: Level, changelog: str) -> Iterator[str]:
    """What is wrong about the version and the changelog of a change."""
    before, after = (str(document["info"]["version"]) for document in (old, new))
    major, minor, patch = map(int, before.split("."))
    raised = [f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"]
    if after not in (allowed := raised[level - 1 :] if level else [before]):
        yield f"info.version: a {level.name.lower()} change of {before} makes it {' or '.join(allowed)}, not {after}"
    sections = dict(re.findall(r"^## +(\S+) *\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL))
    if next(iter(sections), None) != after:
        yield f"contract/CHANGELOG.md: has no section on top for {after}, the version of openapi.yaml"
    elif before not in sections:
        yield f"contract/CHANGELOG.md: the section for {before}, which was released, is gone"
    elif level:
        named = words(" ".join(re.findall(r"[\w-]+", " ".join(re.findall(r"`([^`\n]+)`", sections[after])))))
        if missing := sorted(touched(old, new) - named):
            yield f"contract/CHANGELOG.md: the section for {after} does not name `{'`, `'.join(missing)}`"


def main() -> int:
    new, old = load(), yaml.safe_load(RELEASED.read_text("utf-8"))
    level, findings = assess(old, new, with_oasdiff=tools.has_go(tools.OASDIFF))
    mistakes = list(problems(old, new, level, CHANGELOG.read_text("utf-8")))
    print(f"openapi.yaml {new['info']['version']} against the released {old['info']['version']}: {level.name.lower()}")
    print("\n".join([*(f"  breaking [{finding}]" for finding in findings), *(f"error: {m}" for m in mistakes)]))
    return int(bool(mistakes))


if __name__ == "__main__":
    sys.exit(main())
