"""JSON Patch (RFC 6902), as far as the fixtures of the contract need it: add, remove, replace, move, test.

Stricter than the RFC where that keeps a fixture honest: `add` must not overwrite a key.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Patch = list[dict[str, Any]]


class PatchError(Exception):
    """A patch does not apply."""


def steps(pointer: str) -> list[str]:
    """The parts of a JSON Pointer (RFC 6901)."""
    if not pointer.startswith("/"):
        raise PatchError(f"{pointer!r} is no JSON Pointer")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]


def pointer(path: Sequence[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def find(document: Any, pointer: str) -> Any:
    node = document
    for step in steps(pointer):
        node = _child(node, step, pointer)
    return node


def _child(node: Any, step: str, pointer: str) -> Any:
    if isinstance(node, dict) and step in node:
        return node[step]
    if isinstance(node, list) and step.isdecimal() and int(step) < len(node):
        return node[int(step)]
    raise PatchError(f"{pointer} leads nowhere: there is no {step}")


def patched(document: Any, patch: Patch) -> Any:
    """A changed copy of the document.

    Raises:
        PatchError: A step does not apply.
    """
    changed = copy.deepcopy(document)
    for operation in patch:
        _apply(changed, operation)
    return changed


def _apply(document: Any, operation: Mapping[str, Any]) -> None:
    path: str = operation["path"]
    match operation["op"]:
        case "test":
            if find(document, path) != operation["value"]:
                raise PatchError(f"{path} is not {operation['value']!r}")
        case "move":
            moved = find(document, operation["from"])
            _remove(document, operation["from"])
            _add(document, path, moved)
        case "remove":
            _remove(document, path)
        case "replace":
            if find(document, path) == operation["value"]:
                raise PatchError(f"{path} is {operation['value']!r} already")
            *above, last = steps(path)
            holder = find(document, pointer(above)) if above else document
            holder[int(last) if isinstance(holder, list) else last] = copy.deepcopy(operation["value"])
        case "add":
            _add(document, path, copy.deepcopy(operation["value"]))
        case unknown:
            raise PatchError(f"there is no operation {unknown!r}")


def _remove(document: Any, path: str) -> None:
    find(document, path)
    *above, last = steps(path)
    holder = find(document, pointer(above)) if above else document
    del holder[int(last) if isinstance(holder, list) else last]


def _add(document: Any, path: str, value: Any) -> None:
    *above, last = steps(path)
    holder = find(document, pointer(above)) if above else document
    if isinstance(holder, list):
        if last != "-" and not (last.isdecimal() and int(last) <= len(holder)):
            raise PatchError(f"{path}: there is no such place in the list")
        holder.insert(len(holder) if last == "-" else int(last), value)
    elif not isinstance(holder, dict):
        raise PatchError(f"{path}: nothing can be added there")
    elif last in holder:
        raise PatchError(f"{path} is there already")
    else:
        holder[last] = value
