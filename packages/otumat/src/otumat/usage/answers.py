"""
The user's answer as it is stored: a few lines of text in the file `consent`, to be read by people and, quickly, by us.

    otumat consent 1
    level: on
    since: 2026-11-22T01:50:00Z
    source: the question at the terminal
    event: fetch until=2027-12-31 backend=mysql|postgresql

Reading is on a host's import path. Writing is in `otumat.usage.changing`, under a lock.
"""

import os

# As in otumat.spec.consent, which somebody who has not answered need not load.
UNSET, OFF, LOCAL, ON = "unset", "off", "local", "on"
LEVELS = (OFF, LOCAL, ON)
RECORDING = (LOCAL, ON)

FILE = "consent"
FIRST_LINE = "otumat consent 1"
FILE_MAX_BYTES = 512 * 1024

_FIELDS = (
    "level",
    "since",
    "source",
    "wording",
    "project",
    "host",
    "account",
    "manifest",
    "seen",
    "declined",
    "reason",
)


class Answer:
    """
    What the user said.

    Attributes:
        level: `unset` when there is no answer; `off` when there is one that cannot be read.
        since, source, wording: When, where and to which text it was given.
        host: Where uses go at level on.
        account: Whether an install is bound to a person: none, optional, required.
        manifest: Digest of what was accepted; "" for a package without a manifest.
        seen: Size and time of the manifest's file when it was last compared.
        declined: Digest of the larger manifest whose news were refused, and hosts that were, between blanks.
        reason: Why it is off, when that was not the user: `stopped` by the host.
        events: Accepted event to (last day or "", property to its values).
        bare: Whether any bare event name will do, as for a package without a manifest.
    """

    __slots__ = ("bare", "events", *_FIELDS)

    level: str
    since: str
    source: str
    wording: str
    project: str
    host: str
    account: str
    manifest: str
    seen: str
    declined: str
    reason: str

    def __init__(self, level: str = UNSET, **fields: str) -> None:
        for name in _FIELDS:
            setattr(self, name, fields.get(name, ""))
        self.level = level
        self.bare = False
        self.events: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {}


def read(folder: str) -> Answer:
    """The answer for a package; never raises. What cannot be read, or is not ours, is a no."""
    try:
        file = os.open(os.path.join(folder, FILE), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except (FileNotFoundError, NotADirectoryError):
        return Answer()
    except OSError:
        return Answer(OFF, reason="unreadable")
    try:
        if hasattr(os, "geteuid") and os.fstat(file).st_uid != os.geteuid():
            return Answer(OFF, reason="another user's")
        return _parse(os.read(file, FILE_MAX_BYTES).decode())
    except (OSError, ValueError):
        return Answer(OFF, reason="unreadable")
    finally:
        os.close(file)


def stamp(folder: str) -> tuple[int, int]:
    """Tells a package's answer from the next one."""
    try:
        found = os.stat(os.path.join(folder, FILE))
    except OSError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


def is_still(folder: str, given: Answer) -> bool:
    """Whether what the user said then holds now: not withdrawn since, nor for another host, nor said anew."""
    now = read(folder)
    return (now.level, now.since, now.host) == (given.level, given.since, given.host)


def write_text(answer: Answer) -> str:
    """The file's text; `read` reads it back."""
    lines = [FIRST_LINE, *(f"{name}: {getattr(answer, name)}" for name in _FIELDS if getattr(answer, name))]
    lines += ["bare: yes"] if answer.bare else []
    for name, (until, properties) in sorted(answer.events.items()):
        words = [name, *([f"until={until}"] if until else [])]
        words += [f"{key}={'|'.join(values)}" for key, values in sorted(properties.items())]
        lines.append("event: " + " ".join(words))
    return "\n".join([*lines, "end", ""])


def _parse(text: str) -> Answer:
    """Raise ValueError for anything that is not a whole answer: half a file is no consent."""
    lines = text.split("\n")
    if lines[0] != FIRST_LINE or lines[-2:] != ["end", ""]:
        raise ValueError(text[:20])
    answer = Answer()
    for line in lines[1:-2]:
        name, _, value = line.partition(": ")
        if name == "event":
            _parse_event(answer, value)
        elif name == "bare":
            answer.bare = value == "yes"
        elif name in _FIELDS:
            setattr(answer, name, value)
    if answer.level not in LEVELS:
        raise ValueError(answer.level)
    return answer


def _parse_event(answer: Answer, value: str) -> None:
    name, *words = value.split(" ")
    until, properties = "", {}
    for word in words:
        key, _, values = word.partition("=")
        if key == "until":
            until = values
        else:
            properties[key] = tuple(values.split("|"))
    answer.events[name] = (until, properties)
