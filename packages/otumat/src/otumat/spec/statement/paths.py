"""
Which paths a statement may hold: those that mean one file, the same one, on every system.

`otumat.spec.archive.paths` asks the same of the members of an archive, for people who mend it, and loads more for that.
"""

from __future__ import annotations

_BAD = (
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\\\\]"  # control, direction, \
    r"|^/|//|/$|^$|^[A-Za-z]:|(?:^|/)\.{1,2}(?:/|$)|[. ](?:/|$)"  # absolute, empty and dotted steps, a dot at the end
    r"|(?:^|/)(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|/|$)"  # devices of Windows
)
_USUAL = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./"
_DEVICES = frozenset(["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))])
MAX_PATH_BYTES = 1024


def is_plain(path: str) -> bool:
    """
    Whether a path may be signed.

    >>> is_plain("plugin1/data.json"), is_plain("../evil.py"), is_plain("a/CON.txt"), is_plain("a\\nb")
    (True, False, False, False)
    """
    if not 0 < len(path.encode("utf-8", "surrogatepass")) <= MAX_PATH_BYTES:
        return False
    if _is_usual(path):
        return True
    # Late: most wheels have usual paths alone, and every verdict would pay for these imports.
    import re
    from unicodedata import is_normalized

    if re.search(_BAD, path):
        return False
    return path.isascii() or is_normalized("NFC", path)


def folded(path: str) -> str:
    """What a path is called where neither case nor composition counts; no two files of a statement may share it."""
    if path.isascii():
        return path.lower()
    from unicodedata import normalize

    return normalize("NFC", normalize("NFC", path).casefold())


def _is_usual(path: str) -> bool:
    """Whether nothing about a path is worth a second look; some that may be signed are not usual."""
    if path.strip(_USUAL) or "//" in path or "./" in path or "/." in path or path[0] in "/." or path[-1] in "/.":
        return False
    return _DEVICES.isdisjoint(path.lower().replace(".", "/").split("/"))
