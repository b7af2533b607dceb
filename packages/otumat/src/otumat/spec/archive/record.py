"""RECORD, the wheel's own list of its files: complete, exact both ways, and with digests that hold (A16)."""

from __future__ import annotations

import csv
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from otumat.spec.archive.findings import Findings, shown

# PEP 376 and the wheel specification: sha256 or better. All are in every Python's hashlib.
ALGORITHMS = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"})
_RULE = "binary distribution format: RECORD"


class Row(NamedTuple):
    """One line of RECORD; `algorithm` and `digest` (base64 without padding) are empty where none is given."""

    algorithm: str
    digest: str
    size: str


def read_record(content: bytes, findings: Findings, *, most_rows: int) -> dict[str, Row]:
    """The rows of RECORD by path; rows that cannot be read are recorded and left out."""
    rows: dict[str, Row] = {}
    try:
        lines = content.decode("utf-8").splitlines()
        for fields in csv.reader(lines, strict=True):
            if not fields:
                continue
            if len(fields) != 3:
                findings.add(
                    "record.row", f"RECORD line {shown(','.join(fields))} does not have three fields.", rule=_RULE
                )
                continue
            if fields[0] in rows:
                findings.add("record.duplicate", f"RECORD lists {shown(fields[0])} more than once.", rule=_RULE)
            algorithm, _, digest = fields[1].partition("=")
            rows[fields[0]] = Row(algorithm, digest, fields[2])
            if len(rows) > most_rows:
                findings.add("record.row", f"RECORD has more than {most_rows} lines.", rule=_RULE)
                break
    except (UnicodeDecodeError, csv.Error) as error:
        findings.add("record.unreadable", f"RECORD cannot be read: {error}.", rule=_RULE)
    return rows


def algorithms(rows: Mapping[str, Row]) -> dict[str, str]:
    """Which digest to take of which member, where it is not sha256."""
    return {path: row.algorithm for path, row in rows.items() if row.algorithm in ALGORITHMS - {"sha256"}}


def check_record(
    rows: Mapping[str, Row],
    files: Iterable[tuple[str, int]],
    digests: Mapping[str, bytes],
    findings: Findings,
    *,
    exempt: frozenset[str],
) -> None:
    """
    Compare RECORD with the archive.

    Args:
        files: Name and size of every file of the archive; directories are not listed.
        digests: Digest by name, taken with `algorithms(rows)`; a member without one has been recorded already.
        exempt: RECORD itself and its signatures, which cannot contain their own digest.
    """
    present = dict(files)
    for path in present:
        if path not in rows and path not in exempt:
            findings.add("record.missing_row", f"RECORD does not list {shown(path)}.", rule=_RULE)
    for path, row in rows.items():
        if path not in present:
            if path not in exempt:
                findings.add(
                    "record.absent_file", f"RECORD lists {shown(path)}, which is not in the wheel.", rule=_RULE
                )
        elif path not in exempt:
            _check_row(path, row, present[path], digests.get(path), findings)


def _check_row(path: str, row: Row, size: int, digest: bytes | None, findings: Findings) -> None:
    if not row.algorithm:
        findings.add("record.no_hash", f"RECORD has no hash for {shown(path)}.", rule=_RULE)
    elif row.algorithm not in ALGORITHMS:
        findings.add(
            "record.weak_hash",
            f"RECORD gives a {shown(row.algorithm)} hash for {shown(path)}; it must be sha256 or better.",
            rule=_RULE,
        )
    elif digest is not None and row.digest != urlsafe_b64encode(digest).rstrip(b"=").decode():
        findings.add(
            "record.wrong_hash", f"RECORD gives another {row.algorithm} hash for {shown(path)} than it has.", rule=_RULE
        )
    if row.size and row.size != str(size):
        findings.add(
            "record.wrong_size",
            f"RECORD gives size {shown(row.size)} for {shown(path)}, which has {size} bytes.",
            rule=_RULE,
        )
