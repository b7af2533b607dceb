"""The 0.3 interface: values, signatures, and what it refuses. V1 to V15 and S1 to S3 are vectors of the original."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidSignature

import otumat
from otumat.trust import NoTree, WeakKeyWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    Tree = Callable[[str], Path]
    Run = Callable[..., bytes]
    Keys = Callable[[str], Any]

GIT = {
    "V1": "fd87736f6a5d5c32b453db33b50dc0013e2412d8",
    "V2": "b3a4b1c6064d53a36d8bb973c039ea598d804813",
    "V3": "c108a14ee6efbf90864987fd88d4ec60c43b9b7b",
    "V4": "9d1d529c7363141ed283358c715b8efade7d572a",
    "V5": "4b52f4070aa2efe9f64563626073a5963b88f15b",
    "V6": "7dd523e03930e66f7814e27a59f9920c783b8382",
    "V7": "bc911d551e3a52abe973ab3876e7b4bac2b61adb",
    "V8": "8f20e3bd62e8cd3d924c4ec9d2159275e8019bc3",
    "V9": "eb49dd8a9bcdccbb817afc4f2119c194a76e2802",
    "V10": "4c7adc6afe8f85e5c984975fc1338a275cff724e",
    "V11": "0b4e344861b59ae2867c521537d5be286ec0f3b7",
    "V12": "33714d782204bcbd817755ee1eb1ff470745373a",
    "V13": "c0fff7e59a08b2b09366a0248439e162a031b1c2",
    "V14": "12dbbfd278fefb771a9c9a83f4a4787dd7aaa6a7",
}
OF_0_3 = {
    "V1": GIT["V1"],
    "V2": "9414d87fe3f777ae3b1c5a64d2de79ccc8f82297",
    "V3": "d1f851d52e3433209442e2879d7c9def1cde6e0f",
    "V5": "20c0fe659f5d06eb98f1510235cea1da4b5fe3c5",
    "V6": "5e84e6f87966322f1ed7cf41daa4e33d460e4075",
    "V9": GIT["V9"],
}
PUBLIC = b"""-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQD3u6g2wV5E736x2UmzRULP0mo5
7E8D5iikJOIQVqtQWEarCULcuM35KYgelp0dKsPFQn/86efzUhMS0jC1TGiOUm5s
jPiAMfEeD+uwGqK6ZmPj+LIJWpyv9womkLBU/uKZ0qZ/D8uC+S6tx9vqT9fQ2X3s
kxjARXiQXrWhavTnhQIDAQAB
-----END PUBLIC KEY-----
"""
SIGNATURES = {
    "S1": "HbPmp2XEw3O7PtmGg+fHlZp3Gr7xhwwwWJFvEB9hU5GBCd0n78QdJaNhKn8KAmytevgVuNE5TL4bIE0V4Wc2DNrv2b2kHRas6oC9unuV"
    "+N4rWWRHxEeqCVJLN5ORFT2w4QdJeSwWQ/+tb9deMoyHpAa0j/R14ing3ChmCMPcifg=\n",
    "S2": "BPDqEi1nXVuhgWgBk3dVxesQl5P1iKVuooKRR7UrAGD9ZHqaf55afuOFdsF3tCGR\n"
    "AizBzYRZwG2eQ9PzN7whaPS5DJc16cYxTZN4h3rkr7SAS0vc0/ku3nFLVnGb4k/L\n"
    "YAkHLFOOZ90vev5IbTi5inDBvKTU1m/cEnUGIVR3XjE=\n",
    "S3": "nG7nInBmUJZKqAPPTnVOZ1gZdYGuoy+PZQUnoZkCKpFwl34pMnlNkHkgZzp562b3\n"
    "zLYzAKjRKYaelXVB5LVzP95KV5Hd7jFwFW/MEyT6xgvH/0odvlYHfFtXUygHV1bN\n"
    "EWSMLOd+CzF6ogHnhXJ1YcXK4DawqAwLyLZuadx3Lf8=\n",
}


def git_value(run: Run, folder: Path) -> str:
    """The recipe of the readme, in a repository made for it."""
    run("git", "init", "-q", ".", cwd=folder.parent)
    run("git", "add", "--all", folder.name, cwd=folder.parent)
    lines = run("git", "ls-files", "-s", folder.name, cwd=folder.parent)
    return run("git", "hash-object", "--stdin", cwd=folder.parent, stdin=lines).decode().strip()


@pytest.mark.parametrize("name", GIT)
def test_the_value_of_a_tree_is_the_one_git_has(name: str, tree: Tree) -> None:
    assert otumat.hash_pkg(pkgpath=str(tree(name))) == GIT[name]


@pytest.mark.parametrize("name", GIT)
def test_git_itself_says_the_same(name: str, tree: Tree, run: Run) -> None:
    folder = tree(name)
    assert git_value(run, folder) == otumat.hash_pkg(folder)


def test_V15_an_empty_folder_has_no_value(tmp_path: Path) -> None:
    (tmp_path / "pkg" / "empty").mkdir(parents=True)
    with pytest.raises(NoTree, match="holds no file"):
        otumat.hash_pkg(tmp_path / "pkg")


def test_V15_a_missing_path_and_a_single_file_have_no_value(tmp_path: Path) -> None:
    (tmp_path / "solo.py").write_text("x = 1\n")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        otumat.hash_pkg(tmp_path / "missing")
    with pytest.raises(FileNotFoundError, match="a single file"):
        otumat.hash_pkg(tmp_path / "solo.py")


def test_a_path_with_pycache_in_it_has_the_value_of_any_other(tmp_path: Path, plant: Any, tree: Tree) -> None:
    there = plant(tmp_path / "my__pycache__s" / "pkg", {"t.py": b"x\n"})
    here = plant(tmp_path / "pkg", {"t.py": b"x\n"})
    assert otumat.hash_pkg(there) == otumat.hash_pkg(here)


def test_bytecode_is_left_out_and_nothing_else_beside_it(tree: Tree) -> None:
    folder = tree("V1")
    cache = folder / "__pycache__"
    cache.mkdir()
    (cache / "core.cpython-311.pyc").write_bytes(b"any")
    (cache / "core.cpython-311.pyc.140234").write_bytes(b"any")
    assert otumat.hash_pkg(folder) == GIT["V1"]
    (cache / "evil.py").write_text("evil = 1\n")
    assert otumat.hash_pkg(folder) != GIT["V1"]


@pytest.mark.parametrize("name", OF_0_3)
def test_legacy_values_are_those_of_0_3(name: str, tree: Tree) -> None:
    assert otumat.hash_pkg(tree(name), legacy=True) == OF_0_3[name]


@pytest.mark.parametrize("name", sorted(set(GIT) - set(OF_0_3)))
def test_there_is_no_legacy_value_where_it_could_mean_two_trees(name: str, tree: Tree) -> None:
    with pytest.raises(NoTree, match="no value that is of"):
        otumat.hash_pkg(tree(name), legacy=True)


def test_legacy_values_are_never_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    with pytest.raises(NoTree, match="holds no file"):
        otumat.hash_pkg(tmp_path / "pkg", legacy=True)


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_of_the_original_and_of_openssl_hold(name: str, tmp_path: Path) -> None:
    (tmp_path / "base.pub").write_bytes(PUBLIC)
    with pytest.warns(WeakKeyWarning, match="1024 bits"):
        otumat.verify(pubkey_path=str(tmp_path / "base.pub"), data=GIT["V1"], signature=SIGNATURES[name])


def test_the_same_without_cryptography_in_the_process(tmp_path: Path) -> None:
    (tmp_path / "base.pub").write_bytes(PUBLIC)
    code = (
        "import sys, otumat, warnings; warnings.simplefilter('ignore')\n"
        f"otumat.verify({str(tmp_path / 'base.pub')!r}, {GIT['V1']!r}, {SIGNATURES['S3']!r})\n"
        "print(any(name.startswith('cryptography') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_where_cryptography_is_missing_the_exception_is_ours(tmp_path: Path) -> None:
    (tmp_path / "base.pub").write_bytes(PUBLIC)
    (tmp_path / "src").mkdir()  # ours alone, whatever lies beside it where it is installed
    (tmp_path / "src" / "otumat").symlink_to(Path(otumat.__file__).parent)
    code = (
        "import otumat\n"
        "try:\n"
        f"    otumat.verify({str(tmp_path / 'base.pub')!r}, 'x', {SIGNATURES['S1']!r})\n"
        "except Exception as exc:\n"
        "    print(type(exc).__module__, type(exc).__name__)\n"
    )
    line = [sys.executable, "-S", "-c", code]
    shown = subprocess.run(
        line, env={"PYTHONPATH": str(tmp_path / "src")}, capture_output=True, text=True, check=True
    ).stdout
    assert shown == "otumat.trust.invalid_signature InvalidSignature\n"


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_what_is_signed_here_verifies_here_and_with_openssl(
    bits: int, tree: Tree, keys: Keys, tmp_path: Path, run: Run
) -> None:
    pair, value = keys(f"rsa{bits}"), otumat.hash_pkg(tree("V1"))
    signature = otumat.sign(privkey_path=pair.private, data=value)
    assert signature.endswith("\n")
    assert signature.count("\n") == 1
    assert otumat.verify(pair.public, value, signature) is None  # type: ignore[func-returns-value]
    (tmp_path / "p.sig").write_text(signature)
    run("openssl", "enc", "-base64", "-d", "-in", "p.sig", "-out", "p.sigbin", cwd=tmp_path)
    line = [
        "openssl",
        "dgst",
        "-sha256",
        "-verify",
        pair.public,
        "-signature",
        "p.sigbin",
        "-sigopt",
        "rsa_padding_mode:pss",
    ]
    assert run(*line, cwd=tmp_path, stdin=value.encode()) == b"Verified OK\n"


@pytest.mark.parametrize("salt", ["max", "digest", "0"])
def test_T53_what_openssl_signs_by_the_recipe_verifies_here_with_any_salt(
    salt: str, tree: Tree, keys: Keys, tmp_path: Path, run: Run
) -> None:
    pair, value = keys("rsa2048"), git_value(run, tree("V14"))
    line = ["openssl", "dgst", "-sha256", "-sign", pair.private, "-out", "p.sigbin", "-sigopt", "rsa_padding_mode:pss"]
    run(*line, "-sigopt", f"rsa_pss_saltlen:{salt}", cwd=tmp_path, stdin=value.encode())
    run("openssl", "enc", "-base64", "-in", "p.sigbin", "-out", "p.sig", cwd=tmp_path)
    otumat.verify(pair.public, otumat.hash_pkg(tmp_path / "pkg"), (tmp_path / "p.sig").read_text())


def test_T53_another_mask_function_is_refused(keys: Keys, tmp_path: Path, run: Run) -> None:
    pair = keys("rsa2048")
    line = ["openssl", "dgst", "-sha256", "-sign", pair.private, "-out", "p.sigbin", "-sigopt", "rsa_padding_mode:pss"]
    run(*line, "-sigopt", "rsa_mgf1_md:sha1", cwd=tmp_path, stdin=b"value")
    signature = run("openssl", "enc", "-base64", "-in", "p.sigbin", cwd=tmp_path)
    with pytest.raises(InvalidSignature):
        otumat.verify(pair.public, b"value", signature)


def bad_signatures(good: str) -> dict[str, str]:
    return {
        "empty": "",
        "cut off": good[:100],
        "junk characters": "!!" + good,
        "junk inside": good[:10] + "*" + good[10:],
        "not base64 at all": "no signature",
        "wrong padding": good.rstrip("=\n") + "\n",
        "not ASCII": "é" + good,
        "one bit": ("B" if good[0] == "A" else "A") + good[1:],
        "twice": good + good,
    }


@pytest.mark.parametrize("how", bad_signatures("A" * 400))
def test_T53_H9_whatever_is_wrong_with_a_signature_it_is_invalid(how: str, keys: Keys) -> None:
    """The original let `binascii.Error` and `ValueError` through hosts that catch InvalidSignature."""
    pair = keys("rsa2048")
    good = otumat.sign(pair.private, "value")
    with pytest.raises(InvalidSignature):
        otumat.verify(pair.public, "value", bad_signatures(good)[how])


@pytest.mark.parametrize("form", [lambda s: s.rstrip("\n"), lambda s: s.replace("\n", "\r\n"), lambda s: f" {s}\n\n"])
def test_T53_line_ends_of_any_kind_are_taken(form: Callable[[str], str], keys: Keys) -> None:
    pair = keys("rsa2048")
    otumat.verify(pair.public, "value", form(otumat.sign(pair.private, "value")))


def test_a_missing_key_is_a_missing_file(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        otumat.verify(tmp_path / "none.pub", "value", "AAAA")
    with pytest.raises(FileNotFoundError):
        otumat.sign(tmp_path / "none.pem", "value")


def test_T41_the_value_of_nothing_is_never_signed_and_never_verified(keys: Keys) -> None:
    pair = keys("rsa2048")
    empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    with pytest.raises(otumat.Invalid, match="empty folder"):
        otumat.sign(pair.private, empty)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS

    raw = pair.key.sign(empty.encode(), PSS(MGF1(hashes.SHA256()), PSS.MAX_LENGTH), hashes.SHA256())
    import base64

    with pytest.raises(InvalidSignature, match="empty folder"):
        otumat.verify(pair.public, empty, base64.b64encode(raw).decode())


def test_a_small_key_signs_with_a_warning_and_a_tiny_one_not_at_all(keys: Keys) -> None:
    with pytest.warns(WeakKeyWarning, match="1024 bits"):
        signature = otumat.sign(keys("rsa1024").private, "value")
    with pytest.warns(WeakKeyWarning, match="1024 bits"):
        otumat.verify(keys("rsa1024").public, "value", signature)


def test_sound_keys_are_not_warned_of(keys: Keys) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        otumat.verify(keys("rsa2048").public, "value", otumat.sign(keys("rsa2048").private, "value"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes of this kind")
def test_T21_a_pipe_in_the_tree_is_told_and_not_waited_for(tree: Tree) -> None:
    folder = tree("V1")
    os.mkfifo(folder / "pipe")
    with pytest.raises(NoTree, match="neither a file, a folder nor a link"):
        otumat.hash_pkg(folder)


@pytest.mark.parametrize("environ", [{"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONUTF8": "1"}, {"LC_ALL": "POSIX"}])
def test_T67_H11_the_value_depends_on_no_locale(environ: dict[str, str], tree: Tree) -> None:
    """The original read files as text in the locale's encoding, and failed or differed under another one."""
    folder = tree("V14")
    line = [sys.executable, "-c", "import otumat, sys; print(otumat.hash_pkg(sys.argv[1]))", str(folder)]
    done = subprocess.run(line, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == GIT["V14"]


def test_T66_no_setting_of_git_changes_the_value(tree: Tree, run: Run) -> None:
    folder = tree("V7")
    run("git", "init", "-q", ".", cwd=folder.parent)
    for setting in ("core.autocrlf=true", "core.quotepath=false", "core.fileMode=false", "core.ignoreCase=true"):
        name, _, value = setting.partition("=")
        run("git", "config", name, value, cwd=folder.parent)
    (folder.parent / ".gitignore").write_text("*.py\n")
    (folder.parent / ".gitattributes").write_text("*.py text eol=lf\n")
    assert otumat.hash_pkg(folder) == GIT["V7"]
