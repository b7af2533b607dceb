"""Source distributions: attacks A2, A13 to A15, A17, A20, A22 and A27 on tar archives, and `.zip` sdists."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile

import pytest

from otumat.errors import Problem
from otumat.spec.archive import Limits, missing_license_files

NAME = "demo-1.0.tar.gz"


@pytest.fixture
def forge(builder):
    """A right sdist followed by members that are given as `Tarred` arguments."""

    def forge(*members):
        return builder.sdist([builder.Tarred(*one) if isinstance(one, tuple) else one for one in members])

    return forge


def test_a_right_sdist_has_no_problems_at_all(builder, look):
    inspection = look(builder.sdist(), NAME)
    assert inspection.problems == ()
    assert inspection.kind == "sdist"
    assert inspection.metadata == builder.PKG_INFO
    assert inspection.root == "demo-1.0"
    assert inspection.paths == {"demo-1.0/PKG-INFO", "demo-1.0/demo.py"}


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_sdists_written_by_the_standard_library_have_no_problems(builder, look, format):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", format=format) as archive:
        for name, content in {
            "PKG-INFO": builder.PKG_INFO,
            "demo/" + "long/" * 30 + "x.py": b"x",
            "ü.txt": b"",
        }.items():
            member = tarfile.TarInfo(f"demo-1.0/{name}")
            member.size = len(content)
            member.mtime = 1.5
            archive.addfile(member, io.BytesIO(content))
    inspection = look(target.getvalue(), NAME)
    assert inspection.problems == ()
    assert f"demo-1.0/demo/{'long/' * 30}x.py" in inspection.paths


def test_A01_bytes_that_are_no_sdist_are_refused(builder, errors):
    assert errors(b"", NAME) == {"archive.not_gzip"}
    assert errors(b"hello", NAME) == {"archive.not_gzip"}
    assert errors(builder.wheel(), NAME) == {"archive.not_gzip"}
    assert errors(bz2.compress(b"x"), NAME) == {"archive.not_gzip"}
    assert errors(gzip.compress(b"hello"), NAME) == {"archive.tar_header"}
    assert errors(gzip.compress(builder.wheel()), NAME) == {"archive.tar_header"}
    assert errors(gzip.compress(b""), NAME) == {"sdist.root"}


def test_A01_an_sdist_cut_off_anywhere_is_refused(builder, errors):
    data = builder.sdist()
    assert all(errors(data[:length], NAME) for length in range(len(data)))


def test_A07_trailing_bytes_and_second_gzip_members_are_refused(builder, errors):
    data = builder.sdist()
    assert errors(data + b"x", NAME) == {"archive.trailing"}
    assert errors(data + bytes(512), NAME) == {"archive.trailing"}
    assert errors(data + gzip.compress(b""), NAME) == {"archive.trailing"}
    assert errors(data + gzip.compress(builder.tar([builder.Tarred("demo-1.0/evil.py")])), NAME) == {"archive.trailing"}


def test_A07_members_behind_the_end_of_the_tar_are_refused(builder, errors):
    hidden = bytes(1024) + builder.tar([builder.Tarred("demo-1.0/setup.py", b"evil()")])
    assert errors(builder.sdist(end=hidden), NAME) == {"archive.trailing"}


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1024), bytes(10240)])
def test_padding_of_any_length_is_accepted(builder, errors, end):
    assert not errors(builder.sdist(end=end), NAME)


def test_A13_a_gzip_bomb_is_refused_while_it_unpacks(builder, forge, look):
    limits = Limits(ratio_from_bytes=1_000_000, metadata_bytes=1000)
    bomb = forge(("demo-1.0/zeros", bytes(30_000_000)))
    assert [problem.code for problem in look(bomb, NAME, limits).problems] == ["archive.ratio"]
    padding = builder.sdist(end=bytes(30_000_000))
    assert [problem.code for problem in look(padding, NAME, limits).problems] == ["archive.ratio"]


def test_A13_sdists_beyond_the_limits_are_refused(builder, forge, errors):
    big = forge(("demo-1.0/big", bytes(3_000_000)))
    assert errors(big, NAME, Limits(unpacked_bytes=1_000_000)) == {"archive.too_large"}
    many = forge(*((f"demo-1.0/{number}", b"") for number in range(60)))
    assert errors(many, NAME, Limits(members=50)) == {"archive.too_many"}
    assert errors(many, NAME, Limits(listing_bytes=300)) == {"archive.too_large"}
    assert errors(builder.sdist(), NAME, Limits(metadata_bytes=10)) == {"archive.too_large"}
    huge = builder.Tarred("PaxHeader", b"", type=b"x", size=2**33)
    assert errors(forge(huge), NAME) == {"archive.too_large"}


def test_A13_sparse_members_are_refused(builder, forge, errors):
    assert errors(forge(("demo-1.0/sparse", b"", b"S")), NAME) == {"archive.sparse"}
    for key in ("GNU.sparse.major", "GNU.sparse.size", "GNU.sparse.map", "SCHILY.realsize"):
        member = (builder.pax({key: "1"}), builder.Tarred("demo-1.0/sparse"))
        assert errors(forge(*member), NAME) == {"archive.sparse"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../evil", "archive.path"),
        ("demo-1.0/../../evil", "archive.path"),
        ("/etc/evil", "archive.path"),
        ("C:/evil", "archive.path"),
        ("demo-1.0\\..\\evil", "archive.path"),
        ("demo-1.0/./evil", "archive.path"),
        (b"demo-1.0/\xff", "archive.name_encoding"),
        ("demo-1.0/\n", "archive.name_control"),
        ("demo-1.0/evil.", "archive.name_tail"),
        ("demo-1.0/DEMO.py", "archive.collision"),
        ("demo-1.0/demo.py/evil", "archive.collision"),
        ("demo-1.0/demo.py", "archive.duplicate"),
        ("demo-1.0/PKG-INFO", "archive.duplicate"),
    ],
)
def test_A14_dangerous_member_names_are_refused(forge, errors, name, code):
    assert code in errors(forge((name, b"evil")), NAME)


@pytest.mark.parametrize("kind", [b"3", b"4", b"6"])
def test_A14_devices_and_pipes_are_refused(forge, errors, kind):
    assert errors(forge(("demo-1.0/device", b"", kind)), NAME) == {"archive.device"}


@pytest.mark.parametrize("kind", [b"8", b"A", b"D", b"M", b"N", b"V", b"X", b"\xff"])
def test_A14_other_kinds_of_members_are_refused(forge, errors, kind):
    assert errors(forge(("demo-1.0/odd", b"", kind)), NAME) == {"archive.tar_type"}


@pytest.mark.parametrize(
    "target",
    [
        "/etc/passwd",
        "../../etc/passwd",
        "..",
        "../other-1.0/x",
        "../demo-1.0x/y",
        "sub/../../../x",
        "sub/../x",
        "..\\..\\x",
        "C:x",
        "",
    ],
)
def test_A14_symbolic_links_that_may_leave_are_refused(forge, errors, target):
    assert errors(forge(("demo-1.0/link", b"", b"2", target)), NAME) == {"archive.link"}


@pytest.mark.parametrize("target", ["demo.py", "./demo.py", "not/there", "../demo-1.0/demo.py", "."])
def test_A14_symbolic_links_inside_are_accepted(forge, look, target):
    inspection = look(forge(("demo-1.0/link", b"", b"2", target)), NAME)
    assert inspection.problems == ()
    assert "demo-1.0/link" in inspection.paths


def test_A14_links_that_leave_together_are_refused(forge, errors):
    chain = [("demo-1.0/a", b"", b"2", "."), ("demo-1.0/b", b"", b"2", "a/../../..")]
    assert "archive.link" in errors(forge(*chain), NAME)


def test_A14_a_member_below_a_link_is_refused(forge, errors):
    members = [("demo-1.0/link", b"", b"2", "."), ("demo-1.0/link/evil.py", b"evil()")]
    assert errors(forge(*members), NAME) == {"archive.collision"}


def test_A14_hard_links_name_a_file_before_them(forge, errors):
    assert not errors(forge(("demo-1.0/link", b"", b"1", "demo-1.0/demo.py")), NAME)
    for target in ("demo.py", "/etc/passwd", "demo-1.0/later", "../x", "demo-1.0/../demo-1.0/demo.py", "demo-1.0/"):
        assert errors(forge(("demo-1.0/link", b"", b"1", target)), NAME) == {"archive.link"}
    through = [("demo-1.0/soft", b"", b"2", "demo.py"), ("demo-1.0/hard", b"", b"1", "demo-1.0/soft")]
    assert errors(forge(*through), NAME) == {"archive.link"}


def test_headers_that_readers_take_differently_are_refused(builder, forge, errors):
    member = builder.Tarred("demo-1.0/x", b"12345")
    for records in ({"size": "0"}, {"size": "512"}, {"hdrcharset": "BINARY"}, {"path": "demo-1.0/a\0b"}):
        assert errors(forge(builder.pax(records), member), NAME) & {
            "archive.tar_header",
            "archive.name_encoding",
            "archive.name_control",
        }
    assert errors(forge(builder.pax({"path": "demo-1.0/x"}, type=b"g"), member), NAME) == {"archive.tar_header"}
    twice = [builder.pax({"path": "demo-1.0/a"}), builder.pax({"path": "demo-1.0/b"})]
    assert errors(forge(*twice, member), NAME) == {"archive.tar_header"}
    mixed = [builder.pax({"path": "demo-1.0/a"}), builder.Tarred("L", b"demo-1.0/b\0", type=b"L")]
    assert errors(forge(*mixed, member), NAME) == {"archive.tar_header"}
    assert errors(forge(builder.pax({"path": "demo-1.0/a"})), NAME) == {"archive.tar_header"}
    assert errors(forge(builder.Tarred("demo-1.0/d", b"content", type=b"5")), NAME) == {"archive.tar_header"}
    assert errors(forge(builder.Tarred("demo-1.0/d", checksum=b"0000000\0")), NAME) == {"archive.tar_header"}
    assert errors(forge(builder.Tarred("demo-1.0/d", header={124: b"\xff" * 12})), NAME) == {"archive.tar_header"}
    assert errors(forge(builder.Tarred("demo-1.0/d", size=10**6)), NAME) == {"archive.truncated"}


@pytest.mark.parametrize("content", [b"x", b"5 a=b", b"99 path=x\n", b"6 a=b\nrest", b"06 a=b\n", b"3 \n", b"-1 a=b\n"])
def test_malformed_pax_headers_are_refused(builder, forge, errors, content):
    members = (builder.Tarred("PaxHeader", content, type=b"x"), builder.Tarred("demo-1.0/x"))
    assert errors(forge(*members), NAME) == {"archive.tar_header"}


def test_harmless_headers_are_accepted(builder, look, forge):
    commit = builder.pax({"comment": "0123456789abcdef"}, type=b"g")
    times = builder.pax({"mtime": "1.5", "uname": "bob", "SCHILY.xattr.user.x": b"\xff\0", "size": "1"})
    inspection = look(forge(commit, times, builder.Tarred("demo-1.0/x", b"1")), NAME)
    assert inspection.problems == ()


def test_A15_two_top_directories_or_loose_files_are_refused(builder, forge, errors):
    assert errors(forge(("other-1.0/x", b"")), NAME) == {"sdist.root"}
    assert errors(forge(("loose.py", b"")), NAME) == {"sdist.root"}
    assert errors(gzip.compress(builder.tar([builder.Tarred("demo-1.0", b"")])), NAME) == {"sdist.root"}


def test_A15_an_sdist_without_pkg_info_is_refused(builder, errors):
    data = gzip.compress(builder.tar([builder.Tarred("demo-1.0/sub/PKG-INFO", builder.PKG_INFO)]))
    assert errors(data, NAME) == {"sdist.pkg_info"}
    folder = gzip.compress(builder.tar([builder.Tarred("demo-1.0/PKG-INFO/", b"", type=b"5")]))
    assert errors(folder, NAME) == {"sdist.pkg_info"}
    link = [builder.Tarred("demo-1.0/x", b""), builder.Tarred("demo-1.0/PKG-INFO", b"", type=b"2", target="x")]
    assert errors(gzip.compress(builder.tar(link)), NAME) == {"sdist.pkg_info"}


@pytest.mark.parametrize("filename", ["other-1.0.tar.gz", "demo-1.1.tar.gz"])
def test_A20_an_sdist_under_another_name_is_refused(builder, errors, filename):
    assert errors(builder.sdist(), filename) == {"sdist.root", "metadata.identity"}


def test_A22_pkg_info_of_another_project_or_version_is_refused(builder, errors):
    for text in (b"Name: evil\nVersion: 1.0\n", b"Name: demo\nVersion: 2.0\n", b""):
        data = gzip.compress(builder.tar([builder.Tarred("demo-1.0/PKG-INFO", text)]))
        assert errors(data, NAME) == {"metadata.identity"}


def test_old_spellings_of_name_and_version_are_accepted(builder, errors):
    text = b"Name: Zope.Old-Package\nVersion: 1.0-1\n"
    data = gzip.compress(builder.tar([builder.Tarred("Zope.Old-Package-1.0-1/PKG-INFO", text)]))
    assert not errors(data, "zope_old_package-1.0.post1.tar.gz")


def test_zip_sdists_are_held_to_the_rules_of_zips_and_sdists(builder, look, errors):
    right = [builder.Zipped("demo-1.0/PKG-INFO", builder.PKG_INFO), builder.Zipped("demo-1.0/demo.py", b"pass")]
    inspection = look(builder.zip_bytes(right), "demo-1.0.zip")
    assert inspection.is_acceptable
    assert inspection.metadata == builder.PKG_INFO
    assert inspection.root == "demo-1.0"
    assert errors(builder.zip_bytes(right, prefix=b"x"), "demo-1.0.zip") == {"archive.prefix"}
    assert errors(builder.zip_bytes(right[1:]), "demo-1.0.zip") == {"sdist.pkg_info"}
    assert "archive.path" in errors(builder.zip_bytes([*right, builder.Zipped("demo-1.0/../x")]), "demo-1.0.zip")
    assert errors(builder.zip_bytes(right), "demo-1.0.zip", Limits(metadata_bytes=9)) == {"archive.too_large"}


def test_A27_every_licence_file_must_be_in_the_archive(builder, look):
    sdist = look(builder.sdist([builder.Tarred("demo-1.0/LICENSE", b"MIT")]), NAME)
    assert missing_license_files(sdist, ["LICENSE"]) == []
    (problem,) = missing_license_files(sdist, ["LICENSE", "docs/NOTICE"])
    assert isinstance(problem, Problem)
    assert (problem.field, problem.value, problem.severity) == ("license_files", "docs/NOTICE", "error")
    wheel = look(builder.wheel({f"{builder.INFO}/licenses/docs/NOTICE": b"x", f"{builder.INFO}/COPYING": b"x"}))
    assert missing_license_files(wheel, ["docs/NOTICE", "COPYING"]) == []
    assert [problem.value for problem in missing_license_files(wheel, ["NOTICE"])] == ["NOTICE"]
