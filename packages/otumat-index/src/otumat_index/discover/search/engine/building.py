"""
From the catalogue to a folder: read everything once, number the projects by quality, turn tokens into bitmaps.

A build takes nothing from the one before and no lock on the catalogue. Whatever changes while it reads has a higher
serial than the one it notes first, and is read again when the journal is followed from there.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from otumat_index.discover.search.engine import folder
from otumat_index.discover.search.engine.arranging import arranged
from otumat_index.discover.search.engine.document import Document
from otumat_index.discover.search.engine.gathered import Gathered
from otumat_index.discover.search.engine.inverting import FREQUENT

Progress = Callable[[float], object]


def build(
    parent: Path,
    documents: Iterable[list[Document]],
    *,
    expected: int,
    head: dict[str, Any],
    at: int,
    in_use: Mapping[int, int] | None = None,
    progress: Progress = lambda _: None,
    frequent: int = FREQUENT,
) -> Path:
    """
    Write a folder of everything.

    Args:
        parent: Where it is put.
        expected: About how many documents there are, for the progress.
        head: What the folder says of itself; `serial` is the journal's before the first document was read.
        at: Now, in seconds since 1970.
        in_use: Installs by primary key of the project, where that is known.
        progress: Called with what part of the work is done, 0 to 1.
        frequent: See `inverting.FREQUENT`.
    """
    gathered = Gathered(in_use=in_use or {})
    gathered.nodes[""]  # number 0 fills up rows
    with without_collector():
        for some in documents:
            for document in some:
                gathered.add(document, at)
            progress(min(0.75, 0.75 * len(gathered.names) / max(expected, 1)))
    more = {"count": len(gathered.names), "nodes": list(gathered.nodes), "built_at": at}
    made = folder.save(parent, arranged(gathered, progress, frequent), {**head, **more})
    progress(1.0)
    return made


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Nothing read here goes round in circles, and looking for circles among millions of texts takes a third longer."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
