"""Many at once, in threads of their own with connections of their own: A61 to A65, A68."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections

from otumat.errors import Conflict, Invalid, NotFound, OtumatError, Refused
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import User
from otumat_index.journal import actions as journal
from otumat_index.journal import queries as reading
from otumat_index.journal.actor import Actor, command
from otumat_index.journal.models import Entry, Head
from otumat_index.publish import actions, queries
from otumat_index.publish.models import File, Project, Release, Role, UsedName

pytestmark = pytest.mark.django_db(transaction=True)
Wheel = Callable[..., tuple[str, bytes]]
THREADS = 8


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Results, or the errors of ours, of calls that begin together; any other exception fails the test."""
    starting = threading.Barrier(min(THREADS, len(calls)))

    def run(call: Callable[[], Any]) -> Any:
        try:
            starting.wait(timeout=5)
        except threading.BrokenBarrierError:
            pass  # the last round has fewer
        try:
            return call()
        except OtumatError as exc:
            return exc
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, calls))


def uploading(file: tuple[str, bytes], by: Actor, now: Any) -> Callable[[], Any]:
    name, data = file
    pairs = [("sha256_digest", hashlib.sha256(data).hexdigest())]
    return lambda: actions.publish_file(actions.Upload(pairs, name, io.BytesIO(data)), by=by, at=now)


def submitting(name: str, by: Actor, now: Any, version: str = "1.0") -> Callable[[], Any]:
    return lambda: actions.submit_release([("name", name), ("version", version)], by=by, at=now)


def journal_is_gap_free() -> bool:
    serials = list(Entry.objects.order_by("serial").values_list("serial", flat=True))
    return serials == list(range(1, len(serials) + 1)) and reading.last_serial() == len(serials)


def stored() -> list[str]:
    data = django_settings.CONFIG.data
    return sorted(
        str(path.relative_to(data / "files")).replace("~", "/")
        for path in (data / "files").rglob("*")
        if path.is_file()
    )


def no_markers() -> bool:
    return not list((django_settings.CONFIG.data / "incoming").glob("*"))


def test_A61_of_50_uploads_of_one_name_one_wins(alice: User, wheel: Wheel, now: Any) -> None:
    by = of_user(alice, "session")
    uploads = [uploading(wheel(members={"roundup/n.py": b"%d\n" % n}), by, now) for n in range(50)]
    results = at_once(uploads)
    won = [each for each in results if not isinstance(each, Exception)]
    assert [each.action for each in won] == ["created"]
    assert {each.code for each in results if isinstance(each, Conflict)} == {"file_exists"}
    assert sum(isinstance(each, Conflict) for each in results) == 49
    assert stored() == [File.objects.get().key]
    assert (UsedName.objects.count(), no_markers()) == (1, True)
    assert journal_is_gap_free()


def test_A61_of_many_uploads_of_the_same_bytes_all_succeed_and_one_writes(alice: User, wheel: Wheel, now: Any) -> None:
    by, file = of_user(alice, "session"), wheel()
    results = at_once([uploading(file, by, now) for _ in range(16)])
    assert sorted(each.action for each in results) == ["created"] + ["unchanged"] * 15
    assert (File.objects.count(), len(stored()), no_markers()) == (1, 1, True)
    assert Entry.objects.filter(action="file.publish").count() == 1


def test_A62_of_two_users_one_gets_a_name_in_whatever_spelling(alice: User, bob: User, now: Any) -> None:
    people = [of_user(alice, "session"), of_user(bob, "session")]
    names = ["Foo.Bar", "foo-bar", "foo_bar", "FOO--BAR"]
    results = at_once([submitting(names[n % 4], people[n % 2], now) for n in range(16)])
    project = Project.objects.get()
    owner_id = Role.objects.get(kind="owner").user_id
    assert Role.objects.count() == 1
    mine = [each for n, each in enumerate(results) if people[n % 2].user_id == owner_id]
    others = [each for n, each in enumerate(results) if people[n % 2].user_id != owner_id]
    assert not any(isinstance(each, Exception) for each in mine)
    assert all(isinstance(each, Refused) and each.code == "role" for each in others)
    assert project.releases.count() == 1
    assert journal_is_gap_free()


def test_A62_of_names_that_look_alike_one_is_claimed(alice: User, bob: User, now: Any) -> None:
    people = [of_user(alice, "session"), of_user(bob, "session")]
    names = ["pillow", "p1llow", "pi1low", "piilow"]
    results = at_once([submitting(names[n % 4], people[n % 2], now) for n in range(16)])
    assert Project.objects.count() == 1
    assert any(isinstance(each, Invalid) for each in results)
    assert journal_is_gap_free()


def test_A63_uploads_at_once_do_not_pass_the_quota_together(alice: User, wheel: Wheel, now: Any, settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, max_project_files=5)
    by = of_user(alice, "session")
    results = at_once([uploading(wheel(version=f"{n}.0"), by, now) for n in range(16)])
    assert sum(not isinstance(each, Exception) for each in results) == 5
    assert {each.code for each in results if isinstance(each, OtumatError)} == {"too_many_files"}
    assert (File.objects.count(), Release.objects.count(), len(stored()), no_markers()) == (5, 5, 5, True)


