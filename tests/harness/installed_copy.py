"""A plugin as pip installed it, and what is found out about it."""

from __future__ import annotations

import importlib.util
import marshal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otumat.trust import Policy, verify_distribution

if TYPE_CHECKING:
    from otumat.trust import Verdict

AT = "2026-01-31T12:00:00Z"
TAG = sys.implementation.cache_tag
EVIL = b"raise SystemExit('evil code ran')\n"


class Copy:
    """One installed copy: `site` is its site-packages, `verdict()` what is found out about it."""

    def __init__(self, root: Path, policy: Policy) -> None:
        self.root, self.policy = root, policy
        self.site = next(root.glob("lib/python3.*/site-packages"))
        self.package, self.info = self.site / "plugin1", self.site / "plugin1-1.0.dist-info"

    def verdict(self, *before: Path, name: str = "plugin1", **asked: Any) -> Verdict:
        path = [str(each) for each in before] + [str(self.site)]
        return verify_distribution(name, asked.get("policy", self.policy), at=AT, path=path)

    def pyc(self, module: str, source: bytes, flags: int, *, name: str = "") -> Path:
        """Write a compiled file of these bytes as the named module's, with a header that Python believes."""
        code = marshal.dumps(compile(source, f"{module}.py", "exec", dont_inherit=True))
        original = self.package / f"{module}.py"
        seen = original.stat() if original.exists() else self.package.stat()
        timed = (int(seen.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little") + seen.st_size.to_bytes(4, "little")
        hashed = importlib.util.source_hash(original.read_bytes()) if original.exists() else bytes(8)
        header = importlib.util.MAGIC_NUMBER + flags.to_bytes(4, "little") + (hashed if flags else timed)
        path = self.package / "__pycache__" / (name or f"{module}.{TAG}.pyc")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(header + code)
        return path

    def reads(self) -> str:
        """What a program sees that imports the plugin now."""
        line = [sys.executable, "-S", "-c", "import plugin1.core; print(plugin1.core.f())"]
        done = subprocess.run(line, env={"PYTHONPATH": str(self.site)}, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr
