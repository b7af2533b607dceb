"""
The hot lane: prepared answers, written inside the HTTP protocol callback before any framework runs.

`answers` shapes one prepared answer; `store` keeps them in a SQLite file that all processes of this machine share and
that may be deleted at any time; `database` is that file; `cells` is the shared page of counters by which a worker
learns of a change at its next request; `heads` reads request heads (pure); `table` is one worker's memory; `protocol`
answers, or hands the untouched bytes on; `sending` does large files. Read `answers`, then `protocol`. The choices are
told in docs/decisions/0002-hot-lane.md.

Knows nothing of projects or Django: paths, topics and serials come in as values. Imports the standard library and
uvicorn.
"""

from otumat_index.web.lane.answers import Answer, of_file, prepare
from otumat_index.web.lane.store import Store

__all__ = ["Answer", "Store", "of_file", "prepare"]
