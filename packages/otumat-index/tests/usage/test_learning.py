"""What new wheels declare is known before their copies tell, whoever enrolled when."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from django.utils import timezone

from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.publish import actions as yanks
from otumat_index.publish.models import File, Project
from otumat_index.usage import actions, queries, tasks
from otumat_index.usage.actions import collecting
from otumat_index.usage.models import Collection, Manifest

pytestmark = pytest.mark.django_db(databases="__all__")


def release(number: int) -> tuple[str, dict[str, bytes]]:
    """A version, and a manifest whose one event is its own."""
    text = f'project = "roundup"\npurpose = "x"\n[[event]]\nname = "feature-{number}"\npurpose = "x"\n'
    return f"{number}.0", {"roundup/otumat-usage.toml": text.encode()}


@pytest.fixture
def publish(upload: Any, wheel: Any, alice: User) -> Any:
    """Upload the wheel of a release with a feature of its own."""

    def make(number: int) -> None:
        version, members = release(number)
        assert upload(alice, wheel(version=version, members=members)).status_code == 200

    return make


def test_a_release_that_nobody_enrolled_with_tells_its_new_events(
    copy: Any, publish: Any, counted: Any, today: str
) -> None:
    one = copy()
    for number in range(2, 10):
        publish(number)
    told = one.send(one.batch([today, "feature-2", {}, 3], [today, "feature-9", {}, 4], [today, "unheard", {}, 1]))
    assert told.json()["refused"] == [{"row": 2, "code": "undeclared"}]
    assert counted() == {"feature-2": 3, "feature-9": 4}


def test_every_uploaded_wheel_of_a_project_that_collects_is_looked_into(
    copy: Any, publish: Any, project: Project
) -> None:
    copy()
    for number in range(2, 14):
        publish(number)
    assert Manifest.objects.count() == 1
    tasks.learn_manifests({"roundup": 7, "another": 8})
    assert Manifest.objects.count() == 13
    assert not actions.learn(project, at=timezone.now())  # so nobody looks ten times in a row


def test_a_wheel_that_cannot_be_read_just_now_is_read_the_next_time(
    copy: Any, publish: Any, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy()
    for number in (2, 3, 4):
        publish(number)
    keys = list(File.objects.order_by("pk").values_list("key", flat=True))
    broken = {keys[1]: FileNotFoundError("gone"), keys[2]: OSError(errno.EMFILE, "Too many open files")}
    with monkeypatch.context() as patched:
        patched.setattr(collecting, "declares", lambda key, project: key not in broken or fail(broken[key]))
        assert actions.learn(project, at=timezone.now())
        assert not actions.learn(project, at=timezone.now())
        assert Manifest.objects.count() == 1, "one is lost, and one waits, with all behind it"
    actions.catch_up(project, at=timezone.now())
    names = {event["name"] for each in Manifest.objects.order_by("pk")[1:] for event in each.table["event"]}
    assert names == {"feature-3", "feature-4"}


def fail(error: OSError) -> bool:
    raise error


def test_a_project_that_does_not_collect_is_left_alone(publish: Any, project: Project) -> None:
    publish(2)
    tasks.learn_manifests({"roundup": 7})
    assert (Manifest.objects.count(), Collection.objects.count()) == (0, 0)
    actions.set_collecting(project, is_on=False, by=command(), at=timezone.now())
    tasks.learn_manifests({"roundup": 8})
    assert Manifest.objects.count() == 0


def test_of_what_was_there_before_the_collection_the_newest_wheels_are_read(publish: Any, project: Project) -> None:
    for number in range(2, 10):
        publish(number)
    actions.set_collecting(project, is_on=True, by=command(), at=timezone.now())
    tasks.learn_manifests({"roundup": 7})
    names = {event["name"] for each in Manifest.objects.all() for event in each.table["event"]}
    assert names == {f"feature-{number}" for number in range(5, 10)}


def newest(project: Project) -> str:
    """The event of the manifest that whoever is asked now is asked with."""
    shown = queries.manifest_asked(project, "")
    assert shown is not None
    return shown.events[0].name


def test_the_newest_manifest_is_the_one_that_is_asked_with(publish: Any, project: Project) -> None:
    publish(2)
    publish(3)
    actions.catch_up(project, at=timezone.now())
    assert newest(project) == "feature-3"


def test_a_manifest_that_is_declared_again_is_the_newest(project: Project) -> None:
    """By an owner or by a wheel; what the index is asked for and what dashboards are labelled by follow at once."""
    accounts = {"feature-2": "optional", "feature-3": "required", "feature-4": "none"}
    tables = {name: {"project": "roundup", "purpose": "x", "account": account} for name, account in accounts.items()}
    actions.set_collecting(project, is_on=True, by=command(), at=timezone.now())
    for name in (*tables, "feature-2", "feature-3", "feature-3"):
        table = {**tables[name], "event": [{"name": name, "purpose": "x"}]}
        actions.declare(project, table, by=command(), at=timezone.now())
        state = queries.state_of(project)
        assert state is not None
        assert (newest(project), state.account) == (name, accounts[name])
    shown = [each.table["event"][0]["name"] for each in queries.manifests_of(project)]
    assert shown == ["feature-3", "feature-2", "feature-4"]


def test_a_wheel_with_an_older_manifest_declares_it_again(
    publish: Any, project: Project, upload: Any, wheel: Any, alice: User
) -> None:
    publish(2)
    publish(3)
    actions.catch_up(project, at=timezone.now())
    assert upload(alice, wheel(version="4.0", members=release(2)[1])).status_code == 200
    tasks.learn_manifests({"roundup": 7})
    assert newest(project) == "feature-2"


def test_a_wheel_that_was_yanked_when_it_was_looked_for_is_read_once_it_is_unyanked(
    copy: Any, publish: Any, project: Project, alice: User
) -> None:
    """As of when it was uploaded: whoever is asked is asked with what a newer one declares."""
    by, at = of_user(alice, "session"), timezone.now()
    one = copy()
    for number in (2, 3, 4):
        publish(number)
    yanks.yank_file(project, wheel_of("3.0").filename, reason="", by=by, at=at)
    tasks.learn_manifests({"roundup": 7})
    assert (Manifest.objects.count(), Collection.objects.get().passed_over) == (3, [wheel_of("3.0").pk])
    assert not actions.learn(project, at=at), "a yanked one is not looked for again and again"
    yanks.unyank_file(project, wheel_of("3.0").filename, by=by, at=at)
    tasks.learn_manifests({"roundup": 8})
    told = one.send(one.batch([timezone.now().date().isoformat(), "feature-3", {}, 1]))
    assert (told.json()["refused"], newest(project)) == ([], "feature-4")
    assert Collection.objects.get().passed_over == []
    assert not actions.learn(project, at=at)


def wheel_of(version: str) -> File:
    return File.objects.get(release__version=version)


def test_the_first_wheels_that_are_looked_into_pass_over_yanked_ones_too(
    publish: Any, project: Project, alice: User
) -> None:
    by, at = of_user(alice, "session"), timezone.now()
    for number in range(2, 11):
        publish(number)
    for version in ("3.0", "7.0"):
        yanks.yank_file(project, wheel_of(version).filename, reason="", by=by, at=at)
    assert actions.learn(project, at=at)
    assert Collection.objects.get().passed_over == [wheel_of("7.0").pk], "3.0 is too old to be looked into"
