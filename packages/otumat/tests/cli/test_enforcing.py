"""`otumat verify --group` and `otumat keys mode`: what a host would load, asked from a terminal."""

from __future__ import annotations

import json
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from subprocess import CompletedProcess

    Otumat = Callable[..., CompletedProcess[str]]


@pytest.fixture
def site(otumat: Otumat, tmp_path: Path) -> Path:
    """A folder with the plugin `one`, signed by a key that the user's policy trusts, and the unsigned `two`."""
    for name in ("one", "two"):
        info = f"{name}-1.0.dist-info"
        contents = {
            f"{name}/__init__.py": b"raise SystemExit('it was imported')\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[acme.plugins]\n{name} = {name}:start\n".encode(),
        }
        rows = [
            f"{path},sha256={urlsafe_b64encode(sha256(data).digest()).decode().rstrip('=')},{len(data)}\n"
            for path, data in contents.items()
        ]
        contents[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
        path = tmp_path / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in contents.items():
                archive.writestr(member, data)
        if name == "one":
            assert otumat("keygen", "k.pem", "--no-passphrase").returncode == 0
            assert otumat("sign", path, "--key", "k.pem").returncode == 0
            assert otumat("keys", "add", "k.pem.pub", "--for", name).returncode == 0
        zipfile.ZipFile(path).extractall(tmp_path / "site")
    return tmp_path / "site"


def test_a_group_is_told_without_importing_anything(otumat: Otumat, site: Path) -> None:
    told = otumat("verify", "--group", "acme.plugins", "--path", site)
    assert told.returncode == 10, told.stderr
    rows = [line.split()[:5] for line in told.stdout.splitlines()[1:]]
    assert rows == [
        ["loaded", "one", "one:start", "one", "trusted"],
        ["refused", "two", "two:start", "two", "unsigned"],
    ]
    assert "The mode is 'enforce'." in told.stderr


def test_the_mode_is_set_for_a_group_and_keys_added_later_leave_it(otumat: Otumat, site: Path) -> None:
    assert otumat("keys", "mode", "warn", "--group", "acme.plugins", "--editable", "own").returncode == 0
    assert otumat("keys", "add", "k.pem.pub", "--for", "other").returncode == 0
    told = json.loads(otumat("verify", "--group", "acme.plugins", "--path", site, "--json").stdout)
    assert (told["ok"], told["mode"]) == (False, "warn")
    assert [each["loads"] for each in told["decisions"]] == [True, True]
    tight = otumat("verify", "--group", "acme.plugins", "--path", site, OTUMAT_TRUST="enforce")
    assert "The mode is 'enforce'." in tight.stderr


def test_what_plugins_require_is_asked_for_and_stays_so(otumat: Otumat, site: Path) -> None:
    words = ("keys", "mode", "enforce", "--dependencies", "warn", "--except", "Acme", "--except", "other", "--json")
    told = json.loads(otumat(*words).stdout)["result"]["dependencies"]
    assert told == {"mode": "warn", "except": ["acme", "other"]}
    told = json.loads(otumat("keys", "mode", "enforce", "--dependencies", "enforce", "--json").stdout)["result"]
    assert told["dependencies"] == {"mode": "enforce", "except": ["acme", "other"]}


def test_of_nothing_there_is_nothing_to_tell(otumat: Otumat, site: Path) -> None:
    told = otumat("verify", "--group", "nobody.s", "--path", site)
    assert (told.returncode, "declares entry points in nobody.s" in told.stderr) == (0, True)


def test_a_group_beside_names_is_one_question_too_many(otumat: Otumat, site: Path) -> None:
    assert otumat("verify", "one", "--group", "acme.plugins").returncode != 0
