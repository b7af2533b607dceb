"""`python -m bench [NAME…]`: run all or the named benches, print a table, keep the figures."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

import bench
from bench.report import Options, Row, print_row, save

NO_BENCHES = frozenset(
    {"__main__", "report", "running", "pages", "records", "searching", "search_peers", "trust_peer", "usage_filling"}
)


def names() -> list[str]:
    """Return the names of all benches."""
    return sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if module.name not in NO_BENCHES)


def main(words: list[str]) -> int:
    """Run; 1 when a budget was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios against peers and physical limits.")
    parser.add_argument("name", nargs="*", help=f"which benches to run: {', '.join(names())} (all)")
    parser.add_argument("--rounds", type=int, default=Options.rounds, help="alternating rounds; the median counts")
    parser.add_argument("--seconds", type=float, default=Options.seconds, help="length of one round")
    asked = parser.parse_args(words)
    unknown = set(asked.name) - set(names())
    if unknown:
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    options = Options(asked.rounds, asked.seconds)
    results: dict[str, list[Row]] = {}
    for name in asked.name or names():
        print(f"{name}:", flush=True)
        rows = results.setdefault(name, [])
        for row in importlib.import_module(f"bench.{name}").run(options):
            rows.append(row)
            print_row(row)
    print(f"kept in {save(results)}")
    return int(any(row.met is False for rows in results.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
