"""What a wheel must have in it: attacks A15, A16, A18 to A20, and the wheel specification."""

from __future__ import annotations

import pytest

INFO = "demo-1.0.dist-info"


@pytest.mark.parametrize("name", ["METADATA", "WHEEL", "RECORD"])
def test_A15_a_wheel_without_a_required_file_is_refused(builder, look, name):
    inspection = look(builder.wheel({f"{INFO}/{name}": None}))
    assert [problem.code for problem in inspection.problems] == ["wheel.missing"]
    assert name in inspection.problems[0].message


def test_A15_a_wheel_without_dist_info_is_refused(builder, errors):
    assert errors(builder.zip_bytes([builder.Zipped("demo.py", b"pass")])) == {"wheel.dist_info"}
    assert errors(builder.zip_bytes([])) == {"wheel.dist_info"}


def test_A16_a_file_that_record_does_not_list_is_refused(builder, errors):
    members = [*builder.wheel_members(), builder.Zipped("demo/evil.py", b"evil()")]
    assert errors(builder.zip_bytes(members)) == {"record.missing_row"}


def record(builder, *rows, without=()):
    files = {
        "demo/__init__.py": b"print('hi')\n" * 20,
        f"{INFO}/METADATA": builder.METADATA,
        f"{INFO}/WHEEL": builder.WHEEL,
    }
    right = [builder.record_row(name, content) for name, content in files.items() if name not in without]
    return "".join([*right, f"{INFO}/RECORD,,\n", *rows])


def test_A16_a_row_for_a_file_that_is_not_there_is_refused(builder, errors):
    rows = record(builder, builder.record_row("demo/gone.py", b""))
    assert errors(builder.wheel(record=rows)) == {"record.absent_file"}
    outside = record(builder, builder.record_row("../../etc/passwd", b""))
    assert errors(builder.wheel(record=outside)) == {"record.absent_file"}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("demo/__init__.py,sha256=AAAA,240\n", "record.wrong_hash"),
        ("demo/__init__.py,md5=AAAA,240\n", "record.weak_hash"),
        ("demo/__init__.py,sha1=AAAA,240\n", "record.weak_hash"),
        ("demo/__init__.py,shake_128=AAAA,240\n", "record.weak_hash"),
        ("demo/__init__.py,,240\n", "record.no_hash"),
        ("demo/__init__.py,,\n", "record.no_hash"),
        ("demo/__init__.py\n", "record.row"),
        ('"demo/__init__.py,,\n', "record.unreadable"),
    ],
)
def test_A16_a_row_that_does_not_vouch_for_the_content_is_refused(builder, errors, row, code):
    assert code in errors(builder.wheel(record=record(builder, row, without=["demo/__init__.py"])))


def test_A16_the_digest_of_the_packed_bytes_does_not_count(builder, errors):
    content = b"print('hi')\n" * 20
    row = builder.record_row("demo/__init__.py", builder.deflated(content))
    assert "record.wrong_hash" in errors(builder.wheel(record=record(builder, row, without=["demo/__init__.py"])))


def test_A16_a_wrong_size_is_refused(builder, errors):
    right = builder.record_row("demo/__init__.py", b"print('hi')\n" * 20)
    row = right.replace(",240", ",241")
    assert errors(builder.wheel(record=record(builder, row, without=["demo/__init__.py"]))) == {"record.wrong_size"}


def test_A16_two_rows_for_one_file_are_refused(builder, errors):
    row = builder.record_row("demo/__init__.py", b"print('hi')\n" * 20)
    assert errors(builder.wheel(record=record(builder, row))) == {"record.duplicate"}


def test_A16_a_record_that_is_no_text_is_refused(builder, errors):
    assert "record.unreadable" in errors(builder.wheel({f"{INFO}/RECORD": b"\xff\xfe\0"}))


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512", "blake2b"])
def test_A16_stronger_digests_are_accepted(builder, errors, algorithm):
    row = builder.record_row("demo/__init__.py", b"print('hi')\n" * 20, algorithm)
    assert not errors(builder.wheel(record=record(builder, row, without=["demo/__init__.py"])))


def test_A16_signatures_of_record_need_no_row_but_are_told(builder, look):
    members = [*builder.wheel_members(), builder.Zipped(f"{INFO}/RECORD.jws", b"{}")]
    problems = look(builder.zip_bytes(members)).problems
    assert [(problem.code, problem.severity) for problem in problems] == [("wheel.signature", "warning")]


