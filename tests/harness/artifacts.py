"""Wheels and sdists made in memory, whole or broken on purpose, and the form of an uploader."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import tarfile
import uuid
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"

[tool.setuptools]
py-modules = ["{module}"]
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class Artifact(NamedTuple):
    """A distribution: its filename, project, version and bytes."""

    filename: str
    project: str
    version: str
    data: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.filename).write_bytes(self.data)
        return folder / self.filename


def metadata_of(name: str, version: str, headers: str = "", description: str = "A demo.\n") -> bytes:
    """METADATA with more headers, each a line of its own."""
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{headers}\n{description}".encode()


def make_wheel(
    name: str, version: str = "1.0", *, headers: str = "", members: Mapping[str, bytes] | None = None, build: str = ""
) -> Artifact:
    """A pure wheel with one module that is called as the project."""
    safe = name.replace("-", "_")
    info = f"{safe}-{version}.dist-info"
    contents = {
        f"{safe}.py": f"version = {version!r}\n".encode(),
        **(members or {}),
        f"{info}/METADATA": metadata_of(name, version, headers),
        f"{info}/WHEEL": WHEEL.encode(),
    }
    rows = [f"{path},sha256={_urlsafe(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), data)
    tag = f"{build}-py3-none-any" if build else "py3-none-any"
    return Artifact(f"{safe}-{version}-{tag}.whl", name, version, target.getvalue())


def make_sdist(name: str, version: str = "1.0", *, headers: str = "") -> Artifact:
    """An sdist that setuptools could build."""
    safe = name.replace("-", "_")
    pyproject = PYPROJECT.format(name=name, version=version, module=safe)
    contents = {
        "PKG-INFO": metadata_of(name, version, headers),
        "pyproject.toml": pyproject.encode(),
        f"{safe}.py": f"version = {version!r}\n".encode(),
    }
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for path, data in contents.items():
            member = tarfile.TarInfo(f"{safe}-{version}/{path}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return Artifact(f"{safe}-{version}.tar.gz", name, version, gzip.compress(target.getvalue(), mtime=0))


def upload_form(artifact: Artifact, **fields: str) -> tuple[bytes, dict[str, str]]:
    """What an uploader POSTs to `/legacy/`: body and headers."""
    is_wheel = artifact.filename.endswith(".whl")
    texts = {
        ":action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.4",
        "name": artifact.project,
        "version": artifact.version,
        "filetype": "bdist_wheel" if is_wheel else "sdist",
        "pyversion": "py3" if is_wheel else "source",
        "sha256_digest": artifact.sha256,
        **fields,
    }
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in texts.items()]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="{artifact.filename}"\r\n\r\n'
    body = "".join([*parts, head]).encode() + artifact.data + f"\r\n--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}", "Accept": "application/json"}


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
