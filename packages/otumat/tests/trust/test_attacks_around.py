"""Attacks on a signed and installed plugin from around it: other places, other projects, other policies. By number."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from harness.installed_copy import AT, EVIL, Copy
from otumat.spec.keys import PublicKey
from otumat.trust import KeyRecord, Policy, ProjectTrust, verify_distribution

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize("mode", [0o666, 0o4644, 0o2755 & ~0o111])
def test_T28_T60_what_anybody_may_change_is_unsafe(mode: int, copy: Copy) -> None:
    (copy.package / "core.py").chmod(mode)
    verdict = copy.verdict()
    assert (verdict.state, verdict.unsafe) == ("unsafe", ("plugin1/core.py",))


def test_T36_T37_extended_attributes_and_hard_links_are_accepted_on_purpose(copy: Copy) -> None:
    """What they hold is the same bytes, and nothing of the plugin's runs otherwise for them."""
    os.link(copy.package / "core.py", copy.root / "outside.py")
    if hasattr(os, "setxattr"):
        try:
            os.setxattr(copy.package / "core.py", "user.note", b"x")
        except OSError:
            pass  # a file system without them
    assert copy.verdict().state == "trusted"


@pytest.mark.parametrize(
    "name", ["plugin1/__init__.py", "plugin1.py", "plugin1" + importlib.machinery.EXTENSION_SUFFIXES[0]]
)
def test_T35_what_lies_earlier_on_the_path_shadows(name: str, copy: Copy) -> None:
    earlier = copy.root / "earlier"
    (earlier / name).parent.mkdir(parents=True)
    (earlier / name).write_bytes(EVIL)
    verdict = copy.verdict(earlier)
    assert verdict.state == "shadowed"
    assert verdict.paths("module.shadowed") == (f"{earlier}/{name}",)


def test_T35_T45_a_zip_earlier_on_the_path_shadows(copy: Copy) -> None:
    with zipfile.ZipFile(copy.root / "earlier.zip", "w") as archive:
        archive.writestr("plugin1/__init__.py", EVIL)
    assert copy.verdict(copy.root / "earlier.zip").state == "shadowed"


def test_T35_what_lies_later_on_the_path_does_not(copy: Copy) -> None:
    later = copy.root / "later"
    (later / "plugin1").mkdir(parents=True)
    (later / "plugin1" / "__init__.py").write_bytes(EVIL)
    path = [str(copy.site), str(later)]
    assert verify_distribution("plugin1", copy.policy, at=AT, path=path).state == "trusted"


def test_T39_another_project_s_name_over_the_same_files(copy: Copy) -> None:
    copy.package.rename(copy.site / "plugin2")
    info = copy.site / "plugin2-1.0.dist-info"
    copy.info.rename(info)
    (info / "METADATA").write_text((info / "METADATA").read_text().replace("plugin1", "plugin2"))
    everywhere = Policy({"*": copy.policy.of("plugin1")})
    verdict = copy.verdict(name="plugin2", policy=everywhere)
    assert verdict.state in ("modified", "error")
    assert not verdict


def test_T42_an_older_release_than_is_asked_for(copy: Copy) -> None:
    trust = copy.policy.of("plugin1")
    floor = Policy({"plugin1": ProjectTrust(trust.keys, minimum_version="1.1")})
    assert copy.verdict(policy=floor).state == "rolled-back"
    counted = Policy({"plugin1": ProjectTrust(trust.keys, minimum_sequence=5)})
    assert copy.verdict(policy=counted).state == "rolled-back"


def test_T43_a_key_of_another_project_vouches_for_nothing_here(copy: Copy) -> None:
    trust = copy.policy.of("plugin1")
    assert copy.verdict(policy=Policy({"plugin2": trust})).state == "untrusted-key"
    assert copy.verdict(policy=Policy({"*": trust, "plugin1": ProjectTrust()})).state == "untrusted-key"
    assert copy.verdict(policy=Policy({"plug*": trust})).state == "trusted"


def test_T48_an_editable_install_is_unverifiable(copy: Copy) -> None:
    told = {"url": "file:///src/plugin1", "dir_info": {"editable": True}}
    (copy.info / "direct_url.json").write_text(json.dumps(told))
    verdict = copy.verdict()
    assert verdict.state == "unverifiable"
    assert "editable" in verdict.findings[0].message


