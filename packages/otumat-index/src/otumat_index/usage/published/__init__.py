"""
What everybody sees of a project's uses, where its owners publish it: weeks, each worked out once and never again.

What may be shown is decided in `usage/rules/publishing.py`, which is pure; `actions.py` makes weeks, `queries.py` reads
them, `documents.py` writes them down, the same for page, JSON and CSV. docs/protocol/usage.md, "What is public".
"""
