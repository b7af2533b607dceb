"""Greets."""

from __future__ import annotations

from importlib.resources import files


def greet(name: str) -> str:
    """A greeting, in words that are package data: they are checked as well."""
    words = (files("greet_good") / "words.txt").read_text().strip()
    return f"{words}, {name}!"
