"""
What search knows of a project: a `Document`, and the tokens it is found by. Pure.

A token is a letter for where it was found and what was found there: `nweb` is the word "web" in a name, `dnumpy` a
dependency.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from zlib import crc32

from otumat.spec.metadata import FIELDS
from otumat.spec.names import normalize
from otumat_index.discover.search.engine.words import UNSAID, prose, words
from otumat_index.discover.search.fields import OTHERS

NAME: Final = "n"
KEYWORD: Final = "k"
SUMMARY: Final = "s"
BODY: Final = "b"
TEXTS: Final = (NAME, KEYWORD, SUMMARY, BODY)
"""Where words of a text are looked for, the best place first."""
TRIGRAM: Final = "t"
FLAG: Final = "f"
PYTHON: Final = "r"
DEPENDS: Final = "d"
WHOLE_KEYWORD: Final = "K"
VERSION: Final = "v"
AUTHOR: Final = "a"
MAINTAINER: Final = "m"
LICENSE: Final = "l"
OTHER: Final = "o"

BODY_MAX_CHARS = 2_000
BODY_MAX_WORDS = 40
"""How much of a description is indexed: its first words that mean something. All of it would take ten times as much."""
FIELD_MAX_WORDS = 60
LICENSE_MAX_WORDS = 12
"""A licence's name stands at its beginning; some paste its whole text."""
TOKEN_MAX_CHARS = 120
_REQUIRED = re.compile(r"[A-Za-z0-9._-]*")
GAP: Final = 0

SECONDS_A_YEAR = 31_557_600


@dataclass(slots=True)
class Document:
    """
    A project with its most recent release.

    Attributes:
        pk: Primary key of the project.
        name: Normalised.
        created, updated: Seconds since 1970.
        fields: Columns of the release, JSON ones decoded.
        kinds: Kinds of files the release has.
        releases: How many there are.
    """

    pk: int
    name: str
    is_private: bool
    status: str
    created: int
    updated: int
    version: str
    canonical: str
    is_prerelease: bool
    is_yanked: bool
    fields: Mapping[str, Any]
    kinds: frozenset[str] = frozenset()
    releases: int = 1

    @property
    def classifiers(self) -> list[str]:
        found: list[str] = self.fields["classifiers"]
        return found


@lru_cache(maxsize=20_000)
def lineage(classifier: str) -> tuple[str, ...]:
    """A classifier and everything above it."""
    parts = classifier.split(" :: ")
    return tuple(" :: ".join(parts[:end]) for end in range(1, len(parts) + 1))


def closure(classifiers: Iterable[str]) -> set[str]:
    """Classifiers and everything above them: whoever selects `Topic` selects all of its children."""
    return set().union(*map(lineage, classifiers))


@dataclass(slots=True)
class Read:
    """A document as tokens; and the words of name, keywords and summary in order, as hashes with gaps between."""

    tokens: set[str]
    sequence: list[int]
    name_words: int
    head_words: int


def read(document: Document) -> Read:
    """Take a document apart."""
    fields = document.fields
    name, summary = words(document.name), words(fields["summary"])
    keywords = [words(each) for each in fields["keywords"][:FIELD_MAX_WORDS]]
    flat = [word for each in keywords for word in each]
    body = body_words(fields["description"])
    tokens = {NAME + word for word in name}
    tokens.update([KEYWORD + word for word in flat])
    tokens.update([SUMMARY + word for word in summary])
    tokens.update([BODY + word for word in body])
    facts(document, tokens)
    sequence = list(map(hashed, name))
    for part in (*keywords, summary):
        if part:
            sequence.append(GAP)
            sequence.extend(map(hashed, part))
    return Read(tokens, sequence, len(name), len(name) + len(flat) + len(summary))


def body_words(description: str) -> list[str]:
    """The first words of a description that say something, each once."""
    if not description:
        return []
    found = dict.fromkeys(prose(description, chars=BODY_MAX_CHARS))
    return [word for word in found if word not in UNSAID][:BODY_MAX_WORDS]


