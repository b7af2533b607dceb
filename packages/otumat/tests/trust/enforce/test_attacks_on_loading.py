"""
Attacks by their numbers, on a host that loads plugins: each ends in a named verdict, and what runs is what was signed.

The same attacks on `verify_distribution` are in `../test_attacks.py`; here it is about what is executed.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import json
import marshal
import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otumat.spec.statement import ENVELOPE_NAME, PAYLOAD_TYPE, SignedFile, Statement, read_envelope, read_statement
from otumat.spec.statement.envelope import Envelope, Signature
from otumat.spec.statement.texts import entry_points
from otumat.trust import Policy, ProjectTrust, verify_environment
from otumat.trust.signing import private

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Host

EVIL = b"print('EVIL CODE RAN')\ndef f():\n    return 'evil'\n"
EXTENSION = importlib.machinery.EXTENSION_SUFFIXES[0]
TAG = sys.implementation.cache_tag


def put(name: str, data: bytes = EVIL) -> Callable[[Host], object]:
    def attack(host: Host) -> None:
        path = host.site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    return attack


def same_size_and_time(host: Host) -> None:
    path = host.package / "core.py"
    seen = path.stat()
    path.write_bytes(path.read_bytes().replace(b"2", b"3"))
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def link(host: Host) -> None:
    (host.package / "core.py").rename(host.root / "outside.py")
    (host.package / "core.py").symlink_to(host.root / "outside.py")


def linked_folder(host: Host) -> None:
    (host.package / "sub").rename(host.root / "sub")
    (host.package / "sub").symlink_to(host.root / "sub")


def pipe(host: Host) -> None:
    (host.package / "core.py").unlink()
    os.mkfifo(host.package / "core.py")


def recorded(host: Host) -> None:
    put("plugin1/core.py")(host)
    (host.info / "RECORD").write_text("")


REFUSED: dict[str, tuple[Callable[[Host], object], str, str]] = {
    "T01 T62 content, same size and time": (same_size_and_time, "modified", "plugin1/core.py"),
    "T02 a module more": (put("plugin1/evil.py"), "modified", "plugin1/evil.py"),
    "T03 a module less": (lambda host: (host.package / "late.py").unlink(), "modified", "plugin1/late.py"),
    "T04 a module renamed": (
        lambda host: (host.package / "late.py").rename(host.package / "latf.py"), "modified", "plugin1/late.py"),
    "T05 two contents exchanged": (
        lambda host: [(host.package / "core.py").rename(host.root / "x"),
                      (host.package / "late.py").rename(host.package / "core.py"),
                      (host.root / "x").rename(host.package / "late.py")], "modified", "plugin1/core.py"),
    "T06 a name with pycache": (put("plugin1/my_pycache.py"), "modified", "plugin1/my_pycache.py"),
    "T07 a package that hides a module": (put("plugin1/core/__init__.py"), "modified", "plugin1/core"),
    "T08 T09 an extension that hides one": (put(f"plugin1/core{EXTENSION}"), "modified", f"plugin1/core{EXTENSION}"),
    "T13 bytecode without source": (put("plugin1/evil.pyc"), "modified", "plugin1/evil.pyc"),
    "T15 entry points redirected": (
        put("plugin1-1.0.dist-info/entry_points.txt", b"[base.plugins]\np = os:system\n"),
        "modified", "plugin1-1.0.dist-info/entry_points.txt"),
    "T16 T17 RECORD rewritten": (recorded, "modified", "plugin1/core.py"),
    "T18 a link to the same bytes": (link, "modified", "plugin1/core.py"),
    "T19 a linked subpackage": (linked_folder, "modified", "plugin1/sub"),
    "T20 a loop of links": (lambda host: (host.package / "loop").symlink_to("."), "modified", "plugin1/loop"),
    "T21 T58 a pipe in place of a module": (pipe, "modified", "plugin1/core.py"),
    "T24 CRLF": (put("plugin1/core.py", b"def f():\r\n    return 2\r\n"), "modified", "plugin1/core.py"),
    "T28 T60 anybody may write it": (lambda host: (host.package / "core.py").chmod(0o666), "unsafe", "plugin1/core.py"),
    "T30 the package is missing": (lambda host: shutil.rmtree(host.package), "modified", "plugin1/core.py"),
    "T38 code in .git": (put("plugin1/.git/evil.py"), "modified", "plugin1/.git"),
    "T45 a shared folder becomes a package": (put("ns/__init__.py"), "modified", "ns/__init__.py"),
    "T51 the envelope deleted": (lambda host: (host.info / "otumat.dsse.json").unlink(), "downgraded", ""),
    "T50 the envelope damaged": (put("plugin1-1.0.dist-info/otumat.dsse.json", b"{}"), "error", ""),
    "T63 two of one name in one place": (
        lambda host: shutil.copytree(host.info, host.site / "Plugin1-1.0.dist-info"), "error", ""),
}  # fmt: skip


@pytest.mark.parametrize("number", REFUSED)
def test_T_what_was_changed_before_the_start_is_refused(number: str, host: Host) -> None:
    attack, state, path = REFUSED[number]
    attack(host)
    told = host.load()
    assert told["loaded"] == told["failed"] == []
    verdict = told["refused"][0]["verdict"]
    assert verdict["state"] == state, verdict
    assert not path or path in {each.get("path") for each in verdict["findings"]}, verdict


@pytest.mark.parametrize(("number", "flags"), [("T10", 1), ("T11", 0), ("T12", 3)])
def test_T10_T11_T12_T61_compiled_files_are_never_run(number: str, flags: int, host: Host) -> None:
    """Python itself would run them; a host that loads through us runs the signed source."""
    source = host.package / "core.py"
    seen = source.stat()
    timed = (int(seen.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little") + seen.st_size.to_bytes(4, "little")
    head = importlib.util.source_hash(source.read_bytes()) if flags else timed
    pyc = host.package / "__pycache__" / f"core.{TAG}.pyc"
    pyc.parent.mkdir(exist_ok=True)
    code = marshal.dumps(compile(EVIL, "core.py", "exec", dont_inherit=True))
    pyc.write_bytes(importlib.util.MAGIC_NUMBER + flags.to_bytes(4, "little") + head + code)
    assert "EVIL CODE RAN" in host.run("import plugin1.core").stdout
    assert host.load()["values"] == {"p": 2}
    host.env["PYTHONPYCACHEPREFIX"] = str(host.root / "prefix")
    assert host.load()["values"] == {"p": 2}


@pytest.mark.parametrize("name", ["evil.pth", "sitecustomize.py", "usercustomize.py", "evil.start"])
def test_T14_T47_what_runs_at_the_start_of_python_is_beyond_a_host(name: str, host: Host, policy: Policy) -> None:
    """It has run by then; `verify_environment` names it. The plugin is the signed one all the same."""
    (host.site / name).write_text("import os\n")
    assert host.load()["values"] == {"p": 2}
    found = {
        each.name: each.state for each in verify_environment(policy, at="2026-01-31T12:00:00Z", path=[str(host.site)])
    }
    assert found[name] == "modified"


@pytest.mark.parametrize(
    "name", ["plugin1/__init__.py", "plugin1.py", f"plugin1{EXTENSION}", "ns/__init__.py", "solo.py"]
)
def test_T35_T45_T47_what_lies_earlier_on_the_path_shadows(name: str, host: Host, tmp_path: Path) -> None:
    path = tmp_path / "earlier" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(EVIL)
    (refused,) = host.load(path=(tmp_path / "earlier",))["refused"]
    assert refused["verdict"]["state"] == "shadowed"


def test_T45_a_zip_earlier_on_the_path_shadows(host: Host, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "earlier.zip", "w") as archive:
        archive.writestr("plugin1/__init__.py", EVIL)
    (refused,) = host.load(path=(tmp_path / "earlier.zip",))["refused"]
    assert refused["verdict"]["state"] == "shadowed"


@pytest.fixture
def resign(host: Host, keys: Any) -> Callable[[str, dict[str, bytes]], None]:
    """`resign("plugin3", {"path": b"..."})`: changes that the author made, under the author's own key."""
    key = private.read_file(keys("ed25519").private)

    def put_it(name: str, changes: dict[str, bytes]) -> None:
        info = host.site / f"{name}-1.0.dist-info"
        old = read_statement(read_envelope((info / ENVELOPE_NAME).read_bytes()).payload)
        files = {file.path: file for file in old.files}
        for path, data in changes.items():
            (host.site / path).write_bytes(data)
            files[path] = SignedFile(path, len(data), "100644", hashlib.sha256(data).hexdigest())
        points = entry_points((info / "entry_points.txt").read_bytes())
        made = Statement(old.project, old.version, dist_info=old.dist_info, files=files.values(), entry_points=points,
                         packages=old.packages, tags=old.tags)  # fmt: skip
        unsigned = Envelope(made.to_bytes(), PAYLOAD_TYPE, ())
        signature = Signature(key.public.id, key.sign(unsigned.message))
        (info / ENVELOPE_NAME).write_bytes(Envelope(unsigned.payload, PAYLOAD_TYPE, (signature,)).to_bytes())

    return put_it


