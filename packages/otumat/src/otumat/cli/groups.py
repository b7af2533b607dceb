"""`otumat group`: people who hold roles together."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from otumat.cli.connection import connect
from otumat.cli.console import printable
from otumat.errors import NotFound
from otumat.publish import groups

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Settings


def list_groups(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """The groups of whoever asks."""
    found = groups.mine(connect(options, settings, console))
    rows = [(each.group.slug, each.group.parent, _standing(each), each.group.name) for each in found]
    told = [{**asdict(each.group), "is_manager": each.is_manager, "has_joined": each.has_joined} for each in found]
    return console.show_listed(("group", "team of", "you", "name"), rows, groups=told)


def show(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """A group, its teams and its members."""
    group, teams, members = groups.read(connect(options, settings, console), options.group)
    if not console.as_json:
        console.show_table([("name", [group.name]), ("team of", [group.parent]), ("teams", teams)])
    rows = [(each.user, _rank(each), each.joined_at[:10]) for each in members]
    told = {**asdict(group), "teams": teams, "members": [asdict(each) for each in members]}
    return console.show_listed(("who", "is", "since"), rows, **told)


def create(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Make a group or a team."""
    api = connect(options, settings, console)
    group = groups.create(api, options.group, options.name or options.group, parent=options.parent)
    what = f"the team {group.slug} in {group.parent}" if group.parent else f"the group {group.slug}"
    return console.show_done("Made", f"{what}.", **asdict(group))


def rename(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Give a group another name."""
    group = groups.rename(connect(options, settings, console), options.group, options.name)
    return console.show_done("Renamed", f"{group.slug} is called “{group.name}” now.", **asdict(group))


def delete(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Dissolve a group, if that is meant."""
    if not options.yes and not _is_meant(options.group, console):
        console.note("Nothing was dissolved.")
        return 1
    groups.delete(connect(options, settings, console), options.group)
    return console.show_done("Dissolved", f"{options.group}, its teams and their roles.", slug=options.group)


def add(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Ask somebody to join, or say whether a member manages."""
    api = connect(options, settings, console)
    member = groups.put_member(api, options.group, options.user, is_manager=options.manager)
    if member.joined_at:
        words = ("Set", f"{member.user} is {_rank(member)} of {options.group}.")
    else:
        words = ("Asked", f"{member.user} may join {options.group}, with 'otumat group join {options.group}'.")
    return console.show_done(*words, group=options.group, **asdict(member))


def remove(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """End a membership."""
    groups.remove_member(connect(options, settings, console), options.group, options.user)
    words = f"{options.user} is not in {options.group} any more."
    return console.show_done("Removed", words, group=options.group, user=options.user)


def join(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Say yes to being asked."""
    groups.join(connect(options, settings, console), options.group)
    return console.show_done("Joined", f"{options.group}; you hold its roles now.", group=options.group)


def leave(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """End one's own membership."""
    groups.leave(connect(options, settings, console), options.group)
    return console.show_done("Left", f"{options.group}.", group=options.group)


def _is_meant(slug: str, console: Console) -> bool:
    if not console.is_interactive:
        message = f"{slug!r} would be dissolved, with its teams and their roles."
        raise NotFound(message, code="group.confirm", hint="Nothing was done; add --yes if that is meant.")
    return console.ask_yes(f"Dissolve {printable(slug)}, its teams and the roles they hold?")


def _standing(membership: groups.Membership) -> str:
    if not membership.has_joined:
        return "asked to join"
    return "manager" if membership.is_manager else "member"


def _rank(member: groups.Member) -> str:
    rank = "manager" if member.is_manager else "member"
    return rank if member.joined_at else f"{rank}, asked"
