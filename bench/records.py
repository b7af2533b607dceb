"""
Core-metadata records of a whole index, made up but plausible: what `otumat-index import` reads, one object a project.

Names, versions and summaries come from a list of packages when there is one (a TSV with a header: name, version, month,
rank, summary; the environment variable PACKAGE_LIST names it), else they are synthesised. All the rest is drawn at
random, seeded by the name: the same project has the same classifiers in every run.
`python -m bench.records COUNT > FILE.jsonl` writes them.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from trove_classifiers import deprecated_classifiers, sorted_classifiers

COMMON = (
    "Programming Language :: Python :: 3",
    "Operating System :: OS Independent",
    "License :: OSI Approved :: MIT License",
    "Intended Audience :: Developers",
    "Development Status :: 4 - Beta",
    "Programming Language :: Python :: 3.12",
    "Programming Language :: Python",
    "Topic :: Software Development :: Libraries :: Python Modules",
    "Development Status :: 3 - Alpha",
    "License :: OSI Approved :: Apache Software License",
    "Programming Language :: Python :: 3 :: Only",
    "Development Status :: 5 - Production/Stable",
    "Intended Audience :: Science/Research",
    "Topic :: Scientific/Engineering :: Artificial Intelligence",
    "Environment :: Console",
    "Typing :: Typed",
    "Natural Language :: English",
    "Framework :: Django",
)
"""What most projects say, the most frequent first; every other classifier follows in a fixed order of its own."""

_WORDS = """
    async cache client cloud command compiler config crypto data database dataset deploy device document
    editor engine event export file filter format game geometry graph http image index json kernel language
    layout learning library linter log mail matrix media message metrics model network notebook number parser
    pipeline plot plugin protocol proxy query queue reader render report robot router schedule schema search
    sensor server session signal simple socket solver storage stream string table template tensor terminal
    test text thread time token tool tracker tree type unit validate vector video web widget worker workflow
    wrapper xml yaml
"""
WORDS = tuple(_WORDS.split())
LICENSES = ("MIT", "Apache-2.0", "BSD-3-Clause", "GPL-3.0-or-later", "MPL-2.0", "MIT OR Apache-2.0")
PYTHONS = (">=3.8", ">=3.9", ">=3.10", ">=3.11", ">=3.7,<4", ">=3.6", ">=3.12")
GIVEN = (
    "Ada",
    "Barbara",
    "Chen",
    "Dmitri",
    "Edsger",
    "Grace",
    "Hedy",
    "Ivo",
    "Jiří",
    "Katherine",
    "Léa",
    "Margaret",
    "Niklaus",
)
FAMILY = ("Novak", "Okafor", "Petrov", "Quint", "Rossi", "Sato", "Tanaka", "Ueda", "Vidal", "Weber", "Yilmaz", "Zhang")
NEEDS = (
    "requests>=2.28",
    "numpy",
    "click>=8,<9",
    "pydantic>=2",
    "attrs",
    "rich>=13",
    "httpx",
    "typing-extensions; python_version < '3.11'",
)


def package_list() -> Path | None:
    """The list that PACKAGE_LIST names, where there is one."""
    path = os.environ.get("PACKAGE_LIST")
    return Path(path) if path and Path(path).is_file() else None


def generate(tsv_path: str | Path | None, count: int) -> Iterator[dict[str, Any]]:
    """
    Yield `count` records (fewer when the list is shorter), in the list's order, each of another project.

    Args:
        tsv_path: The list of packages; None synthesises names.
        count: How many.
    """
    rows = _synthesised() if tsv_path is None else _listed(Path(tsv_path))
    popular = Popular() if tsv_path is None else Popular(_ranked(Path(tsv_path)))
    for name, version, summary in itertools.islice(rows, count):
        yield record(name, version, summary, popular)


class Popular:
    """What projects need: the rank-th most downloaded with a chance of about 1/rank."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = names or NEEDS
        self._cumulative = list(itertools.accumulate(1 / (rank + 5) for rank in range(len(self.names))))

    def some(self, chance: random.Random) -> list[str]:
        """None to three."""
        wanted = chance.randrange(4)
        return list(dict.fromkeys(chance.choices(self.names, cum_weights=self._cumulative, k=wanted)))


def record(name: str, version: str, summary: str, popular: Popular) -> dict[str, Any]:
    """One project's metadata: always the same for the same arguments."""
    chance = random.Random(name)
    classifiers = _classifiers(chance)
    made: dict[str, Any] = {"metadata_version": "2.4", "name": name, "version": version}
    if summary:
        made["summary"] = summary
    if not any(classifier.startswith("License ::") for classifier in classifiers):  # PEP 639: one or the other
        made["license_expression"] = chance.choice(LICENSES)
    author = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
    made["author"] = author
    made["author_email"] = f"{author.split()[1].lower()}{chance.randrange(1000)}@example.org"
    made["keywords"] = chance.sample(WORDS, chance.randrange(5))
    made["classifiers"] = classifiers
    made["requires_python"] = chance.choice(PYTHONS)
    made["requires_dist"] = popular.some(chance)
    made["project_urls"] = {"Homepage": f"https://example.org/{name}", "Source": f"https://code.example.org/{name}"}
    return made


def _listed(path: Path) -> Iterator[tuple[str, str, str]]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        next(lines)
        for line in lines:
            name, version, _, _, summary = line.rstrip("\n").split("\t")
            yield name, version, summary


def _ranked(path: Path) -> list[str]:
    """The most downloaded projects of the list, the first one first."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        next(lines)
        rows = (line.split("\t", 4) for line in lines)
        return [name for _, name in sorted((int(row[3]), row[0]) for row in rows if row[3].isdigit())]


def _synthesised() -> Iterator[tuple[str, str, str]]:
    for number in itertools.count():
        chance = random.Random(number)
        first, second = chance.sample(WORDS, 2)
        version = f"{chance.randrange(4)}.{chance.randrange(20)}.{chance.randrange(10)}"
        yield f"{first}-{second}-{number}", version, f"A {first} for every {second} that needs one"


def _vocabulary() -> tuple[str, ...]:
    rest = sorted(set(sorted_classifiers) - set(deprecated_classifiers) - set(COMMON))
    random.Random(0).shuffle(rest)
    return (*COMMON, *rest)


VOCABULARY = _vocabulary()
_CUMULATIVE = tuple(itertools.accumulate(1 / rank for rank in range(1, len(VOCABULARY) + 1)))


def _classifiers(chance: random.Random) -> list[str]:
    """4 to 6 different ones, the rank-th with a chance of about 1/rank."""
    wanted = chance.randrange(4, 7)
    drawn: dict[str, None] = {}
    while len(drawn) < wanted:
        drawn |= dict.fromkeys(chance.choices(VOCABULARY, cum_weights=_CUMULATIVE, k=wanted - len(drawn)))
    return sorted(drawn)


def main(count: int) -> None:
    """Write `count` records to standard output, one a line."""
    for made in generate(package_list(), count):
        sys.stdout.write(json.dumps(made, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main(int(sys.argv[1]))
