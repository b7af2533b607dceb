"""`sign_wheels`: look at all, tell all that is wrong, and only then change any."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otumat.errors import Invalid, Problem
from otumat.spec.keys import LEAST_BITS, RSA, BadKey, PublicKey
from otumat.spec.statement import ENVELOPE_NAME
from otumat.spec.vouching.wheel import Wheel
from otumat.trust.wheel import composing, rewriting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from otumat.trust.signing import Signer


NO_RSA_KEY = "no RSA key is among those that sign"


@dataclass
class Outcome:
    """
    What became of one wheel.

    Attributes:
        action: `signed`, or `unchanged` when it carries these very signatures already; with `check`, `unsigned` when it
            would have been signed.
        keys: Ids of the keys that have signed it now.
        legacy: Package to why it has no `.sig` ("" when it has one).
    """

    path: str
    project: str
    version: str
    action: str
    keys: tuple[str, ...]
    legacy: dict[str, str]
    plan: Plan | None = field(default=None, repr=False)


@dataclass
class Plan:
    """The members to be written, and the wheel they were made for: as it was when it was read."""

    wheel: Wheel
    changed: dict[str, bytes]
    seen: os.stat_result


def sign_wheels(
    paths: Iterable[str | os.PathLike[str]],
    signers: Sequence[Signer],
    *,
    public: bytes = b"",
    sequence: int = 0,
    check: bool = False,
) -> list[Outcome]:
    """
    Sign wheels in place. Each gets an envelope with a signature of every signer and, beside it, a `.sig` of the 0.3
    kind by the first signer with an RSA key, for each package to which git and otumat 0.3 give the same value.

    Args:
        public: Content of `{module}.pub` to put into each wheel of one package: the key a host ships for its plugins.
        sequence: Number of the release, for hosts that refuse older ones.
        check: Change nothing; tell what would be done.

    Errors:
        Invalid: everything that is wrong with any of them; then none was changed.
    """
    names = list(dict.fromkeys(os.fspath(path) for path in paths))
    outcomes, problems = [], _public_problems(public)
    for path in names:
        try:
            outcomes.append(_planned(path, signers, public, sequence))
        except Invalid as exc:
            problems += [_at(path, problem) for problem in exc.problems]
        except OSError as exc:
            problems.append(
                Problem("wheel.unreadable", os.path.basename(path), f"It cannot be read: {exc.strerror or exc}.")
            )
    if problems:
        raise Invalid(problems, message="Nothing was signed." if not check else "")
    for outcome in outcomes:
        if outcome.plan and check:
            outcome.action = "unsigned"
        elif outcome.plan:
            _carry_out(outcome.path, outcome.plan)
        outcome.plan = None
    return outcomes


def _planned(path: str, signers: Sequence[Signer], public: bytes, sequence: int) -> Outcome:
    with open(path, "rb") as file:
        seen = os.fstat(file.fileno())
        wheel = Wheel(file, os.path.basename(path), legacy=True)
        changed = _public_member(wheel, public)
        if changed:
            wheel.add(changed)
        values = composing.legacy_values(wheel)
        changed |= _signatures(wheel, values, signers)
        statement = composing.statement_of(wheel, values, sequence=sequence)
    changed[f"{wheel.dist_info}/{ENVELOPE_NAME}"] = composing.envelope_of(wheel, statement, signers)
    changed = {name: data for name, data in changed.items() if not wheel.holds(name, data)}
    if changed:
        record_path = f"{wheel.dist_info}/RECORD"
        changed[record_path] = rewriting.record_with(wheel.record, changed, record_path)
    return Outcome(
        path=path,
        project=wheel.project,
        version=wheel.version,
        action="signed" if changed else "unchanged",
        keys=tuple(signer.public.id for signer in signers),
        legacy={name: _why_no_legacy(value, signers) for name, value in values.items()},
        plan=Plan(wheel, changed, seen) if changed else None,
    )


def _signatures(wheel: Wheel, values: dict[str, composing.LegacyValue], signers: Sequence[Signer]) -> dict[str, bytes]:
    by = next((signer for signer in signers if signer.can_sign_legacy), None)
    if by is None:
        return {}
    return {
        f"{wheel.dist_info}/{name}.sig": composing.legacy_signature(wheel, name, each.value, by)
        for name, each in values.items()
        if each.value
    }


def _why_no_legacy(value: composing.LegacyValue, signers: Sequence[Signer]) -> str:
    if not any(signer.can_sign_legacy for signer in signers):
        return NO_RSA_KEY
    return value.reason


def _public_member(wheel: Wheel, public: bytes) -> dict[str, bytes]:
    if not public:
        return {}
    packages = sorted(wheel.packages()) or [wheel.project.replace("-", "_")]
    if len(packages) > 1:
        told = f"It has several packages ({', '.join(packages)}); whose key the .pub would be cannot be told."
        raise Invalid(
            [Problem("pub.ambiguous", "public", told, hint="Put the key into the package as a file of its own.")]
        )
    return {f"{wheel.dist_info}/{packages[0]}.pub": public}


def _public_problems(public: bytes) -> list[Problem]:
    if not public:
        return []
    try:
        key = PublicKey.from_pem(public)
    except BadKey as exc:
        return [Problem("pub.key", "public", f"The public key cannot be used: {exc}.")]
    if key.kind == RSA and key.bits < LEAST_BITS:
        return [Problem("key.weak", "public", f"The RSA key has {key.bits} bits; {LEAST_BITS} are needed.")]
    return []


def _carry_out(path: str, plan: Plan) -> None:
    with open(path, "rb") as file:
        now = os.fstat(file.fileno())
        if (now.st_ino, now.st_size, now.st_mtime_ns) != (plan.seen.st_ino, plan.seen.st_size, plan.seen.st_mtime_ns):
            told = f"{path!r} was changed while it was being signed."
            raise Invalid([Problem("wheel.changed", os.path.basename(path), told, hint="Try again.")], message=told)
        rewriting.write(plan.wheel, file, plan.changed, path, mode=stat.S_IMODE(now.st_mode))


def _at(path: str, problem: Problem) -> Problem:
    return Problem(
        problem.code,
        os.path.basename(path),
        problem.message,
        value=problem.value,
        hint=problem.hint,
        rule=problem.rule,
        severity=problem.severity,
    )
