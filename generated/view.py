"""The contract as Python sees it: plain data that the templates lay out.

openapi-python-client's own view of a field has a name and a type; bounds, words and rules it drops. This one starts
from the document itself and keeps them. What it does not understand it refuses, with the place in the document:
nothing is left out in silence.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

WIDTH = 112
BOUNDS = {
    "minimum": "ge",
    "maximum": "le",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "x-extensible-enum": "known",
    "x-maxBytes": "max_bytes",
}
"""JSON Schema's keyword → argument of a kind in `support`."""
FORMATS: dict[str, Schema] = {
    "uri": {"uri": True},
    "uuid": {"uuid": True},
    "password": {"secret": True},
    "int32": {"bits": 32},
    "int64": {},
    "float": {},
    "double": {},
}
ANNOTATIONS = {"description", "examples", "example", "deprecated", "title", "x-source", "x-reason"}
ANY = ANNOTATIONS | {"type", "default", "enum", "const"}
KEYWORDS = {
    "string": ANY | {"format", "minLength", "maxLength", "pattern", "x-extensible-enum"},
    "number": ANY | {"format", "minimum", "maximum"},
    "integer": ANY | {"format", "minimum", "maximum"},
    "boolean": ANY,
    "array": ANY | {"items", "x-uniqueBy"},
    "object": ANY
    | {"properties", "required", "additionalProperties", "unevaluatedProperties", "dependentRequired", "not"}
    | {"x-maxBytes"},
    "union": ANNOTATIONS | {"oneOf", "anyOf"},
    "any": ANNOTATIONS,
}
SCALARS = {"string": "str", "number": "float", "integer": "int", "boolean": "bool"}
UUID_PATTERN = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-"


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
        for name in list(self.schemas):
            self.hoist(name, self.schemas[name])
            if "dependentSchemas" in self.schemas[name]:  # an object that is divided by its fields: a union to Python
                parts = dict.fromkeys(references(self.schemas[name]["dependentSchemas"]))
                union = [{"$ref": f"#/components/schemas/{part}"} for part in parts]
                self.schemas[name] = {"description": self.schemas[name]["description"], "anyOf": union}
        self.used_hints: set[str] = set()
        self.merged = {name: self.members(name) for name in self.schemas if self.hint(name, "merge")}
        self.flattened = {
            ref(p)
            for name, s in self.schemas.items()
            for wire, p in s.get("properties", {}).items()
            if self.hint(f"{name}.{wire}", "flatten")
        }
        self.operations = [
            self.operation(f"#/paths/{path.replace('/', '~1')}/{method}", path, method, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]
        asked = self.reached(o["body"]["schema"] for o in self.operations)
        answered = self.reached(name for o in self.operations for name in o["answers"].values())
        for name in self.schemas:
            if (name in asked) == (name in answered):
                why = "is both sent and answered" if name in asked else "is used by no operation"
                raise NotSupported(f"#/components/schemas/{name}: {why}")
        self.asked = asked
        self.wires: dict[str, str] = {}
        self.classes = [self.model(name) for name in self.ordered()]
        for c in self.classes:
            self.word(c)
        for o in self.operations:
            o["doc"] = wrapped(self.spelled(o["description"]), WIDTH)
        if unused := self.hints() - self.used_hints:
            raise NotSupported(f"generated/overlay.yaml: {', '.join(sorted(unused))} is of no effect")

    # The overlay.

    def hints(self) -> set[str]:
        return {f"{where}: {hint}" for where, hints in self.overlay.items() for hint in hints}

    def hint(self, where: str, hint: str, default: Any = None) -> Any:
        found = self.overlay.get(where, {}).get(hint)
        if found is not None:
            self.used_hints.add(f"{where}: {hint}")
        return default if found is None else found

    # References.

    def hoist(self, name: str, schema: Schema) -> None:
        """Gives objects that are described in place a name, as if they stood among the schemas."""
        for wire, prop in schema.get("properties", {}).items():
            inner = prop.get("items", prop)
            if "properties" in inner:
                inline = f"{name}{wire[0].upper()}{wire[1:]}"
                self.schemas[inline] = dict(inner)
                inner.clear()
                inner["$ref"] = f"#/components/schemas/{inline}"
                self.hoist(inline, self.schemas[inline])

    def component(self, s: Schema) -> Schema:
        """What a reference to any component stands for."""
        kind, _, name = s.get("$ref", "").removeprefix("#/components/").partition("/")
        return self.component(self.document["components"][kind][name]) if name else s

    def resolve(self, s: Schema) -> Schema:
        name = ref(s)
        return self.resolve(self.schemas[name]) | {k: v for k, v in s.items() if k != "$ref"} if name else s

    def members(self, name: str) -> list[str]:
        """The schemas of objects that a union stands for; itself, for an object."""
        if name not in self.schemas:
            raise NotSupported(f"#/components/schemas/{name}: is not there")
        schema = self.schemas[name]
        parts = [ref(part) for part in schema.get("oneOf") or schema.get("anyOf") or ()]
        return [member for part in parts for member in self.members(part)] if all(parts) and parts else [name]

    def reached(self, start: Iterator[str]) -> set[str]:
        found: set[str] = set()
        todo = list(start)
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += references(self.schemas[name])
        return found

    def class_of(self, name: str) -> str:
        """The class that a schema is, which for merged ones is that of the union."""
        union = next((union for union, members in self.merged.items() if name in members), name)
        return str(self.hint(union, "class", union))

    def parts(self, name: str) -> list[str]:
        """The classes of objects that a schema may be."""
        found = [self.class_of(m) for m in self.members(name) if "properties" in self.schemas[m]]
        return list(dict.fromkeys(found))

    def ordered(self) -> list[str]:
        """The schemas that become classes, each after those that it is made of."""
        inside = {member for members in self.merged.values() for member in members} | self.flattened
        order: list[str] = []

        def visit(name: str, path: tuple[str, ...]) -> None:
            if name in path:
                raise NotSupported(f"#/components/schemas/{name}: refers to itself")
            for inner in references(self.schemas[name]):
                visit(inner, (*path, name))
            is_class = name in self.merged or ("properties" in self.schemas[name] and name not in inside)
            if is_class and name not in order:
                order.append(name)

        for name in self.schemas:
            visit(name, ())
        return order

    # Classes.

    def model(self, name: str) -> Schema:
        schemas = self.merged.get(name, [name])
        fields: list[Schema] = []
        across: list[Schema] = []
        # The one with required fields last: those are what it adds.
        for member in sorted(schemas, key=lambda n: len(schemas) > 1 and "required" in self.schemas[n]):
            known(self.schemas[member], "object", f"#/components/schemas/{member}")
            own = list(self.fields(member, f"#/components/schemas/{member}"))
            across += self.across(member, own)
            if len(schemas) > 1 and self.schemas[member].get("required"):
                for f in own:
                    f["required"] = False
                across += [{"when": own[0]["name"], "alone": [f["name"] for f in own]}]
            fields += [f for f in own if f["name"] not in {g["name"] for g in fields}]
        for rule in across:
            if "alone" in rule:
                rule["forbids"] = tuple(f["name"] for f in fields if f["name"] not in rule["alone"])
                del rule["alone"]
        constants = {f["wire"]: f["constant"] for f in fields if f["constant"] is not None}
        fields = [f for f in fields if f["constant"] is None]
        for f in fields:
            self.wires.setdefault(f["wire"].rpartition(".")[2], f["name"])
            if name not in self.asked:
                f["type"], f["initial"] = answered(f)
        schema = self.schemas[schemas[-1]]
        return {
            "name": self.class_of(name),
            "schema": name,
            "asked": name in self.asked,
            "description": "\n\n".join(self.schemas[n]["description"] for n in dict.fromkeys([name, schemas[-1]])),
            "fields": sorted(fields, key=lambda f: not f["required"]),
            "constants": constants,
            "exported": not self.hint(name, "subclassed"),
            "positional": bool(self.hint(name, "positional")),
            "open": schema.get("additionalProperties", schema.get("unevaluatedProperties")) is not False,
            "across": across,
            "catalogues": {snake(k[2:]).upper(): v for k, v in schema.items() if k.startswith("x-known")},
        }

    def fields(self, name: str, where: str, prefix: str = "", needed: bool = True) -> Iterator[Schema]:
        schema = self.schemas[name]
        for wire, raw in schema.get("properties", {}).items():
            here = f"{where}/properties/{wire}"
            s = self.resolve(raw)
            required = needed and wire in schema.get("required", ())
            if self.hint(f"{name}.{wire}", "flatten"):
                known(s, "object", here)
                if prefix or s.get("not") or s.get("dependentRequired"):
                    raise NotSupported(f"{here}: cannot be flattened: one level, and no rules across fields")
                yield from self.fields(ref(raw), here, f"{wire}.", required)
                continue
            kind = self.kind(raw, here, secret=bool(self.hint(f"{name}.{wire}", "secret")))
            values = s.get("enum", [])
            yield {
                "wire": prefix + wire,
                "name": self.hint(f"{name}.{wire}", "name", snake(wire)),
                "constant": values[0] if required and len(values) == 1 and name in self.asked else None,
                "required": required,
                "nullable": "null" in types(s),
                "default": s.get("default"),
                "description": s.get("description", ""),
                "words": kind.pop("words"),
                **kind,
            }

    def kind(self, raw: Schema, where: str, *, secret: bool = False) -> Schema:
        """How a value is checked (`kind`), its type (`type`), what is taken for it (`takes`), its bounds in words."""
        s = self.resolve(raw)
        name = ref(raw)
        kinds = [t for t in types(s) if t != "null"]
        if "oneOf" in s or "anyOf" in s:
            return self.union(raw, s, where)
        if (name and "properties" in s) or name in self.merged:
            cls = self.parts(name)[0]
            return {"kind": f"One({cls})", "type": cls, "takes": f"{cls} | Mapping[str, Any]", "words": []}
        if not kinds:
            known(s, "any", where)
            return {"kind": "Kind()", "type": "Any", "takes": "Any", "words": []}
        if len(kinds) > 1:
            raise NotSupported(f"{where}/type: {', '.join(kinds)}")
        known(s, kinds[0], where)
        if kinds == ["array"]:
            of = self.kind(s["items"], f"{where}/items")
            unique = {"unique_by": snake(s["x-uniqueBy"])} if "x-uniqueBy" in s else {}
            kind, takes = f"Items({arguments(unique, of['kind'])})", f"Sequence[{of['takes']}]"
            return {"kind": kind, "type": f"Sequence[{of['type']}]", "takes": takes, "words": [], "items": of["type"]}
        if kinds == ["object"]:
            values = s.get("additionalProperties", True)
            if isinstance(values, dict) and values:
                of = self.kind(values, f"{where}/additionalProperties", secret=secret)
                kind, takes = f"Table({of['kind']})", f"Mapping[str, {of['takes']}]"
                return {"kind": kind, "type": f"Mapping[str, {of['type']}]", "takes": takes, "words": of["words"]}
            kind = f"Object({arguments(bounds(s, where))})"
            return {"kind": kind, "type": "Mapping[str, Any]", "takes": "Mapping[str, Any]", "words": words(s, {})}
        return self.scalar(raw, s, kinds[0], where, secret)

    def scalar(self, raw: Schema, s: Schema, kind: str, where: str, secret: bool) -> Schema:
        if kind == "boolean":
            return {"kind": "Flag()", "type": "bool", "takes": "bool", "words": words(s, {})}
        given = bounds(s, where)
        if kind in ("number", "integer"):
            given |= {"whole": True} if kind == "integer" else {}
            base = SCALARS[kind]
            return {"kind": f"Number({arguments(given)})", "type": base, "takes": base, "words": words(s, given)}
        if UUID_PATTERN in given.get("pattern", ""):
            del given["pattern"]
            given["uuid"] = True
        if secret:
            given["secret"] = True
        if "enum" in s or "const" in s:
            given["one_of"] = tuple(s.get("enum") or [s["const"]])
        if given.get("uuid") or (where.endswith("Id") and "/properties/" in where):
            given["blank"] = False
        base = takes = "str"
        if given.get("secret"):
            base, takes = "Secret", "str | Secret"
        elif given.get("one_of"):
            literal = f"Literal[{', '.join(map(repr, given['one_of']))}]"
            base = takes = self.class_of(ref(raw)) if ref(raw) and len(given["one_of"]) > 1 else literal
        elif given.get("uuid"):
            takes = "str | UUID"
        return {"kind": f"Text({arguments(given)})", "type": base, "takes": takes, "words": words(s, given)}

    def union(self, raw: Schema, s: Schema, where: str) -> Schema:
        known(s, "union", where)
        name = ref(raw)
        members: list[Schema] = s.get("oneOf") or s["anyOf"]
        if name and all(ref(member) for member in members):
            parts = self.parts(name)
            alias = parts[0] if len(parts) == 1 else self.class_of(name)
            kind = f"One({', '.join(parts)})"
            return {"kind": kind, "type": alias, "takes": f"{alias} | Mapping[str, Any]", "words": []}
        inner = [self.kind(member, f"{where}/oneOf/{i}") for i, member in enumerate(members)]
        for one, many in (inner, inner[::-1]) if len(inner) == 2 else ():
            if many["kind"] == f"Items({one['kind']})":  # a value, or a list of such
                return many
        raise NotSupported(f"{where}: a union of other things than objects")

    def across(self, name: str, fields: list[Schema]) -> list[Schema]:
        """Rules that span fields: `dependentRequired`, and `not` in the two shapes that say something."""
        schema, where = self.schemas[name], f"#/components/schemas/{name}"
        names = {f["wire"]: f["name"] for f in fields}
        rules: list[Schema] = []
        for wire, others in schema.get("dependentRequired", {}).items():
            rules.append({"when": names[wire], "needs": tuple(names[other] for other in others)})
        if unwanted := schema.get("not"):
            required, properties = unwanted.get("required", []), unwanted.get("properties", {})
            absent = [wire for wire, s in properties.items() if s == {"not": {}}]
            value = [s["enum"][0] for s in properties.values() if len(s.get("enum", ())) == 1]
            if len(required) == 2 and not any(properties.values()) and unwanted.keys() <= {"required", "properties"}:
                rules.append({"when": names[required[1]], "forbids": (names[required[0]],)})
            elif len(required) == len(absent) == len(value) == 1 and len(properties) == 2:
                rules.append({"when": names[required[0]], "equals": value[0], "needs": (names[absent[0]],)})
            else:
                raise NotSupported(f"{where}/not: neither two that exclude each other, nor one that another needs")
        return rules

    # Words.

    def word(self, c: Schema) -> None:
        """Docstrings: names as Python spells them, bounds in words, lines of the right length."""
        for f in c["fields"]:
            for rule in c["across"]:
                if f["name"] == rule["when"] and "needs" in rule and "equals" not in rule:
                    f["words"].append(f"Together with {listed(rule['needs'])}.")
                elif f["name"] in (*rule.get("forbids", ()), rule["when"]) and len(rule.get("forbids", ())) == 1:
                    other = next(n for n in (*rule["forbids"], rule["when"]) if n != f["name"])
                    f["words"].append(f"Not together with `{other}`.")
            text = self.spelled(f["description"]) + "".join(
                f" {w}" for w in f["words"] if w.strip(".").lower() not in f["description"].lower()
            )
            if f["default"] is not None and c["asked"]:
                text += f" Anam's default is {f['default']}."
            elif f["default"] is not None:
                text += f" {f['default']} when the server does not say."
            if f["nullable"]:
                text += " `null` on the wire is the same as leaving it out."
            f["doc"] = wrapped(text, WIDTH)
            f["argument"] = wrapped(f"{f['name']}: {text}", WIDTH - 8)
        c["doc"] = wrapped(self.spelled(c["description"]), WIDTH)

    def spelled(self, text: str) -> str:
        return re.sub(r"`(\w+)`", lambda m: f"`{self.wires.get(m[1], m[1])}`", text)

    # Operations.

    def operation(self, where: str, path: str, method: str, operation: Schema) -> Schema:
        def names(holder: Schema) -> list[str]:
            schema = self.component(holder)["content"]["application/json"]["schema"]
            return self.members(ref(schema))

        body = self.component(operation["requestBody"])
        parameters = [self.component(p) for p in operation.get("parameters", ())]
        for p in parameters:
            if p["in"] != "header" or p.get("required") or self.resolve(p["schema"]).get("type") != "string":
                raise NotSupported(f"{where}/parameters: {p['name']} is no optional header that holds a string")
        if "{" in path:
            raise NotSupported(f"{where}: parameters in the path")
        answers = {code: names(response)[0] for code, response in operation["responses"].items()}
        return {
            "name": snake(operation["operationId"]),
            "method": method,
            "path": path,
            "description": f"{operation['summary']}.\n\n{operation['description']}",
            "headers": [
                {
                    "wire": p["name"],
                    "name": snake(p["name"]),
                    "doc": wrapped(f"{snake(p['name'])}: {p['description']}", WIDTH - 8),
                }
                for p in parameters
            ],
            "body": {
                "schema": ref(body["content"]["application/json"]["schema"]),
                "type": " | ".join(map(self.class_of, names(operation["requestBody"]))),
                "doc": wrapped(f"body: {body['description']}", WIDTH - 8),
            },
            "answers": answers,
            "default": answers.get("default"),
        }

    def aliases(self) -> list[Schema]:
        """Names for closed sets of words, and for unions of classes."""
        found = []
        for name, s in self.schemas.items():
            doc = wrapped(self.spelled(s.get("description", "")), WIDTH)
            if len(s.get("enum", ())) > 1:
                found.append(
                    {
                        "name": self.class_of(name),
                        "type": f"Literal[{', '.join(map(repr, s['enum']))}]",
                        "doc": doc,
                        "early": True,
                    }
                )
            elif len(parts := self.parts(name)) > 1 and name in self.asked:
                found.append(
                    {
                        "name": self.class_of(name),
                        "type": " | ".join(parts),
                        "doc": doc,
                        "early": False,
                        "exported": True,
                    }
                )
        return found

    def data(self) -> Schema:
        """Everything that the templates are told."""
        return {
            "version": self.document["info"]["version"],
            "classes": self.classes,
            "aliases": self.aliases(),
            "operations": {o["name"]: o for o in self.operations},
        }


def ref(s: Schema) -> str:
    """The schema that a schema refers to, or nothing."""
    return str(s.get("$ref", "")).rpartition("/")[2]


def references(s: Any) -> Iterator[str]:
    """The schemas that one refers to, at any depth."""
    if isinstance(s, dict):
        if ref(s):
            yield ref(s)
        for inner in s.values():
            yield from references(inner)
    elif isinstance(s, list):
        for inner in s:
            yield from references(inner)


def types(s: Schema) -> list[str]:
    kind: str | list[str] = s.get("type", [])
    return [kind] if isinstance(kind, str) else kind


def known(s: Schema, kind: str, where: str) -> None:
    """Refuses keywords that would be left out."""
    for keyword in s:
        if keyword not in KEYWORDS.get(kind, ()) and not keyword.startswith("x-known"):
            raise NotSupported(f"{where}/{keyword}")


def bounds(s: Schema, where: str) -> Schema:
    found = {argument: s[keyword] for keyword, argument in BOUNDS.items() if keyword in s}
    if (form := s.get("format")) is not None:
        if form not in FORMATS:
            raise NotSupported(f"{where}/format: {form}")
        found |= FORMATS[form]
    return {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}


def answered(f: Schema) -> tuple[str, str]:
    """Type and default of an attribute of an answer: plain strings, tuples, the contract's default."""
    kind = f"tuple[{f['items']}, ...]" if "items" in f else f["type"].replace("Secret", "str")
    if f["required"]:
        return kind, ""
    default = () if "items" in f else f["default"]
    return (f"{kind} | None" if default is None else kind), f" = {default!r}"


def arguments(given: Schema, *first: str) -> str:
    return ", ".join((*first, *(f"{name}={value!r}" for name, value in given.items())))


def words(s: Schema, given: Schema) -> list[str]:
    """Bounds as a sentence each."""
    found = []
    if "ge" in given and "le" in given:
        found.append(f"From {given['ge']:,} to {given['le']:,}.")
    elif "ge" in given or "le" in given:
        found.append(f"At {'least' if 'ge' in given else 'most'} {given.get('ge', given.get('le')):,}.")
    if "max_length" in given:
        found.append(f"At most {given['max_length']:,} characters.")
    if "x-maxBytes" in s:
        found.append(f"At most {s['x-maxBytes']:,} bytes as JSON in UTF-8.")
    if len(given.get("one_of", ())) > 1:
        found.append(f"One of {listed(given['one_of'])}.")
    if "known" in given:
        found.append(f"Known today: {listed(given['known'])}; others are sent, with a warning.")
    if given.get("secret"):
        found.append("Held as a `Secret`.")
    return found


def listed(names: tuple[str, ...]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))


def wrapped(text: str, width: int) -> list[str]:
    """Paragraphs as lines, safe between triple quotes."""
    safe = text.strip().replace("\\", "\\\\").replace('"""', "'''")
    lines: list[str] = []
    for paragraph in safe.split("\n\n"):
        if re.match(r"\s*(-|\d+\.) ", paragraph):
            lines += [*paragraph.splitlines(), ""]
        else:
            lines += [*textwrap.wrap(" ".join(paragraph.split()), width), ""]
    return lines[:-1]


def as_jinja(document: Schema, overlay: Schema) -> str:
    """The view as a template to import from; Jinja reads Python's literals."""
    data = View(document, overlay).data()
    return "".join(f"{{% set {name} = {part!a} %}}\n" for name, part in data.items())
