"""pip and uv resolve, lock and install from the index unmodified."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from harness.artifacts import Artifact, make_sdist, make_wheel, upload_form
from harness.clients import Done, Home
from harness.projects import Project
from harness.proxy import Proxy, reverse_proxy
from harness.server import Index, basic

pytestmark = pytest.mark.clients

NewName = Callable[[str], str]
INSTALLERS = ("pip", "uv")
LIST = "import importlib.metadata as m; [print(f'{d.name}=={d.version}') for d in m.distributions()]"


@dataclass(frozen=True)
class Shop:
    """The index as seen by one who publishes and one who installs."""

    index: Index
    home: Home
    token: str

    def publish(self, *artifacts: Artifact) -> None:
        for artifact in artifacts:
            body, headers = upload_form(artifact)
            answer = self.index.request("POST", "/legacy/", body, headers | basic("__token__", self.token))
            assert answer.status == 200, answer

    def pip(self, *words: str | Path, simple: str = "") -> Done:
        command, *rest = words
        trusted = ["--trusted-host", "index.localhost"]
        return self.home.python("-m", "pip", command, *trusted, "--index-url", simple or self.index.simple, *rest)

    def uv(self, *words: str | Path, simple: str = "", stdin: str = "") -> Done:
        return self.home.run("uv", "pip", *words, "--index-url", simple or self.index.simple, stdin=stdin)

    def install(self, installer: str, *wanted: str, simple: str = "") -> tuple[Done, dict[str, str]]:
        """Install into a new environment; returns what the installer said and versions by project."""
        python = self.home.new_venv()
        simple = simple or self.index.simple
        if installer == "pip":
            done = self.home.python("-m", "pip", "--python", python, "install", "--index-url", simple, *wanted)
        else:
            done = self.uv("install", "--python", python, *wanted, simple=simple)
        return done, dict(line.split("==") for line in self.home.run(python, "-c", LIST).ok().split())


def path_of(project: str, url: str) -> str:
    """The path of a file that a project's page links to."""
    return urlsplit(urljoin(f"http://index.example.org/simple/{project}/", url)).path


@pytest.fixture
def shop(index: Index, home: Home, token: str) -> Shop:
    return Shop(index, home, token)


@pytest.fixture
def demo(shop: Shop, new_name: NewName) -> str:
    """A project with two releases, each a wheel and an sdist."""
    name = new_name("demo")
    for version in ("1.0", "2.0"):
        shop.publish(make_wheel(name, version), make_sdist(name, version))
    return name


@pytest.fixture
def watched(index: Index) -> Iterator[Proxy]:
    """The index behind a proxy that notes what is asked."""
    with reverse_proxy(index.port) as proxy:
        yield proxy


@pytest.mark.parametrize("installer", INSTALLERS)
def test_install_takes_the_newest_release_and_its_requirements(
    installer: str, shop: Shop, demo: str, new_name: NewName
) -> None:
    host = new_name("host")
    shop.publish(make_wheel(host, headers=f"Requires-Dist: {demo}>=1\n"))
    done, installed = shop.install(installer, host)
    done.ok()
    assert installed == {host: "1.0", demo: "2.0"}


@pytest.mark.parametrize("installer", INSTALLERS)
def test_what_a_real_back_end_built_can_be_run(
    installer: str, shop: Shop, project: Callable[..., Project], tmp_path: Path
) -> None:
    made = project("hatchling")
    shop.publish(
        *(Artifact(path.name, made.name, "1.0", path.read_bytes()) for path in made.files if path.suffix == ".whl")
    )
    python = shop.home.new_venv()
    if installer == "pip":
        shop.home.python(
            "-m", "pip", "--python", python, "install", "--no-deps", "-i", shop.index.simple, made.name
        ).ok()
    else:
        shop.uv("install", "--no-deps", "--python", python, made.name).ok()
    assert shop.home.run(python.parent / made.name).ok() == f"{made.name} 1.0\n"


def test_pip_installs_an_sdist(shop: Shop, new_name: NewName) -> None:
    name = new_name("source")
    shop.publish(make_sdist(name))
    done = shop.pip("wheel", name, "--no-build-isolation", "--no-deps", "--wheel-dir", shop.home.folder)
    done.ok()
    assert [path.name for path in shop.home.folder.glob("*.whl")] == [f"{name.replace('-', '_')}-1.0-py3-none-any.whl"]


