"""
A program for two Pythons, that of otumat 0.3.0 and ours: does this otumat have the hole? Prints `{"H1": true, …}`.

    python holes.py FOLDER SITE KEY PUB: an empty folder, an installed signed `plugin1`, the pair of keys of its author.

Where both have the function in question, the same lines ask both. Where 0.3 has no more than `verify`, `accepts` asks
each for the check of an installed plugin that it has.
"""

from __future__ import annotations

import importlib.util
import json
import marshal
import os
import shutil
import subprocess
import sys
from pathlib import Path

import otumat

FOLDER, SITE, KEY, PUB = map(Path, sys.argv[1:5])
INFO = "plugin1-1.0.dist-info"
SETUP = (
    "from setuptools import setup\nsetup(name='plugin1', version='1.0', packages=['plugin1'], privkey_path={key!r})\n"
)


def holds(data: str, signature: str) -> bool:
    try:
        otumat.verify(pubkey_path=str(PUB), data=data, signature=signature)
    except Exception:  # noqa: BLE001  # which one it is, H9 asks
        return False
    return True


def accepts(site: Path) -> bool:
    """What a host does, by the readme of each."""
    try:
        from otumat.trust import Policy, verify_distribution
    except ImportError:
        anchor = site / "base-1.0.dist-info" / "base.pub"
        if not anchor.exists():
            return False
        signature = (site / INFO / "plugin1.sig").read_text()
        return holds(otumat.hash_pkg(pkgpath=str(site / "plugin1")), signature)
    policy = Policy.from_bytes((SITE.parent / "policy.json").read_bytes())
    return bool(verify_distribution("plugin1", policy, at="2026-01-31T12:00:00Z", path=[str(site)]))


def copied(name: str) -> Path:
    """A copy of what is installed that is accepted as it is."""
    site = FOLDER / name
    shutil.copytree(SITE, site)
    assert accepts(site), name
    return site


def planted(name: str, content: bytes = b"x = 1\n") -> Path:
    folder = FOLDER / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_bytes(content)
    return folder


def built(name: str, key: str) -> subprocess.CompletedProcess[str]:
    folder = FOLDER / name
    planted(f"{name}/plugin1")
    (folder / "plugin1" / "notes.txt").write_bytes(b"not packaged\n")
    (folder / "setup.py").write_text(SETUP.format(key=key))
    line = [sys.executable, "setup.py", "-q", "bdist_wheel"]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=False)


def h1() -> bool:
    try:
        skeleton = otumat.sign(privkey_path=str(KEY), data=otumat.hash_pkg(pkgpath=str(FOLDER / "solo")))
        return holds(otumat.hash_pkg(pkgpath=str(FOLDER / "evil")), skeleton)
    except Exception:  # noqa: BLE001  # nothing is signed that is nothing
        return False


def h2() -> bool:
    folder = planted("h2")
    signature = otumat.sign(privkey_path=str(KEY), data=otumat.hash_pkg(pkgpath=str(folder)))
    (folder / "_pycache.py").write_text("evil = 1\n")
    return holds(otumat.hash_pkg(pkgpath=str(folder)), signature)


def h3() -> bool:
    site = copied("h3")
    cache = site / "plugin1" / "__pycache__"
    cache.mkdir()
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
    code = marshal.dumps(compile("print('EVIL CODE RAN')", "core.py", "exec"))
    (cache / f"core.{sys.implementation.cache_tag}.pyc").write_bytes(header + code)
    return accepts(site)


def h4() -> bool:
    unix, windows = planted("h4/a/pkg", b"x = 1\n"), planted("h4/b/pkg", b"x = 1\r\n")
    return bool(otumat.hash_pkg(pkgpath=str(unix)) == otumat.hash_pkg(pkgpath=str(windows)))


def h5() -> bool:
    site = copied("h5")
    (site / INFO / "entry_points.txt").write_text("[base.plugins]\np = os:abort\n")
    return accepts(site)


def h6() -> bool:
    site = copied("h6")
    (site / INFO / "otumat.dsse.json").unlink()  # what is left is over SHA-1 alone
    return accepts(site)


def h7() -> bool:
    return built("h7", str(FOLDER / "no.pem")).returncode == 0


def h8() -> bool:
    done = built("h8", str(KEY))
    assert done.returncode == 0, done.stderr
    shutil.unpack_archive(str(next((FOLDER / "h8" / "dist").glob("*.whl"))), FOLDER / "h8-site", "zip")
    signature = (FOLDER / "h8-site" / INFO / "plugin1.sig").read_text()
    return not holds(otumat.hash_pkg(pkgpath=str(FOLDER / "h8-site" / "plugin1")), signature)


def h9() -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        otumat.verify(pubkey_path=str(PUB), data="0" * 40, signature="A")
    except (FileNotFoundError, InvalidSignature):
        return False
    except Exception:  # noqa: BLE001  # the host's `except` does not name it
        return True
    return True


def h10() -> bool:
    program = Path(sys.executable).parent / "otumat"
    return any(subprocess.run([program, word, "--help"], capture_output=True, check=False).returncode for word in WORDS)


def h11() -> bool:
    folder = planted("h11/pkg", 'naïve = "é"\n'.encode())
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code = "import sys, otumat; print(otumat.hash_pkg(pkgpath=sys.argv[1]))"
    line = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(line, env=plain, capture_output=True, text=True, check=False)
    return done.stdout.strip() != otumat.hash_pkg(pkgpath=str(folder))


def h12() -> bool:
    site = copied("h12")
    shutil.rmtree(site / "base-1.0.dist-info")  # the host's next release is built by other tools
    return not accepts(site)


WORDS = ("keygen", "sign", "verify")
HOLES = {f"H{number}": globals()[f"h{number}"] for number in range(1, 13)}

if __name__ == "__main__":
    print(json.dumps({name: ask() for name, ask in HOLES.items()}))
