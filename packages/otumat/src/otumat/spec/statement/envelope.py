"""DSSE: the bytes that were signed, in base64, beside their signatures. Source: DSSE 1.0, protocol and envelope."""

from __future__ import annotations

from otumat.spec.statement import strict_json
from otumat.spec.statement.strict_json import Malformed

MOST_SIGNATURES = 64


class Signature:
    """`keyid` is a hint where to look first and proves nothing; `sig` is bytes."""

    __slots__ = ("keyid", "sig")

    def __init__(self, keyid: str, sig: bytes) -> None:
        self.keyid, self.sig = keyid, sig


class Envelope:
    """What was signed, of which type it says it is, and by whom it claims to be."""

    __slots__ = ("payload", "payload_type", "signatures")

    def __init__(self, payload: bytes, payload_type: str, signatures: tuple[Signature, ...]) -> None:
        self.payload, self.payload_type, self.signatures = payload, payload_type, signatures

    @property
    def message(self) -> bytes:
        """The bytes that every signature is over."""
        return pae(self.payload_type, self.payload)

    def to_bytes(self) -> bytes:
        """The file."""
        signatures = [{"keyid": each.keyid, "sig": strict_json.base64_of(each.sig)} for each in self.signatures]
        told = {
            "payload": strict_json.base64_of(self.payload),
            "payloadType": self.payload_type,
            "signatures": signatures,
        }
        return strict_json.write(told) + b"\n"


def pae(payload_type: str, payload: bytes) -> bytes:
    """
    The pre-authentication encoding: lengths before contents, so that no type and payload read as another pair.

    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def read_envelope(data: bytes) -> Envelope:
    """
    Read an envelope; nothing in it has been checked then.

    Errors:
        Malformed: not of this form.
    """
    told = strict_json.read(data)
    listed = strict_json.get(told, "signatures", list)
    if not 1 <= len(listed) <= MOST_SIGNATURES:
        raise Malformed(f"it has {len(listed)} signatures; from 1 to {MOST_SIGNATURES} are taken")
    signatures = tuple(
        Signature(strict_json.get(each, "keyid", str, default=""), strict_json.get_bytes(each, "sig"))
        for each in listed
    )
    payload = strict_json.get_bytes(told, "payload")
    return Envelope(payload, strict_json.get(told, "payloadType", str), signatures)