@pytest.mark.parametrize("value", ["os:system", "plugin2.core:f", "ns:x", "plugin1.missing:f"])
def test_T45_an_entry_point_into_another_distribution_is_refused(
    value: str, host: Host, add: Any, resign: Callable[[str, dict[str, bytes]], None]
) -> None:
    add("plugin2", {"plugin2/__init__.py": b"", "plugin2/core.py": EVIL}, key="")
    shutil.rmtree(host.site / "plugin2-1.0.dist-info")
    add("plugin3", {"plugin3/__init__.py": b"", "plugin3-1.0.dist-info/x": b""})
    resign("plugin3", {"plugin3-1.0.dist-info/entry_points.txt": f"[base.plugins]\nq = {value}\n".encode()})
    told = host.load()
    assert [each["verdict"]["findings"][0]["code"] for each in told["refused"]] == ["entry.elsewhere"], told


def test_T39_T43_a_key_of_one_project_does_not_vouch_for_another(host: Host, policy: Policy, record_of: Any) -> None:
    host.trust(Policy({"plugin2": policy.of("plugin1"), "plugin1": ProjectTrust([record_of("ed25519")])}))
    assert host.load()["refused"][0]["verdict"]["state"] == "untrusted-key"


def test_T42_a_release_that_is_too_old(host: Host, policy: Policy) -> None:
    host.trust(Policy({"plugin1": ProjectTrust(policy.of("plugin1").keys, minimum_version="1.1")}))
    assert host.load()["refused"][0]["verdict"]["state"] == "rolled-back"


