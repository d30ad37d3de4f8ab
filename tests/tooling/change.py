"""Changes of the contract, each told in a line: what becomes of a place."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import spec

CONTRACT: dict[str, Any] = spec.load()
GONE = object()


class Renamed(NamedTuple):
    name: str


class Added(NamedTuple):
    item: Any


def changed(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The contract with something else at each place: of a schema, of the operation `start`, or of the `document`."""
    document = copy.deepcopy(CONTRACT)
    start = document["paths"]["/v1/engine/session"]["post"]
    for place, value in changes:
        node: Any = {**document["components"]["schemas"], "start": start, "document": document}
        *steps, last = (int(step) if step.isdigit() and len(step) == 1 else step for step in place.split("."))
        for step in steps:
            node = node[step]
        match value:
            case Renamed(name):
                node[name] = node.pop(last)
            case Added(item):
                node[last].append(item)
            case _ if value is GONE:
                del node[last]
            case _:
                node[last] = value
    return document
