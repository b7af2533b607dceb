"""
Many records at once: `otumat-index import`, an operator's act.

Lines are read (`source`), checked in processes of their own (`checkers` starts them, `checker` is what runs there,
`records` what it does with a line), and written batch by batch (`writer` over `tables`). `checkpoint` lets a killed
import go on; `report` and `progress` tell. Read `importing.py` first.

May import: what a room's actions may. `checker`, `records` and this file stay free of Django: a checking process has
no use for it.
"""

from __future__ import annotations


def run(source: str, *, owner: str | None = None, python: str | None = None) -> int:
    """
    Take in a file of records, standard input (`-`), or `installed`: every distribution of a Python environment.

    Args:
        source: What to read. A file holds core metadata as JSON (PEP 566), one object a line.
        owner: Login of who owns the names that are new; without, nobody does until an admin says who.
        python: Interpreter of the environment that `installed` means; by default the running one.

    Returns:
        Exit code: 0 done (the report says what was left out), 1 nothing could be taken, 130 interrupted.
    """
    from otumat_index.publish.bulk import importing  # late: the checking processes import this package, without Django

    return importing.run(source, owner=owner, python=python)
