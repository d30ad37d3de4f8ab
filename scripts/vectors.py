"""Check the test vectors of interop/vectors against the contract: `vectors.py`.

A vector keeps to the contract, or is marked as a fault and does break it; a mark on one that keeps to it is as wrong as
a missing one. Where a vector's body is one of the contract's examples, it is a copy: `vectors.py --write` takes it over
anew. Every example of the contract must be played by some vector. Whether outcomes are right, the facade's tests show.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from typing import TYPE_CHECKING, Any

import jsonschema_rs
from spec import Contract, Document, load

import tools

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FOLDER = tools.ROOT / "interop" / "vectors"
REWRITE = "run `make contract ARGS=--write`"

Vector = dict[str, Any]


def read() -> dict[Path, Vector]:
    """The vectors by their files, in the order of the names."""
    return {file: json.loads(file.read_text("utf-8")) for file in sorted(FOLDER.glob("*/*.json"))}


def written(vector: Vector) -> str:
    return json.dumps(vector, indent=2, ensure_ascii=False) + "\n"


def body_bytes(response: Mapping[str, Any]) -> bytes:
    """The body of a vector's response as it travels, before anything cuts it short."""
    if "body" in response:
        return json.dumps(response["body"], ensure_ascii=False).encode()
    if "bodyText" in response:
        return str(response["bodyText"]).encode()
    return base64.b64decode(response.get("bodyBase64", ""), validate=True)


class Validated(Contract):
    """What the vectors are held against."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def mistakes(self, where: str, schema: Mapping[str, Any], value: Any) -> list[str]:
        """Why a value is not what a schema allows."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return [f"{where}: {error.message}" for error in self._validators[key].iter_errors(value)]

    def wrong(self, vector: Vector, side: str) -> Iterator[str]:
        """Why the request or the response is not what the contract describes: its body, content type and headers."""
        operation, message = self.operations[vector["operation"]], vector[side]
        headers = {name.lower(): (name, text) for name, text in message["headers"].items()}
        if side == "request":
            described, (_, media) = operation["requestBody"], headers.pop("content-type", ("", ""))
            declared = {p["name"].lower(): p["schema"] for p in map(self.at, operation.get("parameters", []))}
        else:
            described, media = self.at(operation["responses"][self.status(vector)]), message["contentType"] or ""
            declared = {name.lower(): self.at(h)["schema"] for name, h in described.get("headers", {}).items()}
        content = described["content"].get(media.partition(";")[0].strip())
        try:
            value = json.loads(body_bytes(message))
        except ValueError as error:
            yield f"the {side}'s body is no JSON: {error}"
            return
        if content is None:
            yield f"the {side}'s content type is none of {', '.join(described['content'])}"
        else:
            yield from self.mistakes(f"the {side}'s body", content["schema"], value)
        for lower, (name, text) in headers.items():
            if lower in declared:
                schema = self.at(declared[lower])
                plain = int(text) if schema["type"] == "integer" and re.fullmatch(r"-?[0-9]+", text) else text
                yield from self.mistakes(name, schema, plain)
            elif side == "request":  # any response may carry headers that nobody documents (`Date`)
                yield f"the contract knows no request header {lower}"

    def examples(self) -> Iterator[tuple[str, str, str]]:
        """Each use of an example: operation, `request` or the status, name."""
        for name, operation in self.operations.items():
            for part, described in {"request": operation["requestBody"], **operation["responses"]}.items():
                for media in self.at(described)["content"].values():
                    yield from ((name, part, e["$ref"].rpartition("/")[2]) for e in media.get("examples", {}).values())

    def status(self, vector: Vector) -> str:
        """The key under which the contract describes a vector's response."""
        status = str(vector["response"]["status"])
        return status if status in self.operations[vector["operation"]]["responses"] else "default"


def problems_of(contract: Validated, file: Path, vector: Vector, shape: jsonschema_rs.Validator) -> list[str]:
    if not shape.is_valid(vector):
        return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in shape.iter_errors(vector)]
    operation, request, response = contract.operations[vector["operation"]], vector["request"], vector["response"]
    found = list(contract.wrong(vector, "request"))
    found += contract.mistakes(
        request["schema"], {"$ref": f"#/components/schemas/{request['schema']}"}, request["body"]
    )
    if (request["method"], request["path"]) != (operation["method"], operation["path"]):
        found.append(f"{vector['operation']} is {operation['method']} {operation['path']}")
    if {request["credential"]: []} not in operation["security"]:
        found.append(f"the contract knows no {request['credential']} for {vector['operation']}")
    if (vector["name"], vector["operation"]) != (file.stem, file.parent.name):
        found.append("its name and operation are not those of its file and folder")
    for side in ("request", "response"):
        name, examples = vector[side]["example"], contract.document["components"]["examples"]
        if name is not None and name not in examples:
            found.append(f"the contract has no example {name}")
        # As text: for Python, 1 equals True and 1.0.
        elif name is not None and json.dumps(vector[side].get("body")) != json.dumps(examples[name]["value"]):
            found.append(f"the {side}'s body is not the contract's example {name}: {REWRITE}")
    broken = list(contract.wrong(vector, "response")) if response["delivery"] == "complete" else ["it is not delivered"]
    if vector["violation"] is None:
        found += [f"the response breaks the contract and is not marked as a fault: {why}" for why in broken]
    elif not broken:
        found.append("it is marked as a fault, and keeps to the contract")
    described = contract.at(operation["responses"][contract.status(vector)])
    promised = described["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    if response["schema"] not in (None, promised):
        found.append(f"the contract promises {promised}, not {response['schema']}")
    return found


def problems(contract: Validated, vectors: Mapping[Path, Vector], schema: Mapping[str, Any]) -> Iterator[str]:
    """All that is wrong, one line each."""
    shape = jsonschema_rs.Draft202012Validator(dict(schema))
    played: set[tuple[str, str, str | None]] = set()
    for file, vector in vectors.items():
        found = problems_of(contract, file, vector, shape)
        yield from (f"{file.stem}: {problem}" for problem in found)
        if not found:
            played.add((vector["operation"], "request", vector["request"]["example"]))
            if vector["response"]["delivery"] == "complete":
                played.add((vector["operation"], contract.status(vector), vector["response"]["example"]))
    for operation, part, name in contract.examples():
        if (operation, part, name) not in played:
            yield f"no vector plays the example {name} as {part} of {operation}"


def write(contract: Validated, vectors: Mapping[Path, Vector]) -> int:
    """Takes the contract's examples over, and puts every file into the one form. Gives how many files changed."""
    changed = 0
    for file, vector in vectors.items():
        for side in ("request", "response"):
            if example := contract.document["components"]["examples"].get(vector[side]["example"]):
                vector[side]["body"] = example["value"]
        if file.read_text("utf-8") != written(vector):
            file.write_text(written(vector), "utf-8")
            changed += 1
    return changed


def main(arguments: list[str]) -> int:
    contract, vectors = Validated(load()), read()
    if arguments == ["--write"]:
        print(f"{write(contract, vectors)} of {len(vectors)} vectors rewritten")
    found = list(problems(contract, vectors, json.loads((FOLDER / "vector.schema.json").read_text("utf-8"))))
    form = f"not in the form of the others: {REWRITE}"
    found += [f"{file.stem}: {form}" for file, v in vectors.items() if file.read_text("utf-8") != written(v)]
    faults = sum(vector["violation"] is not None for vector in vectors.values())
    print("\n".join(found) or f"{len(vectors)} vectors, {faults} of them faults: all as they should be")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
