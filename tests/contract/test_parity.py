"""The facade's fields and bounds are the contract's: no field in one only, no bound that differs."""

from __future__ import annotations

import inspect
import itertools
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

import attrs
import httpx
import pytest

import anam_facade
from anam_facade import (
    VIDEO_SIZES,
    AnamClient,
    AnamConfigError,
    AnamConfigWarning,
    AnamStatusError,
    AsyncAnamClient,
    ClientConfig,
    EngineSession,
    IceServer,
    SessionToken,
    Tool,
    VoiceGenerationOptions,
    _calls,
    errors,
    persona,
)
from anam_facade._wire import UUID, Kind, Part, Rule, rules

Document = dict[str, Any]

PARTS: dict[str, type[Part]] = {
    schema: cls
    for name in anam_facade.__all__
    if inspect.isclass(cls := getattr(anam_facade, name)) and issubclass(cls, Part)
    for schema in cls.SCHEMAS
}

# How an attribute is called where its name is not the wire's in snake_case.
RENAMED = {
    ("LiveKitEnvironment", "livekitUrl"): "url",
    ("LiveKitEnvironment", "livekitToken"): "token",
    ("DailyEgress", "daily.roomUrl"): "room_url",
    ("DailyEgress", "daily.token"): "token",
    ("DailyEgress", "daily.userName"): "user_name",
    ("SessionOptions", "sessionReplay.enableSessionReplay"): "enable_session_replay",
    ("SessionOptions", "showAIAvatarDisclosure"): "show_ai_avatar_disclosure",
    ("SessionOptions", "voiceDetection.endOfSpeechSensitivity"): "end_of_speech_sensitivity",
}

ARGUMENTS = {
    "personaConfig": ("persona", "PersonaConfig"),
    "environment": ("environment", "LiveKitEnvironment"),
    "sessionOptions": ("session_options", "SessionOptions"),
    "clientLabel": ("client_label", _calls.CLIENT_LABEL),
    "expiresIn": ("expires_in", _calls.EXPIRES_IN),
    "clientMetadata": ("client_metadata", _calls.CLIENT_METADATA),
}
REQUESTS = {
    "SessionTokenRequest": (
        "create_session_token",
        {"personaConfig", "environment", "sessionOptions", "clientLabel", "expiresIn"},
    ),
    "DirectStartRequest": (
        "start_session",
        {"personaConfig", "environment", "sessionOptions", "clientLabel", "clientMetadata"},
    ),
    "TokenStartRequest": ("start_engine_session", {"clientMetadata"}),
}
ANSWERS: dict[str, tuple[type, set[str]]] = {
    "EngineSession": (EngineSession, {"raw"}),
    "ClientConfig": (ClientConfig, set()),
    "IceServer": (IceServer, set()),
}
DESCRIPTIVE = {"description", "examples", "example", "default", "deprecated", "title", "summary"}
OF_AN_OBJECT = {"type", "properties", "required", "additionalProperties", "unevaluatedProperties"}
# Checked by behaviour: see the tests of agreement.
ACROSS_FIELDS = {"not", "dependentRequired"}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def reference(schema: Any) -> str:
    return schema.get("$ref", "").rpartition("/")[2] if isinstance(schema, dict) else ""


