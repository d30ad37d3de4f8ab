# Generated from openapi.yaml (version 2.0.0) by openapi-python-client 0.29.1.
# Do not edit: change openapi.yaml and run `make generate`.

from typing import Literal

RegionPolicy = Literal["preferred", "strict"]

REGION_POLICY_VALUES: set[RegionPolicy] = {
    "preferred",
    "strict",
}


def check_region_policy(value: str) -> RegionPolicy:
    if value in REGION_POLICY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REGION_POLICY_VALUES!r}")
