"""The list of a project's keys, as an index signs it: asked for, and refused where anything speaks against it."""

from __future__ import annotations

from otumat.errors import Invalid, NotFound, Problem, Refused, Unauthenticated, Unreachable, Untrusted
from otumat.spec.key_list import Unsigned, list_problems, read_list
from otumat.spec.names import normalize
from otumat.spec.statement import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from otumat.settings import Credentials, Index
    from otumat.spec.key_list import KeyList
    from otumat.spec.keys import PublicKey
    from otumat.spec.vouching.keyring import Pin
    from otumat.transport import Response, Transport

AHEAD_S = 5 * 60
"""How far ahead of ours an index's clock may be."""
APART_S = 10 * 60
"""How far apart the clocks of one index's machines may be, so that a list seems older than the one before it."""


def fetch_list(project: str, *, on: Index, by: Credentials | None, over: Transport) -> bytes:
    """
    The bytes of the list; nothing of them has been checked.

    Args:
        by: Sent when there are any, for private projects.

    Errors:
        NotFound, Unauthenticated, Refused; Unreachable: no answer, or none that is meant.
    """
    from urllib.parse import quote

    from otumat.transport import Request, basic_auth

    headers = {"Accept": "application/json"}
    if by is not None:
        headers["Authorization"] = basic_auth(by.username, by.password)
    response = over.send(Request("GET", f"{on.url}/trust/project/{quote(project, safe='')}/keys", headers))
    if response.status != 200:
        raise _refusal(response, project, on)
    return bytes(response.body)


def checked_list(
    data: bytes, project: str, *, asked: str, pin: Pin | None, given: Sequence[PublicKey] = (), at: float
) -> KeyList:
    """
    A list that nothing speaks against. Pure.

    Args:
        asked: Address of the index, without a slash at the end.
        pin: What is remembered of the last list; None on the first contact.
        given: The index's keys, where somebody knows them; they count instead of those remembered.
        at: Now, in seconds since 1970.

    Errors:
        Untrusted: `keys.unsigned`, or the code of the first thing that speaks against it; the message has them all.
        Unreachable: it is no such list.
    """
    try:
        found = read_list(data, trusted=given or (pin.signers if pin else ()))
    except Unsigned as exc:
        raise _untrusted([Problem("keys.unsigned", "keys", f"{str(exc).capitalize()}.")], asked) from None
    except Malformed as exc:
        raise Unreachable(f"What {asked} says of the keys of {project} cannot be read: {exc}.") from None
    problems = list_problems(
        found,
        pin,
        index=asked,
        project=normalize(project),
        at=moment(at),
        soon=moment(at + AHEAD_S),
        earlier=moment(_seconds(pin.issued) - APART_S) if pin else "",
    )
    if problems:
        raise _untrusted(problems, asked)
    return found


def moment(seconds: float) -> str:
    """A moment in the form that lists and policies have."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _seconds(text: str) -> float:
    import calendar
    import time

    try:
        return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        told = f"The policy remembers {text!r}, which is no moment."
        raise Invalid([Problem("policy.malformed", "policy", told)], message=told) from None


def _untrusted(problems: list[Problem], asked: str) -> Untrusted:
    told = " ".join(problem.message for problem in problems)
    return Untrusted(f"The list of keys that {asked} gave is not believed. {told}", code=problems[0].code,
                     hint=HINTS.get(problems[0].code, HINT))  # fmt: skip


HINT = (
    "Nothing was changed. Ask its operator what happened; to take the index at its word once more, whatever was known "
    "of it: otumat keys pin NAME --force"
)
HINTS = {
    "keys.index": "Ask an index by the name that it calls itself; its operator sets that with PUBLIC_URL. To take "
    "another index's word from now on: otumat keys pin NAME --index URL --force",
    "keys.future": "Set the clock of this machine, or tell the operator of the index.",
    "keys.expired": "Nothing was changed. Whatever answers in its place keeps back what is newer: ask again from "
    "another network, or tell its operator.",
}


def _refusal(response: Response, project: str, index: Index) -> Exception:
    if response.status == 404:
        hint = "It has no such project, or is another kind of index; private projects need credentials."
        return NotFound(f"{index.url} lists no keys for {project!r}.", code="keys.none", hint=hint)
    if response.status == 401:
        return Unauthenticated(f"{index.url} does not accept these credentials.", hint="Check them, or ask without.")
    if response.status in (403, 429):
        return Refused(f"{index.url} refuses to tell the keys of {project!r} now.", hint="Try again later.")
    return Unreachable(f"{index.url} answered with status {response.status} {response.reason}".rstrip() + ".")
