# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

EphemeralPersonaType = Literal["ephemeral"]

EPHEMERAL_PERSONA_TYPE_VALUES: set[EphemeralPersonaType] = {
    "ephemeral",
}


def check_ephemeral_persona_type(value: str) -> EphemeralPersonaType:
    if value in EPHEMERAL_PERSONA_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {EPHEMERAL_PERSONA_TYPE_VALUES!r}")
