"""What all tests rest on."""

from __future__ import annotations

import pytest

from harness.server import free_port


def test_no_port_is_told_twice_nor_to_two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for worker in ("gw0", "gw1"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        found += [free_port() for _ in range(200)]
    assert len(set(found)) == len(found)
