"""The statement about a wheel, the signatures over it, and the legacy signature of each package where 0.3 agrees."""

from __future__ import annotations

from otumat.errors import Invalid, Problem
from otumat.spec.digest import EXECUTABLE, folder_digest, listing_digest
from otumat.spec.keys import key_problems
from otumat.spec.statement import (
    PAYLOAD_TYPE,
    Envelope,
    Malformed,
    Signature,
    Statement,
    pae,
    read_envelope,
    read_statement,
    texts,
)
from otumat.trust import legacy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from otumat.spec.vouching.wheel import Wheel
    from otumat.trust.signing import Signer


class LegacyValue:
    """What a package's `.sig` is made over; `reason` says why there is none ("" when there is one)."""

    __slots__ = ("reason", "value")

    def __init__(self, value: str = "", reason: str = "") -> None:
        self.value, self.reason = value, reason


def legacy_values(wheel: Wheel) -> dict[str, LegacyValue]:
    """For each top-level package the value that both git and otumat 0.3 give it, or why they differ."""
    return {name: _legacy_value(wheel, name, members) for name, members in sorted(wheel.packages().items())}


def statement_of(wheel: Wheel, values: dict[str, LegacyValue], *, sequence: int = 0) -> Statement:
    """
    What is signed.

    Errors:
        Invalid: a path that means different files on different systems, or an entry_points.txt with two readings.
    """
    packages = {}
    digests = {file.path: file.sha256 for file in wheel.files}
    for name, members in wheel.packages().items():
        packages[name] = {"dirHash": folder_digest((path, digests[path]) for path in members)}
        if values[name].value:
            packages[name]["gitBlob"] = values[name].value
    try:
        statement = Statement(
            wheel.project,
            wheel.version,
            dist_info=wheel.dist_info,
            files=wheel.files,
            entry_points=texts.entry_points(wheel.entry_points),
            packages=packages,
            tags=wheel.tags,
            sequence=sequence,
        )
        return read_statement(statement.to_bytes())  # what a verifier would refuse is never signed
    except Malformed as exc:
        told = f"{wheel.filename} cannot be signed: {exc}."
        raise Invalid([Problem("statement.refused", "content", told)], message=told) from None


def envelope_of(wheel: Wheel, statement: Statement, signers: Sequence[Signer]) -> bytes:
    """
    The envelope file: the one that is there when it says the same and all have signed it; signatures of others over
    the same statement are kept, those over another one are not.
    """
    payload = statement.to_bytes()
    message = pae(PAYLOAD_TYPE, payload)
    kept = _signatures_over(wheel.envelope, payload)
    ids = {signer.public.id for signer in signers}
    holding = {each.keyid for each in kept for signer in signers if _holds(each, signer, message)}
    if kept and holding == ids:
        return wheel.envelope
    signatures = [each for each in kept if each.keyid not in ids or each.keyid in holding]
    for signer in signers:
        if signer.public.id not in holding:
            _check_strength(signer)
            signatures.append(Signature(signer.public.id, signer.sign(message)))
    return Envelope(payload, PAYLOAD_TYPE, tuple(signatures)).to_bytes()


def legacy_signature(wheel: Wheel, package: str, value: str, signer: Signer) -> bytes:
    """The content of `{package}.sig`: the one that is there when it holds under this key."""
    there = wheel.signatures.get(f"{wheel.dist_info}/{package}.sig", b"")
    reason, _ = legacy.check_with(signer.public, value.encode(), there)
    return there if there and not reason else signer.sign_legacy(value.encode()).encode()


def _legacy_value(wheel: Wheel, name: str, members: list[str]) -> LegacyValue:
    """0.3 took no mode, its own order, and characters for bytes; a `.sig` helps only where all of it agrees."""
    files = {file.path: file for file in wheel.files}
    # Small files first: the first one that is no text ends it.
    ours, theirs = [], []
    for path in sorted(members, key=lambda path: files[path].size_bytes):
        if "pycache" in path or "\n" in path or files[path].mode == EXECUTABLE or not path.isascii():
            return LegacyValue(reason=f"{path!r} has a name or mode that otumat 0.3 took for another")
        digests = wheel.blob_digests(path)
        if digests is None or digests[0] != digests[1]:
            return LegacyValue(reason=f"{path!r} is not of plain ASCII text with LF, which otumat 0.3 read otherwise")
        ours.append((path.encode(), files[path].mode, digests[0]))
        theirs.append(path)
    by_folder = sorted(theirs, key=lambda path: path.split("/"))
    if by_folder != sorted(theirs):
        return LegacyValue(reason="otumat 0.3 put its files in another order than git")
    return LegacyValue(listing_digest(ours))


def _signatures_over(envelope: bytes, payload: bytes) -> list[Signature]:
    if not envelope:
        return []
    try:
        there = read_envelope(envelope)
    except Malformed:
        return []
    return list(there.signatures) if (there.payload, there.payload_type) == (payload, PAYLOAD_TYPE) else []


def _holds(signature: Signature, signer: Signer, message: bytes) -> bool:
    return signature.keyid == signer.public.id and signer.public.verifies(signature.sig, message)


def _check_strength(signer: Signer) -> None:
    errors = [each for each in key_problems(signer.public) if each.severity == "error"]
    if errors:
        raise Invalid(errors)
