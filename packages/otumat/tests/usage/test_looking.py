"""`otumat usage web` and `receipt`, and `erase` where the host knows no erasure."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from otumat.spec import receipt as spec
from otumat.spec.consent import CI_VARIABLES
from otumat.usage import answers, tokens

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otumat.testing.usage import UsageHost

    Otumat = Callable[..., subprocess.CompletedProcess[str]]

JSON = {"Content-Type": "application/json"}
WELL_KNOWN = "/.well-known/oauth-authorization-server"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()


@pytest.fixture
def otumat(package: Path) -> Otumat:
    paths = os.pathsep.join([str(package.parent), *sys.path])
    environ = {name: value for name, value in os.environ.items() if name not in CI_VARIABLES}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "otumat", "usage", *arguments]
        more = {"PYTHONPATH": paths, "BROWSER": "true"}
        return subprocess.run(line, env=environ | more, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_the_page_of_an_install_is_opened_by_a_link_that_has_no_token(
    otumat: Otumat, enrolled: str, host: UsageHost
) -> None:
    url = f"{host.url}/usage/visit/abc/"
    path = "/api/usage-install/install-1/visits"
    host.faults[path] = [(201, JSON, json.dumps({"ok": True, "url": url}).encode())] * 2
    done = otumat("web", "hostpkg")
    assert (done.returncode, done.stdout) == (0, f"{url}\n")
    assert json.loads(otumat("web", "hostpkg", "--json", "--no-browser").stdout)["url"] == url
    asked = host.to(path)
    assert [(each.method, each.body) for each in asked] == [("POST", b"")] * 2
    assert all(each.headers["authorization"].startswith("Bearer ") for each in asked)


@pytest.mark.parametrize(
    "answer",
    [
        (404, JSON, b'{"ok": false}'),
        (201, JSON, b"{}"),
        (201, JSON, b'{"url": "https://elsewhere.example.org/usage/visit/abc/"}'),
        (201, JSON, b'{"url": "javascript:alert(1)"}'),
    ],
)
def test_a_link_that_is_none_of_its_host_s_is_not_opened(
    otumat: Otumat, enrolled: str, host: UsageHost, answer: tuple[int, dict[str, str], bytes]
) -> None:
    host.faults["/api/usage-install/install-1/visits"] = [answer]
    done = otumat("web", "hostpkg")
    assert (done.returncode, done.stdout) == (1, "")
    assert "without a link" in done.stderr


def test_without_an_install_there_is_no_page(otumat: Otumat) -> None:
    done = otumat("web", "hostpkg")
    assert done.returncode == 1
    assert "sends nothing from here" in done.stderr


def good_receipt(host: UsageHost) -> dict[str, Any]:
    said = {"host": host.url, "install": "Zk3", "project": "hostpkg", "erased": "2026-11-22T01:00:00Z", "batches": 7}
    said |= {"backups_until": "2026-12-22", "copies_until": "2026-11-22T01:00:00Z"}
    signature = base64.b64encode(KEY.sign(spec.signed_bytes(said))).decode()
    return {"ok": True, "receipt": said, "key": PUBLIC, "signature": signature}


def test_a_receipt_is_checked_with_the_keys_that_its_host_names(
    otumat: Otumat, host: UsageHost, tmp_path: Path
) -> None:
    file, receipt = tmp_path / "receipt.json", good_receipt(host)
    named = json.dumps({"otumat_usage": {"receipt_keys": ["other", PUBLIC]}}).encode()
    host.faults[WELL_KNOWN] = [(200, JSON, named)] * 3
    file.write_text(json.dumps(receipt))
    done = otumat("receipt", str(file))
    assert done.returncode == 0, done.stderr
    assert "it is unchanged" in done.stdout
    assert json.loads(otumat("receipt", str(file), "--host", host.url, "--json").stdout)["receipt"]["batches"] == 7
    file.write_text(json.dumps(receipt | {"receipt": receipt["receipt"] | {"batches": 0}}))
    done = otumat("receipt", str(file))
    assert done.returncode == 1
    assert "changed after it was signed" in done.stderr


@pytest.mark.parametrize(
    ("text", "says"), [("{}", "no receipt"), (None, "cannot be read"), ("good", "names no keys of receipts")]
)
def test_a_receipt_that_cannot_be_checked_is_told_so(
    otumat: Otumat, host: UsageHost, tmp_path: Path, text: str | None, says: str
) -> None:
    file = tmp_path / "receipt.json"
    if text is not None:
        file.write_text(json.dumps(good_receipt(host)) if text == "good" else text)
    done = otumat("receipt", str(file))
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_host_of_0_3_cannot_erase_and_that_is_said(otumat: Otumat, enrolled: str, host: UsageHost) -> None:
    path = tokens.path_of(enrolled)
    known = tokens.read(path)
    assert known is not None
    tokens.write(path, replace(known, dialect="0.3"))
    host.is_old = True
    done = otumat("erase", "hostpkg")
    assert done.returncode == 0, done.stderr
    assert "what was sent is still there" in done.stderr
    assert "at the host" not in done.stdout
    assert answers.read(enrolled).level == "off"
    assert not [each for each in host.asked if each.method == "DELETE"]