def test_A22_sdist_and_wheel_that_disagree_do_not_pass_together(
    alice: User, wheel: Wheel, sdist: Wheel, now: Any
) -> None:
    by = of_user(alice, "session")
    for n in range(4):
        pair = [
            sdist(version=f"{n}", metadata="Requires-Dist: a\n"),
            wheel(version=f"{n}", metadata="Requires-Dist: b\n"),
        ]
        results = at_once([uploading(file, by, now) for file in pair])
        assert sorted(type(each).__name__ for each in results) == ["Invalid", "Outcome"]
    assert (File.objects.count(), len(stored())) == (4, 4)


def test_A65_what_is_archived_meanwhile_takes_nothing_more(alice: User, wheel: Wheel, now: Any) -> None:
    by = of_user(alice, "session")
    submitting("roundup", by, now)()

    def archive() -> Any:
        return actions.set_status(queries.project("roundup", by=by), "archived", reason="", by=by, at=now)

    results = at_once([*[uploading(wheel(version=f"{n}.0"), by, now) for n in range(1, 8)], archive])
    assert not isinstance(results[-1], Exception)
    archived_at = Entry.objects.get(action="project.status").serial
    assert not Entry.objects.filter(action="file.publish", serial__gt=archived_at).exists()
    assert {each.code for each in results if isinstance(each, OtumatError)} <= {"project_status"}
    assert len(stored()) == File.objects.count()


def test_A65_who_lost_the_role_meanwhile_adds_nothing_more(alice: User, bob: User, wheel: Wheel, now: Any) -> None:
    owner, maintainer = of_user(alice, "session"), of_user(bob, "session")
    submitting("roundup", owner, now)()
    project = Project.objects.get()
    actions.assign_role(project, bob, "maintainer", by=command(), at=now)
    uploads = [uploading(wheel(version=f"{n}.0"), maintainer, now) for n in range(1, 8)]
    at_once([*uploads, lambda: actions.remove_role(project, bob, by=owner, at=now)])
    removed = Entry.objects.get(action="role.remove").serial
    assert not Entry.objects.filter(action="file.publish", serial__gt=removed).exists()


def test_A65_a_quarantine_is_not_lifted_by_an_owner_who_had_looked_before(alice: User, admin: User, now: Any) -> None:
    owner, keeper = of_user(alice, "session"), of_user(admin, "session")
    submitting("roundup", owner, now)()
    seen_before = queries.project("roundup", by=owner)
    actions.set_status(queries.project("roundup", by=keeper), "quarantined", reason="", by=keeper, at=now)
    with pytest.raises(Refused, match="Only an admin"):
        actions.set_status(seen_before, "active", reason="", by=owner, at=now)
    assert Project.objects.get().status == "quarantined"


def test_two_owners_cannot_remove_each_other_at_once(alice: User, bob: User, now: Any) -> None:
    first, second = of_user(alice, "session"), of_user(bob, "session")
    submitting("roundup", first, now)()
    project = Project.objects.get()
    actions.assign_role(project, bob, "owner", by=command(), at=now)
    results = at_once(
        [
            lambda: actions.remove_role(project, bob, by=first, at=now),
            lambda: actions.remove_role(project, alice, by=second, at=now),
        ]
    )
    assert Role.objects.filter(kind="owner").count() == 1
    assert sum(isinstance(each, Refused | Conflict) for each in results) == 1


def test_a_file_removed_by_two_at_once_is_removed_once(alice: User, wheel: Wheel, now: Any) -> None:
    by = of_user(alice, "session")
    uploading(wheel(), by, now)()
    project, name = Project.objects.get(), File.objects.get().filename
    results = at_once([lambda: actions.remove_file(project, name, by=by, at=now) for _ in range(4)])
    assert sum(isinstance(each, NotFound) for each in results) == 3
    assert (stored(), no_markers()) == ([], True)
    assert Entry.objects.filter(action="file.remove").count() == 1


def test_A68_serials_have_no_gap_and_readers_never_see_one_before_an_earlier_one(db: Any, now: Any) -> None:
    from django.db import transaction

    done = threading.Event()
    wrong: list[list[int]] = []

    def look() -> None:
        try:
            while not done.is_set():
                seen = list(Entry.objects.order_by("serial").values_list("serial", flat=True))
                if seen != list(range(1, len(seen) + 1)):
                    wrong.append(seen)
                head = reading.last_serial()
                if Entry.objects.filter(serial__lte=head).count() != head:
                    wrong.append([head])
        finally:
            connections.close_all()

    class Abandoned(OtumatError):
        pass

    def write(n: int) -> Callable[[], Any]:
        def call() -> int:
            with transaction.atomic():
                serial = journal.write("test.change", str(n), by=command("test"), at=now, topic=f"p{n % 5}")
                if n % 7 == 3:
                    raise Abandoned("rolled back")
            return serial

        return call

    reader = threading.Thread(target=look)
    reader.start()
    try:
        results = at_once([write(n) for n in range(120)])
    finally:
        done.set()
        reader.join()
    assert wrong == []
    kept = sorted(each for each in results if isinstance(each, int))
    assert kept == list(range(1, len(kept) + 1))
    assert sum(isinstance(each, Abandoned) for each in results) == len([n for n in range(120) if n % 7 == 3])
    assert Head.objects.get().serial == len(kept)
    assert reading.topics_since(0, up_to=10**6) == {
        f"p{n}": max(Entry.objects.filter(topic=f"p{n}").values_list("serial", flat=True)) for n in range(5)
    }


def test_A68_a_change_without_a_transaction_is_refused(db: Any, now: Any) -> None:
    with pytest.raises(RuntimeError, match="share one transaction"):
        journal.write("test.change", "x", by=command("test"), at=now)
    assert connection.in_atomic_block is False
