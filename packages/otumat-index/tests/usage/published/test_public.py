"""The public page, badge, CSV and JSON, and the owners' switch: off unless they say so, never for private projects."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from otumat.errors import Refused
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Group, GroupMember, User
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish import actions as publish
from otumat_index.publish.models import Project, Role
from otumat_index.publish.notices import letters
from otumat_index.publish.notices import queries as notices
from otumat_index.usage.published import queries
from otumat_index.usage.published.actions import end_of_who_left, set_publishing
from otumat_index.usage.published.models import Publication, PublishedWeek
from otumat_index.usage.rules.publishing import NOISE_MOST
from otumat_index.usage.stores.orm import STORE

pytestmark = pytest.mark.django_db(databases="__all__")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
TODAY, WEEK = datetime(2026, 5, 31, 12, tzinfo=UTC), date(2026, 5, 11)
PAGE, BADGE, CSV = "/project/roundup/usage/", "/project/roundup/usage.svg", "/project/roundup/usage.csv"
API = "/api/v1/project/roundup/usage/public"
SWITCH = "/manage/project/roundup/usage/public/"


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_nothing_is_published_unless_an_owner_says_so(project: Project, used: Any, client: Client) -> None:
    used(60)
    assert "do not publish" in text(client.get(PAGE))
    assert "not published" in text(client.get(BADGE))
    assert text(client.get(CSV)).split() == ["week,kind,value,installs"]
    told = client.get(API).json()
    assert (told["is_published"], told["weeks"]) == (False, [])
    assert PAGE not in text(client.get("/project/roundup/"))


def test_what_is_published_is_the_same_everywhere(
    project: Project, used: Callable[..., range], published: Any, client: Client
) -> None:
    used(60)
    published()
    week = client.get(API).json()["weeks"][0]
    assert (week["week"], abs(week["installs"] - 60) <= NOISE_MOST) == ("2026-05-11", True)
    assert [each["value"] for each in week["releases"] + week["pythons"] + week["systems"]] == ["1.0", "3.12", "linux"]
    rows = list(csv.DictReader(io.StringIO(text(client.get(CSV)))))
    assert rows[0] == {"week": "2026-05-11", "kind": "installs", "value": "", "installs": str(week["installs"])}
    assert {"week": "2026-05-11", "kind": "python", "value": "3.12"}.items() <= rows[2].items()
    assert text(client.get(API, headers={"Accept": "text/csv"})) == text(client.get(CSV))
    page = text(client.get(PAGE))
    assert f"About <strong>{week['installs']}</strong> installs" in page
    assert "Python" in page
    assert f'href="{PAGE}"' in text(client.get("/project/roundup/"))


def test_the_badge_is_small_and_can_be_kept_and_read_aloud(
    project: Project, used: Any, published: Any, client: Client
) -> None:
    used(60)
    published()
    answer: Any = client.get(BADGE)
    drawn = ElementTree.fromstring(answer.content)
    assert re.fullmatch(r"installs a week: [4-7]\d", drawn.attrib["aria-label"])
    assert (drawn.attrib["role"], len(answer.content) < 1200) == ("img", True)
    assert b"style" not in answer.content
    assert b"script" not in answer.content
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("image/svg+xml", "public, max-age=300")
    again = client.get(BADGE, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_switch_works_at_once_in_both_directions(project: Project, used: Any, client: Client, alice: User) -> None:
    used(60, week=timezone.now().date() - timedelta(timezone.now().weekday() + 14))
    client.force_login(alice, backend=BACKEND)
    before = text(client.get(SWITCH))
    assert "Not published" in before
    assert "3.12" in before, "owners see what it would say"
    assert client.post(SWITCH, {"publish": "yes"})["Location"].startswith("/account/reauthenticate/")
    assert not Publication.objects.exists(), "whoever publishes shows again who it is"
    client.post("/account/reauthenticate/", {"password": "correct horse battery"})
    assert client.post(SWITCH, {"publish": "yes"})["Location"] == SWITCH
    assert "alice said so on" in text(client.get(SWITCH))
    assert "Where it ran" in text(Client().get(PAGE))
    assert client.post(SWITCH, {"publish": "no"}).status_code == 302
    assert "do not publish" in text(Client().get(PAGE))
    assert "not published" in text(Client().get(BADGE))
    assert list(Entry.objects.filter(action__startswith="usage.").order_by("serial").values_list("action", flat=True))[
        -2:
    ] == ["usage.publish", "usage.unpublish"]


def test_only_owners_publish_and_an_admin_may_end_it(
    project: Project, client: Client, alice: User, bob: User, admin: User, auth: Any, now: Any
) -> None:
    Role.objects.create(project=project, user=bob, kind="maintainer", granted_at=now)

    def say(user: User, is_on: bool) -> Any:
        return client.put(API, {"publish": is_on}, headers=auth(user), content_type="application/json")

    for user in (bob, admin):
        assert say(user, True).status_code == 403
    assert say(alice, True).json()["is_published"] is True
    assert say(bob, False).status_code == 403
    assert say(admin, False).json()["is_published"] is False


def test_a_yes_goes_with_the_owner_who_said_it(
    project: Project, used: Any, published: Any, client: Client, alice: User, bob: User
) -> None:
    """From the moment in which the project is handed over; whoever owns it then is told, once, and may say it too."""
    used(60)
    published()
    offer = publish.invite(project, "owner", user=bob, is_transfer=True, by=of_user(alice, "session"), at=TODAY)
    publish.accept(offer.pk, by=of_user(bob, "session"), at=TODAY)
    assert "do not publish" in text(client.get(PAGE))
    for _ in range(2):
        end_of_who_left(["roundup"], at=TODAY)
    ended = Entry.objects.get(action="usage.unpublish")
    assert (ended.credential, ended.data["because"].partition(" ")[0]) == ("job", "alice")
    assert [draft.person for draft in notices.drafts_of_duty(ended)] == [bob.pk]
    assert letters.told(ended, project).sentence == "stopped publishing how roundup is used"
    assert letters.advice(ended, project, concerned=False).endswith(SWITCH)
    Role.objects.create(project=project, user=alice, kind="owner", granted_at=TODAY)
    assert not queries.is_published(project), "her yes does not come back with her"
    set_publishing(project, is_on=True, by=of_user(bob, "session"), at=TODAY)
    assert "About <strong>" in text(client.get(PAGE))


def test_a_yes_stays_with_an_owner_in_a_group_as_long_as_they_are_in_it(
    project: Project, published: Any, alice: User
) -> None:
    crew = Group.objects.create(slug="crew", name="Crew", created_at=TODAY)
    member = GroupMember.objects.create(group=crew, user=alice, asked_at=TODAY, joined_at=TODAY)
    Role.objects.filter(project=project, user=alice).update(user=None, group=crew)
    published()
    assert queries.is_published(project)
    end_of_who_left(at=TODAY)
    assert Publication.objects.get().is_on
    member.delete()
    assert not queries.is_published(project)
    end_of_who_left(at=TODAY)
    assert not Publication.objects.get().is_on


def test_the_store_may_be_slow_or_gone_and_nobody_waits_for_it(
    project: Project, published: Any, bob: User, now: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked before anything is locked or written, and for nobody who may not publish."""
    outside, asked = list(connection.savepoint_ids), []

    def in_week(*week: object) -> list[Any]:
        asked.append((list(connection.savepoint_ids) == outside, Publication.objects.exists()))
        raise OSError("The store is gone.")

    monkeypatch.setattr(STORE, "in_week", in_week)
    Role.objects.create(project=project, user=bob, kind="maintainer", granted_at=now)
    with pytest.raises(Refused):
        set_publishing(project, is_on=True, by=of_user(bob, "session"), at=TODAY)
    assert asked == []
    with pytest.raises(OSError, match="gone"):
        published()
    assert (asked, Publication.objects.exists()) == ([(True, False)], False)
    monkeypatch.undo()
    published()
    assert PublishedWeek.objects.filter(week=WEEK).exists(), "all of it is there with the yes"


