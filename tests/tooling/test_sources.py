"""Every field of the contract says in `x-source` how it is known."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

# A choice of the contract's, with a reason that is one; all else is a word. See contract/README.md.
SOURCE = re.compile(r"vendor|meetings|clients|live|(chosen)(?:: \S.{19,})")


def test_the_contract_says_how_each_field_is_known(root: Path) -> None:
    """A field that is another schema has that schema's source."""
    schemas = yaml.safe_load((root / "openapi.yaml").read_text("utf-8"))["components"]["schemas"]
    fields = {
        f"{name}.{field}": node
        for name, schema in schemas.items()
        for field, node in schema.get("properties", {}).items()
    }
    told = {place: node.get("x-source", "") for place, node in {**schemas, **fields}.items() if "$ref" not in node}

    assert [place for place, source in told.items() if not SOURCE.fullmatch(source)] == []
    assert len(told) > 150
    assert {source.partition(":")[0] for source in told.values()} == {"vendor", "meetings", "clients", "live", "chosen"}


def test_what_counts_as_a_source() -> None:
    assert SOURCE.fullmatch("chosen: nobody says in which unit it is")
    for source in ("", "rumour", "chosen", "chosen: because", "vendor: it stands in its document, page 4"):
        assert not SOURCE.fullmatch(source)
