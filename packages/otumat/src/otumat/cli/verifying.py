"""`otumat verify`."""

from __future__ import annotations

import os
import sys
import time

from otumat.cli.console import DIM, GREEN, RED, YELLOW, printable
from otumat.errors import NotFound, OtumatError
from otumat.spec.vouching.verdict import EXIT_CODES, MEANINGS, TRUSTED, UNSIGNED, UNVERIFIABLE
from otumat.trust.policy import KeyRecord, Policy, ProjectTrust, default_path, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.spec.vouching.verdict import Verdict

_MOST_FINDINGS = 20


def verify(options: argparse.Namespace, console: Console) -> int:
    """Tell the verdict on each; the exit code is that of the worst."""
    if [bool(options.names), options.env, bool(options.group)].count(True) != 1:
        raise OtumatError("Name what is to be verified, or say --env, or --group GROUP.", code="project.none")
    if options.group:
        return _group(options, console)
    policy = _policy(options)
    verdicts = _environment(options, policy, console) if options.env else _named(options, policy)
    if console.as_json:
        console.show_json({"ok": all(verdicts), "verdicts": [each.to_dict() for each in verdicts]})
    elif options.env:
        _show_all(verdicts, console)
    else:
        for each in verdicts:
            _show(each, console)
    return max((each.exit_code for each in verdicts), default=0)


def _group(options: argparse.Namespace, console: Console) -> int:
    """What a host would load that asks for this group and has no policy of its own; the exit code is of the worst."""
    from otumat.trust.enforce.loading import decide_entry_points

    named = _policy(options) if options.key or options.policy else None
    decided = decide_entry_points(options.group, named, path=_path(options), at=now())
    decisions = decided.decisions
    if console.as_json:
        told = {"ok": all(each.verdict for each in decisions), "group": options.group, "mode": decided.mode}
        console.show_json(told | {"decisions": [each.to_dict() for each in decisions]})
    elif decisions:
        rows = [
            (
                "loaded" if each.loads else "refused",
                each.name,
                each.value,
                each.verdict.name,
                each.verdict.state,
                each.why,
            )
            for each in decisions
        ]
        console.show_columns(("would be", "name", "entry point", "of", "state", "why"), rows)
        console.note(f"The mode is '{decided.mode}'.")
    else:
        console.note(f"Nothing that is installed declares entry points in {printable(options.group)}.")
    return max((each.verdict.exit_code for each in decisions), default=0)


def now() -> str:
    """This moment, in the form that policies have."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _policy(options: argparse.Namespace) -> Policy:
    if not options.key:
        path = os.path.expanduser(options.policy) or default_path(os.environ, os.path.expanduser("~"))
        if options.policy and not os.path.lexists(path):
            told = f"There is no policy {options.policy!r}."
            raise NotFound(
                told, code="path.missing", hint="Make one: otumat keys add FILE.pub --for NAME --policy FILE"
            )
        return load(path)
    from otumat.cli.keyring import read_public

    records = [KeyRecord(read_public(path), note=os.path.basename(path)) for path in options.key]
    return Policy({"*": ProjectTrust(records, legacy=options.legacy)})


def _named(options: argparse.Namespace, policy: Policy) -> list[Verdict]:
    from otumat.trust.installed.distribution import verify_distribution

    found = []
    for name in options.names:
        if name.endswith(".whl"):
            from otumat.trust.wheel import verify_wheel

            try:
                with open(name, "rb") as file:
                    found.append(verify_wheel(file, os.path.basename(name), policy, at=now()))
            except OSError as exc:
                raise OtumatError(f"{name!r} cannot be read: {exc.strerror or exc}.", code="path.missing") from exc
        else:
            found.append(verify_distribution(name, policy, at=now(), path=_path(options)))
    return found


def _environment(options: argparse.Namespace, policy: Policy, console: Console) -> list[Verdict]:
    from otumat.trust.installed.environment import verify_environment

    def progress(done: int, total: int, name: str) -> None:
        if console.is_live and total > 20:
            console.redraw(f"{done}/{total} {printable(name)}")

    verdicts = list(verify_environment(policy, at=now(), path=_path(options), progress=progress))
    if console.is_live:
        console.redraw("")
    return verdicts


def _path(options: argparse.Namespace) -> list[str]:
    """Where hosts would look: the first entry of our own path is the folder of this command."""
    return list(options.path) or (sys.path if sys.flags.safe_path else sys.path[1:])


def _show(verdict: Verdict, console: Console) -> None:
    word = console.style(verdict.state, _colour(verdict))
    console.show(f"{printable(verdict.name)} {printable(verdict.version)}: {word}, {MEANINGS[verdict.state]}")
    keys = [
        f"{each.key_id[:16]}… {each.kind}, {each.role}{f' ({each.note})' if each.note else ''}" for each in verdict.keys
    ]
    by = "vouched for by" if verdict else "was signed by"
    console.show_table([(by, keys), ("scheme", [verdict.scheme]), ("lies at", [verdict.location])])
    for each in verdict.findings[:_MOST_FINDINGS]:
        mark = console.style("-", DIM if each.state == TRUSTED else RED)
        console.show(f"  {mark} {printable(each.message)}{f' {printable(each.hint)}' if each.hint else ''}")
    if (more := len(verdict.findings) - _MOST_FINDINGS) > 0:
        console.show(f"  and {more} more; all of them with --json")
    if verdict and verdict.protected_by == "same-user":
        console.note("Who runs this could also change it: the verdict holds against others only.")


def _show_all(verdicts: list[Verdict], console: Console) -> None:
    rows = [
        (each.state, each.name, each.version, each.scheme, each.findings[0].message if each.findings else "")
        for each in sorted(verdicts, key=lambda each: (-each.exit_code, each.name.lower()))
    ]
    if rows:
        console.show_columns(("state", "name", "version", "scheme", "why"), rows)
    counts = [f"{sum(each.state == state for each in verdicts)} {state}" for state in EXIT_CODES]
    console.note(", ".join(each for each in counts if not each.startswith("0 ")) or "Nothing is installed there.")


def _colour(verdict: Verdict) -> str:
    if verdict:
        return GREEN
    return YELLOW if verdict.state in (UNSIGNED, UNVERIFIABLE) else RED
