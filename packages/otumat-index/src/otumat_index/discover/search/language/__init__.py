"""
The query language: text to `Query` and back.

Pure: no Django, no clock. `read` takes any text and never fails; what it cannot use it tells as `Slip`s, each with its
place. `write` gives the one canonical text of a query, and `read(write(q))` is q. Read `reading.py` first; `fields.py`
is what there is to say, `meaning.py` what its values mean, `naming.py` how classifiers are named in short.
"""

from __future__ import annotations

from otumat_index.discover.search.language.naming import Names
from otumat_index.discover.search.language.reading import Read, Slip, field_terms, read
from otumat_index.discover.search.language.retelling import retold
from otumat_index.discover.search.language.writing import write, write_term

__all__ = ["Names", "Read", "Slip", "field_terms", "read", "retold", "write", "write_term"]
