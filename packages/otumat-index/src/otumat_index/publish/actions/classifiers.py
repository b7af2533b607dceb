"""An index's own classifiers: what admins add to the list, and take off it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from otumat.errors import Invalid, NotFound
from otumat_index.accounts.queries import checked_admin
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish import queries, rules
from otumat_index.publish.models import Classifier


@transaction.atomic
def add_classifiers(texts: Sequence[str], *, by: Actor, at: datetime) -> list[str]:
    """
    Put classifiers on the list: from now on releases may carry them, and browsing shows them.

    Raises:
        NotFound: Whoever asks is no admin.
        Invalid: With every problem of every one; then none is added.
    """
    checked_admin(by)
    vocabulary = queries.vocabulary()
    if problems := rules.check_own(texts, vocabulary=vocabulary, widths=queries.widths()):
        raise Invalid(problems)
    added = list(dict.fromkeys(texts))
    for text in sorted(added):
        Classifier.objects.update_or_create(text=text, defaults={"is_own": True})
    more = f" and {len(added) - 1} more" if len(added) > 1 else ""
    journal.write("classifier.add", f"“{added[0]}”{more}", by=by, at=at, classifiers=added)
    return added


@transaction.atomic
def remove_classifier(text: str, *, by: Actor, at: datetime) -> None:
    """Take one off the list: no new release may carry it; those that do keep it."""
    checked_admin(by)
    if not (text.isprintable() and Classifier.objects.filter(text=text, is_own=True).update(is_own=False)):
        raise NotFound(f"{text[:200]!r} is none of this index's own classifiers.", hint="Look at the list of them.")
    journal.write("classifier.remove", f"“{text}”", by=by, at=at, classifiers=[text])
