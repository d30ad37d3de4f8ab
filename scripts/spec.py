"""openapi.yaml as the other scripts read it."""

from __future__ import annotations

from typing import Any

import yaml

import tools

SPEC = tools.ROOT / "openapi.yaml"

Document = dict[str, Any]


def load() -> Document:
    document: Document = yaml.safe_load(SPEC.read_text("utf-8"))
    return document


class Contract:
    """A document, its schemas, and its operations by name, each with its method and path."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.schemas: dict[str, Document] = document["components"]["schemas"]
        self.operations: dict[str, Document] = {
            operation["operationId"]: {"method": method.upper(), "path": path, **operation}
            for path, item in document["paths"].items()
            for method, operation in item.items()
        }

    def at(self, node: Any) -> Any:
        """What a node is, or refers to."""
        while isinstance(node, dict) and "$ref" in node:
            reference, node = node["$ref"], self.document
            for step in reference.removeprefix("#/").split("/"):
                node = node[step]
        return node
