"""Tells the time by the sun, and counts how it is used if its user says yes."""

from __future__ import annotations

from otumat.usage import UsageAgent

__version__ = "1.0"

agent = UsageAgent(package_name="sundial")
agent.log("import")
