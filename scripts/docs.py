"""Make what the documentation shows: the contract as one page, and what the command prints. `--check` only compares.

generated/docs.html holds everything it shows and loads nothing: no script, no font, no picture from elsewhere. The
sandbox serves it at `/docs`. The same document gives the same bytes. Every keyword of a schema is shown, one that
nobody thought of as it is written. Which text stands where is the business of `docs/page.html.jinja`.

In docs/command.md, each line that begins with `$ ` is given to a shell, in docs/command, with a sandbox in ANAM_API_URL
and ANAM_API_KEY. What differs from run to run (times, ids, ports, versions) is replaced by something fixed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from spec import Contract, Document, load

import tools
from anam_facade.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = tools.ROOT / "generated" / "docs.html"
COMMAND = tools.ROOT / "docs" / "command.md"
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


SESSIONS = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
KNOWN = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506|30fa96d0-26c4-4e55-94a0-517025942e18|6bfbe25a-979d-40f3-a92b-5394170af54b"
FIXED = (
    (r"eyJ[\w.-]+", "eyJhbGciOiJIUzI1NiJ9.…"),
    (rf"(?!{KNOWN})\b[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\b", "5d2f1c9e-7b64-4c1a-9f3e-2a8b6d4c0e71"),
    (r"127\.0\.0\.1:\d{4,}", "127.0.0.1:8787"),
    (r"\d\.\d{2,3} s\b", "0.01 s"),
    (r"\d+ a second", "100 a second"),
    (r'"iat": \d+, "exp": \d+', '"iat": 1795640400, "exp": 1795644000'),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-11-25 22:00:00 UTC"),
    (r"(versions +anam_facade ).*", r"\g<1>…, Python …, httpx …, OpenSSL …"),
    (r"version \d\S*", "version …"),
)


def recorded(page: str, sandbox: Sandbox) -> str:
    """A page with what its commands print today."""
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"ANAM_API_URL": sandbox.base_url, "ANAM_API_KEY": sandbox.api_key, "COLUMNS": "100"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def output(command: str) -> str:
        shell, folder = ["sh", "-c", f"exec 2>&1; {command}"], COMMAND.with_suffix("")
        done = subprocess.run(shell, cwd=folder, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=False)
        text = done.stdout.rstrip("\n") + "\n"
        for pattern, replacement in FIXED:
            text = re.sub(pattern, replacement, text)
        return text

    def run(session: re.Match[str]) -> str:
        commands = re.findall(r"^\$ (.*)", session[0], re.MULTILINE)
        return "\n".join(f"$ {command}\n{output(command)}" for command in commands)

    return SESSIONS.sub(run, page)


def main(arguments: Sequence[str]) -> int:
    with Sandbox() as sandbox:
        made = {PAGE: build(load()), COMMAND: recorded(COMMAND.read_text("utf-8"), sandbox)}
    return max(tools.keep(file, text, arguments, "make docs") for file, text in made.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
