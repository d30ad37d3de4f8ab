"""Certificates made on the spot."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import trustme


def self_signed(host: str, *, days: int = 1) -> str:
    """A key and a certificate for a host name, from an authority that vouches for itself, in PEM.

    Args:
        host: The name it is for.
        days: How long it is valid; negative: it has expired.
    """
    authority, end = trustme.CA(), datetime.now(UTC) + timedelta(days=days)
    made = authority.issue_cert(host, not_before=end - timedelta(days=2), not_after=end)
    return (made.private_key_and_cert_chain_pem.bytes() + authority.cert_pem.bytes()).decode()
