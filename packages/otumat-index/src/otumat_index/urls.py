"""Every address of the index."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from otumat_index.accounts.urls import allauths
from otumat_index.api import api
from otumat_index.discover.mirrors import views as mirrors

urlpatterns: list[URLPattern | URLResolver] = [
    *allauths,
    path("account/", include("allauth.account.urls")),
    path("account/factors/", include("allauth.mfa.urls")),
    path("", include("otumat_index.accounts.urls")),
    path("pypi", mirrors.pypi, name="pypi"),
    path("pypi/", mirrors.pypi),
    path("", include("otumat_index.publish.urls")),
    path("", include("otumat_index.usage.urls")),
    path("", include("otumat_index.discover.urls")),
    path("", include("otumat_index.web.urls")),
    path("api/v1/", api.urls),
]
handler400 = "otumat_index.web.errors.bad_request"
handler403 = "otumat_index.web.errors.permission_denied"
handler404 = "otumat_index.web.errors.page_not_found"
handler500 = "otumat_index.web.errors.server_error"
handler429 = "otumat_index.web.errors.too_many_requests"  # asked for by allauth