def test_T44_two_distributions_declare_one_name_and_each_stands_for_itself(
    host: Host, add: Any, tmp_path: Path
) -> None:
    add("aaa", {"aaa/__init__.py": b"", "aaa/core.py": EVIL}, key="", site=tmp_path / "earlier")
    told = host.load(path=(tmp_path / "earlier",))
    assert [each["verdict"]["name"] for each in told["refused"]] == ["aaa"]
    assert told["values"] == {"p": 2}


def test_T44_T63_the_same_distribution_earlier_on_the_path_is_the_one_that_counts(
    host: Host, add: Any, tmp_path: Path
) -> None:
    files = {"plugin1/__init__.py": b"", "plugin1/core.py": EVIL}
    known = host.policy.read_bytes()
    add("plugin1", files, key="", site=tmp_path / "earlier")
    host.policy.write_bytes(known)
    told = host.load(path=(tmp_path / "earlier",))
    assert {each["verdict"]["state"] for each in told["refused"]} == {"unsigned", "shadowed"}
    assert told["loaded"] == []


@pytest.mark.parametrize("name", ["plugin1", "plugin1.core", "solo", "ns.one"])
def test_T46_a_module_of_that_name_is_there_already(name: str, host: Host) -> None:
    (refused,) = host.load(before=f"import types; sys.modules[{name!r}] = types.ModuleType({name!r})")["refused"]
    assert (refused["verdict"]["state"], refused["verdict"]["findings"][0]["code"]) == ("shadowed", "module.loaded")


def test_T55_what_is_changed_after_the_decision_does_not_run(host: Host) -> None:
    swap = """
from otumat.trust import decide_entry_points
from otumat.trust.enforce import loading
(decided,) = decide_entry_points("base.plugins", {policy!r}, at="2026-01-31T12:00:00Z")
assert decided.loads
import os
core = {core!r}
os.unlink(core)
{then}
"""
    after = [
        f"open(core, 'wb').write({EVIL!r})",
        f"open(core + 'x', 'wb').write({EVIL!r}); os.symlink(core + 'x', core)",
        "os.mkfifo(core)",
        "os.mkdir(core); open(core + '/__init__.py', 'w').write('1/0')",
        f"os.rename(os.path.dirname(core), os.path.dirname(core) + '-old'); os.mkdir(os.path.dirname(core)); "
        f"open(core, 'wb').write({EVIL!r})",
    ]
    for then in after:
        shutil.copytree(host.site, host.root / "copy")
        code = swap.format(policy=str(host.policy), core=str(host.package / "core.py"), then=then)
        ask = "try: print(loading.load(decided)())\nexcept ImportError as exc: print(type(exc).__name__, exc.code)"
        assert host.run(code + ask).stdout == "UntrustedImport module.modified\n", then
        shutil.rmtree(host.site)
        (host.root / "copy").rename(host.site)


def test_T55_with_its_code_known_the_signed_code_runs_whatever_lies_there_now(host: Host) -> None:
    host.load()
    code = f"""
from otumat.trust import decide_entry_points
from otumat.trust.enforce import loading
(decided,) = decide_entry_points("base.plugins", {str(host.policy)!r}, at="2026-01-31T12:00:00Z")
open({str(host.package / "core.py")!r}, "wb").write({EVIL!r})
print(loading.load(decided)())
"""
    assert host.run(code).stdout == "2\n"


