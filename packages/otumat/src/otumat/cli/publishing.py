"""`otumat publish`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.cli import credentials
from otumat.cli.connection import transport, who
from otumat.cli.console import DIM, GREEN, printable, size_text
from otumat.cli.progress import Bar
from otumat.errors import Invalid, OtumatError, Problem
from otumat.publish import upload

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.publish.reply import Receipt
    from otumat.publish.upload import Candidate
    from otumat.settings import Credentials, Index, Settings
    from otumat.transport import Transport

    Outcome = dict[str, object]


def publish(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Look at all files, ask which are there, send the others one by one."""
    index = settings.find_index(options.index)
    candidates = upload.inspect_files(upload.find_files(options.files))
    for candidate in candidates:
        console.tell_problems(candidate.warnings)
    by = credentials.choose(options, settings, index, console)
    over = transport()
    known: dict[str, str] = {}
    for name in sorted({candidate.project for candidate in candidates}):
        known.update(upload.digests_on(index, name, by=by, over=over))
    new, there = upload.split_known(candidates, known)
    sent = [_outcome(candidate, "skipped") for candidate in there]
    console.beside_an_error = {"index": index.url, "files": sent}
    console.note(f"{'Verifying at' if options.verify else 'Publishing to'} {index.url} {who(by)}:")
    for candidate in there:
        _show(console, f"  {candidate.filename}  {console.style('is there already, the same byte for byte', DIM)}")
    send_all = _verify_all if options.verify else _upload_all
    send_all(new, sent, to=index, by=by, over=over, console=console)
    if console.as_json:
        console.show_json({"ok": True, "index": index.url, "files": sent})
    else:
        for page in dict.fromkeys(str(each["url"]) for each in sent if each["url"]):
            console.show(printable(page))
    return 0


def _upload_all(
    new: list[Candidate], sent: list[Outcome], *, to: Index, by: Credentials, over: Transport, console: Console
) -> None:
    """Stop at the first refusal: the rest of a release without one of its files would be installed by somebody."""
    for position, candidate in enumerate(new):
        try:
            sent.append(_send(candidate, to, by, over, console, verify=False))
        except OtumatError:
            if left := ", ".join(each.filename for each in new[position:]):
                console.note(f"Still to be sent: {left}. Give the same command again then; what is there is skipped.")
            raise


def _verify_all(
    new: list[Candidate], sent: list[Outcome], *, to: Index, by: Credentials, over: Transport, console: Console
) -> None:
    """Go on after a file that does not pass, so that all problems of all files are told at once."""
    problems: list[Problem] = []
    for candidate in new:
        try:
            sent.append(_send(candidate, to, by, over, console, verify=True))
        except Invalid as exc:
            problems += exc.problems
    if problems:
        raise Invalid(problems)


def _send(
    candidate: Candidate, to: Index, by: Credentials, over: Transport, console: Console, *, verify: bool
) -> Outcome:
    label = f"  {candidate.filename}  {size_text(candidate.size_bytes)}"
    bar = Bar(console, f"  {candidate.filename}")
    try:
        receipt = upload.upload(candidate, to=to, by=by, over=over, verify=verify, progress=bar)
    finally:
        bar.wipe()
    _show(console, f"{label}  {console.style('holds' if verify else 'sent', GREEN)}")
    console.tell_problems(receipt.problems)
    return _outcome(candidate, receipt.action, receipt)


def _outcome(candidate: Candidate, action: str, receipt: Receipt | None = None) -> Outcome:
    return {
        "filename": candidate.filename,
        "sha256": candidate.sha256,
        "action": action,
        "url": receipt.url if receipt else "",
        "problems": [problem.as_dict() for problem in receipt.problems] if receipt else [],
    }


def _show(console: Console, text: str) -> None:
    if not console.as_json:
        console.show(text)
