"""Check the test vectors of interop/vectors against the contract: `vectors.py`.

A vector keeps to the contract, or is marked as a fault and does break it; a mark on one that keeps to it is as wrong as
a missing one. Where a vector's body is one of the contract's examples, it is a copy: `vectors.py --write` takes it over
anew. Every example of the contract must be played by some vector.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "openapi.yaml"
FOLDER = ROOT / "interop" / "vectors"

Document = dict[str, Any]
Vector = dict[str, Any]


def document(file: Path = CONTRACT) -> Document:
    loaded = yaml.load(file.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert isinstance(loaded, dict)
    return loaded


def read(folder: Path = FOLDER) -> dict[Path, Vector]:
    """The vectors by their files, in the order of the names."""
    return {file: json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*/*.json"))}


def written(vector: Vector) -> str:
    return json.dumps(vector, indent=2, ensure_ascii=False) + "\n"


def body_bytes(response: Mapping[str, Any]) -> bytes:
    """The body of a vector's response as it travels, before anything cuts it short."""
    if "body" in response:
        return json.dumps(response["body"], ensure_ascii=False).encode()
    if "bodyText" in response:
        return str(response["bodyText"]).encode()
    return base64.b64decode(response.get("bodyBase64", ""), validate=True)


class Contract:
    """What the vectors are held against."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.operations: dict[str, tuple[str, str, Document]] = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
        }
        self._validators: dict[str, jsonschema_rs.Validator] = {}

    def resolved(self, node: Any) -> Any:
        while isinstance(node, dict) and "$ref" in node:
            target: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def mistakes(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        """Why a value is not what a schema allows."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return [error.message for error in self._validators[key].iter_errors(value)]

    def example(self, name: str) -> Any:
        return self.document["components"]["examples"][name]["value"]

    def examples(self) -> Iterator[tuple[str, str | None, str]]:
        """Each use of an example: operation, status (None for a request), name."""
        for operation_id, (_, _, operation) in self.operations.items():
            yield from ((operation_id, None, name) for name in self._names(operation["requestBody"]))
            for status, response in operation["responses"].items():
                yield from ((operation_id, status, name) for name in self._names(self.resolved(response)))

    @staticmethod
    def _names(content: Mapping[str, Any]) -> Iterator[str]:
        for media in content["content"].values():
            yield from (example["$ref"].rpartition("/")[2] for example in media.get("examples", {}).values())

    def documented(self, vector: Vector) -> Document | None:
        """What the contract says about the status of a vector's response; None when it says nothing."""
        responses = self.operations[vector["operation"]][2]["responses"]
        found = responses.get(str(vector["response"]["status"])) or responses.get("default")
        return None if found is None else self.resolved(found)

    def status_key(self, vector: Vector) -> str:
        status = str(vector["response"]["status"])
        return status if status in self.operations[vector["operation"]][2]["responses"] else "default"


def request_problems(contract: Contract, vector: Vector) -> Iterator[str]:
    """Why a vector's request is not one that the contract describes. No vector may ask a client for that."""
    request = vector["request"]
    method, path, operation = contract.operations[vector["operation"]]
    if (request["method"], request["path"]) != (method, path):
        yield f"{vector['operation']} is {method} {path}"
    if {request["credential"]: []} not in operation["security"]:
        yield f"the contract knows no {request['credential']} for {vector['operation']}"
    content = operation["requestBody"]["content"]
    headers = {name.lower(): value for name, value in request["headers"].items()}
    media = content.get(headers.pop("content-type", "").partition(";")[0].strip())
    if media is None:
        yield f"its content type is none of {', '.join(content)}"
    else:
        yield from (f"the request's body: {why}" for why in contract.mistakes(media["schema"], request["body"]))
    reference = {"$ref": f"#/components/schemas/{request['schema']}"}
    yield from (f"{request['schema']}: {why}" for why in contract.mistakes(reference, request["body"]))
    parameters = {p["name"].lower(): p for p in map(contract.resolved, operation.get("parameters", []))}
    for name, value in headers.items():
        if name not in parameters:
            yield f"the contract knows no request header {name}"
        else:
            yield from (f"{name}: {why}" for why in contract.mistakes(parameters[name]["schema"], value))


def response_problems(contract: Contract, vector: Vector) -> Iterator[str]:
    """Why a vector's response is not one that the contract promises."""
    response = vector["response"]
    if response["delivery"] != "complete":
        yield f"the answer is not delivered: {response['delivery']}"
        return
    documented = contract.documented(vector)
    if documented is None:
        yield f"the contract knows no status {response['status']} for {vector['operation']}"
        return
    media = documented["content"].get((response["contentType"] or "").partition(";")[0].strip())
    if media is None:
        yield f"the content type is {response['contentType']}"
        return
    try:
        value = json.loads(body_bytes(response))
    except ValueError as error:
        yield f"the body is no JSON: {error}"
        return
    yield from contract.mistakes(media["schema"], value)
    declared = {name.lower(): contract.resolved(header) for name, header in documented.get("headers", {}).items()}
    for name, text in response["headers"].items():
        header = declared.get(name.lower())
        # Any response may carry headers that nobody documents (`Date`).
        if header is not None:
            schema = contract.resolved(header["schema"])
            plain = int(text) if schema["type"] == "integer" and re.fullmatch(r"-?[0-9]+", text) else text
            yield from (f"{name}: {why}" for why in contract.mistakes(schema, plain))


