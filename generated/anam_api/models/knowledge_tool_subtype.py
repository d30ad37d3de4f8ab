# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

KnowledgeToolSubtype = Literal["knowledge"]

KNOWLEDGE_TOOL_SUBTYPE_VALUES: set[KnowledgeToolSubtype] = {
    "knowledge",
}


def check_knowledge_tool_subtype(value: str) -> KnowledgeToolSubtype:
    if value in KNOWLEDGE_TOOL_SUBTYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {KNOWLEDGE_TOOL_SUBTYPE_VALUES!r}")
