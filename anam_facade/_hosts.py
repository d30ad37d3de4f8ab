"""Which hosts are this machine."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host name or address certainly means this machine."""
    if host == "localhost":  # not *.localhost: some resolvers ask the network for it
        return True
    if ":" not in host and not host.startswith("127."):  # a name, or an address elsewhere
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
