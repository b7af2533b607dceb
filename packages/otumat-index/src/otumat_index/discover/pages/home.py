"""What the front page says: what is new, what is here, and how it divides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from otumat.spec.classifiers import SEPARATOR
from otumat_index.accounts.models import User
from otumat_index.discover import search
from otumat_index.discover.pages import index, rows
from otumat_index.discover.pages.classifiers import category_names
from otumat_index.discover.pages.numbers import Kept
from otumat_index.discover.pages.plots.treemap import Part, Tile, treemap
from otumat_index.discover.search.asked import Query
from otumat_index.discover.search.found import Found, Source
from otumat_index.publish.models import Project, Role

ROWS = 6
TOPIC = "Topic"
TOPICS_MOST, TOPICS_LEAST = 22, 4
TOPIC_LEAST_SHARE = 0.01
"""Of all topics' numbers together: a smaller tile would have no room for a word."""
SHAPES = {"broad": (1120, 320), "tall": (358, 448)}
"""Pixels of the pictures, as `pages.css` has them on a desk and on a phone."""


@dataclass(frozen=True, slots=True)
class Category:
    """A first part of classifiers. `number` is None while nobody has counted."""

    name: str
    number: int | None


def whole() -> Found:
    """What the engine says of all there are."""
    return search.ask(Query(), rows=0)


def known(found: Found) -> int:
    """Up to which serial the engine knew; SQL counts nothing, so that its answer is not kept."""
    return found.serial if found.source == Source.ENGINE else -1


everything = Kept(whole, serial_of=known)


def categories(numbers: Mapping[str, int]) -> list[Category]:
    """Every category with any project, in order; all of them, without numbers, while the engine is being built."""
    if not numbers:
        return [Category(name, None) for name in category_names()]
    return [Category(text, numbers[text]) for text in sorted(numbers) if SEPARATOR not in text and numbers[text]]


def topics(numbers: Mapping[str, int]) -> list[tuple[str, list[Tile]]]:
    """Pictures of the largest topics, for broad screens and for tall ones; none where there is little to see."""
    found = [topic(text, number) for text, number in numbers.items() if is_topic(text) and number]
    least = TOPIC_LEAST_SHARE * sum(part.number for part in found)
    ranked = sorted(found, key=lambda part: (-part.number, part.words))
    shown = [part for part in ranked[:TOPICS_MOST] if part.number >= least]
    if len(shown) < TOPICS_LEAST:
        return []
    return [(name, treemap(shown, width=width, height=height)) for name, (width, height) in SHAPES.items()]


def is_topic(text: str) -> bool:
    """Whether a classifier stands right below `Topic`."""
    return text.startswith(TOPIC + SEPARATOR) and text.count(SEPARATOR) == 1


def topic(text: str, number: int) -> Part:
    """A topic as a part of the whole."""
    return Part(text.removeprefix(TOPIC + SEPARATOR), f"/browse/?{urlencode({'c': text})}", number)


def newest() -> list[rows.Row]:
    """The projects that came last."""
    return rows.read(index.public().order_by("-pk"), ROWS)


def updated(besides: Iterable[rows.Row]) -> list[rows.Row]:
    """The projects that changed last, but for those shown already."""
    shown = {row.normalized for row in besides}
    found = rows.read(index.public().order_by("-updated_at", "-pk"), 2 * ROWS)
    return [row for row in found if row.normalized not in shown][:ROWS]


def own(user: User) -> list[rows.Row]:
    """The projects a person publishes, private ones too, those that changed last."""
    mine = Role.objects.filter(user=user).exclude(kind=Role.Kind.READER).values("project")
    found = Project.objects.filter(pk__in=mine, latest__isnull=False)
    return rows.read(found.order_by("-updated_at", "-pk"), ROWS)
