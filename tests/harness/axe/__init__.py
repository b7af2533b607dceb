"""Whether people with a screen reader, a keyboard or weak sight can use a page, as far as a program can tell."""

from __future__ import annotations

import gzip
from pathlib import Path

from playwright.sync_api import Page

SOURCE = Path(__file__).with_name("axe-4.14.1.min.js.gz")


def complaints(page: Page) -> list[str]:
    """What axe finds wrong with the page as it stands: rule, and the element."""
    page.evaluate(gzip.decompress(SOURCE.read_bytes()).decode())  # by the debugger: the page's policy allows no script
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"]]
