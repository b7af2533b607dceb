"""
Classifiers in few letters: `framework:django` for `Framework :: Django`.

A field of the language stands for the beginning of a classifier (`framework`, `os`, `python`); its value is any tail of
the rest that only one classifier has, whatever the case, with `/` for ` :: ` and `-` for a blank:
`framework:django/5.0`, `topic:software-development`. Start with `Names.find`.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from otumat.spec.classifiers import SEPARATOR, display_key, parents
from otumat_index.discover.search.language import fields

ROOTS: Mapping[str, str] = {
    "framework": "Framework",
    "topic": "Topic",
    "os": "Operating System",
    "python": "Programming Language :: Python",
    "language": "Programming Language",
    "status": "Development Status",
    "license": "License",
    "audience": "Intended Audience",
    "environment": "Environment",
    "natural": "Natural Language",
    "typing": "Typing",
}
"""Fields that stand for classifiers, and what these begin with. Categories of an index's own get a field by name."""

_FIELD = re.compile(r"[^\W\d][\w-]*")
_WIDE = re.compile(r"[\s_-]+")
_NUMBERED = re.compile(r"^\d+-(?=\D)")
_BRACKETED = re.compile(r"\(([^()]+)\)$")


def key(text: str) -> str:
    """
    A name as it is compared.

    >>> key("Software  Development :: Libraries")
    'software-development/libraries'
    """
    return _WIDE.sub("-", re.sub(r"\s*::\s*", "/", text.casefold()).strip(" -_/"))


