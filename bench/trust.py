"""
Trust beside its floor (hashlib over the same bytes), the git command line, and two peers.

CPU times, for other work may run beside this. One peer is model-signing (`trust_peer.py`). The other is what people do
without any of this: every file's hash in RECORD again, by `importlib.metadata`. It knows no key
and finds no added file.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import otumat
from bench.report import Options, Row
from bench.trust_peer import Peer
from bench.upload import urlsafe
from otumat.trust.signing.private import PrivateKey

AT = "2026-01-31T12:00:00Z"
HASH_RATIO, VERIFY_MS, SIGN_S, CHECKS_PER_S = 1.2, 45.0, 0.1, 4500
PLUGIN_FILES, PLUGIN_BYTES, WHEEL_BYTES = 20, 100_000, 50_000_000

BY_RECORD = """
import base64, hashlib, sys
from importlib.metadata import distribution
for file in distribution("plugin1").files:
    if file.hash:
        data = file.locate().read_bytes()
        assert base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=") == file.hash.value
"""
BY_US = f"""
import sys
from otumat.trust import Policy, verify_distribution
policy = Policy.from_bytes(open(sys.argv[1], "rb").read())
assert verify_distribution("plugin1", policy, at="{AT}", path=[sys.argv[2]])
"""


def run(options: Options) -> Iterator[Row]:
    """Hash trees, verify a plugin from process start, sign a large wheel again, check signatures in one process."""
    with tempfile.TemporaryDirectory(prefix="bench-trust-") as name:
        folder = Path(name)
        peer = None
        try:
            peer = Peer(folder / "peer")
        except (OSError, subprocess.SubprocessError) as exc:
            yield Row("model-signing", note=f"not measured: it cannot be installed ({exc})")
        for label, files, size in (("5,000 files of 2 kB", 5000, 2000), ("50 files of 2 MB", 50, 2_000_000)):
            yield hashing(folder / str(files) / "pkg", label, files, size, options, peer)
        yield from verifying(folder, options, peer)
        yield signing(folder, options, packed=False)
        yield signing(folder, options, packed=True)
        yield checking(folder, options)


def hashing(top: Path, label: str, files: int, size: int, options: Options, peer: Peer | None) -> Row:
    """`hash_pkg` against walking the same folder and feeding the same bytes to hashlib, git, and the peer."""
    from otumat import hash_pkg

    made = random.Random(1)
    for number in range(files):
        path = top / f"d{number % 50}" / f"m{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(made.randbytes(size))
    floor, ours, git = [], [], []
    for _ in range(max(5, options.rounds)):
        floor.append(cpu(lambda: by_hashlib(top)))
        ours.append(cpu(lambda: hash_pkg(top)))
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        subprocess.run(["git", "init", "-q", top.parent], check=True)
        line = "git add --all pkg && git ls-files -s pkg | git hash-object --stdin"
        git = [children_cpu(["sh", "-c", line], cwd=top.parent)]
    ratio = min(ours) / min(floor)
    figures = {"ms": min(ours) * 1000, "hashlib ms": min(floor) * 1000, "ratio": ratio}
    figures |= {"git ms": min(git) * 1000} if git else {}
    figures |= {"model-signing ms": peer.hashing_cpu(top) * 1000} if peer else {}
    return Row(f"tree hash, {label}", figures, f"≤ {HASH_RATIO} × hashlib", ratio <= HASH_RATIO)


def by_hashlib(top: Path) -> None:
    for folder, _, names in os.walk(top):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                hashlib.sha1(file.read()).hexdigest()


def verifying(folder: Path, options: Options, other: Peer | None) -> Iterator[Row]:
    """A process that verifies one small plugin and ends, as wheels are installed without and with bytecode."""
    # Our own bytecode is there, as wherever pip installed us; a checkout may have none.
    subprocess.run([sys.executable, "-m", "compileall", "-q", Path(otumat.__file__).parent], check=True)
    policy, site = folder / "policy.json", folder / "site"
    wheel = small_wheel(folder)
    policy.write_bytes(signed(wheel, folder))
    zipfile.ZipFile(wheel).extractall(site)
    count = max(7, options.rounds)
    bare = statistics.median(children_cpu([sys.executable, "-c", "pass"]) for _ in range(count)) * 1000
    env = {**os.environ, "PYTHONPATH": str(site)}
    other_line = other.sign(site / "plugin1", folder) if other else []
    for label, is_fresh in (("fresh", True), ("with bytecode to prove", False)):
        if not is_fresh:
            subprocess.run([sys.executable, "-m", "compileall", "-q", site], check=True)
        ours = [children_cpu([sys.executable, "-c", BY_US, policy, site]) for _ in range(count)]
        peer = [children_cpu([sys.executable, "-c", BY_RECORD], env=env) for _ in range(count)]
        words = [Path(sys.executable).parent / "otumat", "verify", "plugin1", "--policy", policy, "--path", site]
        command = [children_cpu(words) for _ in range(count)]
        took = statistics.median(command) * 1000
        figures = {"otumat verify, CPU ms": took, "by the library": statistics.median(ours) * 1000, "python": bare}
        figures |= {"by RECORD alone": statistics.median(peer) * 1000}
        if is_fresh and other_line:
            figures["model-signing"] = statistics.median(children_cpu(other_line) for _ in range(count)) * 1000
        met = took <= VERIFY_MS if is_fresh else None
        yield Row(f"verify a small plugin, {label}", figures, f"≤ {VERIFY_MS:.0f} ms CPU" if is_fresh else "", met)


def signing(folder: Path, options: Options, *, packed: bool) -> Row:
    """Sign a wheel of 50 MB again, with another release number, so that everything is read, hashed and written."""
    from otumat.trust import sign_wheels

    made = random.Random(2)
    chunk = [made.randbytes(1_000_000) for _ in range(50)]
    if packed:  # what compresses to a third, as compiled code does: 50 MB unpacked
        chunk = [bytes(byte & 0x07 for byte in each) for each in chunk]
    contents = {f"large/d{number}.bin": data for number, data in enumerate(chunk)}
    path = wheel_of(folder / str(packed), "large", contents)
    signer = key_in(folder)
    sign_wheels([path], [signer])
    least = min(cpu(partial(unpack_and_hash, path)) for _ in range(5))
    took = [cpu(partial(sign_wheels, [path], [signer], sequence=number)) for number in range(1, 6)]
    label = "compressed to a third" if packed else "incompressible"
    figures = {"CPU s": min(took), "MB": path.stat().st_size / 1e6, "zlib and sha256 alone": least}
    figures |= {"ratio": min(took) / least}
    # No signature over contents without the contents, and inflating them may take longer than the budget.
    budget = "" if packed else f"≤ {SIGN_S} CPU s"
    return Row(f"sign again 50 MB, {label}", figures, budget, None if packed else min(took) <= SIGN_S)


def unpack_and_hash(wheel: Path) -> None:
    """The least that anybody must do who signs the contents of a wheel: inflate each member, and hash it."""
    data = wheel.read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        for each in archive.infolist():
            head = data[each.header_offset : each.header_offset + 30]
            at = each.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
            packed = memoryview(data)[at : at + each.compress_size]
            hashlib.sha256(zlib.decompress(packed, -15) if each.compress_type else packed).hexdigest()


def checking(folder: Path, options: Options) -> Row:
    """Legacy signatures of one RSA-2048 key, over values that are there already."""
    import cryptography.hazmat.primitives.asymmetric.padding
    from cryptography.hazmat.primitives.asymmetric import rsa

    assert cryptography
    key = PrivateKey(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    (folder / "base.pub").write_bytes(key.public.pem)
    values = [hashlib.sha1(str(number).encode()).hexdigest() for number in range(200)]
    pairs = [(value, key.sign_legacy(value.encode())) for value in values]

    def all_of_them() -> None:
        for value, signature in pairs * 5:
            otumat.verify(folder / "base.pub", value, signature)

    rate = 1000 / min(cpu(all_of_them) for _ in range(max(3, options.rounds)))
    return Row("legacy verifications", {"a CPU second": rate}, f"≥ {CHECKS_PER_S:,}", rate >= CHECKS_PER_S)


def small_wheel(folder: Path) -> Path:
    line = "def f{0}(a, b=1):\n    value = {{'k{0}': a * {0}}}\n    return value['k{0}'] + b\n\n\n"
    contents = {}
    for number in range(PLUGIN_FILES):
        text, at = "", 0
        while len(text) < PLUGIN_BYTES // PLUGIN_FILES:
            text, at = text + line.format(at), at + 1
        contents[f"plugin1/{'__init__' if not number else f'm{number}'}.py"] = text.encode()
    return wheel_of(folder, "plugin1", contents)


def wheel_of(folder: Path, name: str, contents: dict[str, bytes]) -> Path:
    info = f"{name}-1.0.dist-info"
    contents = {
        **contents,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={urlsafe(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in contents.items():
            archive.writestr(member, data)
    return path


def key_in(folder: Path) -> PrivateKey:
    """A key that is made once."""
    from otumat.trust.signing import making, private

    path = folder / "key.pem"
    if not path.exists():
        making.make_key(str(path), kind="rsa")
    return private.read_file(path)


def signed(wheel: Path, folder: Path) -> bytes:
    """Sign the wheel, and return the policy that trusts its key."""
    from otumat.trust import KeyRecord, Policy, ProjectTrust, sign_wheels

    signer = key_in(folder)
    sign_wheels([wheel], [signer])
    return Policy({"plugin1": ProjectTrust([KeyRecord(signer.public)])}).to_bytes()


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def children_cpu(line: list[object], **more: object) -> float:
    """CPU seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(word) for word in line], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **more)  # type: ignore[call-overload]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
