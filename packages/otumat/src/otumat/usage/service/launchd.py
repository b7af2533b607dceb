"""A launch agent of macOS, written by the library that reads it (P7)."""

from __future__ import annotations

import os
import plistlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def files(name: str, command: Sequence[str], every_s: float) -> dict[str, bytes]:
    agent = {
        "Label": name,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "StartInterval": round(every_s),
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "StandardOutPath": os.devnull,
        "StandardErrorPath": os.devnull,
    }
    return {_path(name): plistlib.dumps(agent)}


def links(name: str) -> dict[str, str]:
    return {}


def starting(name: str) -> list[list[str]]:
    """What is loaded already would stay as it was."""
    return [*stopping(name), ["launchctl", "load", _path(name)]]


def stopping(name: str) -> list[list[str]]:
    return [["launchctl", "unload", _path(name)]]


def forgetting() -> list[list[str]]:
    return []


def _path(name: str) -> str:
    return os.path.join(os.environ.get("HOME", ""), "Library", "LaunchAgents", f"{name}.plist")
