"""What the values of each field mean. Start with `meaning_of`."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from otumat.spec import names as projects
from otumat.spec.classifiers import SEPARATOR
from otumat_index.discover.search import asked
from otumat_index.discover.search.language import fields, licences
from otumat_index.discover.search.language.naming import Names
from otumat_index.discover.search.moments import span


@dataclass(frozen=True, slots=True)
class Meant:
    """
    What one value means.

    Attributes:
        values: As a `Term` carries them; none when the value says nothing.
        code: Of what is wrong with it; empty when nothing is.
        instead: Tells values of the same field that were perhaps meant; they take time to find.
    """

    values: tuple[str, ...]
    code: str = ""
    message: str = ""
    instead: Callable[[], tuple[str, ...]] = tuple


Meaning = Callable[[Names, str, str], Meant]


def meaning_of(word: str, value: str, names: Names) -> tuple[str, Meaning] | None:
    """
    The field of a `Term` that a word stands for, and how its values are read; None when it is no field.

    `is` asks for the status of the project when its first value is one.
    """
    field = fields.OTHERS.get(word, word)
    if field == asked.IS and value.lower() in asked.STATUSES:
        return asked.STATUS, one_of(asked.STATUSES, asked.STATES)
    if field in SPECIAL:
        return field, SPECIAL[field]
    if field in names.roots:
        return asked.CLASSIFIER, lambda names, _, value: short(names, field, value)
    attribute = field.replace("-", "_")
    return (attribute, plain) if attribute in fields.METADATA else None


def words(names: Names) -> list[str]:
    """Every word that may stand before a colon."""
    return [*SPECIAL, *names.roots, *fields.OTHERS, fields.SORT, *(each.replace("_", "-") for each in fields.METADATA)]


def plain(names: Names, field: str, value: str) -> Meant:
    """Text that a field contains."""
    return Meant((value,))


def text(names: Names, field: str, value: str) -> Meant:
    """Words of the text."""
    if any(char.isalnum() for char in value):
        return Meant((value,))
    return Meant((), "text.empty", f"“{value}” has neither letters nor digits to look for; it was left out.")


def short(names: Names, field: str, value: str) -> Meant:
    """A classifier by a tail of it."""
    found = names.find(field, value)
    if len(found) == 1:
        return Meant(found)
    if 1 < len(found) <= fields.VALUES_MAX:
        told = f"“{field}:{value}” may mean {len(found)} classifiers; each of them was looked for."
        return Meant(found, "classifier.ambiguous", told, lambda: found[:5])
    if found:
        told = f"“{field}:{value}” may mean {len(found)} classifiers; it was left out."
        return Meant((), "classifier.ambiguous", told, lambda: found[:5])
    told = f"There is no “{value}” in {names.roots[field]}; it was left out."
    return Meant((), "classifier.unknown", told, lambda: names.near(field, value))


def in_full(names: Names, field: str, value: str) -> Meant:
    """A classifier as it stands in the list, or a tail of it that nothing else has."""
    if whole := names.full(value):
        return Meant((whole,))
    found = tuple(dict.fromkeys(each for root in names.roots for each in names.find(root, value)))
    if len(found) == 1 and SEPARATOR not in value:
        return Meant(found)
    told = f"“{value}” is no classifier of this index: nothing carries it."
    return Meant((value,), "classifier.unknown", told, lambda: (found[:5] or near_in_any(names, value))[:3])


def near_in_any(names: Names, value: str) -> tuple[str, ...]:
    """Classifiers of any kind whose last part is like a value's."""
    last = value.split("::")[-1]
    return tuple(dict.fromkeys(each for root in names.roots for each in names.near(root, last)))


def licence(names: Names, field: str, value: str) -> Meant:
    """A licence by its id of SPDX, or by its classifier, which then stands for all ids that say the same."""
    if classifier := licences.CLASSIFIER_OF.get(value.casefold(), ""):
        spdx = next(each for each in licences.IDS_OF[classifier] if each.casefold() == value.casefold())
        return Meant((classifier, spdx) if classifier in names.texts else (spdx,))
    if whole := names.full(value):
        return Meant(licences.group(whole))
    found = names.find(field, value)
    if len(found) == 1:
        return Meant(licences.group(found[0]))
    told = f"“{value}” names no single licence of the list; it was looked for as it stands."
    return Meant((value,), "license.unknown", told, lambda: found[:5] or names.near(field, value))


def project(names: Names, field: str, value: str) -> Meant:
    """The name of a project."""
    if problems := projects.check_name(value[:255]):
        return Meant((), "name.invalid", f"{problems[0].message} “{field}:{value[:60]}” was left out.")
    return Meant((projects.normalize(value[:255]),))


def moment(names: Names, field: str, value: str) -> Meant:
    """A day, month or year, or an age: `90d` is less than 90 days ago."""
    tidy = value.lower().replace(" ", "").removeprefix("=")
    tidy = f"<{tidy}" if tidy[-1:].isalpha() and tidy[:1].isdigit() else tidy
    if span(tidy, at=0) is not None:
        return Meant((tidy,))
    told = f"“{value}” is no day and no age, such as 2024-01-01, <90d or >2y; it was left out."
    return Meant((), "moment.unreadable", told)


def one_of(allowed: Collection[str], others: Collection[str] = ()) -> Meaning:
    """One of few words; `others` go with the same field, but not beside these."""

    def meaning(names: Names, field: str, value: str) -> Meant:
        lowered = fields.VALUES.get(value.lower(), value.lower())
        if lowered in allowed:
            return Meant((lowered,))
        if lowered in others:
            return Meant((), "value.mixed", f"Say “{field}:{lowered}” by itself: here it was left out.")
        every = [*allowed, *others]
        told = f"“{field}:” takes {', '.join(every)}, not “{value}”; it was left out."
        return Meant((), "value.unknown", told, lambda: tuple(difflib.get_close_matches(lowered[:40], every, n=2)))

    return meaning


SPECIAL: dict[str, Meaning] = {
    asked.TEXT: text,
    asked.CLASSIFIER: in_full,
    asked.LICENSE: licence,
    asked.DEPENDS: project,
    asked.HAS: one_of(asked.THINGS),
    asked.IS: one_of(asked.STATES, asked.STATUSES),
    asked.UPDATED: moment,
    asked.CREATED: moment,
}
