"""A cache for pure functions of one text, which texts made to fill memory do not enter."""

from __future__ import annotations

from functools import lru_cache, wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")


def remember(entries: int, *, max_chars: int = 256) -> Callable[[Callable[[str], Result]], Callable[[str], Result]]:
    """
    Like `functools.lru_cache`, but texts of more than `max_chars` are worked out each time.

    What comes from strangers may be a megabyte long and always different; a plain cache would keep thousands of them.
    """

    def decorate(function: Callable[[str], Result]) -> Callable[[str], Result]:
        cached = lru_cache(maxsize=entries)(function)

        @wraps(function)
        def remembered(text: str) -> Result:
            return cached(text) if len(text) <= max_chars else function(text)

        return remembered

    return decorate
