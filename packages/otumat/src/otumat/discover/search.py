"""Finding projects: by a query in the index's language (`search`), and by classifiers with live counts (`browse`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.discover import asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otumat.settings import Credentials, Index
    from otumat.transport import Transport


@dataclass(frozen=True)
class Hit:
    """
    A project that was found, by its latest release.

    Attributes:
        released_at: A moment in ISO 8601.
        status: `active`, or what PEP 792 calls a project one should know more about.
        private: Shown because whoever asked holds a role in it.
    """

    name: str
    version: str
    summary: str
    license: str
    requires_python: str
    released_at: str
    status: str
    url: str
    yanked: bool
    private: bool

    @property
    def marks(self) -> tuple[str, ...]:
        """What one should know before choosing it; mostly nothing."""
        status = self.status if self.status != "active" else ""
        marks = (status, "yanked" if self.yanked else "", "private" if self.private else "")
        return tuple(each for each in marks if each)


@dataclass(frozen=True)
class Found:
    """
    One page of an answer.

    Attributes:
        total: Projects that match, on all pages.
        suggestion: The query as it was perhaps meant; empty without one.
        problems: What of the query could not be used, in sentences.
        next: The place to ask on from; empty on the last page.
        partial: The index was building its search, and answered more simply meanwhile.
    """

    total: int
    results: tuple[Hit, ...]
    suggestion: str
    problems: tuple[str, ...]
    next: str
    partial: bool


@dataclass(frozen=True)
class Browsed:
    """Projects of a selection, and for every category and classifier how many of them are there with it, too."""

    total: int
    counts: dict[str, int]
    results: tuple[Hit, ...]

    def below(self, parent: str = "") -> list[tuple[str, int]]:
        """What stands right below a category or classifier (the categories without one), most first."""
        start = f"{parent} :: " if parent else ""
        found = [
            (name, count)
            for name, count in self.counts.items()
            if count and name.startswith(start) and name != parent and " :: " not in name[len(start) :]
        ]
        return sorted(found, key=lambda each: (-each[1], each[0].casefold()))


def written(text: str, *, classifiers: Sequence[str] = (), order: str = "") -> str:
    """
    A query with more conditions, in the index's language.

    >>> written("mail", classifiers=["Topic :: Office/Business"], order="updated")
    'mail classifier:"Topic :: Office/Business" sort:updated'
    """
    more = [f'classifier:"{each.replace(chr(34), "")}"' for each in classifiers]
    return " ".join(part for part in [text.strip(), *more, f"sort:{order}" if order else ""] if part)


def search(query: str, *, rows: int, place: str = "", on: Index, by: Credentials | None, over: Transport) -> Found:
    """
    Ask an index for projects.

    Args:
        query: In the index's language; empty for everything.
        rows: Most projects of the answer.
        place: Where to go on, from an answer's `next`.

    Errors:
        As `asking.ask`.
    """
    answer = asking.ask("search", [("q", query), ("rows", str(rows)), ("place", place)], on=on, by=by, over=over)
    return Found(
        total=asking.number(answer.get("total")),
        results=_hits(answer),
        suggestion=asking.text(answer.get("suggestion")),
        problems=tuple(_sentence(each) for each in asking.rows(answer.get("problems"))),
        next=_place(asking.text(answer.get("next"))),
        partial=answer.get("partial") is True,
    )


def browse(
    classifiers: Sequence[str], *, query: str = "", rows: int, on: Index, by: Credentials | None, over: Transport
) -> Browsed:
    """
    Ask an index how many projects there are below each category and classifier, within a selection.

    Errors:
        As `asking.ask`.
    """
    asked = [*(("c", each) for each in classifiers), ("q", query), ("rows", str(rows))]
    answer = asking.ask("browse", asked, on=on, by=by, over=over)
    told = answer.get("counts")
    counts = list(told.items())[: asking.MAX_LISTED] if isinstance(told, dict) else []
    return Browsed(
        total=asking.number(answer.get("total")),
        counts={name: asking.number(count) for name, count in counts},
        results=_hits(answer),
    )


def _hits(answer: dict[str, object]) -> tuple[Hit, ...]:
    return tuple(_hit(each) for each in asking.rows(answer.get("results")))


def _hit(told: dict[str, object]) -> Hit:
    return Hit(
        name=asking.text(told.get("name")),
        version=asking.text(told.get("version")),
        summary=asking.text(told.get("summary")),
        license=asking.text(told.get("license")),
        requires_python=asking.text(told.get("requires_python")),
        released_at=asking.text(told.get("released_at")),
        status=asking.text(told.get("status")),
        url=asking.text(told.get("url")),
        yanked=told.get("yanked") is True,
        private=told.get("private") is True,
    )


def _place(address: str) -> str:
    """The place in the address of the next page."""
    from urllib.parse import parse_qs, urlsplit

    try:
        return parse_qs(urlsplit(address).query).get("place", [""])[0]
    except ValueError:
        return ""


def _sentence(problem: dict[str, object]) -> str:
    instead = problem.get("suggestions")
    meant = list(dict.fromkeys(map(asking.text, instead)))[:3] if isinstance(instead, list) else []
    return " ".join(
        filter(None, [asking.text(problem.get("message")), f"Perhaps: {'; '.join(meant)}" if meant else ""])
    )
