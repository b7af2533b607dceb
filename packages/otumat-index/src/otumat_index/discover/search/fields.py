"""The fields a test may name, and other words for them. Pure."""

from __future__ import annotations

from typing import Final

from otumat_index.discover.search.asked import CLASSIFIER, TEXT

OTHERS: Final = (
    *("metadata_version", "description_content_type", "home_page", "download_url", "license_files", "platforms"),
    *("supported_platforms", "requires_external", "provides_extra", "provides_dist", "obsoletes_dist", "requires"),
    *("provides", "obsoletes", "project_urls", "dynamic", "import_names", "import_namespaces", "author_email"),
    "maintainer_email",
)
"""Core metadata looked into by its words, each field on its own."""
TESTED: Final = (
    *(TEXT, CLASSIFIER, "name", "keyword", "depends", "version", "python", "has", "is", "status", "author"),
    *("maintainer", "license", "summary", "description", "updated", "created"),
)
"""What has a test of its own."""
ALIASES: Final = {
    "keywords": "keyword",
    "requires_dist": "depends",
    "requires_python": "python",
    "license_expression": "license",
    "classifiers": CLASSIFIER,
    "platform": "platforms",
    "supported_platform": "supported_platforms",
    "license_file": "license_files",
    "import_name": "import_names",
    "import_namespace": "import_namespaces",
    "project_url": "project_urls",
}
FIELDS: Final = frozenset({*TESTED, *OTHERS, *ALIASES})
"""Every field a test may name; `-` and `_` are alike."""


def canonical(field: str) -> str:
    """The one name of a field: `Requires-Dist` is `depends`."""
    field = field.lower().replace("-", "_")
    return ALIASES.get(field, field)
