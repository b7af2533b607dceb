"""One PEM block, strictly: what one reader takes for the key must be what every reader takes for it."""

from __future__ import annotations

import binascii

MAX_PEM_BYTES = 64 * 1024
_BEGIN, _END, _DASHES = b"-----BEGIN ", b"-----END ", b"-----"
_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf")

_TOLD = {
    b"CERTIFICATE": "a certificate; take the public key out of it with: openssl x509 -pubkey -noout -in FILE",
    b"RSA PUBLIC KEY": "a key in the PKCS #1 form; convert it with: openssl rsa -RSAPublicKey_in -pubout -in FILE",
    b"OPENSSH PRIVATE KEY": "a PRIVATE key in the form of OpenSSH",
}


class BadPem(ValueError):
    """The bytes are not the one block that was expected; the text says what they are."""


def read_block(data: bytes, label: bytes) -> bytes:
    """
    The bytes inside the one block with this label that the file is.

    Text before the block is not taken, nor behind it, nor a second block, nor any other label. The message of a private
    key never quotes it.

    Source: RFC 7468, the strict form; blank lines at both ends and CRLF are taken.
    """
    if len(data) > MAX_PEM_BYTES:
        raise BadPem(f"it is larger than {MAX_PEM_BYTES} bytes")
    if data.startswith(_BOMS):
        raise BadPem("it begins with a byte order mark; write it as plain ASCII")
    lines = data.strip(b" \t\r\n").splitlines()
    if not lines or not (lines[0].startswith(_BEGIN) and lines[0].rstrip().endswith(_DASHES)):
        raise BadPem("it is not PEM" if _BEGIN not in data else "there is text before the PEM block")
    found = lines[0].rstrip()[len(_BEGIN) : -len(_DASHES)]
    if found != label:
        raise BadPem(_told(found, label))
    if data.count(_BEGIN) > 1:
        raise BadPem("it holds more than one PEM block")
    if lines[-1].rstrip() != _END + label + _DASHES:
        raise BadPem("it does not end with the end of its PEM block")
    return _decoded(b"".join(line.rstrip() for line in lines[1:-1]))


def written_block(der: bytes, label: str) -> bytes:
    """The block, in lines of 64 characters."""
    text = binascii.b2a_base64(der, newline=False).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def _told(found: bytes, label: bytes) -> str:
    if found in _TOLD:
        return f"it holds {_TOLD[found]}"
    if b"PRIVATE KEY" in found and b"PRIVATE" not in label:
        return "it holds a PRIVATE key, which must never be given away; name the file of its public key"
    return f"it holds {found.decode('ascii', 'backslashreplace')!r} where {label.decode()!r} belongs"


def _decoded(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise BadPem("what stands inside its PEM block is not base64") from None