class Comparison:
    """Compares a document with the facade; `found` lists what differs."""

    def __init__(self, document: Document) -> None:
        self.schemas: dict[str, Any] = document["components"]["schemas"]
        self.found: list[str] = []
        self.seen: set[str] = set()

    def run(self) -> list[str]:
        for cls in dict.fromkeys(PARTS.values()):
            self.part(cls)
        for name, (method, properties) in REQUESTS.items():
            self.request(name, method, properties)
        for name, (cls, own) in ANSWERS.items():
            self.answer(name, cls, own)
        self.union("PersonaConfig", "oneOf", {"StatefulPersonaConfig", "EphemeralPersonaConfig"})
        self.union("EngineSessionRequest", "oneOf", {"DirectStartRequest", "TokenStartRequest"})
        self.union("VoiceGenerationOptions", "anyOf", {cls.__name__ for cls in get_args(VoiceGenerationOptions)})
        self.union("Tool", "oneOf", {cls.__name__ for cls in get_args(Tool)})
        self.small_answers()
        self.report(sorted(self.schemas.keys() - self.seen), "in the contract, and nothing of the facade's knows it")
        return self.found

    def report(self, names: list[str], what: str) -> None:
        self.found += [f"{name}: {what}" for name in names]

    def differ(self, where: str, what: str, contract: object, facade: object) -> None:
        if contract != facade:
            self.found.append(f"{where}: {what} is {contract!r} in the contract and {facade!r} in the facade")

    def resolve(self, schema: Any, where: str) -> dict[str, Any]:
        name = reference(schema)
        if name and name not in self.schemas:
            self.found.append(f"{where}: refers to {name}, which the contract does not have")
            return {}
        if name:
            self.seen.add(name)
            return self.resolve(self.schemas[name], where)
        return schema

    def named(self, name: str) -> dict[str, Any]:
        return self.resolve({"$ref": f"#/components/schemas/{name}"}, name)

    def part(self, cls: type[Part]) -> None:
        known: dict[str, Rule] = {rule.name: rule for rule in rules(cls).values()}
        attributes = {rule.name: attribute for attribute, rule in rules(cls).items()}
        there: set[str] = set()
        for name in cls.SCHEMAS:
            schema = self.named(name)
            closed = schema.get("additionalProperties", schema.get("unevaluatedProperties", True)) is False
            self.differ(name, "whether unknown keys are allowed", not closed, cls.OPEN)
            extra = {"x-knownVideoSizes"} if name == "SessionOptions" else set()
            self.report(
                [f"{name}.{key}" for key in sorted(schema.keys() - DESCRIPTIVE - OF_AN_OBJECT - ACROSS_FIELDS - extra)],
                "a keyword that the facade does not know",
            )
            for path, inner, required in self.properties(cls, schema, name):
                where = f"{name}.{path}"
                there.add(path)
                if path in cls.CONSTANTS:
                    self.differ(where, "its only value", self.resolve(inner, where).get("enum"), [cls.CONSTANTS[path]])
                    self.differ(where, "whether it is required", required, True)
                elif path not in known:
                    self.found.append(f"{where}: in the contract only")
                else:
                    # Of a union's alternatives, one may require what the other forbids: that is checked by behaviour.
                    self.rule(where, inner, known[path], required if len(cls.SCHEMAS) == 1 else None)
        for name in sorted((known.keys() | cls.CONSTANTS.keys()) - there):
            self.found.append(f"{cls.__name__}.{name}: in the facade only")
        for name, attribute in attributes.items():
            self.differ(f"{cls.__name__}.{name}", "name", RENAMED.get((cls.__name__, name), snake(name)), attribute)
        if "SessionOptions" in cls.SCHEMAS:
            sizes = self.named("SessionOptions").get("x-knownVideoSizes", {})
            listed = {model: [f"{w}x{h}" for w, h in sizes] for model, sizes in VIDEO_SIZES.items()}
            self.differ("SessionOptions", "the known video sizes", sizes, listed)

    def properties(self, cls: type[Part], schema: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any, bool]]:
        dotted = {rule.name for rule in rules(cls).values()} | set(cls.CONSTANTS)
        deeper = {name.partition(".")[0] for name in dotted if "." in name}
        for name, value in schema.get("properties", {}).items():
            required = name in schema.get("required", ())
            if name not in deeper:
                yield name, value, required
                continue
            inner = self.resolve(value, f"{where}.{name}")
            self.differ(f"{where}.{name}", "whether unknown keys are allowed", inner.get("additionalProperties"), False)
            self.report(
                [f"{where}.{name}.{key}" for key in sorted(inner.keys() - DESCRIPTIVE - OF_AN_OBJECT)],
                "a keyword that the facade does not know",
            )
            for key, deep in inner.get("properties", {}).items():
                yield f"{name}.{key}", deep, required and key in inner.get("required", ())

    def rule(self, where: str, raw: Any, rule: Rule, required: bool | None) -> None:
        schema = self.resolve(raw, where)
        rest = {key: value for key, value in schema.items() if key not in DESCRIPTIVE}
        types = rest.pop("type", None)
        nullable = isinstance(types, list) and "null" in types
        if nullable:
            types = types[0] if len(types) == 2 else types
        self.differ(where, "type", self.kind(types, raw, schema, rest, where), rule.kind.name)
        self.differ(where, "whether null is allowed", nullable, rule.nullable)
        if required is not None:
            self.differ(where, "whether it is required", required, rule.required)
        items = rest.pop("items", {}) if rule.kind is Kind.STRINGS else {}
        pattern = items.get("pattern", rest.pop("pattern", None))
        for what, contract, facade in (
            ("minimum", rest.pop("minimum", None), rule.ge),
            ("maximum", rest.pop("maximum", None), rule.le),
            ("minLength", rest.pop("minLength", None), rule.min_length),
            ("maxLength", rest.pop("maxLength", None), rule.max_length),
            ("x-maxBytes", rest.pop("x-maxBytes", None), rule.max_bytes),
            ("x-uniqueBy", rest.pop("x-uniqueBy", None), rule.unique_by),
            ("enum", rest.pop("enum", None), rule.one_of and list(rule.one_of)),
            ("x-extensible-enum", rest.pop("x-extensible-enum", None), rule.known and list(rule.known)),
            ("pattern", pattern, f"^{UUID.pattern}$" if rule.uuid else None),
            ("format", rest.pop("format", None), {Kind.INTEGER: "int32"}.get(rule.kind, "uri" if rule.uri else None)),
        ):
            self.differ(where, what, contract, facade)
        self.report([f"{where}.{key}" for key in sorted(rest)], "a keyword that the facade does not know")

    def kind(self, types: Any, raw: Any, schema: Any, rest: dict[str, Any], where: str) -> str:
        """The facade's name for a type, once what belongs to the type is taken out of `rest`."""
        if reference(raw) in PARTS:
            rest.clear()
            return "PART"
        if reference(raw) == "VoiceGenerationOptions":
            rest.pop("anyOf", None)
            return "PART"
        if types == "array" and reference(rest.get("items")) == "Tool":
            rest.pop("items")
            return "PARTS"
        if types == "array":
            inner = self.resolve(rest.get("items", {}), where)
            return "STRINGS" if inner.get("type") == "string" else f"array of {inner.get('type')}"
        if types == "object":
            values = rest.pop("additionalProperties", None)
            return "STRING_MAP" if values == {"type": "string"} else "OBJECT" if values is True else "closed object"
        return str(types).upper()

    def request(self, name: str, method: str, expected: set[str]) -> None:
        schema = self.named(name)
        properties = schema.get("properties", {})
        for cls in (AnamClient, AsyncAnamClient):
            parameters = inspect.signature(getattr(cls, method)).parameters
            self.report([f"{name}.{key}" for key in sorted(properties.keys() - expected)], "in the contract only")
            self.report([f"{name}.{key}" for key in sorted(expected - properties.keys())], "in the facade only")
            missing = [key for key in sorted(expected) if ARGUMENTS[key][0] not in parameters]
            self.report([f"{name}.{key}" for key in missing], f"no argument of {cls.__name__}.{method}")
        self.differ(
            name, "required", schema.get("required", []), ["personaConfig"] if "personaConfig" in expected else []
        )
        self.differ(name, "whether unknown keys are allowed", schema.get("additionalProperties"), False)
        for key in sorted(expected & properties.keys()):
            what = ARGUMENTS[key][1]
            if isinstance(what, Rule):
                self.rule(f"{name}.{key}", properties[key], what, False)
            else:
                self.differ(f"{name}.{key}", "type", reference(properties[key]), what)

    def answer(self, name: str, cls: type, own: set[str]) -> None:
        schema = self.named(name)
        attributes = {a.name: a for a in attrs.fields(cls) if a.name not in own}
        properties = {snake(key): value for key, value in schema.get("properties", {}).items()}
        self.report([f"{name}.{key}" for key in sorted(properties.keys() - attributes)], "in the contract only")
        self.report([f"{name}.{key}" for key in sorted(attributes.keys() - properties)], "in the facade only")
        for key in sorted(attributes.keys() & properties.keys()):
            inner = self.resolve(properties[key], f"{name}.{key}")
            default = attributes[key].default
            if "default" in inner or default not in (None, (), attrs.NOTHING):
                self.differ(f"{name}.{key}", "default", inner.get("default"), default)
            self.resolve(inner.get("items", {}), f"{name}.{key}")

    def union(self, name: str, keyword: str, members: set[str]) -> None:
        self.differ(name, "alternatives", {reference(s) for s in self.named(name).get(keyword, ())}, members)

    def small_answers(self) -> None:
        self.differ(
            "SessionTokenResponse",
            "properties",
            list(self.named("SessionTokenResponse")["properties"]),
            ["sessionToken"],
        )
        read = {"error": "code", "message": "message", "details": "details"}
        self.differ("ErrorResponse", "properties", set(self.named("ErrorResponse")["properties"]), set(read))
        arguments = inspect.signature(AnamStatusError.__init__).parameters
        self.report([name for name in read.values() if name not in arguments], "no attribute of AnamStatusError")


