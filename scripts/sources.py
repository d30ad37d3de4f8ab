"""Ask of each field in openapi.yaml how it is known: `sources.py`.

Its `x-source` is one of the words below, or `chosen: ` and the reason for what the contract decides by itself. A field
that is another schema has that schema's source.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SOURCE = re.compile(r"(vendor|meetings|clients|live|chosen(?=: \S.{19,}$))(: .*)?")


def sources(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each schema and each field with its source; an empty one where there is none, or none that is known."""
    for name, schema in document["components"]["schemas"].items():
        fields = {f"{name}.{field}": value for field, value in schema.get("properties", {}).items()}
        for place, node in {name: schema, **fields}.items():
            if "$ref" not in node:
                found = SOURCE.fullmatch(str(node.get("x-source", "")))
                yield place, found[1] if found and bool(found[2]) == (found[1] == "chosen") else ""


def main() -> int:
    found = dict(sources(yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))))
    lost = [place for place, source in found.items() if not source]
    for place in lost:
        print(f"openapi.yaml: {place}: x-source must be vendor, meetings, clients, live, or `chosen: ` and the reason")
    print(f"openapi.yaml: {len(found)} fields and schemas: {dict(Counter(found.values()))}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
