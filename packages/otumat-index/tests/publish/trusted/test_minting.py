"""Identity tokens exchanged at the door: honest ones, and forged ones of every kind (A56, A57)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness.issuer import AUDIENCE, GITHUB, GITHUB_RUN, Issuer, new_key, public_jwk
from harness.tls import Authority
from otumat.errors import Invalid, OtumatError, Refused, Untrusted
from otumat_index.accounts.credentials import of_user
from otumat_index.accounts.models import Token, UsedAssertion, User
from otumat_index.journal.actor import command
from otumat_index.journal.models import Entry
from otumat_index.publish.actions import assign_role, remove_role, submit_release
from otumat_index.publish.models import Project, TrustedPublisher
from otumat_index.publish.trusted import actions, minting

pytestmark = pytest.mark.django_db
Run = Callable[..., str]


def rows() -> tuple[int, int, int]:
    """What minting writes: tokens, used assertions, journal rows."""
    return Token.objects.count(), UsedAssertion.objects.count(), Entry.objects.count()


def refused(assertion: str, at: datetime) -> OtumatError:
    """The refusal of a token; nothing may have been written."""
    before = rows()
    with pytest.raises(OtumatError) as failure:
        minting.mint(assertion, at=at)
    assert rows() == before
    return failure.value


def test_a_run_gets_a_token_for_its_project(publisher: TrustedPublisher, run: Run, now: datetime) -> None:
    minted = minting.mint(run(), at=now)
    assert minted.projects == ("rocket",)
    assert minted.expires_at - now == timedelta(seconds=900)  # PEP 807: no less, no more than 21,600
    token = Token.objects.get()
    assert (token.user, token.actions, token.projects) == (None, ["submit", "upload"], ["rocket"])
    assert token.publishers == [publisher.pk]
    assert "acme/rocket" in token.minted_for
    row = Entry.objects.latest("serial")
    assert (row.action, row.credential, row.topic) == ("publisher.mint", f"publisher:{publisher.pk}", "rocket")


def test_a_moment_within_a_second_still_leaves_900_s(publisher: TrustedPublisher, run: Run, now: datetime) -> None:
    at = now + timedelta(microseconds=700_000)
    minted = minting.mint(run(), at=at)
    assert minted.expires_at.microsecond == 0
    assert timedelta(seconds=900) <= minted.expires_at - at < timedelta(seconds=901)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_every_algorithm_that_is_taken(
    algorithm: str, authority: Authority, trusting: Any, rocket: Project, alice: User, now: datetime
) -> None:
    other = Issuer(authority, algorithm)
    try:
        trusting(f"github={other.url}")
        actions.add_publisher(rocket, issuer=other.url, claims=GITHUB, by=of_user(alice, "session"), at=now)
        assert minting.mint(other.sign({**other.times(now), **GITHUB_RUN}), at=now).projects == ("rocket",)
    finally:
        other.stop()


def test_A56_a_token_is_exchanged_once(publisher: TrustedPublisher, run: Run, now: datetime) -> None:
    assertion = run()
    minting.mint(assertion, at=now)
    assert refused(assertion, now).code == "token_used"
    assert refused(assertion, now + timedelta(seconds=329)).code == "token_used"  # within the leeway after its end


def test_A56_another_token_of_the_same_number_is_refused(publisher: TrustedPublisher, run: Run, now: datetime) -> None:
    minting.mint(run(jti="same"), at=now)
    assert refused(run(jti="same", sha="d" * 40), now).code == "token_used"


def test_A56_without_a_number_the_signed_part_counts(publisher: TrustedPublisher, run: Run, now: datetime) -> None:
    assertion = run(jti=None)
    minting.mint(assertion, at=now)
    assert refused(assertion, now).code == "token_used"
    head, _, signature = assertion.rpartition(".")
    # The same signature in other words: ECDSA takes (r, n - s) for (r, s).
    raw = base64.urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    s = order - int.from_bytes(raw[32:], "big")
    other = base64.urlsafe_b64encode(raw[:32] + s.to_bytes(32, "big")).decode().rstrip("=")
    assert other != signature
    assert refused(f"{head}.{other}", now).code == "token_used"


def test_A56_what_is_remembered_is_forgotten_when_nobody_would_take_it(
    publisher: TrustedPublisher, run: Run, github: Issuer, now: datetime
) -> None:
    old = run()
    minting.mint(old, at=now)
    later = now + timedelta(hours=2)
    minting.mint(github.sign({**GITHUB_RUN, **github.times(later)}), at=later)
    assert UsedAssertion.objects.count() == Token.objects.count() == 1
    assert isinstance(refused(old, later), Invalid)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def with_header(assertion: str, **changed: Any) -> str:
    """The same token with another header and its old signature."""
    head, payload, signature = assertion.split(".")
    header = json.loads(base64.urlsafe_b64decode(head + "==")) | changed
    return f"{b64(json.dumps(header).encode())}.{payload}.{signature}"


def hmac_signed(claims: dict[str, Any], secret: bytes, kid: str) -> str:
    """HS256 with the public key as the secret: the old confusion of algorithms."""
    signed = f"{b64(json.dumps({'alg': 'HS256', 'kid': kid}).encode())}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def forged(kind: str, issuer: Issuer, run: Run, now: datetime) -> str:
    """A token that nobody trustworthy made."""
    claims = {**issuer.times(now), **GITHUB_RUN}
    honest, mine = run(), new_key()
    public = issuer.keys["key-1"].public_key()
    forms = serialization.PublicFormat.SubjectPublicKeyInfo
    if kind == "alg none":
        return jwt.encode(claims, "", algorithm="none", headers={"kid": "key-1"})
    if kind == "alg none, signature kept":
        return with_header(honest, alg="none")
    if kind == "HS256 by the public key":
        return hmac_signed(claims, public.public_bytes(serialization.Encoding.PEM, forms), "key-1")
    if kind == "HS256 by the key list":
        return hmac_signed(claims, json.dumps(public_jwk(issuer.keys["key-1"])).encode(), "key-1")
    if kind == "a key of one's own":
        return jwt.encode(claims, mine, algorithm="ES256", headers={"kid": "key-1"})
    if kind == "an unknown key":
        return jwt.encode(claims, mine, algorithm="ES256", headers={"kid": "../../key-1"})
    if kind == "jwk":
        return jwt.encode(claims, mine, algorithm="ES256", headers={"kid": "key-1", "jwk": public_jwk(mine)})
    if kind in ("jku", "x5u"):
        return jwt.encode(claims, mine, algorithm="ES256", headers={"kid": "mine", kind: f"{issuer.url}/mine"})
    if kind == "crit":
        return issuer.sign(claims, crit=["exp"])
    if kind == "other type":
        return issuer.sign(claims, typ="at+jwt")
    if kind == "changed claims":
        head, _, signature = honest.split(".")
        return f"{head}.{b64(json.dumps({**claims, 'repository': 'acme/other'}).encode())}.{signature}"
    if kind == "no signature":
        return honest.rpartition(".")[0] + "."
    if kind == "r and s of zero":
        return honest.rpartition(".")[0] + "." + b64(bytes(64))
    return {
        "nothing": "",
        "words": "not a token",
        "five parts": f"{honest}.x.y",
        "no object": f"{b64(b'[]')}.{b64(b'[]')}.x",
        "deep": f"{b64(b'[' * 9000)}.{b64(b'{}')}.x",
        "not base64": "a.b.c",
        "no ascii": "ä.ö.ü",
        "long": f"{honest}{'A' * 20_000}",
    }[kind]


FORGED = [
    *("alg none", "alg none, signature kept", "HS256 by the public key", "HS256 by the key list"),
    *("a key of one's own", "an unknown key", "jwk", "jku", "x5u", "crit", "other type", "changed claims"),
    *("no signature", "r and s of zero", "nothing", "words", "five parts", "no object", "deep"),
    *("not base64", "no ascii", "long"),
]


@pytest.mark.parametrize("kind", FORGED)
def test_A57_forged_tokens_are_refused(
    kind: str, publisher: TrustedPublisher, github: Issuer, run: Run, now: datetime
) -> None:
    assert isinstance(refused(forged(kind, github, run, now), now), Untrusted)
    # No address of a token was asked for: only the issuer's own two documents.
    assert set(github.asked) <= {"/.well-known/openid-configuration", "/keys"}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": 1_000_300, "iat": 1_000_000, "nbf": 1_000_000}, "token.exp"),
    "another audience": ({"aud": "https://other.example.org"}, "token.aud"),
    "ours and another audience": ({"aud": [AUDIENCE, "https://other.example.org"]}, "token.aud"),
    "a pull request": ({"event_name": "pull_request"}, "token.event"),
    "a pull request's target": ({"event_name": "pull_request_target"}, "token.event"),
    "no event": ({"event_name": None}, "token.event"),
}


@pytest.mark.parametrize("case", WRONG)
def test_A57_tokens_for_others_or_of_strangers_are_refused(
    case: str, publisher: TrustedPublisher, run: Run, now: datetime
) -> None:
    changed, code = WRONG[case]
    failure = refused(run(**changed), now)
    assert isinstance(failure, Invalid)
    assert [problem.code for problem in failure.problems] == [code]


@pytest.mark.parametrize(
    "changed",
    [
        {"repository": "acme/other"},
        {"repository_owner": "evil"},
        {"job_workflow_ref": "evil/rocket/.github/workflows/release.yml@refs/tags/v1"},
        {"workflow_ref": "acme/rocket/.github/workflows/test.yml@refs/tags/v1"},
    ],
)
def test_A57_runs_that_fit_no_publisher_get_nothing(
    changed: dict[str, str], publisher: TrustedPublisher, run: Run, now: datetime
) -> None:
    failure = refused(run(**changed), now)
    assert failure.code == "no_publisher"
    assert "repository" in failure.message


def test_A57_the_first_run_pins_the_owner(publisher: TrustedPublisher, run: Run, now: datetime) -> None:
    minting.mint(run(), at=now)
    publisher.refresh_from_db()
    assert publisher.pinned == {"repository_owner_id": "1234"}
    assert refused(run(repository_owner_id="9999"), now).code == "no_publisher"  # the name was taken by another
    assert minting.mint(run(), at=now).projects == ("rocket",)


def test_A57_another_issuer_cannot_pose_as_github(
    publisher: TrustedPublisher, github: Issuer, authority: Authority, trusting: Any, run: Run, now: datetime
) -> None:
    evil = Issuer(authority)
    claims = {**GITHUB_RUN, **evil.times(now)}
    try:
        assert refused(evil.sign(claims), now).code == "issuer_unknown"
        trusting(f"github={github.url}", evil.url)  # trusted now, for publishers of its own
        assert refused(evil.sign(claims), now).code == "no_publisher"
        assert isinstance(refused(evil.sign({**claims, "iss": github.url}), now), Untrusted)
        trusting(f"github={github.url}", f"github={evil.url}")  # even of the same kind
        assert refused(evil.sign(claims), now).code == "no_publisher"
        assert minting.mint(run(), at=now).projects == ("rocket",)
    finally:
        evil.stop()


def test_A57_a_publisher_is_read_by_the_rules_it_was_made_by(
    publisher: TrustedPublisher, github: Issuer, trusting: Any, run: Run, now: datetime
) -> None:
    trusting(github.url)  # the operator took `github=` away
    assert refused(run(), now).code == "no_publisher"


def test_publishers_of_any_other_issuer(
    issuer: Issuer, trusting: Any, rocket: Project, alice: User, now: datetime
) -> None:
    trusting(issuer.url)
    by = of_user(alice, "session")
    claims = {"sub": "build:rocket", "extra": {"stage": "release"}}
    actions.add_publisher(rocket, issuer=issuer.url, claims=claims, by=by, at=now)
    said = {**issuer.times(now), "aud": AUDIENCE, "sub": "build:rocket"}
    assert refused(issuer.sign({**said, "stage": "test"}), now).code == "no_publisher"
    assert minting.mint(issuer.sign({**said, "stage": "release"}), at=now).projects == ("rocket",)


def test_one_workflow_publishes_all_its_projects(
    publisher: TrustedPublisher, rocket: Project, bob: User, github: Issuer, run: Run, now: datetime
) -> None:
    by = of_user(bob, "session")
    submit_release([("name", "comet"), ("version", "1.0")], by=by, at=now)
    comet = Project.objects.get(normalized="comet")
    actions.add_publisher(comet, issuer=github.url, claims=GITHUB, by=by, at=now)
    assert minting.mint(run(), at=now).projects == ("comet", "rocket")
    mints = Entry.objects.filter(action="publisher.mint").values_list("topic", flat=True)
    assert sorted(mints) == ["comet", "rocket"]  # each project's people can read of it


def test_A47_nothing_is_minted_for_somebody_who_left(
    publisher: TrustedPublisher, rocket: Project, alice: User, bob: User, run: Run, now: datetime
) -> None:
    assign_role(rocket, bob, "owner", by=command(), at=now)
    remove_role(rocket, alice, by=of_user(bob, "session"), at=now)
    assert refused(run(), now).code == "no_publisher"


def test_a_signature_in_der_is_none(publisher: TrustedPublisher, github: Issuer, run: Run, now: datetime) -> None:
    """JWS has r and s side by side (RFC 7518 section 3.4); another spelling must not pass as another token."""
    key = github.keys["key-1"]
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signed = run().rpartition(".")[0]
    der = key.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    assert isinstance(refused(f"{signed}.{b64(der)}", now), Untrusted)


def test_a_failed_exchange_does_not_use_the_token_up(
    publisher: TrustedPublisher, rocket: Project, run: Run, alice: User, github: Issuer, now: datetime
) -> None:
    assertion = run(environment="release")
    by = of_user(alice, "session")
    actions.remove_publisher(rocket, publisher.pk, by=by, at=now)
    with pytest.raises(Refused):
        minting.mint(assertion, at=now)
    actions.add_publisher(rocket, issuer=github.url, claims=GITHUB, by=by, at=now)
    assert minting.mint(assertion, at=now).projects == ("rocket",)
