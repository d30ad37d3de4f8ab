# Generated from openapi.yaml by openapi-python-client. Do not edit: change the contract and run `make generate`.

"""What the functions of `api` give."""

from collections.abc import Mapping
from typing import Any, Generic, TypedDict, TypeVar

import attrs

T = TypeVar("T")


class Request(TypedDict):
    """A request, ready for whatever sends it: `httpx.Client.request(**request)`, for one."""

    method: str
    url: str
    headers: dict[str, str]
    json: dict[str, Any]


@attrs.define
class Response(Generic[T]):
    """A response from an endpoint. `parsed` is None when the body is not what the contract promises."""

    status_code: int
    content: bytes
    headers: Mapping[str, str]
    parsed: T
