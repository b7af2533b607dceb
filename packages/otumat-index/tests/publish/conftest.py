"""Uploads to make: wheels and sdists, honest and otherwise; and what lies where afterwards."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection

from otumat_index.publish.models import File, Project, UsedName


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    """Rows of other tests are rolled back, their bytes are not: each test has a data folder of its own."""
    settings.CONFIG = dataclasses.replace(settings.CONFIG, data=tmp_path)


@pytest.fixture
def sdist() -> Callable[..., tuple[str, bytes]]:
    return make_sdist


def make_sdist(
    name: str = "roundup", version: str = "1.0", *, metadata: str = "", metadata_version: str = "2.4", stem: str = ""
) -> tuple[str, bytes]:
    """A small, valid sdist: its file name and bytes."""
    stem = stem or f"{name.replace('-', '_')}-{version}"
    head = f"Metadata-Version: {metadata_version}\nName: {name}\nVersion: {version}\n"
    contents = {
        f"{stem}/PKG-INFO": f"{head}{metadata}".encode(),
        f"{stem}/pyproject.toml": b"[build-system]\nrequires = []\n",
    }
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for path, data in contents.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return f"{stem}.tar.gz", target.getvalue()


@pytest.fixture
def packed() -> Callable[..., tuple[str, bytes]]:
    return pack


def pack(filename: str, contents: dict[str, bytes]) -> tuple[str, bytes]:
    """A wheel of these members, with a RECORD that is right: its file name and bytes."""
    info = next(path.partition("/")[0] for path in contents if ".dist-info/" in path)
    rows = [f"{path},sha256={urlsafe(data)},{len(data)}" for path, data in contents.items()]
    record = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, data in {**contents, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), data)
    return filename, target.getvalue()


def urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@pytest.fixture
def tagged() -> Callable[[str], tuple[str, bytes]]:
    """A wheel with these compressed tags in its name, WHEEL naming one tag a line as build backends do."""

    def make(tag: str) -> tuple[str, bytes]:
        python, abi, platform = tag.split("-")
        lines = "".join(f"Tag: {py}-{abi}-{each}\n" for py in python.split(".") for each in platform.split("."))
        wheel = f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n{lines}"
        info = "roundup-1.0.dist-info"
        metadata = b"Metadata-Version: 2.4\nName: roundup\nVersion: 1.0\n"
        return pack(f"roundup-1.0-{tag}.whl", {f"{info}/METADATA": metadata, f"{info}/WHEEL": wheel.encode()})

    return make


@pytest.fixture
def rebuilt() -> Callable[[tuple[str, bytes], bytes, bytes], tuple[str, bytes]]:
    """The same wheel with a change in METADATA, RECORD put right."""

    def make(file: tuple[str, bytes], old: bytes, new: bytes) -> tuple[str, bytes]:
        with zipfile.ZipFile(io.BytesIO(file[1])) as archive:
            contents = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/RECORD")}
        info = next(name.partition("/")[0] for name in contents if ".dist-info/" in name)
        contents[f"{info}/METADATA"] = contents[f"{info}/METADATA"].replace(old, new)
        return pack(file[0], contents)

    return make


@pytest.fixture
def nothing_is_stored() -> Callable[[], bool]:
    """Whether there is no project, no file, and no byte of one."""

    def ask() -> bool:
        data = django_settings.CONFIG.data
        lying = [path for folder in ("files", "incoming") for path in (data / folder).rglob("*") if path.is_file()]
        return not (lying or Project.objects.exists() or File.objects.exists() or UsedName.objects.exists())

    return ask


@pytest.fixture
def dump() -> Callable[[], dict[str, list[Any]]]:
    """Every row of every table."""

    def read() -> dict[str, list[Any]]:
        with connection.cursor() as cursor:
            found = {}
            for table in sorted(connection.introspection.table_names(cursor)):
                cursor.execute(f'SELECT * FROM "{table}"')
                rows = [[bytes(cell) if isinstance(cell, memoryview) else cell for cell in row] for row in cursor]
                found[table] = sorted(rows, key=repr)
            return found

    return read
