"""
Search and browse over the whole catalogue.

`asked.py` is the question, `found.py` the answer; `language/` reads and writes questions as text, `engine/` answers
them from bitmaps, `sql.py` while the engine is being built. Read `asked.py` first.
"""
