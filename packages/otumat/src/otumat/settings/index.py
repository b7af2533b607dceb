"""Which index, and who asks: two shapes, and how the address of one is understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from otumat.errors import OtumatError

TOKEN_USERNAME = "__token__"  # how an API token travels as Basic auth, as with every other upload client


@dataclass(frozen=True)
class Credentials:
    """Who asks. `source` is for people: where the password was found."""

    username: str
    password: str = field(repr=False)
    source: str


@dataclass(frozen=True)
class Index:
    """An index by its root URL, without a trailing slash, and whatever its URL or file section says about who asks."""

    url: str
    name: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    source: str = ""

    @property
    def is_private_line(self) -> bool:
        """Whether a password sent to it can be read by nobody on the way: TLS, or this very machine."""
        parts = urlsplit(self.url)
        return parts.scheme == "https" or (parts.hostname or "") in ("localhost", "127.0.0.1", "::1")


def index_root(url: str) -> str:
    """
    Reduce the address of an index's upload or simple page to the index's root, without user, query or trailing slash.

    >>> index_root("https://index.example.org/legacy/")
    'https://index.example.org'
    """
    parts = urlsplit(url.strip())
    path = parts.path.rstrip("/")
    for ending in ("/legacy", "/simple"):
        path = path.removesuffix(ending)
    host = parts.netloc.rpartition("@")[2].lower()
    return urlunsplit((parts.scheme.lower(), host, path.rstrip("/"), "", ""))


def index_from_url(url: str, *, name: str = "", source: str) -> Index:
    try:
        parts = urlsplit(url.strip())
        is_web_address = parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises ValueError when it is no number
    except ValueError:
        is_web_address = False
    if not is_web_address:
        shown = url.rpartition("@")[2]  # never a password
        raise OtumatError(
            f"{shown!r} ({source}) is not the address of an index.",
            code="index.url",
            hint="It starts with https:// or http:// and names a host, as in https://index.example.org",
        )
    return Index(
        url=index_root(url),
        name=name,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        source=source,
    )
