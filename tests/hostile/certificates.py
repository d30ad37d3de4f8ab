"""Certificates made on the spot, with nothing but Python: a key on P-256, and as much DER as one certificate needs.

For tests only: the arithmetic takes no care against being watched.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta

# NIST P-256: y² = x³ - 3x + b over the prime field.
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = tuple[int, int]

ECDSA_WITH_SHA256 = "06082a8648ce3d040302"
EC_PUBLIC_KEY = "06072a8648ce3d0201"
P_256 = "06082a8648ce3d030107"
COMMON_NAME = "0603550403"


def add(one: Point | None, other: Point | None) -> Point | None:
    if one is None or other is None:
        return other or one
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % PRIME == 0:
        return None
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, PRIME) if one == other else (y2 - y1) * pow(x2 - x1, -1, PRIME)
    x = (slope * slope - x1 - x2) % PRIME
    return x, (slope * (x1 - x) - y1) % PRIME


def times(factor: int, point: Point) -> Point:
    result: Point | None = None
    doubled: Point | None = point
    while factor:
        if factor & 1:
            result = add(result, doubled)
        doubled = add(doubled, doubled)
        factor >>= 1
    assert result is not None
    return result


def der(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes(2, "big").lstrip(b"\0")
    return bytes([tag, 0x80 | len(length)]) + length + body


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def extension(oid: str, critical: bool, value: bytes) -> bytes:
    return der(0x30, bytes.fromhex(oid), b"\x01\x01\xff" if critical else b"", der(0x04, value))


def pem(kind: str, content: bytes) -> str:
    return f"-----BEGIN {kind}-----\n{base64.encodebytes(content).decode()}-----END {kind}-----\n"


def self_signed(host: str, *, days: int = 1) -> str:
    """A fresh key and a certificate for a host name that vouches for itself, in PEM.

    Args:
        host: The name it is for.
        days: How long it is valid; negative: it has expired.
    """
    private = secrets.randbelow(ORDER - 1) + 1
    x, y = times(private, BASE)
    public = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")

    algorithm = der(0x30, bytes.fromhex(ECDSA_WITH_SHA256))
    name = der(0x30, der(0x31, der(0x30, bytes.fromhex(COMMON_NAME), der(0x0C, host.encode()))))
    end = datetime.now(UTC) + timedelta(days=days)
    times_of_validity = [der(0x18, f"{at:%Y%m%d%H%M%S}Z".encode()) for at in (end - timedelta(days=2), end)]
    key_info = der(0x30, der(0x30, bytes.fromhex(EC_PUBLIC_KEY), bytes.fromhex(P_256)), der(0x03, b"\0", public))
    extensions = (
        extension("0603551d13", True, der(0x30, b"\x01\x01\xff")),  # basicConstraints: an authority
        extension("0603551d0f", True, der(0x03, b"\x02\x84")),  # keyUsage: to sign, certificates too
        extension("0603551d0e", False, der(0x04, hashlib.sha1(public).digest())),  # subjectKeyIdentifier
        extension("0603551d11", False, der(0x30, der(0x82, host.encode()))),  # subjectAltName
    )
    signed = der(
        0x30,
        der(0xA0, integer(2)),
        integer(secrets.randbits(64)),
        algorithm,
        name,
        der(0x30, *times_of_validity),
        name,
        key_info,
        der(0xA3, der(0x30, *extensions)),
    )
    nonce = secrets.randbelow(ORDER - 1) + 1
    r = times(nonce, BASE)[0] % ORDER
    s = pow(nonce, -1, ORDER) * (int.from_bytes(hashlib.sha256(signed).digest(), "big") + r * private) % ORDER
    certificate = der(0x30, signed, algorithm, der(0x03, b"\0", der(0x30, integer(r), integer(s))))

    key = der(0x30, integer(1), der(0x04, private.to_bytes(32, "big")), der(0xA0, bytes.fromhex(P_256)))
    return pem("EC PRIVATE KEY", key) + pem("CERTIFICATE", certificate)
