"""ssh-agent as a signer: the private key stays with the agent, be it in a file, a token or a security key's host."""

from __future__ import annotations

import os
import socket

from otumat.errors import NotFound, Refused
from otumat.spec.keys import RSA, BadKey, PublicKey, sshsig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LIST, _LISTED, _SIGN, _SIGNED = 11, 12, 13, 14  # draft-miller-ssh-agent, 5.1
_RSA_SHA2_512 = 4
_MOST_BYTES = 1_000_000
TIMEOUT_S = 120  # somebody may have to touch a token


class AgentKey:
    """One key of the agent. Its signatures are of the form SSHSIG; those of the 0.3 kind no agent can make."""

    __slots__ = ("_socket_path", "comment", "public")

    can_sign_legacy = False

    def __init__(self, public: PublicKey, comment: str, socket_path: str) -> None:
        self.public, self.comment, self._socket_path = public, comment, socket_path

    def sign(self, message: bytes) -> bytes:
        blob = self.public.ssh_blob
        flags = _RSA_SHA2_512 if self.public.kind == RSA else 0
        request = bytes([_SIGN]) + sshsig.packed(blob, sshsig.wrapped(message)) + flags.to_bytes(4, "big")
        kind, answer = _asked(self._socket_path, request)
        parts = sshsig.fields(answer)
        if kind != _SIGNED or len(parts) != 1:
            raise Refused(
                "ssh-agent did not sign.", code="agent.refused", hint="Is the key locked, or was it declined?"
            )
        signature = sshsig.written(blob, parts[0])
        if not self.public.verifies(signature, message):
            raise Refused("ssh-agent made a signature that does not hold.", code="agent.refused")
        return signature

    def sign_legacy(self, message: bytes) -> str:
        raise Refused("ssh-agent makes no signatures of the 0.3 kind (RSA-PSS).", code="agent.legacy")


def agent_keys(environ: Mapping[str, str]) -> list[AgentKey]:
    """
    The keys of the agent that SSH_AUTH_SOCK names, of the kinds that we take.

    Errors:
        NotFound: `agent.none`, there is no agent.
    """
    path = environ.get("SSH_AUTH_SOCK", "")
    if not path:
        raise NotFound(
            "No ssh-agent runs here: SSH_AUTH_SOCK is not set.", code="agent.none", hint="Start one: eval $(ssh-agent)"
        )
    kind, answer = _asked(path, bytes([_LIST]))
    parts = sshsig.fields(answer[4:]) if kind == _LISTED else []
    found = []
    for blob, comment in zip(parts[::2], parts[1::2], strict=False):
        try:
            found.append(AgentKey(PublicKey.from_ssh_blob(blob), comment.decode("utf-8", "replace"), path))
        except BadKey:
            continue
    return found


def pick(keys: list[AgentKey], wanted: str) -> AgentKey:
    """The one key whose comment or id is `wanted` (an id may be cut short); the only one when nothing is wanted."""
    fitting = [key for key in keys if not wanted or key.comment == wanted or key.public.id.startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(key.comment or key.public.id[:16] for key in keys) or "none of a kind that is taken"
    told = (
        f"ssh-agent has {len(fitting)} keys that are called {wanted!r}."
        if wanted
        else "Which key of ssh-agent is meant?"
    )
    raise NotFound(told, code="agent.key", hint=f"It has: {names}. Name one with: --key agent:COMMENT")


def _asked(path: str, request: bytes) -> tuple[int, bytes]:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.connect(os.fspath(path))
            connection.sendall(len(request).to_bytes(4, "big") + request)
            size = int.from_bytes(_received(connection, 4), "big")
            if not 1 <= size <= _MOST_BYTES:
                raise OSError("its answer makes no sense")
            answer = _received(connection, size)
    except OSError as exc:
        raise NotFound(f"ssh-agent does not answer: {exc}.", code="agent.none", hint="Is SSH_AUTH_SOCK right?") from exc
    return answer[0], answer[1:]


def _received(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise OSError("it closed the connection")
        data += piece
    return data
