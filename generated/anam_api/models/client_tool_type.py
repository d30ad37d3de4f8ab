# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

ClientToolType = Literal["client"]

CLIENT_TOOL_TYPE_VALUES: set[ClientToolType] = {
    "client",
}


def check_client_tool_type(value: str) -> ClientToolType:
    if value in CLIENT_TOOL_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CLIENT_TOOL_TYPE_VALUES!r}")
