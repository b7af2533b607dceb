"""
Loading a plugin through the enforcing loader beside loading it plainly: the same large package, the same run.

CPU times of whole processes. The plain side has its `.pyc` files warm, ours its code cache. Twice: from the start of
the process, with nothing taken off but an empty Python; and less what a process takes that has imported otumat and does
nothing else. Beside them `importlib.metadata` with `load()`, which is what hosts of plugins do.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bench.report import Options, Row
from bench.trust import children_cpu, key_in, wheel_of

OVERHEAD_PERCENT = 15.0
AT = "2026-01-31T12:00:00Z"

READY = "import otumat.trust.enforce.loading\n"
PLAIN = "import large.everything"
BY_METADATA = """
from importlib.metadata import entry_points
for each in entry_points(group="bench.plugins"):
    each.load()
"""
BY_US = f"""
import sys
from otumat.trust import load_entry_points
loaded = load_entry_points("bench.plugins", sys.argv[1], at="{AT}")
assert len(loaded) == 1, loaded.refused
"""


def run(options: Options) -> Iterator[Row]:
    """A made-up package of 600 modules, and one of 2,000 small ones."""
    with tempfile.TemporaryDirectory(prefix="bench-enforce-") as name:
        for modules, functions in ((600, 40), (2000, 8)):
            yield importing(Path(name) / str(modules), modules, functions, options)


def importing(folder: Path, modules: int, functions: int, options: Options) -> Row:
    site, policy = installed(folder, modules, functions)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OTUMAT"))}
    env = {**kept, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(folder / "cache")}
    lines: dict[str, list[object]] = {
        "nothing": [sys.executable, "-c", "pass"],
        "ready": [sys.executable, "-c", READY],
        "import": [sys.executable, "-c", PLAIN],
        "import, ready": [sys.executable, "-c", READY + PLAIN],
        "by metadata": [sys.executable, "-c", BY_METADATA],
        "ours": [sys.executable, "-c", BY_US, policy],
    }
    for line in lines.values():
        subprocess.run(list(map(str, line)), env=env, check=True)  # everything is warm from here on
    took: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(max(9, options.rounds)):
        for name, line in lines.items():
            took[name].append(children_cpu(line, env=env) * 1000)
    middle = {name: statistics.median(times) for name, times in took.items()}
    plain, ours = middle["import, ready"] - middle["ready"], middle["ours"] - middle["ready"]
    more = 100 * (ours / plain - 1)
    figures = {"ours ms": ours, "import ms": plain, "more %": more}
    started = {"ours": "ours", "import": "import", "metadata": "by metadata"}
    started_ms = {name: middle[line] - middle["nothing"] for name, line in started.items()}
    more_started = 100 * (started_ms["ours"] / started_ms["import"] - 1)
    figures |= {f"all of {name}": took_ms for name, took_ms in started_ms.items()} | {"more % of all": more_started}
    met = max(more, more_started) <= OVERHEAD_PERCENT
    name = f"enforcing import, {modules:,} modules"
    return Row(name, figures, f"≤ +{OVERHEAD_PERCENT:.0f} % of an import", met)


def installed(folder: Path, modules: int, functions: int) -> tuple[Path, Path]:
    """A signed package whose one entry point imports all of it, and the policy that trusts its key."""
    from otumat.trust import KeyRecord, Policy, ProjectTrust, sign_wheels

    contents = {f"large/p{number % 20}/__init__.py": b"" for number in range(20)}
    contents |= {"large/__init__.py": b""}
    contents |= {f"large/p{number % 20}/m{number}.py": source(number, functions) for number in range(modules)}
    names = "".join(f"from large.p{number % 20} import m{number}\n" for number in range(modules))
    contents["large/everything.py"] = names.encode()
    contents["large-1.0.dist-info/entry_points.txt"] = b"[bench.plugins]\nlarge = large.everything\n"
    wheel = wheel_of(folder, "large", contents)
    signer = key_in(folder)
    sign_wheels([wheel], [signer])
    zipfile.ZipFile(wheel).extractall(folder / "site")
    policy = folder / "policy.json"
    policy.write_bytes(Policy({"large": ProjectTrust([KeyRecord(signer.public)])}).to_bytes())
    return folder / "site", policy


def source(number: int, functions: int) -> bytes:
    """A module as they are: a docstring, constants, a class, functions with docstrings."""
    lines = [f'"""Module {number}: about nothing."""\n', f"NAMES = {{'a{number}': 1, 'b{number}': [2, 3]}}\n"]
    lines.append(f"class Thing{number}:\n    '''A thing.'''\n    def __init__(self, value={number}):\n"
                 "        self.value = value\n    def double(self):\n        return self.value * 2\n")  # fmt: skip
    for each in range(functions):
        lines.append(f"def f{each}(one, other={each}, *rest, **more):\n    '''Add {number} and {each}.'''\n"
                     f"    total = one + other + {number}\n    for value in rest:\n        total += value * {each}\n"
                     f"    return {{'total': total, 'more': sorted(more)}}\n")  # fmt: skip
    return "".join(lines).encode()
