"""The contract as Python sees it: plain data that the templates lay out.

openapi-python-client's own view of a field has a name and a type; bounds, words and rules it drops. This one starts
from the document itself and keeps them. What it does not understand it refuses, with the place in the document:
nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from support import Flag, Id, Items, Json, Kind, Number, Object, Password, Text, Whole, in_words

Schema = dict[str, Any]

CLOSED = {"additionalProperties", "unevaluatedProperties"}
KINDS: dict[str, tuple[type[Kind], str, set[str]]] = {
    "string": (Text, "str", set()),
    "number": (Number, "float", set()),
    "integer": (Whole, "int", set()),
    "boolean": (Flag, "bool", set()),
    "array": (Items, "Sequence[{}]", {"items"}),
    "object": (
        Object,
        "Mapping[str, {}]",
        {"properties", "required", "dependentRequired", "dependentSchemas", "not", *CLOSED},
    ),
    "union": (Json, "Any", {"oneOf", "anyOf"}),
    "": (Json, "Any", set()),
}
"""JSON Schema's type → how a value is checked, its type in Python, and the keywords that are no rule of one value."""
ANNOTATIONS = {"description", "examples", "example", "deprecated", "title", "x-source", "x-reason", "type", "default"}
LOOSE = {"int64", "float", "double"}
"""Formats that bound nothing further."""
UUID_PATTERN = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-"


class NotSupported(Exception):
    """The contract holds what the generated classes would silently leave out. The text begins with the place."""


def snake(name: str) -> str:
    """As openapi-python-client names attributes and modules."""
    spaced = " ".join(re.split("([A-Z]?[a-z]+)", name)) if re.search("[A-Z]", name) else name
    return "_".join(re.findall(r"[^. _-]+", spaced)).lower()


