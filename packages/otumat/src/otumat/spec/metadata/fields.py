"""
The table of core-metadata fields, and the record that holds them.

Source: core metadata specification; PEP 241, 314, 345, 566, 643, 685, 639, 794, 808.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

METADATA_VERSIONS = ("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6")
"""Oldest first. 2.0 was withdrawn (PEP 426)."""

FOLD = " " * 8
"""What begins each further line of a header that holds a value of several lines."""

Kind = Literal["single", "multiple", "keywords", "urls"]


@dataclass(frozen=True, slots=True)
class Field:
    """
    One core-metadata field.

    Attributes:
        attribute: Name in `Metadata`, in JSON and in packaging's RawMetadata: `classifiers`.
        header: Name in METADATA and PKG-INFO: `Classifier`.
        form: Name in an upload or submit form: `classifiers`. Many clients send others; see `ATTRIBUTES`.
        kind: `single` text, `multiple` texts, `keywords` (one header, many texts) or `urls` (label and URL, repeated).
        since: Metadata version it came with.
    """

    attribute: str
    header: str
    form: str
    kind: Kind
    since: str

    @property
    def multiple(self) -> bool:
        """Whether its value in `Metadata` is a tuple."""
        return self.kind != "single"


FIELDS: tuple[Field, ...] = (
    Field("metadata_version", "Metadata-Version", "metadata_version", "single", "1.0"),
    Field("name", "Name", "name", "single", "1.0"),
    Field("version", "Version", "version", "single", "1.0"),
    Field("dynamic", "Dynamic", "dynamic", "multiple", "2.2"),
    Field("platforms", "Platform", "platform", "multiple", "1.0"),
    Field("supported_platforms", "Supported-Platform", "supported_platform", "multiple", "1.1"),
    Field("summary", "Summary", "summary", "single", "1.0"),
    Field("description", "Description", "description", "single", "1.0"),
    Field("description_content_type", "Description-Content-Type", "description_content_type", "single", "2.1"),
    Field("keywords", "Keywords", "keywords", "keywords", "1.0"),
    Field("home_page", "Home-page", "home_page", "single", "1.0"),
    Field("download_url", "Download-URL", "download_url", "single", "1.1"),
    Field("author", "Author", "author", "single", "1.0"),
    Field("author_email", "Author-email", "author_email", "single", "1.0"),
    Field("maintainer", "Maintainer", "maintainer", "single", "1.2"),
    Field("maintainer_email", "Maintainer-email", "maintainer_email", "single", "1.2"),
    Field("license", "License", "license", "single", "1.0"),
    Field("license_expression", "License-Expression", "license_expression", "single", "2.4"),
    Field("license_files", "License-File", "license_file", "multiple", "2.4"),
    Field("classifiers", "Classifier", "classifiers", "multiple", "1.1"),
    Field("requires_dist", "Requires-Dist", "requires_dist", "multiple", "1.2"),
    Field("requires_python", "Requires-Python", "requires_python", "single", "1.2"),
    Field("requires_external", "Requires-External", "requires_external", "multiple", "1.2"),
    Field("project_urls", "Project-URL", "project_urls", "urls", "1.2"),
    Field("provides_extra", "Provides-Extra", "provides_extra", "multiple", "2.1"),
    Field("provides_dist", "Provides-Dist", "provides_dist", "multiple", "1.2"),
    Field("obsoletes_dist", "Obsoletes-Dist", "obsoletes_dist", "multiple", "1.2"),
    Field("import_names", "Import-Name", "import_name", "multiple", "2.5"),
    Field("import_namespaces", "Import-Namespace", "import_namespace", "multiple", "2.5"),
    Field("requires", "Requires", "requires", "multiple", "1.1"),
    Field("provides", "Provides", "provides", "multiple", "1.1"),
    Field("obsoletes", "Obsoletes", "obsoletes", "multiple", "1.1"),
)
"""In the order in which METADATA is written."""

BY_ATTRIBUTE = {field.attribute: field for field in FIELDS}
BY_HEADER = {field.header.lower(): field for field in FIELDS}

ATTRIBUTES = {
    **{field.header.lower().replace("-", "_"): field for field in FIELDS},
    **{field.form: field for field in FIELDS},
    **BY_ATTRIBUTE,
    "discriminators": BY_ATTRIBUTE["classifiers"],  # The draft's word for them (D46).
    "url": BY_ATTRIBUTE["home_page"],  # distutils' word, in `setup()` and in the draft (D18).
}
"""Every name under which forms and JSON send a field, in lower case with underscores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """
    What a distribution, a form or a record says of itself, unjudged.

    Absent text is `""`, absent lists are `()`. Names are those of packaging's RawMetadata. Single-line values carry no
    surrounding space; line ends inside values are `\\n`; `description` is kept to the letter.
    """

    metadata_version: str = ""
    name: str = ""
    version: str = ""
    dynamic: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    supported_platforms: tuple[str, ...] = ()
    summary: str = ""
    description: str = ""
    description_content_type: str = ""
    keywords: tuple[str, ...] = ()
    home_page: str = ""
    download_url: str = ""
    author: str = ""
    author_email: str = ""
    maintainer: str = ""
    maintainer_email: str = ""
    license: str = ""
    license_expression: str = ""
    license_files: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    requires_dist: tuple[str, ...] = ()
    requires_python: str = ""
    requires_external: tuple[str, ...] = ()
    project_urls: tuple[tuple[str, str], ...] = ()
    provides_extra: tuple[str, ...] = ()
    provides_dist: tuple[str, ...] = ()
    obsoletes_dist: tuple[str, ...] = ()
    import_names: tuple[str, ...] = ()
    import_namespaces: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    obsoletes: tuple[str, ...] = ()
