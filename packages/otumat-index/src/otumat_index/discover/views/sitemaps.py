"""
What crawlers read: robots.txt, and with `ROBOTS=allow` a sitemap of all public projects.

A page of the sitemap is a range of row numbers, so that it begins at the same project for good, costs one walk over
that range, and is found without counting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import F, Max, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.html import escape
from django.views.decorators.http import require_safe

from otumat.errors import NotFound
from otumat_index.accounts.adapter import public_url
from otumat_index.discover import simple
from otumat_index.discover.pages import index
from otumat_index.discover.pages.numbers import Kept
from otumat_index.discover.pages.project import url_of
from otumat_index.publish.models import Project
from otumat_index.web.packing import compressed

PAGE_ROWS = 50_000
"""Most addresses of one page (sitemaps.org)."""
CHUNK_ROWS = 5_000
MARK = "NAME"
"""Where the name stands in an address; 50,000 addresses one by one would take five times as long."""
XMLNS = "http://www.sitemaps.org/schemas/sitemap/0.9"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

# Endless combinations, other forms of what the pages say, and what is nobody's but one person's.
CLOSED = (
    *("account", "admin", "manage", "api", "oauth", "simple", "files", "packages", "pypi", "legacy"),
    *("search", "suggest", "browse", "compare", "index", "display", "feeds"),
)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """`/robots.txt`: nothing may be crawled, unless the operator says so."""
    lines = ["User-agent: *"]
    if settings.CONFIG.robots == "allow":
        lines += [f"Disallow: /{path}" for path in CLOSED]
        lines += ["", f"Sitemap: {public_url(reverse('discover:sitemap'))}"]
    else:
        lines += ["Disallow: /"]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


@require_safe
def sitemap(request: HttpRequest) -> StreamingHttpResponse:
    """`/sitemap.xml`: the pages that have a public project, and when one of theirs changed last."""
    check_allowed()
    rows = (
        f"<sitemap><loc>{escape(public_url(reverse('discover:sitemap_page', args=[number])))}</loc>"
        f"<lastmod>{newest:%Y-%m-%d}</lastmod></sitemap>\n"
        for number, newest in filled_pages.get()
    )
    return send(request, [f'{HEAD}<sitemapindex xmlns="{XMLNS}">\n', *rows, "</sitemapindex>\n"])


@require_safe
def page(request: HttpRequest, number: int) -> StreamingHttpResponse:
    """One page of addresses."""
    check_allowed()
    if number not in dict(filled_pages.get()):
        raise NotFound("There is no such page of the sitemap.", hint="/sitemap.xml lists the pages there are.")
    return send(request, urls(number))


def check_allowed() -> None:
    if settings.CONFIG.robots != "allow":
        raise NotFound("This index has no sitemap.", hint="Its operator offers one with ROBOTS=allow.")


def listed() -> QuerySet[Project]:
    """Projects that strangers may be led to."""
    return index.public().exclude(status=Project.Status.QUARANTINED)


def count() -> list[tuple[int, datetime]]:
    """Numbers of the pages that have a project, each with the newest change among them; one walk over the table."""
    pages = listed().annotate(page=F("pk") / PAGE_ROWS).order_by("page").values_list("page")
    return list(pages.annotate(newest=Max("updated_at")))


filled_pages = Kept(count)


def urls(number: int) -> Iterator[str]:
    """A page's projects, in chunks that hold no transaction open while they are sent."""
    yield f'{HEAD}<urlset xmlns="{XMLNS}">\n'
    before, behind = escape(public_url(url_of(Project(normalized=MARK)))).split(MARK)
    after, end = number * PAGE_ROWS - 1, (number + 1) * PAGE_ROWS
    rows = listed().order_by("pk").values_list("pk", "normalized", "updated_at")
    while chunk := list(rows.filter(pk__gt=after, pk__lt=end)[:CHUNK_ROWS]):
        yield "".join(
            f"<url><loc>{before}{name}{behind}</loc><lastmod>{updated:%Y-%m-%d}</lastmod></url>\n"
            for _, name, updated in chunk
        )
        after = chunk[-1][0]
    yield "</urlset>\n"


def send(request: HttpRequest, pieces: Iterable[str]) -> StreamingHttpResponse:
    """XML in pieces, packed for who takes it."""
    packed = simple.takes_gzip(request)
    encoded = (piece.encode() for piece in pieces)
    body = compressed(encoded) if packed else encoded
    response = StreamingHttpResponse(body, content_type="application/xml; charset=utf-8")
    if packed:
        response["Content-Encoding"] = "gzip"
    response["Vary"] = "Accept-Encoding"
    return response
