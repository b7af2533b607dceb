"""Fixtures of the archive tests: the careless builder, and a look at what it built."""

from __future__ import annotations

import importlib.util
import io
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from otumat.spec.archive import Inspection, Limits, inspect


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    """The module `builder.py` beside this file; test folders are no packages, so it is loaded by its path."""
    spec = importlib.util.spec_from_file_location("otumat_archive_builder", Path(__file__).with_name("builder.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def look() -> Callable[..., Inspection]:
    """Inspect bytes under a file name."""

    def look(data: bytes, filename: str = "demo-1.0-py3-none-any.whl", limits: Limits | None = None) -> Inspection:
        return inspect(io.BytesIO(data), filename, limits=limits or Limits())

    return look


@pytest.fixture(scope="session")
def errors(look: Callable[..., Inspection]) -> Callable[..., set[str]]:
    """The codes of the errors that some bytes have."""

    def errors(data: bytes, filename: str = "demo-1.0-py3-none-any.whl", limits: Limits | None = None) -> set[str]:
        return {problem.code for problem in look(data, filename, limits).problems if problem.severity == "error"}

    return errors


@pytest.fixture
def forge(builder: ModuleType) -> Callable[..., bytes]:
    """A right wheel with `changes` applied to its first member, `demo/__init__.py`, and zip options passed on."""

    def forge(changes: dict[str, Any] | None = None, *, more: Iterable[Any] = (), **options: Any) -> bytes:
        members = builder.wheel_members()
        for name, value in (changes or {}).items():
            setattr(members[0], name, value)
        return bytes(builder.zip_bytes([*members, *more], **options))

    return forge
