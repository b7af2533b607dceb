"""The page of alerts and digests, the same by API, and the choice beside all other mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from otumat_index.accounts import administration
from otumat_index.accounts.models import User
from otumat_index.accounts.notices.models import UsageMail
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project, Role
from otumat_index.usage.telling.models import Alert

pytestmark = pytest.mark.django_db(databases="__all__")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
PAGE = "/manage/project/roundup/usage/alerts/"
API = "/api/v1/project/roundup/usage/alerts"
JSON = "application/json"


def test_an_owner_adds_and_removes_an_alert(project: Project, used: Any, client: Client, alice: User) -> None:
    used(12, timezone.now().date() - timedelta(1))
    client.force_login(alice, backend=BACKEND)
    assert "There is none yet" in client.get(PAGE).content.decode()
    assert client.post(PAGE, {"kind": "adopted", "number": "50"}).status_code == 302
    page = client.get(PAGE).content.decode()
    assert "When the latest release is on 50 % or more of the active installs." in page
    assert "1.0 is on 100 % of the 12 installs" in page
    assert "active installs in the week of" in page, "the preview of a digest"
    made = Alert.objects.get()
    assert client.post(f"{PAGE}{made.pk}/remove").status_code == 302
    assert not Alert.objects.exists()
    rows = Entry.objects.filter(action__startswith="usage.alert").order_by("serial")
    assert [row.action for row in rows] == ["usage.alert", "usage.alert.remove"]


def test_all_that_is_wrong_with_an_alert_is_told_and_typed_text_stays(
    project: Project, copy: Any, client: Client, alice: User
) -> None:
    copy()  # from then on it is known what the project declares
    client.force_login(alice, backend=BACKEND)
    answer = client.post(PAGE, {"kind": "lost", "number": "many", "event": "<b>fetsch"})
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "is no number for this" in page
    assert "is no event of this project" in page
    assert 'value="&lt;b&gt;fetsch"' in page
    assert page.count('aria-invalid="true"') == 2
    assert not Alert.objects.exists()


def test_the_same_alert_twice_and_one_too_many_are_refused(
    project: Project, client: Client, alice: User, auth: Any
) -> None:
    headers = auth(alice)
    for number in range(1, 21):
        sent = {"kind": "yanked", "number": number}
        assert client.post(API, sent, headers=headers, content_type=JSON).status_code == 200
    again = client.post(API, {"kind": "yanked", "number": 1}, headers=headers, content_type=JSON)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "alert_exists")
    assert client.post(API, {"kind": "yanked", "number": 99}, headers=headers, content_type=JSON).status_code == 400
    assert len(client.get(API, headers=headers).json()["alerts"]) == 20


def test_alerts_of_other_projects_are_not_there(
    project: Project, client: Client, charlie: User, upload: Any, wheel: Any, auth: Any, now: Any
) -> None:
    assert upload(charlie, wheel("another")).status_code == 200
    made = Alert.objects.create(project=project, kind="fall", number=30, created_at=now)
    gone = client.delete(f"/api/v1/project/another/usage/alerts/{made.pk}", headers=auth(charlie))
    assert gone.status_code == 404
    assert Alert.objects.exists()


def test_a_digest_is_chosen_where_mail_is(project: Project, client: Client, alice: User, bob: User, now: Any) -> None:
    client.force_login(alice, backend=BACKEND)
    page = client.get("/account/mail/").content.decode()
    assert 'name="digest"' in page
    assert 'name="alerts" value="yes" checked' in page, "owners are told of the alerts they define"
    said = {"topic": "roundup", "level": "default", "digest": "month"}
    assert client.post("/account/mail/", said).status_code == 302
    assert list(UsageMail.objects.values_list("topic", "digest", "alerts")) == [("roundup", "month", False)]
    wrong = client.post("/account/mail/", {**said, "level": "loud", "digest": "hourly"})
    assert wrong.status_code == 400
    for words in ("&#x27;loud&#x27; is no amount of mail.", "&#x27;hourly&#x27; is no digest."):
        assert words in wrong.content.decode(), "all that is wrong is told at once"
    assert UsageMail.objects.get().digest == "month"
    Role.objects.create(project=project, user=bob, kind="reader", granted_at=now)
    client.force_login(bob, backend=BACKEND)
    assert 'name="digest"' not in client.get("/account/mail/").content.decode()
    client.post("/account/mail/", {**said, "digest": "week"})
    assert not UsageMail.objects.filter(user=bob).exists(), "a reader sees no uses"


def test_the_api_chooses_the_same(project: Project, client: Client, alice: User, charlie: User, auth: Any) -> None:
    path = "/api/v1/project/roundup/usage/mail"
    assert client.get(path, headers=auth(alice)).json() == {"digest": "none", "alerts": True}
    sent = {"digest": "week", "alerts": False}
    answer = client.put(path, sent, headers=auth(alice), content_type=JSON)
    assert answer.json() == {"ok": True, **sent}
    wrong = client.put(path, {"digest": "hourly", "alerts": True}, headers=auth(alice), content_type=JSON)
    assert wrong.status_code == 400
    assert client.get(path, headers=auth(charlie)).status_code == 403


def test_what_somebody_chose_goes_with_the_account(project: Project, alice: User) -> None:
    UsageMail.objects.create(user=alice, topic="roundup", digest="week", alerts=True)
    administration.forget(alice)
    assert not UsageMail.objects.exists()
