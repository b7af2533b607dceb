"""
A ClickHouse cluster on loopback: 2 shards of 2 replicas, as Debian packages the server, and a ZooKeeper for them.

Debian's is 18.16; what that does not know is in `clickhouse_old.py`. Everything else, and every word of SQL, is what
the product says.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import struct
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.clickhouse_old import old_client, understood
from harness.server import free_port
from harness.waiting import PATIENCE_S
from otumat_index.usage.stores.clickhouse import schema
from otumat_index.usage.stores.clickhouse.link import STEADY, Address, Server

SERVER, JARS = Path("/usr/sbin/clickhouse-server"), Path("/usr/share/java")
NEEDED = (SERVER, JARS / "zookeeper.jar", Path("/usr/bin/java"))
CLUSTER = "otumat"
QUEUE = "/clickhouse/task_queue/ddl"
KEEPER = (
    "zookeeper",
    "zookeeper-jute",
    "slf4j-api",
    "slf4j-nop",
    "netty-all",
    "metrics-core",
    "snappy-java",
    "commons-io",
)
USERS = """<yandex><profiles><default><max_memory_usage>500000000</max_memory_usage><max_threads>2</max_threads>
<distributed_ddl_task_timeout>60</distributed_ddl_task_timeout></default></profiles><users><default><password></password>
<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
<quotas><default></default></quotas></yandex>"""
CONFIG = """<yandex><logger><level>warning</level><console>1</console></logger>
<http_port>{replica.http}</http_port><tcp_port>{replica.tcp}</tcp_port>
<interserver_http_port>{replica.between}</interserver_http_port><interserver_http_host>127.0.0.1</interserver_http_host>
<listen_host>127.0.0.1</listen_host><path>{replica.folder}/data/</path><tmp_path>{replica.folder}/tmp/</tmp_path>
<users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>16777216</mark_cache_size><timezone>UTC</timezone>{together}</yandex>"""


@dataclass
class Replica:
    """One server, with ports of its own."""

    folder: Path
    shard: int
    number: int
    http: int = field(default_factory=free_port)
    tcp: int = field(default_factory=free_port)
    between: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    said_before: int = 0

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.said_before = log.tell()
            line = [str(SERVER), f"--config-file={self.folder / 'config.xml'}"]
            self.process = subprocess.Popen(line, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT)

    def await_ready(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            assert self.process is not None
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/ping", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise AssertionError(f"ClickHouse did not start:\n{(self.folder / 'log').read_text()[-3000:]}")

    def has_given_up(self) -> bool:
        """
        Whether it does no statement of the cluster any more, until it is started again.

        18.16 has a race (ClickHouse #3904, mended in 19.1): both replicas of a shard do the same ALTER, and the second
        to say so in ZooKeeper takes that for an error, at which its thread for such statements ends.
        """
        with (self.folder / "log").open("rb") as log:
            log.seek(self.said_before)
            return b"DDLWorker: Unexpected ZooKeeper error" in log.read()

    def kill(self) -> None:
        """As a machine goes that loses its power: nothing is said to anybody."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


@dataclass(frozen=True)
class Cluster:
    replicas: list[Replica]

    def link_to_new(self, database: str) -> Server:
        """
        A link to a database whose tables are there, made by each server at once.

        What the store itself says takes many times as long: each statement waits for all servers, one after the other.
        """
        with ThreadPoolExecutor(len(self.replicas)) as pool:
            list(pool.map(lambda replica: self._make(database, replica), self.replicas))
        return self.link(database)

    def _make(self, database: str, replica: Replica) -> None:
        there = self.link(database, replica)
        for statement in schema.statements(database, CLUSTER):
            there.do(statement.replace(f" ON CLUSTER {CLUSTER}", ""))

    def await_idle(self) -> None:
        """Until every server has done all that was said to the cluster; who gave up is started again."""
        until, there = time.monotonic() + PATIENCE_S, self.link("default")
        while time.monotonic() < until:
            for replica in filter(Replica.has_given_up, self.replicas):
                replica.kill()
                replica.start()
                replica.await_ready()
            queue = f"FROM system.zookeeper WHERE path = '{QUEUE}"
            [[last]] = there.ask(f"SELECT max(name) {queue}'", anywhere=True)
            done = there.ask(f"SELECT count() {queue}/{last}/finished'", anywhere=True) if last else None
            if done in (None, [[len(self.replicas)]]):
                return
            time.sleep(0.1)
        raise AssertionError(f"{last} was not done by every server.")

    def link(self, database: str, *only: Replica) -> Server:
        hosts = tuple(("127.0.0.1", each.http) for each in only or self.replicas)
        address = Address(hosts, "default", "", database, CLUSTER, settings=STEADY)
        return Server(address, connect=old_client)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start one; everything ends with the block."""
    with ExitStack() as stack:
        keeper = stack.enter_context(zookeeper(folder))
        replicas = []
        for shard in (1, 2):
            for number in (1, 2):
                place = folder / f"s{shard}r{number}"
                place.mkdir()
                replicas.append(Replica(place, shard, number))
        for replica in replicas:
            (replica.folder / "config.xml").write_text(config(replica, replicas, keeper))
            (replica.folder / "users.xml").write_text(USERS)
            stack.callback(replica.kill)
            replica.start()
        for replica in replicas:
            replica.await_ready()
        yield Cluster(replicas)


@contextmanager
def single(folder: Path) -> Iterator[str]:
    """One server by itself, as EVENTS_URL names it; everything ends with the block."""
    alone = Replica(folder, 1, 1)
    (folder / "config.xml").write_text(CONFIG.format(replica=alone, together=""))
    (folder / "users.xml").write_text(USERS)
    alone.start()
    try:
        alone.await_ready()
        with understood(alone.http) as port:
            yield f"clickhouse://127.0.0.1:{port}/otumat"
    finally:
        alone.kill()


@contextmanager
def zookeeper(folder: Path) -> Iterator[int]:
    """Where replicas agree on what there is."""
    port, classes = free_port(), ":".join(str(JARS / f"{name}.jar") for name in KEEPER)
    told = f"tickTime=1000\ndataDir={folder / 'keeper'}\nclientPort={port}\nclientPortAddress=127.0.0.1\n"
    (folder / "keeper.cfg").write_text(f"{told}admin.enableServer=false\n")
    line = ["java", "-Xmx192m", "-cp", classes, "org.apache.zookeeper.server.ZooKeeperServerMain"]
    line.append(str(folder / "keeper.cfg"))
    with (folder / "keeper.log").open("wb") as log:
        process = subprocess.Popen(line, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        await_keeper(port, folder / "keeper.log")
        yield port
    finally:
        process.kill()
        process.wait()


def await_keeper(port: int, log: Path) -> None:
    """Until it answers a session's first words: it listens before it can, and a server that finds none soon ends."""
    words = struct.pack(">iqiqi16s", 0, 0, 5000, 0, 16, bytes(16))
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2) as line:
            line.sendall(struct.pack(">i", len(words)) + words)
            if line.recv(4):
                return
        time.sleep(0.1)
    raise AssertionError(f"ZooKeeper did not start:\n{log.read_text()[-3000:]}")


def config(replica: Replica, replicas: list[Replica], keeper: int) -> str:
    shards = "".join(
        "<shard><internal_replication>true</internal_replication>"
        + "".join(
            f"<replica><host>127.0.0.1</host><port>{each.tcp}</port></replica>"
            for each in replicas
            if each.shard == shard
        )
        + "</shard>"
        for shard in (1, 2)
    )
    together = f"""<zookeeper><node><host>127.0.0.1</host><port>{keeper}</port></node>
<session_timeout_ms>5000</session_timeout_ms></zookeeper>
<macros><shard>{replica.shard}</shard><replica>r{replica.number}</replica></macros>
<distributed_ddl><path>{QUEUE}</path></distributed_ddl>
<remote_servers><{CLUSTER}>{shards}</{CLUSTER}></remote_servers>"""
    return CONFIG.format(replica=replica, together=together)
