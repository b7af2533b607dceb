"""
The searcher: one process a machine that holds the engine, follows the journal and answers the web workers.

`keeper.py` loads, follows and has rebuilt; `rebuilding.py` is what a build is (also `otumat-index reindex`);
`server.py` answers at the socket.
"""

from __future__ import annotations

from otumat_index.discover.search.searcher.server import main

__all__ = ["main"]