def promised(contract: Contract, vector: Vector) -> str | None:
    """Name of the schema that the contract promises for the status of a vector's response."""
    documented = contract.documented(vector)
    if documented is None:
        return None
    schema: str = documented["content"]["application/json"]["schema"]["$ref"]
    return schema.rpartition("/")[2]


def example_problems(contract: Contract, vector: Vector) -> Iterator[str]:
    for side in ("request", "response"):
        name = vector[side]["example"]
        if name is None:
            continue
        if name not in contract.document["components"]["examples"]:
            yield f"the contract has no example {name}"
        # As text: for Python, 1 equals True and 1.0.
        elif json.dumps(vector[side].get("body")) != json.dumps(contract.example(name)):
            yield f"the {side}'s body is not the contract's example {name}: run `make vectors ARGS=--write`"


def problems_of(contract: Contract, file: Path, vector: Vector, shape: jsonschema_rs.Validator) -> Iterator[str]:
    malformed = [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in shape.iter_errors(vector)]
    if malformed:
        yield from malformed
        return
    if (vector["name"], vector["operation"]) != (file.stem, file.parent.name):
        yield "its name and operation are not those of its file and folder"
    yield from request_problems(contract, vector)
    yield from example_problems(contract, vector)
    broken = list(response_problems(contract, vector))
    if vector["violation"] is None:
        yield from (f"the response breaks the contract and is not marked as a fault: {why}" for why in broken)
    elif not broken:
        yield "it is marked as a fault, and keeps to the contract"
    named = vector["response"]["schema"]
    if named is not None and named != promised(contract, vector):
        yield f"the contract promises {promised(contract, vector)} for this status, not {named}"
    outcome, body = vector["outcome"], vector["response"].get("body")
    whole = vector["response"]["delivery"] == "complete"
    if outcome["kind"] == "error":
        if outcome["status"] != (None if outcome["error"] == "answerLost" else vector["response"]["status"]):
            yield "the outcome's status is not the response's"
        # Of a success that makes no sense, nothing is read.
        said = body if isinstance(body, dict) and whole and outcome["error"] != "unusableAnswer" else {}
        for field, key in (("code", "error"), ("message", "message"), ("details", "details")):
            if outcome[field] != said.get(key):
                yield f"the outcome's {field} is not what the body says"
    elif not isinstance(body, dict) or (
        outcome["kind"] == "token" and outcome["token"]["value"] != body.get("sessionToken")
    ):
        yield "the outcome's token is not the body's"
    elif outcome["kind"] == "session":
        for field in ("sessionId", "engineHost", "engineProtocol", "signallingEndpoint", "region"):
            if outcome["session"][field] != body.get(field):
                yield f"the outcome's {field} is not the body's"


def problems(contract: Contract, vectors: Mapping[Path, Vector], schema: Mapping[str, Any]) -> Iterator[str]:
    """All that is wrong, one line each."""
    shape = jsonschema_rs.Draft202012Validator(dict(schema))
    played: set[tuple[str, str | None, str | None]] = set()
    for file, vector in vectors.items():
        found = list(problems_of(contract, file, vector, shape))
        yield from (f"{file.stem}: {problem}" for problem in found)
        if not found:
            played.add((vector["operation"], None, vector["request"]["example"]))
            if vector["response"]["delivery"] == "complete":
                played.add((vector["operation"], contract.status_key(vector), vector["response"]["example"]))
    for operation, status, name in contract.examples():
        if (operation, status, name) not in played:
            where = "request" if status is None else f"response {status}"
            yield f"no vector plays the example {name} as {where} of {operation}"
    names = [file.stem for file in vectors]
    yield from (f"{name}: two vectors have this name" for name in sorted({n for n in names if names.count(n) > 1}))


def write(contract: Contract, vectors: Mapping[Path, Vector]) -> int:
    """Takes the contract's examples over, and puts every file into the one form. Says how many files changed."""
    changed = 0
    for file, vector in vectors.items():
        for side in ("request", "response"):
            name = vector[side]["example"]
            if name in contract.document["components"]["examples"]:
                vector[side]["body"] = contract.example(name)
        if file.read_text("utf-8") != written(vector):
            file.write_text(written(vector), "utf-8")
            changed += 1
    return changed


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="vectors.py", description="Check interop/vectors against openapi.yaml.")
    parser.add_argument("--write", action="store_true", help="take the contract's examples over first")
    chosen = parser.parse_args(arguments)
    contract, vectors = Contract(document()), read()
    if chosen.write:
        print(f"{write(contract, vectors)} of {len(vectors)} vectors rewritten")
    schema = json.loads((FOLDER / "vector.schema.json").read_text("utf-8"))
    found = list(problems(contract, vectors, schema))
    for file, vector in vectors.items():
        if file.read_text("utf-8") != written(vector):
            found.append(f"{file.stem}: not in the form that `make vectors ARGS=--write` gives it")
    for problem in found:
        print(problem)
    faults = sum(vector["violation"] is not None for vector in vectors.values())
    if not found:
        print(f"{len(vectors)} vectors, {faults} of them faults: all as they should be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
