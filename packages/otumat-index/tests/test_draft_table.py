"""D51: the draft's table of what is done, as docs/protocol/draft.md has it: every door answers as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

TABLE = Path(__file__).parents[3] / "docs" / "protocol" / "draft.md"
FUNCTIONS = (
    "Submission",
    "Index",
    "Display",
    "Search",
    "User rego",
    "Trove",
    "User verification",
    "Password reminder",
)


def rows() -> Iterator[tuple[str, str, list[tuple[str, str]], int]]:
    """Function, `Y` or `N`, doors and status of each row."""
    for line in TABLE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[3].isdigit():
            yield cells[0], cells[1], re.findall(r"`(GET|POST) (\S+)`", cells[2]), int(cells[3])


DOORS = [(method, path, status) for _, _, doors, status in rows() for method, path in doors]


def test_D51_every_function_of_the_draft_is_done() -> None:
    found = list(rows())
    assert tuple(function for function, *_ in found) == FUNCTIONS
    assert {done for _, done, *_ in found} == {"Y"}
    assert all(doors for _, _, doors, _ in found)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path", "status"), DOORS, ids=[f"{method} {path}" for method, path, _ in DOORS])
def test_D51_every_door_answers(client: Client, method: str, path: str, status: int) -> None:
    ask = client.get if method == "GET" else client.post
    response = ask(path, headers={"Accept": "text/html"})
    assert response.status_code == status
    assert response.headers.get("WWW-Authenticate", "Basic").startswith("Basic")