def test_T51_the_envelope_deleted(copy: Copy) -> None:
    (copy.info / "otumat.dsse.json").unlink()
    assert copy.verdict().state == "downgraded"
    old = Policy({"plugin1": ProjectTrust(copy.policy.of("plugin1").keys, legacy=True)})
    assert copy.verdict(policy=old).state == "trusted"
    since = Policy({"plugin1": ProjectTrust(copy.policy.of("plugin1").keys, legacy=True, modern_from="1.0")})
    assert copy.verdict(policy=since).state == "downgraded"


def test_T51_T64_one_signature_of_the_old_kind_is_not_two(copy: Copy) -> None:
    """Whoever has one of two keys deletes the envelope."""
    (copy.info / "otumat.dsse.json").unlink()
    two = Policy({"plugin1": ProjectTrust(copy.policy.of("plugin1").keys, legacy=True, threshold=2)})
    assert copy.verdict(policy=two).state == "below-threshold"


def test_T51_all_signatures_deleted(copy: Copy) -> None:
    (copy.info / "otumat.dsse.json").unlink()
    (copy.info / "plugin1.sig").unlink()
    assert copy.verdict().state == "unsigned"


def test_T59_what_cannot_be_read_is_an_error_and_no_crash(copy: Copy) -> None:
    (copy.package / "core.py").chmod(0)
    (copy.package / "sub").chmod(0)
    code = (
        "import os, sys\n"
        "from otumat.trust import verify_distribution, Policy\n"
        "policy = Policy.from_bytes(open(sys.argv[1], 'rb').read())\n"
        f"ask = lambda: verify_distribution('plugin1', policy, at={AT!r}, path=[sys.argv[2]])\n"
        "ask()\n"  # everything is imported now; whom we become next may not read this Python's own files
        "if os.geteuid() == 0: os.setuid(65534)\n"
        "print(ask().state)\n"
    )
    for folder in [copy.root, *copy.root.parents][:4]:
        folder.chmod(folder.stat().st_mode | 0o055)
    (copy.root / "policy.json").write_bytes(copy.policy.to_bytes())
    line = [sys.executable, "-c", code, str(copy.root / "policy.json"), str(copy.site)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    (copy.package / "sub").chmod(0o755)
    assert done.stdout.strip() == "error", done.stderr


def test_T63_two_dist_infos_of_one_name_in_one_place(copy: Copy) -> None:
    shutil.copytree(copy.info, copy.site / "Plugin1-1.0.dist-info")
    assert copy.verdict().state == "error"
    assert copy.verdict().findings[0].code == "distribution.twice"


def test_T64_thresholds_and_revocations(copy: Copy, keys: Any) -> None:
    alice = KeyRecord(PublicKey.from_pem(keys("rsa2048").public.read_bytes()))
    bob = KeyRecord(PublicKey.from_pem(keys("ed25519-bob").public.read_bytes()))
    assert copy.verdict(policy=Policy({"plugin1": ProjectTrust([alice, bob], threshold=2)})).state == "below-threshold"
    assert (
        copy.verdict(policy=Policy({"plugin1": ProjectTrust([alice, alice], threshold=2)})).state == "below-threshold"
    )
    gone = KeyRecord(alice.public, revoked_at="2026-01-01T00:00:00Z", revoked_for="compromised")
    assert copy.verdict(policy=Policy({"plugin1": ProjectTrust([gone])})).state == "revoked"
    old = KeyRecord(alice.public, expires="2026-01-31T12:00:00Z")
    assert copy.verdict(policy=Policy({"plugin1": ProjectTrust([old])})).state == "expired"
    later = KeyRecord(alice.public, expires="2026-01-31T12:00:01Z")
    assert copy.verdict(policy=Policy({"plugin1": ProjectTrust([later])})).state == "trusted"


def test_nothing_of_that_name_is_installed(copy: Copy) -> None:
    assert copy.verdict(name="missing").findings[0].code == "distribution.missing"


def test_T45_a_top_level_module_is_guarded_on_all_sides(copy: Copy) -> None:
    """`solo.py`, which the original could not sign: it hashed to the value of nothing."""
    for name in ("solo.pyc", "solo.so", "solo/__init__.py"):
        path = copy.site / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        assert copy.verdict().state == "modified", name
        path.unlink()
        if path.parent != copy.site:
            path.parent.rmdir()
    assert copy.verdict().state == "trusted"
