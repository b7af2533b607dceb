"""What an uploader sent: the form's fields and one file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

DIGESTS = ("sha256_digest", "blake2_256_digest", "md5_digest")
NOT_METADATA = frozenset(
    {
        ":action",
        "protocol_version",
        "filetype",
        "pyversion",
        "comment",
        "verify",
        "gpg_signature",
        "attestations",
        *DIGESTS,
    }
)


@dataclass(frozen=True)
class Upload:
    """
    What an uploader sent.

    Attributes:
        pairs: The form's text fields in order.
        filename: As the uploader named the file.
        file: Its bytes, seekable.
    """

    pairs: Sequence[tuple[str, str]]
    filename: str
    file: BinaryIO

    @cached_property
    def digests(self) -> dict[str, str]:
        """Hex digests of the bytes that arrived, by form field; and `size_bytes` beside them."""
        sha256, blake2, md5 = hashlib.sha256(), hashlib.blake2b(digest_size=32), hashlib.md5(usedforsecurity=False)
        self.file.seek(0)
        while chunk := self.file.read(1 << 20):
            for each in (sha256, blake2, md5):
                each.update(chunk)
        return {
            "sha256_digest": sha256.hexdigest(),
            "blake2_256_digest": blake2.hexdigest(),
            "md5_digest": md5.hexdigest(),
        }

    @cached_property
    def claimed_digests(self) -> list[tuple[str, str]]:
        return [(name, value.strip()) for name, value in self.pairs if name in DIGESTS and value.strip()]

    @property
    def filetype(self) -> str:
        """What the form says it is: `bdist_wheel`, `sdist`, or nothing."""
        return next((value.strip() for name, value in self.pairs if name == "filetype"), "")

    @property
    def project_name(self) -> str:
        """The project that the form names; the file itself must say the same."""
        return next((value.strip() for name, value in self.pairs if name == "name"), "")

    @property
    def attestations(self) -> str:
        """PEP 740: a list as JSON; empty when there is none."""
        return next((value for name, value in self.pairs if name == "attestations"), "")

    @cached_property
    def metadata_pairs(self) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.pairs if name not in NOT_METADATA]
