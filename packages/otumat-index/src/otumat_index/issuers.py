"""The issuers of identity tokens that an operator trusts, as the setting names them."""

from __future__ import annotations

from urllib.parse import urlsplit

from otumat.errors import Problem

KINDS = ("github", "gitlab", "google", "other")
KNOWN = {
    "https://token.actions.githubusercontent.com": "github",
    "https://gitlab.com": "gitlab",
    "https://accounts.google.com": "google",
}
"""Issuers whose kind needs no telling. A GitLab of one's own is `gitlab=https://git.example.org`."""
ISSUER_MAX_CHARS = 300


def parse(text: str) -> tuple[dict[str, str], list[Problem]]:
    """
    The trusted issuers with their kinds.

    The kind decides which claims a publisher is matched by, so it belongs to the issuer and never to a token or record
    (A57): a token of one kind of issuer cannot be read as one of another kind.

    Args:
        text: URLs with commas between, each with `kind=` before it where it is not one of `KNOWN`.

    Returns:
        Issuer, exactly as tokens name it in `iss`, to kind; and what is wrong with the setting.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for part in (part.strip() for part in text.split(",")):
        kind, _, url = part.rpartition("=") if not part.startswith("https://") else ("", "", part)
        if not part:
            continue
        if kind and kind not in KINDS:
            message = f"TRUSTED_ISSUERS calls {url!r} a {kind!r}, which is no kind of issuer."
            hint = f"Choose from {', '.join(KINDS)}."
            problems.append(Problem("setting.malformed", "trusted_issuers", message, hint=hint))
        elif not is_issuer(url):
            message = f"TRUSTED_ISSUERS names {part!r}, which is no https URL of an issuer."
            hint = "Write URLs such as https://gitlab.com or gitlab=https://git.example.org, with commas between."
            problems.append(Problem("setting.malformed", "trusted_issuers", message, hint=hint))
        else:
            found[url] = kind or KNOWN.get(url, "other")
    return found, problems


def is_issuer(text: str) -> bool:
    """Whether text can be an issuer: https, a host, and neither user, query nor fragment (OpenID Discovery 1.0)."""
    try:
        url = urlsplit(text)
        bare = not (url.query or url.fragment or url.username or url.password or "?" in text or "#" in text)
        plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= ISSUER_MAX_CHARS
        return url.scheme == "https" and bool(url.hostname) and (url.port is None or url.port > 0) and bare and plain
    except ValueError:
        return False