def test_pip_downloads_a_pinned_release(shop: Shop, demo: str) -> None:
    shop.pip("download", f"{demo}==1.0", "--no-deps", "-d", shop.home.folder / "d").ok()
    wheel = make_wheel(demo, "1.0")
    assert (shop.home.folder / "d" / wheel.filename).read_bytes() == wheel.data


def test_pip_lists_the_versions(shop: Shop, demo: str) -> None:
    assert "Available versions: 2.0, 1.0" in shop.pip("index", "versions", demo).ok()


def test_pip_locks_with_digests(shop: Shop, demo: str) -> None:
    shop.pip("lock", demo, "-o", shop.home.folder / "pylock.toml").ok()
    assert make_wheel(demo, "2.0").sha256 in (shop.home.folder / "pylock.toml").read_text()


def test_pip_installs_by_digest_only_what_has_it(shop: Shop, demo: str) -> None:
    wanted = shop.home.folder / "requirements.txt"
    for digest, holds in ((make_wheel(demo, "1.0").sha256, True), ("0" * 64, False)):
        wanted.write_text(f"{demo}==1.0 --hash=sha256:{digest}\n")
        target = shop.home.folder / f"target-{holds}"
        done = shop.pip("install", "--require-hashes", "--only-binary", ":all:", "--target", target, "-r", wanted)
        assert (done.code == 0) is holds, done.output


def test_pip_looks_at_upload_times(shop: Shop, demo: str) -> None:
    shop.pip("download", demo, "--uploaded-prior-to", "2100-01-01", "--no-deps", "-d", shop.home.folder).ok()
    early = shop.pip("download", demo, "--uploaded-prior-to", "2020-01-01", "--no-deps", "-d", shop.home.folder)
    assert "No matching distribution" in early.failed()


def test_uv_looks_at_upload_times(shop: Shop, demo: str) -> None:
    late = shop.uv("compile", "--exclude-newer", "2100-01-01", "--generate-hashes", "-", stdin=demo).ok()
    assert f"{demo}==2.0" in late
    assert {make_wheel(demo, "2.0").sha256, make_sdist(demo, "2.0").sha256} == set(re.findall("[0-9a-f]{64}", late))
    early = shop.uv("compile", "--exclude-newer", "2020-01-01", "-", stdin=demo)
    assert "no versions" in early.failed() or "not found" in early.failed() or "exclude-newer" in early.failed()


def test_pip_resolves_from_metadata_without_downloading_wheels(shop: Shop, watched: Proxy, demo: str) -> None:
    simple = f"{watched.url}/simple/"
    shop.pip("install", "--dry-run", "--ignore-installed", "--only-binary", ":all:", demo, simple=simple).ok()
    assert len(watched.paths(".metadata")) == 1
    assert watched.paths(".whl") == []


def test_uv_resolves_from_metadata_without_downloading_wheels(shop: Shop, watched: Proxy, demo: str) -> None:
    shop.uv("compile", "-", stdin=demo, simple=f"{watched.url}/simple/").ok()
    assert len(watched.paths(".metadata")) == 1
    assert watched.paths(".whl") == watched.paths(".tar.gz") == []


def test_the_metadata_of_an_sdist_is_offered_too(shop: Shop, new_name: NewName) -> None:
    """PKG-INFO of 2.2 and later is as good as METADATA (PEP 643)."""
    sdist = make_sdist(new_name("source"))
    shop.publish(sdist)
    file = shop.index.files_of(sdist.project)[sdist.filename]
    pkg_info = shop.index.get(f"{path_of(sdist.project, file['url'])}.metadata").body
    assert f"Name: {sdist.project}".encode() in pkg_info
    assert file["core-metadata"] == {"sha256": hashlib.sha256(pkg_info).hexdigest()}


