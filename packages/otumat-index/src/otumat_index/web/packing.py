"""gzip for answers that are written piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces as one gzip stream."""
    packer = zlib.compressobj(6, wbits=31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
