"""What the tests of accounts share."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _mail_at_once(settings: Any) -> None:
    """What nobody waits for is done before the answer, so that a test sees it."""
    settings.LATER = "inline"
