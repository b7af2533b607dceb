"""What an index's own classifiers may look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from otumat.errors import Problem
from otumat.spec.classifiers import SEPARATOR, Vocabulary

DEPTH_MAX = 5
ADDED_MAX = 200
"""In one go: as many as a page of lines can show the problems of."""


def check_own(texts: Sequence[str], *, vocabulary: Vocabulary, widths: Mapping[str, int]) -> list[Problem]:
    """
    Every reason not to add these to the list.

    >>> check_own(["Alone"], vocabulary=Vocabulary(frozenset()), widths={"classifier": 99})[0].code
    'classifier.shape'
    """
    if not 0 < len(texts) <= ADDED_MAX:
        message = f"{len(texts)} classifiers are given; between 1 and {ADDED_MAX} are added at once."
        return [Problem("classifier.count", "classifiers", message, hint="Write one on each line.")]
    known = {text.casefold(): text for text in vocabulary.allowed}
    problems = []
    for text in dict.fromkeys(texts):
        problem = _shape(text, widths["classifier"]) or _taken(text, known)
        problems += [problem] if problem else []
        known.setdefault(text.casefold(), text)
    return problems


def _shape(text: str, width: int) -> Problem | None:
    parts = text.split(SEPARATOR)
    tidy = all(part and part == " ".join(part.split()) and part.isprintable() and "::" not in part for part in parts)
    if tidy and 2 <= len(parts) <= DEPTH_MAX and len(text) <= width:
        return None
    message = f"{text[:200]!r} does not look like a classifier."
    hint = (
        f"Write two to {DEPTH_MAX} parts with ' :: ' between, {width} characters at most: 'Acme :: Team :: Payments'."
    )
    return Problem("classifier.shape", "classifiers", message, value=text, hint=hint)


def _taken(text: str, known: Mapping[str, str]) -> Problem | None:
    there = known.get(text.casefold())
    if there is None:
        return None
    message = f"{there!r} is in the list already."
    return Problem("classifier.taken", "classifiers", message, value=text, hint="Leave it out.")
