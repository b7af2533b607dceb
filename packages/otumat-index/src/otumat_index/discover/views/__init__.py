"""Pages for people, and the draft's addresses of them."""

from __future__ import annotations

from otumat_index.discover.views.browsing import browse, classifiers
from otumat_index.discover.views.comparing import compare
from otumat_index.discover.views.home import home
from otumat_index.discover.views.index import projects
from otumat_index.discover.views.project import description, display, project, release
from otumat_index.discover.views.searching import search, search_help

__all__ = [
    "browse",
    "classifiers",
    "compare",
    "description",
    "display",
    "home",
    "project",
    "projects",
    "release",
    "search",
    "search_help",
]
