"""Real pluggy, stevedore and pytest, each in a process of its own with a good plugin and a bad one beside it."""

from __future__ import annotations

import site
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Host

EVIL = b"print('EVIL CODE RAN')\ndef f():\n    return 'evil'\n"
LIBRARIES = tuple(Path(each) for each in site.getsitepackages())


@pytest.fixture
def two(host: Host, add: Any) -> Host:
    """The signed `p` of plugin1, and an unsigned `bad` of plugin2."""
    points = b"[base.plugins]\nbad = plugin2.core:f\n"
    add("plugin2", {"plugin2/__init__.py": b"", "plugin2/core.py": EVIL}, key="", points=points)
    return host


def says(host: Host, code: str) -> str:
    done = host.run(code.replace("POLICY", repr(str(host.policy))), path=LIBRARIES)
    assert "EVIL CODE RAN" not in done.stdout, done.stdout
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_pluggy_registers_what_is_trusted(two: Host) -> None:
    told = says(two, """
import warnings; warnings.simplefilter("ignore")
from otumat.trust.pluggy import PluginManager
manager = PluginManager("base", policy=POLICY)
print(manager.load_setuptools_entrypoints("base.plugins"), [each.verdict.state for each in manager.refused])
print(manager.get_plugin("p")(), [dist.project_name for _, dist in manager.list_plugin_distinfo()])
print(manager.load_setuptools_entrypoints("base.plugins", name="q"))
print(manager.load_setuptools_entrypoints("base.plugins"))
""")  # fmt: skip
    assert told == "1 ['unsigned']\n2 ['plugin1']\n0\n0\n"


def test_pluggy_calls_hooks_of_what_was_loaded(host: Host, add: Any) -> None:
    source = (
        b"import pluggy\nimpl = pluggy.HookimplMarker('base')\nclass f:\n    @impl\n    def add(one): return one + 1\n"
    )
    add("plugin3", {"plugin3/__init__.py": b"", "plugin3/core.py": source})
    told = says(host, """
import pluggy
from otumat.trust.pluggy import PluginManager
class Spec:
    @pluggy.HookspecMarker("base")
    def add(one): ...
manager = PluginManager("base", policy=POLICY)
manager.add_hookspecs(Spec)
manager.set_blocked("nothing")
import importlib.metadata
from otumat.trust.enforce import loading
for each in loading.load_entry_points("base.plugins", POLICY):
    if each.decision.verdict.name == "plugin3": manager.register(each.object)
print(manager.hook.add(one=1))
""")  # fmt: skip
    assert told == "[2]\n"


def test_stevedore_loads_what_is_trusted_and_reads_no_cache(two: Host) -> None:
    told = says(two, """
import warnings; warnings.simplefilter("ignore")
from otumat.trust import stevedore as ours
manager = ours.ExtensionManager("base.plugins", policy=POLICY)
print(manager.names(), [each.verdict.state for each in manager.refused], manager["p"].plugin())
print(ours.DriverManager("base.plugins", "p", policy=POLICY, invoke_on_load=True).driver)
print(ours.NamedExtensionManager("base.plugins", ["p"], policy=POLICY).names())
print(ours.EnabledExtensionManager("base.plugins", lambda each: False, policy=POLICY).names())
print([each.obj for each in ours.HookManager("base.plugins", "p", policy=POLICY, invoke_on_load=True)])
import os; print(os.path.exists(os.path.expanduser("~/.cache/python-entrypoints")))
""")  # fmt: skip
    assert told == "['p'] ['unsigned'] 2\n2\n['p']\n[]\n[2]\nFalse\n"


