"""Greets, until somebody changes it where it is installed."""

from __future__ import annotations


def greet(name: str) -> str:
    return f"Good evening, {name}!"
