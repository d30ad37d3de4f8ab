"""scripts/sources.py: every field of the contract says how it is known, and a field that does not is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import sources
import yaml


def test_the_contract_says_how_each_field_is_known(root: Path) -> None:
    found = dict(sources.sources(yaml.safe_load((root / "openapi.yaml").read_text("utf-8"))))
    assert [place for place, source in found.items() if not source] == []
    assert len(found) > 150
    assert set(found.values()) == {"vendor", "meetings", "clients", "live", "chosen"}


@pytest.mark.parametrize(
    ("source", "known"),
    [
        ("vendor", "vendor"),
        ("chosen: nobody says in which unit it is", "chosen"),
        (None, ""),
        ("rumour", ""),
        ("chosen", ""),
        ("chosen: because", ""),
        ("vendor: it stands in its document, page 4", ""),
    ],
)
def test_what_counts_as_a_source(source: str | None, known: str) -> None:
    """One of the words; a choice of the contract's with a reason that is one."""
    field = {"type": "string"} if source is None else {"type": "string", "x-source": source}
    schema = {"x-source": "live", "properties": {"field": field, "other": {"$ref": "#/components/schemas/Other"}}}
    assert dict(sources.sources({"components": {"schemas": {"A": schema}}})) == {"A": "live", "A.field": known}
