"""Whether a key is one to rely on. Cheap questions are asked of every key, dear ones when a key is taken in."""

from __future__ import annotations

from otumat.errors import Problem
from otumat.spec.keys.public import RSA, PublicKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LEAST_BITS, LEAST_LEGACY_BITS = 2048, 1024
_LEAST_EXPONENT = 65_537
_FERMAT_ROUNDS = 100
_SMALL_PRIMES_BELOW = 2_000
_HINT = "Make a new one with: otumat keygen"


def key_problems(key: PublicKey, *, legacy: bool = False, others: Iterable[PublicKey] | None = None) -> list[Problem]:
    """
    Everything that speaks against this key; nothing does against a key on a curve that could be read.

    Args:
        legacy: Signatures of the 0.3 kind are to be checked: keys of 1024 bits are warned of instead of refused.
        others: Keys that are trusted already. When given, the dear questions are asked too: primes shared with one of
            those, primes close to each other, small factors, a modulus that is prime or a square.
    """
    if key.kind != RSA:
        return []
    found: list[Problem] = []
    bits = key.n.bit_length()
    if bits < LEAST_BITS:
        severity = "warning" if legacy and bits >= LEAST_LEGACY_BITS else "error"
        found.append(_problem("key.weak", f"The RSA key has {bits} bits; {LEAST_BITS} are needed.", severity))
    if key.e < _LEAST_EXPONENT:
        found.append(_problem("key.exponent", f"The RSA key has the exponent {key.e}; {_LEAST_EXPONENT} is usual."))
    if others is not None:
        found += _of_the_modulus(key, [other for other in others if other.kind == RSA and other.n != key.n])
    return found


def _of_the_modulus(key: PublicKey, others: list[PublicKey]) -> list[Problem]:
    from math import gcd

    n = key.n
    if any(gcd(n, other.n) != 1 for other in others):
        return [_problem("key.shared_prime", "The RSA key shares a prime with another key: both are broken.")]
    if gcd(n, _product_of_small_primes()) != 1:
        return [_problem("key.factor", "The modulus of the RSA key has a small factor.")]
    if pow(2, n - 1, n) == 1:
        return [_problem("key.prime", "The modulus of the RSA key is a prime number: its private key is no secret.")]
    if _has_close_primes(n):
        return [_problem("key.close_primes", "The primes of the RSA key lie so close together that they can be found.")]
    return []


def _has_close_primes(n: int) -> bool:
    """Fermat's factoring, and with its first step the question whether n is a square."""
    from math import isqrt

    root = isqrt(n)
    root += root * root < n
    for step in range(_FERMAT_ROUNDS):
        rest = (root + step) ** 2 - n
        if isqrt(rest) ** 2 == rest:
            return True
    return False


def _product_of_small_primes() -> int:
    from math import gcd

    product = 1
    for number in range(3, _SMALL_PRIMES_BELOW, 2):
        if gcd(number, product) == 1:  # the product holds every smaller prime, so this one is new and prime
            product *= number
    return product


def _problem(code: str, message: str, severity: str = "error") -> Problem:
    return Problem(code, "key", message, hint=_HINT, severity=severity)
