"""Accounts of another index, with the password hashes they had there (D27)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError
from django.db import transaction

from otumat.errors import Invalid, OtumatError, Problem
from otumat_index.accounts import actions
from otumat_index.accounts.hashers import SHA1, OldSHA1
from otumat_index.journal.actor import Actor

FIELDS = {"login": str, "email": str, "sha1": str, "argon2": str, "confirmed": bool}
LINE_MAX_CHARS = 10_000
MEMORY_MAX_KIB, TIME_MAX, HASH_MAX_CHARS = 1 << 20, 20, 128 - len("argon2")


def import_users(lines: Iterable[str], *, by: Actor, at: datetime) -> tuple[int, list[str]]:
    """
    Make an account of each line; a line that cannot be taken stops no other.

    Args:
        lines: JSON objects: `login`, `email`; `sha1` or `argon2` or neither; `confirmed` (default: false).

    Returns:
        How many were made, and a sentence for each line that was not taken.
    """
    made, refused = 0, []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            take(line, by=by, at=at)
            made += 1
        except Invalid as exc:
            refused.append(f"line {number}: {'; '.join(str(problem) for problem in exc.problems)}")
        except OtumatError as exc:
            refused.append(f"line {number}: {exc.message}")
    return made, refused


@transaction.atomic
def take(line: str, *, by: Actor, at: datetime) -> None:
    """One account, its hash wrapped or as it is."""
    record = read(line)
    stored = encoded(record)
    user = actions.create_user(
        record["login"],
        email=record["email"],
        password=None,
        confirmed=record.get("confirmed", False),
        admin=False,
        by=by,
        at=at,
    )
    if stored:
        user.password = stored
        user.save(update_fields=["password"])


def read(line: str) -> dict[str, Any]:
    """The object a line holds, its fields of the right types."""
    try:
        record = json.loads(line) if len(line) <= LINE_MAX_CHARS else None
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise Invalid([Problem("user.line", "line", "It is no JSON object.", hint="Write one object a line.")])
    problems = [Problem("user.field", str(name), "It is no field of an account.") for name in record.keys() - FIELDS]
    problems += [
        Problem("user.field", name, f"Expected {'true or false' if kind is bool else 'text'}.")
        for name, kind in FIELDS.items()
        if name in record and not isinstance(record[name], kind)
    ]
    problems += [Problem("user.missing", name, "It is missing.") for name in ("login", "email") if not record.get(name)]
    if problems:
        raise Invalid(problems)
    return record


def encoded(record: dict[str, Any]) -> str:
    """What is kept of the hash; empty where there is none."""
    if record.get("sha1") and record.get("argon2"):
        raise Invalid([Problem("user.hash", "sha1", "There are two hashes.", hint="Give the one that counts.")])
    if record.get("sha1"):
        digest = record["sha1"].lower()
        if not SHA1.match(digest):
            raise Invalid([Problem("user.hash", "sha1", "It is no SHA-1.", hint="Write 40 hex digits.")])
        hasher = OldSHA1()
        return hasher.wrap(digest, hasher.salt())
    if record.get("argon2"):
        check_argon2(record["argon2"])
        return f"argon2{record['argon2']}"
    return ""


def check_argon2(text: str) -> None:
    """Refuse what is no argon2id, and what would cost us too much to check at each login."""
    try:
        told = extract_parameters(text)
        right = text.startswith("$argon2id$") and told.memory_cost <= MEMORY_MAX_KIB and told.time_cost <= TIME_MAX
    except InvalidHashError:
        right = False
    if not right or len(text) > HASH_MAX_CHARS:
        hint = "Write it as argon2 does: $argon2id$v=19$m=…,t=…,p=…$salt$hash."
        raise Invalid([Problem("user.hash", "argon2", "It is no argon2id hash this index can take.", hint=hint)])
