"""Exchanging an identity token for an API token, and giving a minted one back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from otumat.errors import Invalid, Refused
from otumat_index.accounts import rules as accounts
from otumat_index.accounts.models import Token, UsedAssertion
from otumat_index.journal import actions as journal
from otumat_index.journal.actor import Actor
from otumat_index.publish.models import TrustedPublisher
from otumat_index.publish.trusted import actions, issuers, rules, standing, tokens

MATCHED_MAX = 100
"""Publishers that one identity token stands for: a repository may publish many projects."""
SWEPT = 100
"""Ended rows that one mint takes with it."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A token for minutes; its text is told this once."""

    text: str
    expires_at: datetime
    projects: tuple[str, ...]


def mint(assertion: str, *, at: datetime) -> Minted:
    """
    Exchange an issuer's identity token for an API token that lives for a quarter of an hour.

    Raises:
        Untrusted: The token is not one that a trusted issuer made for us and for now.
        Invalid: It is, but says what cannot be accepted: with all problems.
        Refused: It fits no publisher, or was exchanged before.
        Unreachable: The issuer does not tell its keys.
    """
    token = tokens.read(assertion)
    key = issuers.CACHE.key_for(token)  # may ask the network: outside of the transaction
    claims = tokens.verify(token, key)
    kind = issuers.trusted()[token.issuer]
    problems = rules.check_token(claims, kind=kind, issuer=token.issuer, audience=audience(), at_s=at.timestamp())
    if problems:
        raise Invalid(problems, message="The identity token cannot be accepted.")
    return exchange(token.issuer, kind, claims, rules.used_mark(claims, token.signed), at=at)


def audience() -> str:
    """What this index is called in tokens meant for it. No two indexes share it, so neither can play the other."""
    return str(settings.CONFIG.public_url).rstrip("/")


@transaction.atomic
def exchange(issuer: str, kind: str, claims: rules.Claims, mark: str, *, at: datetime) -> Minted:
    """One transaction: the token is used up, what is pinned is pinned, and the minted one exists; or nothing is."""
    found = matching(issuer, kind, claims, at=at)
    if not found:
        raise Refused(
            f"No trusted publisher fits this token, which says {rules.told(kind, claims)}.",
            hint="Compare it with the publishers on the project's page; runs of strangers fit none.",
            code="no_publisher",
        )
    spend(issuer, mark, claims, at=at)
    text = accounts.make_token(secrets.token_bytes(32))
    ends = at.replace(microsecond=0) + timedelta(seconds=rules.TOKEN_LIFE_S + bool(at.microsecond))
    projects = tuple(sorted({each.project.normalized if each.project else each.pending_name for each in found}))
    minted = Token.objects.create(
        name="trusted publishing",
        sha256=accounts.digest(text),
        hint=text[: len(accounts.TOKEN_PREFIX) + 4],
        actions=["submit", "upload"],
        projects=list(projects),
        created_at=at,
        expires_at=ends,
        publishers=[each.pk for each in found],
        minted_for=f"{issuer} {rules.told(kind, claims)}",
    )
    for publisher in found:
        publisher.pinned = {**(rules.pins(kind, claims) or {}), **publisher.pinned}
        publisher.last_used_at = at
        publisher.save(update_fields=["pinned", "last_used_at"])
        actions.tell(
            "publisher.mint", publisher, by=itself(publisher.pk), at=at, token=minted.pk, said=rules.told(kind, claims)
        )
    sweep(at=at)
    return Minted(text, ends, projects)


def itself(publisher_id: int) -> Actor:
    """A publisher as the actor of its own comings and goings: no person did them."""
    name = f"publisher:{publisher_id}"
    return Actor(name=name, credential=name, publishers=(publisher_id,))


def matching(issuer: str, kind: str, claims: rules.Claims, *, at: datetime) -> list[TrustedPublisher]:
    """The publishers a token is of, locked, so that what the first token pins binds the second."""
    rows = (
        standing.living(at=at)
        .filter(issuer=issuer, kind=kind, key=rules.lookup_of(kind, claims))
        .select_related("project", "created_by")
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    fitting = (
        each
        for each in rows
        if rules.matches(kind, each.claims, each.pinned, claims, issuer=issuer) and standing.may_publish(each)
    )
    return [each for each, _ in zip(fitting, range(MATCHED_MAX), strict=False)]


def spend(issuer: str, mark: str, claims: rules.Claims, *, at: datetime) -> None:
    """Remember that a token was exchanged, until nobody would take it any more (A56)."""
    ends = datetime.fromtimestamp(rules.moment(claims, "exp") or at.timestamp(), UTC)
    try:
        with transaction.atomic():
            UsedAssertion.objects.create(
                issuer=issuer, jti=mark, expires_at=ends + timedelta(seconds=2 * rules.LEEWAY_S)
            )
    except IntegrityError as exc:
        raise Refused(
            "This identity token was exchanged before.", hint="Ask the issuer for a fresh one.", code="token_used"
        ) from exc


def sweep(*, at: datetime) -> None:
    """Take some ended rows along; those that another mint is about to take are left to it."""
    for model, ended in (
        (UsedAssertion, UsedAssertion.objects.filter(expires_at__lte=at)),
        (Token, Token.objects.filter(user=None, expires_at__lte=at)),
    ):
        rows = list(ended.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)[:SWEPT])
        model.objects.filter(pk__in=rows).delete()


@transaction.atomic
def burn(text: str, *, at: datetime) -> bool:
    """
    End a minted token at once, by whoever holds it. Personal tokens are their owner's to revoke.

    Returns:
        Whether there was one.
    """
    token = Token.objects.select_for_update(of=("self",)).filter(sha256=accounts.digest(text), user=None).first()
    if token is None:
        return False
    publishers = list(token.publishers or ())
    found = TrustedPublisher.objects.filter(pk__in=publishers).select_related("project").order_by("pk").first()
    topic = found.project.normalized if found and found.project else ""
    minted_for, token_id = token.minted_for, token.pk
    token.delete()
    journal.write(
        "publisher.burn",
        minted_for,
        by=itself(publishers[0]),
        at=at,
        topic=topic,
        token=token_id,
        publishers=publishers,
    )
    return True
