"""Zip archives that would cost too much: A13 and limits."""

from __future__ import annotations

import io
import zipfile

import pytest

from otumat.spec.archive import Limits

SMALL = Limits(ratio_from_bytes=100_000, unpacked_bytes=10_000_000, members=50, file_bytes=500_000, listing_bytes=5_000)


def test_A13_a_bomb_is_refused_before_it_is_unpacked(builder, errors):
    assert "archive.ratio" in errors(builder.wheel({"demo/zeros": bytes(5_000_000)}), limits=SMALL)


def test_A13_more_bytes_than_declared_are_not_unpacked(builder, errors):
    lie = {"size": 10}
    member = builder.Zipped("demo/zeros", bytes(5_000_000), local=lie, central=lie)
    assert "archive.content" in errors(builder.zip_bytes([*builder.wheel_members(), member]), limits=SMALL)


def test_A13_archives_beyond_the_limits_are_refused(builder, errors):
    big = builder.Zipped("demo/big", bytes(11_000_000), method=0)
    roomy = Limits(unpacked_bytes=10_000_000)
    assert errors(builder.zip_bytes([*builder.wheel_members(), big]), limits=roomy) == {"archive.too_large"}
    assert errors(bytes(600_000), limits=SMALL) == {"archive.too_large"}
    many = {f"demo/{number}.py": b"" for number in range(60)}
    assert errors(builder.wheel(many), limits=SMALL) == {"archive.too_many"}
    wide = {f"demo/{number}{'a' * 200}.py": b"" for number in range(30)}
    assert errors(builder.wheel(wide), limits=SMALL) == {"archive.too_large"}


def test_A13_a_large_metadata_file_is_refused(builder, look):
    inspection = look(
        builder.wheel({f"{builder.INFO}/METADATA": builder.METADATA + b"x" * 5000}), limits=Limits(metadata_bytes=4000)
    )
    assert {problem.code for problem in inspection.problems} == {"archive.too_large"}
    assert inspection.metadata == b""


def test_A13_large_members_are_unpacked_in_pieces_and_checked(builder, errors):
    content = bytes(range(256)) * 20_000
    assert not errors(builder.wheel({"demo/data.bin": content}))
    assert "record.wrong_hash" in errors(
        builder.wheel({"demo/data.bin": content}, record=builder.record_row("demo/data.bin", content[:-1] + b"x"))
    )


@pytest.mark.parametrize(
    "name",
    ["../evil.py", "demo/../../evil.py", "/etc/evil", "C:/evil.py", "c:evil.py", "..\\evil.py", "demo\\evil.py",
     "demo//evil.py", "./evil.py", "demo/./evil.py", "..", "\\\\host\\share"],
)  # fmt: skip
def test_A14_members_that_climb_out_are_refused(builder, errors, name):
    assert "archive.path" in errors(builder.wheel({name: b"evil"}))


@pytest.mark.parametrize(
    ("mode", "code"), [(0o120777, "archive.link"), (0o020666, "archive.device"), (0o010666, "archive.device")]
)
def test_A14_links_and_devices_in_a_zip_are_refused(forge, errors, mode, code):
    assert errors(forge({"central": {"mode": mode}})) == {code}


def test_A14_a_file_where_a_directory_must_be_is_refused(builder, errors):
    assert "archive.collision" in errors(builder.wheel({"demo/__init__.py/evil.py": b""}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("demo/Foo.py", "demo/foo.py"),
        ("demo/é.py", "demo/e\u0301.py"),
        ("demo/straße", "demo/STRASSE"),
        ("demo/a", "demo/A/"),
    ],
)
def test_A17_names_that_become_one_are_refused(builder, errors, one, other):
    assert "archive.collision" in errors(builder.wheel({one: b"", other: b""}))


@pytest.mark.parametrize("name", ["demo/evil.py.", "demo/evil.py ", "demo./x.py", "demo /x.py", "demo/..."])
def test_A17_names_that_lose_their_tail_are_refused(builder, errors, name):
    assert "archive.name_tail" in errors(builder.wheel({name: b""}))


def test_directories_are_accepted_and_need_no_row_in_record(builder, errors):
    folder = builder.Zipped("demo/", b"", method=0, central={"mode": 0o040755})
    assert not errors(builder.zip_bytes([folder, *builder.wheel_members()]))
    assert "archive.directory" in errors(builder.zip_bytes([builder.Zipped("demo/", b"x"), *builder.wheel_members()]))


def test_the_order_of_the_central_directory_does_not_matter(builder, errors):
    data = builder.wheel()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = archive.start_dir
    entries = data[start:-22].split(b"PK\1\2")[1:]
    turned = b"".join(b"PK\1\2" + entry for entry in reversed(entries))
    assert not errors(data[:start] + turned + data[-22:])


def test_many_problems_are_cut_to_a_readable_number(builder, look):
    problems = look(builder.wheel({f"demo/\x01{number}": b"" for number in range(500)})).problems
    assert len(problems) < 60
    assert problems[-1].code == "archive.more"
