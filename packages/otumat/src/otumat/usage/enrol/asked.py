"""What a host is told about the install that wants to be."""

from __future__ import annotations

from typing import NamedTuple


class Asked(NamedTuple):
    """The project, its release and manifest here ("" when unknown), and the wording that was shown."""

    project: str
    release: str
    manifest: str
    wording: int

    def as_form(self) -> dict[str, str]:
        return {
            "project": self.project,
            "release": self.release,
            "manifest": self.manifest,
            "wording": str(self.wording),
        }
