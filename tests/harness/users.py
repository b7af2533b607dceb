"""Somebody whose machine has a package that tells: the real agent and sender, in this process."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.artifacts import make_wheel, upload_form
from harness.server import Index, basic
from harness.waiting import PATIENCE_S
from otumat.spec.consent import CI_VARIABLES
from otumat.usage import UsageAgent, changing, due, manifests, places
from otumat.usage.hosts import usage_transport
from otumat.usage.sender import Round, send_round

MANIFEST = """\
project = "{name}"
purpose = "To learn which parts are used."
[[event]]
name = "import"
purpose = "How often it is imported."
[[event]]
name = "fetch"
purpose = "How often data are read."
properties = {{backend = ["mysql", "other"]}}
"""

NOBODYS = ("OTUMAT_USAGE", "DO_NOT_TRACK", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
OVER = usage_transport(silence_s=PATIENCE_S, total_s=PATIENCE_S)
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def at_home(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A home of its own, outside CI, with nothing said."""
    for name in (*CI_VARIABLES, *NOBODYS, *PROXIES):
        patch.delenv(name, raising=False)
    (folder / "user").mkdir()
    patch.setenv("HOME", str(folder / "user"))
    patch.setenv("BROWSER", "true")


class User:
    """Somebody whose machine has the package: what was said and what is done there."""

    def __init__(self, index: Index, name: str, site: Path) -> None:
        self.index, self.name, self.package = index, name, name.replace("-", "_")
        self.manifest = MANIFEST.format(name=name)
        inside = site / self.package
        inside.mkdir(parents=True)
        (inside / "__init__.py").write_text("__version__ = '1.0'\n")
        (inside / "otumat-usage.toml").write_text(self.manifest)

    @property
    def folder(self) -> str:
        return places.folder(self.package)

    def says(self, level: str) -> None:
        found = manifests.find(self.package, None)
        assert found.manifest is not None
        changing.turn(self.folder, level, package=self.package, found=found, source="test", host=self.index.public_url)

    def uses(self, *names: str) -> None:
        agent = UsageAgent(package_name=self.package, enrolment="manual")
        due.set_due(str(agent.home_path), time.time() + 3600)  # no process of its own: the test sends
        for name in names:
            agent.log(event_type=name)

    def sends(self) -> Round:
        return send_round(self.folder, self.package, over=OVER)

    @property
    def counted(self) -> dict[str, int]:
        """What the index says to the project's owner."""
        answer = self.index.api("GET", f"/project/{self.name}/usage", "alice")
        assert answer.status == 200, answer
        return {each["event"]: each["times"] for each in answer.json()["events"] if each["times"]}


def publish(index: Index, user: User) -> None:
    """Upload a wheel of Alice's with the manifest in it."""
    members = {f"{user.package}/otumat-usage.toml": user.manifest.encode()}
    body, headers = upload_form(make_wheel(user.name, members=members))
    answer = index.request("POST", "/legacy/", body, basic("alice", index.create_user("alice")) | headers)
    assert answer.status == 200, answer
