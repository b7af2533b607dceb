"""Where a form contradicts the artifact it came with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otumat.errors import Problem
    from otumat.spec.metadata.fields import Metadata


def compare(form: Metadata, artifact: Metadata) -> list[Problem]:
    """Fields the form sends that disagree with the file's own metadata."""
    return []
