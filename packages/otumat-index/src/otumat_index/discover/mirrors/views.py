"""The door of mirrors' XML-RPC. Nobody is asked who they are: what is told here, everybody may know."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import BinaryIO, cast

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from otumat_index.discover import listing, simple
from otumat_index.discover.mirrors import calls, changelog, values
from otumat_index.discover.prepare import SERIAL_HEADER
from otumat_index.journal import queries as journal
from otumat_index.publish import views as publish
from otumat_index.web.few import Few
from otumat_index.web.packing import compressed

XML_TYPES = ("text/xml", "application/xml")
GONE = {
    "list_packages": "GET /simple/ as application/vnd.pypi.simple.v1+json",
    "package_releases": "GET /simple/NAME/ as application/vnd.pypi.simple.v1+json",
    "release_urls": "GET /pypi/NAME/VERSION/json",
    "release_data": "GET /pypi/NAME/VERSION/json",
    "search": "GET /api/v1/search?q=TEXT",
    "browse": "GET /api/v1/browse?c=CLASSIFIER",
}
"""Methods that no current client needs, and what to ask instead."""

LONG = Few(2, wait_s=5, told="Too many changelogs are asked for at once.")
"""A long answer costs up to a second."""


@csrf_exempt
def pypi(request: HttpRequest) -> HttpResponseBase:
    """`/pypi`: XML-RPC when XML is sent, else the commands of uploaders."""
    if request.method == "POST" and request.content_type in XML_TYPES:
        return answer(request)
    return publish.legacy(request)


def answer(request: HttpRequest) -> HttpResponseBase:
    """The result of a call, or its fault; both come with status 200, as XML-RPC wants it."""
    try:
        call = calls.read_call(request.read(calls.MAX_BODY_BYTES + 1))
        method = METHODS.get(call.method)
        if method is None:
            raise no_method(call.method)
        return method(request, *call.params)
    except calls.Fault as fault:
        return HttpResponse(values.fault(fault.code, fault.text), content_type="text/xml")


def no_method(name: str) -> calls.Fault:
    instead = GONE.get(name)
    hint = f"Instead: {instead}." if instead else f"This index knows {', '.join(METHODS)}."
    return calls.Fault(calls.NO_METHOD, f"There is no method {name[:80]!r} here. {hint}")


def changelog_last_serial(request: HttpRequest, *params: int | str) -> HttpResponse:
    """The journal's newest serial."""
    expect(params)
    return HttpResponse(values.integer(journal.last_serial()), content_type="text/xml")


def changelog_since_serial(request: HttpRequest, *params: int | str) -> HttpResponse:
    """The next changes after a serial. Read to their end before the first byte is sent: no slow reader holds them."""
    expect(params, int)
    packed = simple.takes_gzip(request)
    with LONG:
        pieces = values.changes(changelog.since(cast(int, params[0])))
        body = b"".join(compressed(pieces) if packed else pieces)
    response = HttpResponse(body, content_type="text/xml")
    if packed:
        response["Content-Encoding"] = "gzip"
    return response


def list_packages_with_serial(request: HttpRequest, *params: int | str) -> HttpResponseBase:
    """Every public project's serial, from the newest build of the list; of few projects as they are now."""
    expect(params)
    serial, made = journal.last_serial(), listing.newest()
    content = opened(made)
    if made and content and (made.serial == serial or listing.is_long()):
        hidden = listing.hidden_since(made.serial)
        return list_without(hidden, made.serial, content) if hidden else built_list(request, made.serial, content)
    if content:
        content.close()
    if listing.is_long():
        raise calls.Fault(calls.NOT_NOW, "The list of projects is being made. Ask again in a minute.")
    with LONG:
        body = b"".join(values.serials(listing.read(serial).pairs()))
    response = HttpResponse(body, content_type="text/xml")
    response[SERIAL_HEADER] = str(serial)
    return response


def opened(made: listing.Build | None) -> BinaryIO | None:
    """The list of a build; None of a build by an older version, or one that was replaced this moment."""
    try:
        return made.file("xml", packed=True).open("rb") if made else None
    except FileNotFoundError:
        return None


def built_list(request: HttpRequest, serial: int, content: BinaryIO) -> FileResponse:
    """The list as it was built; who takes no gzip gets it unpacked on the way out."""
    packed = simple.takes_gzip(request)
    response = FileResponse(content if packed else Unpacked(content), content_type="text/xml")
    if packed:
        response["Content-Encoding"] = "gzip"
    response[SERIAL_HEADER] = str(serial)
    return response


def list_without(hidden: frozenset[str], serial: int, content: BinaryIO) -> HttpResponse:
    """The list without projects that became private since it was built."""
    with LONG, Unpacked(content) as unpacked:
        left = listing.without(hidden, "xml", unpacked.read())
    return HttpResponse(left, content_type="text/xml", headers={SERIAL_HEADER: str(serial)})


class Unpacked(gzip.GzipFile):
    """The contents of an open file, which is closed with it."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__(fileobj=packed)
        self.packed = packed

    def close(self) -> None:
        super().close()
        self.packed.close()


def expect(params: tuple[int | str, ...], *kinds: type) -> None:
    """Refuse other parameters than these."""
    if [type(each) for each in params] != list(kinds):
        wanted = ", ".join("a whole number" for _ in kinds) or "no parameters"
        raise calls.Fault(calls.BAD_PARAMETERS, f"This method takes {wanted}.")


METHODS: dict[str, Callable[..., HttpResponseBase]] = {
    each.__name__: each for each in (list_packages_with_serial, changelog_since_serial, changelog_last_serial)
}
