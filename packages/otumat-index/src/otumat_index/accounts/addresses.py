"""Mail addresses: one spelling of each, and which mailbox it is. Pure."""

from __future__ import annotations


def canonical(address: str) -> str:
    """
    The one spelling of a mail address: lower case, the domain in ASCII.

    `Dana@Exämple.org` and `dana@xn--exmple-cua.org` are one address (A52). Text that is no address comes back
    as it is, in lower case, for a validator to refuse.

    Source: RFC 5890; the local part is case-sensitive only in theory (RFC 5321, 2.4).
    """
    local, at, domain = address.strip().lower().rpartition("@")
    if not at:
        return domain
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return f"{local}@{domain}"


def mailbox(address: str) -> str:
    """
    Where mail to this address ends up: without its `+tag`.

    Two such addresses may belong to two accounts; but mail to both counts as mail to one person.
    """
    local, at, domain = canonical(address).rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def domain_of(address: str) -> str:
    """The part behind the last `@`."""
    return canonical(address).rpartition("@")[2]


def in_domains(address: str, domains: str) -> bool:
    """Whether an address lies in one of the comma-separated domains, or below one."""
    own = domain_of(address)
    named = (domain_of("@" + each.strip()) for each in domains.split(",") if each.strip())
    return any(own == each or own.endswith(f".{each}") for each in named)
