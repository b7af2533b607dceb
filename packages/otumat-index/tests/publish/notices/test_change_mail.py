"""D42: a change of a package entry is mailed to all users who ever submitted information for it."""

from __future__ import annotations

from collections.abc import Callable
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest
from django.test import Client

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Group, GroupMember, User
from otumat_index.accounts.notices import actions as preferences
from otumat_index.jobs.models import Mail
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.journal.sentences import told
from otumat_index.publish import actions, queries
from otumat_index.publish.models import Release

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post(post: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Mail about projects alone: `submit` makes tokens, which are told too."""
    return lambda **words: [message for message in post(**words) if "List-Id" in message.extra_headers]


Post = Callable[..., list[Any]]


def by(user: User) -> Any:
    return of_user(user, "session")


def to(messages: list[Any]) -> list[str]:
    return sorted(address for message in messages for address in message.to)


def assign(user: User, kind: str, now: Any) -> None:
    actions.assign_role(queries.project("roundup", by=command()), user, kind, by=command(), at=now)


@pytest.fixture
def three(alice: User, bob: User, charlie: User, submit: Any, post: Post, now: Any) -> list[User]:
    """Alice, Bob and Charlie have each submitted; their mail so far is read."""
    submit(alice)
    for user in (bob, charlie):
        assign(user, "maintainer", now)
        assert submit(user).status_code == 200
    post()
    return [alice, bob, charlie]


def test_D42_all_three_who_ever_submitted_are_mailed_once_each_at_the_next_change(
    three: list[User], submit: Any, post: Post
) -> None:
    submit(three[0], summary="Now with more")
    sent = post()
    assert to(sent) == ["alice@example.org", "bob@example.org", "charlie@example.org"]
    assert post() == []
    assert "updated the information of roundup 1.0" in sent[0].body
    assert '"Now with more"' in sent[0].body


def test_D42_who_lost_the_role_since_is_still_told_of_a_public_project(
    three: list[User], submit: Any, post: Post, now: Any
) -> None:
    project = queries.project("roundup", by=command())
    actions.remove_role(project, three[2], by=command(), at=now)
    post()
    submit(three[0])
    assert "charlie@example.org" in to(post())


def test_A86_of_a_private_project_only_those_who_still_hold_a_role_hear(
    three: list[User], submit: Any, post: Post, now: Any
) -> None:
    project = queries.project("roundup", by=command())
    actions.set_visibility(project, is_private=True, by=by(three[0]), at=now)
    actions.remove_role(project, three[2], by=command(), at=now)
    post()
    submit(three[0])
    assert to(post()) == ["alice@example.org", "bob@example.org"]


def test_A86_mail_that_waits_is_dropped_for_those_who_lost_their_role_meanwhile(
    three: list[User], submit: Any, post: Post, now: Any
) -> None:
    project = queries.project("roundup", by=command())
    actions.set_visibility(project, is_private=True, by=by(three[0]), at=now)
    post()
    submit(three[0])
    assert post(later=0) == []  # held back for changes that may follow
    actions.remove_role(project, three[2], by=command(), at=now)
    told = [message for message in post() if "updated" in message.body]
    assert to(told) == ["alice@example.org", "bob@example.org"]


def test_owners_hear_of_changes_though_they_never_submitted(
    three: list[User], admin: User, submit: Any, post: Post, now: Any
) -> None:
    assign(admin, "owner", now)
    post()
    submit(three[0])
    assert "dora@example.org" in to(post())


def test_an_upload_of_several_files_is_one_mail(alice: User, upload: Any, wheel: Any, post: Post) -> None:
    assert upload(alice, wheel()).status_code == 200
    assert upload(alice, wheel(tag="py2-none-any")).status_code == 200
    (message,) = post()
    assert message.subject == "[Otumat] roundup 1.0: 2 changes by alice"
    assert "published the file roundup-1.0-py3-none-any.whl" in message.body
    assert "published the file roundup-1.0-py2-none-any.whl" in message.body


def test_an_import_mails_nobody(alice: User, submit: Any, post: Post) -> None:
    submit(alice)
    Entry.objects.update(data={"import": True})
    assert post() == []


@pytest.mark.parametrize(
    ("level", "reached"), [("all", ["alice", "bob"]), ("others", ["bob"]), ("none", [])], ids=["all", "others", "none"]
)
def test_how_much_mail_one_gets_is_ones_own_choice(
    alice: User, bob: User, submit: Any, post: Post, now: Any, level: str, reached: list[str]
) -> None:
    submit(alice)
    assign(bob, "maintainer", now)
    submit(bob)
    post()
    for user in (alice, bob):
        preferences.set_preference(user, "", level, by=by(user), at=now)
    submit(alice)
    assert to(post()) == [f"{name}@example.org" for name in reached]


def test_the_choice_for_a_project_counts_more_than_the_general_one(
    alice: User, submit: Any, post: Post, now: Any
) -> None:
    preferences.set_preference(alice, "", "none", by=by(alice), at=now)
    preferences.set_preference(alice, "roundup", "all", by=by(alice), at=now)
    submit(alice)
    submit(alice, name="other")
    assert ["roundup" in message.subject for message in post()] == [True]


def test_roles_given_and_taken_are_told_to_the_person_and_the_owners_whatever_they_chose(
    alice: User, bob: User, charlie: User, submit: Any, post: Post, now: Any
) -> None:
    submit(alice)
    post()
    for user in (alice, bob):
        preferences.set_preference(user, "", "none", by=by(user), at=now)
    assign(bob, "maintainer", now)
    sent = post()
    assert to(sent) == ["alice@example.org", "bob@example.org"]
    assert all("List-Unsubscribe" not in message.extra_headers for message in sent)
    actions.remove_role(queries.project("roundup", by=command()), bob, by=by(alice), at=now)
    assert to(post()) == ["alice@example.org", "bob@example.org"]


def test_who_leaves_has_left(alice: User, bob: User, submit: Any, post: Post, now: Any) -> None:
    submit(alice)
    assign(bob, "maintainer", now)
    post()
    actions.remove_role(queries.project("roundup", by=command()), bob, by=by(bob), at=now)
    sent = post()
    assert {message.subject for message in sent} == {"[Otumat] roundup: bob left roundup"}
    assert to(sent) == ["alice@example.org", "bob@example.org"]
    assert told(Entry.objects.latest("serial")).sentence == "left the project"


def test_a_whole_project_offered_is_called_that(alice: User, bob: User, submit: Any, post: Post, now: Any) -> None:
    submit(alice)
    post()
    project = queries.project("roundup", by=command())
    actions.invite(project, "owner", user=bob, is_transfer=True, by=by(alice), at=now)
    words = "offered roundup to bob, who would be its only owner"
    assert f"[Otumat] roundup: alice {words}" in {message.subject for message in post()}
    assert told(Entry.objects.latest("serial")).sentence == "offered the whole project to bob"


def test_every_member_of_a_group_is_told_that_it_got_a_role(
    alice: User, bob: User, submit: Any, post: Post, now: Any
) -> None:
    submit(alice)
    post()
    group = Group.objects.create(slug="crew", name="The crew", created_at=now)
    for user, joined_at in ((bob, now), (alice, None)):
        GroupMember.objects.create(group=group, user=user, asked_at=now, asked_by="tests", joined_at=joined_at)
    actions.assign_role(queries.project("roundup", by=command()), group, "maintainer", by=command(), at=now)
    sent = post()
    assert to(sent) == ["alice@example.org", "bob@example.org"]
    assert "made group:crew maintainer of roundup" in sent[0].body


def test_who_reads_a_private_project_is_told_to_owners_alone(
    three: list[User], admin: User, post: Post, now: Any
) -> None:
    assign(admin, "reader", now)
    assert to(post()) == ["alice@example.org", "dora@example.org"]


def test_only_a_confirmed_address_is_written_to(alice: User, submit: Any, post: Post) -> None:
    submit(alice)
    alice.emailaddress_set.update(verified=False)  # type: ignore[attr-defined]
    assert post() == []


def test_headers_thread_filter_and_unsubscribe(alice: User, submit: Any, post: Post, settings: Any) -> None:
    submit(alice)
    submit(alice, version="2.0")
    (first,) = post()
    message = BytesParser(policy=policy.default).parsebytes(first.message().as_bytes())
    assert message["List-Id"] == '"roundup" <roundup.projects.localhost>'
    assert message["References"] == message["In-Reply-To"] == "<project.roundup@localhost>"
    assert message["Message-ID"].startswith("<change.")
    assert message["Message-ID"].endswith("@localhost>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = message["List-Unsubscribe"].strip(" <>")
    assert link.startswith(f"{settings.CONFIG.public_url}/account/mail/unsubscribe/")
    assert message["To"] == "alice@example.org"
    assert message["From"] == settings.CONFIG.mail_from
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_the_message_id_is_that_of_change_and_recipient(three: list[User], submit: Any, post: Post) -> None:
    submit(three[0])
    sent = post()
    ids = {message.extra_headers["Message-ID"] for message in sent}
    assert len(ids) == 3
    Mail.objects.filter(state="sent").update(state="queued")
    assert ids <= {message.extra_headers["Message-ID"] for message in post()}


NASTY = [
    "x\r\nBcc: victim@example.org",
    "x\nSubject: paid invoice",
    "x\u2028To: victim@example.org",
    "\u202etxt.exe",
    '"Otumat Security" <index@localhost>',
    "{actor} {{ subject }} %s",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\x1b]0;owned\x07",
]


@pytest.mark.parametrize("text", NASTY)
def test_A52_what_strangers_write_stays_inside_its_line(alice: User, submit: Any, post: Post, text: str) -> None:
    submit(alice)
    entry = Entry.objects.get(action="release.create")
    Entry.objects.filter(pk=entry.pk).update(subject=f"roundup {text}", data={**entry.data, "reason": text})
    Release.objects.update(summary=text)
    (message,) = post()
    parsed = BytesParser(policy=policy.default).parsebytes(message.message().as_bytes())
    assert parsed["To"] == "alice@example.org"
    assert parsed["Bcc"] is None
    assert parsed["From"] == "Otumat <index@localhost>"
    assert parsed.get_all("Subject") == [parsed["Subject"]]
    assert parsed["Subject"].startswith("[Otumat] ")
    body, html = message.body, message.alternatives[0][0]
    for char in "\r\x1b\u2028\u202e":
        assert char not in body + html + parsed["Subject"]
    assert not any(line.startswith(("Bcc:", "Subject:", "To:")) for line in body.splitlines())
    assert "<script" not in html
    assert "<img" not in html


def test_A39_links_come_from_public_url_whatever_host_was_asked(
    alice: User, client: Client, auth: Any, post: Post, settings: Any
) -> None:
    headers = {**auth(alice), "Host": "evil.example.com", "X-Forwarded-Host": "evil.example.com"}
    client.post("/submit", {"name": "roundup", "version": "1.0"}, headers=headers)
    for message in post():
        assert "evil" not in message.message().as_string()
        assert settings.CONFIG.public_url in message.body


def test_the_same_is_said_in_text_and_html(alice: User, submit: Any, post: Post) -> None:
    submit(alice, summary="Tracks <issues> & more")
    (message,) = post()
    assert '"Tracks <issues> & more"' in message.body
    assert "Tracks &lt;issues&gt; &amp; more" in message.alternatives[0][0]
    assert message.subject == "[Otumat] roundup: alice registered roundup 1.0"
