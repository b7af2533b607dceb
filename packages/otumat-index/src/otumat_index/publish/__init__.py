"""
Projects, releases, files and roles, and every way to change them.

May import: `trust`, `accounts`, `jobs`, `journal`, `web`, `otumat.spec`. Read `actions/` first: `submit_release` and
`publish_file` are the two ways in; `rules.py` decides, `views.py` and `api.py` are the doors.
"""
