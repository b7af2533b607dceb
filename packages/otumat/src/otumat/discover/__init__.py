"""
Discovering: what an index knows of a project (`project.py`), and the classifiers it accepts (`classifiers.py`).

Reads only. May import `otumat.transport`, `otumat.settings`, `otumat.spec` and `otumat.errors`; prints nothing.
"""
