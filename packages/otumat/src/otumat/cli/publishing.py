"""`otumat register` and `otumat publish`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from otumat import __version__
from otumat.cli import credentials
from otumat.cli.console import DIM, GREEN, printable, size_text
from otumat.cli.progress import Bar
from otumat.errors import Invalid, OtumatError, Problem
from otumat.publish import project, upload
from otumat.publish import register as registering
from otumat.settings import TOKEN_USERNAME
from otumat.spec import metadata as core_metadata
from otumat.transport import UrllibTransport

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.publish.reply import Receipt
    from otumat.publish.upload import Candidate
    from otumat.settings import Credentials, Index, Settings
    from otumat.spec.metadata import Metadata
    from otumat.transport import Transport

    Outcome = dict[str, object]

DONE_WORDS = {"created": "Created", "updated": "Updated", "verified": "Verified", "accepted": "Sent"}


def register(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Read the metadata, show it, send it, tell the answer."""
    index = settings.find_index(options.index)
    data = project.read_metadata(Path(options.path), isolated=not options.no_isolation, tell=console.note)
    metadata, problems = core_metadata.from_bytes(data)
    if any(problem.severity == "error" for problem in problems):
        raise Invalid(problems, message=f"The metadata of {options.path} cannot be read.")
    console.tell_problems(problems)
    if not console.as_json:
        _show_metadata(metadata, console)
    by = credentials.choose(options, settings, index, console)
    console.note(f"{'Verifying at' if options.verify else 'Submitting to'} {index.url} {_who(by)}...")
    receipt = registering.submit(metadata, to=index, by=by, over=_transport(), verify=options.verify)
    _tell_receipt(receipt, index, metadata, console)
    return 0


def publish(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Look at all files, ask which are there, send the others one by one."""
    index = settings.find_index(options.index)
    candidates = upload.inspect_files(upload.find_files(options.files))
    for candidate in candidates:
        console.tell_problems(candidate.warnings)
    by = credentials.choose(options, settings, index, console)
    over = _transport()
    known: dict[str, str] = {}
    for name in sorted({candidate.project for candidate in candidates}):
        known.update(upload.digests_on(index, name, by=by, over=over))
    new, there = upload.split_known(candidates, known)
    sent = [_outcome(candidate, "skipped") for candidate in there]
    console.beside_an_error = {"index": index.url, "files": sent}
    console.note(f"{'Verifying at' if options.verify else 'Publishing to'} {index.url} {_who(by)}:")
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


def _show_metadata(metadata: Metadata, console: Console) -> None:
    """The fields in the form's own words, one line a value; a long description by its size."""
    pairs = core_metadata.to_form(metadata)
    rows = [(name, [value for _, value in group]) for name, group in groupby(pairs, key=lambda pair: pair[0])]
    console.show_table((name, [_shortened(name, value) for value in values]) for name, values in rows)


def _shortened(name: str, value: str) -> str:
    if name == "description":
        lines = len(value.splitlines())
        return f"{lines} line{'s' if lines != 1 else ''}, {size_text(len(value.encode()))}"
    first, _, more = value.partition("\n")
    return f"{first} ..." if more.strip() else first


def _tell_receipt(receipt: Receipt, index: Index, metadata: Metadata, console: Console) -> None:
    release = f"{receipt.name or metadata.name} {receipt.version or metadata.version}"
    if console.as_json:
        answer = {
            "ok": True,
            "action": receipt.action,
            "name": receipt.name or metadata.name,
            "version": receipt.version or metadata.version,
            "url": receipt.url,
        }
        console.show_json({**answer, "index": index.url, "problems": [each.as_dict() for each in receipt.problems]})
        return
    console.tell_problems(receipt.problems)
    done = DONE_WORDS.get(receipt.action, "Sent")
    end = "holds; nothing was kept." if receipt.action == "verified" else f"at {index.url}."
    console.show(f"{console.style(done, GREEN)}: {printable(release)} {end}")
    if receipt.url:
        console.show(printable(receipt.url))


def _who(by: Credentials) -> str:
    return "with an API token" if by.username == TOKEN_USERNAME else f"as {printable(by.username)}"


def _transport() -> UrllibTransport:
    return UrllibTransport(user_agent=f"otumat/{__version__}")
