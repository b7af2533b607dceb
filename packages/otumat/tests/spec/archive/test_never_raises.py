"""No bytes make the opener raise, or use more than its limits: random bytes, and right archives with bytes changed."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otumat.spec.archive import Limits, inspect

WHEEL = "demo-1.0-py3-none-any.whl"
NAMES = [WHEEL, "demo-1.0.tar.gz", "demo-1.0.zip"]
LIMITS = Limits(file_bytes=10**6, unpacked_bytes=10**6, metadata_bytes=10**5, listing_bytes=10**5, members=100)

often = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
edits = st.lists(
    st.tuples(st.integers(0, 1 << 16), st.integers(0, 8), st.binary(max_size=8)), min_size=1, max_size=4
)  # where, how many bytes go, what comes


def edited(data: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for place, gone, come in edits:
        at = place % (len(data) + 1)
        data = data[:at] + come + data[at + gone :]
    return data


@pytest.fixture(scope="module")
def streamed_wheel(builder) -> bytes:
    """A wheel with every feature the zip reader knows: descriptors, zip64, directories, comments, stored members."""
    members = builder.wheel_members(
        {"demo/stored.bin": b"stored", f"{builder.INFO}/entry_points.txt": b"[console_scripts]\na=b\n"}
    )
    members[0].local = {"flags": 8, "crc": 0, "packed": 0, "size": 0}
    members[0].central = {"flags": 8}
    truth = members[0].truth()
    members[0].descriptor = b"PK\7\x08" + b"".join(
        truth[key].to_bytes(4, "little") for key in ("crc", "packed", "size")
    )
    return builder.zip_bytes(members, zip64={}, comment=b"plain")


@often
@given(data=st.binary(max_size=2000), filename=st.sampled_from(NAMES) | st.text(max_size=30))
def test_random_bytes_are_refused_without_raising(data, filename):
    assert not inspect(io.BytesIO(data), filename, limits=LIMITS).is_acceptable


def read_by_zipfile(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sorted((name, archive.read(name)) for name in archive.namelist())


@settings(parent=often, max_examples=1500)
@given(edits=edits, filename=st.sampled_from([WHEEL, "demo-1.0.zip"]))
def test_a_zip_with_bytes_changed_is_refused_or_means_the_same(streamed_wheel, edits, filename):
    """Some bytes (times, modes) change nothing; whatever is accepted reads as before, to zipfile, too."""
    changed = edited(streamed_wheel, edits)
    if inspect(io.BytesIO(changed), filename, limits=LIMITS).is_acceptable:
        assert read_by_zipfile(changed) == read_by_zipfile(streamed_wheel)


def test_the_wheel_with_every_feature_is_accepted_as_it_is(streamed_wheel):
    assert inspect(io.BytesIO(streamed_wheel), WHEEL, limits=LIMITS).problems == ()


@often
@given(edits=edits)
def test_a_tar_with_bytes_changed_does_not_make_it_raise(builder, edits):
    members = [
        builder.pax({"path": "demo-1.0/" + "long" * 30, "mtime": "1.5"}),
        builder.Tarred("demo-1.0/x", b"content"),
        builder.Tarred("demo-1.0/link", type=b"2", target="x"),
        builder.Tarred("demo-1.0/hard", type=b"1", target="demo-1.0/demo.py"),
    ]
    tar = gzip.decompress(builder.sdist(members))
    inspect(io.BytesIO(gzip.compress(edited(tar, edits), 1)), "demo-1.0.tar.gz", limits=LIMITS)


@often
@given(edits=edits)
def test_a_gzip_with_bytes_changed_does_not_make_it_raise(builder, edits):
    inspect(io.BytesIO(edited(builder.sdist(), edits)), "demo-1.0.tar.gz", limits=LIMITS)


@often
@given(texts=st.lists(st.binary(max_size=200) | st.text(max_size=100).map(str.encode), min_size=4, max_size=4))
def test_texts_of_any_content_do_not_make_it_raise(builder, texts):
    names = ("METADATA", "WHEEL", "RECORD", "entry_points.txt")
    files = {f"{builder.INFO}/{name}": text for name, text in zip(names, texts, strict=True)}
    inspect(io.BytesIO(builder.wheel(files)), WHEEL, limits=LIMITS)


@given(place=st.integers(0, 1 << 16), bit=st.integers(0, 7))
@settings(parent=often, max_examples=500)
def test_a_flipped_bit_in_the_content_of_a_wheel_is_never_accepted(builder, place, bit):
    """Every packed byte is covered by a checksum and a digest; flips in times, modes and the like are not content."""
    files = builder.wheel_files()
    members = [builder.Zipped(name, content, method=0) for name, content in files.items()]
    data = bytearray(builder.zip_bytes(members))
    content = files["demo/__init__.py"]
    data[data.index(content) + place % len(content)] ^= 1 << bit
    assert not inspect(io.BytesIO(bytes(data)), WHEEL).is_acceptable