def facts(document: Document, tokens: set[str]) -> None:
    """Add everything but the text and classifiers."""
    fields = document.fields
    tokens.update(flags(document))
    tokens.add(VERSION + tidy(document.version))
    tokens.add(VERSION + tidy(document.canonical))
    if fields["requires_python"]:
        tokens.add(PYTHON + tidy(fields["requires_python"]))
    tokens.update(map(dependency, fields["requires_dist"]))
    tokens.update([WHOLE_KEYWORD + tidy(each) for each in fields["keywords"]])
    for field, prefix in PLAIN:
        if value := fields[field]:
            tokens.update(text_tokens(prefix, value))
    for field, prefix in MANY:
        if values := fields[field]:
            for each in values:
                tokens.update(text_tokens(prefix, each if isinstance(each, str) else " ".join(each)))
    license_tokens(fields, tokens)


def other(field: str) -> str:
    """The beginning of tokens of a rare field."""
    return f"{OTHER}{field}\x1f"


@lru_cache(maxsize=50_000)
def text_tokens(prefix: str, value: str) -> tuple[str, ...]:
    """The words of a value as tokens. Remembered: what one project says of its licence, a thousand others say."""
    return tuple([prefix + word for word in words(value[:2000])[:FIELD_MAX_WORDS]])


_MANY = frozenset(field.attribute for field in FIELDS if field.multiple)
PLAIN: Final = (
    *(("author", AUTHOR), ("author_email", AUTHOR), ("maintainer", MAINTAINER), ("maintainer_email", MAINTAINER)),
    *((field, other(field)) for field in OTHERS if field not in _MANY),
)
MANY: Final = tuple((field, other(field)) for field in OTHERS if field in _MANY)


def license_tokens(fields: Mapping[str, Any], tokens: set[str]) -> None:
    """The licence by expression, by text, and by classifier."""
    for text in fields["classifiers"]:
        if text.startswith("License :: "):
            tokens.update(text_tokens(LICENSE, text.rpartition(" :: ")[2]))
    for text in (fields["license_expression"], fields["license"]):
        if text:
            tokens.update(text_tokens(LICENSE, text[:300])[:LICENSE_MAX_WORDS])


@lru_cache(maxsize=50_000)
def dependency(requirement: str) -> str:
    """The token of a requirement: that of the normalised name at its beginning."""
    found = _REQUIRED.match(requirement)
    return DEPENDS + normalize(found[0] if found else "")[:TOKEN_MAX_CHARS]


def hashed(word: str) -> int:
    return crc32(word.encode())


@lru_cache(maxsize=20_000)
def tidy(text: str) -> str:
    """One line in lower case."""
    return " ".join(text.lower().split())[:TOKEN_MAX_CHARS]


DOCS_LABELS = ("doc", "docs", "documentation")


def flags(document: Document) -> Iterator[str]:
    """What a project is and has, by the words of the query language, as tokens."""
    fields = document.fields
    yield f"{FLAG}status:{document.status}"
    if document.kinds:
        yield f"{FLAG}has:files"
        yield from (f"{FLAG}has:{kind}" for kind in document.kinds)
    if fields["description"]:
        yield f"{FLAG}has:description"
    if any(label.strip().lower() in DOCS_LABELS for label, *_ in fields["project_urls"]):
        yield f"{FLAG}has:docs-url"
    for flag in ("yanked", "prerelease", "private"):
        if getattr(document, f"is_{flag}"):
            yield f"{FLAG}is:{flag}"


def quality(document: Document, *, installs: int, at: int) -> float:
    """
    How good a project is for somebody who knows nothing else: used, kept, complete. Higher is better.

    What counts most, how many others need it, is known when all are read: `arranging.by_quality`.

    Args:
        installs: Consenting copies in use; told in steps of two, for it decides among what else is alike.
        at: Now, in seconds since 1970.
    """
    fields = document.fields
    age_years = max(0, at - document.updated) / SECONDS_A_YEAR
    score = 0.5 * min(installs, 10**6).bit_length() + 2.0 / (1.0 + age_years)
    score += 1.5 * bool(document.kinds) + min(document.releases, 16).bit_length() * 0.4
    score += 0.8 * bool(fields["summary"]) + 0.4 * bool(fields["description"]) + 0.1 * min(len(document.classifiers), 5)
    score -= 3.0 * document.is_yanked + 0.5 * document.is_prerelease
    return score - {"archived": 3.0, "deprecated": 4.0, "quarantined": 8.0}.get(document.status, 0.0)
