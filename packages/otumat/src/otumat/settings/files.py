"""
The files in the home folder that name indexes: `~/.pythonpackagerc` of the draft and `~/.pypirc`. Both are read. The
first is also written, one index at a time, and only when a person says so; what else stands in it stays as it is,
comments too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.errors import Invalid, OtumatError, Problem
from otumat.settings.index import Index, index_from_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OUR_FILE = ".pythonpackagerc"
FILES = (OUR_FILE, ".pypirc")
MAX_FILE_BYTES = 1_000_000

LOGIN_KEYS = ("username", "password")


def sections(path: Path) -> Iterator[Index]:
    """
    Every section of one file as an Index; one without `repository` has an empty `url`.

    Errors:
        Invalid: `settings.file`, it cannot be read as such.
    """
    shown = f"~/{path.name}"
    for name, section in _parsed(_read(path), shown).items():
        if name == "distutils":
            continue
        source = f"[{name}] in {shown}"
        repository = section.get("repository", "").strip()
        if not repository:
            yield Index(url="", name=name, source=shown)
            continue
        try:
            found = index_from_url(repository, name=name, source=source)
        except OtumatError as exc:
            raise Invalid([Problem(exc.code, "settings", exc.message, hint=exc.hint)]) from exc
        yield Index(
            url=found.url,
            name=name,
            username=section.get("username", "").strip() or found.username,
            password=section.get("password", "").strip() or found.password,
            source=source,
        )


def save_login(home: Path, index: Index, *, username: str, password: str) -> None:
    """
    Write a login into `~/.pythonpackagerc`, into the section of its index, which is made if there is none.

    The file is replaced as a whole, readable by its owner alone (mode 0600) from its first byte on.

    Args:
        password: Empty to name only the user, when the password is kept elsewhere.

    Errors:
        OtumatError: `settings.write`, it cannot be written, or the password cannot stand in such a file.
    """
    path = home / OUR_FILE
    text = _read(path)
    name = _section_for(index, list(sections(path)))
    options = {"repository": index.url, "username": username, "password": password}
    edited = _with_options(text, name, {key: value for key, value in options.items() if value})
    _check_reads_back(name, options, before=text, after=edited)
    _replace(path, edited)


def forget_login(home: Path, index: Index) -> bool:
    """Take user name and password of an index out of `~/.pythonpackagerc`; whether there was anything to take out."""
    path = home / OUR_FILE
    text = edited = _read(path)
    names = [known.name for known in sections(path) if known.url == index.url]
    for name in names:
        edited = _with_options(edited, name, {})
        if name == section_name(index.url) and set(_parsed(edited)[name]) <= {"repository"}:
            edited = _without_section(edited, name)
    if edited == text:
        return False
    _replace(path, edited)
    return True


def section_name(url: str) -> str:
    """
    What the section of an index is called that has no name yet: its address without the scheme.

    >>> section_name("https://index.example.org/team")
    'index.example.org/team'
    """
    return url.partition("://")[2].replace("[", "").replace("]", "")


def _section_for(index: Index, known: list[Index]) -> str:
    """The section that is this index's already, or a name that is free for it."""
    for each in known:
        if each.url == index.url:
            return each.name
    taken = {each.name for each in known} | {"distutils", "DEFAULT", ""}
    return next(name for name in (index.name, section_name(index.url), index.url) if name not in taken)


def _with_options(text: str, name: str, options: dict[str, str]) -> str:
    """The text with a section whose login is this one; its repository is replaced only if `options` has one."""
    blocks = _blocks(text)
    written = [f"{key} = {value}" for key, value in options.items()]
    replaced = {*LOGIN_KEYS, *options}
    for found, lines in blocks:
        if found == name:
            lines[1:] = written + _without_keys(lines[1:], replaced)
            return _joined(blocks)
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    return before + "\n".join([f"[{name}]", *written, ""])


def _without_section(text: str, name: str) -> str:
    return _joined([(found, lines) for found, lines in _blocks(text) if found != name])


def _without_keys(lines: list[str], keys: set[str]) -> list[str]:
    kept, dropping = [], False
    for line in lines:
        if line[:1] not in ("", " ", "\t", "\r", "#", ";"):
            key = line.replace(":", "=").partition("=")[0]
            dropping = key.strip().lower() in keys
        elif not line[:1].isspace():
            dropping = False
        if not dropping:
            kept.append(line)
    return kept


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """What stands before the first section (named ""), then each section with its header line."""
    blocks: list[tuple[str, list[str]]] = [("", [])]
    for line in text.split("\n"):
        if line.startswith("[") and "]" in line:
            blocks.append((line[1 : line.rindex("]")], []))
        blocks[-1][1].append(line)
    return blocks


def _joined(blocks: list[tuple[str, list[str]]]) -> str:
    return "\n".join(line for _, lines in blocks for line in lines)


def _check_reads_back(name: str, options: dict[str, str], *, before: str, after: str) -> None:
    """A password with blanks at its ends, say, would be read back as another one: then nothing is written."""
    try:
        found, others = _parsed(after), _parsed(before)
    except Invalid:
        found, others = {}, {}
    ours = found.pop(name, {})
    others.pop(name, None)
    if found != others or any(ours.get(key, "") != value for key, value in options.items()):
        raise OtumatError(
            f"This login cannot be kept in ~/{OUR_FILE}: it would not be read back as it is.",
            code="settings.write",
            hint="Keep it in the system's keyring, or choose a password without blanks at its ends.",
        )


def _read(path: Path) -> str:
    """The file's text; empty when there is no such file."""
    shown = f"~/{path.name}"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as exc:
        raise Invalid([_file_problem(shown, f"cannot be read: {exc.strerror or exc}")]) from exc
    if len(data) > MAX_FILE_BYTES:
        raise Invalid([_file_problem(shown, f"is larger than {MAX_FILE_BYTES // 1_000_000} MB")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _unreadable(shown) from None


def _parsed(text: str, shown: str = f"~/{OUR_FILE}") -> dict[str, dict[str, str]]:
    from configparser import Error, RawConfigParser

    parser = RawConfigParser()
    try:
        parser.read_string(text)
    except Error as exc:
        # Their messages quote the line, which may hold a password.
        raise _unreadable(shown, getattr(exc, "lineno", None)) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _replace(path: Path, text: str) -> None:
    """Put a new file in the place of the old one, or of nothing, at once; a link is followed, not replaced."""
    import os
    from secrets import token_hex

    target = path.resolve()
    scratch = target.with_name(f"{target.name}.{token_hex(8)}")
    try:
        try:
            # O_EXCL: nobody's file or link is opened; 0600 from the start, so there is no moment to read it in.
            with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            os.replace(scratch, target)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as exc:
        raise OtumatError(
            f"~/{path.name} cannot be written: {exc.strerror or exc}.",
            code="settings.write",
            hint="Nothing was kept. Is there a home folder that you may write to?",
        ) from exc


def _unreadable(shown: str, line: int | None = None) -> Invalid:
    where = f" (line {line})" if line else ""
    return Invalid([_file_problem(shown, f"is not in the form of a .pypirc file{where}")])


def _file_problem(shown: str, what: str) -> Problem:
    return Problem("settings.file", "settings", f"{shown} {what}.", hint="Mend it or move it away.")
