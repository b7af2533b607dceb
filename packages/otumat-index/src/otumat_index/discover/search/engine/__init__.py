"""
The engine: what is in the catalogue as bitmaps over project ids in order of quality, best first.

`document.py` says what is known of a project, `building.py` makes a folder of it, `index.py` loads one and keeps it
current, `answering.py` answers a question; the modules between are its steps. May import: numpy, pyroaring, rapidfuzz,
and nothing of the web. docs/decisions/0009-search.md says why it is so.
"""
