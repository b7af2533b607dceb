"""
Extension modules: what is checked must be what the system's loader opens, and that opens by name.

So the signed bytes are read once, checked, and put where only the user may write: into a folder of the user's, beside
the shared libraries of the same distribution, laid out as they are installed, for extensions find those by their own
place (`$ORIGIN`). Without such a folder, and on Linux, a file in memory (memfd) takes its place; libraries beside it
are then not found. Where there is neither, extensions are refused.
"""

from __future__ import annotations

import _imp
import hashlib
import os
import re
from importlib.machinery import ModuleSpec

from otumat.errors import OtumatError
from otumat.trust import tree
from otumat.trust.enforce import code_cache
from otumat.trust.files import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from otumat.trust.enforce.guarded import Guarded

_LIBRARY = re.compile(r"\.(?:so(?:\.[0-9.]+)?|dylib|dll|pyd)$")


def create(guarded: Guarded, path: str, spec: ModuleSpec) -> ModuleType:
    """
    The module object of an extension, from the signed bytes.

    Errors:
        UntrustedImport: they are others, or there is no place to load them from.
    """
    checked = _in_folder(guarded, path) or _in_memory(guarded, path)
    module: ModuleType = _imp.create_dynamic(ModuleSpec(spec.name, spec.loader, origin=checked))
    module.__file__ = guarded.place(path)  # where its data is, as everywhere else
    return module


def _in_folder(guarded: Guarded, path: str) -> str:
    folder = os.path.join(code_cache.user_folder(os.environ), "native", guarded.root)
    descriptor = code_cache.private_folder(folder)
    if descriptor is None:
        return ""
    if descriptor >= 0:
        os.close(descriptor)
    code_cache.touch(folder, os.stat(folder))
    for each in {path, *filter(_LIBRARY.search, guarded.files)}:
        if not _put(guarded, each, os.path.join(folder, *each.split("/"))):
            return ""
    return os.path.join(folder, *path.split("/"))


def _put(guarded: Guarded, path: str, to: str) -> bool:
    """Have the signed bytes at this place; those that lie there are checked again, for they are what will be loaded."""
    signed = guarded.files[path]
    try:
        if tree.look_at(to) and tree.sha256_of(to, signed.size_bytes) == signed.sha256:
            return True
    except (OSError, OtumatError):
        pass
    data = guarded.read(path)
    try:
        os.makedirs(os.path.dirname(to), mode=0o700, exist_ok=True)
        replace(to, [data], mode=0o700)
    except OSError:
        return False
    return True


def _in_memory(guarded: Guarded, path: str) -> str:
    data = guarded.read(path)
    if not hasattr(os, "memfd_create"):
        told = f"{path} can be loaded from nowhere but a folder that others may write to."
        raise guarded.refused(path, told, code="module.native")
    descriptor = os.memfd_create(hashlib.sha256(data).hexdigest()[:16], os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    return f"/proc/self/fd/{descriptor}"  # kept open: the path must name this file for as long as the process lives
