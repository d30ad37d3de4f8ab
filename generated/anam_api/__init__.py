# Generated from openapi.yaml by openapi-python-client. Do not edit: change the contract and run `make generate`.

"""Anam's API as its contract has it: `models` are what travels, `api` is how, `support` what both are made of."""

from .client import AuthenticatedClient, Client

CONTRACT_VERSION = "2.0.0"
GENERATOR_VERSION = "0.29.1"  # of openapi-python-client

__all__ = ("CONTRACT_VERSION", "AuthenticatedClient", "Client")
