"""The classifiers that may be used: as an index lists them, or as the installed trove-classifiers package does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otumat.errors import Unreachable
from otumat.transport import Request

if TYPE_CHECKING:
    from otumat.settings import Index
    from otumat.transport import Transport

MAX_CHARS = 500


@dataclass(frozen=True)
class ClassifierList:
    """Classifiers in the order they are given, and where they come from, in words."""

    source: str
    classifiers: tuple[str, ...]

    def having(self, text: str) -> ClassifierList:
        """Only those with all words of `text` in them, upper or lower case."""
        words = text.lower().split()
        found = (each for each in self.classifiers if all(word in each.lower() for word in words))
        return ClassifierList(self.source, tuple(found))


def listed_by(index: Index, *, over: Transport) -> ClassifierList:
    """
    Ask an index for its list: plain text, one a line (the draft: "a text list which may then be copied").

    Errors:
        Unreachable: no answer, or none of that form.
    """
    response = over.send(Request("GET", f"{index.url}/classifiers/", {"Accept": "text/plain"}))
    if response.status != 200 or response.media_type != "text/plain":
        raise Unreachable(f"{index.url} lists no classifiers.", code="unreachable.form")
    lines = [line.strip() for line in response.body.decode(errors="replace").splitlines()]
    return ClassifierList(index.url, tuple(line for line in lines if line and len(line) <= MAX_CHARS))


def listed_offline() -> ClassifierList:
    """
    The list that came with the trove-classifiers package, without the deprecated ones.

    Errors:
        ModuleNotFoundError: the package (of the extra `publish`) is not installed.
    """
    from importlib.metadata import version

    from otumat.spec.classifiers import Vocabulary

    vocabulary = Vocabulary.from_trove()
    return ClassifierList(f"trove-classifiers {version('trove-classifiers')}", vocabulary.sorted_for_display)
