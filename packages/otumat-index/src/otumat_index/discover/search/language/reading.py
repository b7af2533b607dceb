"""
From text to query. Start with `read`.

Whatever cannot be used becomes a `Slip` with its place, and the rest of the query still works.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from otumat_index.discover.search import asked
from otumat_index.discover.search.asked import Order, Query, Term
from otumat_index.discover.search.language import fields, meaning
from otumat_index.discover.search.language.naming import Names
from otumat_index.discover.search.language.scanning import Item, items
from otumat_index.discover.search.language.writing import last_word, write_term


@dataclass(frozen=True, slots=True)
class Slip:
    """
    Something in a text that could not be used as it stands.

    Attributes:
        code: Stable: `field.unknown`, `classifier.ambiguous`, …
        start, end: Its place in the text.
        message: What is wrong, and what was done about it.
        instead: What could stand in this place, best first.
    """

    code: str
    start: int
    end: int
    message: str
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """What was understood of a text: the query, and what slipped. `text` is what was looked at, on one line."""

    query: Query
    slips: tuple[Slip, ...] = ()
    text: str = ""


def read(text: str, *, names: Names, is_typing: bool = False, slips_max: int = fields.SLIPS_MAX) -> Read:
    """
    Understand a text.

    Args:
        text: Anything at all; the first `TEXT_MAX_CHARS` characters count.
        names: The classifiers of this index.
        is_typing: The last word may still be growing, as if it ended with a star.
        slips_max: So many slips are told; none where nobody reads them, for they take time.

    Returns:
        A query of at most `TERMS_MAX` terms with `VALUES_MAX` values each, every term once, and the first slips
        in order.
    """
    line = "".join(char if char.isprintable() else " " for char in text[: fields.TEXT_MAX_CHARS])
    reader = _Reader(names, slips_max)
    for item in items(line, whole=names.within):
        reader.take(item)
    if len(text) > fields.TEXT_MAX_CHARS:
        reader.told(
            "text.long", len(line), len(line), f"Only the first {fields.TEXT_MAX_CHARS} characters are looked at."
        )
    grows = reader.is_begun or (is_typing and reader.ends_with_word and line[-1:].isalnum())
    query = Query(tuple(reader.terms), reader.order or Order.BEST)
    return Read(replace(query, is_typing=grows and last_word(query) is not None), tuple(reader.slips), line)


def field_terms(pairs: Iterable[tuple[str, str]], *, names: Names) -> tuple[Term, ...]:
    """Terms of a form: (field of core metadata, text it contains). Unknown fields and empty texts are left out."""
    reader = _Reader(names)
    for field, text in pairs:
        if (value := " ".join(text.split())) and field in (*fields.METADATA, asked.LICENSE):
            reader.take(Item(0, 0, False, field.replace("_", "-"), 0, (value,)))
    return tuple(reader.terms)


class _Reader:
    """Collects terms and slips, item by item."""

    def __init__(self, names: Names, slips_max: int = 0) -> None:
        self.names = names
        self.slips_max = slips_max
        self.terms: list[Term] = []
        self.slips: list[Slip] = []
        self.order: Order | None = None
        self.ends_with_word = self.is_begun = False
        self.dear = 0

    def take(self, item: Item) -> None:
        """One item, whatever it is."""
        self.ends_with_word = not item.field and not item.is_quoted and not item.is_whole and not item.negated
        if item.is_open:
            self.told("quote.open", item.start, item.end, "This quote is not closed; it was read to the end.")
        if item.field and not item.values:
            message = f"“{item.field}:” needs a value right behind the colon; it was left out."
            self.told("value.missing", item.start, item.end, message)
        elif fields.OTHERS.get(item.field, item.field) == fields.SORT:
            self.sort(item)
        else:
            self.take_term(item)

    def take_term(self, item: Item) -> None:
        """A test."""
        word = item.field or (asked.CLASSIFIER if item.is_whole else asked.TEXT)
        if word == asked.TEXT and not item.negated:
            item = self.starred(item)
        found = meaning.meaning_of(word, item.values[0], self.names)
        if found is None:
            return self.unknown(item)
        field, mean = found
        values: dict[str, None] = {}
        for value in item.values[: fields.VALUES_MAX]:
            meant = mean(self.names, word, value)
            values.update(dict.fromkeys(meant.values))
            if meant.code and self.has_patience:
                instead = (write_term(Term(field, (each,), item.negated), self.names) for each in meant.instead())
                self.told(meant.code, item.start, item.end, meant.message, tuple(instead))
        is_cut = max(len(item.values), len(values)) > fields.VALUES_MAX
        paid = self.affordable(item, field, tuple(values)[: fields.VALUES_MAX])
        self.add(item, Term(field, paid, item.negated), is_cut=is_cut)
        return None

    def affordable(self, item: Item, field: str, values: tuple[str, ...]) -> tuple[str, ...]:
        """The values of a test without those that would make the question a dear one."""
        kept = []
        for value in values:
            is_dear = field in fields.DEAR or (field == asked.TEXT and not value.isalnum())
            self.dear += is_dear
            if not is_dear or self.dear <= fields.DEAR_MAX:
                kept.append(value)
        if len(kept) < len(values):
            message = f"No more than {fields.DEAR_MAX} phrases, moments and versions at once: the others were left out."
            self.told("values.dear", item.start, item.end, message)
        return tuple(kept)

    def starred(self, item: Item) -> Item:
        """A word without the star behind it, which says that it is the beginning of one; only the last one may be."""
        if self.is_begun:
            self.told(
                "star.early", item.start, item.end, "Only the last word can end with a star: those before are whole."
            )
        bare = item.values[0].rstrip("*")
        self.is_begun = not item.field and not item.is_quoted and item.values[0] != bare != ""
        return replace(item, values=(bare,)) if self.is_begun else item

    def add(self, item: Item, term: Term, *, is_cut: bool) -> None:
        """One more test, if it says something new and there is room for it."""
        if is_cut:
            message = f"No more than {fields.VALUES_MAX} values at once: the others were left out."
            self.told("values.many", item.start, item.end, message)
        if not term.values or term in self.terms:
            return
        if len(self.terms) < fields.TERMS_MAX:
            self.terms.append(term)
        elif all(slip.code != "terms.many" for slip in self.slips):
            message = f"No more than {fields.TERMS_MAX} tests at once: from here on they were left out."
            self.told("terms.many", item.start, item.end, message)

    def sort(self, item: Item) -> None:
        """How results are ordered; what is said last counts."""
        value = item.values[-1].lower()
        if value in fields.ORDERS and not item.negated:
            self.order = fields.ORDERS[value]
            return
        message = f"Results are sorted by {', '.join(asked.Order)}; “{item.values[-1]}” was left out."
        near = difflib.get_close_matches(value[:40], list(fields.ORDERS), n=1)
        self.told("sort.unknown", item.start, item.end, message, tuple(f"sort:{each}" for each in near))

    def unknown(self, item: Item) -> None:
        """A word before a colon that is no field: perhaps a slip, perhaps just a word with a colon in it."""
        if not self.has_patience:
            return
        near = difflib.get_close_matches(item.field[:40], meaning.words(self.names), n=2, cutoff=0.75)
        values = ",".join(item.values)
        message = f"There is no field “{item.field}”; it was left out. To look for it as it stands, put it in quotes."
        instead = [f"{'-' * item.negated}{word}:{values}" for word in near if " " not in values]
        as_text = write_term(Term(asked.TEXT, (f"{item.field}:{values}",), item.negated), self.names)
        self.told("field.unknown", item.start, item.end, message, (*instead, as_text))

    @property
    def has_patience(self) -> bool:
        """Whether another slip is told."""
        return len(self.slips) < self.slips_max

    def told(self, code: str, start: int, end: int, message: str, instead: tuple[str, ...] = ()) -> None:
        if self.has_patience:
            self.slips.append(Slip(code, start, end, message, instead))
