"""Descriptions: what they may look like, and what they can never do."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from otumat_index.discover import rendering
from otumat_index.discover.rendering import PLAIN, UNREADABLE, describe, media_type

MARKDOWN, RST = "text/markdown; variant=GFM", "text/x-rst"


@pytest.fixture(autouse=True)
def _own_data(settings: Any, tmp_path: Path) -> None:
    settings.CONFIG = settings.CONFIG.__class__.for_tests(tmp_path)


def test_markdown_is_rendered_with_tables() -> None:
    html = describe("**bold**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n", MARKDOWN).html
    assert "<strong>bold</strong>" in html
    assert "<td>1</td>" in html


def test_rst_is_rendered_also_without_a_content_type() -> None:
    for content_type in (RST, ""):
        assert "<strong>bold</strong>" in describe("**bold**", content_type).html


def test_text_that_is_no_rst_is_plain_without_a_complaint_if_it_did_not_claim_to_be() -> None:
    assert describe("Title\n--\n\n:nonsense:`x`\n", "") == PLAIN


def test_plain_text_and_unknown_types_are_not_rendered() -> None:
    for content_type in ("text/plain", "text/html", "application/pdf", "nonsense", "text/markdown\r\nX: y"):
        described = describe("<b>x</b>", content_type)
        assert "<b>" not in described.html or content_type.startswith("text/markdown")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("text/x-rst", "text/x-rst"),
        ("Text/Markdown; charset=UTF-8; variant=GFM", "text/markdown"),
        ("no/such/thing", "text/plain"),
        ("\x00", "text/plain"),
    ],
)
def test_media_types_are_read_without_ever_failing(text: str, expected: str) -> None:
    assert media_type(text) == expected


HOSTILE = {
    "script": "<script>alert(1)</script>",
    "script_in_capitals": "<SCRIPT SRC=//e.example/x.js></SCRIPT>",
    "handler": "<img src=x onerror=alert(1)>",
    "handler_on_a_good_image": '<img src="https://e.example/x.png" onload=alert(1)>',
    "javascript_link": "[x](javascript:alert(1))",
    "javascript_link_with_entities": '<a href="jav&#x09;ascript:alert(1)">x</a>',
    "data_link": "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "vbscript": "<a href=vbscript:msgbox(1)>x</a>",
    "svg": "<svg onload=alert(1)><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "math": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "template": "<template><script>alert(1)</script></template>",
    "form": "<form action=//e.example><input name=password><button>Sign in</button></form>",
    "frame": "<iframe src=//e.example></iframe><object data=x></object><embed src=x>",
    "style": "<style>body{display:none}</style><p style='position:fixed'>x</p>",
    "base_and_meta": "<base href=//e.example><meta http-equiv=refresh content=0;url=//e.example><link href=x>",
    "our_own_classes_and_names": "<p class=banner id=main name=csrfmiddlewaretoken>You won</p>",
    "comment": "<!--><script>alert(1)</script>-->",
}
HARMLESS = re.compile(
    r"</?(?:a|b|blockquote|br|code|dd|div|dl|dt|em|h[3-6]|hr|img|li|ol|p|pre|section|span|strong|table|tbody|td|th|thead"
    r"|tr|ul)"
    r'(?: (?:href="(?:https?://|mailto:|#readme-)[^"]*"|src="https?://[^"]*"|rel="nofollow noopener"|alt="[^"]*"'
    r'|title="[^"]*"|id="readme-[^"]*"|loading="lazy"|referrerpolicy="no-referrer"|tabindex="0"|align="[a-z]*"))*>'
)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", [MARKDOWN, RST])
def test_A32_only_harmless_tags_and_attributes_are_left(name: str, form: str) -> None:
    html = describe(f"before\n\n{HOSTILE[name]}\n\nafter", form).html
    assert html.startswith("<p>before</p>")
    assert "after" in html
    assert [tag for tag in re.findall(r"<[^>]*>", html) if not HARMLESS.fullmatch(tag)] == []


@pytest.mark.parametrize(
    "text",
    [
        ".. raw:: html\n\n   <script>alert(1)</script>",
        ".. include:: /etc/passwd",
        ".. csv-table:: x\n   :file: /etc/passwd",
        ".. raw:: html\n   :file: /etc/passwd",
        ".. raw:: html\n   :url: http://127.0.0.1/",
    ],
)
def test_A33_rst_reads_no_file_and_passes_no_html(text: str) -> None:
    described = describe(text, RST)
    assert "root:" not in described.html
    assert "<script" not in described.html
    assert described == UNREADABLE


CRASHING = [base64.b64decode("LVU8LAwsCT4=").decode(), "\x00", "\ud800", "|a|_" * 50, "=" * 10_000, "- " * 3_000 + "x"]


@pytest.mark.parametrize("text", CRASHING)
@pytest.mark.parametrize("form", [MARKDOWN, RST, ""])
def test_A37_no_text_makes_rendering_fail(text: str, form: str) -> None:
    described = describe(text, form)
    assert "<script" not in described.html


def test_A37_what_would_take_minutes_is_shown_as_text_and_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "<div>" * 200_000
    assert describe(text, MARKDOWN) == UNREADABLE

    def never(form: str, text: str) -> str:
        raise AssertionError("was rendered again")

    monkeypatch.setattr(rendering, "run", never)
    assert describe(text, MARKDOWN) == UNREADABLE


def test_a_rendering_is_kept_and_shown_to_its_own_text_only(monkeypatch: pytest.MonkeyPatch) -> None:
    first = describe("*one*", MARKDOWN)
    path, _ = rendering.slot("markdown", "*one*")
    monkeypatch.setattr(rendering, "run", lambda form, text: "new")
    assert describe("*one*", MARKDOWN) == first
    path.write_text("another digest\n<p>somebody else's</p>", "utf-8")
    assert describe("*one*", MARKDOWN).html == "new"


def test_headings_begin_below_the_page_and_leave_no_gap() -> None:
    html = describe("## a\n\n#### b\n\n## c\n\n# d\n", MARKDOWN).html
    assert re.findall(r"<(h\d)>", html) == ["h3", "h4", "h3", "h3"]


def test_anchors_of_a_description_cannot_meet_those_of_the_page() -> None:
    html = describe('<h1 id="files">x</h1>\n\n[to](#files)', MARKDOWN).html
    assert 'id="readme-files"' in html
    assert 'href="#readme-files"' in html


def test_relative_addresses_do_not_point_into_this_index() -> None:
    html = describe("[a](docs/x.md) [b](/account/logout) [c](//e.example) ![d](x.png)", MARKDOWN).html
    assert "href" not in html
    assert "src" not in html