def test_the_order_of_results_knows_what_is_published_and_nothing_else(
    project: Project, used: Any, published: Any
) -> None:
    """So that no search, however often, tells of one install more than the page does."""
    used(60)
    assert queries.in_use() == {}, "nothing is published"
    published()
    shown = queries.published(project).newest.installs
    assert queries.in_use() == {project.pk: shown}
    used(30)
    assert queries.in_use() == {project.pk: shown}
    PublishedWeek.objects.filter(week=WEEK).update(installs=None)
    assert queries.in_use() == {}, "the newest week is too small to say"
    PublishedWeek.objects.filter(week=WEEK).update(installs=shown)
    Publication.objects.update(is_on=False)
    assert queries.in_use() == {}


def test_nothing_of_a_private_project_is_published(
    project: Project, used: Any, published: Any, client: Client, alice: User, auth: Any, now: Any
) -> None:
    """Nor after it was private: what was said of a public project has to be said again."""
    used(60)
    published()
    by = of_user(alice, "session")
    publish.set_visibility(project, is_private=True, by=by, at=timezone.now())
    for address in (PAGE, BADGE, CSV, API):
        assert client.get(address).status_code == 404
        mine = client.get(address, headers=auth(alice))
        assert mine.status_code == 200
        assert "3.12" not in text(mine)
        assert "no-store" in mine["Cache-Control"]
    refused = client.put(API, {"publish": True}, headers=auth(alice), content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "private")
    publish.set_visibility(project, is_private=False, by=by, at=timezone.now())
    assert Publication.objects.get().is_on
    assert not queries.published(project).is_on


def test_nothing_is_published_in_quarantine(project: Project, used: Any, published: Any, client: Client) -> None:
    used(60)
    published()
    publish.set_status(project, "quarantined", reason="", by=command(), at=timezone.now())
    assert client.get(API).json()["is_published"] is False


def test_the_page_says_why_there_is_nothing_yet(project: Project, used: Any, published: Any, client: Client) -> None:
    used(9)
    published()
    page = text(client.get(PAGE))
    assert "nothing is shown of fewer than 10" in page
    assert "too few to tell" in text(client.get(BADGE))
    assert client.get(API).json()["weeks"][0] == {
        "week": "2026-05-11",
        "installs": None,
        "releases": [],
        "pythons": [],
        "systems": [],
    }
