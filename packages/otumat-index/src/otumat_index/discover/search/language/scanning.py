"""Cutting a text into items: `-field:"a value",other`. Knows nothing of what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_FIELD = re.compile(r"([^\W\d][\w-]*):(?![:/])")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)("|\\?$)')
_BARE = re.compile(r"[^\s,]+")
_WORD = re.compile(r"\S+")
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Item:
    """
    One item.

    Attributes:
        start, end: Its place in the text.
        field: In lower case with `-` for `_`; empty for words and phrases.
        field_end: Where the field's name ends.
        values: Without quotes, blanks made one; empty for `field:` with nothing behind.
        is_whole: It stood as a classifier, ` :: ` and all, without field and quotes.
        is_quoted: It began with a quote.
        is_open: A quote was not closed.
    """

    start: int
    end: int
    negated: bool
    field: str
    field_end: int
    values: tuple[str, ...]
    is_whole: bool = False
    is_quoted: bool = False
    is_open: bool = False


def items(text: str, *, whole: Callable[[str], str]) -> Iterator[Item]:
    """
    The items of a text, in order; `whole` tells which classifier a text begins with, if any.

    Time grows with the length of the text; nothing is looked at twice but words before a ` :: `.
    """
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        item = _item(text, place, whole)
        yield item
        place = item.end


def _item(text: str, start: int, whole: Callable[[str], str]) -> Item:
    negated = text[start] == "-" and start + 1 < len(text) and not text[start + 1].isspace()
    begin = start + negated
    if classifier := whole(text[begin:]) if " :: " in text[begin : begin + 60] else "":
        end = _end_of(text, begin, classifier)
        return Item(start, end, negated, "", begin, (classifier,), is_whole=True)
    if field := _FIELD.match(text, begin):
        values, end, is_open = _values(text, field.end())
        name = field[1].lower().replace("_", "-")
        return Item(start, end, negated, name, field.end() - 1, values, is_open=is_open)
    if text[begin] == '"':
        value, end, is_open = _quoted(text, begin)
        return Item(start, end, negated, "", begin, (value,), is_quoted=True, is_open=is_open)
    word = _WORD.match(text, begin)
    end = word.end() if word else begin + 1
    return Item(start, end, negated, "", begin, (text[begin:end],))


def _end_of(text: str, start: int, classifier: str) -> int:
    """Where a classifier ends that stands there in any case, and with any blanks."""
    parts = (re.escape(part) for part in classifier.split())
    found = re.compile(r"\s+".join(parts), re.IGNORECASE).match(text, start)
    return found.end() if found else start + len(classifier)


def _values(text: str, start: int) -> tuple[tuple[str, ...], int, bool]:
    """Values with commas between; the place behind; whether a quote stayed open."""
    values, place, is_open = [], start, False
    while place < len(text) and not text[place].isspace():
        if text[place] == ",":
            place += 1
        elif text[place] == '"':
            value, place, is_open = _quoted(text, place)
            values.append(value)
            if place < len(text) and text[place] != ",":
                break
        else:
            bare = _BARE.match(text, place)
            place = bare.end() if bare else place + 1
            values.append(bare[0] if bare else "")
    return tuple(filter(None, values)), place, is_open


def _quoted(text: str, start: int) -> tuple[str, int, bool]:
    found = _QUOTED.match(text, start)
    if found is None:  # cannot be: an open quote reaches to the end
        return "", len(text), True
    return " ".join(_ESCAPED.sub(r"\1", found[1]).split()), found.end(), not found[2].endswith('"')
