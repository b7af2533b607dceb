"""
model-signing (of the OpenSSF), the peer of `bench.trust`, in an environment of its own, by hash.

It hashes trees and signs them as we do, with a digest for each file; its keys are on the curve P-256, the one it takes.
Its figures are CPU seconds: of a call for the hash, of a whole process for the verdict.
"""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "requirements" / "bench-trust.txt"
_HASH = """
import sys, time
from pathlib import Path
from model_signing import hashing
took = []
for _ in range(3):
    begun = time.process_time()
    hashing.hash(Path(sys.argv[1]))
    took.append(time.process_time() - begun)
print(min(took))
"""
_SIGN = """
import sys
from pathlib import Path
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from model_signing import signing
tree, folder = map(Path, sys.argv[1:])
key = ec.generate_private_key(ec.SECP256R1())
pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
(folder / "peer.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
(folder / "peer.pub").write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
signing.Config().use_elliptic_key_signer(private_key=folder / "peer.pem").sign(tree, folder / "peer.sig")
"""
_VERIFY = """
import sys
from pathlib import Path
from model_signing import verifying
tree, folder = map(Path, sys.argv[1:])
verifying.Config().use_elliptic_key_verifier(public_key=folder / "peer.pub").verify(tree, folder / "peer.sig")
"""


class Peer:
    """The peer, installed into a folder."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True)
        self.python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        line = ["-m", "pip", "install", "-q", "--require-hashes", "-r", str(REQUIREMENTS)]
        subprocess.run([self.python, *line], check=True, capture_output=True, timeout=600)

    def hashing_cpu(self, tree: Path) -> float:
        """CPU seconds of one hash of a tree, the imports done."""
        line = [self.python, "-c", _HASH, tree]
        return float(subprocess.run(line, check=True, capture_output=True, text=True).stdout)

    def sign(self, tree: Path, folder: Path) -> list[object]:
        """Sign a tree; the command line that verifies it, in a process of its own."""
        subprocess.run([self.python, "-c", _SIGN, tree, folder], check=True, capture_output=True)
        return [self.python, "-c", _VERIFY, tree, folder]
