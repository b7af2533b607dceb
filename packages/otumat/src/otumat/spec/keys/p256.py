"""
ECDSA on the curve P-256 with SHA-256, checked: what tokens, HSMs and the KMS of clouds have. Verification only.

A signature is DER as X9.62 has it, in its one encoding. Of a signature (r, s) there is always a twin (r, -s): that says
nothing about who signed, and nothing here names anything by a signature's bytes.
"""

from __future__ import annotations

import hashlib

from otumat.spec.keys import der

# SEC 2, 2.4.2: the field, the order of the base point, the curve's b; its a is -3.
_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

TYPE_CHECKING = False
if TYPE_CHECKING:
    Point = tuple[int, int, int]
    """Jacobian: x / z**2 and y / z**3; z is 0 for the neutral element."""

_BASE: Point = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    1,
)
_NEUTRAL: Point = (1, 1, 0)


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """
    Check one signature.

    Args:
        public: 64 bytes, the coordinates of the point. signature: DER.

    Source: FIPS 186-5, 6.4.2.
    """
    if (numbers := read_signature(signature)) is None or not is_point(public):
        return False
    r, s = numbers
    inverse = pow(s, -1, _N)
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    point = (int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big"), 1)
    x, _, z = _combined(digest * inverse % _N, r * inverse % _N, point)
    return z != 0 and x * pow(z, -2, _P) % _P % _N == r


def read_signature(signature: bytes) -> tuple[int, int] | None:
    """Its two numbers, None when it is not of the form, or they are none that a signature has."""
    try:
        body = der.read_whole(signature, der.SEQUENCE)
        r, at = der.read_unsigned(body)
        s, end = der.read_unsigned(body, at)
    except der.BadDer:
        return None
    return (r, s) if end == len(body) and 0 < r < _N and 0 < s < _N else None


def written_signature(r: int, s: int) -> bytes:
    """The DER of the two numbers."""
    return der.written(der.SEQUENCE, der.written_unsigned(r) + der.written_unsigned(s))


def is_point(public: bytes) -> bool:
    """Whether 64 bytes are a point of the curve, whose order is prime: every point but the neutral one will do."""
    x, y = int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big")
    return len(public) == 64 and x < _P and y < _P and (y * y - (x * x - 3) * x - _B) % _P == 0


def _doubled(p: Point) -> Point:
    """EFD, "dbl-2001-b"."""
    x, y, z = p
    delta, gamma = z * z % _P, y * y % _P
    beta, alpha = x * gamma % _P, 3 * (x - delta) * (x + delta) % _P
    x3 = (alpha * alpha - 8 * beta) % _P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % _P, ((y + z) ** 2 - gamma - delta) % _P


def _added(p: Point, q: Point) -> Point:
    """EFD, "add-2007-bl" without its tricks; unlike there, equal, opposite and neutral points are taken too."""
    (x1, y1, z1), (x2, y2, z2) = p, q
    if not z1 or not z2:
        return q if not z1 else p
    zz1, zz2 = z1 * z1 % _P, z2 * z2 % _P
    u1, u2, s1, s2 = x1 * zz2 % _P, x2 * zz1 % _P, y1 * z2 * zz2 % _P, y2 * z1 * zz1 % _P
    h, r = u2 - u1, s2 - s1
    if not h % _P:
        return _doubled(p) if not r % _P else _NEUTRAL
    hh = h * h % _P
    hhh, v = h * hh % _P, u1 * hh % _P
    x3 = (r * r - hhh - 2 * v) % _P
    return x3, (r * (v - x3) - s1 * hhh) % _P, z1 * z2 * h % _P


def _combined(first: int, second: int, point: Point) -> Point:
    """`first` times the base point plus `second` times the other, in one walk over both numbers (Straus)."""
    both = (_NEUTRAL, _BASE, point, _added(_BASE, point))
    total = _NEUTRAL
    for bit in range(max(first.bit_length(), second.bit_length()) - 1, -1, -1):
        total = _doubled(total)
        if choice := (first >> bit & 1) | (second >> bit & 1) << 1:
            total = _added(total, both[choice])
    return total