@pytest.mark.parametrize("name", ["../evil", "/bin/sh", "..\\evil", "a/b", "..", ""])
@pytest.mark.parametrize("group", ["console_scripts", "gui_scripts", " Console_Scripts "])
def test_A18_scripts_named_as_paths_are_refused(builder, errors, group, name):
    text = f"[other]\nfoo/bar = demo\n[{group}]\n# a/b = comment\n{name} = demo:main\n"
    assert errors(builder.wheel({f"{INFO}/entry_points.txt": text.encode()})) == {"entry_points.path"}


def test_A18_sections_that_readers_take_differently_are_refused(builder, errors):
    for text in (b"[console_scripts]\n[x] y\n../evil = a:b\n", b"[console_scripts\na = b\n"):
        assert "entry_points.unreadable" in errors(builder.wheel({f"{INFO}/entry_points.txt": text}))
    marked = b"\xef\xbb\xbf[console_scripts]\n../evil = a:b\n"
    assert errors(builder.wheel({f"{INFO}/entry_points.txt": marked})) == {"entry_points.path"}


def test_A18_plain_scripts_and_paths_in_other_groups_are_accepted(builder, look):
    text = b"[console_scripts]\ndemo = demo:main [extra]\ndemo-2.x=demo:main\n\n[files]\na/b = demo\n"
    inspection = look(builder.wheel({f"{INFO}/entry_points.txt": text}))
    assert inspection.problems == ()
    assert inspection.entry_points == text


@pytest.mark.parametrize("second", ["evil-1.0.dist-info", "demo-1.1.dist-info", "Demo-1.0.DIST-INFO"])
def test_A19_two_dist_info_directories_are_refused(builder, errors, second):
    assert "wheel.dist_info" in errors(builder.wheel({f"{second}/METADATA": b"Name: evil"}))


@pytest.mark.parametrize("filename", ["other-1.0-py3-none-any.whl", "demo-1.1-py3-none-any.whl"])
def test_A20_a_wheel_under_another_name_is_refused(builder, errors, filename):
    assert errors(builder.wheel(), filename) == {"wheel.dist_info", "metadata.identity"}


@pytest.mark.parametrize(
    "headers",
    [
        b"Name: evil\nVersion: 1.0\n",
        b"Name: demo\nVersion: 6.6\n",
        b"Name: demo\nName: evil\nVersion: 1.0\n",
        b"Version: 1.0\n",
        b"\nName: demo\nVersion: 1.0\n",
        b"Name: demo\nVersion: " + b"1" * 5000 + b"\n",
        b"Name: demo\nVersion: \xff\n",
        b"Name: demo\nVersion: 1.0\nSummary: x\rName: evil\n",
    ],
)
def test_A20_metadata_of_another_project_or_version_is_refused(builder, errors, headers):
    assert errors(builder.wheel({f"{INFO}/METADATA": headers})) == {"metadata.identity"}


def test_A20_other_spellings_of_the_same_are_accepted(builder, errors):
    metadata = b"name: Demo.Package\r\nVERSION:  1.0.0+Local.1\r\n\r\nVersion: text\r\n"
    info = "Demo_Package-1.0+local.1.dist-info"
    files = {f"{INFO}/{name}": None for name in ("METADATA", "WHEEL", "RECORD")}
    del files[f"{INFO}/RECORD"]
    wheel = builder.wheel(files | {f"{info}/METADATA": metadata, f"{info}/WHEEL": builder.WHEEL}, info=info)
    assert not errors(wheel, "demo_package-1.0+local.1-py3-none-any.whl")


@pytest.mark.parametrize(
    "text", [b"", b"Wheel-Version: 2.0\n", b"Wheel-Version: 1.0\nWheel-Version: 1.0\n", b"Generator: x\n"]
)
def test_a_wheel_of_another_format_version_is_refused(builder, look, text):
    inspection = look(builder.wheel({f"{INFO}/WHEEL": text + b"Tag: py3-none-any\n"}))
    assert [problem.code for problem in inspection.problems] == ["wheel.version"]


