"""Made-up content of realistic size, the same bytes for every server under test."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """One project's page in both formats."""

    name: str
    html: bytes
    json: bytes


def project(name: str, files: int) -> Page:
    """Return the page of a project with so many files; 30 files are about 8 kB of HTML."""
    entries = [_entry(name, number) for number in range(files)]
    links = "".join(
        f'    <a href="{entry["url"]}#sha256={entry["hashes"]["sha256"]}" data-requires-python="&gt;=3.9"'
        f' data-core-metadata="true">{entry["filename"]}</a><br />\n'
        for entry in entries
    )
    html = (
        '<!DOCTYPE html>\n<html>\n  <head>\n    <meta name="pypi:repository-version" content="1.4">\n'
        f"    <title>Links for {name}</title>\n  </head>\n  <body>\n    <h1>Links for {name}</h1>\n"
        f"{links}  </body>\n</html>\n"
    )
    versions = sorted({entry["filename"].split("-")[1] for entry in entries})
    told = {"meta": {"api-version": "1.4"}, "name": name, "versions": versions, "files": entries}
    return Page(name, html.encode(), json.dumps(told, separators=(",", ":")).encode())


def listing(projects: int) -> bytes:
    """Return the JSON list of so many projects."""
    letters = random.Random(886)
    names = ("-".join(_word(letters) for _ in range(letters.randint(1, 3))) + str(n) for n in range(projects))
    told = {"meta": {"api-version": "1.4"}, "projects": [{"name": name} for name in names]}
    return json.dumps(told, separators=(",", ":")).encode()


def _word(letters: random.Random) -> str:
    return "".join(letters.choices("etaoinshrdlcumwfgypbvk", k=letters.randint(3, 8)))


def _entry(name: str, number: int) -> dict[str, object]:
    filename = f"{name}-{number // 3}.{number % 3}.0-py3-none-any.whl"
    digest = hashlib.sha256(filename.encode()).hexdigest()
    return {
        "filename": filename,
        "url": f"../../files/{digest[:2]}/{digest[2:20]}/{filename}",
        "hashes": {"sha256": digest},
        "requires-python": ">=3.9",
        "core-metadata": {"sha256": hashlib.sha256(digest.encode()).hexdigest()},
        "size": 10_000 + number,
        "upload-time": f"2025-01-{1 + number % 28:02}T00:00:00.000000Z",
        "yanked": False,
    }
