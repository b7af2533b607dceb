"""
What search knows of a project: a `Document`, and the tokens it is found by. Pure.

A token is a letter for where it was found and what was found there: `nweb` is the word "web" in a name, `dnumpy` a
dependency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

from otumat.spec.names import normalize
from otumat_index.discover.search.engine.words import UNSAID, prose, trigrams, words
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
        return self.fields["classifiers"] or []


def closure(classifiers: Iterable[str]) -> set[str]:
    """Classifiers and everything above them: whoever selects `Topic` selects all of its children."""
    found = set()
    for text in classifiers:
        while text not in found:
            found.add(text)
            text, cut, _ = text.rpartition(" :: ")
            if not cut:
                break
    return found


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
    keywords = [words(each) for each in (fields["keywords"] or ())[:FIELD_MAX_WORDS]]
    flat = [word for each in keywords for word in each]
    body = body_words(fields["description"])
    tokens = {NAME + word for word in name}
    tokens.update([KEYWORD + word for word in flat])
    tokens.update([SUMMARY + word for word in summary])
    tokens.update([BODY + word for word in body])
    tokens.update([TRIGRAM + gram for gram in trigrams(document.name)])
    tokens.update(facts(document))
    sequence = [crc32(word.encode()) for word in name]
    for part in (*keywords, summary):
        if part:
            sequence.append(GAP)
            sequence.extend([crc32(word.encode()) for word in part])
    return Read(tokens, sequence, len(name), len(name) + len(flat) + len(summary))


def body_words(description: str) -> list[str]:
    """The first words of a description that say something, each once."""
    if not description:
        return []
    found = dict.fromkeys(prose(description, chars=BODY_MAX_CHARS))
    return [word for word in found if word not in UNSAID][:BODY_MAX_WORDS]


def facts(document: Document) -> Iterator[str]:
    """Everything but the text and classifiers."""
    fields = document.fields
    yield from (FLAG + flag for flag in flags(document))
    yield from {VERSION + tidy(document.version), VERSION + tidy(document.canonical)}
    if fields["requires_python"]:
        yield PYTHON + tidy(fields["requires_python"])
    for need in fields["requires_dist"] or ():
        yield DEPENDS + dependency(need)
    for each in fields["keywords"] or ():
        yield WHOLE_KEYWORD + tidy(each)
    yield from tokens_of(AUTHOR, fields["author"], fields["author_email"])
    yield from tokens_of(MAINTAINER, fields["maintainer"], fields["maintainer_email"])
    yield from license_tokens(fields)
    for field in OTHERS:
        if fields[field]:
            yield from tokens_of(other(field), *texts(fields[field]))


def other(field: str) -> str:
    """The beginning of tokens of a rare field."""
    return f"{OTHER}{field}\x1f"


def texts(value: Any) -> list[str]:
    """A column's value as a list of texts; project URLs are pairs."""
    if isinstance(value, str):
        return [value]
    return [" ".join(each) if isinstance(each, list | tuple) else str(each) for each in value]


def tokens_of(prefix: str, *values: str) -> list[str]:
    return [prefix + word for value in values if value for word in words(value[:2000])[:FIELD_MAX_WORDS]]


def license_tokens(fields: Mapping[str, Any]) -> Iterator[str]:
    """The licence by expression, by text, and by classifier."""
    named = [text.rpartition(" :: ")[2] for text in fields["classifiers"] or () if text.startswith("License :: ")]
    for text in (fields["license_expression"], fields["license"], *named):
        if text:
            yield from (LICENSE + word for word in words(text[:300])[:LICENSE_MAX_WORDS])


def dependency(requirement: str) -> str:
    """The normalised name at the beginning of a requirement: `Foo.Bar[x]>=1` needs `foo-bar`."""
    end = 0
    while end < len(requirement) and (requirement[end].isalnum() or requirement[end] in "-_."):
        end += 1
    return normalize(requirement[:end])[:TOKEN_MAX_CHARS]


def tidy(text: str) -> str:
    """One line in lower case."""
    return " ".join(text.lower().split())[:TOKEN_MAX_CHARS]


DOCS_LABELS = ("doc", "docs", "documentation")


def flags(document: Document) -> Iterator[str]:
    """What a project is and has, by the words of the query language."""
    fields = document.fields
    yield f"status:{document.status}"
    yield from (f"has:{kind}" for kind in document.kinds)
    if document.kinds:
        yield "has:files"
    if fields["description"]:
        yield "has:description"
    if any(pair and pair[0].strip().lower() in DOCS_LABELS for pair in fields["project_urls"] or ()):
        yield "has:docs-url"
    for flag in ("yanked", "prerelease", "private"):
        if getattr(document, f"is_{flag}"):
            yield f"is:{flag}"


def quality(document: Document, *, dependents: int, at: int) -> float:
    """
    How good a project is for somebody who knows nothing else: used by many, kept, complete. Higher is better.

    Args:
        dependents: Projects whose most recent release needs this one.
        at: Now, in seconds since 1970.
    """
    fields = document.fields
    age_years = max(0, at - document.updated) / SECONDS_A_YEAR
    score = 1.5 * min(dependents, 10**6).bit_length() + 2.0 / (1.0 + age_years)
    score += 1.5 * bool(document.kinds) + min(document.releases, 16).bit_length() * 0.4
    score += 0.8 * bool(fields["summary"]) + 0.4 * bool(fields["description"]) + 0.1 * min(len(document.classifiers), 5)
    score -= 3.0 * document.is_yanked + 0.5 * document.is_prerelease
    return score - {"archived": 3.0, "deprecated": 4.0, "quarantined": 8.0}.get(document.status, 0.0)
