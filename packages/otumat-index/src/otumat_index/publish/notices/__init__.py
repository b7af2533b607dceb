"""Mail about projects: whom a change concerns (`queries.py`), and what the mail says (`letters.py`)."""
