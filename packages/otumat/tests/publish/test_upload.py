from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from otumat.errors import Conflict, Invalid, NotFound
from otumat.publish import upload
from otumat.settings import Credentials, Index
from otumat.testing import RecordingTransport
from otumat.transport import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Path]

INDEX = Index("https://index.example.org")
ALICE = Credentials("alice", "wonderland", "test")


def answering(body: object, media_type: str = upload.SIMPLE_JSON, status: int = 200) -> RecordingTransport:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RecordingTransport(lambda _: Response(status, {"content-type": media_type}, data))


def test_patterns_are_expanded_where_the_shell_does_not(make_wheel: Make, make_sdist: Make) -> None:
    wheel, sdist = make_wheel(), make_sdist()
    assert set(upload.find_files([f"{wheel.parent}/*"])) == {wheel, sdist}
    assert upload.find_files([f"{wheel.parent}/*.whl", str(wheel)]) == [wheel]


def test_a_file_with_a_bracket_in_its_name_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "a[1].whl"
    path.write_text("")
    assert upload.find_files([str(path)]) == [path]


def test_a_pattern_without_a_match_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Build first"):
        upload.find_files([f"{tmp_path}/*.whl"])


def test_a_file_that_was_rebuilt_in_between_is_not_sent(make_wheel: Make) -> None:
    (candidate,) = upload.inspect_files([make_wheel()])
    make_wheel(content=b"rebuilt")
    transport = answering({"ok": True}, "application/json")
    with pytest.raises(Conflict, match="has changed"):
        upload.upload(candidate, to=INDEX, by=ALICE, over=transport)
    assert transport.requests == []


def test_a_file_that_cannot_be_read_is_one_problem_among_others(make_wheel: Make, tmp_path: Path) -> None:
    wheel = make_wheel()
    wheel.unlink()
    wheel.mkdir()
    with pytest.raises(Invalid) as caught:
        upload.inspect_files([wheel, tmp_path / "gone-1.0.tar.gz"])
    assert [problem.code for problem in caught.value.problems] == ["file.unreadable"] * 2


@pytest.mark.parametrize(
    "transport",
    [
        answering(b"", status=404),
        answering(b"<html>", "text/html"),
        answering(b"{"),
        answering([]),
        answering({"files": [1]}),
        answering({"files": [{"filename": "a"}]}),
        answering(b"no", status=401),
    ],
)
def test_an_index_that_cannot_tell_its_files_has_none(transport: Any) -> None:
    assert upload.digests_on(INDEX, "roundup", by=ALICE, over=transport) == {}


def test_the_files_of_an_index_are_asked_for_as_pep_691_says() -> None:
    transport = answering({"files": [{"filename": "a-1.tar.gz", "hashes": {"sha256": "00"}}]})
    assert upload.digests_on(INDEX, "roundup", by=None, over=transport) == {"a-1.tar.gz": "00"}
    assert transport.requests == [
        Request("GET", "https://index.example.org/simple/roundup/", {"Accept": upload.SIMPLE_JSON})
    ]


def test_a_wheel_with_a_build_number_tells_its_python(make_wheel: Make) -> None:
    wheel = make_wheel()
    named = wheel.with_name("roundup-1.0-2local-py2.py3-none-any.whl")
    wheel.rename(named)
    assert dict(upload._fields(_without_inspection(named), verify=False))["pyversion"] == "py2.py3"


def _without_inspection(path: Path) -> upload.Candidate:
    from otumat.spec import filenames
    from otumat.spec.metadata import from_bytes

    return upload.Candidate(path, 0, "", "", filenames.parse(path.name), from_bytes(b"Name: roundup\n")[0])
