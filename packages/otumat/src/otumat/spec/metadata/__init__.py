"""
Core metadata, every field up to version 2.6: read it, write it, check it, compare it.

Pure; uses `packaging`. A `Metadata` is a plain record of what was said, right or wrong; reading never raises and never
mends, `check` finds everything that breaks a rule, `compare` finds where a form contradicts the file it came with.

Read first: `fields.py` (the table), then `reading.py`, `checking.py`.
"""

from __future__ import annotations

from otumat.spec.metadata.checking import check
from otumat.spec.metadata.comparing import compare
from otumat.spec.metadata.fields import FIELDS, METADATA_VERSIONS, Field, Metadata
from otumat.spec.metadata.parsing import from_bytes
from otumat.spec.metadata.reading import from_form, from_json
from otumat.spec.metadata.writing import to_form, to_headers, to_json

__all__ = [
    "FIELDS",
    "METADATA_VERSIONS",
    "Field",
    "Metadata",
    "check",
    "compare",
    "from_bytes",
    "from_form",
    "from_json",
    "to_form",
    "to_headers",
    "to_json",
]
