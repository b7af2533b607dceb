"""
Everything an operator may set, in one frozen value read once at start.

Sources, later wins: the default, `settings.toml` in the data folder, the environment (same names in capitals), the
command line. All mistakes are told at once. A secret may come from a file: set `NAME_FILE` to its path.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from otumat.errors import Invalid, Problem
from otumat_index import issuers

SECRET = {"secret": True}


def option(default: Any, why: str, *, secret: bool = False, choices: tuple[str, ...] = (), least: int = 0) -> Any:
    """A field of `Config`: its default, one line of why, and whether its value must never be shown."""
    return field(default=default, metadata={"why": why, "secret": secret, "choices": choices, "least": least})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings. Units are in the names; times are seconds or days, sizes are MB (10**6 bytes)."""

    data: Path = option(Path("data"), "folder with the database, files, keys, mail and caches of the embedded default")
    public_url: str = option(
        "http://localhost:8000", "the only base for links in mails and replies; never the Host header"
    )
    database_url: str = option(
        "", "empty: SQLite in the data folder; or postgresql://user:password@host/name", secret=True
    )
    files_url: str = option(
        "", "empty: files in the data folder; or s3://bucket/prefix?endpoint=…&region=…", secret=True
    )
    mail_url: str = option(
        "", "empty: mail on the console and in data/mail; or smtp://user:password@host:587?tls=1", secret=True
    )
    mail_from: str = option("Otumat <index@localhost>", "sender of every mail")
    secret_key: str = option("", "empty: made at first start and kept in data/secret.key; signs sessions", secret=True)
    index_name: str = option("Otumat", "what the pages call this index")
    name_claims: str = option(
        "open", "open: whoever submits a free name first owns it; admin: an admin assigns it", choices=("open", "admin")
    )
    sign_up: bool = option(True, "whether strangers may register an account")
    require_second_factor: str = option(
        "none", "who must have a second factor: none, admins, or all", choices=("none", "admins", "all")
    )
    lost_domains: str = option(
        "", "comma-separated mail domains that changed hands: no link is mailed there (see SECURITY.md)"
    )
    robots: str = option(
        "deny",
        "allow: search engines may crawl the pages of public projects and get a sitemap; deny: nothing",
        choices=("allow", "deny"),
    )
    security_contact: str = option(
        "", "mailto: or https: address for reports of weaknesses, told in /.well-known/security.txt; empty: none"
    )
    max_file_mb: int = option(100, "largest file accepted by an upload", least=1)
    max_project_files: int = option(20_000, "most files of one project; 0: files are not accepted", least=0)
    max_description_kb: int = option(1_000, "longest description accepted", least=1)
    max_writes_per_hour: int = option(
        36_000,
        "changes and uploads of one account or publisher; 0: any number; each worker counts by itself",
    )
    max_reads_per_hour: int = option(360_000, "questions of one account to the management API; 0: any number")
    max_new_projects_per_day: int = option(2_000, "free names one account or publisher may claim; 0: any number")
    require_https: bool = option(False, "refuse credentials over plain http (behind a proxy: see trusted_proxies)")
    trusted_proxies: str = option("", "comma-separated addresses or networks whose X-Forwarded-* headers are believed")
    trusted_issuers: str = option(
        "", "comma-separated https issuers of identity tokens, as URL or github=URL, gitlab=URL; empty: none"
    )
    trusted_issuers_ca: str = option("", "PEM file of a private authority that signs certificates of trusted issuers")
    webhook_networks: str = option(
        "", "comma-separated addresses or networks, beside the public internet, that webhooks may call"
    )
    signatures: str = option(
        "mark",
        "what signatures of uploads do: off: not looked at; mark: shown; refuse: a project's keys must have signed its"
        " wheels. A project may ask for more, never for less",
        choices=("off", "mark", "refuse"),
    )
    trust_key: str = option(
        "",
        "PEM of the Ed25519 keys that sign the lists of projects' keys, the newest first; empty: made at first need and"
        " kept in data/trust.key",
        secret=True,
    )
    key_list_days: int = option(14, "days until such a list expires, for those who keep it", least=1)
    attestation_trust: str = option(
        "",
        "file of a Sigstore trusted root, by which attestations (PEP 740) and their transparency log are verified;"
        " needs otumat-index[sigstore]; read again when it changes",
    )
    attestation_roots: str = option(
        "",
        "PEM file of the authorities whose certificates sign attestations, where there is no trusted root: their log is"
        " not verified then; with neither, none are kept",
    )
    events_url: str = option(
        "",
        "where uses are counted: postgresql://user:password@host/name, or"
        " clickhouse://user:password@host/name?cluster=NAME&also=host2; empty: with the catalogue if that is"
        " PostgreSQL, else a SQLite file of its own in the data folder",
        secret=True,
    )
    usage_raw_days: int = option(30, "how long batches of uses are kept as they were sent; counts stay", least=1)
    legacy_agent: bool = option(
        False, "serve copies that run Otumat 0.3, whose tokens pass through an address; off again ends them for good"
    )
    usage_backup_days: int = option(30, "how long backups are kept, as receipts of an erasure say", least=1)
    workers: int = option(2, "web worker processes", least=1)
    web_threads: int = option(8, "threads a worker runs pages and uploads in", least=1)
    body_timeout_s: int = option(60, "seconds a client may take to send its request body", least=1)
    lane_cache_mb: int = option(64, "memory a worker keeps prepared simple pages and small files in")
    log_format: str = option("text", "text for people, json for machines", choices=("text", "json"))
    log_level: str = option("INFO", "least level written", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    metrics_token: str = option("", "bearer token asked for at /metrics; empty: loopback addresses only", secret=True)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **overrides: Any) -> Config:
        """
        Read the settings.

        Args:
            environ: Usually `os.environ`; `OTUMAT_DATA` names the data folder.
            overrides: What the command line said; None means not said.

        Raises:
            Invalid: Naming every unknown or malformed value.
        """
        return read(environ, **overrides)[0]

    @classmethod
    def for_tests(cls, data: Path, **values: Any) -> Config:
        """Defaults over a scratch folder."""
        return cls(data=data, secret_key="not a secret, only for tests", **values)

    @property
    def database_path(self) -> Path:
        """The embedded SQLite catalogue."""
        return self.data / "index.sqlite3"

    @property
    def events_path(self) -> Path:
        """The embedded SQLite database of uses."""
        return self.data / "events.sqlite3"

    @property
    def lane_path(self) -> Path:
        """The hot lane's cache of prepared answers; may be deleted at any time."""
        return self.data / "cache" / "lane.sqlite3"

    @property
    def search_path(self) -> Path:
        """The search engine's folder; may be deleted at any time."""
        return self.data / "search"


