"""
Versions of any spelling, compared without ever raising.

PEP 440 versions stand above all other text; other text is ordered as distutils' LooseVersion meant it: numbers as
numbers, words as words, a number before a word. One encoding serves every purpose: `sortable` is a string whose plain
comparison is the order, so a database column sorts as Python does.

Pure; uses `packaging`. Start with `sortable`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from otumat.spec.remembering import remember

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION_MAX_CHARS = 256
"""Longer text is never taken for a PEP 440 version: it would not fit a file name, and its numbers cost time."""

_LOOSE_PART = re.compile(r"[0-9]+|[a-z]+|[^0-9a-z.]+")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ASCII_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


@remember(16384)
def parse(version: str) -> Version | None:
    """The PEP 440 version that the text spells (surrounding space apart), or None. Never raises."""
    text = version.strip()
    # Non-ASCII letters can match case-insensitively (U+017F is an s); PEP 440 means ASCII.
    if len(text) > VERSION_MAX_CHARS or not text.isascii():
        return None
    try:
        return Version(text)
    except InvalidVersion:
        return None


def is_valid(version: str) -> bool:
    """Whether the text spells a PEP 440 version."""
    return parse(version) is not None


def is_prerelease(version: str) -> bool:
    """Whether it is an alpha, beta, candidate or development version by PEP 440; other text is not known to be one."""
    parsed = parse(version)
    return parsed is not None and parsed.is_prerelease


@remember(16384)
def canonical(version: str) -> str:
    """
    The key by which a project's versions are unique: `1.0`, `v1` and `1.0.0` are all `1`.

    PEP 440 text in normal form without trailing zeros of the release; other text stripped, in ASCII lower case.
    Idempotent, and `canonical(a) == canonical(b)` exactly when `sortable(a) == sortable(b)`.
    """
    parsed = parse(version)
    return _loose_text(version) if parsed is None else _canonical_pep440(parsed)


def _canonical_pep440(version: Version) -> str:
    release = ".".join(map(str, _significant(version.release)))
    epoch = f"{version.epoch}!" if version.epoch else ""
    pre = "".join(map(str, version.pre)) if version.pre else ""
    post = f".post{version.post}" if version.post is not None else ""
    dev = f".dev{version.dev}" if version.dev is not None else ""
    local = f"+{version.local}" if version.local else ""
    return f"{epoch}{release}{pre}{post}{dev}{local}"


def _significant(release: tuple[int, ...]) -> tuple[int, ...]:
    """The release without trailing zeros, but never empty."""
    end = len(release)
    while end > 1 and not release[end - 1]:
        end -= 1
    return release[:end]


def _loose_text(version: str) -> str:
    return _SURROGATES.sub("\ufffd", version.strip().translate(_ASCII_LOWER))


def sort_key(version: str) -> bytes:
    """A key for `sorted`: the bytes of `sortable`, as a database with binary collation compares them."""
    return sortable(version).encode("utf-8")


@remember(16384)
def sortable(version: str) -> str:
    """
    Text whose code-point (and UTF-8 bytewise) order is the order of the versions. Total over any text; never raises.

    Equal for two texts exactly when `canonical` is. Holds no NUL and no surrogate, so any database stores it; for
    PEP 440 versions it is ASCII and about twice as long as the version.

    Source: PEP 440, "Summary of permitted suffixes and relative ordering"; distutils.version.LooseVersion (D15).
    """
    parsed = parse(version)
    return "0" + _sortable_loose(_loose_text(version)) if parsed is None else "1" + _sortable_pep440(parsed)


# The alphabet of the encoding, in order: "!" ends a sequence or says "before everything", digits begin a number,
# letters begin words, "~" says "after everything".


def _number(digits: str) -> str:
    """Longer numbers later: 7 -> 17, 10 -> 210, 2026 -> 42026; from nine digits on, 9 and the length before them."""
    digits = digits.lstrip("0") or "0"
    length = str(len(digits))
    if len(digits) < 9:
        return length + digits
    return f"9{len(length)}{length}{digits}"


def _sortable_pep440(version: Version) -> str:
    release = "".join(_number(str(part)) for part in _significant(version.release))
    return f"{_number(str(version.epoch))}{release}!{_pre(version)}{_post(version)}{_dev(version)}{_local(version)}"


def _pre(version: Version) -> str:
    if version.pre:
        return version.pre[0][0] + _number(str(version.pre[1]))
    # PEP 440: 1.0.dev1 comes before 1.0a1; anything else without pre-release comes after 1.0rc1.
    return "!" if version.post is None and version.dev is not None else "~"


def _post(version: Version) -> str:
    return "!" if version.post is None else _number(str(version.post))


def _dev(version: Version) -> str:
    return "~" if version.dev is None else _number(str(version.dev))


def _local(version: Version) -> str:
    """PEP 440: no local part first; words before numbers, numbers as numbers, fewer segments before more."""
    segments = version.local.split(".") if version.local else []
    return "".join(_number(part) if part.isdigit() else f"#{part}!" for part in segments)


def _sortable_loose(text: str) -> str:
    """LooseVersion's parts, then the text itself, so that different texts never compare equal."""
    parts = (_number(part) if part[0] in "0123456789" else f"a{_escaped(part)}!" for part in _LOOSE_PART.findall(text))
    return "".join(parts) + "!" + _escaped(text)


def _escaped(text: str) -> str:
    """Order kept, but nothing as low as the terminator "!": what is lower becomes two characters."""
    if text.isascii() and text.isalnum():
        return text
    return "".join(c if c > '"' else '"' + chr(0x30 + ord(c)) for c in text)


def latest(candidates: Iterable[tuple[str, bool]]) -> str | None:
    """
    The version a page or a resolver would show first, or None when there is none.

    Args:
        candidates: (version, yanked) pairs in any order. A yanked one is taken only if all are, a PEP 440 pre-release
            only when there is nothing else.
    """
    best = max(candidates, key=_preference, default=None)
    return None if best is None else best[0]


def _preference(candidate: tuple[str, bool]) -> tuple[bool, bool, str]:
    version, yanked = candidate
    return not yanked, not is_prerelease(version), sortable(version)
