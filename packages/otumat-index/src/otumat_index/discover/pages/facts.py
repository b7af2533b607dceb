"""What readers choose by, in few words from the metadata: licence, Python versions, what a project is for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from otumat.spec.classifiers import SEPARATOR, display_key, parents

LICENSE_MAX_CHARS = 60
LABELS_MOST = 4
PYTHON = "Programming Language :: Python :: "
OSI = "License :: OSI Approved :: "
STATUS = "Development Status :: "
FOR_WHAT = ("Framework", "Topic", "Environment")
"""Categories in the order in which they tell a reader most."""
UNTOLD = frozenset(
    {
        "Framework",
        "Topic",
        "Topic :: Software Development",
        "Topic :: Software Development :: Libraries",
        "Topic :: Software Development :: Libraries :: Python Modules",
        "Environment",
        "Environment :: Other Environment",
    }
)
"""Said of nearly everything."""
_MINOR = re.compile(r"\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Label:
    """A classifier to browse by, and the few words that stand for it."""

    classifier: str
    words: str


@dataclass(frozen=True, slots=True)
class Node:
    """One line of a tree of classifiers. `depth` is 1 right below the category; `is_own`: carried itself."""

    classifier: str
    words: str
    depth: int
    is_own: bool


def tree(classifiers: Iterable[str]) -> list[tuple[str, list[Node]]]:
    """What a release carries, by category, with the branches that lead to it, each once and in the order of lists."""
    own = set(classifiers)
    every = {up for each in own for up in (*parents(each), each)}
    found: dict[str, list[Node]] = {}
    for each in sorted(every, key=display_key):
        parts = each.split(SEPARATOR)
        nodes = found.setdefault(parts[0], [])
        if len(parts) > 1 or each in own:
            nodes.append(Node(each, parts[-1], max(1, len(parts) - 1), each in own))
    return list(found.items())


def license_of(expression: str, text: str, classifiers: Iterable[str]) -> str:
    """The licence in one short line: the SPDX expression, else what classifiers say, else the text if it is short."""
    if expression:
        return expression
    named = [each.removeprefix(OSI).split(SEPARATOR)[-1] for each in classifiers if each.startswith("License :: ")]
    told = [each for each in named if each != "OSI Approved"]
    if told:
        return ", ".join(told)
    line = text.strip()
    return line if len(line) <= LICENSE_MAX_CHARS and "\n" not in line else "see its page"


def python_versions(classifiers: Iterable[str]) -> str:
    """
    The versions that classifiers name: `3.9 to 3.13`, or in full where there is a gap.

    >>> python_versions(["Programming Language :: Python :: 3.9", "Programming Language :: Python :: 3.10"])
    '3.9 to 3.10'
    """
    said = {each.removeprefix(PYTHON) for each in classifiers if each.startswith(PYTHON)}
    minors = sorted((int(major), int(minor)) for major, minor in (v.split(".") for v in said if _MINOR.fullmatch(v)))
    if not minors:
        return ", ".join(sorted(each for each in said if each.isdigit()))
    runs: list[list[tuple[int, int]]] = []
    for version in minors:
        if runs and runs[-1][-1] == (version[0], version[1] - 1):
            runs[-1].append(version)
        else:
            runs.append([version])
    return ", ".join(run_of(run) for run in runs)


def run_of(run: Sequence[tuple[int, int]]) -> str:
    """Versions without a gap between them."""
    first, last = (".".join(map(str, version)) for version in (run[0], run[-1]))
    return first if first == last else f"{first} to {last}"


def status_of(classifiers: Iterable[str]) -> str:
    """`Beta` of `Development Status :: 4 - Beta`; empty when nothing is said."""
    said = [each.removeprefix(STATUS) for each in classifiers if each.startswith(STATUS)]
    return said[-1].split(" - ")[-1] if said else ""


def labels_of(classifiers: Sequence[str]) -> tuple[Label, ...]:
    """The classifiers that say what a project is for, the most telling few, without those another one implies."""
    own = dict.fromkeys(versionless(each) for each in classifiers if category_of(each) in FOR_WHAT)
    told = [each for each in own if each not in UNTOLD and not any(other.startswith(each + SEPARATOR) for other in own)]
    return tuple(Label(each, each.split(SEPARATOR)[-1]) for each in sorted(told, key=rank_of)[:LABELS_MOST])


def versionless(classifier: str) -> str:
    """`Framework :: Django` of `Framework :: Django :: 5.2`: a list of versions says one thing."""
    above, _, last = classifier.rpartition(SEPARATOR)
    return above if above and last[:1].isdigit() else classifier


def rank_of(classifier: str) -> int:
    return FOR_WHAT.index(category_of(classifier))


def category_of(classifier: str) -> str:
    """`Topic` of `Topic :: Internet`."""
    return classifier.split(SEPARATOR, 1)[0]