def read(environ: Mapping[str, str], **overrides: Any) -> tuple[Config, dict[str, str]]:
    """The settings, and for each the name of the source its value came from."""
    problems: list[Problem] = []
    said = {name: value for name, value in overrides.items() if value is not None}
    data = Path(said.pop("data", None) or environ.get("OTUMAT_DATA") or "data").absolute()
    values: dict[str, Any] = {"data": data}
    sources = {name.name: "default" for name in dataclasses.fields(Config)}
    sources["data"] = (
        "command line" if overrides.get("data") else "OTUMAT_DATA" if environ.get("OTUMAT_DATA") else "default"
    )
    hints = get_type_hints(Config)
    options = {each.name: each for each in dataclasses.fields(Config) if each.name != "data"}

    def take(name: str, raw: Any, source: str) -> None:
        try:
            values[name] = convert(hints[name], raw, options[name].metadata)
            sources[name] = source
        except ValueError as exc:
            shown = "a value not shown here" if options[name].metadata["secret"] else repr(raw)
            problems.append(
                Problem("setting.malformed", name, f"{name.upper()} is {shown} ({source}): {exc}.", rule="settings")
            )

    for name, raw in from_file(data / "settings.toml", problems).items():
        if name in options:
            take(name, raw, "settings.toml")
        else:
            problems.append(
                Problem(
                    "setting.unknown",
                    name,
                    f"settings.toml names {name!r}, which is no setting.",
                    hint="`otumat-index settings` lists them all.",
                )
            )
    for name in options:
        if environ.get(f"{name.upper()}_FILE"):
            take(name, secret_from_file(environ[f"{name.upper()}_FILE"], name, problems), f"{name.upper()}_FILE")
        if environ.get(name.upper()):
            take(name, environ[name.upper()], "environment")
    for name, raw in said.items():
        take(name, raw, "command line")
    problems += check(values)
    if problems:
        raise Invalid(problems, message="The settings cannot be used.")
    return Config(**values), sources


