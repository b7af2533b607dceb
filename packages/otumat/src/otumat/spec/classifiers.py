"""
Classifiers (the draft's discriminators): the allowed set, what is wrong with others, and what was perhaps meant.

Pure; `trove_classifiers` is imported only for `Vocabulary.from_trove`. Start with `Vocabulary.check`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from otumat.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SEPARATOR = " :: "
PRIVATE = "Private"

_RENAMED = {
    # Strings of the draft and of old lists whose successor no likeness of letters tells.
    "environment :: console (text based)": "Environment :: Console",
    "license :: osi approved :: python license": "License :: OSI Approved :: Python Software Foundation License",
    "operating system :: macos x": "Operating System :: MacOS :: MacOS X",
    "operating system :: mac os x": "Operating System :: MacOS :: MacOS X",
    "operating system :: linux": "Operating System :: POSIX :: Linux",
    "operating system :: windows": "Operating System :: Microsoft :: Windows",
    "license :: osi approved :: bsd": "License :: OSI Approved :: BSD License",
    "license :: osi approved :: apache license": "License :: OSI Approved :: Apache Software License",
}
_WORD = re.compile(r"[a-z0-9+#.]+")
_MAX_QUERY_CHARS = 200
_SHORTLIST = 40
_MAX_REMEMBERED = 4096
_MAX_SUGGESTIONS = 20
"""A search costs about half a millisecond; a list with more unknown classifiers than this is no list of classifiers."""


@dataclass(frozen=True)
class Vocabulary:
    """
    The classifiers an index takes.

    Attributes:
        allowed: Every classifier that may be used, deprecated ones included or not.
        deprecated: Those no longer to be used, with what to use instead (perhaps nothing).
    """

    allowed: frozenset[str]
    deprecated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _suggested: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def from_trove(cls, extra: Iterable[str] = ()) -> Vocabulary:
        """The list of the trove-classifiers package (which must be installed), with `extra` ones of the index."""
        import trove_classifiers

        deprecated = {old: tuple(new) for old, new in trove_classifiers.deprecated_classifiers.items()}
        return cls(frozenset(trove_classifiers.classifiers).union(extra), deprecated)

    @cached_property
    def sorted_for_display(self) -> tuple[str, ...]:
        """What may be chosen today: stable, every child behind its parent, 3.9 before 3.10."""
        return tuple(sorted((c for c in self.allowed if c not in self.deprecated), key=display_key))

    @cached_property
    def _usable(self) -> frozenset[str]:
        return self.allowed.difference(self.deprecated)

    def check(self, values: Sequence[str]) -> list[Problem]:
        """
        Every problem of a release's classifiers: unknown, deprecated, given twice, private.

        `Private :: …` is a warning: it is there to make public indexes refuse, which is for the index to decide.

        Source: core metadata, Classifier; PEP 301 (D24, D45).
        """
        if self._usable.issuperset(values) and len(set(values)) == len(values):
            return []
        problems: list[Problem] = []
        for value in dict.fromkeys(values):
            problem = self._check_one(value, suggest=len(problems) < _MAX_SUGGESTIONS)
            if problem is not None:
                problems.append(problem)
        problems += [_twice(value, count) for value, count in Counter(values).items() if count > 1]
        return problems

    def _check_one(self, value: str, *, suggest: bool) -> Problem | None:
        if value in self._usable:
            return None
        if value in self.deprecated:
            return _deprecated(value, self.deprecated[value])
        if value == PRIVATE or value.startswith(PRIVATE + SEPARATOR):
            return _private(value)
        return _unknown(value, self.suggest(value) if suggest else ())

    def suggest(self, value: str, limit: int = 3) -> tuple[str, ...]:
        """Classifiers that were perhaps meant by `value`, the likeliest first; none when nothing is near."""
        value = value[:_MAX_QUERY_CHARS]
        if value not in self._suggested:
            if len(self._suggested) >= _MAX_REMEMBERED:
                self._suggested.clear()
            self._suggested[value] = self._search(value)
        return self._suggested[value][:limit]

    def _search(self, value: str) -> tuple[str, ...]:
        wanted = " ".join(value.lower().split())
        renamed = _RENAMED.get(wanted, "")
        first = [renamed] if renamed in self._usable else []
        return tuple(dict.fromkeys(first + self._ranked(wanted)))[:10]

    def _ranked(self, wanted: str) -> list[str]:
        """By trigrams in common first (one pass over an inverted index), then by words, of the nearest few."""
        grams = _trigrams(wanted)
        shared: Counter[str] = Counter()
        for gram in grams:
            shared.update(self._by_trigram.get(gram, ()))
        nearest = [(_dice(n, len(grams), self._gram_counts[c]), c) for c, n in shared.items()]
        nearest = [entry for entry in nearest if entry[0] >= 0.3]
        nearest.sort(reverse=True)
        scored = [
            (score + _words_in_common(wanted, classifier), classifier) for score, classifier in nearest[:_SHORTLIST]
        ]
        scored = [entry for entry in scored if entry[0] >= 0.9]
        return [classifier for _, classifier in sorted(scored, key=lambda entry: (-entry[0], len(entry[1]), entry[1]))]

    @cached_property
    def _by_trigram(self) -> dict[str, tuple[str, ...]]:
        index: defaultdict[str, list[str]] = defaultdict(list)
        for classifier in self.sorted_for_display:
            for gram in _trigrams(classifier.lower()):
                index[gram].append(classifier)
        return {gram: tuple(classifiers) for gram, classifiers in index.items()}

    @cached_property
    def _gram_counts(self) -> dict[str, int]:
        return {classifier: len(_trigrams(classifier.lower())) for classifier in self.sorted_for_display}


def parents(classifier: str) -> tuple[str, ...]:
    """Its ancestors from the top, without itself: `"A :: B :: C"` gives `("A", "A :: B")`."""
    parts = classifier.split(SEPARATOR)
    return tuple(SEPARATOR.join(parts[:end]) for end in range(1, len(parts)))


def display_key(classifier: str) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Sorts by segment, letters without case, numbers by value."""
    return tuple(tuple(_natural(piece) for piece in re.split(r"(\d+)", part)) for part in classifier.split(SEPARATOR))


