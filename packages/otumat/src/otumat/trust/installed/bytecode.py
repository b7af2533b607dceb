"""
Whether a `.pyc` is what its source compiles to, for every kind there is: with time and size, with a checked
hash, with an unchecked one. All of them tell of the source and not of the code, so the code itself is compared.
"""

from __future__ import annotations

import marshal
import sys
import warnings
from _frozen_importlib_external import MAGIC_NUMBER  # importlib.util tells the same and costs 2 ms

from otumat.spec.vouching.comparing import Bytecode
from otumat.trust import tree
from otumat.trust.installed import marshalled

_HEADER_BYTES = 16
MAX_PYC_BYTES = 64 * 1024 * 1024
_OPTIMIZATIONS = {"": 0, "opt-1": 1, "opt-2": 2}


def prove(path: str, pyc: bytes, source: bytes, name: str) -> Bytecode:
    """
    Compare a compiled file with its source.

    Args:
        path: For the result. pyc: Its bytes. source: Bytes that were signed. name: The file's own name.
    """
    _, tag, optimization = tree.source_name(name)
    if tag != sys.implementation.cache_tag or optimization not in _OPTIMIZATIONS:
        return Bytecode(
            path, "unknown", f"it is for {tag or 'another Python'}, and {sys.implementation.cache_tag} runs this"
        )
    if len(pyc) < _HEADER_BYTES or pyc[:4] != MAGIC_NUMBER:
        return Bytecode(path, "forged", "it does not begin as this Python's files do")
    if int.from_bytes(pyc[4:8], "little") not in (0, 1, 3):
        return Bytecode(path, "forged", "its flags are none that there are")
    try:
        made = _compiled(source, _OPTIMIZATIONS[optimization])
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        return Bytecode(path, "forged", f"its source does not compile ({type(exc).__name__})")
    body = pyc[_HEADER_BYTES:]
    if body == made:
        return Bytecode(path, "proven")
    try:
        same = marshalled.canonical(body) == marshalled.canonical(made)
    except (marshalled.Unreadable, RecursionError) as exc:
        return Bytecode(path, "forged", str(exc) or "it is nested too deeply")
    return Bytecode(path, "proven") if same else Bytecode(path, "forged", "the code is another one")


def _compiled(source: bytes, optimize: int) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = compile(source, "<signed>", "exec", dont_inherit=True, optimize=optimize)
    return marshal.dumps(code)
