"""How much an archive may cost us before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Bounds on one archive; whatever crosses one is an error, told before the work it would have caused.

    Attributes:
        file_bytes: The archive as it lies on disk.
        unpacked_bytes: All its members together, unpacked; also bounds the CPU an archive can cost.
        ratio: Unpacked size divided by packed size, for the archive and for each member; ...
        ratio_from_bytes: ... looked at only above this unpacked size, because small texts compress as well as bombs.
        members: Files, directories and links.
        name_bytes: One member's whole path.
        listing_bytes: A table that is held in memory whole: the zip central directory, RECORD.
        metadata_bytes: A text that is held in memory whole: METADATA, PKG-INFO, WHEEL, entry_points.txt.
    """

    file_bytes: int = 1024 * MIB
    unpacked_bytes: int = 4096 * MIB
    ratio: int = 50
    ratio_from_bytes: int = 64 * MIB
    members: int = 100_000
    name_bytes: int = 1024
    listing_bytes: int = 32 * MIB
    metadata_bytes: int = 10 * MIB