@dataclass(frozen=True)
class Names:
    """
    How the classifiers of an index are named in short.

    Attributes:
        texts: Every classifier that may be asked for, deprecated ones included.
    """

    texts: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Names:
        """With every ancestor, for these can be asked for, too."""
        given = frozenset(texts)
        return cls(given.union(*(parents(text) for text in given)))

    @cached_property
    def roots(self) -> Mapping[str, str]:
        """What each field's classifiers begin with."""
        tops = {text.split(SEPARATOR)[0] for text in self.texts}.difference(ROOTS.values())
        own = {key(top).replace("/", "-"): top for top in sorted(tops)}
        return {
            **{word: top for word, top in own.items() if _FIELD.fullmatch(word) and word not in fields.TAKEN},
            **ROOTS,
        }

    @cached_property
    def by_text(self) -> Mapping[str, str]:
        """Classifiers by their letters without case."""
        return {text.casefold(): text for text in sorted(self.texts)}

    def full(self, text: str) -> str:
        """The classifier that is written out in full, whatever its case and blanks; empty when there is none."""
        return self.by_text.get(SEPARATOR.join(part.strip() for part in text.casefold().split("::")), "")

    def find(self, field: str, value: str) -> tuple[str, ...]:
        """
        The classifiers that a short form may mean: one when it is clear, several when it is not.

        A name right below the field's root wins over deeper ones, whole parts over the pieces of `Office/Business`.
        """
        wanted = key(value)
        for level in self._levels.get(field, ()):
            if found := level.get(wanted):
                return found
        return ()

    def near(self, field: str, value: str) -> tuple[str, ...]:
        """Classifiers named like a value that names none, the likeliest first."""
        levels = self._levels.get(field, ())
        spellings: dict[str, None] = dict.fromkeys(spelling for level in levels for spelling in level)
        cutoff = 0.7 if len(value) > 4 else 0.6
        close = difflib.get_close_matches(key(value)[:60], list(spellings), n=8, cutoff=cutoff)
        found = dict.fromkeys(text for each in close for text in self.find(field, each)[:1])
        return tuple(found)[:3]

    def short(self, classifier: str) -> tuple[str, str]:
        """Field and shortest clear value of a classifier; `("", "")` when it has to be written in full."""
        return self._shorts.get(classifier, ("", ""))

    def within(self, text: str) -> str:
        """The longest classifier of several parts that a text begins with; empty if there is none."""
        lowered = text.casefold()
        found = ""
        for end in _ends(lowered):
            found = self.full(lowered[:end]) if " :: " in lowered[:end] and self.full(lowered[:end]) else found
        return found

    @cached_property
    def _levels(self) -> Mapping[str, tuple[Mapping[str, tuple[str, ...]], ...]]:
        return {field: _levels(root, self._below(root)) for field, root in self.roots.items()}

    def _below(self, root: str) -> list[str]:
        return sorted((text for text in self.texts if text.startswith(root + SEPARATOR)), key=display_key)

    @cached_property
    def _shorts(self) -> Mapping[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for field, root in sorted(self.roots.items(), key=lambda each: -len(each[1])):  # `python` before `language`
            if field == "license":
                continue  # it finds expressions of SPDX, too: more than the classifier
            for text in self._below(root):
                if clear := self._clear(field, text):
                    found.setdefault(text, (field, clear))
        return found

    def licence(self, classifier: str) -> str:
        """The shortest clear value of a licence's classifier for the field `license`; empty when there is none."""
        return self._clear("license", classifier)

    def _clear(self, field: str, text: str) -> str:
        spellings = _spellings(self.roots[field], text)
        return next((each for each in spellings if self.find(field, each) == (text,) and _reads(field, each)), "")


def _reads(field: str, value: str) -> bool:
    """Whether a value tells a reader something: `framework:3.3` does not say of what."""
    return field == "python" or any(char.isalpha() for char in value)


def _ends(text: str) -> Iterator[int]:
    """Where words of a text end; of the first 300 characters."""
    return (found.end() for found in re.finditer(r"\S+", text[:300]))


def _levels(root: str, texts: Collection[str]) -> tuple[Mapping[str, tuple[str, ...]], ...]:
    """Spellings to classifiers, the better kind of spelling first."""
    whole: dict[str, list[str]] = defaultdict(list)
    tails: dict[str, list[str]] = defaultdict(list)
    pieces: dict[str, list[str]] = defaultdict(list)
    words: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        below = text.removeprefix(root + SEPARATOR)
        for level, spellings in ((whole, _whole(below)), (tails, _tails(below)), (pieces, _pieces(below))):
            for spelling in dict.fromkeys(spellings):
                level[spelling].append(text)
        for word in dict.fromkeys(re.split(r"[-/]", key(below.split(SEPARATOR)[-1]))):
            words[word].append(text)
    return tuple({spelling: tuple(found) for spelling, found in each.items()} for each in (whole, tails, pieces, words))


def _whole(below: str) -> Iterator[str]:
    yield key(below)
    if SEPARATOR not in below:
        yield from _aliases(below)


def _tails(below: str) -> Iterator[str]:
    parts = below.split(SEPARATOR)
    yield from (key(SEPARATOR.join(parts[start:])) for start in range(len(parts)))
    yield from _aliases(parts[-1])


def _pieces(below: str) -> Iterator[str]:
    """Tails that begin within a name with slashes: `business` of `Office/Business`."""
    pieces = key(below).split("/")
    yield from ("/".join(pieces[start:]) for start in range(len(pieces)))
    yield _NUMBERED.sub("", pieces[-1])
    if len(pieces) > 1:
        yield _NUMBERED.sub("", pieces[0]) if SEPARATOR not in below else key(below)


def _aliases(name: str) -> Iterator[str]:
    """Other spellings of one part: `beta` for `4 - Beta`, `mit` for `MIT License`, `gplv3` for `GNU … (GPLv3)`."""
    yield _NUMBERED.sub("", key(name))
    yield key(name.removesuffix(" License"))
    if bracketed := _BRACKETED.search(name):
        yield key(bracketed[1])
        yield key(name[: bracketed.start()])


def _spellings(root: str, text: str) -> Iterator[str]:
    """Values that may name a classifier, the shortest that reads well first."""
    parts = text.removeprefix(root + SEPARATOR).split(SEPARATOR)
    yield _NUMBERED.sub("", key(parts[-1]))
    if root == "License":
        yield from sorted(set(_aliases(parts[-1])), key=len)
    yield from (key(SEPARATOR.join(parts[start:])) for start in reversed(range(len(parts))))
