"""Certificates made on the spot."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import trustme


def certified(host: str = "127.0.0.1", *, days: int = 1) -> tuple[ssl.SSLContext, str]:
    """TLS for a server, by a certificate for the host that is valid for so many days; and who signed it, in PEM."""
    authority, end = trustme.CA(), datetime.now(UTC) + timedelta(days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host, not_before=end - timedelta(days=2), not_after=end).configure_cert(context)
    return context, authority.cert_pem.bytes().decode()
