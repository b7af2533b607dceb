"""What a host gets: loaded, refused, failed, in each mode."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from otumat.trust import Enforcement, GroupRules, Policy, ProjectTrust

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Host

EVIL = b"print('EVIL CODE RAN')\ndef f():\n    return 'evil'\n"


def test_a_trusted_plugin_is_loaded_from_its_signed_bytes(host: Host) -> None:
    told = host.load(
        after="import plugin1.core; told_by = plugin1.core.__spec__.loader.guarded.name; assert told_by == 'plugin1'"
    )
    assert told["values"] == {"p": 2}
    (loaded,) = told["loaded"]
    assert (loaded["verdict"]["state"], loaded["checked"], told["mode"]) == ("trusted", True, "enforce")
    assert loaded["verdict"]["keys"][0]["note"] == "rsa2048"


def test_nothing_is_imported_to_decide(host: Host) -> None:
    (host.package / "core.py").write_bytes(EVIL)
    done = host.run(
        "import sys\nfrom otumat.trust import decide_entry_points\n"
        f"(each,) = decide_entry_points('base.plugins', {str(host.policy)!r})\n"
        "assert not each.loads and 'plugin1' not in sys.modules\nprint(each.verdict.state, each.why)"
    )
    assert done.stdout == "modified plugin1/core.py has another content than was signed.\n", done.stderr


def test_a_tampered_plugin_is_refused_with_the_reason_and_a_warning(host: Host) -> None:
    (host.package / "core.py").write_bytes(EVIL)
    told = host.load(before="import warnings; warnings.simplefilter('default')")
    assert (told["loaded"], told["refused"][0]["verdict"]["state"]) == ([], "modified")
    done = host.run(
        f"from otumat.trust import load_entry_points\nload_entry_points('base.plugins', {str(host.policy)!r})\n"
    )
    warned = "<string>:2: UntrustedPlugin: The plugin 'p' of plugin1 1.0 is refused (modified). plugin1/core.py"
    assert warned in done.stderr
    assert done.stdout == ""


def test_an_unsigned_plugin_is_refused_beside_a_good_one(host: Host, add: Callable[..., Path]) -> None:
    add("plugin2", {"plugin2/__init__.py": b"", "plugin2/core.py": EVIL}, key="")
    told = host.load()
    assert [each["name"] for each in told["loaded"]] == ["p"]
    assert [each["verdict"]["state"] for each in told["refused"]] == ["unsigned"]


def test_the_mode_warn_loads_and_tells(host: Host) -> None:
    (host.package / "core.py").write_bytes(b"def f():\n    return 'changed'\n")
    told = host.load(mode="warn")
    assert (told["values"], told["loaded"][0]["verdict"]["state"]) == ({"p": "changed"}, "modified")
    assert told["loaded"][0]["checked"] is False


def test_the_mode_off_checks_nothing_and_says_so(host: Host) -> None:
    (host.package / "core.py").write_bytes(b"def f():\n    return 'changed'\n")
    told = host.load(mode="off", before="warnings.simplefilter('error')")
    assert (told["values"], told["loaded"][0]["verdict"]["findings"][0]["code"]) == ({"p": "changed"}, "trust.off")


@pytest.mark.parametrize(("asked", "said", "means"), [
    ("warn", "enforce", "enforce"), ("warn", "off", "warn"), ("off", "warn", "warn"), ("warn", "no!", "enforce"),
    ("enforce", "off", "enforce"), (None, "off", "enforce"), ("loose", "", "enforce"), (None, "", "enforce"),
])  # fmt: skip
def test_the_environment_tightens_and_never_loosens(host: Host, asked: str | None, said: str, means: str) -> None:
    host.env["OTUMAT_TRUST"] = said
    assert host.load(mode=asked)["mode"] == means


def test_the_policy_names_modes_for_all_and_for_one_group(host: Host, policy: Policy) -> None:
    host.trust(Policy(policy.projects, enforcement=Enforcement("warn")))
    assert host.load()["mode"] == "warn"
    assert host.load(mode="enforce")["mode"] == "enforce"
    one = Enforcement("off", groups={"base.plugins": GroupRules("enforce"), "other": GroupRules("warn")})
    host.trust(Policy(policy.projects, enforcement=one))
    assert host.load()["mode"] == "enforce"


def test_a_group_has_signers_and_thresholds_of_its_own(host: Host, policy: Policy, record_of: Any) -> None:
    both = ProjectTrust([record_of("rsa2048"), record_of("ed25519")], threshold=2)
    strict = Enforcement(groups={"base.plugins": GroupRules(projects={"plugin1": both})})
    host.trust(Policy(policy.projects, enforcement=strict))
    assert host.load()["refused"][0]["verdict"]["state"] == "below-threshold"
    only_here = Enforcement(groups={"base.plugins": GroupRules(projects=policy.projects)})
    host.trust(Policy(enforcement=only_here))
    assert host.load()["values"] == {"p": 2}


def test_every_policy_in_force_must_agree(host: Host, policy: Policy) -> None:
    other = host.root / "other.json"
    other.write_bytes(Policy().to_bytes())
    host.env["OTUMAT_POLICY"] = str(other)
    assert host.load()["refused"][0]["verdict"]["state"] == "untrusted-key"
    other.write_bytes(Policy(policy.projects, enforcement=Enforcement("off")).to_bytes())
    assert host.load()["mode"] == "off", "the host passed a file that names no mode, so the other's counts"
    assert host.load(mode="enforce")["values"] == {"p": 2}
    site = "import otumat.trust.enforce.policies as p; p.SITE_POLICY = {!r}"
    other.write_bytes(Policy().to_bytes())
    del host.env["OTUMAT_POLICY"]
    assert host.load(before=site.format(str(other)))["refused"][0]["verdict"]["state"] == "untrusted-key"


def test_the_user_s_policy_counts_where_no_other_does(host: Host) -> None:
    own = host.root / ".config" / "otumat" / "trust.json"
    own.parent.mkdir(parents=True)
    shutil.copy(host.policy, own)
    done = host.run("from otumat.trust import load_entry_points as l\nprint(len(l('base.plugins')))")
    assert done.stdout == "1\n", done.stderr


def test_a_policy_that_cannot_be_read_trusts_nobody(host: Host) -> None:
    host.policy.write_text("{")
    told = host.load(mode="warn")
    assert (told["mode"], told["refused"][0]["verdict"]["state"]) == ("enforce", "error")
    host.policy.unlink()
    assert host.load()["refused"][0]["verdict"]["state"] == "untrusted-key"


def test_a_plugin_s_own_error_is_not_the_host_s(host: Host, add: Callable[..., Path]) -> None:
    add("plugin2", {"plugin2/__init__.py": b"", "plugin2/core.py": b"1 / 0\n"})
    told = host.load()
    assert [each["name"] for each in told["loaded"]] == ["p"]
    assert "ZeroDivisionError" in told["failed"][0]["error"]


def test_data_is_read_as_it_was_signed(host: Host) -> None:
    told = host.load(
        after="""
