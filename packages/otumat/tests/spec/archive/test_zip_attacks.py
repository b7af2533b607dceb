"""Attacks A1 to A14 on the zip format itself; every archive here is written byte by byte by `builder`."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile

import pytest

FULL32 = 0xFFFFFFFF
UNICODE_PATH = struct.pack("<HHBL", 0x7075, 5 + 6, 1, 0) + b"evil.p"


def zip64_field(*numbers):
    return struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers)


def test_a_right_wheel_has_no_problems_at_all(builder, look):
    inspection = look(builder.wheel())
    assert inspection.problems == ()
    assert inspection.is_acceptable
    assert inspection.metadata == builder.METADATA
    assert inspection.wheel_metadata == builder.WHEEL
    assert inspection.root == builder.INFO
    assert "demo/__init__.py" in inspection.paths


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"hello", b"PK\3\4" + bytes(100), b"\x7fELF" + bytes(5000), b"PK\5\6", b"PK\5\6" + bytes(17)],
    ids=["empty", "two-bytes", "text", "header-only", "program", "bare-end", "short-end"],
)
def test_A01_bytes_that_are_no_zip_are_refused(errors, data):
    assert errors(data) in ({"archive.not_zip"}, {"archive.trailing"})


def test_A01_a_wheel_cut_off_anywhere_is_refused(builder, errors):
    data = builder.wheel()
    assert all(errors(data[:length]) for length in range(len(data)))


def test_A02_a_wheel_that_is_also_a_tar_is_refused(builder, forge, errors):
    # The first member's extra field fills the tar header's fields, with a checksum that holds.
    name = b"demo/__init__.py"
    data = bytearray(forge({"local": {"extra": struct.pack("<HH", 0x9999, 500) + bytes(500)}}))
    at = 30 + len(name) + 4
    assert at < 148
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + sum(data[156:512]) + 8 * 32)
    assert tarfile.TarInfo.frombuf(bytes(data[:512]), "utf-8", "surrogateescape")
    assert errors(bytes(data)) == {"archive.two_formats"}


def test_A02_a_tar_named_as_a_wheel_is_refused(builder, errors):
    assert errors(gzip.decompress(builder.sdist())) == {"archive.not_zip"}
    assert errors(builder.sdist()) == {"archive.not_zip"}


def test_A02_an_sdist_that_is_also_a_zip_is_refused(builder, errors):
    data = builder.sdist()
    end = b"PK\5\6" + bytes(16) + struct.pack("<H", 8)
    # gzip's own trailer becomes the zip's comment: the end record hides in a stored block of the last member.
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=0, mtime=0) as stream:
        stream.write(gzip.decompress(data)[:-22] + end)
    assert zipfile.is_zipfile(io.BytesIO(packed.getvalue()))
    assert "archive.two_formats" in errors(packed.getvalue(), builder.SDIST_NAME)


def test_A02_an_sdist_around_a_whole_zip_is_refused(builder, errors):
    inner = builder.Tarred("demo-1.0/inner.bin", builder.wheel())
    stored = gzip.compress(gzip.decompress(builder.sdist([inner])), compresslevel=0, mtime=0)
    with zipfile.ZipFile(io.BytesIO(stored)) as archive:
        assert archive.read("demo/__init__.py")
    assert errors(stored, builder.SDIST_NAME) == {"archive.two_formats"}
    assert not errors(builder.sdist([inner]), builder.SDIST_NAME)


def test_A03_a_member_listed_twice_is_refused(builder, errors):
    members = builder.wheel_members()
    assert "archive.duplicate" in errors(builder.zip_bytes([*members, builder.Zipped("demo/__init__.py", b"evil")]))


def test_A03_two_entries_for_one_local_header_are_refused(builder, errors):
    members = builder.wheel_members()
    ghost = builder.Zipped("demo/__init__.py", members[0].content, in_body=False, central={"offset": 0})
    found = errors(builder.zip_bytes([*members, ghost]))
    assert {"archive.duplicate", "archive.overlap"} <= found


def test_A03_overlapping_members_are_refused(builder, errors):
    inner = builder.Zipped("x.txt", b"inner", method=0)
    outer = builder.Zipped("demo/__init__.py", inner.local_bytes(), method=0)
    inner.in_body, inner.central = False, {"offset": 30 + len("demo/__init__.py")}
    members = [outer, *builder.wheel_members()[1:], inner]
    assert "archive.overlap" in errors(builder.zip_bytes(members))


def test_A04_a_second_local_header_with_the_same_name_is_refused(forge, builder, errors):
    hidden = builder.Zipped("demo/__init__.py", b"evil()", in_directory=False)
    assert errors(forge(more=[hidden])) == {"archive.zip_layout"}
    assert errors(forge({"before": hidden.local_bytes()})) == {"archive.prefix"}


def test_A05_a_local_header_that_is_not_listed_is_refused(builder, errors):
    members = builder.wheel_members()
    hidden = builder.Zipped("demo/evil.py", b"evil()", in_directory=False)
    assert errors(builder.zip_bytes([members[0], hidden, *members[1:]])) == {"archive.gap"}


def test_A05_a_listed_member_without_local_header_is_refused(builder, errors):
    members = builder.wheel_members()
    ghost = builder.Zipped("demo/ghost.py", b"", packed=b"", in_body=False)
    assert errors(builder.zip_bytes([*members, ghost])) == {"archive.local_header"}


@pytest.mark.parametrize(
    "lie",
    [
        {"name": b"demo/__evil__.py"},
        {"size": 1},
        {"packed": 3},
        {"crc": 1},
        {"method": 0},
        {"flags": 0x0800},
        {"name": b"demo/__init__.pyc"},
        {"packed": 0, "size": 0, "crc": 0},
    ],
    ids=lambda lie: "-".join(lie),
)
def test_A05_a_local_header_that_contradicts_the_directory_is_refused(forge, errors, lie):
    assert "archive.local_header" in errors(forge({"local": lie}))


@pytest.mark.parametrize(
    "lie", [{"size": 1}, {"size": 10**6}, {"packed": 3}, {"crc": 1}, {"method": 0}], ids=lambda lie: "-".join(lie)
)
def test_A05_headers_that_agree_on_a_lie_are_refused(forge, errors, lie):
    assert {"archive.content", "archive.zip_layout", "archive.gap"} & errors(forge({"local": lie, "central": lie}))


def test_A06_bytes_before_the_first_member_are_refused(forge, errors):
    assert errors(forge(prefix=b"#!/bin/sh\n")) == {"archive.prefix"}
    assert errors(forge(prefix=b"#!/bin/sh\n", shift=0)) == {"archive.zip_layout"}


def test_A07_trailing_bytes_are_refused(forge, errors):
    assert errors(forge(suffix=b"\0")) == {"archive.trailing"}
    assert errors(forge(suffix=b"x" * 70_000)) == {"archive.not_zip"}


def test_A07_concatenated_zips_are_refused(forge, errors):
    assert errors(forge() + forge()) == {"archive.zip_layout"}


def test_A07_a_second_end_record_is_refused(forge, errors):
    empty = b"PK\5\6" + bytes(18)
    assert errors(forge(suffix=empty)) == {"archive.zip_layout"}
    assert "archive.second_end" in errors(forge(comment=empty))
    cut_short = b"PK\5\6" + bytes(16) + struct.pack("<H", 22)
    assert errors(forge(between=cut_short)) == {"archive.zip_layout"}


def test_A07_bytes_between_members_and_directory_are_refused(forge, errors):
    assert errors(forge(between=b"x")) == {"archive.zip_layout"}


@pytest.mark.parametrize(
    "lie",
    [{"count": 2, "here": 2}, {"count": 9, "here": 9}, {"count": 2}, {"disk": 1}, {"size": 1}, {"offset": 0}],
    ids=["fewer", "more", "other-disks", "disk", "size", "offset"],
)
def test_A07_an_end_record_that_lies_is_refused(forge, errors, lie):
    assert errors(forge(end=lie)) == {"archive.zip_layout"}


def test_A08_right_zip64_records_are_accepted(forge, errors):
    content_size = len(b"print('hi')\n" * 20)
    full = {"count": 0xFFFF, "here": 0xFFFF, "size": FULL32, "offset": FULL32}
    assert not errors(forge(zip64={}))
    assert not errors(forge(zip64={}, end=full | {"here": 4, "count": 4}))
    packed = len(zlib_of(content_size))
    both = {"size": FULL32, "packed": FULL32, "extra": zip64_field(content_size, packed)}
    assert not errors(forge({"local": both}))
    assert not errors(forge({"local": both, "central": both}))
    one = {"size": FULL32, "extra": zip64_field(content_size)}
    assert not errors(forge({"central": one}))


def zlib_of(size):
    import zlib

    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(b"print('hi')\n" * (size // 12)) + packer.flush()


@pytest.mark.parametrize(
    "lie",
    [{"count": 3, "here": 3}, {"here": 3}, {"size": 1}, {"offset": 1}, {"rest": 45}, {"place": 0}, {"place": 10**9}],
    ids=["count", "here", "size", "offset", "extensible", "place", "place-beyond"],
)
def test_A08_zip64_end_records_that_disagree_are_refused(forge, errors, lie):
    assert errors(forge(zip64=lie)) == {"archive.zip64"}


def test_A08_a_promise_of_zip64_without_its_records_is_refused(forge, errors):
    assert errors(forge(end={"offset": FULL32})) <= {"archive.zip64", "archive.zip_layout"}
    assert errors(forge(end={"count": 0xFFFF, "here": 0xFFFF})) == {"archive.zip64"}


@pytest.mark.parametrize("where", ["local", "central"])
@pytest.mark.parametrize(
    "lie",
    [
        {"packed": FULL32, "extra": zip64_field(1)},
        {"packed": FULL32, "size": FULL32},
        {"packed": FULL32, "size": FULL32, "extra": zip64_field(240)},
        {"extra": zip64_field(1, 2)},
        {"extra": zip64_field(1, 2, 3, 4)},
        {"extra": struct.pack("<HH", 1, 4) + bytes(4)},
        {"extra": zip64_field(240) + zip64_field(240)},
        {"extra": b"\1\0\x50"},
        {"extra": struct.pack("<HH", 1, 100)},
    ],
    ids=["packed-only", "absent", "short", "other", "long", "odd", "twice", "stub", "cut"],
)
def test_A08_zip64_fields_that_do_not_fit_are_refused(forge, errors, where, lie):
    assert errors(forge({where: lie})) & {"archive.extra", "archive.local_header"}


def streamed(builder, content=b"hello world\n" * 9, *, signature=True, wide=False, method=8, **lies):
    """A member written as a stream: sizes and checksum stand behind the data."""
    member = builder.Zipped("demo/stream.py", content, method=method)
    truth = member.truth() | lies
    form = "<LQQ" if wide else "<LLL"
    member.descriptor = (b"PK\7\x08" if signature else b"") + struct.pack(
        form, truth["crc"], truth["packed"], truth["size"]
    )
    sizes = {"packed": FULL32, "size": FULL32, "extra": zip64_field(0, 0)} if wide else {"packed": 0, "size": 0}
    member.local = {"flags": 8, "crc": 0} | sizes
    member.central = {"flags": 8}
    return member


def with_streamed(builder, member):
    members = builder.wheel_members({"demo/stream.py": member.content})
    return builder.zip_bytes([member if m.name == member.name else m for m in members])


@pytest.mark.parametrize("signature", [True, False])
@pytest.mark.parametrize("wide", [True, False])
def test_A09_a_consistent_data_descriptor_is_accepted(builder, errors, signature, wide):
    member = streamed(builder, signature=signature, wide=wide)
    assert not errors(with_streamed(builder, member))


@pytest.mark.parametrize("lie", [{"crc": 1}, {"packed": 1}, {"size": 1}], ids=lambda lie: next(iter(lie)))
@pytest.mark.parametrize("signature", [True, False])
@pytest.mark.parametrize("wide", [True, False])
def test_A09_a_data_descriptor_that_lies_is_refused(builder, errors, signature, wide, lie):
    member = streamed(builder, signature=signature, wide=wide, **lie)
    assert errors(with_streamed(builder, member)) == {"archive.descriptor"}


def test_A09_a_stored_member_of_unknown_length_is_refused(builder, errors):
    member = streamed(builder, method=0)
    assert errors(with_streamed(builder, member)) == {"archive.descriptor"}


def test_A09_a_descriptor_of_the_other_width_is_refused(builder, errors):
    member = streamed(builder, wide=True)
    member.local = {"flags": 8, "crc": 0, "packed": 0, "size": 0}
    assert errors(with_streamed(builder, member)) == {"archive.descriptor"}


def test_A09_a_promised_descriptor_that_is_missing_is_refused(builder, errors):
    member = streamed(builder)
    member.descriptor = b""
    assert errors(with_streamed(builder, member)) == {"archive.descriptor"}


def test_A09_a_descriptor_nobody_promised_is_refused(builder, errors):
    member = streamed(builder)
    member.local, member.central = {}, {}
    assert errors(with_streamed(builder, member)) == {"archive.gap"}


@pytest.mark.parametrize(
    ("name", "flags", "code"),
    [
        (b"demo/\xff.py", 0x800, "archive.name_encoding"),
        (b"demo/\xff.py", 0, "archive.name_encoding"),
        ("demo/é.py".encode(), 0, "archive.name_encoding"),
        (b"demo/a\0.py", 0, "archive.name_control"),
        (b"demo/a\n.py", 0, "archive.name_control"),
        (b"demo/\x7f.py", 0, "archive.name_control"),
        ("demo/\u202eyp.py".encode(), 0x800, "archive.name_control"),
    ],
)
def test_A10_unclear_names_are_refused(builder, errors, name, flags, code):
    said = {"flags": flags}
    member = builder.Zipped(name, b"", local=said, central=said)
    assert code in errors(builder.zip_bytes([*builder.wheel_members(), member]))


def test_A10_a_name_in_utf_8_that_says_so_is_accepted(builder, errors):
    assert not errors(builder.wheel({"demo/grün.txt": b"gr\xc3\xbcn", "demo/日本.txt": b""}))


@pytest.mark.parametrize("where", ["local", "central"])
@pytest.mark.parametrize("extra", [UNICODE_PATH, UNICODE_PATH * 2], ids=["once", "twice"])
def test_A10_a_second_name_in_an_extra_field_is_refused(forge, errors, where, extra):
    assert errors(forge({where: {"extra": extra}})) == {"archive.extra"}


def test_A10_harmless_extra_fields_are_accepted(forge, errors):
    times = struct.pack("<HHBL", 0x5455, 5, 1, 0)
    assert not errors(forge({"local": {"extra": times}, "central": {"extra": times}}))


def test_A10_a_name_longer_than_the_limit_is_refused(builder, errors):
    assert "archive.name_long" in errors(builder.wheel({"demo/" + "a" * 2000: b""}))


def test_A11_comments_that_hold_records_are_refused(forge, builder, errors):
    record = builder.Zipped("evil.py", b"evil()").central_bytes(0)
    assert errors(forge(comment=record)) == {"archive.comment"}
    assert errors(forge({"central": {"comment": record}})) == {"archive.comment"}
    assert errors(forge({"central": {"comment": b"hello"}})) == {"archive.comment"}


def test_A11_a_plain_comment_behind_the_archive_is_accepted(forge, errors):
    assert not errors(forge(comment=b"written by a tool"))


def test_A11_a_comment_of_another_length_is_refused(forge, errors):
    assert errors(forge(comment=b"hello", end={"comment_size": 4})) == {"archive.trailing"}
    assert errors(forge(comment=b"hello", end={"comment_size": 6})) == {"archive.trailing"}


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93, 95, 98])
def test_A12_other_compression_methods_are_refused(forge, errors, method):
    said = {"method": method}
    assert errors(forge({"local": said, "central": said})) == {"archive.method"}


def test_A12_zstandard_is_refused_by_its_name(forge, look):
    said = {"method": 93}
    messages = [problem.message for problem in look(forge({"local": said, "central": said})).problems]
    assert any("zstandard" in message for message in messages)


@pytest.mark.parametrize("flags", [0x1, 0x41, 0x20, 0x2000, 0x8000])
def test_A12_encrypted_and_exotic_members_are_refused(forge, errors, flags):
    said = {"flags": flags}
    assert errors(forge({"local": said, "central": said})) <= {"archive.encrypted", "archive.flags"}
    assert errors(forge({"local": said, "central": said}))


def test_A12_members_for_readers_to_come_are_refused(forge, errors):
    assert errors(forge({"central": {"needed": 64}})) == {"archive.flags"}
