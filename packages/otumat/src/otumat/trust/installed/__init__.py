"""
What is installed: found on disk, read without importing any of it, and judged.

    finding.py      distributions of a path like `sys.path`, by their dist-info folders
    places.py       where installers put what: site, scripts, data, headers
    observing.py    the files of a statement, and what lies beside them
    bytecode.py     whether a `.pyc` is what its source compiles to; marshalled.py reads it without running it
    shadowing.py    whether an import would find it at all
    distribution.py `verify_distribution`
    environment.py  `verify_environment`: everything, and what belongs to nobody
"""

from __future__ import annotations
