"""Form against file: real contradictions are found, and the forms of real clients agree with their own files."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from flit.upload import build_post_data
from flit_core.common import Metadata as FlitMetadata
from hatch.index.publish import get_sdist_form_data, get_wheel_form_data
from poetry.publishing.uploader import Uploader
from twine.package import PackageFile
from twine.repository import Repository

from otumat.spec.metadata import compare, from_bytes, from_form

METADATA = f"""\
Metadata-Version: 2.4
Name: Foo.Bar_baz
Version: 1.0.0
Dynamic: license-file
Platform: any
Summary: Does foo – and bar
Keywords: one,two words, three
Home-page: https://example.org/
Author: Jane Doe
Author-email: Jane Doe <jane@example.org>
License: First line
        second line
{" " * 8}
          indented line
License-File: LICENSE
Classifier: Environment :: Console
Classifier: Topic :: Office/Business
Requires-Dist: requests[socks,security]>=2,<3
Requires-Dist: attrs (>=20) ; python_version < "3.12"
Requires-Dist: pytest; extra == "test-all"
Requires-Python: >=3.11,<4
Requires-External: libpng (>=1.5)
Project-URL: Docs, https://example.org/docs
Project-URL: Issues, https://example.org/issues
Provides-Extra: test-all
Description-Content-Type: text/markdown; charset=UTF-8; variant=GFM

# Foo

Wörds.

    indented

"""
NEWEST = METADATA.replace("2.4", "2.5", 1).replace("\n# Foo", "Import-Name: foo\nImport-Name: bar\n\n# Foo", 1)
OLD = (
    METADATA.replace("2.4", "2.1", 1).split("\n\n", 1)[0].replace("Dynamic: license-file\n", "")
    + "\nDescription: Title\n        =====\n        \n        Text\n"
)


def wheel(folder: Path, metadata: str) -> Path:
    path = folder / "foo_bar_baz-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("foo_bar_baz-1.0.0.dist-info/METADATA", metadata)
        archive.writestr("foo_bar_baz-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("foo_bar_baz-1.0.0.dist-info/RECORD", "")
    return path


def sdist(folder: Path, metadata: str) -> Path:
    path = folder / "foo_bar_baz-1.0.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("PKG-INFO", metadata.encode()), ("pyproject.toml", b"")):
            member = tarfile.TarInfo(f"foo_bar_baz-1.0.0/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def twine_form(path):
    form = PackageFile.from_filename(str(path), comment=None).metadata_dictionary()
    return Repository._convert_metadata_to_list_of_tuples(form)


def hatch_form(path):
    form = get_wheel_form_data(path) if path.suffix == ".whl" else get_sdist_form_data(path)
    return [(key, item) for key, value in form.items() for item in (value if isinstance(value, list) else [value])]


def poetry_form(path):
    form = Uploader.post_data(path)
    return [(key, item) for key, value in form.items() for item in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize("client", [twine_form, hatch_form, poetry_form])
@pytest.mark.parametrize("make", [wheel, sdist])
@pytest.mark.parametrize("metadata", [METADATA, NEWEST, OLD], ids=["2.4", "2.5", "2.1"])
def test_the_form_of_an_honest_client_agrees_with_its_file(tmp_path, client, make, metadata):
    form, problems = from_form(
        [(key, value) for key, value in client(make(tmp_path, metadata)) if isinstance(value, str)]
    )
    assert problems == []
    assert form.name
    assert form.requires_dist
    assert form.description
    artifact, problems = from_bytes(metadata.encode())
    assert problems == []
    assert compare(form, artifact) == []


def test_flit_sends_what_the_author_wrote_and_agrees_with_what_it_built():
    flit = FlitMetadata(
        {
            "name": "foo",
            "version": "1.0",
            "provides": ["foo"],
            "summary": "Does foo",
            "keywords": "one,two",
            "license_expression": "MIT",
            "description": "# Foo\n\nText",
            "description_content_type": "text/markdown",
            "requires_dist": ["requests[Use_Socks]>=2", 'pytest ; extra == "test"'],
            "provides_extra": ["Test_All", "test"],
            "project_urls": ["Docs, https://example.org"],
            "import_name": ["foo"],
        }
    )
    written = io.StringIO()
    flit.write_metadata_file(written)
    sent = build_post_data("file_upload", flit)
    pairs = [(key, item) for key, value in sent.items() for item in (value if isinstance(value, list) else [value])]
    form, problems = from_form(pairs)
    artifact, more = from_bytes(written.getvalue().encode())
    assert (problems, more) == ([], [])
    assert (form.metadata_version, artifact.metadata_version) == ("2.3", "2.5")
    assert compare(form, artifact) == []


def test_uv_sends_folded_values_in_one_line_and_empty_fields():
    artifact, _ = from_bytes(METADATA.encode())
    form, _ = from_form(
        [
            ("name", "Foo.Bar_baz"),
            ("version", "1.0.0"),
            ("license", "First line second line  indented line"),
            ("keywords", "one,two words, three"),
            ("requires_python", ""),
            ("provides_extra", "test-all"),
            ("license_file", "LICENSE"),
        ]
    )
    assert compare(form, artifact) == []


ARTIFACT, _ = from_bytes(NEWEST.encode())


@pytest.mark.parametrize(
    "pairs",
    [
        [("name", "foo-bar.baz"), ("version", "1.0")],
        [("classifiers", "Topic :: Office/Business"), ("classifiers", "Environment :: Console")],
        [("keywords", "one two words three")],
        [("description", "# Foo\r\n\r\nWörds.\r\n\r\n    indented")],
        [("requires_python", "<4, >=3.11")],
        [("description_content_type", 'text/markdown;variant="GFM"; charset=utf-8')],
        [("import_names", "bar")],
        [("metadata_version", "1.0")],
        [],
    ],
    ids=lambda pairs: pairs[0][0] if pairs else "nothing",
)
def test_other_spellings_of_the_same_and_absent_fields_are_no_contradiction(pairs):
    assert compare(from_form(pairs)[0], ARTIFACT) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "other"),
        ("version", "1.0.1"),
        ("version", "1.0.0.post0"),
        ("summary", "Does baz"),
        ("description", "# Bar"),
        ("description_content_type", "text/plain"),
        ("keywords", "four"),
        ("home_page", "https://example.com/"),
        ("author_email", "eve@example.org"),
        ("license_expression", "MIT"),
        ("classifiers", "Environment :: Console"),
        ("requires_dist", "requests[socks,security]>=2,<3"),
        ("requires_python", ">=3.6"),
        ("project_urls", "Docs, https://example.com/docs"),
        ("provides_extra", "other"),
        ("import_names", "evil"),
        ("download_url", "https://example.com/"),
    ],
)
def test_A20_a_form_that_says_something_else_is_told_with_both_sides(field, value):
    (problem,) = compare(from_form([(field, value)])[0], ARTIFACT)
    assert (problem.code, problem.severity) == (f"{problem.field}.mismatch", "error")
    assert "form says" in problem.message
    assert "file's" in problem.message


def test_A20_every_contradiction_is_told_at_once():
    form, _ = from_form([("name", "evil"), ("version", "9"), ("requires_dist", "evil")])
    assert [problem.field for problem in compare(form, ARTIFACT)] == ["name", "version", "requires_dist"]
