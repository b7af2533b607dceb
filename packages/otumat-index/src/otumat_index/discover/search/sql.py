"""
The same questions answered by the catalogue itself, while the engine is not there: no ranking, counts, suggestions.

Order by quality is order by name here, words are substrings, and places by name or time are good on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from otumat.spec.names import normalize
from otumat_index.discover.search.asked import CLASSIFIER, TEXT, Order, Query, Term
from otumat_index.discover.search.fields import OTHERS, canonical
from otumat_index.discover.search.found import Found, Source
from otumat_index.discover.search.moments import span
from otumat_index.journal import queries as journal
from otumat_index.publish.models import File, Project, ReleaseClassifier
from otumat_index.web.few import Few

COUNTED_MAX = 10_000
"""A larger total is told as this: an exact one would cost a walk over the whole catalogue."""
WALKS = Few(2, wait_s=0.5, told="Too many searches are under way while the search index is being made.")
"""Each may take seconds at 886,000 projects."""
NOBODY = Q(pk__in=[])
ORDERS: dict[Order, tuple[str, ...]] = {
    Order.BEST: ("normalized", "pk"),
    Order.NAME: ("normalized", "pk"),
    Order.UPDATED: ("-updated_at", "-pk"),
    Order.CREATED: ("-created_at", "-pk"),
}


def ask(query: Query, *, sees: frozenset[int], rows: int, place: str, at: int) -> Found:
    """
    One page of projects.

    Raises:
        TooMany: As many questions as may are under way; each may be a walk over the catalogue.
    """
    with WALKS if query.terms else nullcontext():
        return page_of(query, sees=sees, rows=rows, place=place, at=at)


def page_of(query: Query, *, sees: frozenset[int], rows: int, place: str, at: int) -> Found:
    """The page itself."""
    serial = journal.last_serial()
    found = narrowed(query, sees, at)
    column = ORDERS[query.order][0].lstrip("-")
    direction, _, text = place.partition(".")
    key = key_of(column, text) if direction in ("a", "b") else None
    is_back = direction == "b" and key is not None
    page = list(ordered(beyond(found, column, key, back=is_back), query.order, back=is_back)[: rows + 1])
    here = page[:rows][::-1] if is_back else page[:rows]
    more = len(page) > rows
    has_next, has_previous = (bool(page), more) if is_back else (more, key is not None)
    is_all = key is None and len(page) <= rows and rows > 0
    return Found(
        total=len(page) if is_all else found.order_by()[:COUNTED_MAX].count(),
        ids=tuple(pk for pk, _ in here),
        next=f"a.{place_of(*here[-1])}" if here and has_next else "",
        previous=f"b.{place_of(*here[0])}" if here and has_previous else "",
        serial=serial,
        source=Source.SQL,
    )


def narrowed(query: Query, sees: frozenset[int], at: int) -> QuerySet[Project]:
    """Projects that pass every test, among those the asker may see."""
    seen = Q(is_private=False) | Q(pk__in=sorted(sees)) if sees else Q(is_private=False)
    found = Project.objects.filter(seen, latest__isnull=False)
    for term in query.terms:
        test = reduce(or_, (passing(term, value, at) for value in term.values), NOBODY)
        # By subquery: NOT over a column that may be NULL, or over a join, says something else.
        found = found.exclude(pk__in=Project.objects.filter(test).values("pk")) if term.negated else found.filter(test)
    return found


def ordered(found: QuerySet[Project], order: Order, *, back: bool) -> QuerySet[Project, tuple[Any, ...]]:
    columns = ORDERS[order]
    if back:
        columns = tuple(name[1:] if name.startswith("-") else f"-{name}" for name in columns)
    return found.order_by(*columns).values_list("pk", columns[0].lstrip("-"))


def place_of(pk: int, value: str | datetime) -> str:
    return value if isinstance(value, str) else f"{int(value.timestamp())}.{pk}"


def key_of(column: str, text: str) -> tuple[Any, int] | None:
    """Where a page begins or ends: a name, or a second and a primary key."""
    if column == "normalized":
        return (text, 0) if text.isprintable() and text else None  # PostgreSQL refuses NUL
    seconds, _, pk = text.partition(".")
    if not (seconds.isascii() and seconds.isdigit() and pk.isascii() and pk.isdigit()) or len(text) > 30:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC), min(int(pk), 2**62)
    except (OverflowError, ValueError, OSError):
        return None


def beyond(found: QuerySet[Project], column: str, key: tuple[Any, int] | None, *, back: bool) -> QuerySet[Project]:
    if key is None:
        return found
    value, pk = key
    if column == "normalized":
        return found.filter(normalized__lt=value) if back else found.filter(normalized__gt=value)
    from_second, before = datetime.fromtimestamp(value.timestamp() + 1, UTC), ("gt" if back else "lt")
    same = Q(**{f"{column}__gte": value, f"{column}__lt": from_second, f"pk__{before}": pk})
    far = Q(**{f"{column}__gte": from_second}) if back else Q(**{f"{column}__lt": value})
    return found.filter(same | far)


def passing(term: Term, value: str, at: int) -> Q:
    """One test as a condition."""
    field = canonical(term.field)
    if (test := TESTS.get(field)) is not None:
        return test(value, at)
    return Q(**{f"latest__{field}__icontains": value}) if field in OTHERS else NOBODY


def containing(*columns: str) -> Callable[[str, int], Q]:
    """The whole value in one of the columns."""

    def test(value: str, _: int) -> Q:
        return reduce(or_, (Q(**{f"{column}__icontains": value}) for column in columns))

    return test


def text(value: str, _: int) -> Q:
    name = normalize("-".join(value.split())).strip("-")
    found = Q(latest__summary__icontains=value) | Q(latest__keywords__icontains=value)
    found |= Q(latest__description__icontains=value)
    return found | Q(normalized__contains=name) if name else found


def name(value: str, _: int) -> Q:
    wanted = normalize(value).strip("-*")
    return Q(normalized__contains=wanted) if wanted else NOBODY


def classifier(value: str, _: int) -> Q:
    at_or_below = Q(classifier__text=value) | Q(classifier__text__startswith=f"{value} :: ")
    return Q(Exists(ReleaseClassifier.objects.filter(at_or_below, release=OuterRef("latest"))))


def license_(value: str, at: int) -> Q:
    """A classifier in full, or an id or words of the licence."""
    if " :: " in value:
        return classifier(value, at)
    below = Q(classifier__text__startswith="License ::", classifier__text__icontains=value)
    named = Exists(ReleaseClassifier.objects.filter(below, release=OuterRef("latest")))
    return containing("latest__license", "latest__license_expression")(value, at) | Q(named)


def python(value: str, at: int) -> Q:
    """The classifier, or a requires-python that names it: what a specifier admits, SQL cannot say."""
    named = classifier(f"Programming Language :: Python :: {value}", at)
    return named | Q(latest__requires_python__in=[f">={value}", f"~={value}", f"=={value}.*"])


def depends(value: str, _: int) -> Q:
    wanted = normalize(value)
    ends = ('"', " ", "<", ">", "=", "!", "~", ";", "[", "(")
    return reduce(or_, (Q(latest__requires_dist__icontains=f'"{wanted}{end}') for end in ends))


def version(value: str, _: int) -> Q:
    if value.endswith("*"):
        return Q(latest__version__istartswith=value.rstrip("*"))
    return Q(latest__version__iexact=value) | Q(latest__canonical__iexact=value)


def has(value: str, _: int) -> Q:
    files = File.objects.filter(release=OuterRef("latest"))
    tests = {
        "files": Q(Exists(files)),
        "wheel": Q(Exists(files.filter(kind="wheel"))),
        "sdist": Q(Exists(files.filter(kind="sdist"))),
        "description": ~Q(latest__description=""),
        "docs-url": Q(latest__project_urls__icontains='["doc'),
    }
    return tests.get(value.lower(), NOBODY)


def which(value: str, _: int) -> Q:
    tests = {
        "yanked": Q(latest__is_yanked=True),
        "prerelease": Q(latest__is_prerelease=True),
        "private": Q(is_private=True),
    }
    return tests.get(value.lower(), NOBODY)


def moment(column: str) -> Callable[[str, int], Q]:
    def within(value: str, at: int) -> Q:
        span_s = span(value, at=at)
        if span_s is None:
            return NOBODY
        begin, end = (datetime.fromtimestamp(second, UTC) for second in span_s)
        return Q(**{f"{column}__gte": begin, f"{column}__lt": end})

    return within


TESTS: dict[str, Callable[[str, int], Q]] = {
    TEXT: text,
    CLASSIFIER: classifier,
    "name": name,
    "license": license_,
    "python": python,
    "depends": depends,
    "version": version,
    "has": has,
    "is": which,
    "status": lambda value, _: Q(status=value.lower()),
    "updated": moment("updated_at"),
    "created": moment("created_at"),
    "keyword": containing("latest__keywords"),
    "author": containing("latest__author", "latest__author_email"),
    "maintainer": containing("latest__maintainer", "latest__maintainer_email"),
    "summary": containing("latest__summary"),
    "description": containing("latest__description"),
}
