# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

WebhookToolSubtype = Literal["webhook"]

WEBHOOK_TOOL_SUBTYPE_VALUES: set[WebhookToolSubtype] = {
    "webhook",
}


def check_webhook_tool_subtype(value: str) -> WebhookToolSubtype:
    if value in WEBHOOK_TOOL_SUBTYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_TOOL_SUBTYPE_VALUES!r}")
