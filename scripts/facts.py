"""Compare openapi.yaml with what is known of the API: `facts.py`.

contract/facts.yaml lists every name, type, bound, value and status with the grade of its evidence. Both ways: a fact
that the contract lacks or tells otherwise is reported, and so is whatever the contract says that no fact backs.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "openapi.yaml"
FACTS = ROOT / "contract" / "facts.yaml"

Document = dict[str, Any]
Place = tuple[str | int, ...]

GRADES = ("vendor", "clients", "live", "open", "chosen")
# Words, and what is looked up elsewhere.
NOT_CLAIMS = {"description", "summary", "title", "example", "examples", "properties", "required"}
# The order of these says nothing.
SETS = {"enum", "x-extensible-enum", "oneOf", "anyOf", "security", "type"}


@dataclass(frozen=True)
class Claim:
    """One thing that the contract says.

    Attributes:
        value: What it says.
        place: Where in the document, for a test to take it away.
    """

    value: Any
    place: Place


@dataclass(frozen=True)
class Fact:
    """One thing that is known.

    Attributes:
        value: What is known.
        grade: How.
    """

    value: Any
    grade: str


class FactsError(Exception):
    """The list of facts is not well-formed."""


# --- What the contract says -----------------------------------------------------------------------


class Contract:
    """The claims of a document, by address."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def at(self, place: Place) -> Any:
        node: Any = self.document
        for step in place:
            node = node[step]
        return node

    def resolved(self, place: Place) -> Place:
        """The place that a reference leads to."""
        node = self.at(place)
        while isinstance(node, dict) and "$ref" in node:
            place = tuple(step.replace("~1", "/") for step in node["$ref"].removeprefix("#/").split("/"))
            node = self.at(place)
        return place

    def claims(self) -> dict[str, Claim]:
        components = self.document.get("components", {})
        found: dict[str, Claim] = {}
        for index, server in enumerate(self.document.get("servers", [])):
            found |= self._keywords(f"servers.{index}", server, ("servers", index))
        for name, scheme in components.get("securitySchemes", {}).items():
            found |= self._keywords(f"security.{name}", scheme, ("components", "securitySchemes", name))
        for name, schema in components.get("schemas", {}).items():
            found |= self._schema(name, schema, ("components", "schemas", name))
        for path, item in self.document.get("paths", {}).items():
            for method, operation in item.items():
                found |= self._operation(path, method, operation)
        return found

    def _keywords(self, address: str, node: Mapping[str, Any], place: Place) -> dict[str, Claim]:
        return {f"{address}.{key}": Claim(value, (*place, key)) for key, value in node.items() if key not in NOT_CLAIMS}

    def _schema(self, address: str, node: Mapping[str, Any], place: Place) -> dict[str, Claim]:
        found: dict[str, Claim] = {}
        for key, value in node.items():
            here = (*place, key)
            if key in NOT_CLAIMS:
                continue
            if key == "$ref":
                found[f"{address}.type"] = Claim(_name(value), here)
            elif key == "items":
                found |= self._schema(f"{address}.items", value, here)
            elif key == "additionalProperties" and isinstance(value, dict):
                found |= self._schema(f"{address}.values", value, here)
            elif key in ("oneOf", "anyOf"):
                found[f"{address}.{key}"] = Claim([_alternative(schema) for schema in value], here)
            else:
                found[f"{address}.{key}"] = Claim(value, here)
        properties, required = node.get("properties", {}), node.get("required", [])
        for name, schema in properties.items():
            found |= self._schema(f"{address}.{name}", schema, (*place, "properties", name))
        for name in dict.fromkeys([*properties, *required]):
            # Where it is not required there is nothing to point at: the list that could name it.
            found[f"{address}.{name}.required"] = Claim(name in required, (*place, "required"))
        return found

    def _operation(self, path: str, method: str, operation: Document) -> dict[str, Claim]:
        here: Place = ("paths", path, method)
        address = operation.get("operationId", f"{method} {path}")
        found = {
            f"{address}.path": Claim(path, here[:-1]),
            f"{address}.method": Claim(method, here),
            f"{address}.security": Claim(
                [sorted(alternative) for alternative in operation.get("security", [])], (*here, "security")
            ),
        }
        if "requestBody" in operation:
            found |= self._content(f"{address}.body", (*here, "requestBody"))
            body = operation["requestBody"]
            found[f"{address}.body.required"] = Claim(body.get("required", False), (*here, "requestBody", "required"))
        for index, _ in enumerate(operation.get("parameters", [])):
            place = self.resolved((*here, "parameters", index))
            parameter = {"required": False, **self.at(place)}
            name = f"{address}.parameters.{parameter.get('name')}"
            plain = {key: value for key, value in parameter.items() if key not in ("name", "schema")}
            found |= self._keywords(name, plain, place)
            found[f"{name}.required"] = Claim(parameter["required"], (*place, "required"))
            found |= self._schema(name, parameter.get("schema", {}), (*place, "schema"))
        for status in operation.get("responses", {}):
            place = self.resolved((*here, "responses", status))
            name = f"{address}.responses.{status}"
            found |= self._content(name, place)
            for header in self.at(place).get("headers", {}):
                where = self.resolved((*place, "headers", header))
                schema = self.at(where).get("schema", {})
                found |= self._schema(f"{name}.headers.{header}", schema, (*where, "schema"))
                found[f"{name}.headers.{header}"] = Claim(True, (*place, "headers", header))
        return found

    def _content(self, address: str, place: Place) -> dict[str, Claim]:
        found: dict[str, Claim] = {}
        for media, content in self.at(place).get("content", {}).items():
            found[f"{address}.media"] = Claim(media, (*place, "content", media))
            found |= self._schema(address, content.get("schema", {}), (*place, "content", media, "schema"))
        return found


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _alternative(schema: Mapping[str, Any]) -> Any:
    return _name(schema["$ref"]) if "$ref" in schema else {k: v for k, v in schema.items() if k not in NOT_CLAIMS}


