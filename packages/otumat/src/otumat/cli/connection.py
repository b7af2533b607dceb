"""How a command comes to talk to an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat import __version__
from otumat.cli import credentials
from otumat.cli.console import printable
from otumat.publish.api import Api
from otumat.settings import TOKEN_USERNAME
from otumat.transport import UrllibTransport

if TYPE_CHECKING:
    import argparse

    from otumat.cli.console import Console
    from otumat.settings import Credentials, Settings


def connect(options: argparse.Namespace, settings: Settings, console: Console) -> Api:
    """The management API of the index that is meant, asked with the credentials that are found."""
    index = settings.find_index(options.index)
    return Api(index, credentials.choose(options, settings, index, console), transport())


def transport() -> UrllibTransport:
    return UrllibTransport(user_agent=f"otumat/{__version__}")


def who(by: Credentials) -> str:
    """Who asks, in words."""
    return "with an API token" if by.username == TOKEN_USERNAME else f"as {printable(by.username)}"
