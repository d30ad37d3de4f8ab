"""Compare openapi.yaml with the contract that was released last: `breaking.py`.

A change that breaks a client, or the code generated for one, needs a new major version; one that only adds needs a
minor one; new words, a patch. Each needs an entry in contract/CHANGELOG.md, and a version that rises without a change
is a mistake too.

What breaks is oasdiff's to say. What it does not look at is covered by the rules below, named `ours: …`; and a change
of something that neither of them knows counts as breaking until a rule is written for it.

Released last is what the newest tag `v*` has, or, where there is none (a shallow clone, an unpacked sdist),
contract/released.yaml, which a release rewrites with `breaking.py --release`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import oasdiff
import yaml
from json_patch import Patch, PatchError, patched
from oasdiff import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Compare = Callable[[dict[str, Any], dict[str, Any]], list[Finding]]

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "openapi.yaml"
RELEASED = ROOT / "contract" / "released.yaml"
CHANGELOG = ROOT / "contract" / "CHANGELOG.md"
FIXTURES = ROOT / "contract" / "fixtures.yaml"

Document = dict[str, Any]
Version = tuple[int, int, int]
Path_ = tuple[str | int, ...]


class Level(IntEnum):
    """How much a change asks of those who use the contract."""

    NOTHING = 0
    PROSE = 1
    HARMLESS = 2
    BREAKING = 3


# --- What differs ---------------------------------------------------------------------------------


class Absent:
    """Stands for a value that is not there; `None` could be one."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()


@dataclass(frozen=True)
class Difference:
    """A place where two documents differ.

    Attributes:
        path: The steps that lead there.
        keywords: Those of the steps that are OpenAPI's words, not names that somebody gave to things.
        old, new: What is there; `ABSENT` for nothing.
    """

    path: Path_
    keywords: tuple[str, ...]
    old: Any
    new: Any

    @property
    def keyword(self) -> str:
        return self.keywords[-1]

    def __str__(self) -> str:
        return f"{'/'.join(map(str, self.path))}: {self.old!r} became {self.new!r}"


# Under these, keys are names: what is called "description" there is a property.
NAMES = {
    "paths",
    "components",
    "schemas",
    "responses",
    "parameters",
    "headers",
    "examples",
    "requestBodies",
    "securitySchemes",
    "content",
    "properties",
    "patternProperties",
    "dependentRequired",
    "dependentSchemas",
    "$defs",
}
# Values, compared as they are.
WHOLE = {"enum", "const", "default", "example", "examples", "required", "type", "security", "x-extensible-enum"}
PROSE = {"description", "summary", "title", "example", "examples", "externalDocs", "contact", "$comment"}
# What oasdiff or a rule of ours has an opinion about; adding to it is adding a fixture.
JUDGED = {
    *NAMES,
    *WHOLE,
    *("get", "put", "post", "delete", "options", "head", "patch", "trace"),
    *("openapi", "tags", "name", "in", "operationId", "requestBody", "schema", "deprecated", "servers", "url"),
    *("$ref", "allOf", "anyOf", "oneOf", "not", "items", "additionalProperties", "unevaluatedProperties"),
    *("format", "pattern", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minProperties", "maxProperties"),
    *("readOnly", "writeOnly", "scheme", "bearerFormat", "x-maxBytes", "x-uniqueBy", "x-knownVideoSizes"),
}


# Without these a value may be anything, and generated code for it has another type.
TYPES = {"type", "format", "$ref", "items", "schema", "oneOf", "anyOf"}


def differences(old: Any, new: Any, path: Path_ = (), keywords: tuple[str, ...] = ()) -> Iterator[Difference]:
    """Every place where two documents differ; the order of keys makes no difference."""
    keyword = keywords[-1] if keywords else ""
    if isinstance(old, dict) and isinstance(new, dict) and not _is_value(keyword):
        # A step below a keyword that holds names is a name; then keywords come again.
        below_names = keyword in NAMES and path[-1] == keyword
        for key in dict.fromkeys([*old, *new]):
            # `components` holds kinds of things, which hold names: both a name there and a keyword.
            words = keywords if below_names and keyword != "components" else (*keywords, key)
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key), words)
    elif isinstance(old, list) and isinstance(new, list) and not _is_value(keyword):
        for index in range(max(len(old), len(new))):
            before, after = (items[index] if index < len(items) else ABSENT for items in (old, new))
            yield from differences(before, after, (*path, index), keywords)
    elif not _same(old, new):
        yield Difference(path, keywords, old, new)