def test_T63_a_cache_of_stevedore_s_that_was_edited_is_not_looked_at(host: Host) -> None:
    """stevedore itself imports what its cache names: shown here, so that the test cannot pass for another reason."""
    (host.site / "elsewhere.py").write_bytes(EVIL)
    anywhere = "import stevedore._cache; stevedore._cache._c._disable_caching = False\n"  # it keeps none below /tmp
    edit = """
import json, os, glob, stevedore
stevedore.ExtensionManager("base.plugins")
(cache,) = glob.glob(os.path.expanduser("~/.cache/python-entrypoints/*"))
told = json.load(open(cache))
told["groups"]["base.plugins"] = [["p", "elsewhere:f", "base.plugins"]]
json.dump(told, open(cache, "w"))
"""
    assert host.run(anywhere + edit, path=LIBRARIES).returncode == 0
    theirs = host.run(anywhere + "import stevedore; stevedore.ExtensionManager('base.plugins')", path=LIBRARIES)
    assert "EVIL CODE RAN" in theirs.stdout
    ours = """
from otumat.trust.stevedore import ExtensionManager
print(ExtensionManager('base.plugins', policy=POLICY)['p'].plugin())
"""
    assert says(host, anywhere + ours) == "2\n"


class Suite:
    """A folder with one test, and two plugins of pytest."""

    def __init__(self, host: Host, add: Any) -> None:
        self.host = host
        for name, plugin in (("plugin4", b"import pytest\n@pytest.fixture\ndef four(): return 4\n"), ("plugin5", EVIL)):
            points = f"[pytest11]\n{name} = {name}.core\n".encode()
            files = {f"{name}/__init__.py": b"", f"{name}/core.py": plugin}
            add(name, files, key="ed25519" if name == "plugin4" else "", points=points)
        self.folder = host.root / "tests"
        self.folder.mkdir()
        (self.folder / "test_it.py").write_text("def test_it(four): assert four == 4\n")
        host.env |= {"OTUMAT_POLICY": str(host.policy), "COLUMNS": "400"}

    def run(self, *words: str) -> tuple[int, str]:
        line = ["-p", "no:cacheprovider", *words, str(self.folder)]
        code = f"import sys, pytest; sys.exit(pytest.main({line!r}))"
        done = self.host.run(code, path=LIBRARIES)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def testing(host: Host, add: Any) -> Suite:
    return Suite(host, add)


def test_pytest_itself_runs_whatever_is_installed(testing: Suite) -> None:
    assert "EVIL CODE RAN" in testing.run()[1]


def test_pytest_with_ours_loads_what_is_trusted(testing: Suite) -> None:
    code, told = testing.run("-p", "otumat.trust.pytest")
    assert (code, "EVIL CODE RAN" in told) == (0, False), told
    assert "1 passed" in told
    assert "otumat: refused plugin5 (unsigned): It carries no signature." in told


def test_pytest_takes_it_from_its_configuration_too(testing: Suite) -> None:
    (testing.folder / "pytest.ini").write_text("[pytest]\naddopts = -p otumat.trust.pytest\n")
    code, told = testing.run()
    assert (code, "EVIL CODE RAN" in told) == (0, False), told


def test_pytest_is_not_led_around_it_by_naming_the_plugin(testing: Suite) -> None:
    code, told = testing.run("-p", "otumat.trust.pytest", "-p", "plugin5")
    assert (code, "EVIL CODE RAN" in told) == (4, False), told
    assert "-p plugin5: It carries no signature." in told


def test_pytest_refuses_a_plugin_that_was_changed(testing: Suite) -> None:
    (testing.host.site / "plugin4" / "core.py").write_bytes(EVIL)
    code, told = testing.run("-p", "otumat.trust.pytest")
    assert "EVIL CODE RAN" not in told
    assert "refused plugin4 (modified): plugin4/core.py has another content than was signed." in told
    assert code == 1, "its fixture is missing"


def test_what_was_named_before_ours_ran_before_it(testing: Suite) -> None:
    """Said in the guide, and so shown here."""
    assert "EVIL CODE RAN" in testing.run("-p", "plugin5", "-p", "otumat.trust.pytest")[1]
