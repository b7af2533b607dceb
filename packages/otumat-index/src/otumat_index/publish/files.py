"""
Where the bytes of files lie: a local folder, or S3 by one URL.

Keeping a file takes three steps, so that kill -9 at any point leaves neither half a file nor one without its row:
`keep` writes the bytes durably and leaves a marker in `data/incoming`; the caller commits its row; `settle` removes the
marker. Removing one is the same backwards: `condemn`, commit, `undo`. `recover` (at start, and now and then) looks at
old markers and deletes bytes that no row names.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import obstore
from django.conf import settings
from obstore.exceptions import AlreadyExistsError
from obstore.store import S3Store

CHUNK_BYTES = 1 << 20


class FileStore(Protocol):
    """A place for bytes under keys; nothing is ever overwritten."""

    def put(self, key: str, source: Path) -> None:
        """Keep the bytes of a local file durably under a new key; the local file stays."""

    def delete(self, key: str) -> None:
        """Forget a key; no error if it is not there."""

    def local_path(self, key: str) -> Path | None:
        """The file itself, where the store is local."""

    def signed_url(self, key: str) -> str | None:
        """An address to redirect a download to, where the store has one."""

    def read(self, key: str) -> bytes:
        """All bytes of a key."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """The bytes of a key, a part at a time; FileNotFoundError: it is not there."""

    def size_bytes(self, key: str) -> int:
        """How many bytes a key has, without reading them; FileNotFoundError: it is not there."""


class LocalFiles:
    """
    A folder. Its file system must be the one of `incoming`: keeping a file is a hard link.

    A key `ab/cdef/name` is the file `ab/cdef~name`: the folders stay, so a new file is one new name to make durable.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def place(self, key: str) -> Path:
        folder, _, name = key.partition("/")
        return self.root / folder / name.replace("/", "~")

    def put(self, key: str, source: Path) -> None:
        target = self.place(key)
        self.folders  # noqa: B018 - made at the first use
        # Bytes are synced under both names at once: a file system that keeps a log writes it once for that, not twice.
        os.link(source, target)
        sync(target)
        sync(target.parent)

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """The folders of all keys, made durable: one that exists may be what a crash left before it was."""
        folders = tuple(self.root / f"{number:02x}" for number in range(256))
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        sync(self.root)
        sync(self.root.parent)
        return folders

    def delete(self, key: str) -> None:
        self.place(key).unlink(missing_ok=True)

    def local_path(self, key: str) -> Path | None:
        return self.place(key)

    def signed_url(self, key: str) -> str | None:
        return None

    def read(self, key: str) -> bytes:
        return self.place(key).read_bytes()

    def chunks(self, key: str) -> Iterator[bytes]:
        with self.place(key).open("rb") as file:
            yield from iter(partial(file.read, CHUNK_BYTES), b"")

    def size_bytes(self, key: str) -> int:
        return self.place(key).stat().st_size


class S3Files:
    """A bucket. Downloads are redirected to an address signed for an hour."""

    def __init__(self, store: Any, prefix: str = "") -> None:
        self.store, self.prefix = store, prefix

    def put(self, key: str, source: Path) -> None:
        sync(source)  # the marker, whose name a power cut must not take while the bucket keeps the bytes
        obstore.put(self.store, self.prefix + key, source, mode="create")

    def delete(self, key: str) -> None:
        obstore.delete(self.store, self.prefix + key)

    def local_path(self, key: str) -> Path | None:
        return None

    def signed_url(self, key: str) -> str | None:
        return str(obstore.sign(self.store, "GET", self.prefix + key, timedelta(hours=1)))

    def read(self, key: str) -> bytes:
        return bytes(obstore.get(self.store, self.prefix + key).bytes())

    def chunks(self, key: str) -> Iterator[bytes]:
        yield from map(bytes, obstore.get(self.store, self.prefix + key).stream(min_chunk_size=CHUNK_BYTES))

    def size_bytes(self, key: str) -> int:
        return int(obstore.head(self.store, self.prefix + key)["size"])


