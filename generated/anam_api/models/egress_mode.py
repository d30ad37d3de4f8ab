# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

EgressMode = Literal["daily"]

EGRESS_MODE_VALUES: set[EgressMode] = {
    "daily",
}


def check_egress_mode(value: str) -> EgressMode:
    if value in EGRESS_MODE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EGRESS_MODE_VALUES!r}")
