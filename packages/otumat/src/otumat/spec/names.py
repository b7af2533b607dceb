"""
Project names: one spelling to compare by, which names are valid, and which new ones would mislead.

Pure; standard library only. Start with `normalize` and `check_name`; `check_claim` is about names nobody holds yet.
"""

from __future__ import annotations

import re
import sys
import unicodedata

from otumat.errors import Problem
from otumat.spec import spelling
from otumat.spec.remembering import remember

NAME_MAX_CHARS = 128
"""Longer names break file names (255 bytes with version and tags) and pages; the longest real ones have about 80."""

_SEPARATORS = re.compile(r"[-_.]+")
_VALID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")

_LOOK_ALIKES = {
    **dict(zip("абвгԁеһіјкӏмոорԛгѕтцѵԝхуᴢꓵ", "abbrdehijklmnopqrstuvwxyzn", strict=True)),
    **dict(zip("АВСԀЕҒԌНІЈКМОРԚЅТԜХУΖꓠꓢ", "ABCDEFGHIJKMOPQSTWXYZNS", strict=True)),
    **dict(zip("αβγεηικνορτυχωΑΒΕΗΙΚΜΝΟΡΤΥΧ", "abyenikvoptuxwABEHIKMNOPTYX", strict=True)),
    **dict(zip("сɡıƖⅼⅽⅾⅿ‐‑‒–—−․", "cgilLcdm------.", strict=True)),
}
"""Letters of other scripts that people take for ASCII ones; what NFKC folds (full width, mathematical) needs no row."""

_CONFUSABLE = str.maketrans({"l": "1", "i": "1", "o": "0"})

PROHIBITED_NAMES = frozenset(
    {
        # What people type after "pip install" when they mean a file or an option.
        *("requirements", "requirements-txt", "rrequirements-txt", "requirement-txt", "dev-requirements-txt"),
        *(
            "setup-py",
            "setup-cfg",
            "pyproject-toml",
            "constraints-txt",
            "pip-install",
            "install",
            "uninstall",
            "upgrade",
        ),
        # What a program writes when it has no name.
        *("none", "null", "nil", "undefined", "unknown", "nan", "true", "false"),
        # The language, its index and this index's own addresses.
        *("python", "python2", "python3", "pypi", "simple", "legacy", "index", "classifiers", "stdlib"),
        # Device names: a file so named cannot be unpacked on Windows.
        *("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))),
    }
)
"""Normalised names nobody may claim."""

_REMOVED_MODULES = (
    *(
        "aifc",
        "asynchat",
        "asyncore",
        "audioop",
        "binhex",
        "cgi",
        "cgitb",
        "chunk",
        "crypt",
        "distutils",
        "dummy_threading",
    ),
    *(
        "formatter",
        "imghdr",
        "imp",
        "lib2to3",
        "macpath",
        "mailcap",
        "msilib",
        "nis",
        "nntplib",
        "ossaudiodev",
        "parser",
    ),
    *("pipes", "smtpd", "sndhdr", "spwd", "sunau", "symbol", "telnetlib", "uu", "xdrlib"),
)
"""Modules older interpreters had: programs for those still import them by these names."""


normalize = remember(8192)(spelling.normalize)


STANDARD_LIBRARY = frozenset(
    normalize(module) for module in (*sys.stdlib_module_names, *_REMOVED_MODULES) if not module.startswith("_")
)
"""Normalised top-level modules of this interpreter's standard library and of older ones."""


def check_name(name: str) -> list[Problem]:
    """
    Every reason why `name` is not a valid project name; empty when it is one.

    Source: core metadata, Name (PEP 508 names): ASCII letters, digits, `.`, `-`, `_`; first and last a letter or digit.
    """
    if not name:
        return [Problem("name.missing", "name", "There is no name.", hint="Give the project's name.", rule=_RULE)]
    if len(name) <= NAME_MAX_CHARS and _VALID.fullmatch(name):
        return []
    problems = []
    if len(name) > NAME_MAX_CHARS:
        message = f"The name has {len(name)} characters; this index takes {NAME_MAX_CHARS}."
        problems.append(Problem("name.too_long", "name", message, value=name, hint="Choose a shorter one."))
    if not _VALID.fullmatch(name):
        problems.append(_invalid_name(name))
    return problems


_RULE = "core metadata: Name"


def _invalid_name(name: str) -> Problem:
    return Problem(
        "name.invalid",
        "name",
        f"{name[:NAME_MAX_CHARS]!r} is no valid name{_strangers(name)}.",
        value=name,
        hint="Use ASCII letters, digits, '.', '-' and '_', beginning and ending with a letter or digit.",
        rule=_RULE,
        suggestions=_valid_spelling(name[:NAME_MAX_CHARS]),
    )


def _strangers(name: str) -> str:
    """Which characters do not belong, each once and at most five: `: 'а' (CYRILLIC SMALL LETTER A) looks like 'a'`."""
    strange = [c for c in dict.fromkeys(name) if c not in _PLAIN][:5]
    told = []
    for character in strange:
        label = f"{character!r} ({unicodedata.name(character, f'U+{ord(character):04X}')})"
        twin = _ascii_twin(character)
        told.append(f"{label} looks like {twin!r}" if twin else label)
    return ": " + ", ".join(told) if told else ""


def _ascii_twin(character: str) -> str:
    """The ASCII text a reader takes `character` for, or nothing."""
    if character.isascii():
        return ""
    twin = _LOOK_ALIKES.get(character) or unicodedata.normalize("NFKC", character)
    return twin if twin.isascii() and twin.strip() else ""


def _valid_spelling(name: str) -> tuple[str, ...]:
    twins = "".join(character if character in _PLAIN else _ascii_twin(character) or "-" for character in name)
    spelling = re.sub(r"-{2,}", "-", twins).strip("-._")
    return (spelling,) if _VALID.fullmatch(spelling) else ()


def confusable_key(name: str) -> str:
    """
    The same key for names a reader would take for one another.

    Case, separators, `l`/`1`/`I`, `O`/`0` and letters of other scripts that look like ASCII ones do not count:
    `confusable_key("Pil_low") == confusable_key("p111ow")`. Never raises.
    """
    if not name.isascii():
        name = "".join(_ascii_twin(character) or character for character in name)
    return _SEPARATORS.sub("", name).lower().translate(_CONFUSABLE)


def check_claim(name: str, *, existing_confusable: str | None) -> list[Problem]:
    """
    Rules for a name that no project holds yet, beside `check_name`. Existing projects keep theirs whatever these say.

    Args:
        name: The name as sent.
        existing_confusable: A project with the same `confusable_key`, or None. One that differs in nothing but case and
            separators is the same project (PEP 503), hence no problem.
    """
    problems: list[Problem] = []
    normalized = normalize(name)
    if normalized in STANDARD_LIBRARY:
        problems.append(_claim("name.standard_library", name, "is a module of Python's standard library"))
    if normalized in PROHIBITED_NAMES:
        problems.append(
            _claim("name.prohibited", name, "may not be claimed: it is typed by mistake or means something else")
        )
    if existing_confusable is not None and normalize(existing_confusable) != normalized:
        problems.append(
            _claim("name.confusable", name, f"is too easily taken for {existing_confusable!r}, which exists")
        )
    return problems


def _claim(code: str, name: str, why: str) -> Problem:
    return Problem(
        code, "name", f"{name!r} {why}.", value=name, hint="Choose another name.", rule="names of this index"
    )
