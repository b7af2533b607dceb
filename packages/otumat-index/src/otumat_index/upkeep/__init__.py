"""
A copy of the whole index to keep elsewhere (`taking`), a new index from one (`restoring`), and whether everything is
there (`checking`). `kept` is how a copy lies in its folder, `dumps` knows the databases.
"""
