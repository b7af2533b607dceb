"""The index copied by a real bandersnatch: by XML-RPC (6) and by the simple API (8), in whole and then what changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness.artifacts import Artifact, make_sdist, make_wheel, upload_form
from harness.bandersnatch import RELEASES, Mirror, NotInstalled, install
from harness.clients import Home
from harness.proxy import Proxy, reverse_proxy
from harness.server import Index, basic
from harness.tls import Authority, Terminator
from harness.waiting import until

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module", params=RELEASES)
def bandersnatch(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of one release."""
    try:
        return install(RELEASES[request.param], Home(tmp_path_factory.mktemp("bandersnatch")))
    except NotInstalled as exc:
        pytest.skip(f"bandersnatch {RELEASES[request.param]} cannot be installed: {exc}")


@dataclass
class Copied:
    """An index of its own, its mirror, and between them a proxy that notes what is asked."""

    index: Index
    mirror: Mirror
    proxy: Proxy
    token: str

    def publish(self, *artifacts: Artifact) -> None:
        for artifact in artifacts:
            body, headers = upload_form(artifact)
            answer = self.index.request("POST", "/legacy/", body, headers | basic("__token__", self.token))
            assert answer.status == 200, answer

    def change(self, path: str, **body: object) -> None:
        assert self.index.api("PUT", path, "alice", **body).status == 200

    def updated(self) -> set[str]:
        """Update the mirror, once the list of projects tells of every change; returns the projects it asked about."""
        ((serial,),) = self.index.catalogue.rows("SELECT serial FROM journal_head")
        until(lambda: int(self.index.get("/simple/").headers["x-pypi-last-serial"]) >= serial)
        self.proxy.asked.clear()
        self.mirror.update()
        asked = [path.split("/") for path in self.proxy.paths("/json")]
        return {name for _, kind, name, _ in asked if kind == "pypi"}


@pytest.fixture
def copied(start_index: Callable[..., Index], bandersnatch: Path, home: Home) -> Iterator[Copied]:
    """Two public projects and a private one, and a mirror that has copied nothing yet."""
    index = start_index(workers=1)
    authority = Authority(home.folder)
    outside = Terminator(authority)
    with reverse_proxy(index.port, host="127.0.0.1") as proxy:
        outside.target_port = urlsplit(proxy.url).port or 0
        mirror = Mirror.of(outside.url, command=bandersnatch, home=home, authority=authority.path)
        made = Copied(index, mirror, proxy, index.token("alice"))
        made.publish(make_wheel("roundup", "1.0"), make_sdist("roundup", "1.0"), make_wheel("roundup", "2.0"))
        made.publish(make_wheel("trove", "1.0"), make_wheel("veiled", "1.0"))
        made.change("/project/veiled/visibility", is_private=True)
        yield made
    outside.stop()
    index.stop_cleanly()
    assert "Traceback" not in index.log.read_text("utf-8"), index.told()


def test_a_mirror_copies_everything_and_then_just_what_changed(copied: Copied) -> None:
    assert copied.updated() == {"roundup", "trove"}
    first = [make_wheel("roundup"), make_sdist("roundup"), make_wheel("roundup", "2.0"), make_wheel("trove")]
    assert has(copied, *first)
    assert copied.mirror.projects() == {"roundup", "trove"}

    told = {copied.index.get("/simple/trove/").headers["x-pypi-last-serial"] for _ in range(3)}  # then from the lane
    assert told == {copied.index.get("/pypi/trove/json").headers["x-pypi-last-serial"]}

    assert copied.updated() == set()

    copied.publish(make_wheel("newcomer"))
    assert copied.updated() == {"newcomer"}
    assert has(copied, *first, make_wheel("newcomer"))

    copied.change("/project/roundup/2.0/yank", reason="breaks mail on Tuesdays")
    assert copied.updated() == {"roundup"}
    assert "breaks mail on Tuesdays" in copied.mirror.page("roundup")

    copied.publish(make_sdist("trove"))
    assert copied.updated() == {"trove"}
    assert has(copied, *first, make_wheel("newcomer"), make_sdist("trove"))


def has(copied: Copied, *artifacts: Artifact) -> bool:
    """Whether the mirror has these files, byte for byte, and no others; metadata beside them is welcome."""
    found = {name: data for name, data in copied.mirror.files().items() if not name.endswith(".metadata")}
    assert found == {artifact.filename: artifact.data for artifact in artifacts}
    return True


def test_what_is_hidden_or_removed_disappears_and_what_is_shown_again_comes_back(copied: Copied) -> None:
    copied.updated()
    copied.change("/project/trove/visibility", is_private=True)
    answer = copied.index.api("DELETE", f"/project/roundup/file/{make_sdist('roundup').filename}", "alice")
    assert answer.status == 200
    assert copied.updated() == {"roundup"}
    assert make_sdist("roundup").filename not in copied.mirror.page("roundup")
    copied.mirror.run("verify", "--delete", "--json-update").ok()
    assert has(copied, make_wheel("roundup"), make_wheel("roundup", "2.0"))

    copied.change("/project/trove/visibility", is_private=False)
    assert copied.updated() == {"trove"}
    assert has(copied, make_wheel("roundup"), make_wheel("roundup", "2.0"), make_wheel("trove"))


def test_A86_no_mirror_hears_of_a_private_project(copied: Copied) -> None:
    said = copied.mirror.update()
    copied.publish(make_wheel("veiled", "2.0"))
    said += copied.mirror.update()
    assert "veiled" not in said
    assert not [path for path in copied.mirror.folder.rglob("*") if "veiled" in path.name]