def s3_from_url(url: str) -> S3Files:
    """`s3://KEY:SECRET@bucket/prefix?endpoint=http://127.0.0.1:8333&region=us-east-1`; or the environment's keys."""
    parts = urlsplit(url)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    options: dict[str, Any] = {"region": asked.get("region", "us-east-1")}
    if "endpoint" in asked:
        options |= {"endpoint": asked["endpoint"], "virtual_hosted_style_request": False}
    if parts.username:
        options |= {"access_key_id": unquote(parts.username), "secret_access_key": unquote(parts.password or "")}
    plain = asked.get("endpoint", "").startswith("http://")
    store = S3Store(parts.hostname or "", client_options={"allow_http": plain}, **options)
    prefix = parts.path.strip("/")
    return S3Files(store, f"{prefix}/" if prefix else "")


@lru_cache(maxsize=4)
def open_store(url: str, data: Path) -> FileStore:
    """The store that the settings name."""
    return s3_from_url(url) if url.startswith("s3://") else LocalFiles(data / "files")


def store() -> FileStore:
    """This process's store."""
    return open_store(settings.CONFIG.files_url, settings.CONFIG.data)


def new_key(sha256: str, filename: str) -> str:
    """
    A key nobody else has or will have, even for the same bytes: each upload owns what it writes.

    14 characters before a file name of at most 240: as a marker, it fits into the 255 bytes of a file's name.
    """
    return f"{sha256[:2]}/{secrets.token_urlsafe(7)}/{filename}"


def keep(source: IO[bytes], key: str) -> Path:
    """
    Write bytes durably under a key.

    Returns:
        The marker, to be given to `settle` after the row is committed, or to `undo`.
    """
    marker = marker_of(key)
    source.seek(0)
    with marker.open("xb") as target:
        shutil.copyfileobj(source, target, CHUNK_BYTES)
    try:
        store().put(key, marker)
    except (FileExistsError, AlreadyExistsError):  # another's bytes: they stay
        settle(marker)
        raise
    except BaseException:
        undo(marker)
        raise
    return marker


def condemn(key: str) -> Path:
    """
    Leave a marker for bytes whose row is about to be deleted.

    Returns:
        The marker, to be given to `undo` after the commit; until then, `recover` lets bytes with a row live.
    """
    marker = marker_of(key)
    marker.touch()
    return marker


def marker_of(key: str) -> Path:
    return incoming(settings.CONFIG.data) / key.replace("/", "~")


@lru_cache(maxsize=4)
def incoming(data: Path) -> Path:
    """The markers' folder, made at its first use."""
    folder = data / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settle(marker: Path) -> None:
    """The row is committed: the marker has done its work."""
    marker.unlink(missing_ok=True)


def undo(marker: Path) -> None:
    """No row names the bytes: take them away."""
    store().delete(key_of(marker))
    marker.unlink(missing_ok=True)


def recover(is_known: Callable[[str], bool], *, older_than_s: float = 3600) -> int:
    """
    Look at markers that crashed uploads left behind.

    Args:
        is_known: Whether a committed row names this key.
        older_than_s: Younger markers may belong to uploads under way; 0 when none can be.

    Returns:
        How many keys were deleted because no row names them.
    """
    deleted = 0
    for marker in old_markers(older_than_s):
        if is_known(key_of(marker)):
            settle(marker)
        else:
            undo(marker)
            deleted += 1
    return deleted


def old_markers(older_than_s: float) -> Iterator[Path]:
    for marker in incoming(settings.CONFIG.data).glob("*~*~*"):
        try:
            if time.time() - marker.stat().st_mtime >= older_than_s:
                yield marker
        except FileNotFoundError:
            continue  # settled while we looked


def key_of(marker: Path) -> str:
    return marker.name.replace("~", "/")


def sync(place: Path) -> None:
    """Make a file's bytes, or the names in a folder, durable."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
