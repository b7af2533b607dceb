"""
Which of two releases is the older one, by PEP 440, without the package `packaging`.

`otumat.spec.versions` orders any text for an index; here there is a floor, and what cannot be compared is below it.
"""

from __future__ import annotations

# `re` is imported and this compiled when it is first asked for: most verdicts ask for no oldest release.
_VERSION = (
    r"v?(?:(?P<epoch>[0-9]+)!)?(?P<release>[0-9]+(?:\.[0-9]+)*)"
    r"(?:[-_.]?(?P<pre>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre_n>[0-9]*))?"
    r"(?:-(?P<post_bare>[0-9]+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n>[0-9]*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>[0-9]*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?"
)
_PRE = {"alpha": "a", "beta": "b", "preview": "rc", "pre": "rc", "c": "rc"}

TYPE_CHECKING = False
if TYPE_CHECKING:
    Key = tuple[int, tuple[int, ...], tuple[str, int], int, float, tuple[tuple[int, int, str], ...]]


def is_before(version: str, floor: str) -> bool:
    """
    Whether a version is older than the floor. One that PEP 440 does not know is before every floor but itself.

    >>> is_before("1.0rc1", "1.0"), is_before("1.10", "1.9"), is_before("1.0", "1.0.0"), is_before("elder", "1.0")
    (True, False, False, True)
    """
    ours, least = _key(version), _key(floor)
    if ours is None or least is None:
        return version.strip().lower() != floor.strip().lower()
    return ours < least


def _key(text: str) -> Key | None:
    import re

    found = re.fullmatch(_VERSION, text.strip().lower(), re.ASCII) if len(text) <= 200 else None
    if found is None:
        return None
    release = [int(part) for part in found["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    is_post = found["post"] is not None or found["post_bare"] is not None
    post = int(found["post_bare"] or found["post_n"] or 0) if is_post else -1
    dev = int(found["dev_n"] or 0) if found["dev"] else float("inf")
    if found["pre"]:
        pre = (_PRE.get(found["pre"], found["pre"]), int(found["pre_n"] or 0))
    else:
        # A mere development release comes before its pre-releases, a final one behind them.
        pre = ("", 0) if found["dev"] and not is_post else ("z", 0)
    parts = re.split("[-_.]", found["local"]) if found["local"] else []
    local = tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)
    return int(found["epoch"] or 0), tuple(release), pre, post, dev, local
