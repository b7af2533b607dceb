"""
Request heads, read strictly. Pure.

The lane answers only what it understands without doubt. Everything else is handed on untouched, in two kinds: PASS, a
request that is merely not ours (a range, a body, an expectation), after which the connection may come back to the
lane; and ODD, bytes that two parsers might read in two ways (obs-fold, bare line feeds, a repeated header, two
lengths), after which it never does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final, Literal

Verdict = Literal["pass", "odd"]
PASS: Final = "pass"
ODD: Final = "odd"

# Which of an entry's six slots a request reads: format × encoding.
HTML, JSON, NEITHER = 0, 2, 4
GZIP = 1

_FIELD = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([ -~\t]*)\Z"
)  # RFC 9112 5, obs-text and obs-fold not taken
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\Z")
_ENTITY_TAGS = re.compile(r'(?:[ \t,]*(?:W/)?"[!#-~]*"[ \t]*(?:,|\Z))+[ \t,]*\Z')  # RFC 9110 8.8.3
_ENTITY_TAG = re.compile(r'"[!#-~]*"')
_QUALITY = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z", re.IGNORECASE)
FIELDS_LIMIT = 64

# What makes a GET more than a GET, or asks for another answer than the whole one.
_NOT_OURS = frozenset(
    b"range if-range if-match if-unmodified-since expect upgrade http2-settings te trailer content-encoding"
    b" content-type x-http-method x-http-method-override x-method-override".split()
)
_FRAMING = frozenset((b"content-length", b"transfer-encoding"))
_CREDENTIALS = frozenset((b"authorization", b"cookie", b"proxy-authorization"))

Negotiate = Callable[[str | None], Literal["json", "html"] | None]


class Reading:
    """
    What a block of header fields asks for, whatever the path.

    `slot` indexes `Entry.slots`; `tags` are the entity-tags of If-None-Match, None without one, empty for `*`;
    `close` tells that the client closes; `named` that there is a Host; `secret` that the block holds credentials and
    must not be kept.
    """

    __slots__ = ("close", "named", "secret", "slot", "tags")

    def __init__(self, slot: int, tags: frozenset[bytes] | None, *, close: bool, named: bool, secret: bool) -> None:
        self.slot = slot
        self.tags = tags
        self.close = close
        self.named = named
        self.secret = secret


def read_fields(block: bytes, *, negotiate: Negotiate, hosts: Collection[str]) -> Reading | Verdict:
    """
    Read the header fields of one request.

    Args:
        block: From behind the request line's end up to and including the empty line.
        negotiate: Picks a format for an Accept value; None for "neither".
        hosts: Names answered for, lower case: `*` for any, a leading dot for a domain and all below it.
    """
    lines = block[:-4].split(b"\r\n") if block != b"\r\n" else []
    if len(lines) > FIELDS_LIMIT:
        return ODD
    fields: dict[bytes, str] = {}
    for line in lines:
        match = _FIELD.match(line)
        if match is None:
            return ODD
        name = match[1].lower()
        if name in fields:
            return ODD
        fields[name] = match[2].decode("ascii").rstrip(" \t")
    if not _FRAMING.isdisjoint(fields):
        return ODD if len(_FRAMING & fields.keys()) == 2 else PASS
    if not _NOT_OURS.isdisjoint(fields) or not _may_answer_for(fields.get(b"host"), hosts):
        return PASS
    return _understand(fields, negotiate)


def _understand(fields: dict[bytes, str], negotiate: Negotiate) -> Reading | Verdict:
    connection = {token.strip(" \t").lower() for token in fields.get(b"connection", "").split(",")} - {""}
    gzip = accepts_gzip(fields.get(b"accept-encoding"))
    tags = _tags(fields.get(b"if-none-match"))
    if not connection <= {"close", "keep-alive"} or gzip is None or tags == PASS:
        return PASS
    format = negotiate(fields.get(b"accept"))
    slot = NEITHER if format is None else JSON if format == "json" else HTML
    return Reading(
        slot + (GZIP if gzip else 0),
        None if isinstance(tags, str) else tags,
        close="close" in connection,
        named=b"host" in fields,
        secret=not _CREDENTIALS.isdisjoint(fields),
    )


def _may_answer_for(host: str | None, hosts: Collection[str]) -> bool:
    """Without a Host (HTTP/1.0) only when any host may be named."""
    if host is None:
        return "*" in hosts
    match = _HOST.match(host)
    if match is None:
        return False
    name = match[1].lower().rstrip(".")
    if "*" in hosts or name in hosts:
        return True
    return any(known[:1] == "." and (name.endswith(known) or name == known[1:]) for known in hosts)


def _tags(value: str | None) -> frozenset[bytes] | Verdict | None:
    if value is None:
        return None
    if value == "*":
        return frozenset()
    if not _ENTITY_TAGS.match(value):
        return PASS
    # RFC 9110 13.1.2: the comparison is weak, so W/ does not count.
    return frozenset(tag.encode("ascii") for tag in _ENTITY_TAG.findall(value))


def accepts_gzip(value: str | None) -> bool | None:
    """
    Tell whether gzip is the better coding for an Accept-Encoding value (RFC 9110 12.5.3).

    Returns:
        None when the value is malformed or allows neither gzip nor the plain form.
    """
    if value is None:
        return False
    wishes: dict[str, float] = {}
    for part in value.split(","):
        coding, *parameters = (piece.strip(" \t").lower() for piece in part.split(";"))
        match = _QUALITY.match(parameters[0]) if len(parameters) == 1 else None
        if len(parameters) > 1 or (parameters and match is None):
            return None
        if coding:
            wishes[coding] = float(match[1]) if match else 1.0
    gzip = wishes.get("gzip", wishes.get("x-gzip", wishes.get("*", 0.0)))
    plain = wishes.get("identity", 0.0 if wishes.get("*") == 0 else None)
    if gzip > 0:
        return plain is None or gzip >= plain
    return None if plain == 0 else False