def set_yank(shop: Shop, name: str, version: str, reason: str | None) -> None:
    path = f"/project/{name}/{version}/yank"
    answer = (
        shop.index.api("DELETE", path, "alice")
        if reason is None
        else shop.index.api("PUT", path, "alice", reason=reason)
    )
    assert answer.status == 200, answer


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_yanked_release_is_passed_over_until_it_is_unyanked(installer: str, shop: Shop, demo: str) -> None:
    set_yank(shop, demo, "2.0", "breaks mail on Tuesdays")
    done, installed = shop.install(installer, demo)
    assert (done.ok(), installed)[1] == {demo: "1.0"}
    set_yank(shop, demo, "2.0", None)
    done, installed = shop.install(installer, demo)
    assert (done.ok(), installed)[1] == {demo: "2.0"}


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_pinned_yanked_release_is_installed_with_the_reason(installer: str, shop: Shop, demo: str) -> None:
    set_yank(shop, demo, "2.0", "breaks mail on Tuesdays")
    done, installed = shop.install(installer, f"{demo}==2.0")
    assert "breaks mail on Tuesdays" in done.ok()
    assert installed == {demo: "2.0"}


@pytest.mark.parametrize("installer", INSTALLERS)
def test_A67_a_quarantined_project_offers_nothing(installer: str, shop: Shop, demo: str) -> None:
    shop.index.create_user("dora", admin=True)
    path = f"/project/{demo}/status"
    urls = [file["url"] for file in shop.index.files_of(demo).values()]
    assert shop.index.api("PUT", path, "dora", status="quarantined", reason="looked at").status == 200
    assert shop.install(installer, demo)[0].code != 0
    assert shop.index.files_of(demo) == {}
    assert {shop.index.get(path_of(demo, url)).status for url in urls} == {404}
    assert shop.index.api("PUT", path, "dora", status="active", reason="").status == 200
    assert shop.install(installer, demo)[1] == {demo: "2.0"}


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_private_project_is_there_only_for_those_who_may_see_it(installer: str, shop: Shop, demo: str) -> None:
    url = path_of(demo, shop.index.files_of(demo)[make_wheel(demo, "2.0").filename]["url"])
    assert shop.index.get(url).status == 200
    assert shop.index.api("PUT", f"/project/{demo}/visibility", "alice", is_private=True).status == 200
    assert shop.install(installer, demo)[0].code != 0
    assert {shop.index.get(path).status for path in (url, f"{url}.metadata", f"/simple/{demo}/")} == {404}
    charlie, alice = (shop.index.token(name) for name in ("charlie", "alice"))
    assert shop.index.request("GET", url, headers=basic("__token__", charlie)).status == 404
    known = shop.index.simple.replace("://", f"://__token__:{alice}@")
    done, installed = shop.install(installer, demo, simple=known)
    assert (done.ok(), installed)[1] == {demo: "2.0"}
    assert alice not in done.output


@pytest.mark.parametrize("installer", INSTALLERS)
def test_requires_python_is_honoured(installer: str, shop: Shop, new_name: NewName) -> None:
    name = new_name("python")
    shop.publish(make_wheel(name, "1.0", headers="Requires-Python: >=3.8\n"))
    shop.publish(make_wheel(name, "2.0", headers="Requires-Python: >=4.0\n"))
    done, installed = shop.install(installer, name)
    assert (done.ok(), installed)[1] == {name: "1.0"}


@pytest.mark.parametrize("installer", INSTALLERS)
@pytest.mark.parametrize("prefix", ["", "/team/index"])
def test_another_host_name_and_a_prefix_work_since_addresses_are_relative(
    installer: str, prefix: str, shop: Shop, demo: str
) -> None:
    with reverse_proxy(shop.index.port, prefix=prefix, host="127.0.0.1") as proxy:
        done, installed = shop.install(installer, demo, simple=f"{proxy.url}/simple/")
        assert (done.ok(), installed)[1] == {demo: "2.0"}
        assert len(proxy.paths(".whl")) == 1


@pytest.mark.parametrize("installer", INSTALLERS)
def test_names_are_found_by_any_spelling(installer: str, shop: Shop, new_name: NewName) -> None:
    name = new_name("many-words")
    shop.publish(make_wheel(name))
    done, installed = shop.install(installer, name.upper().replace("-", "._"))
    assert (done.ok(), installed)[1] == {name: "1.0"}


def test_uv_asks_again_only_whether_pages_changed(shop: Shop, watched: Proxy, demo: str) -> None:
    for _ in range(2):
        shop.uv("compile", "--refresh", "-", stdin=demo, simple=f"{watched.url}/simple/").ok()
    assert [status for _, path, status in watched.asked if path == f"/simple/{demo}/"] == [200, 304]
