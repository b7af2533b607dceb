"""
Discovering: which projects an index has (`search.py`), what it knows of one (`project.py`), and the classifiers it
accepts (`classifiers.py`).

Reads only. May import `otumat.transport`, `otumat.settings`, `otumat.spec` and `otumat.errors`; prints nothing.
"""
