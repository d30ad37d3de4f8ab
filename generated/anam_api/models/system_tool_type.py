# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

SystemToolType = Literal["system"]

SYSTEM_TOOL_TYPE_VALUES: set[SystemToolType] = {
    "system",
}


def check_system_tool_type(value: str) -> SystemToolType:
    if value in SYSTEM_TOOL_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SYSTEM_TOOL_TYPE_VALUES!r}")
