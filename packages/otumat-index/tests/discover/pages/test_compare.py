"""Two or three projects side by side."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.models import User
from otumat_index.discover.pages import comparing, requirements
from otumat_index.publish.models import Project

Register = Callable[..., Project]
MIT = "License :: OSI Approved :: MIT License"
WEB = "Topic :: Internet :: WWW/HTTP"
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def cells(page: str, label: str) -> list[str]:
    """What the row of a label says of each project, as text."""
    row = re.search(rf'<th scope="row" role="rowheader">{label}.*?</tr>', page, re.DOTALL)
    assert row, label
    texts = [re.sub(r"<[^>]+>", " ", cell) for cell in re.findall(r'<td role="cell">(.*?)</td>', row[0], re.DOTALL)]
    return [" ".join(text.split()) for text in texts]


@pytest.fixture
def two(register: Register) -> str:
    register("roundup", "1.0", summary="Issues", classifiers=[MIT, WEB], requires_dist=["attrs>=1", "x; extra == 'y'"])
    register("roundup", "1.1", summary="Issues", classifiers=[MIT, WEB], requires_dist=["attrs>=1", "x; extra == 'y'"])
    register("attrs", "26.1", summary="Classes", license_expression="MIT", classifiers=[WEB], requires_python=">=3.9")
    return "/compare?p=Roundup&p=attrs"


@pytest.mark.django_db
def test_two_projects_stand_side_by_side(client: Client, two: str) -> None:
    response = client.get(two)
    page = response.content.decode()
    assert response.status_code == 200
    assert cells(page, "Summary") == ["Issues", "Classes"]
    assert cells(page, "Licence") == ["MIT License", "MIT"]
    assert cells(page, "Dependencies") == ["1 attrs", "0"]
    assert cells(page, "Requires Python") == ["–", "&gt;=3.9"]
    assert cells(page, "Releases")[1] == "1"
    assert cells(page, "Classifiers of its own") == [MIT, "none"]
    assert 'href="/browse/?c=Topic%20%3A%3A%20Internet%20%3A%3A%20WWW%2FHTTP"' in page.partition('id="common"')[2]


@pytest.mark.django_db
def test_what_differs_is_marked_by_more_than_colour(client: Client, two: str) -> None:
    page = client.get(two).content.decode()
    assert re.search(
        r'<th scope="row" role="rowheader">Licence <span class="differs" aria-hidden="true">≠</span>.*?\(differs\)',
        page,
    )
    assert ">State</th>" in page


@pytest.mark.django_db
@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("", 200, "Which projects?"),
        ("p=&p=&p=", 200, "Which projects?"),
        ("p=attrs", 200, "Name a second project"),
        ("p=attrs&p=ATTRS", 200, "Name a second project"),
        ("p=attrs&p=absent", 404, "There is no such project here."),
        ("p=%00&p=<script>&p=../x", 404, "&lt;script&gt;"),
        ("p=attrs&p=roundup&p=empty&p=four", 404, "It has no release yet."),
        ("&".join(f"p=n{number}" for number in range(500)), 404, "the first three"),
    ],
)
def test_A76_odd_questions_get_the_form_and_a_reason(client: Client, query: str, status: int, says: str) -> None:
    Project.objects.create(normalized="empty", name="empty", confusable="empty", created_at=DAY, updated_at=DAY)
    response = client.get(f"/compare?{query}")
    assert response.status_code == status
    assert says in response.content.decode()
    assert "<script>" not in response.content.decode()


@pytest.mark.django_db
def test_A86_a_private_project_is_compared_for_who_holds_a_role_only(
    client: Client, register: Register, alice: User, charlie: User
) -> None:
    register("shown")
    register("hidden", is_private=True)
    client.force_login(charlie)
    hidden, absent = (client.get(f"/compare?p=shown&p={name}") for name in ("hidden", "absent"))
    assert hidden.status_code == absent.status_code == 404
    assert hidden.content.replace(b"hidden", b"absent") == absent.content.replace(b"hidden", b"absent")
    client.force_login(alice)
    response = client.get("/compare?p=shown&p=hidden")
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.django_db
def test_comparing_asks_one_question_a_project_and_three_more(
    client: Client, two: str, register: Register, django_assert_num_queries: Any
) -> None:
    register("third")
    with django_assert_num_queries(6):
        client.get(f"{two}&p=third")


@pytest.mark.django_db
def test_files_tell_sizes_and_platforms(client: Client, upload: Any, wheel: Any, alice: User) -> None:
    assert (
        upload(alice, wheel("roundup", tag="cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64")).status_code == 200
    )
    assert upload(alice, wheel("attrs")).status_code == 200
    page = client.get("/compare?p=roundup&p=attrs").content.decode()
    assert cells(page, "Wheels for") == ["Linux", "any platform"]
    assert (
        "Newest sdist" not in page
    )  # nothing to tell of any    assert re.fullmatch(r"\d+ bytes", cells(page, "Newest wheel")[0])


@pytest.mark.parametrize(
    ("releases", "days", "told"),
    [
        (1, 0, ""),
        (2, 0, "several a day"),
        (11, 10, "one every day"),
        (11, 100, "one every 10 days"),
        (3, 60, "one every 4 weeks"),
        (5, 365, "one every 3 months"),
        (2, 800, "one every 2 years"),
    ],
)
def test_cadence_is_told_in_words(releases: int, days: int, told: str) -> None:
    assert comparing.cadence(comparing.History(releases, DAY, DAY + timedelta(days=days))) == told


@pytest.mark.parametrize(
    ("line", "normalized", "extra"),
    [
        ("attrs>=1", "attrs", ""),
        ("Zope.Interface[test] (>=4); python_version<'3'", "zope-interface", ""),
        ('x ; extra == "fast"', "x", "fast"),
        ("x @ https://example.org/x.whl", "x", ""),
        ("", "", ""),
        ("???", "", ""),
    ],
)
def test_requirements_are_read_whatever_they_hold(line: str, normalized: str, extra: str) -> None:
    read = requirements.read_one(line)
    assert (read.normalized, read.extra) == (normalized, extra)
    assert read.name + read.rest == line.strip() or not normalized or line.startswith(" ")
