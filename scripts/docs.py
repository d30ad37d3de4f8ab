"""Build generated/docs.html, the contract as one page; with `--check` only tell whether it is up to date.

The page holds everything it shows and loads nothing: no script, no font, no picture from elsewhere. The sandbox serves
it at `/docs`. The same document gives the same bytes. What this script does not know how to show, it refuses: a keyword
added to the contract is shown or makes `make docs` fail, but is never left out in silence.
"""

from __future__ import annotations

import argparse
import base64
import difflib
import hashlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "openapi.yaml"
PAGE = ROOT / "generated" / "docs.html"
TEMPLATES = ROOT / "scripts" / "docs"

Schema = dict[str, Any]


class CannotShow(Exception):
    """The document holds something that the page has no place for."""


def known(where: str, node: Mapping[str, Any], *keys: str) -> None:
    """Refuses what would otherwise be missing on the page."""
    if unknown := sorted(node.keys() - set(keys)):
        raise CannotShow(f"{where}: the page cannot show {', '.join(unknown)}")


def code(value: object) -> Markup:
    return Markup("<code>{}</code>").format(value if isinstance(value, str) else json.dumps(value))


def listed(values: Iterable[object]) -> Markup:
    return Markup(", ").join(code(value) for value in values)


def number(value: float) -> str:
    return f"{value:,}"


# What a schema says, in words


@dataclass(frozen=True)
class Field:
    """One property of an object."""

    name: str
    type: Markup
    required: bool
    deprecated: bool
    description: Markup
    facts: list[Markup]


@dataclass
class Named:
    """One schema of the contract, with a heading of its own."""

    name: str
    type: Markup
    description: Markup
    facts: list[Markup]
    fields: list[Field]
    used_by: list[tuple[str, str]] = field(default_factory=list)


# Keywords whose meaning is in `type_of` or in the layout, and those that `facts_of` puts into words.
_SHAPE = {"$ref", "type", "properties", "required", "items", "oneOf", "anyOf", "description", "deprecated"}
_WORDS = {
    *("format", "enum", "x-extensible-enum", "default", "examples", "pattern", "minLength", "maxLength", "minimum"),
    *("maximum", "minProperties", "additionalProperties", "unevaluatedProperties", "dependentRequired", "not"),
    *("x-maxBytes", "x-uniqueBy", "x-knownVideoSizes"),
}


def name_of(reference: str, kind: str) -> str:
    prefix = f"#/components/{kind}/"
    if not reference.startswith(prefix):
        raise CannotShow(f"{reference}: not a reference to one of the {kind}")
    return reference.removeprefix(prefix)


def link(schema: str) -> Markup:
    return Markup('<a href="#schema-{0}">{0}</a>').format(schema)


def type_of(where: str, schema: Schema) -> Markup:
    """The type, with links to the schemas that it is made of."""
    known(where, schema, *_SHAPE, *_WORDS)
    if "$ref" in schema:
        known(where, schema, "$ref", "description")
        return link(name_of(schema["$ref"], "schemas"))
    for choice, words in (("oneOf", "exactly one of "), ("anyOf", "one or more of ")):
        if choice in schema:
            known(where, schema, choice, "description")
            return Markup(words) + Markup(", ").join(type_of(where, option) for option in schema[choice])
    if "type" not in schema:
        return Markup("any value")
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if types == ["array"]:
        return Markup("array of ") + type_of(f"{where}[]", schema["items"])
    if types == ["object"] and isinstance(schema.get("additionalProperties"), dict):
        return Markup("object of ") + type_of(f"{where}{{}}", schema["additionalProperties"])
    return escape(" or ".join(types))


