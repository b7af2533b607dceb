"""Publishers as the pages ask for them: one form for each trusted issuer, its fields by the issuer's kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from otumat.errors import Problem
from otumat_index.publish.trusted import issuers
from otumat_index.publish.trusted.rules import FIELDS, Field

TITLES = {"github": "GitHub Actions", "gitlab": "GitLab CI/CD", "google": "Google Cloud", "other": "Identity tokens"}


@dataclass(frozen=True, slots=True)
class Input:
    """One field with what was typed and what is wrong with it."""

    field: Field
    text: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one issuer; `is_open` when it was just sent, or is the only one."""

    issuer: str
    kind: str
    title: str
    inputs: tuple[Input, ...]
    extra: str
    is_open: bool


def forms(sent: Mapping[str, str] | None = None, problems: Sequence[Problem] = ()) -> list[Form]:
    """The forms of every trusted issuer; the one that was sent keeps its texts."""
    trusted = issuers.trusted()
    return [
        form(issuer, kind, sent if sent and sent.get("issuer") == issuer else None, problems, is_only=len(trusted) == 1)
        for issuer, kind in trusted.items()
    ]


def form(issuer: str, kind: str, sent: Mapping[str, str] | None, problems: Sequence[Problem], *, is_only: bool) -> Form:
    found = tuple(problems) if sent is not None else ()
    texts = sent or {}
    inputs = tuple(
        Input(field, texts.get(field.name, ""), tuple(each for each in found if each.field == field.name))
        for field in FIELDS[kind]
    )
    return Form(issuer, kind, TITLES[kind], inputs, texts.get("extra", ""), sent is not None or is_only)


def claims(sent: Mapping[str, str]) -> dict[str, str | dict[str, str]]:
    """The claims of a sent form; more claims stand one a line as `name=value`."""
    kind = issuers.trusted().get(sent.get("issuer", ""), "other")
    found: dict[str, str | dict[str, str]] = {field.name: sent.get(field.name, "") for field in FIELDS[kind]}
    lines = [line.partition("=") for line in sent.get("extra", "").splitlines() if line.strip()]
    if kind == "other" and lines:
        found["extra"] = {name.strip(): value.strip() for name, _, value in lines}
    return found
