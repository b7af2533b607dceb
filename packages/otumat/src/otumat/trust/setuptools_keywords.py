"""
`setup(privkey_path=…, pubkey_path=…)`, from setup.py and from setup.cfg, as otumat 0.3 had them.

Loaded by setuptools through entry points, in the build of somebody else's project; nothing else imports this module.
Unlike 0.3, a build that was to be signed and cannot be ends with a sentence that says why.

    privkey_path    `{module}.sig` goes into the egg-info and so into the wheel's dist-info
    pubkey_path     the same for `{module}.pub`

For a signature over everything that is installed, sign the built wheel: `otumat sign dist/*.whl`, or `backend.py`.
"""

from __future__ import annotations

import glob
import os
import sys
from typing import TYPE_CHECKING

from setuptools.errors import ModuleError, SetupError

from otumat.errors import OtumatError
from otumat.spec.keys import BadKey, PublicKey, key_problems
from otumat.trust import legacy

if TYPE_CHECKING:
    from typing import Any

    from setuptools import Distribution


def check_path(dist: Distribution, attr: str, value: object) -> None:
    """Refuse, before anything is built, a path that names no file."""
    if not isinstance(value, str | os.PathLike) or not os.fspath(value):
        raise SetupError(f"setup({attr}=...) takes the path of a PEM file; it was given {value!r}.")
    if not os.path.isfile(_expanded(value)) and not _is_unpacked_sdist():
        raise SetupError(f"setup({attr}={os.fspath(value)!r}): there is no such file. Nothing was built.")
    if attr == "privkey_path":
        _sign_what_is_packed(dist)


def write_signature(cmd: Any, basename: str, filename: str) -> None:
    """Write `{module}.sig`: the value of the package's folder, signed (an `egg_info.writers` entry point)."""
    target = _target(cmd, "privkey_path", filename, ".sig")
    if target is None:
        return
    if {"editable_wheel", "develop"} & set(cmd.distribution.commands):
        print("otumat: an editable install is not signed, for its files may change.", file=sys.stderr)
        return
    folder = _package_folder(cmd, filename)
    cmd.write_file("signature", target, _signature(_private(cmd), folder))


def _sign_what_is_packed(dist: Distribution) -> None:
    """
    Have the wheel's signature made over what is about to go into the wheel.

    The one in the egg-info is over the source folder, as in 0.3: one file there that is not packaged, and the plugin
    fails for everybody who installs it.
    """
    try:
        base: Any = dist.get_command_class("bdist_wheel")
    except ModuleError:  # an old setuptools without the package wheel makes no wheels
        return
    if hasattr(base, "signs_what_is_packed"):
        return

    class SignedWheel(base):  # type: ignore[misc]
        description = base.description
        signs_what_is_packed = True

        def egg2dist(self, egginfo_path: str, distinfo_path: str) -> None:
            super().egg2dist(egginfo_path, distinfo_path)
            for target in glob.glob(os.path.join(glob.escape(distinfo_path), "*.sig")):
                packed = os.path.join(self.bdist_dir, os.path.basename(target).removesuffix(".sig"))
                if os.path.isdir(packed) and os.path.isfile(_expanded(_private(self))):
                    with open(target, "w", encoding="ascii") as file:
                        file.write(_signature(_private(self), packed))

    SignedWheel.__name__ = base.__name__
    dist.cmdclass["bdist_wheel"] = SignedWheel


def _private(cmd: Any) -> str | os.PathLike[str]:
    path: str | os.PathLike[str] = cmd.distribution.privkey_path
    return path


def _signature(path: str | os.PathLike[str], folder: str) -> str:
    try:
        return legacy.sign(_expanded(path), legacy.hash_pkg(folder))
    except OtumatError as exc:
        raise SetupError(f"The package cannot be signed. {exc}") from exc


def write_public_key(cmd: Any, basename: str, filename: str) -> None:
    """Write `{module}.pub`: the file itself, once it is sure that it is a public key and a sound one."""
    target = _target(cmd, "pubkey_path", filename, ".pub")
    if target is None:
        return
    path = cmd.distribution.pubkey_path
    with open(_expanded(path), "rb") as file:
        pem = file.read()
    try:
        problems = key_problems(PublicKey.from_pem(pem))
    except BadKey as exc:
        raise SetupError(f"setup(pubkey_path={os.fspath(path)!r}) cannot be used: {exc}.") from None
    if problems:
        raise SetupError(f"setup(pubkey_path={os.fspath(path)!r}): " + " ".join(each.message for each in problems))
    cmd.write_file("public key", target, pem.decode("ascii"))


def _target(cmd: Any, attr: str, filename: str, ending: str) -> str | None:
    """Which file is to be written, None for none: nothing was asked for, or an sdist brought what its author made."""
    path = getattr(cmd.distribution, attr, None)
    if not path:
        return None
    check_path(cmd.distribution, attr, path)
    folder = os.path.dirname(filename)
    target = os.path.join(folder, os.path.basename(folder).removesuffix(".egg-info") + ending)
    if os.path.isfile(_expanded(path)):
        return target
    if os.path.isfile(target):
        return None
    raise SetupError(f"setup({attr}={os.fspath(path)!r}): there is no such file, and the sdist brought no {ending}.")


def _is_unpacked_sdist() -> bool:
    """Whoever builds from an sdist has not its author's key, and needs none."""
    return os.path.isfile("PKG-INFO")


def _package_folder(cmd: Any, filename: str) -> str:
    """The folder of the package that is named like the distribution: where 0.3 looked, beside the egg-info."""
    egg_info = os.path.basename(os.path.dirname(filename))
    name = egg_info.removesuffix(".egg-info")
    root = (cmd.distribution.package_dir or {}).get("", "")
    folder = os.path.join(root or os.curdir, name)
    if os.path.isdir(folder):
        return folder
    packages = ", ".join(cmd.distribution.packages or ()) or "none"
    raise SetupError(
        f"privkey_path signs the package that is named like the distribution, and there is no folder {folder!r}; the "
        f"packages are: {packages}. Sign the built wheel instead, which covers them all: otumat sign dist/*.whl"
    )


def _expanded(path: str | os.PathLike[str]) -> str:
    return os.path.expanduser(os.fspath(path))