class View:
    """The contract, with the hints of the overlay.

    Args:
        document: openapi.yaml.
        overlay: Schema → hints; see generated/overlay.yaml.
    """

    def __init__(self, document: Schema, overlay: Schema) -> None:
        self.document, self.overlay = document, overlay
        self.schemas: dict[str, Schema] = dict(document["components"]["schemas"])
        for name, schema in list(self.schemas.items()):
            check(schema, f"#/components/schemas/{name}")
            self.hoist(name, schema)
        self.spelling = {
            wire: self.named(name, wire)
            for name, schema in reversed(self.schemas.items())
            for wire in schema.get("properties", {})
        }
        self.operations = [
            self.operation(f"#/paths/{path.replace('/', '~1')}/{method}", path, method, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]
        bodies = [operation["body"] for operation in self.operations]
        answers = [name for operation in self.operations for name in operation["answers"].values()]
        asked, answered = set(self.reached(bodies)), set(self.reached(answers))
        for name in self.schemas:
            if (name in asked) == (name in answered):
                why = "is both sent and answered" if name in asked else "is used by no operation"
                raise NotSupported(f"#/components/schemas/{name}: {why}")
        for where, hints in overlay.items():
            name, _, wire = where.partition(".")
            if name not in self.schemas or (wire and wire not in self.schemas[name].get("properties", {})):
                raise NotSupported(f"generated/overlay.yaml: {where}: {', '.join(hints)} is of no effect")
            if "merge" in hints:
                self.merge(name)
            if "flatten" in hints:
                self.flatten(name, wire)
        self.asked = set(self.reached(bodies))
        made = dict.fromkeys((*self.reached(bodies), *self.reached(answers)))
        self.classes = [self.model(name, schema) for name in made if "properties" in (schema := self.schemas[name])]

    # Schemas.

    def hoist(self, name: str, schema: Schema) -> None:
        """Gives a name to what is described in place; makes a union of an object that is divided by its fields."""
        for wire, prop in schema.get("properties", {}).items():
            inner = prop.get("items", prop)
            if "properties" in inner:
                inline = f"{name}{wire[0].upper()}{wire[1:]}"
                self.schemas[inline] = dict(inner)
                inner.clear()
                inner["$ref"] = f"#/components/schemas/{inline}"
                self.hoist(inline, self.schemas[inline])
        if "dependentSchemas" in schema:
            parts = [{"$ref": part} for part in dict.fromkeys(references(schema["dependentSchemas"]))]
            self.schemas[name] = {"description": schema["description"], "anyOf": parts}

    def merge(self, name: str) -> None:
        """Makes one object of a union's. The one with required fields excludes the fields of the others."""
        members = [self.schemas[member] for member in self.members(name)]
        alone = next(member for member in members if "required" in member)
        others = [member for member in members if member is not alone]
        self.schemas[name] = {
            "description": self.schemas[name]["description"],
            "more": members[-1]["description"],
            "properties": {wire: prop for m in (*others, alone, *others) for wire, prop in m["properties"].items()},
            "not": {"alone": list(alone["properties"])},
            "additionalProperties": any(map(is_open, members)),
        }

    def flatten(self, name: str, wire: str) -> None:
        """Puts the fields of an object that a field holds in the place of the field."""
        outer, inner = self.schemas[name], self.component(self.schemas[name]["properties"][wire])
        if "not" in inner or "dependentRequired" in inner or any("." in deeper for deeper in inner["properties"]):
            raise NotSupported(f"#/components/schemas/{name}/properties/{wire}: cannot be flattened")
        deeper = {f"{wire}.{key}": prop for key, prop in inner["properties"].items()}
        needed = [f"{wire}.{key}" for key in inner.get("required", ()) if wire in outer.get("required", ())]
        pairs = [deeper.items() if key == wire else [(key, prop)] for key, prop in outer["properties"].items()]
        required = [*outer.get("required", ()), *needed]
        self.schemas[name] = outer | {"properties": dict(pair for each in pairs for pair in each), "required": required}

    def component(self, s: Schema) -> Schema:
        """What a reference to any component stands for, with what is said beside it."""
        kind, _, name = s.get("$ref", "").removeprefix("#/components/").partition("/")
        known = self.schemas if kind == "schemas" else self.document["components"].get(kind, {})
        return self.component(known[name]) | {k: v for k, v in s.items() if k != "$ref"} if name else s

    def members(self, name: str) -> list[str]:
        """The schemas of objects that a union stands for; itself, for an object."""
        if name not in self.schemas:
            raise NotSupported(f"#/components/schemas/{name}: is not there")
        parts = [ref(part) for part in union(self.schemas[name])]
        return [member for part in parts for member in self.members(part)] if all(parts) and parts else [name]

    def reached(self, names: Iterable[str], path: tuple[str, ...] = ()) -> Iterator[str]:
        """The schemas that some are made of, each after those that it is made of itself."""
        for name in names:
            if name in path:
                raise NotSupported(f"#/components/schemas/{name}: refers to itself")
            yield from self.reached(references(self.schemas[name]), (*path, name))
            yield name

    # Names and words.

    def hint(self, where: str, hint: str, default: Any = None) -> Any:
        return self.overlay.get(where, {}).get(hint, default)

    def named(self, name: str, wire: str) -> str:
        return str(self.hint(f"{name}.{wire}", "name", snake(wire.rpartition(".")[2])))

    def parts(self, name: str) -> list[str]:
        """The classes of objects that a schema may be."""
        objects = [member for member in self.members(name) if "properties" in self.schemas[member]] if name else []
        return [self.hint(member, "class", member) for member in objects]

    def spelled(self, text: str) -> str:
        """Words of the contract with names as Python spells them; a paragraph, or an item of a list, is a line."""
        text = re.sub(r"`(\w+)`", lambda match: f"`{self.spelling.get(match[1], match[1])}`", text.strip())
        text = re.sub(r"(?<!\n)\n(?!\n|\s*(-|\d+\.) )\s*", " ", text)
        return text.replace("\\", "\\\\").replace('"""', "'''")

    # Classes.

    def model(self, name: str, schema: Schema) -> Schema:
        """A class: its fields, the rules across them, and its words."""
        asked, place = name in self.asked, f"#/components/schemas/{name}"
        fields = [self.field(name, wire, raw, place) for wire, raw in schema["properties"].items()]
        across = self.across(schema, {f["wire"]: f["name"] for f in fields}, place)
        constants = {f["wire"]: f["values"][0] for f in fields if asked and f["required"] and len(f["values"]) == 1}
        fields = [f for f in fields if f["wire"] not in constants]
        for f in fields:
            f["doc"] = self.doc(f, across, asked)
            if not asked:
                f["type"], f["initial"] = answered(f)
        return {
            "name": self.hint(name, "class", name),
            "asked": asked,
            "doc": self.spelled("\n\n".join(schema[key] for key in ("description", "more") if key in schema)),
            "fields": sorted(fields, key=lambda f: not f["required"]),
            "constants": constants,
            "exported": not self.hint(name, "subclassed"),
            "positional": self.hint(name, "positional", False),
            "open": is_open(schema),
            "across": across,
            "catalogues": {snake(k[2:]).upper(): v for k, v in schema.items() if k.startswith("x-known")},
        }

    def field(self, name: str, wire: str, raw: Schema, place: str) -> Schema:
        s = self.component(raw)
        return {
            "wire": wire,
            "name": self.named(name, wire),
            "values": s.get("enum", ()),
            "required": wire in self.schemas[name].get("required", ()),
            "nullable": "null" in s.get("type", ""),
            "default": s.get("default"),
            "description": s.get("description", ""),
            **self.kind(raw, f"{place}/properties/{wire}"),
        }

    def kind(self, raw: Schema, place: str) -> Schema:
        """How a value is checked (`kind`), its type (`type`), what is taken for it (`takes`), its bounds in words."""
        s, name = self.component(raw), ref(raw)
        if parts := self.parts(name):
            base = parts[0] if len(parts) == 1 else name
            kind = f"One({', '.join(parts)})"
            return {"kind": kind, "type": base, "takes": f"{base} | Mapping[str, Any]", "words": []}
        form = form_of(s)
        if form == "union":
            inner = [self.kind(member, place) for member in union(s)]
            for one, many in (inner, inner[::-1]) if len(inner) == 2 else ():
                if many["kind"] == f"Items({one['kind']})":  # a value, or a list of such
                    return many
            raise NotSupported(f"{place}: a union of other things than objects")
        (cls, base, _), bounds = KINDS[form], rules(s, form)
        inside = s.get("items") or s.get("additionalProperties")
        if isinstance(inside, dict) and inside:
            of = self.kind(inside, place)
            kind = code(cls, bounds, of["kind"])
            types = {"type": base.format(of["type"]), "takes": base.format(of["takes"]), "items": of["type"]}
            return {"kind": kind, **types, "words": of["words"]}
        base = takes = base.format("Any")
        if bounds.get("format") == "password":
            cls, base, takes = Password, "Secret", "str | Secret"
        elif "enum" in bounds:
            base = takes = name if len(bounds["enum"]) > 1 and name else literal(bounds["enum"])
        elif form == "string" and (
            bounds.get("format") == "uuid" or (place.endswith("Id") and "/properties/" in place)
        ):
            cls, takes = Id, "str | UUID" if "format" in bounds else "str"
        return {"kind": code(cls, bounds), "type": base, "takes": takes, "words": words(cls(**bounds))}

    def across(self, schema: Schema, names: dict[str, str], place: str) -> list[Schema]:
        """Rules that span fields: `dependentRequired`, and `not` in the shapes that say something."""
        rules: list[Schema] = [
            {"when": names[wire], "needs": tuple(names[other] for other in others)}
            for wire, others in schema.get("dependentRequired", {}).items()
        ]
        unwanted = schema.get("not", {})
        required, properties = unwanted.get("required", []), unwanted.get("properties", {})
        absent = [wire for wire, s in properties.items() if s == {"not": {}}]
        value = [s["enum"][0] for s in properties.values() if len(s.get("enum", ())) == 1]
        if alone := unwanted.get("alone"):
            others = tuple(name for wire, name in names.items() if wire not in alone)
            rules.append({"when": names[alone[0]], "forbids": others})
        elif len(required) == 2 and not any(properties.values()):
            rules.append({"when": names[required[1]], "forbids": (names[required[0]],)})
        elif len(required) == len(absent) == len(value) == 1 and len(properties) == 2:
            rules.append({"when": names[required[0]], "equals": value[0], "needs": (names[absent[0]],)})
        elif unwanted:
            raise NotSupported(f"{place}/not: neither two that exclude each other, nor one that another needs")
        return rules

    def doc(self, f: Schema, across: list[Schema], asked: bool) -> str:
        """What a field means, its bounds in words, and the rules that it shares with others."""
        found = [word for word in f["words"] if word.strip(".").lower() not in f["description"].lower()]
        for rule in across:
            pair = (rule["when"], *rule.get("forbids", ()))
            if f["name"] == rule["when"] and "needs" in rule and "equals" not in rule:
                found.append(f"Together with {listed(rule['needs'])}.")
            elif f["name"] in pair and len(pair) == 2:
                found.append(f"Not together with `{pair[pair[0] == f['name']]}`.")
        if f["default"] is not None:
            default = f["default"]
            found.append(f"Anam's default is {default}." if asked else f"{default} when the server does not say.")
        if f["nullable"]:
            found.append("`null` on the wire is the same as leaving it out.")
        return " ".join([self.spelled(f["description"]), *found])

    def aliases(self) -> list[Schema]:
        """Names for closed sets of words, and for unions of classes."""
        found = []
        for name, s in self.schemas.items():
            parts, values = self.parts(name), s.get("enum", ())
            if len(values) > 1 or (len(parts) > 1 and name in self.asked):
                kind = literal(values) if values else " | ".join(parts)
                found.append(
                    {"name": name, "type": kind, "doc": self.spelled(s["description"]), "exported": not values}
                )
        return found

    # Operations.

    def operation(self, place: str, path: str, method: str, operation: Schema) -> Schema:
        def schema(holder: Schema) -> str:
            return ref(self.component(holder)["content"]["application/json"]["schema"])

        parameters = [self.component(p) for p in operation.get("parameters", ())]
        for p in parameters:
            if p["in"] != "header" or p.get("required") or self.component(p["schema"]).get("type") != "string":
                raise NotSupported(f"{place}/parameters: {p['name']} is no optional header that holds a string")
        if "{" in path:
            raise NotSupported(f"{place}: parameters in the path")
        body = schema(operation["requestBody"])
        return {
            "name": snake(operation["operationId"]),
            "method": method.upper(),
            "path": path,
            "doc": self.spelled(f"{operation['summary']}.\n\n{operation['description']}"),
            "headers": [(snake(p["name"]), p["name"], self.spelled(p["description"])) for p in parameters],
            "body": body,
            "takes": self.parts(body),
            "body_doc": self.spelled(self.component(operation["requestBody"])["description"]),
            "answers": {code: self.members(schema(answer))[0] for code, answer in operation["responses"].items()},
        }


def ref(s: Schema) -> str:
    """The schema that a schema refers to, or nothing."""
    return str(s.get("$ref", "")).rpartition("/")[2]


def union(s: Schema) -> list[Schema]:
    return s.get("oneOf") or s.get("anyOf") or []


def is_open(s: Schema) -> bool:
    return s.get("additionalProperties", s.get("unevaluatedProperties")) is not False


def references(s: Any) -> Iterator[str]:
    """The schemas that one refers to, at any depth."""
    if isinstance(s, dict) and ref(s):
        yield ref(s)
    for inner in s.values() if isinstance(s, dict) else s if isinstance(s, list) else ():
        yield from references(inner)


def form_of(s: Schema) -> str:
    kinds = [s["type"]] if isinstance(s.get("type"), str) else [t for t in s.get("type", ()) if t != "null"]
    return "union" if union(s) else " or ".join(kinds)


def check(s: Schema, place: str) -> None:
    """Refuses keywords that would be left out."""
    if "$ref" in s:
        return
    form = form_of(s)
    if form not in KINDS:
        raise NotSupported(f"{place}/type: {form}")
    for keyword, value in s.items():
        if keyword == "format" and value not in known(form) | LOOSE:
            raise NotSupported(f"{place}/format: {value}")
        expected = keyword in ANNOTATIONS | KINDS[form][2] or keyword.startswith("x-known")
        if not expected and snake(keyword.removeprefix("x-")) not in known(form) | {"format"}:
            raise NotSupported(f"{place}/{keyword}")
    inside = {f"properties/{wire}": prop for wire, prop in s.get("properties", {}).items()}
    inside |= {key: s[key] for key in ("items", "additionalProperties") if isinstance(s.get(key), dict)}
    for key, inner in (inside | {f"oneOf/{i}": member for i, member in enumerate(union(s))}).items():
        check(inner, f"{place}/{key}")


def known(form: str) -> set[str]:
    """The keywords and formats that bound a value's rules."""
    return {keyword for row in KINDS[form][0].RULES for keyword in row[0].split()}


def rules(s: Schema, form: str) -> Schema:
    """The rules of a schema, as a kind takes them."""
    found: Schema = {}
    for keyword, value in s.items():
        name = snake(keyword.removeprefix("x-"))
        if name == "unique_by":
            found[name] = snake(value)
        elif name == "pattern" and value.startswith(UUID_PATTERN):
            found["format"] = "uuid"
        elif name in known(form) or (name == "format" and value in known(form)):
            found[name] = tuple(value) if isinstance(value, list) else value
    return found


def code(cls: type[Kind], bounds: Schema, *first: str) -> str:
    return f"{cls.__name__}({', '.join((*first, *(f'{name}={value!r}' for name, value in bounds.items())))})"


def literal(values: Sequence[str]) -> str:
    return f"Literal[{', '.join(map(repr, values))}]"


def words(kind: Kind) -> list[str]:
    """The bounds of a kind as a sentence each, in the words of the rules that are told when they are broken."""
    found = []
    for rule, _, bounds in kind.rules:
        if "known today" in rule:
            found.append(f"Known today: {listed(bounds[0])}; others are sent, with a warning.")
        elif any(bound is not None for bound in bounds):
            text = in_words(rule, bounds, listed).removeprefix("must ").removeprefix("be ").removeprefix("have ")
            found.append(f"{text[0].upper()}{text[1:]}.")
    return [*found, "Held as a `Secret`."] if kind.mask else found


def answered(f: Schema) -> tuple[str, str]:
    """Type and default of an attribute of an answer: plain strings, tuples, the contract's default."""
    kind = f"tuple[{f['items']}, ...]" if "items" in f else f["type"].replace("Secret", "str")
    if f["required"]:
        return kind, ""
    default = () if "items" in f else f["default"]
    return (f"{kind} | None" if default is None else kind), f" = {default!r}"


def listed(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def as_jinja(document: Schema, overlay: Schema) -> str:
    """Everything that the templates are told, as a template to import from; Jinja reads Python's literals."""
    view = View(document, overlay)
    operations = {operation["name"]: operation for operation in view.operations}
    told = {"classes": view.classes, "aliases": view.aliases(), "operations": operations}
    told["version"] = document["info"]["version"]
    return "".join(f"{{% set {name} = {part!a} %}}\n" for name, part in told.items())
