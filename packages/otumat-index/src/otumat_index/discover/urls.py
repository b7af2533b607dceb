"""Addresses of what people and installers look at."""

from __future__ import annotations

from django.urls import path

from otumat_index.discover import feeds, legacy_json, simple, views
from otumat_index.discover.views import opensearch, sitemaps

app_name = "discover"
urlpatterns = [
    path("simple/", simple.projects, name="simple_list"),
    path("simple", simple.projects),
    path("simple/<str:name>/", simple.project, name="simple"),
    path("simple/<str:name>", simple.project),
    path("files/<path:key>.metadata", simple.metadata, name="metadata"),
    path("files/<path:key>", simple.file, name="file"),
    path("packages/<path:key>", simple.mirrored),
    path("pypi/<str:name>/json", legacy_json.project, name="json"),
    path("pypi/<str:name>/<str:version>/json", legacy_json.project),
    path("", views.home, name="home"),
    path("projects/", views.projects, name="projects"),
    path("index", views.projects, name="index"),
    path("search", views.search, name="search"),
    path("search/help", views.search_help, name="search_help"),
    path("suggest", opensearch.suggest, name="suggest"),
    path("opensearch.xml", opensearch.description, name="opensearch"),
    path("robots.txt", sitemaps.robots, name="robots"),
    path("sitemap.xml", sitemaps.sitemap, name="sitemap"),
    path("sitemaps/<int:number>.xml", sitemaps.page, name="sitemap_page"),
    path("compare", views.compare, name="compare"),
    path("display", views.display, name="display"),
    path("classifiers/", views.classifiers, name="classifiers"),
    path("browse/", views.browse, name="browse"),
    path("feeds/projects.<str:kind>", feeds.projects, name="projects_feed"),
    path("feeds/releases.<str:kind>", feeds.releases, name="releases_feed"),
    path("project/<str:name>/feed.<str:kind>", feeds.project, name="project_feed"),
    path("project/<str:name>/", views.project, name="project"),
    path("project/<str:name>/<str:version>/", views.release, name="release"),
    path("project/<str:name>/<str:version>/description.txt", views.description, name="description"),
]