import importlib.resources as r, pkgutil, plugin1
files = r.files("plugin1")
assert (files / "data.json").read_text() == '{"a": 1}\\n' and files.joinpath("texts", "words.txt").is_file()
names = ["__init__.py", "core.py", "data.json", "late.py", "sub", "texts"]
assert [each.name for each in files.iterdir()] == names
assert pkgutil.get_data("plugin1", "data.json") == b'{"a": 1}\\n'
assert r.files("plugin1.texts").joinpath("words.txt").read_bytes() == b"w\\n"
with r.as_file(files / "data.json") as path: assert path.read_bytes() == b'{"a": 1}\\n'
open(plugin1.__path__[0] + "/data.json", "w").write("evi" + "l")
from otumat.trust import UntrustedImport
for read in (lambda: (files / "data.json").read_bytes(), lambda: pkgutil.get_data("plugin1", "data.json")):
    try: read()
    except UntrustedImport: pass
    else: raise SystemExit("it was read")
try: (files / "missing").read_bytes()
except FileNotFoundError: pass
else: raise SystemExit("it was read")
"""
    )
    assert told["values"] == {"p": 2}


def test_modules_imported_later_go_the_same_way(host: Host) -> None:
    told = host.load(
        after="""
import plugin1.late
assert plugin1.late.value == 3 and plugin1.late.__spec__.loader.guarded.name == "plugin1"
import inspect, traceback; assert "return 2" in inspect.getsource(result.loaded[0].object)
import ns.one; assert ns.one.z == 4 and ns.one.__spec__.loader.guarded.name == "plugin1"
import solo; assert solo.s == 5
"""
    )
    assert told["values"] == {"p": 2}


def test_the_second_process_compiles_nothing_and_runs_the_same(host: Host) -> None:
    host.load()
    (kept,) = (host.root / ".cache" / "otumat" / "code").glob("*/*")
    before = kept.stat()
    assert before.st_mode & 0o777 == 0o600
    no_compiler = """