LATER = {
    "a module more": ("plugin1/evil.py", "import plugin1.evil"),
    "a package more": ("plugin1/more/__init__.py", "import plugin1.more"),
    "an extension that hides a module": (f"plugin1/late{EXTENSION}", "import plugin1.late"),
    "a package that hides a module": ("plugin1/late/__init__.py", "import plugin1.late"),
    "another content": ("plugin1/late.py", "import plugin1.late"),
    "a folder as a package": ("plugin1/texts/__init__.py", "import plugin1.texts"),
    "code in a shared folder": ("ns/__init__.py", "import ns.one"),
    "a top-level module that is another now": ("solo.py", "import solo"),
}


@pytest.mark.parametrize("how", LATER)
def test_T55_what_is_put_there_after_loading_does_not_run(how: str, host: Host) -> None:
    name, line = LATER[how]
    put_it = f"import os; os.makedirs(os.path.dirname({str(host.site / name)!r}), exist_ok=True)\n"
    put_it += f"open({str(host.site / name)!r}, 'wb').write({EVIL!r})\n"
    host.load(after=f"{put_it}try: {line}\nexcept ImportError as exc: pass\n")


PATHS = {
    "__path__ pointed elsewhere": "import plugin1; plugin1.__path__[:] = [{evil!r}]",
    "__path__ prolonged": "import plugin1; plugin1.__path__.insert(0, {evil!r})",
    "sys.path": "sys.path.insert(0, {evil!r})",
}


@pytest.mark.parametrize("how", PATHS)
def test_T45_path_tricks_after_loading_lead_nowhere(how: str, host: Host, tmp_path: Path) -> None:
    for name in ("late.py", "plugin1/late.py", "solo.py", "plugin1/__init__.py"):
        (tmp_path / "evil" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "evil" / name).write_bytes(EVIL)
    line = PATHS[how].format(evil=str(tmp_path / "evil"))
    host.load(after=f"{line}\nimport plugin1.late, solo\nassert plugin1.late.value == 3 and solo.s == 5")


def test_T59_what_cannot_be_read_is_an_error_and_no_crash(host: Host) -> None:
    if os.geteuid() == 0:
        (host.package / "core.py").unlink()
        (host.package / "core.py").mkdir()
        assert host.load()["refused"][0]["verdict"]["state"] == "modified"
        return
    (host.package / "core.py").chmod(0)
    assert host.load()["refused"][0]["verdict"]["state"] == "error"


UNCLEAR = [
    b"[base.plugins]\np = plugin1.core:f\np = os:system\n",
    b"[base.plugins]\n\xff = x\n",
    b"base.plugins\n",
    b"[base.plugins]\np plugin1\n",
]


@pytest.mark.parametrize("content", UNCLEAR)
def test_T15_entry_points_with_two_readings(content: bytes, host: Host) -> None:
    (host.info / "entry_points.txt").write_bytes(content)
    told = host.load()
    assert told["loaded"] == []
    assert all(not each["verdict"]["trusted"] for each in told["refused"])
    assert told["refused"]


def test_T64_revoked_expired_and_too_few(host: Host, record_of: Any) -> None:
    record = record_of("rsa2048")
    gone = type(record)(record.public, revoked_at="2026-01-01T00:00:00Z", revoked_for="compromised")
    old = type(record)(record.public, expires="2026-01-31T12:00:00Z")
    for trust, state in [(ProjectTrust([gone]), "revoked"), (ProjectTrust([old]), "expired"),
                         (ProjectTrust([record, record_of("ed25519")], threshold=2), "below-threshold")]:  # fmt: skip
        host.trust(Policy({"plugin1": trust}))
        assert host.load()["refused"][0]["verdict"]["state"] == state


def test_T67_the_locale_changes_nothing(host: Host) -> None:
    host.env |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert host.load()["values"] == {"p": 2}


def test_T48_an_editable_install_is_unverifiable(host: Host) -> None:
    (host.info / "direct_url.json").write_text(json.dumps({"url": "file:///x", "dir_info": {"editable": True}}))
    assert host.load()["refused"][0]["verdict"]["state"] == "unverifiable"


def test_T31_T34_T36_T37_the_rest_of_the_tree(host: Host) -> None:
    os.link(host.package / "core.py", host.root / "outside.py")
    assert host.load()["values"] == {"p": 2}, "accepted on purpose: the same bytes"
    (host.package / "new").mkdir()
    assert host.load()["refused"][0]["verdict"]["state"] == "modified"
