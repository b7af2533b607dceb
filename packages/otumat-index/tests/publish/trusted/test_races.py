"""Many at once, in threads with connections of their own: one number, one name, one wins (A56, A58)."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connections

from harness.issuer import GITHUB_RUN, Issuer
from harness.waiting import PATIENCE_S
from otumat.errors import OtumatError, Refused
from otumat_index.accounts.credentials import of_token, of_user
from otumat_index.accounts.models import Token, UsedAssertion, User
from otumat_index.accounts.rules import digest
from otumat_index.journal.actor import Actor
from otumat_index.journal.models import Entry
from otumat_index.publish.actions import Upload, publish_file
from otumat_index.publish.models import Project, Role, TrustedPublisher
from otumat_index.publish.trusted import actions, minting

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Results, or the errors of ours, of calls that begin together; any other exception fails the test."""
    starting = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        starting.wait(timeout=PATIENCE_S)
        try:
            return call()
        except OtumatError as exc:
            return exc
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_A56_of_many_exchanges_of_one_token_one_wins(
    publisher: TrustedPublisher, run: Callable[..., str], now: datetime
) -> None:
    assertion = run()
    results = at_once([lambda: minting.mint(assertion, at=now)] * THREADS)
    lost = [result for result in results if isinstance(result, Refused)]
    assert [result.code for result in lost] == ["token_used"] * (THREADS - 1)
    assert Token.objects.count() == UsedAssertion.objects.count() == 1
    assert Entry.objects.filter(action="publisher.mint").count() == 1


def test_exchanges_of_different_tokens_all_win(
    publisher: TrustedPublisher, run: Callable[..., str], now: datetime
) -> None:
    texts = [run() for _ in range(THREADS)]
    results = at_once([lambda text=text: minting.mint(text, at=now) for text in texts])
    assert all(isinstance(result, minting.Minted) for result in results), results
    assert Token.objects.count() == THREADS


def test_A57_two_owners_at_once_pin_one(publisher: TrustedPublisher, run: Callable[..., str], now: datetime) -> None:
    texts = [run(repository_owner_id=str(number)) for number in range(1, THREADS + 1)]
    results = at_once([lambda text=text: minting.mint(text, at=now) for text in texts])
    assert sum(isinstance(result, minting.Minted) for result in results) == 1


def test_A58_of_many_pending_publishers_of_one_name_one_wins(
    github: Issuer, pend: Callable[..., TrustedPublisher], alice: User, bob: User, wheel: Any, now: datetime
) -> None:
    tokens: list[Actor] = []
    for number in range(THREADS):
        repository = f"acme/comet{number}"
        pend((alice, bob)[number % 2], "comet", repository=repository)
        refs = dict.fromkeys(
            ("workflow_ref", "job_workflow_ref"), f"{repository}/.github/workflows/release.yml@refs/tags/v1"
        )
        said = {**GITHUB_RUN, **github.times(now), "repository": repository, **refs}
        minted = minting.mint(github.sign(said), at=now)
        tokens.append(of_token(Token.objects.get(sha256=digest(minted.text))))
    files = [wheel("comet", f"1.{number}") for number in range(THREADS)]

    def upload(file: tuple[str, bytes], by: Actor) -> Any:
        pairs = [("name", "comet"), ("version", file[0].split("-")[1])]
        return publish_file(Upload(pairs, file[0], io.BytesIO(file[1])), by=by, at=now)

    results = at_once([lambda file=file, by=by: upload(file, by) for file, by in zip(files, tokens, strict=True)])
    won = [result for result in results if not isinstance(result, Exception)]
    assert len(won) == 1, results
    left = TrustedPublisher.objects.get()
    assert left.project == Project.objects.get()
    assert Role.objects.get().user == left.created_by


def test_A47_removal_and_uploads_at_once_leave_nothing_after_the_removal(
    publisher: TrustedPublisher, run: Callable[..., str], rocket: Project, alice: User, wheel: Any, now: datetime
) -> None:
    minted = minting.mint(run(), at=now)
    by = of_token(Token.objects.get(sha256=digest(minted.text)))
    files = [wheel("rocket", f"1.{number}") for number in range(THREADS - 1)]

    def upload(file: tuple[str, bytes]) -> Any:
        pairs = [("name", "rocket"), ("version", file[0].split("-")[1])]
        return publish_file(Upload(pairs, file[0], io.BytesIO(file[1])), by=by, at=now)

    def remove() -> None:
        actions.remove_publisher(rocket, publisher.pk, by=of_user(alice, "session"), at=now)

    at_once([remove, *[lambda file=file: upload(file) for file in files]])
    removed = Entry.objects.get(action="publisher.remove").serial
    assert not Entry.objects.filter(action="file.publish", serial__gt=removed).exists()