def _is_value(keyword: str) -> bool:
    return keyword in WHOLE or keyword.startswith("x-")


def _same(old: Any, new: Any) -> bool:
    # For Python, 1 equals True.
    return bool(old == new) and isinstance(old, bool) == isinstance(new, bool)


def structure(found: Iterable[Difference]) -> list[Difference]:
    """The differences that are more than words."""
    return [difference for difference in found if not PROSE & set(difference.keywords)]


# --- Our rules, for what oasdiff does not look at -------------------------------------------------

RULES = {
    "server-removed": "an address that clients call is gone",
    "default-response-removed": "an answer of any other status is no longer described",
    "security-scheme-changed": "a credential travels in another way",
    "type-removed": "a value may be anything, and generated code for it has another type",
    "header-changed": "a header of a response has another type, or is another header",
    "parameter-tightened": "a new rule for a parameter, where oasdiff sees none",
    "object-closed": "an object that is sent takes fewer keys, or fewer values",
    "exclusion-added": "what is sent must not be something",
    "exclusion-changed": "what must not be sent is something else",
    "alternatives-new": "what is sent must also be one of some alternatives",
    "required-added": "a key must be sent",
    "max-bytes-lowered": "what is sent must be shorter",
    "unique-by-changed": "the items of a list that is sent must differ",
    "alternatives-overlap": "what was one of some alternatives may be two of them now, which none may be",
    "example-refused": "an example of the contract before is no longer valid",
    "known-value-removed": "a value that was known to work is not any more",
    "not-judged": "a change of something that no rule knows",
}


def ours(rule: str, what: object) -> Finding:
    """What a rule of ours says."""
    return Finding(f"ours: {rule}", f"{RULES[rule]}: {what}")


