"""What the less frequent methods of UsageAgent do. Whatever is raised here stays inside the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.spec.consent import ON, PROMPT, UNSET
from otumat.usage import changing, manifests, tokens, tombstones
from otumat.usage.asking import consider
from otumat.usage.frequency import seconds_or_a_day
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import send_round

if TYPE_CHECKING:
    from otumat.usage.agent import UsageAgent

HOST_PROGRAM = "the program that uses it"


def install(agent: UsageAgent) -> None:
    if agent.answer.level == UNSET and agent.has_terminal():
        consider(agent, PROMPT, again=True)


def uninstall(agent: UsageAgent) -> None:
    from otumat.usage.service import remove_service

    folder, package = str(agent.home_path), str(agent.config["package_name"])
    remove_service(package)
    changing.withdraw(folder, source=HOST_PROGRAM)
    tombstones.tell(folder, over=usage_transport(silence_s=3, total_s=5))


def send(agent: UsageAgent) -> None:
    every_s = seconds_or_a_day(agent.config["upload_frequency"])
    send_round(str(agent.home_path), str(agent.config["package_name"]), over=usage_transport(), every_s=every_s)


def refresh_token(agent: UsageAgent) -> None:
    path = tokens.path_of(str(agent.home_path))
    known = tokens.read(path)
    if known is not None and not known.copy and agent.answer.level == ON:
        tokens.refreshed(path, known.access_token, over=usage_transport())


def recurring_send(agent: UsageAgent, start: object, frequency: str) -> None:
    from otumat.usage.recurring import recur

    recur(str(agent.home_path), str(agent.config["package_name"]), start=start, frequency=frequency)


def save_config(agent: UsageAgent, collect: object) -> None:
    """A host program may take a yes back; giving one is the user's."""
    if collect is False and agent.answer.level in ("local", "on"):
        uninstall(agent)


def accept_in_ci(agent: UsageAgent, level: str) -> None:
    """What OTUMAT_USAGE says in CI, kept apart from any person's answer."""
    package = str(agent.config["package_name"])
    found = manifests.find(package, agent.manifest)
    host = (found.manifest.host if found.manifest else "") or str(agent.config["host"] or "").rstrip("/")
    changing.turn(
        str(agent.home_path),
        level,
        package=package,
        found=found,
        source="OTUMAT_USAGE in CI",
        host=host,
        account="none",
    )
