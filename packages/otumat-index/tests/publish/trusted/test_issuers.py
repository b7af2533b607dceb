"""Fetching an issuer's keys: only from the issuer, bounded, remembered (A59)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harness.issuer import Answer, Issuer, as_json, new_key, public_jwk
from harness.tls import Authority
from otumat.errors import OtumatError, Unreachable, Untrusted
from otumat_index.publish.trusted import issuers, tokens

DISCOVERY = "/.well-known/openid-configuration"


@pytest.fixture
def signed(issuer: Issuer, trusting: Callable[..., None], now: datetime) -> tokens.Unverified:
    """A token of the issuer, taken apart."""
    trusting(issuer.url)
    return tokens.read(issuer.sign(issuer.times(now)))


def unreachable(token: tokens.Unverified) -> OtumatError:
    with pytest.raises(Unreachable) as failure:
        issuers.CACHE.key_for(token)
    return failure.value


def test_keys_are_fetched_once_and_remembered(issuer: Issuer, signed: tokens.Unverified) -> None:
    for _ in range(3):
        assert issuers.CACHE.key_for(signed).kid == "key-1"
    assert issuer.asked == [DISCOVERY, "/keys"]


def test_unknown_key_names_do_not_make_us_ask_again_and_again(issuer: Issuer, signed: tokens.Unverified) -> None:
    issuers.CACHE.key_for(signed)
    for number in range(20):
        made_up = tokens.Unverified(signed.text, issuer.url, f"key-{number + 5}", "ES256")
        with pytest.raises(Untrusted):
            issuers.CACHE.key_for(made_up)
    assert len(issuer.asked) == 2


def test_a_new_key_is_found_without_waiting_for_the_old_list_to_age(
    issuer: Issuer, signed: tokens.Unverified, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuers.CACHE.key_for(signed)
    issuer.keys["key-2"] = new_key()
    issuer.listed = [public_jwk(issuer.keys["key-2"]) | {"kid": "key-2"}]
    monkeypatch.setattr(issuers, "PAUSE_S", 0)
    assert issuers.CACHE.key_for(tokens.read(issuer.sign(issuer.times(now), kid="key-2"))).kid == "key-2"
    with pytest.raises(Untrusted):  # what the issuer lists no more signs nothing more
        issuers.CACHE.key_for(signed)


def test_an_issuer_that_does_not_answer_is_believed_for_a_while(
    issuer: Issuer, signed: tokens.Unverified, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuers.CACHE.key_for(signed)
    issuer.answers[DISCOVERY] = lambda: (503, {}, b"")
    monkeypatch.setattr(issuers, "FRESH_S", 0)
    monkeypatch.setattr(issuers, "PAUSE_S", 0)
    assert issuers.CACHE.key_for(signed).kid == "key-1"
    monkeypatch.setattr(issuers, "KEPT_S", 0)
    unreachable(signed)


def test_an_issuer_that_is_down_is_asked_once_in_a_while(issuer: Issuer, signed: tokens.Unverified) -> None:
    issuer.answers[DISCOVERY] = lambda: (500, {}, b"")
    for _ in range(5):
        unreachable(signed)
    assert issuer.asked == [DISCOVERY]


ANSWERS: dict[str, tuple[str, Callable[[Issuer], Answer]]] = {
    "redirect": (DISCOVERY, lambda issuer: (302, {"Location": f"{issuer.url}/keys"}, b"")),
    "redirect of the keys": ("/keys", lambda issuer: (302, {"Location": f"{issuer.url}/elsewhere"}, b"")),
    "another issuer": (DISCOVERY, lambda issuer: as_json({"issuer": "https://x", "jwks_uri": f"{issuer.url}/keys"})),
    "no keys": (DISCOVERY, lambda issuer: as_json({"issuer": issuer.url})),
    "keys elsewhere": (
        DISCOVERY,
        lambda issuer: as_json({"issuer": issuer.url, "jwks_uri": "https://127.0.0.1:1/keys"}),
    ),
    "keys on another port": (
        DISCOVERY,
        lambda issuer: as_json({"issuer": issuer.url, "jwks_uri": f"{issuer.url[:-1]}0/keys".replace("00/", "1/")}),
    ),
    "keys in a file": (DISCOVERY, lambda issuer: as_json({"issuer": issuer.url, "jwks_uri": "file:///etc/passwd"})),
    "keys by http": (
        DISCOVERY,
        lambda issuer: as_json({"issuer": issuer.url, "jwks_uri": f"http{issuer.url[5:]}/keys"}),
    ),
    "keys at a broken address": (
        DISCOVERY,
        lambda issuer: as_json({"issuer": issuer.url, "jwks_uri": "https://[::1/keys"}),
    ),
    "no JSON": ("/keys", lambda issuer: (200, {}, b"<html>")),
    "no object": ("/keys", lambda issuer: as_json([])),
    "too deep": ("/keys", lambda issuer: (200, {}, b"[" * 100_000)),
    "too long": ("/keys", lambda issuer: (200, {}, b" " * 300_000)),
    "half": ("/keys", lambda issuer: (200, {"Content-Length": "2"}, b"{")),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_A59_answers_that_are_not_believed(
    case: str, issuer: Issuer, signed: tokens.Unverified, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "CONNECT_S", 1)
    path, answer = ANSWERS[case]
    issuer.answers[path] = lambda: answer(issuer)
    unreachable(signed)
    assert set(issuer.asked) <= {DISCOVERY, "/keys"}


def test_a_slow_dripper_is_cut_off(issuer: Issuer, signed: tokens.Unverified, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    over = threading.Event()

    def wait() -> Answer:
        over.wait(20)
        return 200, {}, b"{}"

    issuer.answers[DISCOVERY] = wait
    monkeypatch.setattr(issuers, "CONNECT_S", 20)
    monkeypatch.setattr(issuers, "FETCH_S", 0.3)
    try:
        unreachable(signed)
    finally:
        over.set()


def test_a_certificate_of_an_unknown_authority_is_not_believed(
    issuer: Issuer, trusting: Callable[..., None], now: datetime
) -> None:
    trusting(issuer.url, ca=None)
    assert "CERTIFICATE_VERIFY_FAILED" in unreachable(tokens.read(issuer.sign(issuer.times(now)))).message
    assert issuer.asked == []


def test_an_authority_that_cannot_be_read_is_told(
    issuer: Issuer, trusting: Callable[..., None], now: datetime, tmp_path: Path
) -> None:
    (tmp_path / "broken.pem").write_text("no certificate")
    trusting(issuer.url, ca=tmp_path / "broken.pem")
    assert "TRUSTED_ISSUERS_CA" in unreachable(tokens.read(issuer.sign(issuer.times(now)))).message


def test_only_issuers_of_the_setting_are_asked(
    issuer: Issuer, authority: Authority, signed: tokens.Unverified, now: datetime
) -> None:
    for told in (f"{issuer.url}/", issuer.url.upper(), issuer.url.replace("localhost", "127.0.0.1"), ""):
        with pytest.raises(Untrusted) as failure:
            issuers.CACHE.key_for(tokens.read(issuer.sign({**issuer.times(now), "iss": told})))
        assert failure.value.code == "issuer_unknown"
    assert issuer.asked == []


def key(**changed: Any) -> dict[str, Any]:
    return {**public_jwk(new_key()), "kid": "x", **changed}


KEYS: dict[str, tuple[Callable[[], dict[str, Any]], str | None]] = {
    "P-256": (key, "ES256"),
    "RSA": (lambda: public_jwk(new_key("RS256")), "RS256"),
    "Ed25519": (lambda: public_jwk(new_key("EdDSA")), "EdDSA"),
    "for signatures": (lambda: key(use="sig", alg="ES256"), "ES256"),
    "for encryption": (lambda: key(use="enc"), None),
    "for another algorithm": (lambda: key(alg="HS256"), None),
    "another curve's name": (lambda: key(crv="P-384"), None),
    "secret": (lambda: {"kty": "oct", "k": "c2VjcmV0", "kid": "x"}, None),
    "private": (lambda: key(d="AAAA"), None),
    "broken": (lambda: key(x="!"), None),
    "half": (lambda: {"kty": "EC", "crv": "P-256", "kid": "x"}, None),
    "texts that are none": (lambda: {"kty": ["EC"], "crv": {}, "kid": 1}, None),
    "empty": (dict, None),
}


@pytest.mark.parametrize("case", KEYS)
def test_A57_which_keys_are_taken(case: str) -> None:
    make, algorithm = KEYS[case]
    found = tokens.key_of(make())
    assert (found.algorithm if found else None) == algorithm


def test_a_short_RSA_key_is_not_taken() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert tokens.key_of(public_jwk(short)) is None


def test_two_keys_of_one_name_sign_nothing(issuer: Issuer, signed: tokens.Unverified) -> None:
    issuer.listed = [*issuer.listed, key(kid="key-1")]
    with pytest.raises(Untrusted):
        issuers.CACHE.key_for(signed)


def test_a_broken_key_does_not_take_the_others_with_it(issuer: Issuer, signed: tokens.Unverified) -> None:
    issuer.listed = [{"kty": "EC"}, {}, *issuer.listed]
    issuer.answers["/keys"] = lambda: (200, {}, json.dumps({"keys": [None, 7, *issuer.listed]}).encode())
    assert issuers.CACHE.key_for(signed).kid == "key-1"
