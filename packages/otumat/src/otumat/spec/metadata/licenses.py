"""Rules about licences: SPDX expressions, licence files, and what may not be said twice (PEP 639)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.licenses import canonicalize_license_expression

from otumat.errors import Problem
from otumat.spec.remembering import remember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otumat.spec.metadata.fields import Metadata

EXPRESSION_MAX_CHARS = 1024

_SPDX_FOR = {
    "apache": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache2.0": "Apache-2.0",
    "apachesoftware": "Apache-2.0",
    "asl2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd2": "BSD-2-Clause",
    "bsd3": "BSD-3-Clause",
    "2clausebsd": "BSD-2-Clause",
    "3clausebsd": "BSD-3-Clause",
    "newbsd": "BSD-3-Clause",
    "modifiedbsd": "BSD-3-Clause",
    "simplifiedbsd": "BSD-2-Clause",
    "expat": "MIT",
    "mit": "MIT",
    "themit": "MIT",
    "isc": "ISC",
    "mpl": "MPL-2.0",
    "mpl2": "MPL-2.0",
    "mpl2.0": "MPL-2.0",
    "mozillapublic2.0": "MPL-2.0",
    "mozillapublic": "MPL-2.0",
    "gpl": "GPL-3.0-or-later",
    "gpl2": "GPL-2.0-only",
    "gpl2.0": "GPL-2.0-only",
    "gpl2+": "GPL-2.0-or-later",
    "gpl2.0+": "GPL-2.0-or-later",
    "gpl3": "GPL-3.0-only",
    "gpl3.0": "GPL-3.0-only",
    "gpl3+": "GPL-3.0-or-later",
    "gpl3.0+": "GPL-3.0-or-later",
    "gnugpl3": "GPL-3.0-only",
    "gnugeneralpublic3": "GPL-3.0-only",
    "gnugeneralpublic": "GPL-3.0-or-later",
    "lgpl": "LGPL-3.0-or-later",
    "lgpl2.1": "LGPL-2.1-only",
    "lgpl2.1+": "LGPL-2.1-or-later",
    "lgpl3": "LGPL-3.0-only",
    "lgpl3.0": "LGPL-3.0-only",
    "lgpl3+": "LGPL-3.0-or-later",
    "lgpl3.0+": "LGPL-3.0-or-later",
    "agpl": "AGPL-3.0-or-later",
    "agpl3": "AGPL-3.0-only",
    "agpl3.0": "AGPL-3.0-only",
    "agpl3+": "AGPL-3.0-or-later",
    "agpl3.0+": "AGPL-3.0-or-later",
    "psf": "PSF-2.0",
    "psf2": "PSF-2.0",
    "python": "PSF-2.0",
    "pythonsoftwarefoundation": "PSF-2.0",
    "zpl": "ZPL-2.1",
    "zpl2.1": "ZPL-2.1",
    "zopepublic": "ZPL-2.1",
    "boost": "BSL-1.0",
    "zlib/libpng": "Zlib",
    "unlicensed": "Unlicense",
    "publicdomain": "CC0-1.0",
    "cc0": "CC0-1.0",
    "wtfpl2": "WTFPL",
    "proprietary": "LicenseRef-Proprietary",
    "commercial": "LicenseRef-Proprietary",
    "closedsource": "LicenseRef-Proprietary",
    "allrightsreserved": "LicenseRef-Proprietary",
}
"""What people call licences (as `_nickname` writes it) and the SPDX identifier that is most likely meant."""

_NOISE = re.compile(r"\b(?:licen[cs]ed?|version|under|the|or\s+later|or\s+newer|and\s+later)\b|[\s,()_-]+|v(?=\d)")
_OR_LATER = re.compile(r"\b(?:or|and)\s+(?:later|newer)\b|\+\s*\)?$")
_DEPRECATED_GNU = re.compile(r"(?:AL?|L)?GPL-[1-3]\.[0-9]\+?")


def _nickname(text: str) -> str:
    lowered = text.lower()
    later = "+" if _OR_LATER.search(lowered) else ""
    return _NOISE.sub("", lowered).rstrip("+") + later


@remember(2048)
def check_expression(value: str) -> Sequence[Problem]:
    """A valid SPDX expression (PEP 639), spelled as SPDX spells it, without identifiers that SPDX has retired."""
    canonical = canonical_expression(value)
    if canonical is None:
        return (_invalid(value),)
    if canonical != value:
        message = f"{value!r} is spelled {canonical!r} in SPDX."
        return (_unwise("license_expression.spelling", message, value, canonical),)
    retired = _DEPRECATED_GNU.fullmatch(value)
    if retired:
        successor = _SPDX_FOR[_nickname(value)] if _nickname(value) in _SPDX_FOR else f"{value.rstrip('+')}-or-later"
        message = f"{value!r} is an identifier that SPDX has retired."
        return (_unwise("license_expression.retired", message, value, successor),)
    return ()


@remember(2048)
def canonical_expression(value: str) -> str | None:
    """The expression as SPDX spells it, or None when it is none. Never raises."""
    if len(value) > EXPRESSION_MAX_CHARS:
        return None
    try:
        return canonicalize_license_expression(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _invalid(value: str) -> Problem:
    known = _SPDX_FOR.get(_nickname(value[:EXPRESSION_MAX_CHARS]))
    hint = f"Did you mean {known!r}?" if known else "Use SPDX identifiers, or LicenseRef-… for a licence of your own."
    message = f"{value[:160]!r} is no SPDX licence expression."
    suggestions = (known,) if known else ()
    code = "license_expression.invalid"
    return Problem(code, "license_expression", message, value=value, hint=hint, rule="PEP 639", suggestions=suggestions)


def _unwise(code: str, message: str, value: str, better: str) -> Problem:
    return Problem(
        code,
        "license_expression",
        message,
        value=value,
        hint=f"Write {better!r}.",
        rule="PEP 639",
        suggestions=(better,),
        severity="warning",
    )


def check_conflict(metadata: Metadata) -> list[Problem]:
    """
    With a License-Expression there may be no License (PEP 639), and should be no `License ::` classifiers.

    The latter is a warning: one in twenty releases in use says both, and they seldom disagree.
    """
    problems = []
    if metadata.license:
        message = "License and License-Expression are both given."
        hint = "Leave License out."
        problems.append(Problem("license.conflict", "license", message, hint=hint, rule="PEP 639"))
    for classifier in metadata.classifiers:
        if classifier.startswith("License ::"):
            problems.append(_license_twice(classifier))
    return problems


def _license_twice(classifier: str) -> Problem:
    return Problem(
        "classifier.license_conflict",
        "classifiers",
        f"{classifier[:160]!r} says again what the License-Expression says.",
        value=classifier,
        hint="Leave the classifier out.",
        rule="PEP 639",
        severity="warning",
    )


def check_files(paths: tuple[str, ...]) -> Sequence[Problem]:
    """Relative paths with `/`, below the archive's root, naming one file each (PEP 639)."""
    problems = []
    for path in paths:
        fault = _fault_of_path(path)
        if fault:
            message = f"{path[:160]!r} {fault}."
            hint = "Give the path inside the archive, such as LICENSES/MIT.txt."
            problems.append(
                Problem("license_files.path", "license_files", message, value=path, hint=hint, rule="PEP 639")
            )
    return problems


def _fault_of_path(path: str) -> str:
    if "\\" in path:
        return "has a backslash; '/' separates folders"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "is not relative"
    if ".." in path.split("/"):
        return "leads out of the archive"
    return "is a pattern, not a path" if "*" in path else ""
