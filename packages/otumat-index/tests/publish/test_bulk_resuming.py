"""An import that is killed, interrupted or very long: real processes over a data folder (or database) of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

# Small batches; killed at the named moment of the named batch.
RUN = """
import os, signal, sys
from otumat_index import cli, commands
from otumat_index.publish.bulk import source
source.CHUNK_LINES = 20
moment, batch = sys.argv[1], int(sys.argv[2])
prepare = commands.prepare

def prepared():
    prepare()
    from otumat_index.publish.bulk.checkpoint import Checkpoint
    when, _, method = moment.partition(" ")
    if not method:
        return
    real, calls = getattr(Checkpoint, method), []
    def dying(self, position):
        calls.append(position)
        if len(calls) == batch and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, position)
        if len(calls) == batch and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
    setattr(Checkpoint, method, dying)

commands.prepare = prepared
sys.exit(cli.main(sys.argv[3:]))
"""

LOOK = """
import json, django
django.setup()
from otumat_index.journal.models import Entry
from otumat_index.publish.models import Project, Release, ReleaseClassifier
serials = list(Entry.objects.order_by("serial").values_list("serial", flat=True))
print(json.dumps({
    "projects": Project.objects.count(),
    "releases": Release.objects.count(),
    "links": ReleaseClassifier.objects.count(),
    "latest": Project.objects.filter(latest__isnull=False).count(),
    "entries": len(serials),
    "subjects": Entry.objects.values("subject").distinct().count(),
    "gapless": serials == list(range(1, len(serials) + 1)),
}))
"""

MEMORY = """
import resource, sys
from otumat_index import cli
from otumat_index.publish.bulk import tables
tables.SQLITE_WHILE_IMPORTING["cache_size"] = -2_000
code = cli.main(sys.argv[1:])
print(sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
sys.exit(code)
"""

GOOD, BAD = 400, 20


class Index:
    """An index of its own."""

    def __init__(self, data: Path, environ: dict[str, str]) -> None:
        self.data = data
        self.environ = environ

    def start(self, script: str, *arguments: str | Path, **words: Any) -> subprocess.Popen[str]:
        line = [sys.executable, "-c", script, *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(line, env=self.environ, text=True, **pipes, **words)

    def run(self, script: str, *arguments: str | Path) -> tuple[int, str, str]:
        with self.start(script, *arguments) as process:
            out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def load(self, file: Path, moment: str = "never", batch: int = 0) -> tuple[int, str, str]:
        return self.run(RUN, moment, str(batch), "import", file)

    def look(self) -> dict[str, Any]:
        code, out, err = self.run(LOOK)
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)
        return found

    @property
    def checkpoints(self) -> list[Path]:
        return list((self.data / "imports").glob("*.checkpoint"))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    data = tmp_path / "data"
    environ = {**os.environ, "OTUMAT_DATA": str(data), "DJANGO_SETTINGS_MODULE": "otumat_index.settings"}
    url = os.environ.get("DATABASE_URL")
    if url is None:
        yield Index(data, environ)
        return
    import psycopg

    name = f"import_{uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        yield Index(data, {**environ, "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()})
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Good lines, and a bad one now and then."""
    path = tmp_path / "records.jsonl"
    lines = []
    for number in range(GOOD):
        classifiers = ["Environment :: Console", "Topic :: Office/Business"]
        lines.append({"name": f"project-{number}", "version": "1.0", "classifiers": classifiers})
        if number % (GOOD // BAD) == 0:
            lines.append({"name": f"bad-{number}"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def complete(index: Index, file: Path) -> Callable[[str], None]:
    """Nothing lost, nothing twice, and the report says so."""

    def check(report: str) -> None:
        expected = {"projects": GOOD, "releases": GOOD, "links": 2 * GOOD, "latest": GOOD, "entries": GOOD}
        assert index.look() == {**expected, "subjects": GOOD, "gapless": True}
        assert f"{GOOD + BAD} records" in report
        assert f"{GOOD} new, 0 updated, 0 unchanged, {BAD} left out" in report
        assert f"{BAD}  version.missing  line 2: " in report
        rejected = file.with_name("records.jsonl.rejected.jsonl").read_text().splitlines()
        told = [json.loads(json.loads(line)["record"])["name"] for line in rejected]
        assert told == [f"bad-{number}" for number in range(0, GOOD, GOOD // BAD)]
        assert index.checkpoints == []

    return check


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("moment", ["before expect", "after expect", "before reached", "after reached"])
def test_killed_around_a_commit_it_goes_on_exactly_there(
    index: Index, file: Path, complete: Callable[[str], None], moment: str, batch: int
) -> None:
    assert index.load(file, moment, batch)[0] == -signal.SIGKILL
    code, out, err = index.load(file)
    assert code == 0, err
    if batch > 1:
        committed = batch if "reached" in moment else batch - 1
        assert f"Going on after {committed * 20} records." in err
    complete(out)


def test_killed_at_any_moment_again_and_again_it_comes_to_the_same_end(
    index: Index, file: Path, complete: Callable[[str], None]
) -> None:
    for _ in range(3):
        before = [path.read_bytes() for path in index.checkpoints]
        with index.start(RUN, "never", "0", "import", file) as process:
            while process.poll() is None and [path.read_bytes() for path in index.checkpoints] == before:
                time.sleep(0.001)
            process.kill()
    code, out, err = index.load(file)
    assert code == 0, err
    complete(out)


def test_interrupted_it_finishes_the_batch_and_says_how_to_go_on(
    index: Index, file: Path, complete: Callable[[str], None]
) -> None:
    with index.start(RUN, "never", "0", "import", file) as process:
        while process.poll() is None and not index.checkpoints:
            time.sleep(0.001)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The same command goes on from there." in err
    assert "Traceback" not in err
    code, out, err = index.load(file)
    assert code == 0, err
    assert "Going on after" in err
    complete(out)


def test_interrupted_while_it_waits_for_input_it_ends_at_once(index: Index) -> None:
    with index.start(RUN, "never", "0", "import", "-", stdin=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdin is not None
        lines = [json.dumps({"name": f"project-{number}", "version": "1"}) + "\n" for number in range(50)]
        process.stdin.write("".join(lines))
        process.stdin.flush()
        while not (index.data / "imports" / "lock").exists() or index.look()["projects"] < 40:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the checking process gets it too
        assert process.wait(timeout=60) == 130
        err = process.stderr.read() if process.stderr else ""
        process.stdin.close()
    assert "Stopped after 40 records. They are kept." in err
    assert "Traceback" not in err


def test_no_process_is_left_behind_by_a_kill(index: Index, file: Path) -> None:
    with index.start(RUN, "never", "0", "import", "-", stdin=subprocess.PIPE) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while process.poll() is None and not (found := children.read_text().split()):
            time.sleep(0.01)
        process.kill()
        assert process.stdin is not None
        process.stdin.close()
    assert found
    for _ in range(3000):
        if not any(_runs(pid) for pid in found):
            break
        time.sleep(0.01)
    assert not any(_runs(pid) for pid in found)


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_changed_file_is_read_from_its_start(index: Index, file: Path) -> None:
    assert index.load(file, "after reached", 5)[0] == -signal.SIGKILL
    lines = file.read_text().splitlines(keepends=True)
    changed = {"name": "project-0", "version": "1.0", "summary": "changed", "classifiers": []}
    file.write_text("".join([json.dumps(changed) + "\n", *lines[1:]]))
    code, out, err = index.load(file)
    assert code == 0, err
    assert "Going on" not in err
    assert f"{GOOD - 95} new, 1 updated, 94 unchanged" in out


def test_a_checkpoint_of_another_database_is_not_believed(index: Index, file: Path, tmp_path: Path) -> None:
    assert index.load(file, "after reached", 5)[0] == -signal.SIGKILL
    told = json.loads(index.checkpoints[0].read_text())
    for position in (told["done"], told["next"]):
        position["mark"][1] = "2001-01-01T00:00:00+00:00"  # there, that serial had another moment
    index.checkpoints[0].write_text(json.dumps(told))
    code, _, err = index.load(file)
    assert code == 0, err
    assert "Going on" not in err
    assert index.look()["entries"] == GOOD


def test_memory_does_not_grow_with_the_file(index: Index, tmp_path: Path) -> None:
    def peak_kb(count: int) -> int:
        file = tmp_path / f"{count}.jsonl"
        with file.open("w") as stream:
            for number in range(count):
                said = {"name": f"p{number % 200}", "version": f"1.{number // 200}", "description": "words " * 1000}
                stream.write(json.dumps(said) + "\n")
        code, out, err = index.run(MEMORY, "import", file)
        assert code == 0, err
        return int(out.splitlines()[-1])

    small, large = peak_kb(2_000), peak_kb(20_000)
    assert large - small < 40_000, (small, large)  # the file has grown by 108,000
