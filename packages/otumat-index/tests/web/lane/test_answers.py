from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from otumat_index.web.lane import of_file, prepare

HTML = "text/html; charset=utf-8"


def test_a_large_page_gets_a_gzip_form_and_a_short_one_does_not() -> None:
    page = prepare("/simple/alice/", b"alice " * 1000, content_type=HTML, format="html")
    assert page.compressed is not None
    assert gzip.decompress(page.compressed) == page.body
    assert page.compressed_size == len(page.compressed)
    assert prepare("/simple/a/", b"alice", content_type=HTML, format="html").compressed is None


def test_bytes_that_do_not_shrink_are_kept_plain() -> None:
    noise = random.Random(1).randbytes(5000)
    assert prepare("/files/a", noise, content_type="a/b", format="raw").compressed is None


def test_the_digest_follows_the_bytes() -> None:
    pages = [prepare("/a", body, content_type=HTML, format="html") for body in (b"one", b"one", b"two")]
    assert pages[0].digest == pages[1].digest != pages[2].digest


def test_pages_are_asked_for_each_time_and_files_never_again() -> None:
    page = dict(prepare("/simple/a/", b"", content_type=HTML, format="html").headers)
    file = dict(prepare("/files/a", b"", content_type="a/b", format="raw").headers)
    assert page["Cache-Control"] == "no-cache"
    assert "immutable" in file["Cache-Control"]
    assert "sandbox" in file["Content-Security-Policy"]


def test_a_given_header_replaces_the_default() -> None:
    page = prepare("/a", b"", content_type=HTML, format="html", headers=[("cache-control", "max-age=5")])
    assert [value for name, value in page.headers if name.lower() == "cache-control"] == ["max-age=5"]


@pytest.mark.parametrize("path", ["simple/a/", "/a b", "/a?b", "/a#b", "/a\r\nX: y", "/ä", "", "/" + "a" * 3000])
def test_what_cannot_stand_in_a_request_line_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="no raw URL path"):
        prepare(path, b"", content_type=HTML, format="html")


@pytest.mark.parametrize(
    "header", [("X", "a\r\nY: b"), ("X Y", "a"), ("X", ""), ("Content-Length", "1"), ("ETag", '"a"'), ("X", "ä")]
)
def test_what_cannot_stand_in_a_head_is_no_header(header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        prepare("/a", b"", content_type=HTML, format="html", headers=[header])


def test_only_a_regular_file_that_is_there_is_an_answer(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a regular file"):
        of_file("/files/a", tmp_path, content_type="a/b", digest="0" * 40)
    with pytest.raises(FileNotFoundError):
        of_file("/files/a", tmp_path / "none", content_type="a/b", digest="0" * 40)
    (tmp_path / "one").write_bytes(b"1234")
    assert of_file("/files/a", tmp_path / "one", content_type="a/b", digest="0" * 40).size == 4
    with pytest.raises(ValueError, match="no digest"):
        of_file("/files/a", tmp_path / "one", content_type="a/b", digest='"')