def differences(document: Document) -> list[str]:
    return Comparison(document).run()


def test_facade_and_contract_say_the_same(contract):
    """Every field, type, bound and value of the contract is the facade's, and the other way round."""
    assert differences(contract) == []


def test_every_part_is_compared():
    """The comparison has found the public classes that write a schema."""
    assert sorted(cls.__name__ for cls in set(PARTS.values())) == [
        "CartesiaSonic3VoiceOptions",
        "ClientTool",
        "DailyEgress",
        "DirectorNotes",
        "ElevenLabsV1VoiceOptions",
        "ElevenLabsV2VoiceOptions",
        "FishAudioVoiceOptions",
        "KnowledgeTool",
        "LiveKitEnvironment",
        "PersonaConfig",
        "SessionOptions",
        "SystemTool",
        "VoiceDetectionOptions",
        "WebhookTool",
    ]


def at(document: Document, path: str) -> Any:
    here: Any = document["components"]["schemas"]
    for step in path.split("/"):
        here = here[step]
    return here


def changed(path: str, key: str, value: object) -> Callable[[Document], None]:
    return lambda document: at(document, path).__setitem__(key, value)


def dropped(path: str, key: str) -> Callable[[Document], None]:
    return lambda document: at(document, path).__delitem__(key)


TEXT = {"type": "string"}
EPHEMERAL, OPTIONS = "EphemeralPersonaConfig/properties", "SessionOptions/properties"
MUTATIONS: dict[str, tuple[Callable[[Document], None], str]] = {
    "a maximum": (
        changed("DirectorNotes/properties/expressivity", "maximum", 2),
        "DirectorNotes.expressivity: maximum is 2 in the contract and 1",
    ),
    "a minimum": (
        changed("VoiceDetectionOptions/properties/silenceBeforeAutoEndTurnSeconds", "minimum", 0.4),
        "minimum is 0.4",
    ),
    "a minimum gone": (dropped(f"{EPHEMERAL}/maxSessionLengthSeconds", "minimum"), "minimum is None"),
    "an exclusive bound": (
        changed(f"{EPHEMERAL}/maxSessionLengthSeconds", "exclusiveMaximum", 9),
        "maxSessionLengthSeconds.exclusiveMaximum: a keyword",
    ),
    "a length": (
        changed("ClientTool/properties/description", "maxLength", 1000),
        "ClientTool.description: maxLength is 1000",
    ),
    "a least length": (
        dropped("LiveKitEnvironment/properties/livekitToken", "minLength"),
        "LiveKitEnvironment.livekitToken: minLength is None",
    ),
    "the label's length": (
        changed("DirectStartRequest/properties/clientLabel", "maxLength", 64),
        "DirectStartRequest.clientLabel: maxLength is 64",
    ),
    "bytes": (changed("ToolParameters", "x-maxBytes", 9999), "ClientTool.parameters: x-maxBytes is 9999"),
    "uniqueness": (dropped(f"{EPHEMERAL}/tools", "x-uniqueBy"), "EphemeralPersonaConfig.tools: x-uniqueBy is None"),
    "a value more": (
        lambda d: at(d, "CartesiaEmotion/enum").append("glad"),
        "CartesiaSonic3VoiceOptions.emotion: enum",
    ),
    "a value less": (lambda d: at(d, "VideoQuality/enum").remove("auto"), "SessionOptions.videoQuality: enum"),
    "a known value": (
        lambda d: at(d, f"{OPTIONS}/region/x-extensible-enum").append("asia"),
        "SessionOptions.region: x-extensible-enum",
    ),
    "a known size": (lambda d: at(d, "SessionOptions/x-knownVideoSizes/cara-4").append("1x1"), "the known video sizes"),
    "a constant": (changed("SystemToolType", "enum", ["engine"]), "SystemTool.type: its only value is ['engine']"),
    "a type": (
        changed(f"{EPHEMERAL}/skipGreeting", "type", "string"),
        "EphemeralPersonaConfig.skipGreeting: type is 'STRING'",
    ),
    "the type of items": (
        changed("KnowledgeTool/properties/documentFolderIds", "items", {"type": "integer"}),
        "type is 'array of integer'",
    ),
    "the type of values": (
        changed("WebhookHeaders", "additionalProperties", True),
        "WebhookTool.headers: type is 'OBJECT'",
    ),
    "null": (changed(f"{EPHEMERAL}/initialMessage", "type", "string"), "whether null is allowed is False"),
    "null elsewhere": (
        changed(f"{EPHEMERAL}/name", "type", ["string", "null"]),
        "EphemeralPersonaConfig.name: whether null is allowed is True",
    ),
    "a pattern": (dropped(f"{EPHEMERAL}/avatarId", "pattern"), "EphemeralPersonaConfig.avatarId: pattern is None"),
    "a pattern of items": (
        dropped(f"{EPHEMERAL}/toolIds/items", "pattern"),
        "EphemeralPersonaConfig.toolIds: pattern is None",
    ),
    "a new pattern": (changed(f"{EPHEMERAL}/name", "pattern", "^A"), "EphemeralPersonaConfig.name: pattern is '^A'"),
    "a format": (dropped("DailyEgress/properties/roomUrl", "format"), "Egress.daily.roomUrl: format is None"),
    "required": (
        changed("DailyEgress", "required", ["roomUrl", "token"]),
        "Egress.daily.token: whether it is required is True",
    ),
    "required no more": (
        changed("WebhookTool", "required", ["name"]),
        "WebhookTool.type: whether it is required is False",
    ),
    "a required argument": (changed("SessionTokenRequest", "required", []), "SessionTokenRequest: required is []"),
    "a property more": (changed(EPHEMERAL, "mood", TEXT), "EphemeralPersonaConfig.mood: in the contract only"),
    "a property less": (dropped(EPHEMERAL, "personality"), "PersonaConfig.personality: in the facade only"),
    "a nested property more": (
        changed("SessionReplayOptions/properties", "days", TEXT),
        "SessionOptions.sessionReplay.days: in the contract only",
    ),
    "a nested property less": (
        dropped("DailyEgress/properties", "userName"),
        "DailyEgress.daily.userName: in the facade only",
    ),
    "an argument more": (
        changed("SessionTokenRequest/properties", "priority", TEXT),
        "SessionTokenRequest.priority: in the contract only",
    ),
    "an argument less": (
        dropped("TokenStartRequest/properties", "clientMetadata"),
        "TokenStartRequest.clientMetadata: in the facade only",
    ),
    "an answer's field more": (
        changed("EngineSession/properties", "cost", TEXT),
        "EngineSession.cost: in the contract only",
    ),
    "an answer's field less": (
        dropped("IceServer/properties", "credential"),
        "IceServer.credential: in the facade only",
    ),
    "an answer's default": (
        changed("ClientConfig/properties/heartbeatIntervalSeconds", "default", 9),
        "heartbeat_interval_seconds: default is 9",
    ),
    "an error's field": (changed("ErrorResponse/properties", "requestId", TEXT), "ErrorResponse: properties"),
    "a schema more": (
        lambda d: d["components"]["schemas"].update(Lamp={"type": "object"}),
        "Lamp: in the contract, and nothing of the facade's knows it",
    ),
    "a voice more": (
        lambda d: at(d, "VoiceGenerationOptions/anyOf").append({"$ref": "#/components/schemas/DirectorNotes"}),
        "VoiceGenerationOptions: alternatives",
    ),
    "a tool less": (lambda d: at(d, "Tool/oneOf").pop(), "Tool: alternatives"),
    "open": (
        dropped("DirectorNotes", "additionalProperties"),
        "DirectorNotes: whether unknown keys are allowed is True",
    ),
    "closed": (
        changed("ClientTool", "additionalProperties", False),
        "ClientTool: whether unknown keys are allowed is False",
    ),
    "a rule for an object": (changed("DirectorNotes", "minProperties", 1), "DirectorNotes.minProperties: a keyword"),
    "a dangling reference": (
        changed(EPHEMERAL, "directorNotes", {"$ref": "#/components/schemas/Nowhere"}),
        "refers to Nowhere",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_comparison_reports_every_kind_of_difference(copied, name):
    """A contract that is changed in one place no longer agrees, and the report names the place."""
    change, report = MUTATIONS[name]
    change(copied)
    found = differences(copied)
    assert any(report in line for line in found), found


# Agreement by behaviour: facade and a JSON Schema validator accept the same values.

UUID_TEXT = "30fa96d0-26c4-4e55-94a0-517025942e18"
SAMPLES: tuple[Any, ...] = (
    UUID_TEXT,
    "",
    "text",
    0,
    1,
    -1,
    1.5,
    True,
    False,
    None,
    [],
    {},
    [1],
    [None],
    [UUID_TEXT],
    ["a", 1],
    [{}],
    {"a": 1},
    {"a": "b"},
    {"a": None},
    {"type": "client", "name": "t"},
    [{"type": "client", "name": "t"}],
    [{"type": "server", "name": "t"}],
    "wss://a.b/c",
    "CUSTOMER_CLIENT_V1",
)
BASE = {
    "LiveKitEnvironment": {"livekitUrl": "wss://a.b", "livekitToken": "t"},
    "Egress": {"mode": "daily", "daily": {"roomUrl": "https://a.b"}},
    "ClientTool": {"type": "client", "name": "t"},
    "SystemTool": {"type": "system", "name": "t"},
    "WebhookTool": {"type": "server", "subtype": "webhook", "name": "t"},
    "KnowledgeTool": {"type": "server", "subtype": "knowledge", "name": "t"},
}


def facade_accepts(cls: type[Part], value: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AnamConfigWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            made = cls.from_dict(value)
        except AnamConfigError:
            return False
    json.dumps(made.to_dict())
    return True


def boundaries(rule: Rule) -> Iterator[Any]:
    """Values at, just inside and just outside every bound of a rule."""
    for bound in (rule.ge, rule.le):
        if bound is not None:
            yield from (bound, bound - 0.001, bound + 0.001, bound - 1, bound + 1)
    for length in (rule.min_length, rule.max_length):
        if length is not None:
            yield from ("é" * length, "é" * (length + 1), "é" * max(0, length - 1))
    yield from rule.one_of or ()
    yield from rule.known or ()


def placed(base: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The base with the value at a path, which may go one object deeper."""
    head, dot, rest = path.partition(".")
    return {**base, head: {**base.get(head, {}), rest: value} if dot else value}


def disagreements(document: Document, validator: Callable[..., Any]) -> list[str]:
    """Where facade and validator judge differently: field by field, then groups of fields that depend on each other."""
    found = []
    for name, cls in PARTS.items():
        schema = "PersonaConfig" if cls is persona.PersonaConfig else name
        valid = validator(document, schema).is_valid
        base = BASE.get(name, {})
        tried = [base, {**base, "unknownKey": 1}]
        for rule in rules(cls).values():
            # Ids that are no UUID are warned of instead of refused; anything but text is compared.
            samples = [v for v in SAMPLES if not (rule.uuid and not_a_uuid(v))]
            tried += [placed(base, rule.name, value) for value in (*samples, *boundaries(rule))]
        tried += [
            placed(base, key, value)
            for key in cls.CONSTANTS
            for value in (*SAMPLES, "client", "server", "webhook", "daily")
        ]
        tried += [{k: v for k, v in base.items() if k != key} for key in base]
        tried += groups(name)
        tried += [value for value in SAMPLES if not isinstance(value, dict)]
        found += [f"{schema} {value!r}" for value in tried if valid(value) != facade_accepts(cls, value)]
    return found


def not_a_uuid(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return any(isinstance(text, str) and not UUID.fullmatch(text) for text in texts)


def groups(name: str) -> Iterator[dict[str, Any]]:
    """Every combination of the fields that depend on each other."""
    fields: dict[str, list[tuple[str, Any]]] = {
        "DirectorNotes": [("presetStyle", "warm"), ("customStylePrompt", "x"), ("expressivity", 1)],
        "SessionOptions": [
            ("videoWidth", 720),
            ("videoHeight", 480),
            ("region", "eu"),
            ("regionPolicy", "strict"),
            ("regionPolicy", "preferred"),
        ],
        "StatefulPersonaConfig": [
            ("personaId", UUID_TEXT),
            ("enableAudioPassthrough", True),
            ("name", "n"),
            ("llmId", UUID_TEXT),
            ("tools", []),
        ],
    }
    chosen = fields.get(name, [])
    for count in range(1, len(chosen) + 1):
        yield from (dict(combination) for combination in itertools.combinations(chosen, count))


def test_facade_and_validator_accept_the_same(contract, validator):
    """At every bound, with every JSON type, and in every combination that matters, both judge alike."""
    assert disagreements(contract, validator) == []


@pytest.mark.parametrize(
    ("schema", "key", "example"),
    [
        ("DirectorNotes", "not", "'presetStyle': 'warm', 'customStylePrompt': 'x'"),
        ("SessionOptions", "dependentRequired", "{'videoWidth': 720}"),
        ("SessionOptions", "not", "{'regionPolicy': 'strict'}"),
        ("StatefulPersonaConfig", "additionalProperties", "'personaId'"),
        ("LiveKitEnvironment", "required", "{'livekitUrl': 'wss://a.b'}"),
    ],
)
def test_a_rule_that_spans_fields_is_missed_when_it_is_gone(copied, validator, schema, key, example):
    """Taking a rule that spans several fields out of the contract is noticed."""
    del copied["components"]["schemas"][schema][key]
    assert any(example in line for line in disagreements(copied, validator))


# Responses.


class Watched(Mapping[str, str]):
    """Headers that remember what was looked up."""

    def __init__(self, **headers: str) -> None:
        self.headers = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.headers)

    def __len__(self) -> int:
        return len(self.headers)


def test_the_headers_that_are_read_are_documented(contract):
    """What tells how long to wait is documented where the server may say it; `Date` is every server's."""
    when = Watched(Retry_After="Sun, 22 Nov 2026 09:00:00 GMT", Date="Sun, 22 Nov 2026 09:00:00 GMT")
    left = Watched(RateLimit_Remaining="0", RateLimit_Reset="30")
    assert (errors.retry_after(when), errors.retry_after(left)) == (0, 30)
    asked = (when.asked | left.asked) - {"Date"}
    responses = contract["components"]["responses"]
    for name in ("TooManyRequests", "TooManySessions"):
        assert asked <= responses[name]["headers"].keys()
    assert "Retry-After" in responses["ServiceUnavailable"]["headers"]


def test_the_examples_of_headers_are_understood(contract):
    """The values that the contract gives as examples mean what they say."""
    headers = contract["components"]["headers"]
    assert errors.retry_after({"Retry-After": headers["RetryAfter"]["example"]}) == 2
    assert errors.retry_after({"RateLimit-Reset": str(headers["RateLimitReset"]["example"])}) == 30


def test_every_status_with_an_error_of_its_own_is_documented(contract):
    """The statuses that the facade names are those the contract names."""
    documented = {
        status for path in contract["paths"].values() for status in path["post"]["responses"] if status.isdigit()
    }
    assert {str(status) for status in errors._BY_STATUS} | {"200", "201", "500"} == documented | {"404"}


def test_the_plan_limits_are_documented(contract):
    """The two texts that tell plan limits from rate limits are the contract's."""
    description = contract["components"]["responses"]["TooManySessions"]["description"].lower()
    assert all(text in description for text in errors._PLAN_LIMITS)


def test_the_default_server_is_the_contracts(contract):
    """The client's default address is the contract's server."""
    assert [server["url"] for server in contract["servers"]] == [anam_facade.DEFAULT_BASE_URL]


def test_types_of_a_token_are_documented(contract):
    """The types by which a session token is told from an API key are the contract's."""
    description = contract["components"]["securitySchemes"]["sessionToken"]["description"]
    assert all(f"`{kind}`" in description for kind in ("ephemeral", "stateful", "legacy"))
    assert SessionToken("x").claims == {}
