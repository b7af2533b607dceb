"""`otumat search` and `otumat browse`: what is found, as a table that fits the terminal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import transport
from otumat.cli.console import BOLD, DIM, GREEN, YELLOW, columns_of, cut, printable
from otumat.cli.credentials import for_reading
from otumat.discover import search as discovering
from otumat.errors import NotFound

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from otumat.cli.console import Console
    from otumat.discover.search import Browsed, Found, Hit
    from otumat.settings import Index, Settings

NOTHING = 1
"""Exit code when nothing matches, as grep has it."""
FACETS_SHOWN = 8
SUMMARY_LEAST = 20


def search(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """What matches a query."""
    index = settings.find_index(options.index)
    query = discovering.written(" ".join(options.text), classifiers=options.classifier, order=options.sort)
    if options.web:
        return _on_the_web(index, query, console)
    by, over = for_reading(settings, index), transport()
    found = discovering.search(query, rows=options.rows, place=options.place, on=index, by=by, over=over)
    facets = discovering.browse((), query=query, rows=1, on=index, by=by, over=over) if options.facets else None
    if console.as_json:
        counts = {"counts": facets.counts} if facets else {}
        console.show_json({"ok": True, "query": query, **asdict(found), **counts})
        return 0 if found.total else NOTHING
    _tell_problems(found, console)
    if not found.total:
        raise NotFound(f"Nothing on {index.url} matches {query!r}.", code="search.nothing", hint=_hint(found))
    _show_hits(found.results, console)
    if facets:
        _show_facets(facets, console)
    _tell_counts(found, console)
    return 0


def browse(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Categories and classifiers with their counts, within a selection."""
    index = settings.find_index(options.index)
    by = for_reading(settings, index)
    text = " ".join(options.query)
    found = discovering.browse(options.classifier, query=text, rows=options.rows, on=index, by=by, over=transport())
    if console.as_json:
        console.show_json({"ok": True, "classifiers": options.classifier, "query": text, **asdict(found)})
        return 0 if found.total else NOTHING
    if not found.total:
        named = " and ".join(repr(each) for each in [*options.classifier, *([text] if text else [])])
        hint = "'otumat browse' lists the categories; a classifier is written in full, in quotes."
        raise NotFound(f"No project on {index.url} has {named}.", code="browse.nothing", hint=hint)
    for parent in options.classifier or [""]:
        _show_counts(parent, found.below(parent), console)
    if options.classifier:
        _show_hits(found.results, console)
    console.note(f"{_projects(found.total)} in this selection.")
    return 0


def _on_the_web(index: Index, query: str, console: Console) -> int:
    """The address of the same search, opened where somebody sits before it."""
    import webbrowser
    from urllib.parse import urlencode

    address = f"{index.url}/search?{urlencode({'q': query})}"
    console.show(address)
    if console.is_interactive:
        webbrowser.open(address)
    return 0


def _show_hits(hits: Sequence[Hit], console: Console) -> None:
    """A table; its last column, the summary, takes what room there is."""
    rows = [[printable(cell) for cell in _cells(hit)] for hit in hits]
    widths = [max((columns_of(cell) for cell in column), default=0) for column in zip(*rows, strict=True)]
    room = None
    if console.width:
        room = max(console.width - sum(widths[:-1]) - 2 * (len(widths) - 1), SUMMARY_LEAST)
    for row in rows:
        padded = [cell + " " * (width - columns_of(cell)) for cell, width in zip(row, widths, strict=True)]
        name, version, day, license_, _ = padded
        summary = cut(row[-1], room) if room else row[-1]
        styled = [console.style(name, BOLD), console.style(version, GREEN), console.style(day, DIM)]
        console.show("  ".join([*styled, console.style(license_, DIM), summary]).rstrip())


def _cells(hit: Hit) -> list[str]:
    marks = "".join(f"[{mark}] " for mark in hit.marks)
    return [hit.name, cut(hit.version, 16), hit.released_at[:10], cut(hit.license, 16), f"{marks}{hit.summary}"]


def _show_facets(found: Browsed, console: Console) -> None:
    """How many of what was found there are below each category: the most frequent ones."""
    for category, _ in found.below():
        rows = found.below(category)
        _show_counts(category, rows[:FACETS_SHOWN], console, more=len(rows) - FACETS_SHOWN)


def _show_counts(parent: str, rows: Iterable[tuple[str, int]], console: Console, *, more: int = 0) -> None:
    rows = list(rows)
    if not rows:
        return
    console.show(console.style(printable(parent) or "Categories", BOLD))
    width = max(len(f"{count:,}") for _, count in rows)
    for name, count in rows:
        label = name.removeprefix(f"{parent} :: ") if parent else name
        console.show(f"  {console.style(f'{count:>{width},}', GREEN)}  {printable(label)}")
    if more > 0:
        console.show(console.style(f"  {'':{width}}  … and {more} more", DIM))
    console.show()


def _tell_problems(found: Found, console: Console) -> None:
    if found.partial:
        console.note("This index is building its search; until then it answers without ranking and counts.")
    for problem in found.problems:
        console.note(f"{console.style('note:', YELLOW, on_stderr=True)} {printable(problem)}")


def _tell_counts(found: Found, console: Console) -> None:
    """How many there are, how to see more, and what was perhaps meant."""
    shown = len(found.results)
    if shown < found.total:
        more = f"; more with --place {printable(found.next)}" if found.next else ""
        console.note(f"{_projects(found.total)} found, {shown} shown{more}.")
    else:
        console.note(f"{_projects(found.total)} found.")
    if found.suggestion:
        console.note(_meant(found))


def _projects(count: int) -> str:
    return f"{count:,} project{'s' if count != 1 else ''}"


def _meant(found: Found) -> str:
    import shlex

    return f"Did you mean: otumat search {shlex.quote(printable(found.suggestion))}"


def _hint(found: Found) -> str:
    return _meant(found) if found.suggestion else "Try fewer or shorter words; 'otumat search --help' has examples."
