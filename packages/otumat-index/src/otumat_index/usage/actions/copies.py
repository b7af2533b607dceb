"""Counting copies of images: each once, on the day on which it first told (docs/decisions/0019-copies-of-images.md)."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import connection, transaction

from otumat_index.accounts import derived
from otumat_index.usage.models import ImageCopy, Install

COPIES_A_DAY = 10_000
"""So many new copies of one install are counted a day: whoever holds its proof can make up names."""
KEPT_DAYS = 90
"""A copy that was silent for longer is forgotten, and would be a new one."""

# Once for each container that starts, where the ORM would take longer than all else that is done for its batch.
REMEMBER = """INSERT INTO usage_imagecopy (install_id, mark, first_on, last_on) VALUES (%s, %s, %s, %s)
ON CONFLICT (install_id, mark) DO NOTHING"""
ADD = """INSERT INTO usage_copiesonday (project_id, day, copies) VALUES (%s, %s, 1)
ON CONFLICT (project_id, day) DO UPDATE SET copies = usage_copiesonday.copies + 1"""


def note_copy(install: Install, copy: str, *, on: date) -> None:
    """
    Count a copy that told a batch; saying so again changes nothing.

    Called after the batch was taken: cut off in between, the copy gets no answer, and comes again.
    """
    mark = derived.copy_mark(bytes(install.family.secret.secret), copy)
    known = ImageCopy.objects.filter(install=install, mark=mark)
    last_on = known.values_list("last_on", flat=True).first()
    if last_on is None:
        add(install, mark, on=on)
    elif last_on < on:
        known.update(last_on=on)


@transaction.atomic
def add(install: Install, mark: str, *, on: date) -> None:
    """Count a new copy, one of an install after the other, for there is a bound; none of one that was just erased."""
    held = Install.objects.select_for_update(of=("self",)).filter(pk=install.pk)
    if not held or ImageCopy.objects.filter(install=install, first_on=on).count() >= COPIES_A_DAY:
        return
    with connection.cursor() as cursor:
        cursor.execute(REMEMBER, [install.pk, mark, on, on])
        if cursor.rowcount == 1:
            cursor.execute(ADD, [install.project_id, on])


def forget_copies(*, today: date) -> None:
    """Copies that fell silent; ephemeral ones do so at once."""
    ImageCopy.objects.filter(last_on__lt=today - timedelta(days=KEPT_DAYS)).delete()
