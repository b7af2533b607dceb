"""
What the pages say: rows ready to render, and the words people may ask with.

Read `catalogue.py` for the lists, `project.py` for the page of one project, `classifiers.py` for browsing. All of it
shows public projects only; the page of one private project is given to holders of a role by `publish.queries.find`.
"""
