"""Build generated/docs.html, the contract as one page; with `--check` only tell whether it is up to date.

The page holds everything it shows and loads nothing: no script, no font, no picture from elsewhere. The sandbox serves
it at `/docs`. The same document gives the same bytes. Every keyword of a schema is shown, one that nobody thought of as
it is written. Which text stands where is `docs/page.html.jinja`'s business.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from spec import Contract, Document, load

import tools

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = tools.ROOT / "generated" / "docs.html"
TEMPLATES = Path(__file__).parent / "docs"

Schema = dict[str, Any]

IN_THE_TYPE = {"$ref", "type", "properties", "required", "items", "oneOf", "anyOf", "description", "deprecated"}
"""What of a schema stands elsewhere than among its rules."""

TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(:?)|(-?\b[\d.eE+-]+\b|\b(?:true|false|null)\b)')
"""In JSON: a name or a text, whether it is a name, and any other value."""


def code(value: object) -> Markup:
    return Markup("<code>{}</code>").format(value if isinstance(value, str) else json.dumps(value))


def link(reference: str) -> Markup:
    name = reference.rpartition("/")[2]
    return Markup('<a href="#schema-{0}">{0}</a>').format(name)


def type_of(schema: Schema) -> Markup:
    """The type, with links to the schemas that it is made of."""
    if "$ref" in schema:
        return link(schema["$ref"])
    for keyword, meaning in (("oneOf", "exactly one of "), ("anyOf", "one or more of ")):
        if keyword in schema:
            return Markup(meaning) + Markup(", ").join(map(type_of, schema[keyword]))
    types = schema.get("type", "any value")
    values = schema.get("items" if types == "array" else "additionalProperties")
    if types in ("array", "object") and isinstance(values, dict):
        return Markup("{} of {}").format(types, type_of(values))
    return escape(" or ".join(types) if isinstance(types, list) else types)


def rules(schema: Schema, prefix: str = "") -> list[Markup]:
    """Bounds, values, defaults and all else that the schema says, by keyword."""
    found = []
    for keyword, value in schema.items():
        if keyword == "items":
            found += rules(value, "items: ")
        elif keyword == "additionalProperties" and isinstance(value, dict):
            found += rules(value, "values: ")
        elif keyword not in IN_THE_TYPE:
            values = value if isinstance(value, list) else [value]
            found.append(Markup("{}{} {}").format(prefix, keyword, Markup(", ").join(map(code, values))))
    return found


def as_json(value: object) -> Markup:
    """JSON as people write it, with a class on names, texts and other values."""

    def coloured(match: re.Match[str]) -> str:
        kind = "n" if match[3] else "k" if match[2] else "s"
        return Markup('<span class="{}">{}</span>{}').format(kind, match[1] or match[3], match[2] or "")

    # Safe: outside of what is escaped here, JSON has nothing but brackets and commas.
    return Markup(TOKEN.sub(coloured, json.dumps(value, indent=2, ensure_ascii=False)))


class Page(Contract):
    """The document, for the template."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        responses = [self.at(r) for operation in self.operations.values() for r in operation["responses"].values()]
        self.headers = {name: self.at(h) for r in responses for name, h in r.get("headers", {}).items()}

    def uses(self, schema: str) -> dict[str, str]:
        """Anchor and name of everything that refers to a schema."""
        mark = json.dumps(f"#/components/schemas/{schema}")
        by_schemas = {f"schema-{name}": name for name, other in self.schemas.items() if mark in json.dumps(other)}
        bodies = {n: [o["requestBody"], *map(self.at, o["responses"].values())] for n, o in self.operations.items()}
        return by_schemas | {name: name for name, parts in bodies.items() if mark in json.dumps(parts)}


def build(document: Document) -> str:
    """The page of a document."""
    # The policy names the style by its hash, so what is hashed is byte for byte what stands in the page.
    style = "\n".join(line.rstrip() for line in (TEMPLATES / "style.css").read_text("utf-8").strip().splitlines())
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    markdown = MarkdownIt("commonmark", {"html": False})  # so that HTML in a text comes out escaped
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "text": lambda text: Markup(markdown.render(text or "")),
        "type": type_of,
        "rules": rules,
        "json": as_json,
        "code": code,
    }
    page = Page(document)
    environment.filters["at"] = page.at
    template = environment.get_template("page.html.jinja")
    html = template.render(page=page, style=Markup(style), style_hash=f"sha256-{digest}")
    return "\n".join(line.rstrip() for line in html.splitlines()) + "\n"


def main(arguments: Sequence[str]) -> int:
    return tools.keep(PAGE, build(load()), arguments, "make docs")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
