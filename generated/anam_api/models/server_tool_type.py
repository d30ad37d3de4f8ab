# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

ServerToolType = Literal["server"]

SERVER_TOOL_TYPE_VALUES: set[ServerToolType] = {
    "server",
}


def check_server_tool_type(value: str) -> ServerToolType:
    if value in SERVER_TOOL_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SERVER_TOOL_TYPE_VALUES!r}")
