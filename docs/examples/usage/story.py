"""
The whole story of a package that counts, against a started index: published, used, looked at, sent, seen, erased.

    OTUMAT_TOKEN=… python story.py FOLDER [--index http://localhost:8000] [--no-build-isolation]

Every step is a command that you could type, printed before it runs. FOLDER is made, is the user's HOME, and may be
deleted afterwards. The token is the maintainer's (`otumat-index token create NAME`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import urllib.request  # noqa: TID251
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(*words: str | Path, **environ: str) -> None:
    line = [str(word) for word in words]
    print("\n$ " + " ".join(line).replace(sys.executable, "python"), flush=True)
    subprocess.run(line, check=True, env={**os.environ, **environ})  # noqa: S603


def owner_sees(index: str, token: str) -> dict[str, int]:
    """What the index tells the project's owner: how often each event was counted."""
    address = f"{index}/api/v1/project/sundial/usage"
    print(f"\n$ curl -H 'Authorization: Bearer …' {address}", flush=True)
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310, TID251
    with urllib.request.urlopen(request) as answer:  # noqa: S310, TID251
        told = json.load(answer)
    counts = dict(sorted((each["event"], each["times"]) for each in told["events"]))
    print(f"installs {told['installs']}, counted {counts}")
    return counts


def main(folder: Path, index: str, token: str, *build: str) -> None:
    folder.mkdir(parents=True)
    python, otumat = sys.executable, (sys.executable, "-m", "otumat")
    site, dist = folder / "site", folder / "dist"

    print("The author: builds, and publishes. The manifest is in the wheel.")
    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", *build, "--wheel-dir", dist, HERE)
    wheel = next(dist.glob("*.whl"))
    run(*otumat, "publish", wheel, "--index", index)

    print("\nThe user: installs, and uses it. Nobody has said yes, so nothing is kept.")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    user = {"HOME": str(folder), "PYTHONPATH": path}
    sundial, usage = (python, "-m", "sundial.cli"), (*otumat, "usage")
    run(*sundial, "hour", "15.5", **user)
    run(*usage, "status", **user)

    print("\nYes: look at what would leave, before it leaves.")
    run(*usage, "on", "sundial", "--host", index, **user)
    run(*sundial, "hour", "15.5", **user)
    run(*sundial, "shadow", "15.5", **user)
    run(*usage, "show", "sundial", **user)

    print("\n\nLet it leave (it would by itself, in an hour), and see what the owner sees.")
    run(*usage, "send", "sundial", **user)
    owner_sees(index, token)

    print("\nErase everything, there and here. What remains is how often, not by whom.")
    run(*usage, "erase", "sundial", **user)
    run(*usage, "status", **user)
    owner_sees(index, token)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--index", default="http://localhost:8000")
    asked, build = parser.parse_known_args()
    if not os.environ.get("OTUMAT_TOKEN"):
        parser.error("OTUMAT_TOKEN is not set. 'otumat-index token create NAME' prints one.")
    if asked.folder.exists():
        parser.error(f"{asked.folder} is there already. Name a folder that is not.")
    main(asked.folder.resolve(), asked.index.rstrip("/"), os.environ["OTUMAT_TOKEN"], *build)
