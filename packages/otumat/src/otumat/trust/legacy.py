"""
What otumat 0.3 offered: `hash_pkg`, `sign`, `verify`, with its names, its files and its signatures.

The value is the one git gives the folder, always (0.3 differed from it in six ways). Values that 0.3 made where it
differed can be had with `legacy=True`, and only where they mean one tree and no other.

A legacy signature covers one folder. It says nothing of version, metadata, entry points or other packages: see
`distribution.py` for what does.

Source: otumat 0.3.0, `__init__.py`; `docs/protocol/signature.md`, "The legacy signature".
"""

from __future__ import annotations

import binascii
import hashlib
import os
import sys
import warnings

from otumat.errors import Invalid, Problem
from otumat.spec.digest import EMPTY_LISTING_DIGEST, blob_digest, listing_digest
from otumat.spec.keys import BadKey, PublicKey, key_problems
from otumat.trust import tree
from otumat.trust.tree import NoTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

_SPECIAL = "holds {path!r}, which is neither a file, a folder nor a link."
_SPACE = bytes.maketrans(b" \t\r", b"\n\n\n")


class WeakKeyWarning(UserWarning):
    """A signature holds, but by a key that is too small by today's measure."""


def hash_pkg(pkgpath: str | os.PathLike[str], *, legacy: bool = False) -> str:
    """
    The value of a package's folder: `git ls-files -s FOLDER | git hash-object --stdin`, without git.

    Compiled bytecode in `__pycache__` is left out; nothing else is, whatever an ignore file says.

    Args:
        pkgpath: The folder; its own name is part of the value, where it lies is not.
        legacy: The value otumat 0.3 had, for signatures made with that.

    Returns:
        40 hexadecimal digits.

    Errors:
        NoTree: there is no folder, no file in it, or something that is no file; for `legacy`, a tree whose value other
            trees have as well: with links, CR, text that is not UTF-8, names with `pycache` or a newline.
    """
    top = os.path.abspath(os.fspath(pkgpath))
    files = _files(top)
    if not files:
        raise NoTree(f"{top!r} holds no file, so there is nothing to take the value of.", code="tree.empty")
    return _value_of_0_3(top, files) if legacy else _value(top, files)


def sign(privkey_path: str | os.PathLike[str], data: str | bytes) -> str:
    """
    Sign a value as otumat 0.3 did: RSA-PSS, SHA-256, MGF1 with SHA-256, the longest salt.

    Args:
        privkey_path: PEM file of an RSA private key without passphrase. data: What `hash_pkg` returned.

    Returns:
        Base64 in one line, with its newline: the content of `{module}.sig`.

    Errors:
        FileNotFoundError: no such key. Invalid: no key that can sign this, or a value that must not be signed.
    """
    from otumat.trust.signing import private

    message = _bytes(data)
    if message.decode("ascii", "replace").strip() in ("", EMPTY_LISTING_DIGEST):
        told = "This is the value of an empty folder, which nothing is to be signed for."
        raise Invalid([Problem("sign.empty", "data", told, hint="Give the folder of the package.")], message=told)
    return private.read_file(privkey_path).sign_legacy(message)


def verify(pubkey_path: str | os.PathLike[str], data: str | bytes, signature: str | bytes) -> None:
    """
    Check a signature made by `sign`, by otumat 0.3, or by the recipe with git and openssl.

    Args:
        pubkey_path: PEM file of an RSA public key. data: What `hash_pkg` returns now.
        signature: Content of `{module}.sig`: base64 in one line or in several.

    Returns:
        None when it holds. A key below 2048 bits is warned of (`WeakKeyWarning`).

    Errors:
        FileNotFoundError: no such key. InvalidSignature: it does not hold, for whatever reason; it is the one of
            `cryptography` where that is installed.
    """
    with open(pubkey_path, "rb") as file:
        pem = file.read()
    reason, problems = check(pem, _bytes(data), _bytes(signature))
    if reason:
        _refuse(reason)
    for problem in problems:
        warnings.warn(f"{problem.message} {problem.hint}", WeakKeyWarning, stacklevel=2)


def check(pem: bytes, data: bytes, signature: bytes) -> tuple[str, list[Problem]]:
    """
    The same on bytes: why the signature does not hold ("" when it does), and what the key is to be warned of.

    Never raises, whatever the bytes are.
    """
    try:
        key = PublicKey.from_pem(pem)
    except BadKey as exc:
        return f"The public key cannot be used: {exc}.", []
    return check_with(key, data, signature)


