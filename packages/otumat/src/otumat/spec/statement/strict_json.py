"""JSON of which there is one reading: no key twice, no NaN, no fractions, bounded in size and depth."""

from __future__ import annotations

import binascii

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

MAX_BYTES = 32 * 1024 * 1024


class Malformed(ValueError):
    """The bytes are not in the form they must have; the text says in which way."""


def read(data: bytes) -> Any:
    """
    The value that the bytes are.

    Errors:
        Malformed: whatever is wrong with them; nothing else is ever raised.
    """
    if len(data) > MAX_BYTES:
        raise Malformed(f"it is larger than {MAX_BYTES} bytes")
    try:
        return _read(data.decode("utf-8"))
    except Malformed:
        raise
    except RecursionError:
        raise Malformed("it is nested too deeply") from None
    except ValueError as exc:
        raise Malformed(f"it is no JSON: {str(exc)[:200]}") from None


def write(value: Any) -> bytes:
    """The one form we write: keys sorted, no blanks, ASCII."""
    from json import dumps

    return dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def get(mapping: Any, key: str, kind: type, *, default: Any = None) -> Any:
    """
    The value of a key, which must be of this very kind (True is no number); missing only where there is a default.
    """
    if type(mapping) is not dict:
        raise Malformed(f"there is no object to hold {key!r}")
    value = mapping.get(key, default)
    if type(value) is not kind:
        raise Malformed(f"{key!r} is missing or not of the kind {kind.__name__}")
    return value


def get_bytes(mapping: Any, key: str) -> bytes:
    """The bytes that the text of a key is the base64 of."""
    return bytes_of(get(mapping, key, str))


def bytes_of(text: str) -> bytes:
    """Base64, standard and padded, without any other character."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Malformed("what should be base64 is not") from None


def base64_of(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("an object has the same key twice")
    return found


def _refuse(text: str) -> NoReturn:
    raise Malformed(f"it holds {text[:40]!r}, which is no number that a statement may have")


def _read(text: str) -> Any:
    """
    By the half of `json` that is written in C, which is no public module but comes without `re` and `enum`, 8 of the 20
    ms that a verdict takes. Whatever it does not read to its end, `json` itself judges.
    """
    try:
        from _json import make_scanner

        value, end = make_scanner(_Rules)(text, 0)  # type: ignore[arg-type]  # asked for its attributes alone
        if not text[end:].strip(" \t\r\n"):
            return value
    except Malformed:
        raise
    except (ImportError, ValueError, StopIteration, SystemError):  # the last one: json.decoder was never imported
        pass
    from json import loads

    return loads(text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_refuse)


class _Rules:
    """The same rules for the scanner."""

    strict, object_hook = True, None
    object_pairs_hook, parse_float, parse_constant, parse_int = _object, _refuse, _refuse, int