# --- What is known --------------------------------------------------------------------------------

_OF_AN_ENTRY = {"grade", "grades", "chosen", "why", "fields", "is", "items", "values"}


class Facts:
    """The list of facts, by the addresses of the contract's claims.

    Attributes:
        known: Every fact of names and values.
        words: Place, grade and words of each description that has to hold some.

    Raises:
        FactsError: A grade or a reason that does not exist, or one that nothing uses.
    """

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.said = said
        self.reasons_used: set[str] = set()
        self.known = self._known()
        self.words = self._words()

    def _known(self) -> dict[str, Fact]:
        found: dict[str, Fact] = {}
        for index, entry in enumerate(self.said["servers"]):
            found |= self._entry(f"servers.{index}", entry)
        for name, entry in self.said["security"].items():
            found |= self._entry(f"security.{name}", entry)
        for name, entry in self.said["schemas"].items():
            found |= self._schema(name, entry)
        for name, entry in self.said["operations"].items():
            found |= self._operation(name, entry)
        unused = self.said["reasons"].keys() - self.reasons_used
        if unused:
            raise FactsError(f"no fact gives the reason {', '.join(sorted(unused))}")
        return found

    def _entry(self, address: str, entry: Mapping[str, Any], grade: str | None = None) -> dict[str, Fact]:
        """The keywords of one entry, each with its grade."""
        grade = entry.get("grade", grade)
        if grade not in GRADES:
            raise FactsError(f"{address}: the grade must be one of {', '.join(GRADES)}, not {grade!r}")
        chosen = entry.get("chosen", {})
        reasons = [*chosen.values(), *([entry.get("why")] if grade == "chosen" else [])]
        for reason in reasons:
            if reason not in self.said["reasons"]:
                raise FactsError(f"{address}: what is chosen needs one of the reasons, not {reason!r}")
        self.reasons_used |= set(reasons)
        others = dict.fromkeys(chosen, "chosen") | entry.get("grades", {})
        if not set(others.values()) <= set(GRADES):
            raise FactsError(f"{address}: the grade must be one of {', '.join(GRADES)}, not {sorted(others.values())}")
        found = {
            f"{address}.{key}": Fact(value, others.get(key, grade))
            for key, value in entry.items()
            if key not in _OF_AN_ENTRY
        }
        for part in ("items", "values"):
            if part in entry:
                found |= self._entry(f"{address}.{part}", entry[part], grade)
        lost = [key for key in others if f"{address}.{key}" not in found]
        if lost:
            raise FactsError(f"{address}: graded, but not said: {', '.join(lost)}")
        return found

    def _schema(self, name: str, entry: Mapping[str, Any]) -> dict[str, Fact]:
        found = self._entry(name, entry["is"], entry["grade"])
        for field, said in entry.get("fields", {}).items():
            found |= self._entry(f"{name}.{field}", {"required": False, **said})
        return found

    def _operation(self, name: str, entry: Mapping[str, Any]) -> dict[str, Fact]:
        own = {key: entry[key] for key in ("grade", "method", "path", "security")}
        json_body = {"media": "application/json"}
        found = self._entry(name, own)
        found |= self._entry(f"{name}.body", json_body | entry["body"])
        for parameter, said in entry["parameters"].items():
            found |= self._entry(f"{name}.parameters.{parameter}", {"required": False, **said})
        for status, said in entry["responses"].items():
            address = f"{name}.responses.{status}"
            found |= self._entry(address, json_body | {k: v for k, v in said.items() if k != "headers"})
            for header in said.get("headers", []):
                found[f"{address}.headers.{header}"] = Fact(True, self.said["headers"][header]["grade"])
                found |= self._entry(f"{address}.headers.{header}", self.said["headers"][header])
        return found

    def _words(self) -> list[tuple[str, str, list[str]]]:
        found = []
        for entry in self.said["words"]:
            if entry["grade"] not in GRADES:
                raise FactsError(f"{entry['at']}: the grade must be one of {', '.join(GRADES)}")
            found.append((entry["at"], entry["grade"], entry["hold"]))
        return found


