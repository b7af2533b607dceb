"""
Everything people and installers look at: pages, the simple API, files, and what is derived to make them quick.

The highest room: may read every other, writes nothing but what it derives. Read `simple.py` first.
"""