def check_with(key: PublicKey, data: bytes, signature: bytes) -> tuple[str, list[Problem]]:
    """The same with a key that has been read."""
    problems = key_problems(key, legacy=True)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        return " ".join(problem.message for problem in errors), []
    if data.strip() in (b"", EMPTY_LISTING_DIGEST.encode()):
        return "The value is that of an empty folder, which no signature vouches for.", []
    try:
        raw = binascii.a2b_base64(signature.translate(_SPACE).replace(b"\n", b""), strict_mode=True)
    except binascii.Error:
        return "The signature is not base64.", []
    if not key.verifies_legacy(raw, data):
        return "The signature does not hold for this value and this key.", []
    return "", problems


def _refuse(reason: str) -> NoReturn:
    raise _invalid_signature()(reason)


def _invalid_signature() -> type[Exception]:
    try:
        from cryptography.exceptions import InvalidSignature as Theirs
    except ImportError:
        from otumat.trust.invalid_signature import InvalidSignature

        return InvalidSignature
    return Theirs


def _bytes(value: str | bytes) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)


def _files(top: str) -> list[tree.Found]:
    """The files and links whose value is taken; every way in which `top` is no folder of files is told apart."""
    seen = tree.look_at(top)
    if seen is None:
        raise NoTree(f"There is no folder {top!r}.", code="tree.missing")
    if seen.kind != tree.FOLDER:
        what = {tree.FILE: "a single file", tree.LINK: "a link"}.get(seen.kind, "no folder")
        raise NoTree(f"{top!r} is {what}; the value is that of a folder.", code="tree.no_folder")
    found = []
    for each in tree.scan(top):
        if each.kind == tree.SPECIAL:
            raise NoTree(f"{top!r} {_SPECIAL.format(path=each.path)}", code="tree.special")
        if each.kind != tree.FOLDER and not (each.kind == tree.FILE and tree.is_cached_bytecode(each.path)):
            found.append(each)
    return found


def _value(top: str, files: list[tree.Found]) -> str:
    name, how = os.path.basename(top), (sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
    return listing_digest((f"{name}/{each.path}".encode(*how), *_blob(top, each)) for each in files)


def _blob(top: str, found: tree.Found) -> tuple[str, str]:
    path = f"{top}/{found.path}"
    if found.kind == tree.LINK:
        return found.git_mode, blob_digest(os.fsencode(os.readlink(path)))
    return tree.blob_of(path)


def _value_of_0_3(top: str, files: list[tree.Found]) -> str:
    """
    Its listing counted characters where git counts bytes, knew one mode, and went folder by folder.

    Where two trees could have one value, there is none: it took CRLF for LF, followed links, left out every path with
    `pycache` in it, and quoted no name.
    """
    name = os.path.basename(top)
    lines = [f"100644 {digest} 0\t{name}/{path}\n" for path, digest in _blobs_of_0_3(top, files)]
    return _digest_of_0_3("".join(lines))


def _blobs_of_0_3(top: str, files: list[tree.Found]) -> Iterator[tuple[str, str]]:
    name = os.path.basename(top)
    for each in sorted(files, key=lambda found: found.path.split("/")):
        path = f"{name}/{each.path}"
        if each.kind == tree.LINK or "pycache" in path or "\n" in path or "\r" in path:
            raise _ambiguous(path)
        data = tree.read(f"{top}/{each.path}", each.size_bytes)
        yield each.path, digest_of_0_3(data, path)


def digest_of_0_3(data: bytes, path: str) -> str:
    """What 0.3 took for the blob of a file with these bytes; NoTree where it was of no one file alone."""
    try:
        if b"\r" in data:
            raise _ambiguous(path)
        return _digest_of_0_3(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise _ambiguous(path) from None


def _digest_of_0_3(text: str) -> str:
    data = f"blob {len(text)}\0{text}".encode("utf-8", "surrogateescape")
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _ambiguous(path: str) -> NoTree:
    return NoTree(
        f"otumat 0.3 had no value that is of {path!r} alone (a link, CR, another encoding than UTF-8, or its name).",
        code="tree.ambiguous",
        hint="Have it signed anew.",
    )