# --- The comparison -------------------------------------------------------------------------------


def description_place(contract: Contract, at: str) -> Place:
    """Where the description is that a fact of words means: a pointer, an operation, or a property of a schema."""
    if at.startswith("#/"):
        return tuple(at[2:].split("/"))
    for path, item in contract.document["paths"].items():
        for method, operation in item.items():
            if operation.get("operationId") == at:
                return ("paths", path, method, "description")
    schema, _, name = at.partition(".")
    return ("components", "schemas", schema, "properties", name, "description")


def _same(key: str, one: Any, other: Any) -> bool:
    if type(one) is type(other) and isinstance(one, str | bool | int):
        return bool(one == other)
    return _comparable(key, one) == _comparable(key, other)


def _comparable(key: str, value: Any) -> str:
    # As text: for Python, 1 equals True and 1.0. A number is the same with and without a fraction of nothing.
    if key in SETS and isinstance(value, list):
        return json.dumps(sorted(json.dumps(item, sort_keys=True) for item in value))
    if isinstance(value, float) and value.is_integer():
        return json.dumps(int(value))
    return json.dumps(value, sort_keys=True)


def differences(document: Document, facts: Facts) -> list[str]:
    """What the contract lacks, tells otherwise, or makes up; one line each."""
    contract = Contract(document)
    claims, known = contract.claims(), facts.known
    found = []
    for address, fact in known.items():
        claim, key = claims.get(address), address.rpartition(".")[2]
        if claim is None:
            found.append(f"{address}: missing in the contract; {fact.value!r} is known ({fact.grade})")
        elif not _same(key, claim.value, fact.value):
            found.append(f"{address}: {claim.value!r} in the contract; {fact.value!r} is known ({fact.grade})")
    found += [
        f"{address}: {claim.value!r} in the contract, and no fact backs it"
        for address, claim in claims.items()
        if address not in known
    ]
    for at, grade, words in facts.words:
        try:
            text = " ".join(str(contract.at(description_place(contract, at))).split())
        except (KeyError, IndexError, TypeError):
            found.append(f"{at}: there is no such description in the contract")
            continue
        found += [f"{at}: the description does not hold {word!r} ({grade})" for word in words if word not in text]
    return found


def load(file: Path) -> dict[str, Any]:
    loaded = yaml.load(file.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert isinstance(loaded, dict)
    return loaded


def main(arguments: Sequence[str]) -> int:
    if arguments:
        sys.exit("usage: facts.py")
    try:
        facts = Facts(load(FACTS))
    except FactsError as error:
        sys.exit(f"error: contract/facts.yaml: {error}")
    found = differences(load(CONTRACT), facts)
    for line in found:
        print(line)
    if not found:
        grades = Counter(fact.grade for fact in facts.known.values())
        grades.update(grade for _, grade, words in facts.words for _ in words)
        told = ", ".join(f"{grades[grade]} {grade}" for grade in GRADES)
        print(f"{sum(grades.values())} facts ({told}): the contract holds them all, and nothing else")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
