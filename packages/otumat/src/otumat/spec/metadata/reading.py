"""
Two ways in, an upload form and a JSON object; the third, METADATA bytes, is in `parsing.py`. Neither ever raises.

A value that cannot be taken as it stands is left out and told; nothing is guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otumat.errors import Problem
from otumat.spec.metadata.fields import ATTRIBUTES, Field, Metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORM_MAX_PAIRS = 20_000
"""The largest real releases have about 3,000 requirements and files; a form with more is not read on (A29)."""

_UNKNOWN = "UNKNOWN"
"""What distutils and old setuptools wrote for "nothing"."""


class Gathered:
    """Values as they come in, by attribute, until they become one `Metadata`."""

    __slots__ = ("problems", "texts", "urls")

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.urls: list[tuple[str, str]] = []
        self.problems: list[Problem] = []

    def add(self, field: Field, text: str) -> None:
        if field.kind == "urls":
            label, _, url = text.partition(",")
            self.add_url(label, url)
        else:
            self.texts.setdefault(field.attribute, []).append(text)

    def add_url(self, label: str, url: str) -> None:
        label, url = tidy_text(label), tidy_text(url)
        if label or url:
            self.urls.append((label, url))

    def metadata(self) -> Metadata:
        values: dict[str, Any] = {}
        for attribute, texts in self.texts.items():
            values[attribute] = _FINISH[ATTRIBUTES[attribute].kind](self, attribute, texts)
        return Metadata(project_urls=tuple(self.urls), **values)

    def _single(self, attribute: str, texts: list[str]) -> str:
        if len(texts) > 1:
            self.problems.append(given_twice(attribute, len(texts), texts[0]))
        text = texts[0]
        tidy = tidy_text(text)
        if not tidy or tidy == _UNKNOWN:
            return ""
        return text if attribute == "description" else tidy

    def _multiple(self, attribute: str, texts: list[str]) -> tuple[str, ...]:
        tidy = tuple([text for text in map(tidy_text, texts) if text and text != _UNKNOWN])
        # PEP 794: one empty Import-Name says that nothing can be imported, which is more than saying nothing.
        return tidy or (("",) if attribute == "import_names" else ())

    def _keywords(self, attribute: str, texts: list[str]) -> tuple[str, ...]:
        return self._multiple(attribute, [keyword for text in texts for keyword in text.split(",")])


_FINISH = {"single": Gathered._single, "multiple": Gathered._multiple, "keywords": Gathered._keywords}


def tidy_text(text: str) -> str:
    """Without surrounding space, line ends as `\\n`."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip()


def given_twice(attribute: str, count: int, first: str) -> Problem:
    """Two values where one is meant: whoever reads the other one sees another release."""
    message = f"It is given {count} times."
    return Problem(
        f"{attribute}.duplicate", attribute, message, value=first, hint="Give it once.", rule="core metadata"
    )


def from_form(pairs: Iterable[tuple[str, str]]) -> tuple[Metadata, list[Problem]]:
    """
    Read the fields of an upload or submit form.

    Args:
        pairs: (field, value) as sent, in order; see `ATTRIBUTES` for the names that are known. Others belong to whoever
            opened the form (`:action`, `content`) and are passed over.

    Returns:
        The metadata, and a problem for each single field sent twice (the first value is kept).

    Source: core metadata; the draft's `submit` (D19, D46).
    """
    gathered = Gathered()
    for count, (name, value) in enumerate(pairs):
        if count >= FORM_MAX_PAIRS:
            message = f"The form has more than {FORM_MAX_PAIRS} fields; the rest was not read."
            gathered.problems.append(Problem("form.too_many_fields", "form", message, hint="Send fewer values."))
            break
        field = ATTRIBUTES.get(name)
        if field is not None:
            gathered.add(field, value)
    return gathered.metadata(), gathered.problems


def from_json(obj: Mapping[str, Any]) -> tuple[Metadata, list[Problem]]:
    """
    Read the JSON form of PEP 566: keys in lower case with underscores, lists for what may be repeated.

    Keys of `to_json` and of packaging's RawMetadata are taken too (`classifiers` and `classifier`, `project_urls` as an
    object, as pairs or as "Label, URL"). `null` means absent. Unknown keys are warned of, wrong types are errors.
    """
    gathered = Gathered()
    for key, value in obj.items():
        field = ATTRIBUTES.get(key)
        if field is None:
            gathered.problems.append(unknown_field("metadata.unknown_key", str(key)))
        elif value is not None and not _gather_json(gathered, field, value):
            message = f"It cannot be {type(value).__name__} {str(value)[:80]!r}."
            hint = "Give text." if field.kind == "single" else "Give a list of texts."
            gathered.problems.append(
                Problem(f"{field.attribute}.type", field.attribute, message, hint=hint, rule="PEP 566")
            )
    return gathered.metadata(), gathered.problems


def _gather_json(gathered: Gathered, field: Field, value: object) -> bool:
    """Add a JSON value; False when it is of a type that the field cannot have."""
    if isinstance(value, str):
        gathered.add(field, value)
    elif field.kind == "single":
        return False
    elif field.kind == "urls":
        return _gather_json_urls(gathered, value)
    elif isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        gathered.texts.setdefault(field.attribute, []).extend(value)
    else:
        return False
    return True


def _gather_json_urls(gathered: Gathered, value: object) -> bool:
    items = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(items, list | tuple):
        return False
    pairs = [_json_url(item) for item in items]
    if None in pairs:
        return False
    for label, url in filter(None, pairs):
        gathered.add_url(label, url)
    return True


def _json_url(item: object) -> tuple[str, str] | None:
    """Label and URL, from a pair or from "Label, URL"; None when it is neither."""
    if isinstance(item, str):
        label, _, url = item.partition(",")
        return label, url
    if isinstance(item, list | tuple) and len(item) == 2 and all(isinstance(part, str) for part in item):
        return item[0], item[1]
    return None


def unknown_field(code: str, key: str) -> Problem:
    """A warning that something was sent which is no core-metadata field."""
    message = f"{key[:80]!r} is no core-metadata field; it is passed over."
    return Problem(code, "metadata", message, value=key, rule="core metadata", severity="warning")