def facts_of(where: str, schema: Schema) -> list[Markup]:
    """Bounds, values and rules, each in a few words."""
    facts: list[Markup] = []

    def say(text: str, *values: object) -> None:
        facts.append(Markup(text).format(*values))

    if "format" in schema:
        say("format {}", code(schema["format"]))
    if "enum" in schema:
        say("always {}" if len(schema["enum"]) == 1 else "one of {}", listed(schema["enum"]))
    if "x-extensible-enum" in schema:
        say("known today: {}; others may come", listed(schema["x-extensible-enum"]))
    if "default" in schema:
        say("default {}", code(schema["default"]))
    if "examples" in schema:
        say("such as {}", listed(schema["examples"]))
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        say("from {} to {}", number(low), number(high))
    elif low is not None:
        say("at least {}", number(low))
    elif high is not None:
        say("at most {}", number(high))
    shortest = schema.get("minLength")
    if shortest is not None:
        say("{}", "not empty" if shortest == 1 else f"at least {number(shortest)} characters")
    if "maxLength" in schema:
        say("at most {} characters", number(schema["maxLength"]))
    if "pattern" in schema:
        say("matches {}", code(schema["pattern"]))
    if "minProperties" in schema:
        say("at least {} fields", number(schema["minProperties"]))
    if "x-maxBytes" in schema:
        say("at most {} bytes as JSON in UTF-8", number(schema["x-maxBytes"]))
    if "x-uniqueBy" in schema:
        say("no two items with the same {}", code(schema["x-uniqueBy"]))
    for one, others in schema.get("dependentRequired", {}).items():
        say("{} needs {}", code(one), listed(others))
    for model, sizes in schema.get("x-knownVideoSizes", {}).items():
        say("video sizes with {}: {}", code(model), listed(sizes))
    if "not" in schema:
        facts.append(_forbidden(schema["not"]))
    if schema.get("type") == "object":
        facts += _openness(where, schema)
    return facts


def _forbidden(schema: Schema) -> Markup:
    """What `not` rules out. Two shapes occur; any other is shown as it is written."""
    required, properties = schema.get("required", []), schema.get("properties", {})
    conditions = {name: rule for name, rule in properties.items() if rule}
    if schema.keys() <= {"required", "properties"} and not conditions and len(required) > 1:
        return Markup("never {} together").format(Markup(" and ").join(map(code, required)))
    values = [name for name, rule in conditions.items() if name in required and len(rule.get("enum", [])) == 1]
    absent = [name for name, rule in conditions.items() if rule == {"not": {}}]
    if schema.keys() <= {"required", "properties"} and len(values) == len(absent) == len(required) == 1:
        return Markup("{} {} needs {}").format(code(values[0]), code(conditions[values[0]]["enum"][0]), code(absent[0]))
    return Markup("never what satisfies {}").format(code(schema))


def _openness(where: str, schema: Schema) -> list[Markup]:
    keywords = [schema[name] for name in ("additionalProperties", "unevaluatedProperties") if name in schema]
    if keywords == [False]:
        return [Markup("no other fields")]
    if keywords in ([True], []):
        return [Markup("any fields" if "properties" not in schema else "further fields may come")]
    if len(keywords) == 1 and isinstance(keywords[0], dict) and "properties" not in schema:
        return [fact for fact in facts_of(where, keywords[0]) if fact]
    raise CannotShow(f"{where}: the page cannot show this mixture of fields")


# The document, piece by piece