def schemas_of_requests(document: Document) -> set[str]:
    """Names of the schemas that a client's side is held to."""
    seen: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                visit(item)
        elif isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                name = reference.rpartition("/")[2]
                kind = reference.split("/")[-2]
                if name not in seen or kind != "schemas":
                    seen.update({name} if kind == "schemas" else ())
                    visit(document["components"].get(kind, {}).get(name))
            for value in node.values():
                visit(value)

    for _, _, operation in operations(document):
        visit(operation.get("requestBody"))
        visit(operation.get("parameters"))
    return seen


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Path, method and description of each operation."""
    for path, item in document.get("paths", {}).items():
        for method, operation in item.items():
            if isinstance(operation, dict) and "responses" in operation:
                yield path, method, operation


def our_findings(old: Document, new: Document) -> list[Finding]:
    """What our rules call breaking."""
    requests = schemas_of_requests(old) | schemas_of_requests(new)
    changed = structure(differences(old, new))
    found = [finding for difference in changed for finding in _judge(difference, requests)]
    apart = _Apart(old, new)
    found += [ours("alternatives-overlap", difference) for difference in changed if apart.is_lost(difference)]
    found += [ours("example-refused", why) for why in refused_examples(old, new)]
    gone = {s["url"] for s in old.get("servers", [])} - {s["url"] for s in new.get("servers", [])}
    found += [ours("server-removed", url) for url in sorted(gone)]
    return list(dict.fromkeys(found))


def _judge(difference: Difference, requests: set[str]) -> Iterator[Finding]:
    path, words, new = difference.path, difference.keywords, difference.new
    if words[0] == "info":
        if path != ("info", "version"):
            yield ours("not-judged", difference)
        return
    if words[:2] == ("components", "securitySchemes"):
        # The kinds of schemes that come and go are oasdiff's; so is `type`.
        if len(path) > 3 and difference.keyword not in ("type", "bearerFormat"):
            yield ours("security-scheme-changed", difference)
        return
    if words[-1] == "responses" and path[-1] == "default" and new is ABSENT:
        yield ours("default-response-removed", difference)
    if not set(words) <= JUDGED:
        yield ours("not-judged", difference)
    if new is ABSENT and (words[-1] in TYPES or _is_schema_of_values(difference)):
        yield ours("type-removed", difference)
    if "headers" in words and words[-1] in ("type", "$ref") and new is not ABSENT:
        yield ours("header-changed", difference)
    if "parameters" in words and "schema" in words and new is not ABSENT and words[-1] in UNSEEN_IN_PARAMETERS:
        yield ours("parameter-tightened", difference)
    if words[:2] == ("components", "schemas") and len(path) > 3 and path[2] in requests:
        yield from _judge_request(difference)


# In the schema of a parameter, oasdiff does not look at these.
UNSEEN_IN_PARAMETERS = {
    *("const", "allOf", "oneOf", "anyOf", "not", "uniqueItems", "additionalProperties", "unevaluatedProperties"),
    *("patternProperties", "dependentRequired", "dependentSchemas", "required", "readOnly", "x-maxBytes", "x-uniqueBy"),
}


def _is_schema_of_values(difference: Difference) -> bool:
    return difference.keyword == "additionalProperties" and isinstance(difference.old, dict)


def _judge_request(difference: Difference) -> Iterator[Finding]:
    """Tightened rules for what a client sends; answers may be held to more at any time."""
    words, old, new = difference.keywords, difference.old, difference.new
    rule = None
    if "not" in words:
        # Only the whole rule can be taken away: inside of it, less says more.
        whole = words.index("not") == len(words) - 1
        if whole and old is ABSENT:
            rule = "exclusion-added"
        elif not whole or new is not ABSENT:
            rule = "exclusion-changed"
    elif "additionalProperties" in words or "unevaluatedProperties" in words:
        # From false it can only open; nothing, true and {} are as open as can be.
        itself = difference.keyword in ("additionalProperties", "unevaluatedProperties")
        if old is not False and not (new is ABSENT or (itself and (new is True or new == {}))):
            rule = "object-closed"
    elif difference.keyword in ("oneOf", "anyOf") and old is ABSENT and isinstance(new, list):
        rule = "alternatives-new"
    elif difference.keyword == "required":
        if set(() if new is ABSENT else new) - set(() if old is ABSENT else old):
            rule = "required-added"
    elif difference.keyword == "x-maxBytes":
        if new is not ABSENT and (old is ABSENT or new < old):
            rule = "max-bytes-lowered"
    elif difference.keyword == "x-uniqueBy":
        rule = None if new is ABSENT else "unique-by-changed"
    elif difference.keyword == "x-knownVideoSizes" and not _covers(new, old):
        rule = "known-value-removed"
    if rule is not None:
        yield ours(rule, difference)


class _Apart:
    """What keeps the alternatives of each `oneOf` apart: keys they require and forbid, and the values that mark them.

    Asking for less is harmless elsewhere. Here it can make a body valid twice, and so invalid.
    """

    def __init__(self, *documents: Document) -> None:
        self.alternatives: set[str] = set()
        self.marks: set[str] = set()
        for document in documents:
            schemas = document.get("components", {}).get("schemas", {})
            for name in {_name(item) for schema in schemas.values() for item in schema.get("oneOf", ())}:
                alternative = schemas.get(name, {})
                properties = alternative.get("properties", {})
                self.alternatives.add(name)
                self.marks |= {_name(properties.get(key)) for key in alternative.get("required", ())}

    def is_lost(self, difference: Difference) -> bool:
        path, old, new = difference.path, difference.old, difference.new
        if path[:2] != ("components", "schemas") or len(path) < 4:
            return False
        if path[2] in self.marks and difference.keyword == "enum":
            return old is not ABSENT and (new is ABSENT or not set(new) <= set(old))
        if path[2] not in self.alternatives or len(path) != 4:
            return False
        match difference.keyword:
            case "required":
                return bool(set(() if old is ABSENT else old) - set(() if new is ABSENT else new))
            case "additionalProperties" | "unevaluatedProperties":
                return old is False
            case "not":
                return new is ABSENT
        return False


def _name(schema: Any) -> str:
    reference = schema.get("$ref", "") if isinstance(schema, dict) else ""
    return str(reference).rpartition("/")[2]


def refused_examples(old: Document, new: Document) -> Iterator[str]:
    """Bodies of requests that the old contract gives as examples, and the new one does not allow."""
    after = {operation.get("operationId"): operation for _, _, operation in operations(new)}
    for _, _, operation in operations(old):
        name = operation.get("operationId")
        for media, content in operation.get("requestBody", {}).get("content", {}).items():
            now = after.get(name, {}).get("requestBody", {}).get("content", {}).get(media, {}).get("schema")
            if now is None or "schema" not in content:
                continue  # gone as a whole, which is another rule's to say
            was, is_now = _validator(old, content["schema"]), _validator(new, now)
            for key, example in content.get("examples", {}).items():
                value = old["components"]["examples"].get(_name(example), example).get("value")
                if was and is_now and was.is_valid(value) and not is_now.is_valid(value):
                    yield f"{name}, {key}"


def _validator(document: Document, schema: Document) -> jsonschema_rs.Validator | None:
    try:
        whole = {**schema, "components": document["components"]}
        return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return None  # no schema at all: oasdiff cannot read it either, and says so


def _covers(new: Any, old: Any) -> bool:
    """Whether the new sizes have every old one."""
    before: Mapping[str, list[str]] = {} if old is ABSENT else old
    after: Mapping[str, list[str]] = {} if new is ABSENT else new
    return all(set(sizes) <= set(after.get(model, ())) for model, sizes in before.items())


# --- Versions and the changelog -------------------------------------------------------------------


def version_of(document: Document) -> str:
    return str(document.get("info", {}).get("version"))


def parsed(version: str) -> Version | None:
    numbers = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", version)
    return None if numbers is None else (int(numbers[1]), int(numbers[2]), int(numbers[3]))


def next_versions(version: Version) -> dict[Level, Version]:
    """The version that each level of change leads to."""
    major, minor, patch = version
    return {
        Level.PROSE: (major, minor, patch + 1),
        Level.HARMLESS: (major, minor + 1, 0),
        Level.BREAKING: (major + 1, 0, 0),
    }


def text_of(version: Version) -> str:
    return ".".join(map(str, version))


def version_problems(before: str, after: str, level: Level) -> Iterator[str]:
    old, new = parsed(before), parsed(after)
    if old is None or new is None:
        yield f"info.version: {before if old is None else after} is no version of the form 1.2.3"
        return
    allowed = [text_of(version) for at, version in next_versions(old).items() if at >= level > Level.NOTHING]
    if level is Level.NOTHING and old != new:
        yield f"info.version: {before} became {after}, but nothing else changed"
    elif level > Level.NOTHING and after not in allowed:
        yield f"info.version: {before} must become {' or '.join(allowed)}; it is {after}"


def sections(changelog: str) -> list[tuple[str, str]]:
    """Version and text of each section, in the order of the file."""
    parts = re.split(r"^## +(.*?) *$", changelog, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def changelog_problems(changelog: str, before: str, after: str, touched: set[str]) -> Iterator[str]:
    found = sections(changelog)
    versions = [parsed(version) for version, _ in found]
    if None in versions:
        yield "contract/CHANGELOG.md: each heading must be a version, such as `## 1.2.3`"
        return
    if versions != sorted({v for v in versions if v is not None}, reverse=True):
        yield "contract/CHANGELOG.md: each version must be there once, the newest first"
    if not found or found[0][0] != after:
        yield f"contract/CHANGELOG.md: has no section on top for {after}, the version of openapi.yaml"
        return
    if before not in dict(found):
        yield f"contract/CHANGELOG.md: the section for {before}, which was released, is gone"
    for version, text in found:
        if not re.search(r"^- \S", text, re.MULTILINE):
            yield f"contract/CHANGELOG.md: the section for {version} lists nothing"
    if before != after:
        # `DailyEgress.userName` names `DailyEgress` too.
        codes = re.findall(r"`([^`\n]+)`", found[0][1])
        named = {*codes, *(word for code in codes for word in re.findall(r"[\w-]+", code))}
        missing = sorted(touched - named)
        if missing:
            yield f"contract/CHANGELOG.md: the section for {after} does not name `{'`, `'.join(missing)}`"


def touched(old: Document, new: Document) -> set[str]:
    """Names of the operations and components that changed, by more than words."""
    names = set()
    for difference in structure(differences(old, new)):
        path = difference.path
        if path == ("info", "version"):
            continue
        if path[0] == "components" and len(path) > 2:
            names.add(str(path[2]))
        elif path[0] == "paths" and len(path) > 1:
            names |= {
                operation.get("operationId", f"{method} {at}")
                for document in (old, new)
                for at, method, operation in operations(document)
                if at == path[1] and (len(path) < 3 or method == path[2])
            }
        else:
            names.add(str(path[0]))
    return names


# --- The gate -------------------------------------------------------------------------------------


def assess(old: Document, new: Document, compare: Compare | None) -> tuple[Level, list[Finding]]:
    """How much a change asks, and what is breaking about it. Without `compare` (oasdiff), by our rules alone."""
    found = [difference for difference in differences(old, new) if difference.path != ("info", "version")]
    if not structure(found):
        return (Level.PROSE if found else Level.NOTHING), []
    findings = our_findings(old, new) + ([] if compare is None else compare(old, new))
    return (Level.BREAKING if findings else Level.HARMLESS), findings


def problems(old: Document, new: Document, level: Level, changelog: str) -> list[str]:
    """What is wrong about the version and the changelog of a change."""
    before, after = version_of(old), version_of(new)
    found = list(version_problems(before, after, level))
    return found + list(changelog_problems(changelog, before, after, touched(old, new)))


# --- What was released ----------------------------------------------------------------------------


def load(text: str) -> Document:
    document = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if not isinstance(document, dict):
        raise TypeError("an OpenAPI document must be a mapping")
    return document


def git(root: Path, *arguments: str) -> str | None:
    """What git says; None when it cannot."""
    try:
        command = ["git", "-C", str(root), *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def is_repository(root: Path) -> bool:
    """Whether this is a repository of our own: an unpacked sdist may lie inside somebody else's."""
    top = git(root, "rev-parse", "--show-toplevel")
    return top is not None and Path(top.strip()).resolve() == root.resolve()


