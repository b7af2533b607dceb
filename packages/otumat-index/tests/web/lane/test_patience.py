"""Who keeps us waiting too long. The clock is given; the sockets are real."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import uvicorn
import uvloop

from otumat_index.web.lane import of_file
from otumat_index.web.lane.patience import Patience, sweep
from otumat_index.web.lane.protocol import LaneProtocol, protocol_for
from otumat_index.web.lane.table import Table

PATIENCE = Patience(idle_s=10, head_s=20, body_s=30, stall_s=40)
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Worker:
    """A worker's parts in this process, with the connection of one client."""

    def __init__(self, table: Table, connections: set[object], client: Client) -> None:
        self.table = table
        self.connections = connections
        self.reader, self.writer = client

    async def sent(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0.05)

    async def settled(self) -> None:
        """Wait until the kernels have taken all they take."""
        before: list[object] = []
        while before != (before := [one.left_to_write() for one in self.connections]):  # type: ignore[attr-defined]
            await asyncio.sleep(0.1)

    async def survives(self, seconds: float) -> bool:
        """Sweep as if so many seconds had gone; tell whether the connection is still there."""
        sweep(self.connections, PATIENCE, self.table.now + seconds)
        await asyncio.sleep(0.05)
        return bool(self.connections)


@contextlib.asynccontextmanager
async def working(folder: Path) -> AsyncIterator[Worker]:
    table = Table(folder / "lane.sqlite3")
    config = uvicorn.Config(_application, http=protocol_for(table), ws="none", lifespan="off", log_config=None)
    config.load()
    state = uvicorn.server.ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),  # type: ignore[call-arg]
        "127.0.0.1",
        0,
    )
    address = server.sockets[0].getsockname()
    client = await asyncio.open_connection(*address[:2], limit=1024)
    try:
        await asyncio.sleep(0.05)
        yield Worker(table, state.connections, client)  # type: ignore[arg-type]
    finally:
        client[1].close()
        server.close()
        for connection in list(state.connections):
            assert isinstance(connection, LaneProtocol)
            connection.transport.abort()
        await asyncio.sleep(0.05)
        table.store.close()


async def _application(scope: object, receive: Callable[[], Awaitable[dict[str, object]]], send: object) -> None:
    while (await receive()).get("more_body"):
        pass
    await asyncio.sleep(60)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scene())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sent", "limit_s"),
    [
        (b"", 10),
        (b"GET /simple/al", 20),
        (b"GET /other HTTP/1.1\r\nHost: ", 20),
        (b"POST /legacy/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbegin", 30),
    ],
    ids=["nothing", "our head", "another head", "body"],
)
def test_a_silent_client_is_waited_for_and_then_left(tmp_path: Path, sent: bytes, limit_s: float) -> None:
    async def scene() -> None:
        async with working(tmp_path) as worker:
            await worker.sent(sent)
            assert await worker.survives(limit_s - 1)
            assert not await worker.survives(limit_s + 1)

    run(scene)


def test_a_head_that_drips_is_not_waited_for_longer(tmp_path: Path) -> None:
    async def scene() -> None:
        async with working(tmp_path) as worker:
            await worker.sent(b"GET /simple/al")
            worker.table.now += 15
            await worker.sent(b"i")
            assert await worker.survives(4)
            assert not await worker.survives(6)

    run(scene)


def test_a_request_being_worked_on_has_all_the_time(tmp_path: Path) -> None:
    async def scene() -> None:
        async with working(tmp_path) as worker:
            await worker.sent(b"GET /other HTTP/1.1\r\nHost: a\r\n\r\n")
            assert await worker.survives(1000)

    run(scene)


def test_a_reader_that_takes_nothing_is_left_and_one_that_takes_some_is_not(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * (32 << 20))

    async def scene() -> None:
        async with working(tmp_path) as worker:
            answer = of_file("/files/large", tmp_path / "large", content_type="a/b", digest="0" * 40)
            worker.table.store.put("alice", 1, [answer])
            worker.table.store.followed = 1
            worker.table.store.heartbeat()
            await worker.sent(b"GET /files/large HTTP/1.1\r\nHost: a\r\n\r\n")
            await worker.settled()
            assert await worker.survives(0)
            assert await worker.survives(39)
            await worker.reader.readexactly(16 << 20)
            await worker.settled()
            assert await worker.survives(45)  # it took some: the clock starts anew
            assert await worker.survives(84)
            assert not await worker.survives(86)

    run(scene)
