"""Where the files of a wheel go: all but the `.data` folder into the site folder, and that by its schemes."""

from __future__ import annotations

import os
import sys

SITE = "site"


class Places:
    """
    The folders of one environment.

    Attributes:
        site, scripts, data, headers: Absolute; `scripts` and the two below are those of the environment `site` is in.
    """

    __slots__ = ("data", "headers", "scripts", "site")

    def __init__(self, site: str, scripts: str, data: str, headers: str) -> None:
        self.site, self.scripts, self.data, self.headers = site, scripts, data, headers

    @classmethod
    def around(cls, site: str) -> Places:
        """The environment that a site folder belongs to, by the shapes that environments have."""
        parts = site.replace("\\", "/").split("/")
        lowered = [part.lower() for part in parts]
        if lowered[-2:] == ["lib", "site-packages"]:  # Windows
            prefix = "/".join(parts[:-2])
            return cls(site, f"{prefix}/Scripts", prefix, f"{prefix}/Include")
        if len(parts) > 3 and lowered[-3] in ("lib", "lib64") and lowered[-2].startswith("python"):
            prefix = "/".join(parts[:-3]) or "/"
            # So do pip and uv in virtual environments.
            inside = "site/" if os.path.isfile(f"{prefix}/pyvenv.cfg") else ""
            return cls(site, f"{prefix}/bin", prefix, f"{prefix}/include/{inside}{parts[-2]}")
        # pip install --target: all of it below one folder
        return cls(site, f"{site}/bin", site, f"{site}/include")

    def place(self, path: str, dist_info: str) -> tuple[str, str]:
        """Where a path of the wheel lies: its scheme, and the absolute path."""
        if ".data/" not in path:
            return SITE, f"{self.site}/{path}"
        data = dist_info.removesuffix(".dist-info") + ".data/"
        if not path.startswith(data):
            return SITE, f"{self.site}/{path}"
        scheme, _, rest = path[len(data) :].partition("/")
        if scheme in ("purelib", "platlib"):
            return SITE, f"{self.site}/{rest}"
        if scheme == "scripts":
            return scheme, f"{self.scripts}/{rest}"
        if scheme == "headers":
            project = dist_info.partition("-")[0]
            return scheme, f"{self.headers}/{project}/{rest}"
        return "data", f"{self.data}/{rest}"

    def site_path(self, path: str, dist_info: str) -> str:
        """The path below the site folder; empty for what goes elsewhere."""
        if ".data/" not in path:
            return path
        scheme, place = self.place(path, dist_info)
        return place[len(self.site) + 1 :] if scheme == SITE else ""

    def is_interpreter(self, line: bytes) -> bool:
        """Whether the first line of a script names a Python of this environment, or the one that runs now."""
        named = os.fsdecode(line.removeprefix(b"#!").strip())
        folder, name = os.path.split(named.strip('"').split(" -")[0])
        if not name.lower().startswith("python"):
            return False
        own = {self.scripts, os.path.dirname(sys.executable)}
        return os.path.normpath(folder) in {os.path.normpath(each) for each in own}