import builtins, otumat.trust.enforce.loading
def none(*words, **more): raise SystemExit("compiled")
builtins.compile = none
"""
    assert host.load(before=no_compiler)["values"] == {"p": 2}
    assert kept.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize("how", ["others may write it", "a link", "cut off", "emptied", "no folder can be made"])
def test_a_cache_that_is_not_ours_alone_or_damaged_is_not_used(host: Host, how: str) -> None:
    host.load()
    (folder,) = (host.root / ".cache" / "otumat" / "code").glob("*")
    (kept,) = folder.iterdir()
    if how == "others may write it":
        kept.write_bytes(b"evil")
        folder.chmod(0o777)
    elif how == "a link":
        folder.rename(folder.with_name("elsewhere"))
        folder.symlink_to("elsewhere")
    elif how == "no folder can be made":
        shutil.rmtree(host.root / ".cache")
        (host.root / ".cache").write_bytes(b"")
    else:
        kept.write_bytes(kept.read_bytes()[:40] if how == "cut off" else b"")
    assert host.load()["values"] == {"p": 2}


def test_an_extension_is_loaded_from_a_checked_copy(host: Host, add: Callable[..., Path]) -> None:
    """A real one, of the standard library, under the plugin's name."""
    done = host.run("import _json; print(getattr(_json, '__file__', ''))")
    found = Path(done.stdout.strip())
    if not found.is_file():
        pytest.skip("this Python has no extension module as a file")
    name = f"plugin2/_json{''.join(found.suffixes)}"
    source = b"""import plugin2._json as j
def f():
    lines = [line for line in open("/proc/self/maps") if "plugin2" in line and "_json" in line]
    return [j.__file__.startswith(__file__[:-7]), bool(lines), all("/otumat/native/" in line for line in lines)]
"""
    add("plugin2", {"plugin2/__init__.py": b"", "plugin2/core.py": source, name: found.read_bytes()})
    told = host.load()
    assert (told["failed"], len(told["loaded"])) == ([], 2), told
    if Path("/proc/self/maps").exists():
        code = f"""
from otumat.trust import load_entry_points
print([each.object() for each in load_entry_points('base.plugins', {str(host.policy)!r})][1])
"""
        assert host.run(code).stdout == "[True, True, True]\n"
        memory = code.replace("print", "import os; os.environ['XDG_CACHE_HOME'] = '/dev/null'\nprint")
        assert host.run(memory).stdout == "[True, False, True]\n", "without a folder: from memory"
    (host.site / name).write_bytes(b"evil")
    assert [each["verdict"]["state"] for each in host.load()["refused"]] == ["modified"]


def test_what_no_import_reaches_is_no_module(host: Host, add: Callable[..., Path]) -> None:
    """An extension for another Python beside the source of its name, and shared libraries in a folder with a dot."""
    files = {
        "plugin2/core.cpython-36m-darwin.so": b"x",
        "plugin2.libs/libz.so": b"x",
        "plugin2.libs/other.py": b"1 / 0",
    }
    add("plugin2", {"plugin2/__init__.py": b"", "plugin2/core.py": b"def f():\n    return 6\n", **files})
    told = host.load(after="assert sorted(result.loaded[1].decision.guarded.modules) == ['plugin2', 'plugin2.core']")
    assert (told["failed"], told["values"]) == ([], {"p": 6})


def test_asking_again_and_again_holds_no_more_descriptors(host: Host) -> None:
    told = host.load(after="""
import os
before = len(os.listdir("/dev/fd"))
for _ in range(20): load_entry_points(group, policy_path, at="2026-01-31T12:00:00Z")
assert len(os.listdir("/dev/fd")) <= before + 1
""".replace("policy_path", repr(str(host.policy))))  # fmt: skip
    assert told["values"] == {"p": 2}


def test_a_legacy_signature_will_do_where_the_policy_says_so(host: Host, policy: Policy, record_of: Any) -> None:
    (host.info / "otumat.dsse.json").unlink()
    assert host.load()["refused"][0]["verdict"]["state"] == "downgraded"
    host.trust(Policy({"plugin1": ProjectTrust([record_of("rsa2048")], legacy=True)}))
    told = host.load()
    assert (told["values"], told["loaded"][0]["verdict"]["scheme"]) == ({"p": 2}, "legacy"), told
    (host.package / "late.py").write_bytes(b"value = 0\n")
    assert host.load()["refused"][0]["verdict"]["state"] == "untrusted-key"


def test_T48_an_editable_install_needs_a_policy_and_its_owner(host: Host, policy: Policy, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    told = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    (host.info / "direct_url.json").write_text(json.dumps(told))
    assert host.load()["refused"][0]["verdict"]["state"] == "unverifiable"
    host.trust(Policy(policy.projects, enforcement=Enforcement("enforce", editable="own")))
    seen = host.load()
    assert (seen["values"], seen["loaded"][0]["checked"]) == ({"p": 2}, False)
    for folder in (checkout, host.site, host.info):
        folder.chmod(0o777)
        assert host.load()["refused"][0]["verdict"]["state"] == "unverifiable", folder
        folder.chmod(0o755)
    assert len(host.load()["loaded"]) == 1


def test_zips_and_eggs_on_the_path_are_refused_by_name(host: Host, tmp_path: Path) -> None:
    declares = "[base.plugins]\nq = evil:f\n"
    with zipfile.ZipFile(tmp_path / "evil-1.0.egg", "w") as archive:
        archive.writestr("EGG-INFO/entry_points.txt", declares)
        archive.writestr("evil.py", EVIL)
    folder = tmp_path / "other-1.0.egg" / "EGG-INFO"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text(declares)
    told = host.load(path=(tmp_path / "evil-1.0.egg", folder.parent))
    codes = [(each["name"], each["verdict"]["findings"][0]["code"]) for each in told["refused"]]
    assert codes == [("q", "distribution.zipped"), ("q", "distribution.egg")]
    assert told["values"] == {"p": 2}


def test_it_runs_on_this_python(host: Host) -> None:
    assert host.load()["loaded"][0]["verdict"]["location"].startswith(str(host.site)), sys.version
