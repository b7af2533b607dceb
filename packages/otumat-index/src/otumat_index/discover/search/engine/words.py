"""Text as words: case, accents and punctuation make no difference. Pure."""

from __future__ import annotations

import re
import unicodedata

WORD_MAX_CHARS = 40
_WORDS = re.compile(rf"[^\W_]{{1,{WORD_MAX_CHARS}}}")
_MARKUP = re.compile(r"<[^<>]{0,500}>|https?://\S+|[`*_=~#|<>\\-]{2,}")

_UNSAID = """
    a an and are as at be by can for from has have if in into is it its not of on or our that the their these this to
    was we which will with you your
"""
UNSAID = frozenset(_UNSAID.split())
"""Words that a description uses for grammar alone: not indexed there, and asked for only when nothing else is."""


def words(text: str) -> list[str]:
    """The words of a text in order: `"Größe of scikit_learn"` is grosse, of, scikit, learn."""
    return _WORDS.findall(text.lower() if text.isascii() else folded(text))


def folded(text: str) -> str:
    """Text without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


def prose(text: str, *, chars: int) -> list[str]:
    """The words of the beginning of a description, without markup and addresses."""
    return words(_MARKUP.sub(" ", text[:chars]))


def trigrams(text: str) -> set[str]:
    """Every three letters in a row, the edges marked: what two spellings of a name still share."""
    edged = f"^{text}$"
    return {edged[at : at + 3] for at in range(len(edged) - 2)}
