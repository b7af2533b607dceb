"""
Which paths a statement may hold: those that mean one file, the same one, on every system.

`otumat.spec.archive.paths` asks the same of the members of an archive, for people who mend it, and loads more for that.
"""

from __future__ import annotations

import re
import unicodedata

_BAD = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\\\\]"  # control, direction, \
    r"|^/|//|/$|^$|^[A-Za-z]:|(?:^|/)\.{1,2}(?:/|$)|[. ](?:/|$)"  # absolute, empty and dotted steps, a dot at the end
    r"|(?:^|/)(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|/|$)"  # devices of Windows
)
MAX_PATH_BYTES = 1024


def is_plain(path: str) -> bool:
    """
    Whether a path may be signed.

    >>> is_plain("plugin1/data.json"), is_plain("../evil.py"), is_plain("a/CON.txt"), is_plain("a\\nb")
    (True, False, False, False)
    """
    if _BAD.search(path):
        return False
    if path.isascii():
        return len(path) <= MAX_PATH_BYTES
    return len(path.encode()) <= MAX_PATH_BYTES and unicodedata.is_normalized("NFC", path)


def folded(path: str) -> str:
    """What a path is called where neither case nor composition counts; no two files of a statement may share it."""
    return (
        path.lower() if path.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    )
