"""What new wheels declare is known before their copies tell, whoever enrolled when."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from django.utils import timezone

from otumat_index.accounts.models import User
from otumat_index.journal.actor import command
from otumat_index.publish.models import File, Project
from otumat_index.usage import actions, tasks
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


def test_the_newest_manifest_is_the_one_that_is_asked_with(publish: Any, project: Project) -> None:
    publish(2)
    publish(3)
    actions.catch_up(project, at=timezone.now())
    newest = Manifest.objects.order_by("-pk").first()
    assert newest is not None
    assert newest.table["event"][0]["name"] == "feature-3"