class Page:
    """What the template is given."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        known("document", document, "openapi", "info", "servers", "tags", "paths", "components")
        known("info", document["info"], "title", "version", "summary", "description", "license")
        known(
            "components",
            document["components"],
            *("securitySchemes", "parameters", "headers", "responses", "schemas", "examples"),
        )
        self._components: dict[str, dict[str, Any]] = document["components"]
        self._markdown = MarkdownIt("commonmark", {"html": False})
        self._used: dict[str, set[str]] = {kind: set() for kind in self._components}
        self._header_names: dict[str, str] = {}
        self.openapi, self.info = document["openapi"], document["info"]
        self.introduction = self.text(document["info"]["description"])
        self.servers = [self._server(server) for server in document["servers"]]
        self._tags = {tag["name"]: tag["description"] for tag in document["tags"]}
        self.operations = [
            self._operation(path, method, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
        ]
        self.credentials = [self._credential(name, said) for name, said in self._components["securitySchemes"].items()]
        self.headers = self._headers()
        self.schemas = [self._schema(name, schema) for name, schema in self._components["schemas"].items()]
        self._note_uses()
        self._complain_of_unused()

    def text(self, markdown: str | None) -> Markup:
        """A description as HTML."""
        # Safe: HTML in the text is switched off, so that it comes out escaped.
        return Markup(self._markdown.render(markdown or ""))

    def _resolved(self, node: Mapping[str, Any], kind: str) -> dict[str, Any]:
        if "$ref" not in node:
            return dict(node)
        name = name_of(node["$ref"], kind)
        self._used[kind].add(name)
        return dict(self._components[kind][name])

    def _server(self, server: Mapping[str, Any]) -> dict[str, Any]:
        known("server", server, "url", "description")
        return {"url": server["url"], "description": self.text(server["description"])}

    def _operation(self, path: str, method: str, operation: Mapping[str, Any]) -> dict[str, Any]:
        where = operation.get("operationId", f"{method} {path}")
        known(
            where,
            operation,
            *("operationId", "tags", "summary", "description", "security", "parameters", "requestBody", "responses"),
        )
        body = operation["requestBody"]
        known(f"{where}, request", body, "required", "description", "content")
        return {
            "id": operation["operationId"],
            "method": method.upper(),
            "path": path,
            "summary": operation["summary"],
            "tags": [(name, self._tags[name]) for name in operation["tags"]],
            "description": self.text(operation["description"]),
            "credentials": [name for choice in operation["security"] for name in choice],
            "parameters": [self._parameter(where, parameter) for parameter in operation.get("parameters", [])],
            "request": {
                "required": body.get("required", False),
                "description": self.text(body["description"]),
                **self._content(f"{where}, request", body["content"]),
            },
            "responses": [self._response(where, status, said) for status, said in operation["responses"].items()],
        }

    def _parameter(self, where: str, reference: Mapping[str, Any]) -> dict[str, Any]:
        said = self._resolved(reference, "parameters")
        known(f"{where}, parameter", said, "name", "in", "required", "description", "schema", "example")
        return {
            "name": said["name"],
            "in": said["in"],
            "required": said.get("required", False),
            **self._value(f"{where}, {said['name']}", said),
        }

    def _value(self, where: str, said: Mapping[str, Any]) -> dict[str, Any]:
        facts = facts_of(where, said["schema"])
        if "example" in said:
            facts.append(Markup("such as {}").format(code(said["example"])))
        return {
            "type": type_of(where, said["schema"]),
            "facts": facts,
            "description": self.text(said.get("description")),
        }

    def _content(self, where: str, content: Mapping[str, Any]) -> dict[str, Any]:
        ((media_type, said),) = content.items()
        known(where, said, "schema", "examples")
        if not said.get("examples"):
            raise CannotShow(f"{where}: it has no example")
        return {
            "media_type": media_type,
            "schema": type_of(where, said["schema"]),
            "examples": [self._example(where, name, example) for name, example in said["examples"].items()],
        }

    def _example(self, where: str, name: str, reference: Mapping[str, Any]) -> dict[str, Any]:
        example = self._resolved(reference, "examples")
        known(f"{where}, example {name}", example, "summary", "value")
        return {"name": name, "summary": example["summary"], "json": coloured(example["value"])}

    def _response(self, where: str, status: str, reference: Mapping[str, Any]) -> dict[str, Any]:
        said = self._resolved(reference, "responses")
        known(f"{where}, {status}", said, "description", "headers", "content")
        for name, header in said.get("headers", {}).items():
            self._resolved(header, "headers")
            previous = self._header_names.setdefault(name_of(header["$ref"], "headers"), name)
            if previous != name:
                raise CannotShow(f"{where}, {status}: the header {name} is called {previous} elsewhere")
        return {
            "status": status,
            "description": self.text(said["description"]),
            "headers": list(said.get("headers", {})),
            **self._content(f"{where}, {status}", said["content"]),
        }

    def _headers(self) -> list[dict[str, Any]]:
        found = []
        for key, name in self._header_names.items():
            said = self._components["headers"][key]
            known(f"header {name}", said, "description", "schema", "example")
            found.append({"name": name, **self._value(name, said)})
        return found

    def _credential(self, name: str, said: Mapping[str, Any]) -> dict[str, Any]:
        known(f"credential {name}", said, "type", "scheme", "bearerFormat", "description")
        if (said["type"], said["scheme"]) != ("http", "bearer"):
            raise CannotShow(f"credential {name}: not a bearer")
        return {
            "name": name,
            "format": said.get("bearerFormat"),
            "description": self.text(said["description"]),
            "operations": [operation for operation in self.operations if name in operation["credentials"]],
        }

    def _schema(self, name: str, schema: Schema) -> Named:
        return Named(
            name=name,
            type=type_of(name, schema),
            description=self.text(schema.get("description")),
            facts=facts_of(name, schema),
            fields=[self._field(name, schema, key, value) for key, value in schema.get("properties", {}).items()],
        )

    def _field(self, owner: str, schema: Schema, name: str, said: Schema) -> Field:
        where = f"{owner}.{name}"
        facts = facts_of(where, said)
        items = said.get("items", {})
        facts += [Markup("each {}").format(fact) for fact in facts_of(where, items)]
        description = said.get("description")
        if description is None and "$ref" in said:
            # What the field is about, without a jump; its rules are at the schema's own place.
            description = self._components["schemas"][name_of(said["$ref"], "schemas")].get("description")
        return Field(
            name=name,
            type=type_of(where, said),
            required=name in schema.get("required", []),
            deprecated=said.get("deprecated", False),
            description=self.text(description),
            facts=facts,
        )

    def _note_uses(self) -> None:
        by_name = {schema.name: schema for schema in self.schemas}

        def note(node: object, place: tuple[str, str]) -> None:
            if isinstance(node, dict):
                reference = node.get("$ref")
                if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
                    used = by_name[name_of(reference, "schemas")]
                    if place not in used.used_by:
                        used.used_by.append(place)
                for value in node.values():
                    note(value, place)
            elif isinstance(node, list):
                for value in node:
                    note(value, place)

        for name, schema in self._components["schemas"].items():
            note(schema, (f"schema-{name}", name))
        for operation in self.operations:
            for part in (operation["request"], *operation["responses"]):
                for name, used in by_name.items():
                    place = (operation["id"], operation["id"])
                    if part["schema"] == link(name) and place not in used.used_by:
                        used.used_by.append(place)

    def _complain_of_unused(self) -> None:
        for kind in ("parameters", "headers", "responses", "examples"):
            if unused := sorted(self._components[kind].keys() - self._used[kind]):
                raise CannotShow(f"components/{kind}: nothing refers to {', '.join(unused)}")


def coloured(value: object, indent: str = "") -> Markup:
    """JSON as people write it, with a class on names and on values that are not text."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        items = [
            Markup('{}<span class="k">{}</span>: {}').format(inner, json.dumps(name), coloured(item, inner))
            for name, item in value.items()
        ]
        return Markup("{{\n{}\n{}}}").format(Markup(",\n").join(items), indent)
    if isinstance(value, list) and value:
        items = [Markup("{}{}").format(inner, coloured(item, inner)) for item in value]
        return Markup("[\n{}\n{}]").format(Markup(",\n").join(items), indent)
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict | list):
        return escape(text)
    return Markup('<span class="{}">{}</span>').format("s" if isinstance(value, str) else "n", text)


