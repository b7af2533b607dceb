"""
What the pages say: rows ready to render, and the words people may ask with.

Read `cards.py` first, which every list is made of; then `index.py` and `listed.py` (the list of all), `question.py` and
`answer.py` (search and browsing), `project.py`, `comparing.py`, `home.py`. Private projects are shown only where the
caller says which ones may be seen (`sees`), and found by name with `publish.queries.find`, which asks for a role.
"""
