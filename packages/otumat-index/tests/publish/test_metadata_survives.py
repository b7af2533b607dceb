"""D5: every core-metadata field, up to 2.6, goes in and comes out whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from otumat.spec import metadata as spec
from otumat_index.accounts.models import User
from otumat_index.publish import rules
from otumat_index.publish.models import Release

pytestmark = pytest.mark.django_db

FULL = spec.Metadata(
    metadata_version="2.5",
    name="Round.Up",
    version="1.0.post1",
    dynamic=("requires-dist", "summary"),
    platforms=("ANY", "Linux (älter)"),
    supported_platforms=("RedHat 7.2", "i386-win32-2791"),
    summary="An issue tracker – <b>quick</b> & 'simple'",
    description="# Roundup\n\n  kept to the letter \n\tünïcode 🎈 <script>alert(1)</script>\n\n",
    description_content_type="text/markdown; charset=UTF-8; variant=GFM",
    keywords=("issues", "tracking system", "ünïcode"),
    home_page="https://example.org/?a=b&c=d",
    download_url="https://example.org/files",
    author="R. Jones, Zoë\nand others",
    author_email='"Jones, R." <r.jones@example.org>, z@example.org',
    maintainer="Somebody Else",
    maintainer_email="else@example.org",
    license="",
    license_expression="MIT OR Apache-2.0",
    license_files=("LICENSE", "vendor/LICENSE.txt"),
    classifiers=("Topic :: Office/Business", "Environment :: Console", "Operating System :: OS/2"),
    requires_dist=("otumat>=1", 'colour[extra]~=2.0 ; python_version < "3.12"'),
    requires_python=">=3.11,!=3.12.1",
    requires_external=("C", "libpng (>=1.5)", 'make; sys_platform != "win32"'),
    project_urls=(("Docs", "https://docs.example.org/"), ("Bug Tracker", "https://bugs.example.org/?x=1,2")),
    provides_extra=("extra", "test-all"),
    provides_dist=("OtherProject", 'virtual_package; python_version >= "3.4"'),
    obsoletes_dist=("Gorgon", "OtherProject (<3.0)"),
    import_names=("roundup", "roundup._core ; private"),
    import_namespaces=("issues",),
    requires=("re", "sys"),
    provides=("xml.utils",),
    obsoletes=("old.module",),
)


def test_the_record_of_this_test_has_every_field() -> None:
    missing = {field.attribute for field in spec.FIELDS if not getattr(FULL, field.attribute)}
    assert missing == {"license"}  # excludes License-Expression


@pytest.mark.parametrize("encoding", ["multipart", "urlencoded"])
@pytest.mark.parametrize("changes", [{}, {"license": "The licence\n\nof 2001", "license_expression": ""}])
def test_D5_submit_to_database_to_json_is_lossless(
    client: Client, auth: Any, alice: User, encoding: str, changes: dict[str, str]
) -> None:
    import dataclasses
    from urllib.parse import urlencode

    sent = dataclasses.replace(FULL, **changes)  # type: ignore[arg-type]
    pairs = spec.to_form(sent)
    headers = {"Accept": "application/json", **auth(alice)}
    if encoding == "urlencoded":
        form = "application/x-www-form-urlencoded"
        response = client.post("/submit", urlencode(pairs), content_type=form, headers=headers)
    else:
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        response = client.post("/submit", fields, headers=headers)
    assert response.status_code == 200, response.content
    release = Release.objects.select_related("project").get()
    assert rules.metadata_of(release.project.name, vars(release)) == sent
    answer = client.get("/api/v1/project/round-up/1.0.post1/metadata").json()
    assert spec.from_json(answer["metadata"]) == (sent, [])
    assert {link.classifier.text for link in release.classifier_links.all()} == set(sent.classifiers)


def test_D5_upload_to_database_to_json_is_lossless(
    client: Client, upload: Any, alice: User, packed: Callable[..., tuple[str, bytes]]
) -> None:
    info = "round_up-1.0.post1.dist-info"
    wheel = packed(
        "round_up-1.0.post1-py3-none-any.whl",
        {
            f"{info}/METADATA": spec.to_headers(FULL),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/licenses/LICENSE": b"do what you like",
            f"{info}/licenses/vendor/LICENSE.txt": b"likewise",
        },
    )
    response = upload(alice, wheel)
    assert response.status_code == 200, response.content
    answer = client.get("/api/v1/project/round-up/1.0.post1/metadata").json()
    found, problems = spec.from_json(answer["metadata"])
    assert problems == []
    for field in spec.FIELDS:
        assert getattr(found, field.attribute) == getattr(FULL, field.attribute), field.attribute
    served = client.get(
        client.get("/pypi/round-up/json").json()["urls"][0]["url"].partition(":8000")[2] + ".metadata", follow=True
    )
    assert served.content == spec.to_headers(FULL)
