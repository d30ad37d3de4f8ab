# Generated from openapi.yaml by openapi-python-client. Do not edit: change the contract and run `make generate`.

"""Anam's API as its contract has it: `models` are what travels, `api` is how, `support` what both are made of."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

CONTRACT_VERSION = "2.0.0"
GENERATOR_VERSION = "0.29.1"  # of openapi-python-client

__all__ = ("CONTRACT_VERSION", "AuthenticatedClient", "Client")


def __getattr__(name: str) -> Any:
    """The clients; imported when they are used, for who only makes requests does not need them."""
    if name not in ("AuthenticatedClient", "Client"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import client

    return getattr(client, name)
