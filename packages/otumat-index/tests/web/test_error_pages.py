"""What people see when something is wrong, and what every page has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client, RequestFactory

import otumat_index
from otumat_index.web import errors

BROWSER = {"Accept": "text/html"}
STATIC = Path(otumat_index.__file__).parent / "web" / "static" / "web"


def test_a_page_about_our_own_failure_needs_no_database() -> None:
    # Without the mark django_db, any query fails this test; a session cookie must not lead to one.
    request = RequestFactory().get("/", headers={**BROWSER, "Cookie": "sessionid=x"})
    response = errors.server_error(request)
    assert response.status_code == 500
    assert "This is our mistake, not yours." in response.content.decode()


@pytest.mark.django_db
def test_an_unknown_address_leads_on(client: Client) -> None:
    response = client.get("/no/such/page", headers=BROWSER)
    assert response.status_code == 404
    page = response.content.decode()
    assert "There is nothing at this address." in page
    assert 'href="/search"' in page


@pytest.mark.django_db
def test_A31_what_was_asked_for_is_text_in_the_answer(client: Client) -> None:
    page = client.get("/display?name=<script>alert(1)</script>", headers=BROWSER).content.decode()
    assert "What to mend" in page
    assert "<script>alert" not in page


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/", "/projects/", "/search", "/browse/", "/classifiers/?format=html", "/account/login/"]
)
def test_pages_fit_a_strict_policy_and_a_keyboard(client: Client, path: str) -> None:
    response = client.get(path)
    page = response.content.decode()
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page)
    assert '<a class="skip" href="#main">' in page
    assert page.count("<h1") == 1
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    inputs = re.findall(r"<(?:input|select|textarea)(?![^>]*type=\"(?:hidden|radio|checkbox|submit)\")[^>]*>", page)
    assert [
        tag for tag in inputs if (found := re.search(r' id="([^"]+)"', tag)) is None or found[1] not in labelled
    ] == []


def test_colours_are_named_in_one_file() -> None:
    colour = re.compile(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl|oklch|lab)a?\(")
    for path in (STATIC / "css").glob("*.css"):
        if path.name != "tokens.css":
            assert colour.findall(path.read_text()) == [], path.name


def test_every_token_used_is_defined() -> None:
    texts = {path.name: path.read_text() for path in (STATIC / "css").glob("*.css")}
    defined = set(re.findall(r"(--[a-z0-9-]+):", texts["tokens.css"]))
    used = set(re.findall(r"var\((--[a-z0-9-]+)\)", "".join(texts.values())))
    assert used - defined == set()


def test_script_is_tiny_and_optional() -> None:
    assert (STATIC / "copy.js").stat().st_size < 2000


@pytest.mark.django_db
def test_every_static_file_that_a_page_names_exists(client: Client) -> None:
    names = re.findall(r'"/static/([^"]+)"', client.get("/").content.decode())
    assert len(names) == 7
    assert [name for name in names if finders.find(name) is None] == []


@pytest.mark.django_db
def test_queries_of_an_error_page(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        client.get("/no/such/page", headers=BROWSER)
