"""The management API, `/api/v1/`: everything a page can do."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from otumat.errors import Invalid, OtumatError, Problem
from otumat_index import __version__
from otumat_index.accounts.admin_api import router as admin
from otumat_index.accounts.api import router as accounts
from otumat_index.accounts.credentials import ByHeader
from otumat_index.accounts.groups.api import router as groups
from otumat_index.discover.api import router as discover
from otumat_index.publish.api import router as publish
from otumat_index.publish.classifier_api import router as classifiers
from otumat_index.publish.hooks.api import router as hooks
from otumat_index.publish.notices.api import router as notices
from otumat_index.publish.people_api import router as people
from otumat_index.publish.signing.api import router as signing
from otumat_index.publish.trusted.api import router as trusted
from otumat_index.usage.owner_api import router as usage
from otumat_index.usage.published.api import router as published
from otumat_index.usage.surveys.api import router as surveys
from otumat_index.usage.telling.api import router as telling
from otumat_index.web import errors

api = NinjaAPI(title="Otumat index", version=__version__, urls_namespace="api", docs_url=None, auth=ByHeader())
api.add_router("", accounts)
api.add_router("", groups)
api.add_router("", admin)
api.add_router("", publish)
api.add_router("", people)
api.add_router("", classifiers)
api.add_router("", notices)
api.add_router("", hooks)
api.add_router("", trusted)
api.add_router("", signing)
api.add_router("", usage)
api.add_router("", published)
api.add_router("", telling)
api.add_router("", surveys)
api.add_router("", discover)


@api.exception_handler(OtumatError)
def ours(request: HttpRequest, exc: OtumatError) -> HttpResponse:
    return errors.answer(request, exc)


@api.exception_handler(HttpError)
def unreadable(request: HttpRequest, exc: HttpError) -> HttpResponse:
    return errors.reply(request, exc.status_code, "bad_request", "The request cannot be read.", "Send a JSON object.")


@api.exception_handler(ValidationError)
def malformed(request: HttpRequest, exc: ValidationError) -> HttpResponse:
    found = [
        Problem("field.malformed", ".".join(str(part) for part in each["loc"][-1:]), str(each["msg"]))
        for each in exc.errors
    ]
    return errors.answer(request, Invalid(found))