def _natural(piece: str) -> tuple[int, int, str]:
    return (0, int(piece[:18]), piece) if piece.isdecimal() else (1, 0, piece.casefold())


def _trigrams(text: str) -> frozenset[str]:
    padded = f"  {text} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def _dice(shared: int, first: int, second: int) -> float:
    return 2 * shared / (first + second)


def _words_in_common(wanted: str, classifier: str) -> float:
    """0 to 1.5: words shared, half a point more when the last segment is the same."""
    candidate = classifier.lower()
    ours, theirs = set(_WORD.findall(wanted)), set(_WORD.findall(candidate))
    likeness = len(ours & theirs) / max(1, len(ours | theirs))
    same_leaf = wanted.rsplit("::", 1)[-1].strip() == candidate.rsplit("::", 1)[-1].strip()
    return likeness + (0.5 if same_leaf else 0)


def _unknown(value: str, suggestions: tuple[str, ...]) -> Problem:
    hint = f"Did you mean {suggestions[0]!r}?" if suggestions else "Choose from the list of classifiers."
    message = f"{value[:200]!r} is not in the list of classifiers."
    return Problem(
        "classifier.unknown", "classifiers", message, value=value, hint=hint, rule=_RULE, suggestions=suggestions
    )


_RULE = "core metadata: Classifier"


def _deprecated(value: str, successors: tuple[str, ...]) -> Problem:
    instead = " or ".join(map(repr, successors))
    hint = f"Use {instead} instead." if successors else "Leave it out; nothing takes its place."
    message = f"{value!r} is deprecated."
    return Problem(
        "classifier.deprecated", "classifiers", message, value=value, hint=hint, rule=_RULE, suggestions=successors
    )


def _private(value: str) -> Problem:
    message = f"{value[:200]!r} marks the project as not for publication."
    hint = "Leave it out if the release is meant for everybody."
    return Problem("classifier.private", "classifiers", message, value=value, hint=hint, rule=_RULE, severity="warning")


def _twice(value: str, count: int) -> Problem:
    message = f"{value[:200]!r} is given {count} times."
    return Problem(
        "classifier.duplicate",
        "classifiers",
        message,
        value=value,
        hint="Give it once.",
        rule=_RULE,
        severity="warning",
    )
