"""
A host with two plugins, both signed; one is changed after it was installed.

    python demo.py FOLDER [--no-build-isolation]

Every step is a command that you could type, printed before it runs. FOLDER is made, and may be deleted afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(*words: str | Path, **environ: str) -> None:
    line = [str(word) for word in words]
    print("\n$ " + " ".join(line).replace(sys.executable, "python"), flush=True)
    subprocess.run(line, check=True, env={**os.environ, **environ})  # noqa: S603


def main(folder: Path, *build: str) -> None:
    folder.mkdir(parents=True)
    python, otumat = sys.executable, (sys.executable, "-m", "otumat")
    key, policy, dist, site = folder / "acme.pem", folder / "trust.json", folder / "dist", folder / "site"

    print("The author: makes a key once, then builds and signs.")
    run(*otumat, "keygen", key, "--no-passphrase")
    plugins = [HERE / "greet-good", HERE / "greet-tampered"]
    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", *build, "--wheel-dir", dist, *plugins)
    wheels = sorted(dist.glob("*.whl"))
    run(*otumat, "sign", *wheels, "--key", key)

    print("\nThe host: says whom it trusts for what, and installs.")
    for project in ("greet-good", "greet-tampered"):
        run(*otumat, "keys", "add", f"{key}.pub", "--for", project, "--note", "Acme", "--policy", policy)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, *wheels)

    print("\nSomebody who may write to that folder: changes one line.")
    target = site / "greet_tampered" / "words.py"
    target.write_text(target.read_text().replace("Good evening", "Hand over your tokens"))

    print("\nThe host starts.")
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    run(python, HERE / "host" / "host.py", policy, PYTHONPATH=path)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
