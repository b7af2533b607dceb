"""A launch agent of macOS, written by the library that reads it (P7)."""

from __future__ import annotations

import os
import plistlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def files(name: str, command: Sequence[str], every_s: float) -> dict[str, bytes]:
    (path,) = paths(name)
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
    return {path: plistlib.dumps(agent)}


def paths(name: str) -> list[str]:
    return [os.path.join(os.environ.get("HOME", ""), "Library", "LaunchAgents", f"{name}.plist")]


def starting(name: str) -> list[list[str]]:
    return [["launchctl", "load", *paths(name)]]


def stopping(name: str) -> list[list[str]]:
    return [["launchctl", "unload", *paths(name)]]
