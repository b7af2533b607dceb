"""Reading who collects what, and which installs there are."""

from __future__ import annotations

import gzip
import re
from collections.abc import Collection as Some
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from otumat.errors import NotFound
from otumat.spec import manifest as spec
from otumat.spec import versions
from otumat.spec.manifest import DeclaredEvent
from otumat_index.accounts import oauth
from otumat_index.accounts.models import TokenFamily
from otumat_index.journal.actor import NOBODY, Actor
from otumat_index.publish import queries as publish
from otumat_index.publish.models import Project, Release
from otumat_index.usage import rules
from otumat_index.usage.models import CopiesOnDay, ImageCopy, Install, Manifest
from otumat_index.usage.sealing import unseal
from otumat_index.usage.stores.orm import STORE
from otumat_index.usage.stores.protocol import Told
from otumat_index.usage.surveys import queries as surveys

BATCH_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class State:
    """
    What a project collects.

    Attributes:
        declared: Events by name; None: any bare name, for there is no manifest.
        account: What the newest manifest says: none, optional, required.
    """

    is_on: bool
    declared: dict[str, DeclaredEvent] | None
    account: str


def collecting(normalized: str, *, by: Actor = NOBODY) -> Project | None:
    """A project whose copies may ask; a private one is there for holders of a role alone."""
    try:
        found = publish.project(normalized, by=by)
    except NotFound:
        return None
    return None if found.status == Project.Status.QUARANTINED else found


COLLECTS = """
SELECT c.is_on, coalesce(m.id, 0), coalesce(m.digest, '') FROM usage_collection c
LEFT JOIN usage_manifest m ON m.id = (SELECT max(id) FROM usage_manifest WHERE project_id = c.project_id)
WHERE c.project_id = %s
"""


def state_of(project: Project) -> State | None:
    """What a project collects; None when it never did."""
    with connection.cursor() as cursor:  # asked for every batch, where the ORM would take longer than the database
        cursor.execute(COLLECTS, [project.pk])
        row = cursor.fetchone()
    if row is None:
        return None
    is_on, newest, digest = row
    return State(bool(is_on), *declared_until(project.pk, newest, digest))


@lru_cache(maxsize=1024)
def declared_until(project: int, newest: int, digest: str) -> tuple[dict[str, DeclaredEvent] | None, str]:
    """
    What the manifests of a project declare together.

    Args:
        newest, digest: Of the row that was written last: rows are added, or written anew, never changed.
    """
    tables = Manifest.objects.filter(project=project).values_list("table", flat=True)
    manifests = [spec.from_table(table) for table in tables]
    return rules.merged(manifests), manifests[-1].account if manifests else "optional"


def manifests_of(project: Project) -> list[Manifest]:
    """The newest first."""
    return list(Manifest.objects.filter(project=project).reverse())


def manifest_asked(project: Project, digest: str) -> spec.Manifest | None:
    """The manifest with this digest, or else the newest; None for a project without."""
    known = Manifest.objects.filter(project=project)
    found = known.filter(digest=digest).first() or known.last()
    return spec.from_table(found.table) if found else None


def digest_shown(project: Project, digest: str) -> str:
    """The digest of the manifest that is shown to whom is asked for this one; "" for a project without."""
    shown = manifest_asked(project, digest)
    return spec.digest(shown) if shown else ""


def known_releases(project: Project, told: Some[str]) -> dict[str, str]:
    """Of the releases that were told, those of the index, as it writes them."""
    wanted = {text: versions.canonical(text) for text in told if text}
    if not wanted:
        return {}
    found = Release.objects.filter(project=project, canonical__in=set(wanted.values()))
    shown = dict(found.values_list("canonical", "version"))
    return {text: shown[key][:64] for text, key in wanted.items() if key in shown}


def install_behind(header: str, *, at: datetime) -> tuple[Install, bool]:
    """
    The install whose access token, or proof, a header carries, and whether its tokens have ended.

    Raises:
        Unauthenticated: The token is unknown, expired, or of an install that is gone.
    """
    beside = "told_by__project"
    is_proof = oauth.shows_proof(header)
    family = oauth.family_proved(header, beside=beside) if is_proof else oauth.family_of(header, at=at, beside=beside)
    try:
        return family.told_by, family.ended_at is not None
    except Install.DoesNotExist:
        raise oauth.unknown_token() from None


def is_linked(family: int) -> bool:
    """Whether the install of a family of tokens is linked to an account."""
    return Install.objects.filter(family=family, user__isnull=False).exists()


def install_of(family: TokenFamily) -> Install:
    try:
        install = Install.objects.select_related("project").get(family=family)
    except Install.DoesNotExist:
        raise oauth.unknown_token() from None
    install.family = family
    return install


def legacy_install_behind(header: str, *, at: datetime) -> Install:
    """
    The 0.3 copy whose access token a header carries.

    Raises:
        Unauthenticated: `token_expired`, or `invalid_token`.
    """
    return install_of(oauth.legacy_family_of(header, at=at))


def own(header: str, name: str, *, at: datetime) -> Install:
    """
    The install in an address, for who holds its token or proof; any other is not there (A90).

    A token that was revoked, or whose kin was used twice, is none; after a withdrawal one still shows and erases.

    Raises:
        Unauthenticated: The token is none, or none any more. NotFound: It is another's.
    """
    install, is_over = install_behind(header, at=at)
    if is_over and install.withdrawn_at is None and not oauth.shows_proof(header):
        raise oauth.unknown_token()
    if install.name != name:
        raise NotFound("There is no such install.")
    return install


def copies_of(install: Install) -> int:
    """How many copies of images that it is in are known (`actions.copies`)."""
    return ImageCopy.objects.filter(install=install).count()


def copies(project: Project, since: date, until: date) -> dict[date, int]:
    """How many copies of images told for the first time, by day."""
    return dict(CopiesOnDay.objects.filter(project=project, day__range=(since, until)).values_list("day", "copies"))


def body_of(install: Install, batch: str) -> bytes:
    """A batch as it was sent, before compression; empty when it is not kept (any more)."""
    sealed = STORE.body(install.pk, batch) if BATCH_ID.fullmatch(batch) else b""
    return gzip.decompress(unseal(install.body_key, sealed)) if sealed else b""


def exported(install: Install) -> dict[str, Any]:
    """Everything that is kept of an install, but for the bodies of its batches, which can be asked for one by one."""
    return {
        "ok": True,
        "install": install.name,
        "project": install.project.normalized,
        "consent": {
            "level": "on" if install.withdrawn_at is None else "off",
            "since": install.consented_on.isoformat(),
            "wording": install.wording,
            "manifest": install.manifest,
            "release": install.release,
            "account": install.user.username if install.user else "",
        },
        "created": install.created_at.isoformat(),
        "withdrawn": install.withdrawn_at.isoformat() if install.withdrawn_at else "",
        "copies": copies_of(install),
        "batches": [shown(each) for each in STORE.batches(install.pk)],
        "survey": [answer._asdict() for answer in surveys.answers_of(install)],
    }


def shown(told: Told) -> dict[str, Any]:
    return {
        "batch": told.batch,
        "sequence": told.sequence,
        "received": told.received_on.isoformat() if told.received_on else "",
        "sha256": told.sha256,
        "counted": told.counted,
        "refused": [verdict._asdict() for verdict in told.refused],
    }
