"""The draft's `register`: post a release's metadata to an index, or have it verified without a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otumat.publish import reply
from otumat.spec import metadata as core_metadata
from otumat.transport import Form, Request, basic_auth

if TYPE_CHECKING:
    from otumat.publish.reply import Receipt
    from otumat.settings import Credentials, Index
    from otumat.spec.metadata import Metadata
    from otumat.transport import Transport


def submit(metadata: Metadata, *, to: Index, by: Credentials, over: Transport, verify: bool = False) -> Receipt:
    """
    Create or update the entry of (name, version) on an index.

    Args:
        verify: Only have it checked, as a real submission would be; the index keeps nothing (`:action=verify`).

    Returns:
        The receipt, with the address of the project's page and any warnings.

    Errors:
        Invalid: with every problem the index found. Unauthenticated, Refused, Conflict, Unreachable: as they say.

    Source: the draft, "Distutils Register Command"; PEP 301.
    """
    url = f"{to.url}/submit"
    action = "verify" if verify else "submit"
    form = Form([(":action", action), *core_metadata.to_form(metadata)])
    headers = {"Accept": "application/json", "Authorization": basic_auth(by.username, by.password)}
    return reply.read(over.send(Request("POST", url, headers, form)), asked=url)
