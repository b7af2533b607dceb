"""JSON of which there is one reading: no key twice, no NaN, no fractions, bounded in size and depth."""

from __future__ import annotations

import json

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
        text = data.decode("utf-8")
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_refuse)
    except Malformed:
        raise
    except RecursionError:
        raise Malformed("it is nested too deeply") from None
    except ValueError as exc:
        raise Malformed(f"it is no JSON: {str(exc)[:200]}") from None


def write(value: Any) -> bytes:
    """The one form we write: keys sorted, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


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


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("an object has the same key twice")
    return found


def _refuse(text: str) -> NoReturn:
    raise Malformed(f"it holds {text[:40]!r}, which is no number that a statement may have")
