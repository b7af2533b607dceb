"""A store that is no database of Django's, where EVENTS_URL names one."""

from __future__ import annotations

from otumat.errors import Invalid, Problem
from otumat_index.usage.stores.protocol import EventStore


def elsewhere(url: str) -> EventStore | None:
    """
    The store on ClickHouse; None where uses are in SQLite or PostgreSQL (`settings.DATABASES`).

    Raises:
        Invalid: The extra `clickhouse` is not installed, or the URL names none.
    """
    if not url.startswith("clickhouse:"):
        return None
    try:
        from otumat_index.usage.stores.clickhouse.link import Server, address_of
    except ModuleNotFoundError as exc:
        message = "EVENTS_URL names ClickHouse, and its driver is not installed."
        hint = "Install otumat-index[clickhouse], or leave EVENTS_URL empty."
        raise Invalid([Problem("events_url", "EVENTS_URL", message, hint=hint)]) from exc
    from otumat_index.usage.stores.clickhouse.store import ClickHouseStore

    address = address_of(url)
    return ClickHouseStore(Server(address), database=address.database, cluster=address.cluster)
