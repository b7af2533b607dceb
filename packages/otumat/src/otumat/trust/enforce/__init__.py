"""
Plugins decided upon before any of their code runs, and then run from the very bytes that were decided upon.

    rules.py       the three modes, and what a policy file says of them: pure
    policies.py    the policies in force, of which all must agree
    entries.py     entry points, read from dist-info folders without importing anything
    deciding.py    one entry point: may it run, and why not?
    dependencies.py    what plugins require, where a policy asks for that
    guard.py       the finder that answers for every module of a distribution that was checked
    guarded.py     one such distribution: which module is which signed file
    loader.py      the loader that runs a module's signed bytes
    code_cache.py  their compiled code, by the digest of the source
    pruning.py     what the cache forgets, by age and size
    native.py      extension modules
    resources.py   package data, through importlib.resources
    by_legacy.py   distributions with signatures of the 0.3 kind alone
    refusal.py     the error and the warning
    loading.py     `load_entry_points`

Start with `loading.py`; why it is built so: `docs/decisions/0011-enforcing-imports.md`. What it does not protect
against: `docs/guide/plugins.md`.
"""

from __future__ import annotations
