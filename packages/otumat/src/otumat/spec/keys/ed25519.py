"""
Ed25519 signatures, checked. Verification only, hence without secrets and without care for timing.

Stricter than RFC 8032 leaves it open to be: every number in its one encoding, no key and no point R of small order, and
the equation without cofactor, so that all strict implementations agree on every signature.
"""

from __future__ import annotations

import hashlib

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_I = pow(2, (_P - 1) // 4, _P)

TYPE_CHECKING = False
if TYPE_CHECKING:
    Point = tuple[int, int, int, int]


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """
    Check one signature.

    Args:
        public: 32 bytes, the point A. signature: 64 bytes, the point R and the number S.

    Source: RFC 8032, 5.1.7.
    """
    if not is_sound(public, signature):
        return False
    point, claimed = _decoded(public), _decoded(signature[:32])
    if point is None or claimed is None:
        return False
    s = int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    x, y, z, t = point
    negated = (_P - x, y, z, _P - t)
    return _encoded(_combined(s, k, negated)) == signature[:32]


def is_sound(public: bytes, signature: bytes) -> bool:
    """Whether both have their one encoding and no point of small order: what is asked before any library is."""
    if len(signature) != 64 or not is_sound_key(public):
        return False
    return is_sound_key(signature[:32]) and int.from_bytes(signature[32:], "little") < _L


def is_sound_key(public: bytes) -> bool:
    """Whether 32 bytes are a canonical y, with no point of small order behind it (under those, anything verifies)."""
    y = int.from_bytes(public, "little") & ((1 << 255) - 1)
    return len(public) == 32 and y < _P and y not in _SMALL_ORDER


def is_point(public: bytes) -> bool:
    """Whether the bytes are a point of the curve at all; half of all values of y are none."""
    return is_sound_key(public) and _decoded(public) is not None


def _decoded(raw: bytes) -> Point | None:
    """RFC 8032, 5.1.3."""
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= _P:
        return None
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    square = v * x * x % _P
    if square == _P - u or (u == 0 and square != 0):
        x = x * _I % _P
    elif square != u:
        return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encoded(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    x, y = x * inverse % _P, y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _added(p: Point, q: Point) -> Point:
    """RFC 8032, 5.1.4."""
    x1, y1, z1, t1 = p
    x2, y2, z2, t2 = q
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _doubled(p: Point) -> Point:
    x, y, z, _ = p
    a, b = x * x % _P, y * y % _P
    h = a + b
    e, g = h - (x + y) * (x + y), a - b
    f = 2 * z * z + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _combined(s: int, k: int, point: Point) -> Point:
    """s times the base point plus k times the other, in one walk over both numbers (Straus)."""
    both = (_NEUTRAL, _BASE, point, _added(_BASE, point))
    total = _NEUTRAL
    for bit in range(max(s.bit_length(), k.bit_length()) - 1, -1, -1):
        total = _doubled(total)
        choice = (s >> bit & 1) | (k >> bit & 1) << 1
        if choice:
            total = _added(total, both[choice])
    return total


_NEUTRAL: Point = (0, 1, 1, 0)
_BASE_X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
_BASE_Y = 4 * pow(5, -1, _P) % _P
_BASE: Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)
_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
"""The y of the points of order 8; the other small orders have 0 (4), 1 (1) and -1 (2)."""
_SMALL_ORDER = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