def newest_tag(root: Path) -> str | None:
    """The newest tag `v*` that leads here."""
    tag = git(root, "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    return None if tag is None else tag.strip()


def rewritten(root: Path, kept: Document) -> list[str]:
    """What is wrong about how contract/released.yaml came to be what it is, as far as the history goes.

    Where there is no tag, this file is all there is, so it may not be used to make a change look like none: what a
    version was when it was released first, it stays, and each follows from the one before.
    """
    name = "contract/released.yaml"
    first = {version_of(kept): kept}
    for commit in (git(root, "log", "--format=%H", "--", name) or "").split():
        text = git(root, "show", f"{commit}:{name}")
        if text is not None:
            document = load(text)
            # The last that is met is the first that was.
            first[version_of(document)] = document
    version, *earlier = first
    problems = [] if first[version] == kept else [f"{version} was another contract when it was released"]
    if earlier:
        level, _ = assess(first[earlier[0]], kept, None)
        problems += version_problems(earlier[0], version, level)
    return [f"{name}: {problem}" for problem in problems]


def released(root: Path) -> tuple[Document, str, list[str]]:
    """The contract released last, where it was found, and what is wrong about that."""
    kept = load((root / "contract" / "released.yaml").read_text("utf-8"))
    if not is_repository(root):
        return kept, "contract/released.yaml", []
    tag = newest_tag(root)
    text = None if tag is None else git(root, "show", f"{tag}:openapi.yaml")
    if tag is None or text is None:
        return kept, "contract/released.yaml", rewritten(root, kept)
    tagged = load(text)
    current = load((root / "openapi.yaml").read_text("utf-8"))
    problems = []
    # It may run ahead of the tag only in the commit that is about to be tagged.
    if kept not in (tagged, current):
        problems.append(
            f"contract/released.yaml is neither the contract of {tag} nor today's: restore it,"
            " or write it anew with `make breaking ARGS=--release` when releasing"
        )
    return tagged, tag, problems


# --- Fixtures -------------------------------------------------------------------------------------

SAMPLE_SECTION = "## {version}\n\n- Changed: {names}.\n\n"


def fixtures(file: Path = FIXTURES) -> list[dict[str, Any]]:
    found = yaml.safe_load(file.read_text("utf-8"))
    assert isinstance(found, list)
    return found


def with_version(old: Document, new: Document, level: Level, changelog: str) -> tuple[Document, str]:
    """A document with the version and the changelog that would go with a change of this level."""
    version = parsed(version_of(old))
    assert version is not None
    after = text_of(next_versions(version)[level])
    names = ", ".join(f"`{name}`" for name in sorted(touched(old, new))) or "words"
    document = {**new, "info": {**new["info"], "version": after}}
    top, heading, rest = changelog.partition("\n## ")
    return document, top + "\n" + SAMPLE_SECTION.format(version=after, names=names) + heading.lstrip("\n") + rest


def play(fixture: Mapping[str, Any], document: Document, compare: Compare | None) -> list[str]:
    """What is wrong about how the gate takes a fixture; nothing if it does as it should."""
    patch: Patch = fixture["patch"]
    expected = Level[fixture["expect"].upper()]
    # Patches are written for the current contract, which may itself be a change that is under way.
    base = {**document, "info": {**document["info"], "version": "1.4.2"}}
    changelog = "# Changelog\n\n## 1.4.2\n\n- Something.\n"
    try:
        changed = patched(base, patch)
    except PatchError as error:
        return [f"does not apply: {error}"]
    level, findings = assess(base, changed, compare)
    wrong = []
    if level is not expected:
        wrong.append(f"was taken for {level.name.lower()}")
    rules = {finding.rule for finding in findings}
    if expected is Level.BREAKING and fixture["says"] not in rules:
        wrong.append(f"{fixture['says']} did not see it (but {', '.join(sorted(rules)) or 'nothing'})")
    # As it is, without a version: red, unless nothing changed.
    if bool(problems(base, changed, level, changelog)) != (expected is not Level.NOTHING):
        wrong.append("is judged wrongly without a version")
    for step, name in ((Level.PROSE, "patch"), (Level.HARMLESS, "minor"), (Level.BREAKING, "major")):
        versioned, entry = with_version(base, changed, step, changelog)
        green = not problems(base, versioned, level, entry)
        if green != (step >= expected > Level.NOTHING):
            wrong.append(f"a {name} version {'passes' if green else 'does not pass'}")
    return wrong


def play_all(compare: Compare) -> int:
    document = load(CONTRACT.read_text("utf-8"))
    every = fixtures()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        outcomes = list(pool.map(partial(play, document=document, compare=compare), every))
    width = max(len(fixture["name"]) for fixture in every)
    print(f"{'change':<{width}} | expected | said")
    for fixture, wrong in zip(every, outcomes, strict=True):
        said = f"WRONG: {'; '.join(wrong)}" if wrong else fixture.get("says", fixture["expect"])
        print(f"{fixture['name']:<{width}} | {fixture['expect']:<8} | {said}")
    counts = Counter(fixture["expect"] for fixture in every)
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    bad = sum(map(bool, outcomes))
    print(
        f"{len(every)} fixtures ({told}): {'all seen as they should be' if not bad else f'{bad} NOT as they should be'}"
    )
    return 1 if bad else 0


# --- The command ----------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="breaking.py", description="Compare openapi.yaml with the released contract.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--fixtures", action="store_true", help="prove that the gate sees what it is for")
    what.add_argument("--release", action="store_true", help="make today's contract the released one")
    chosen = parser.parse_args(arguments)
    if chosen.release:
        RELEASED.write_bytes(CONTRACT.read_bytes())
        print(f"contract/released.yaml is now openapi.yaml {version_of(load(CONTRACT.read_text('utf-8')))}")
        return 0
    compare: Compare | None = oasdiff.breaking
    missing = oasdiff.what_is_missing()
    if missing is not None:
        if os.environ.get("REQUIRE_GO") == "1":
            sys.exit(f"error: oasdiff cannot run: {missing}.")
        instead = "nothing stands in for it" if chosen.fixtures else "our own rules, version and changelog are checked"
        print(f"SKIPPED: oasdiff did not run: {missing}; {instead}.")
        compare = None
    else:
        try:
            oasdiff.build()
        except subprocess.CalledProcessError as error:
            sys.exit(f"error: oasdiff could not be built (exit {error.returncode}; Go's words are above).")
    try:
        if chosen.fixtures:
            return 0 if compare is None else play_all(compare)
        return check(compare)
    except (oasdiff.Unreadable, OSError, TypeError, yaml.YAMLError) as error:
        sys.exit(f"error: {error}")


def check(compare: Compare | None) -> int:
    """Judges today's contract; says what it finds."""
    new = load(CONTRACT.read_text("utf-8"))
    old, since, mistakes = released(ROOT)
    if new != old:
        import validate_spec  # which takes longer to import than most of what is done here

        invalid = list(validate_spec.problems(CONTRACT))
        if invalid:
            print(f"error: openapi.yaml is not valid: {invalid[0].splitlines()[0]} (make lint-spec says more)")
            return 1
    level, findings = assess(old, new, compare)
    mistakes += problems(old, new, level, CHANGELOG.read_text("utf-8"))
    said = {Level.NOTHING: "no change", Level.PROSE: "new words only"}.get(level, level.name.lower())
    doubt = ", as far as our own rules see" if compare is None and level is Level.HARMLESS else ""
    print(f"openapi.yaml {version_of(new)} against {since} ({version_of(old)}): {said}{doubt}")
    for finding in findings:
        print(f"  breaking [{finding.rule}] {finding.text}")
    for mistake in mistakes:
        print(f"error: {mistake}")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
