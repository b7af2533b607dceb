"""
What the user has set: which index to talk to, and with which credentials.

Read once (`Settings.from_env`), handed down, never looked up again. The files are those that people have already:
`~/.pypirc`, and `~/.pythonpackagerc` of the draft, which has the same form:

    [distutils]
    index-servers = work

    [work]
    repository = https://index.example.org/legacy/
    username = alice
    password = ...

Credentials in a file belong to the index they stand beside and are sent to no other.

    index.py    Index, Credentials
    files.py    those files, read and (only `~/.pythonpackagerc`, only when asked) written
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otumat.errors import Invalid, NotFound, Problem
from otumat.settings.files import FILES, sections
from otumat.settings.index import TOKEN_USERNAME, Credentials, Index, index_from_url, index_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["TOKEN_USERNAME", "Credentials", "Index", "Settings", "index_root"]

HOW_TO_NAME_AN_INDEX = (
    "Name one with --index URL, with the environment variable OTUMAT_INDEX, "
    "or with --index NAME for an index listed in ~/.pypirc."
)


@dataclass(frozen=True)
class Settings:
    """
    Everything read from the environment and the user's files.

    Attributes:
        index: Value of OTUMAT_INDEX: a URL or a name; empty when unset.
        indexes: The sections of the files that name a repository, in reading order.
        nameless: Names of sections without `repository`, each with its file: known, but of no use.
        username, password, token: OTUMAT_USERNAME, OTUMAT_PASSWORD, OTUMAT_TOKEN.
        twine_username, twine_password: The same as other upload clients call them, asked after ours.
        home: The folder whose files were read; None when there is none.
    """

    index: str = ""
    indexes: tuple[Index, ...] = ()
    nameless: tuple[tuple[str, str], ...] = ()
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    twine_username: str = ""
    twine_password: str = field(default="", repr=False)
    home: Path | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], home: Path) -> Settings:
        """
        Read environment variables and the files in the home folder.

        Errors:
            Invalid: a file cannot be read as such; every bad file is named.
        """
        indexes: list[Index] = []
        nameless: list[tuple[str, str]] = []
        problems: list[Problem] = []
        for file in FILES:
            try:
                for found in sections(home / file):
                    if found.url:
                        indexes.append(found)
                    else:
                        nameless.append((found.name, found.source))
            except Invalid as exc:
                problems.extend(exc.problems)
        if problems:
            raise Invalid(problems)
        return cls(
            index=environ.get("OTUMAT_INDEX", "").strip(),
            indexes=tuple(indexes),
            nameless=tuple(nameless),
            username=environ.get("OTUMAT_USERNAME", ""),
            password=environ.get("OTUMAT_PASSWORD", ""),
            token=environ.get("OTUMAT_TOKEN", "").strip(),
            twine_username=environ.get("TWINE_USERNAME", ""),
            twine_password=environ.get("TWINE_PASSWORD", ""),
            home=home,
        )

    def find_index(self, wanted: str = "") -> Index:
        """
        Tell which index is meant.

        Args:
            wanted: What `--index` says, a URL or a name from the files; empty means OTUMAT_INDEX. There is no default
                beyond that: metadata goes nowhere that nobody named.

        Errors:
            NotFound: `index.unset` when nothing names one, `index.unknown` for a name that no file has.
            OtumatError: `index.url`, an address that is none.
        """
        source = "--index" if wanted else "OTUMAT_INDEX"
        wanted = wanted or self.index
        if not wanted:
            raise NotFound("No index is set.", code="index.unset", hint=HOW_TO_NAME_AN_INDEX)
        if "://" in wanted:
            return index_from_url(wanted, source=source)
        for known in self.indexes:
            if known.name == wanted:
                return known
        raise self._unknown(wanted)

    def find_credentials(self, index: Index, *, username: str = "") -> Credentials | None:
        """
        Look for credentials in the environment, the index's URL and the files, in this order.

        Args:
            username: When given, only credentials of this user are found.

        Returns:
            None when there are none; the system's keyring and the person at the terminal are not asked here.
        """
        username_elsewhere = username or self.find_username(index)
        for found in self._candidates(index):
            if not found.password or (username and found.username not in ("", username)):
                continue
            if named := found.username or username_elsewhere:
                return Credentials(named, found.password, found.source)
        return None

    def find_username(self, index: Index) -> str:
        """The first user name that stands anywhere for this index, with or without a password; empty when none does."""
        return next((found.username for found in self._candidates(index) if found.username), "")

    def _candidates(self, index: Index) -> Iterator[Credentials]:
        yield Credentials(TOKEN_USERNAME if self.token else "", self.token, "OTUMAT_TOKEN")
        yield Credentials(self.username, self.password, "OTUMAT_USERNAME and OTUMAT_PASSWORD")
        yield Credentials(self.twine_username, self.twine_password, "TWINE_USERNAME and TWINE_PASSWORD")
        same_address = [known for known in self.indexes if known.url == index.url and known != index]
        for known in (index, *same_address):
            yield Credentials(known.username, known.password, known.source)

    def _unknown(self, wanted: str) -> NotFound:
        for name, file in self.nameless:
            if name == wanted:
                return NotFound(
                    f"[{name}] in {file} has no repository.",
                    code="index.unknown",
                    hint="Add a line `repository = URL` below it.",
                )
        names = ", ".join(known.name for known in self.indexes)
        hint = f"Known names: {names}. Or give its URL." if names else "~/.pypirc lists none; give its URL."
        return NotFound(f"There is no index named {wanted!r}.", code="index.unknown", hint=hint)