def build(spec: Path) -> str:
    """The page of a document.

    Raises:
        CannotShow: The document holds something that the page has no place for.
    """
    document = yaml.safe_load(spec.read_text("utf-8"))
    # The policy names the style by its hash, so what is hashed is byte for byte what stands in the page.
    style = "\n".join(line.rstrip() for line in (TEMPLATES / "style.css").read_text("utf-8").strip().splitlines())
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.get_template("page.html.jinja")
    html = template.render(page=Page(document), style=Markup(style), style_hash=f"sha256-{digest}")
    return "\n".join(line.rstrip() for line in html.splitlines()) + "\n"


def main(args: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; tell what would change, and exit 1")
    parser.add_argument("--spec", type=Path, default=SPEC, help="the OpenAPI document")
    parser.add_argument("--page", type=Path, default=PAGE, help="the file to build or check")
    options = parser.parse_args(args)

    try:
        fresh = build(options.spec)
    except CannotShow as error:
        print(f"error: {error}; teach scripts/docs.py.", file=sys.stderr)
        return 1
    if options.check:
        there = options.page.read_text("utf-8") if options.page.exists() else ""
        if there == fresh:
            return 0
        sys.stdout.writelines(
            difflib.unified_diff(there.splitlines(keepends=True), fresh.splitlines(keepends=True), "committed", "built")
        )
        print(f"error: {options.page.name} is not what openapi.yaml gives; run `make docs`.", file=sys.stderr)
        return 1
    options.page.write_text(fresh, "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
