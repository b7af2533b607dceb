"""`otumat-index import`: what is kept, what is left out, and what the catalogue and the journal say afterwards."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from otumat.errors import Conflict, NotFound, OtumatError
from otumat_index.accounts.models import User
from otumat_index.journal.models import Entry
from otumat_index.publish import bulk
from otumat_index.publish.bulk import source
from otumat_index.publish.bulk.checkpoint import alone
from otumat_index.publish.models import Classifier, Project, Release, Role

pytestmark = pytest.mark.django_db

Load = Callable[..., int]


@pytest.fixture
def file(db: None, settings: Any, tmp_path: Path) -> Path:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, data=tmp_path / "data")
    return tmp_path / "records.jsonl"


@pytest.fixture
def load(file: Path) -> Load:
    """Import lines: objects, or bytes as they are."""

    def run(*lines: dict[str, Any] | bytes, end: bytes = b"\n", **words: Any) -> int:
        file.write_bytes(b"".join((x if isinstance(x, bytes) else json.dumps(x).encode()) + end for x in lines))
        return bulk.run(str(file), **words)

    return run


@pytest.fixture
def rejected(file: Path) -> Callable[[], list[dict[str, Any]]]:
    """What the rejects file says."""
    path = file.with_name("records.jsonl.rejected.jsonl")
    return lambda: [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def record(name: str = "roundup", version: str = "1.0", **fields: Any) -> dict[str, Any]:
    return {"metadata_version": "2.1", "name": name, "version": version, **fields}


FULL = record(
    summary="Issue tracker – für alle",
    description="Line one\n\nLine two\n",
    description_content_type="text/markdown; variant=GFM",
    keywords=["issues", "tracker"],
    author="Richard",
    author_email="Richard <richard@example.org>",
    classifiers=["Environment :: Console", "Topic :: Office/Business"],
    requires_dist=["jinja2>=3", 'pytz; extra == "tz"'],
    requires_python=">=3.8",
    provides_extra=["tz"],
    project_urls={"Homepage": "https://example.org/roundup"},
    platforms=["linux"],
)


def test_a_record_becomes_what_a_submission_of_it_becomes(load: Load, submit: Any, alice: User) -> None:
    load(FULL, owner="alice")
    imported = Release.objects.values().get()
    links = set(Release.objects.get().classifier_links.values_list("classifier__text", flat=True))
    project = Project.objects.values("normalized", "name", "confusable", "latest").get()
    Project.objects.all().delete()
    fields = {**FULL, "keywords": "issues,tracker", "project_urls": "Homepage, https://example.org/roundup"}
    assert submit(alice, **fields).json()["action"] == "created"
    submitted = Release.objects.values().get()
    own = {"id", "project_id", "created_at", "updated_at"}
    assert {k: v for k, v in imported.items() if k not in own} == {k: v for k, v in submitted.items() if k not in own}
    assert links == set(Release.objects.get().classifier_links.values_list("classifier__text", flat=True))
    assert {**project, "latest": 0} == {**Project.objects.values(*project).get(), "latest": 0}
    assert project["latest"] == imported["id"]
    assert Role.objects.get().kind == "owner"


def test_an_import_of_what_was_submitted_changes_nothing(load: Load, submit: Any, alice: User, capsys: Any) -> None:
    fields = {**FULL, "keywords": "issues,tracker", "project_urls": "Homepage, https://example.org/roundup"}
    submit(alice, **fields)
    before = Entry.objects.count(), Release.objects.values().get(), Project.objects.values().get()
    assert load(FULL) == 0
    assert (Entry.objects.count(), Release.objects.values().get(), Project.objects.values().get()) == before
    assert "0 new, 0 updated, 1 unchanged, 0 left out" in capsys.readouterr().out


def test_one_journal_row_for_each_change_and_no_mail(load: Load) -> None:
    load(record("a"), record("B.c", "2"), record("a", "1.1"))
    load(record("a", summary="new"), record("B.c", "2"))
    rows = Entry.objects.order_by("serial")
    said = [(row.action, row.subject, row.topic, row.actor, row.credential) for row in rows]
    assert said == [
        ("release.create", "a 1.0", "a", "cli", "cli"),
        ("release.create", "B.c 2", "b-c", "cli", "cli"),
        ("release.create", "a 1.1", "a", "cli", "cli"),
        ("release.update", "a 1.0", "a", "cli", "cli"),
    ]
    assert all(row.data["import"] is True for row in rows)
    serials = [row.serial for row in rows]
    assert serials == list(range(serials[0], serials[0] + 4))
    assert mail.outbox == []


def test_D25_an_update_replaces_all_information(load: Load) -> None:
    load(FULL)
    release = Release.objects.get()
    load(record(version="1.0.0", author="Somebody", classifiers=["Topic :: Office/Business"]))
    after = Release.objects.get()
    assert (after.pk, after.version, after.created_at) == (release.pk, "1.0", release.created_at)
    assert after.updated_at > release.updated_at
    assert (after.author, after.summary, after.keywords, after.requires_dist) == ("Somebody", "", [], [])
    assert [link.classifier.text for link in after.classifier_links.all()] == ["Topic :: Office/Business"]


def test_of_several_lines_for_one_release_the_last_counts(load: Load) -> None:
    load(record(summary="one"), record(summary="two"), record("Roundup", "1.0.0", summary="three"))
    assert Release.objects.get().summary == "three"
    assert Entry.objects.count() == 1


@pytest.mark.parametrize("lines", [1, 2, 1000])
def test_latest_is_right_in_any_order_within_and_across_batches(
    load: Load, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    monkeypatch.setattr(source, "CHUNK_LINES", lines)
    names = {
        "b": ["1.10", "1.9", "2.0rc1"],
        "c": ["2.0a1", "2.0b1"],
        "d": ["final-2004", "0.1", "zebra"],
        "e": ["1999z", "7q"],
    }
    rows = [
        record(name, version)
        for place in range(3)
        for name, all_ in names.items()
        for version in all_[place : place + 1]
    ]
    load(*rows)
    latest = dict(Project.objects.values_list("name", "latest__version"))
    assert latest == {"b": "1.10", "c": "2.0b1", "d": "0.1", "e": "1999z"}
    load(record("b", "1.11"), record("b", "1.10.1"))
    assert Project.objects.get(name="b").latest.version == "1.11"  # type: ignore[union-attr]


def test_D15_a_version_outside_pep_440_is_kept_below_all_others(load: Load, capsys: Any) -> None:
    assert load(record(version="2004-final"), record(version="0.0.1.dev1"), record(version="build r12")) == 0
    said = capsys.readouterr().out
    ordered = list(Release.objects.order_by("sort_key").values_list("version", flat=True))
    assert ordered == ["2004-final", "build r12", "0.0.1.dev1"]  # a number before a word
    load(record(version="0.0.1"))
    assert Project.objects.get().latest.version == "0.0.1"  # type: ignore[union-attr]
    assert "version.invalid" in said


def test_new_names_have_no_owner_unless_one_is_named(load: Load, alice: User, bob: User) -> None:
    load(record("orphan"))
    assert not Role.objects.exists()
    load(record("hers"), record("orphan", "2"), owner="Alice")
    load(record("hers", "2"), owner="bob")
    assert list(Role.objects.values_list("project__name", "user__username", "kind")) == [("hers", "alice", "owner")]


def test_an_ownerless_name_cannot_be_taken_by_submitting(load: Load, submit: Any, alice: User) -> None:
    load(record())
    response = submit(alice, version="2.0")
    assert response.status_code == 403
    assert Release.objects.count() == 1


def test_an_unknown_owner_is_told_before_anything_is_read(load: Load) -> None:
    with pytest.raises(NotFound, match="no user 'nobody'"):
        load(record(), owner="nobody")
    assert not Project.objects.exists()


def test_rules_about_new_names_are_told_and_the_rows_kept(load: Load, capsys: Any) -> None:
    assert load(record("pillow"), record("pi1low"), record("asyncore"), record("none")) == 0
    said = capsys.readouterr().out
    assert Project.objects.count() == 4
    assert "4 new" in said
    for code in ("name.confusable", "name.standard_library", "name.prohibited"):
        assert f"1  {code}" in said
    load(record("pi1low", "2"))
    assert "name.confusable" not in capsys.readouterr().out  # it is there; nobody claims it


def test_an_unknown_classifier_is_kept_but_opens_no_branch(load: Load, capsys: Any) -> None:
    texts = ["Topic :: Office/Business", "Topic :: Nothing Of The Kind", "Natural Language :: Ukranian"]
    assert load(record(classifiers=texts)) == 0
    release = Release.objects.get()
    assert release.classifiers == texts
    linked = set(release.classifier_links.values_list("classifier__text", flat=True))
    assert linked == {"Topic :: Office/Business", "Natural Language :: Ukranian"}  # the latter is deprecated
    assert not Classifier.objects.filter(text="Topic :: Nothing Of The Kind").exists()
    said = capsys.readouterr().out
    assert "classifier.unknown" in said
    assert "classifier.deprecated" in said


def test_bad_lines_are_left_out_and_told(load: Load, rejected: Any, capsys: Any) -> None:
    code = load(
        record("good-1"),
        b"{not json}",
        b"[1, 2]",
        b'{"name": "caf\xe9", "version": "1"}',
        record("bad name", home_page="javascript:alert(1)"),
        {"name": "no-version"},
        record("typed", keywords=3),
        b"[" * 100_000,
        b'{"name": "a\\u0000b", "version": "\\ud800"}',
        record("wide", "1." * 120 + "1"),
        record("crowded", requires_dist=["x !"] * 10_001),
        record("good-2"),
    )
    assert code == 0
    assert set(Project.objects.values_list("name", flat=True)) == {"good-1", "good-2"}
    told = {each["line"]: {problem["code"] for problem in each["problems"]} for each in rejected()}
    assert list(told) == list(range(2, 12))
    assert told[2] == told[3] == told[8] == {"record.json"}
    assert told[4] == {"record.encoding"}
    assert told[5] == {"name.invalid", "home_page.url"}
    assert told[6] == {"version.missing"}
    assert told[7] == {"keywords.type"}
    assert told[10] == {"text.too_long"}
    assert told[11] == {"text.too_many"}
    assert rejected()[0]["record"] == "{not json}"
    assert json.loads(rejected()[3]["record"])["name"] == "bad name"
    said = capsys.readouterr().out
    assert "2 new, 0 updated, 0 unchanged, 10 left out" in said
    assert "3  record.json" in said


def test_rejects_can_be_mended_and_the_next_run_forgets_them(load: Load, rejected: Any) -> None:
    assert load({"name": "a"}) == 1  # nothing could be taken
    assert len(rejected()) == 1
    assert load(record("a")) == 0
    assert rejected() == []


def test_a_huge_line_is_left_out_without_being_read_whole(load: Load, rejected: Any) -> None:
    huge = b'{"name": "huge", "version": "1", "description": "' + b"x" * 10_000_000 + b'"}'
    load(record("before"), huge, record("after"))
    assert [each["problems"][0]["code"] for each in rejected()] == ["record.too_large"]
    assert "record" not in rejected()[0]
    assert Project.objects.count() == 2


def test_windows_line_ends_a_byte_order_mark_and_blank_lines_do_not_matter(load: Load, rejected: Any) -> None:
    lines = [b"\xef\xbb\xbf" + json.dumps(record("a")).encode(), b"", b"   ", record("b"), b""]
    assert load(*lines, end=b"\r\n") == 0
    assert set(Project.objects.values_list("name", flat=True)) == {"a", "b"}
    assert rejected() == []


def test_the_last_line_needs_no_line_end_and_an_empty_file_is_fine(load: Load, capsys: Any) -> None:
    assert load(record("a"), end=b"") == 0
    assert Project.objects.count() == 1
    assert load() == 0
    assert "0 records" in capsys.readouterr().out


def test_the_description_limit_of_this_index_holds(load: Load, rejected: Any, settings: Any) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, max_description_kb=1)
    load(record("short", description="x" * 1000), record("long", description="x" * 1001))
    assert [each["problems"][0]["code"] for each in rejected()] == ["description.too_long"]


def test_installed_takes_the_running_environment(file: Path, alice: User, capsys: Any) -> None:
    assert bulk.run("installed", owner="alice", python=None) == 0
    django = Release.objects.get(project__normalized="django")
    assert django.version == installed_version("django")
    assert django.requires_dist
    assert django.classifier_links.count() > 5
    assert Role.objects.count() == Project.objects.count() > 20
    assert "of installed" in capsys.readouterr().out


def test_installed_takes_another_interpreter_and_the_folder_one_is_in_does_not_matter(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site" / "strange.egg-info"
    site.parent.mkdir()
    site.write_bytes(b"Metadata-Version: 1.0\nName: strange\nVersion: 1.0\nAuthor: Andr\xe9\n")
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={site.parent} exec {sys.executable} -S "$@"\n')
    python.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert bulk.run("installed", owner=None, python=str(python)) == 1
    told = json.loads((tmp_path / "data/imports/installed.rejected.jsonl").read_text())
    assert [problem["field"] for problem in told["problems"]] == ["author"]  # not UTF-8, and said so
    site.write_bytes(b"Metadata-Version: 1.0\nName: strange\nVersion: 1.0\n")
    assert bulk.run("installed", owner=None, python=str(python)) == 0
    assert Project.objects.get().name == "strange"


def test_what_cannot_be_opened_is_said(file: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        bulk.run(str(tmp_path / "missing.jsonl"))
    with pytest.raises(OtumatError, match="cannot be read"):
        bulk.run(str(tmp_path))
    with pytest.raises(NotFound, match="cannot be run"):
        bulk.run("installed", python=str(tmp_path / "missing"))
    with pytest.raises(OtumatError, match="could not list its distributions"):
        bulk.run("installed", python="/bin/false")


def test_one_import_at_a_time(load: Load, settings: Any) -> None:
    with alone(settings.CONFIG.data / "imports"), pytest.raises(Conflict, match="Another import"):
        load(record())
    assert load(record()) == 0