LINUX = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        (["py3-none-any"], "py3-none-any"),
        (["py3-none-any"], "1abc-py3-none-any"),  # a build tag is none of them
        (["py2-none-any", "py3-none-any"], "py2.py3-none-any"),
        (["py2.py3-none-any"], "py3.py2-none-any"),
        (["PY3-none-any", "py3-none-any"], "py3-none-any"),
        (["cp311-cp311-manylinux2014_x86_64", "cp311-cp311-manylinux_2_17_x86_64"], LINUX),
        (["cp37-abi3-win_amd64", "cp37-none-win_amd64"], "cp37-abi3.none-win_amd64"),
    ],
)
def test_A15_tags_are_compared_as_sets_and_expanded(builder, look, tags, named):
    wheel = "Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags)
    assert look(builder.wheel({f"{INFO}/WHEEL": wheel.encode()}), f"demo-1.0-{named}.whl").problems == ()


@pytest.mark.parametrize(
    ("tags", "named"),
    [
        (["py3-none-any"], "py2.py3-none-any"),
        (["py2.py3-none-any"], "py3-none-any"),
        (["cp311-cp311-linux_x86_64"], LINUX),  # renamed by hand, and never looked at by auditwheel
        (["cp311-cp311-manylinux2014_x86_64"], LINUX),
        (["py3-none"], "py3-none-any"),
        ([".".join(f"py{n}" for n in range(400)) + "-none-a.b.c"], "py3-none-any"),
        ([f"py3-none-any{n}" for n in range(2000)], "py3-none-any"),
    ],
)
def test_A15_a_wheel_whose_tags_are_not_those_of_its_name_is_refused(builder, look, tags, named):
    wheel = "Wheel-Version: 1.0\n" + "".join(f"Tag: {tag}\n" for tag in tags)
    (problem,) = look(builder.wheel({f"{INFO}/WHEEL": wheel.encode()}), f"demo-1.0-{named}.whl").problems
    assert (problem.code, problem.severity) == ("wheel.tags", "error")
    assert "its file name says" in problem.message
    assert len(problem.message) < 1000


def test_a_wheel_without_tags_is_taken_with_a_warning(builder, look):
    (problem,) = look(builder.wheel({f"{INFO}/WHEEL": b"Wheel-Version: 1.0\n"})).problems
    assert (problem.code, problem.severity) == ("wheel.tags", "warning")


@pytest.mark.parametrize("folder", ["demo-1.0.data/evil/x", "other-1.0.data/scripts/x", "demo-1.0.DATA/scripts/x"])
def test_data_folders_that_installers_do_not_know_are_refused(builder, errors, folder):
    assert errors(builder.wheel({folder: b""})) == {"wheel.data"}


def test_known_data_folders_are_accepted(builder, errors):
    assert not errors(builder.wheel({"demo-1.0.data/scripts/demo": b"", "demo/x.data/any/y": b""}))


@pytest.mark.parametrize(
    "filename",
    ["", "demo.whl", "demo-1.0.egg", "<b>-1.0-py3-none-any.whl", 'a"-1.0-py3-none-any.whl', "demo-1.0.tar.gz\n",
     "../demo-1.0-py3-none-any.whl", "demo-1.0-py3-none-any.whl\0"],
)  # fmt: skip
def test_A34_names_that_no_distribution_has_are_refused(builder, look, filename):
    inspection = look(builder.wheel(), filename)
    assert not inspection.is_acceptable
    assert inspection.parsed is None


def test_a_problem_says_which_member_what_is_wrong_and_what_to_do(builder, look):
    (problem,) = look(builder.zip_bytes([*builder.wheel_members(), builder.Zipped("demo/evil.py", b"")])).problems
    assert problem.field == "content"
    assert "'demo/evil.py'" in problem.message
    assert "python -m build --wheel" in problem.hint


def test_an_inspection_knows_sizes_and_licence_files(builder, look):
    data = builder.wheel({f"{INFO}/licenses/LICENSE": b"MIT", f"{INFO}/licenses/third/NOTICE": b"x"})
    inspection = look(data)
    assert inspection.license_files == ("LICENSE", "third/NOTICE")
    assert inspection.size_bytes == len(data)
    assert inspection.unpacked_bytes > 240
    assert inspection.parsed is not None
    assert (inspection.parsed.project, inspection.parsed.version) == ("demo", "1.0")