def from_file(path: Path, problems: list[Problem]) -> dict[str, Any]:
    try:
        return {name.lower(): value for name, value in tomllib.loads(path.read_text("utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        problems.append(Problem("setting.file", path.name, f"{path} cannot be read: {exc}."))
        return {}


def secret_from_file(path: str, name: str, problems: list[Problem]) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, ValueError) as exc:
        problems.append(
            Problem("setting.file", name, f"{name.upper()}_FILE names {path!r}, which cannot be read: {exc}.")
        )
        return ""


def convert(kind: type, raw: Any, wanted: Mapping[str, Any]) -> Any:
    """A value of the wanted type from text or TOML; ValueError says what was expected."""
    if kind is bool:
        if isinstance(raw, bool):
            return raw
        answers = {
            "1": True,
            "true": True,
            "yes": True,
            "on": True,
            "0": False,
            "false": False,
            "no": False,
            "off": False,
        }
        if str(raw).lower() not in answers:
            raise ValueError("expected yes or no")
        return answers[str(raw).lower()]
    if kind is int:
        if isinstance(raw, bool | float) or not str(raw).isascii() or not str(raw).isdigit() or len(str(raw)) > 9:
            raise ValueError("expected a whole number")
        if int(raw) < wanted["least"]:
            raise ValueError(f"expected {wanted['least']} or more")
        return int(raw)
    if not isinstance(raw, str) or "\0" in raw:
        raise ValueError("expected text")
    if wanted["choices"] and raw not in wanted["choices"]:
        raise ValueError(f"expected one of {', '.join(wanted['choices'])}")
    return raw


def check(values: Mapping[str, Any]) -> list[Problem]:
    """Rules across single values."""
    problems = []
    schemes = {
        "public_url": ("http", "https"),
        "database_url": ("postgres", "postgresql"),
        "events_url": ("postgres", "postgresql", "clickhouse"),
        "files_url": ("s3",),
        "mail_url": ("smtp", "smtps"),
    }
    for name, allowed in schemes.items():
        value = values.get(name, "")
        if value and not is_url(value, allowed):
            beginnings = " or ".join(f"{scheme}://" for scheme in allowed)
            message = f"{name.upper()} is no URL that begins with {beginnings} and names a host."
            problems.append(Problem("setting.malformed", name, message, hint=HINTS.get(name, "")))
    if (url := values.get("public_url", "")) and is_url(url, schemes["public_url"]) and not is_bare(url):
        message = f"PUBLIC_URL is {url!r}; expected scheme and host alone, such as https://index.example.org."
        problems.append(Problem("setting.malformed", "public_url", message))
    for name in ("trusted_proxies", "webhook_networks"):
        for text in values.get(name, "").split(","):
            if text.strip() and not is_network(text.strip()):
                message = f"{name.upper()} names {text.strip()!r}, which is neither an address nor a network."
                hint = "Write addresses such as 10.0.0.1 or networks such as 10.0.0.0/8, with commas between."
                problems.append(Problem("setting.malformed", name, message, hint=hint))
    contact = values.get("security_contact", "")
    if contact and not CONTACT.fullmatch(contact):
        message = f"SECURITY_CONTACT is {contact!r}; expected an address such as mailto:security@example.org."
        problems.append(Problem("setting.malformed", "security_contact", message))
    problems += issuers.parse(values.get("trusted_issuers", ""))[1]
    if (ca := values.get("trusted_issuers_ca", "")) and not Path(ca).is_file():
        message = f"TRUSTED_ISSUERS_CA names {ca!r}, which is no file."
        problems.append(Problem("setting.malformed", "trusted_issuers_ca", message))
    if (roots := values.get("attestation_roots", "")) and not Path(roots).is_file():
        message = f"ATTESTATION_ROOTS names {roots!r}, which is no file."
        problems.append(Problem("setting.malformed", "attestation_roots", message))
    if (root := values.get("attestation_trust", "")) and not Path(root).is_file():
        message = f"ATTESTATION_TRUST names {root!r}, which is no file."
        problems.append(Problem("setting.malformed", "attestation_trust", message))
    if root and find_spec("sigstore") is None:
        hint = "Install it with: pip install 'otumat-index[sigstore]'"
        message = "ATTESTATION_TRUST needs the package sigstore, which is not installed."
        problems.append(Problem("setting.extra", "attestation_trust", message, hint=hint))
    return problems


CONTACT = re.compile(r"(mailto:[!-~]+@[!-~]+|https://[!-~]+)")
HINTS = {
    "events_url": "Leave it empty for the catalogue's PostgreSQL, or a SQLite file in the data folder.",
    "database_url": "Leave it empty for the SQLite database in the data folder.",
    "files_url": "Leave it empty for a folder in the data folder.",
}


def is_url(text: str, schemes: tuple[str, ...]) -> bool:
    """Whether text is a URL of one of these schemes that names something; a database may be reached without a host."""
    try:
        url = urlsplit(text)
        return url.scheme in schemes and bool(url.netloc or url.path.strip("/")) and (url.port is None or url.port > 0)
    except ValueError:
        return False


def is_bare(text: str) -> bool:
    """Whether a URL has nothing but scheme, host and port."""
    url = urlsplit(text)
    return url.path in ("", "/") and not (url.query or url.fragment or url.username or url.password)


def is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def secret_key(config: Config) -> str:
    """The key that signs sessions: as set, or made once and kept in `data/secret.key` for the owner's eyes only."""
    if config.secret_key:
        return config.secret_key
    path = config.data / "secret.key"
    if not path.exists():
        config.data.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"secret.{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(50), "utf-8")
        try:  # a link never overwrites: of two first starts at once, one key wins and both read it
            path.hardlink_to(made)
        except FileExistsError:
            pass
        made.unlink()
    return path.read_text("utf-8").strip()
