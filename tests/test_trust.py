"""A key, a signed wheel, an index and a host: from the first signature to the day the key is lost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.artifacts import make_wheel
from harness.clients import Done, Home
from harness.server import Index

pytestmark = pytest.mark.clients

Otumat = Callable[..., Done]
BODY = b"def run():\n    return 'long enough to be told from all other files by its digest alone'\n"


@pytest.fixture
def otumat(home: Home, index: Index) -> Otumat:
    """The command, as Alice runs it."""
    words_of = {
        "OTUMAT_INDEX": index.url,
        "OTUMAT_USERNAME": "alice",
        "OTUMAT_PASSWORD": index.create_user("alice"),
    }
    return lambda *words: home.run("otumat", *words, cwd=None, stdin="", **words_of)


@pytest.fixture
def new_key(otumat: Otumat, home: Home) -> Callable[[str], Path]:
    """Make a key: `new_key("first")` is the private half; the public one lies beside it."""

    def make(name: str) -> Path:
        otumat("keygen", home.folder / f"{name}.pem", "--no-passphrase").ok()
        return home.folder / f"{name}.pem"

    return make


def installed(home: Home, index: Index, name: str, folder: str) -> Path:
    """What pip makes of the project, in a folder of its own."""
    site = home.folder / folder
    home.run("python", "-m", "pip", "install", "--no-deps", "--target", site, "--index-url", f"{index.url}/simple/",
             "--disable-pip-version-check", name).ok()  # fmt: skip
    return site


def test_from_the_first_signature_to_the_loss_of_the_key(
    otumat: Otumat, new_key: Callable[[str], Path], home: Home, index: Index, new_name: Callable[[str], str],
    tmp_path: Path
) -> None:  # fmt: skip
    name, first = new_name("plugin"), new_key("first")
    public = Path(f"{first}.pub").read_text()
    otumat("publish", make_wheel(name, "0.9").write(tmp_path)).ok()
    assert otumat("keys", "fetch", name).failed().count("lists no key") == 1
    path = f"/project/{name}/keys"
    otumat("keys", "add", f"{first}.pub", "--project", name, "--note", "release key").ok()
    assert index.request("GET", f"/api/v1{path}").json()["keys"][0]["spki"] in public.replace("\n", "")
    assert index.api("PUT", f"/project/{name}/signatures", "alice", policy="refuse").status == 200

    module = name.replace("-", "_")
    wheel = make_wheel(name, "1.0", members={f"{module}_more/__init__.py": BODY}).write(tmp_path)
    assert "carries no signed envelope" in otumat("publish", wheel).failed()
    otumat("sign", wheel, "--key", first).ok()
    otumat("publish", wheel).ok()
    told = index.request("GET", f"/api/v1/project/{name}/1.0/signatures").json()
    assert (told["state"], told["changes"], told["files"][0]["keys"][0]["note"]) == ("signed", ["first"], "release key")

    assert "release key" in otumat("keys", "fetch", name).ok()
    assert "added: " in otumat("keys", "pin", name).ok()
    assert "Nothing is new" in otumat("keys", "pin", name).ok()
    site = installed(home, index, name, "site")
    assert "trusted" in otumat("verify", name, "--path", site).ok()
    digest = hashlib.sha256((site / f"{module}_more" / "__init__.py").read_bytes()).hexdigest()
    found = index.request("GET", f"/trust/sha256/{digest}", headers={"Accept": "application/json"}).json()["found"]
    assert [(each["project"], each["version"], each["path"]) for each in found] == [
        (name, "1.0", f"{module}_more/__init__.py")
    ]
    which = otumat("keys", "which", site / f"{module}_more" / "__init__.py").ok()
    assert f"{name} 1.0: {module}_more/__init__.py in {wheel.name}" in which
    assert otumat("keys", "which", "0" * 64).code == 1

    second, third = new_key("second"), new_key("third")
    otumat("keys", "rotate", f"{second}.pub", "--project", name, "--sign-with", first, "--note", "second key").ok()
    pinned = otumat("keys", "pin", name).ok()
    assert ("proven by the keys before it" in pinned, "ended: " in pinned) == (True, True)
    assert "trusted" in otumat("verify", name, "--path", site).ok(), "signed before its key was superseded"
    otumat("keys", "add", f"{third}.pub", "--project", name).ok()
    held = otumat("keys", "pin", name)
    assert (held.code, "held back" in held.output) == (1, True)
    assert "WARNING" in otumat("keys", "pin", name, "--new").ok()

    lost = index.request("GET", f"/api/v1{path}").json()["keys"][0]["id"]
    otumat("keys", "revoke", lost, "--project", name, "--reason", "compromised", "--words", "It was stolen.").ok()
    assert "ended: " in otumat("keys", "pin", "--all").output
    assert otumat("keys", "pin", name, "--all").code == 2
    verdict = json.loads(otumat("verify", name, "--path", site, "--json").output)["verdicts"][0]
    assert verdict["state"] == "revoked"
