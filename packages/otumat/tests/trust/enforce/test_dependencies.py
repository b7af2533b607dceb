"""What a plugin requires of other distributions, where a policy asks for it: warned of, refused, guarded."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from otumat.trust import Policy, ProjectTrust, sign_wheels
from otumat.trust.enforce.dependencies import names_in
from otumat.trust.enforce.rules import Dependencies, Enforcement
from otumat.trust.signing import private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MAIN = b"def f():\n    import lib1\n    return lib1.answer()\n"
LIBRARY = {
    "lib1/__init__.py": b"def answer():\n    from lib1 import late\n    return late.value\n",
    "lib1/late.py": b"value = 7\n",
}


class Place:
    """A host whose plugin `main1` requires `lib1`, which requires `deep1`."""

    def __init__(self, host: Any, wheel: Callable[..., Path], keys: Any, record_of: Any, folder: Path) -> None:
        self.host, self.wheel, self.keys, self.record_of, self.folder = host, wheel, keys, record_of, folder
        self.projects: dict[str, ProjectTrust] = {}

    def put(
        self, name: str, files: dict[str, bytes], *requires: str, key: str = "ed25519", points: bytes = b"[none]\n"
    ) -> None:
        path = self.wheel(self.folder / name, files, name=name, points=points, requires=requires)
        if key:
            sign_wheels([path], [private.read_file(self.keys(key).private)])
            self.projects[name] = ProjectTrust([self.record_of(key)])
        with zipfile.ZipFile(path) as archive:
            archive.extractall(self.host.site)

    def load(self, mode: str, *excepted: str, before: str = "", after: str = "") -> dict[str, Any]:
        rules = Enforcement(dependencies=Dependencies(mode, excepted))
        self.host.trust(Policy(self.projects, enforcement=rules))
        told: dict[str, Any] = self.host.load(before=before, after=after)
        return told


@pytest.fixture
def place(host: Any, wheel: Callable[..., Path], keys: Any, record_of: Any, tmp_path: Path) -> Place:
    made = Place(host, wheel, keys, record_of, tmp_path)
    files = {"main1/core.py": MAIN, "main1/__init__.py": b""}
    requires = ("lib1>=1; python_version > '3'", "gone", "opt1; extra == 'x'")
    made.put("main1", files, *requires, points=b"[base.plugins]\nmain = main1.core:f\n")
    return made


def of_main(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in told["loaded"] + told["refused"] if each["name"] == "main")
    return found


def codes(told: dict[str, Any]) -> list[str]:
    return [each["code"] for each in of_main(told)["verdict"]["findings"]]


def test_an_unsigned_dependency_is_loaded_warned_of_or_refused_as_the_policy_says(place: Place) -> None:
    place.put("lib1", LIBRARY, key="")
    assert place.load("off")["values"]["main"] == 7
    warned = place.load("warn")
    assert (warned["values"]["main"], codes(warned)) == (7, ["dependency.untrusted"])
    refused = of_main(place.load("enforce"))
    assert (refused["loads"], refused["verdict"]["state"]) == (False, "unsigned")
    assert refused["why"].startswith("main1 requires lib1 1.0, which is unsigned")


def test_a_warning_says_what_is_required_and_not_trusted(place: Place) -> None:
    place.put("lib1", LIBRARY, key="")
    catching = "caught = []\nwarnings.showwarning = lambda message, *rest, **more: caught.append(str(message))\n"
    catching += "warnings.simplefilter('always')"
    rules = Enforcement(dependencies=Dependencies("warn"))
    place.host.trust(Policy(place.projects, enforcement=rules))
    done = place.host.load(
        before=catching, after="assert any('main1 requires lib1' in each for each in caught), caught"
    )
    assert of_main(done)["loads"]


def test_a_signed_dependency_is_run_from_the_bytes_that_were_checked(place: Place) -> None:
    place.put("lib1", LIBRARY)
    assert place.load("enforce")["values"]["main"] == 7
    late = place.host.site / "lib1" / "late.py"
    swap = f"open({str(late)!r}, 'w').write('value = 666\\n')"
    ours = "import lib1\nassert type(lib1.__spec__.loader).__name__ == 'SignedLoader'"
    assert place.load("enforce", after=f"{swap}\n{ours}")["values"]["main"] == 7


@pytest.mark.parametrize("attack", ["changed", "added", "another key"])
def test_a_dependency_that_is_not_what_was_signed_refuses_the_plugin(place: Place, attack: str) -> None:
    place.put("lib1", LIBRARY)
    if attack == "another key":
        place.projects["lib1"] = ProjectTrust([place.record_of("rsa2048")])
    else:
        name = "late.py" if attack == "changed" else "more.py"
        (place.host.site / "lib1" / name).write_bytes(b"print('EVIL CODE RAN')\n")
    told = of_main(place.load("enforce"))
    assert not told["loads"]
    assert told["verdict"]["state"] == ("untrusted-key" if attack == "another key" else "modified")


def test_what_a_dependency_requires_counts_too_and_circles_end(place: Place) -> None:
    place.put("lib1", LIBRARY, "deep1", "main1")
    place.put("deep1", {"deep1.py": b"x = 1\n"}, "lib1", key="")
    assert "deep1 1.0, which is unsigned" in of_main(place.load("enforce"))["why"]
    place.put("deep1", {"deep1.py": b"x = 1\n"}, "lib1")
    assert place.load("enforce")["values"]["main"] == 7


def test_what_is_excepted_is_not_asked_for_nor_extras(place: Place) -> None:
    place.put("lib1", LIBRARY, key="")
    place.put("opt1", {"opt1.py": b"x = 1\n"}, key="")
    told = place.load("enforce", "Lib1")
    assert (told["values"]["main"], codes(told)) == (7, [])


def test_a_dependency_that_the_host_has_imported_is_compared_and_told(place: Place) -> None:
    place.put("lib1", LIBRARY)
    told = place.load("enforce", before="import lib1.late")
    assert (told["values"]["main"], codes(told)) == (7, ["dependency.loaded"])
    (place.host.site / "lib1" / "late.py").write_bytes(b"value = 8\n")
    assert not of_main(place.load("enforce", before="import lib1.late"))["loads"]


def test_a_policy_with_an_unknown_word_for_dependencies_is_the_strictest() -> None:
    rules = {"dependencies": {"mode": "Warn?", "except": ["Acme.Core"]}}
    read = Enforcement.from_dict(rules)
    assert read.to_dict() == {"dependencies": {"mode": "enforce", "except": ["acme-core"]}}
    assert Enforcement.from_dict({}).to_dict() == {}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_headers_end_with_the_first_empty_line_and_with_nothing_else(end: bytes) -> None:
    """What Python calls the end of a line, METADATA does not: a page break in a summary hid all requirements."""
    lines = ["Name: a", "Summary: one\x0c\x0ctwo\u2028\u2028three\x85", "Requires-Dist: b", "", "Requires-Dist: c"]
    assert list(names_in(end.join(each.encode() for each in lines))) == ["b"]
