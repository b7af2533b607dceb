"""A project with one key on an index, a host that pinned it, and somebody who wants in."""

from __future__ import annotations

import pytest

from harness.key_lists import Host, Keeper, new_key
from otumat.trust.signing.private import PrivateKey


@pytest.fixture
def key() -> PrivateKey:
    return new_key()


@pytest.fixture
def thief() -> PrivateKey:
    return new_key()


@pytest.fixture
def keeper(key: PrivateKey) -> Keeper:
    return Keeper().add(key)


@pytest.fixture
def host(keeper: Keeper) -> Host:
    made = Host()
    made.pin(keeper.listed())
    return made
