"""
`verify_environment`: every distribution, and everything that runs without belonging to any.

A single plugin's verdict says nothing of what else Python loads at its start: `.pth` files, `sitecustomize`, and
modules that nobody installed. They are told here, each as a verdict of its own.
"""

from __future__ import annotations

import os

from otumat.spec.spelling import normalize
from otumat.spec.vouching.verdict import MODIFIED, SHADOWED, UNSIGNED, UNVERIFIABLE, Finding, Verdict
from otumat.trust import tree
from otumat.trust.installed import finding
from otumat.trust.installed.distribution import verify_installed
from otumat.trust.installed.observing import SUFFIXES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from otumat.trust.installed.finding import Installed
    from otumat.trust.policy import Policy

_STARTERS = ("sitecustomize", "usercustomize")
_START_SUFFIXES = (".pth", ".start")  # PEP 829
_MOST_BYTES = 1_000_000


def verify_environment(
    policy: Policy,
    *,
    at: str,
    path: Iterable[str] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> Iterator[Verdict]:
    """
    Check everything that is installed, as `verify_distribution` does, and then what belongs to nobody.

    Args:
        path: Folders as in `sys.path`, which is the default.
        progress: Told (how many are done, how many there are, the next one's name).

    Returns:
        Verdicts as they come: distributions in the order of the path, then one for each folder's own: its name is the
        file's, its version empty, its state `unsigned` or worse.
    """
    folders = finding.folders(path)
    everything = list(finding.distributions(folders))
    names = [normalize(each.name) for each in everything]
    for count, installed in enumerate(everything):
        if progress:
            progress(count, len(everything), installed.name)
        first = names.index(names[count])
        if first != count:
            yield _hidden(installed, everything[first])
            continue
        others = [
            each for each, name in zip(everything[count + 1 :], names[count + 1 :], strict=True) if name == names[count]
        ]
        yield verify_installed(installed, policy, at=at, folders=folders, others=others)
    for site in _sites(everything, folders):
        yield from _unowned(site, [each for each in everything if each.site == site])


def _hidden(installed: Installed, by: Installed) -> Verdict:
    told = f"{by.path!r} lies earlier on the path and is the one that counts."
    found = [Finding(SHADOWED, "distribution.hidden", told)]
    return Verdict(installed.name, installed.version, findings=found, location=installed.path)


def _sites(everything: list[Installed], folders: list[str]) -> list[str]:
    """The folders that things are installed into; not the standard library, which no distribution owns."""
    holding = {each.site for each in everything}
    return [folder for folder in folders if folder in holding]


def _unowned(site: str, installed: list[Installed]) -> Iterator[Verdict]:
    """What lies directly in a site folder and would be loaded, and in no RECORD."""
    owned = _owned(installed)
    for name in sorted(os.listdir(site)):
        found = tree.look_at(f"{site}/{name}")
        if found is None or name == tree.CACHE_FOLDER or name.endswith((".dist-info", ".egg-info")):
            continue
        if told := _told(site, name, found, owned):
            yield Verdict(name, "", findings=[told], location=f"{site}/{name}")


def _told(site: str, name: str, found: tree.Found, owned: set[str]) -> Finding | None:
    stem = name.partition(".")[0]
    if name.endswith(_START_SUFFIXES):
        return _of_start_file(site, name, found, name in owned)
    if stem in _STARTERS and (found.kind != tree.FILE or name.endswith(SUFFIXES)):
        told = f"{name} is run by Python at every start."
        return Finding(MODIFIED if name not in owned else UNSIGNED, "start.module", told, path=name)
    is_module = found.kind == tree.FILE and name.endswith(SUFFIXES)
    if name in owned or not (is_module or (found.kind in (tree.FOLDER, tree.LINK) and name.isidentifier())):
        return None
    return Finding(UNSIGNED, "module.unowned", f"{name} belongs to no distribution, and can be imported.", path=name)


def _of_start_file(site: str, name: str, found: tree.Found, is_owned: bool) -> Finding | None:
    whose = "belongs to a distribution" if is_owned else "belongs to no distribution"
    if found.kind != tree.FILE or found.size_bytes > _MOST_BYTES:
        return Finding(MODIFIED, "start.file", f"{name} is no file that Python would read.", path=name)
    lines = tree.read(f"{site}/{name}", found.size_bytes).decode("utf-8", "replace").splitlines()
    runs = [line for line in lines if line.startswith(("import ", "import\t"))]
    if name.endswith(".start") or runs:
        told = f"{name} {whose} and runs code at every start of Python."
        return Finding(UNSIGNED if is_owned else MODIFIED, "start.code", told, path=name)
    told = f"{name} {whose} and adds folders to the path."
    return Finding(UNVERIFIABLE if is_owned else UNSIGNED, "start.path", told, path=name)


def _owned(installed: list[Installed]) -> set[str]:
    """First steps of the paths that the RECORDs list. RECORD is not signed: this names strays, and clears nobody."""
    import csv

    owned: set[str] = set()
    for each in installed:
        try:
            text = each.read("RECORD").decode("utf-8", "replace")
        except (OSError, ValueError):
            continue
        try:
            owned |= {row[0].partition("/")[0] for row in csv.reader(text.splitlines()) if row}
        except csv.Error:
            continue
    return owned
