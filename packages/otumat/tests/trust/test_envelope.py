"""The envelope and what it says: T50, T51, T57. No bytes make it raise, and none but the signed ones are trusted."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otumat.spec.statement import (
    PAYLOAD_TYPE,
    Envelope,
    Malformed,
    Signature,
    SignedFile,
    Statement,
    pae,
    read_envelope,
    read_statement,
)
from otumat.spec.statement.paths import is_plain
from otumat.spec.vouching.checking import check_envelope
from otumat.trust import KeyRecord, ProjectTrust
from otumat.trust.signing import private

if TYPE_CHECKING:
    from collections.abc import Callable

AT = "2026-01-31T12:00:00Z"
SHA = "0" * 64


def statement(**changes: Any) -> Statement:
    told: dict[str, Any] = {
        "dist_info": "plugin1-1.0.dist-info",
        "files": [SignedFile("plugin1/a.py", 1, "100644", SHA)],
    }
    return Statement(changes.pop("project", "plugin1"), changes.pop("version", "1.0"), **(told | changes))


@pytest.fixture
def sealed(keys: Any) -> Callable[..., bytes]:
    """An envelope by a key over a payload: `sealed("rsa2048", payload=…, payload_type=…, keyid=…)`."""

    def make(
        name: str,
        *,
        payload: bytes = b"",
        payload_type: str = PAYLOAD_TYPE,
        signed_type: str = "",
        keyid: str | None = None,
    ) -> bytes:
        signer = private.read_file(keys(name).private)
        payload = payload or statement().to_bytes()
        raw = signer.sign(pae(signed_type or payload_type, payload))
        return Envelope(
            payload, payload_type, (Signature(signer.public.id if keyid is None else keyid, raw),)
        ).to_bytes()

    return make


def check(data: bytes, *records: KeyRecord, threshold: int = 1, project: str = "plugin1", version: str = "1.0") -> Any:
    trust = ProjectTrust(records, threshold=threshold)
    return check_envelope(data, project=project, version=version, trust=trust, at=AT)


def states(vouched: Any) -> list[str]:
    return [finding.state for finding in vouched.findings]


@pytest.mark.parametrize("name", ["rsa2048", "rsa3072", "ed25519"])
def test_each_kind_of_key_vouches(name: str, sealed: Any, record_of: Any) -> None:
    vouched = check(sealed(name), record_of(name))
    assert vouched.findings == ()
    assert [each.key_id for each in vouched.keys] == [record_of(name).public.id]


def test_a_statement_reads_back_as_it_was_written() -> None:
    written = statement(sequence=3, tags=["py3-none-any"]).to_bytes()
    assert read_statement(written).to_bytes() == written


def test_T50_the_key_s_kind_decides_and_no_message_does(sealed: Any, record_of: Any) -> None:
    both = json.loads(sealed("rsa2048"))
    both["signatures"][0]["keyid"] = record_of("ed25519").public.id
    assert states(check(json.dumps(both).encode(), record_of("ed25519"))) == ["untrusted-key"]


def test_T50_an_id_of_one_key_over_a_signature_of_another(sealed: Any, record_of: Any) -> None:
    data = sealed("ed25519-bob", keyid=record_of("ed25519").public.id)
    assert states(check(data, record_of("ed25519"))) == ["untrusted-key"]
    assert states(check(data, record_of("ed25519-bob"))) == ["untrusted-key"]
    assert states(check(sealed("ed25519", keyid=""), record_of("ed25519"))) == []


def test_T50_another_payload_type(sealed: Any, record_of: Any) -> None:
    assert states(check(sealed("ed25519", payload_type="application/json"), record_of("ed25519"))) == ["error"]
    confused = sealed("ed25519", signed_type="application/json")
    assert states(check(confused, record_of("ed25519"))) == ["untrusted-key"]


def test_T50_lengths_bind_type_and_payload() -> None:
    assert pae("a", b"b 1 c") != pae("a 5 b", b"c")
    assert pae("", b"") == b"DSSEv1 0  0 "


def test_T64_one_key_counts_once_however_often_it_signed(sealed: Any, record_of: Any) -> None:
    twice = json.loads(sealed("ed25519"))
    twice["signatures"] *= 2
    twice["signatures"].append({**twice["signatures"][0], "keyid": ""})
    vouched = check(json.dumps(twice).encode(), record_of("ed25519"), record_of("ed25519-bob"), threshold=2)
    assert states(vouched) == ["below-threshold"]


def test_several_signers_reach_a_threshold(sealed: Any, record_of: Any) -> None:
    one, other = json.loads(sealed("rsa2048")), json.loads(sealed("ed25519"))
    one["signatures"] += other["signatures"]
    data = json.dumps(one).encode()
    assert states(check(data, record_of("rsa2048"), record_of("ed25519"), threshold=2)) == []


def test_a_key_below_2048_bits_never_vouches_here(keys: Any, record_of: Any) -> None:
    weak = private.read_file(keys("rsa1024").private)
    payload = statement().to_bytes()
    raw = weak._sign_pss(pae(PAYLOAD_TYPE, payload))
    data = Envelope(payload, PAYLOAD_TYPE, (Signature(weak.public.id, raw),)).to_bytes()
    assert states(check(data, record_of("rsa1024"))) == ["untrusted-key"]
    with pytest.raises(Exception, match="1024 bits"):
        weak.sign(b"x")


def test_T53_a_salt_that_is_no_salt_is_refused_here(keys: Any, record_of: Any) -> None:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
    from cryptography.hazmat.primitives.hashes import SHA256

    payload, pair = statement().to_bytes(), keys("rsa2048")
    for salt, expected in ((0, ["untrusted-key"]), (31, ["untrusted-key"]), (32, []), (222, [])):
        raw = pair.key.sign(pae(PAYLOAD_TYPE, payload), PSS(MGF1(SHA256()), salt), SHA256())
        data = Envelope(payload, PAYLOAD_TYPE, (Signature("", raw),)).to_bytes()
        assert states(check(data, record_of("rsa2048"))) == expected, salt


def test_T39_what_was_signed_for_another_project_or_release(sealed: Any, record_of: Any) -> None:
    for payload in (statement(project="plugin2").to_bytes(), statement(version="1.1").to_bytes()):
        assert states(check(sealed("ed25519", payload=payload), record_of("ed25519"))) == ["modified"]


def broken() -> dict[str, bytes]:
    told = json.loads(statement().to_bytes())

    def changed(**changes: Any) -> bytes:
        return json.dumps(told | changes).encode()

    def predicate(**changes: Any) -> bytes:
        return changed(predicate=told["predicate"] | changes)

    text = statement().to_bytes()
    return {
        "T50 duplicate keys": text[:-1] + b',"_type":"https://in-toto.io/Statement/v1"}',
        "T50 NaN": text.replace(b'"sequence":0', b'"sequence":NaN'),
        "T50 a fraction": text.replace(b'"sequence":0', b'"sequence":0.0'),
        "T50 a huge number": text.replace(b'"sequence":0', b'"sequence":' + b"9" * 5000),
        "T50 deep nesting": b"[" * 100_000 + b"]" * 100_000,
        "T50 another type": changed(_type="https://in-toto.io/Statement/v0.1"),
        "T50 another predicate": changed(predicateType="https://slsa.dev/provenance/v1"),
        "T50 true for a number": predicate(sequence=True),
        "T51 SHA-1 alone": changed(subject=[{"name": "pkg:pypi/plugin1@1.0", "digest": {"gitBlob": "0" * 40}}]),
        "T51 a digest of others": changed(subject=[{"name": "pkg:pypi/plugin1@1.0", "digest": {"sha256": "1" * 64}}]),
        "no files": predicate(files=[]),
        "no list": changed(predicate=[]),
        "T56 climbing": predicate(files=[["../evil.py", 1, "100644", SHA]]),
        "T57 a twin in capitals": predicate(files=[["a/b.py", 1, "100644", SHA], ["A/b.py", 1, "100644", SHA]]),
        "T57 a path twice": predicate(files=[["a.py", 1, "100644", SHA], ["a.py", 2, "100644", SHA]]),
        "T57 not composed": predicate(files=[["e\u0301.py", 1, "100644", SHA]]),
        "a negative size": predicate(files=[["a.py", -1, "100644", SHA]]),
        "a link": predicate(files=[["a.py", 1, "120000", SHA]]),
        "not UTF-8": b"\xff" + text,
        "nothing": b"",
        "a list": b"[]",
    }  # fmt: skip


@pytest.mark.parametrize("how", broken())
def test_T50_T51_T57_statements_with_two_readings_are_not_read(how: str, sealed: Any, record_of: Any) -> None:
    payload = broken()[how]
    with pytest.raises(Malformed):
        read_statement(payload)
    if payload:
        assert states(check(sealed("ed25519", payload=payload), record_of("ed25519"))) == ["error"]


def test_T50_a_payload_of_100_MB_is_not_read() -> None:
    data = b'{"payload":"' + b"A" * 100_000_000 + b'"}'
    with pytest.raises(Malformed, match="larger than"):
        read_envelope(data)


NOT_PLAIN = ["", "/a", "a//b", "a/", "../a", "a/../b", "./a", "C:a", "C:/a", "a\\b", "a\nb", "a\tb", "a\rb", "a\0b"]
NOT_PLAIN += ["a.", "a /b", "con", "a/NUL.txt", "com1.py", "e\u0301", "a\u202eb", "a\u2028b", "\udcff.py", "x" * 1025]


@pytest.mark.parametrize("path", NOT_PLAIN)
def test_T56_paths_that_mean_other_files_elsewhere_are_not_plain(path: str) -> None:
    assert not is_plain(path)


@pytest.mark.parametrize("path", ["a", "a/b.py", ".hidden", "a..b", "é.py", "日本/x", "console.py", "x" * 1024])
def test_other_paths_are(path: str) -> None:
    assert is_plain(path)


@given(st.binary(max_size=200))
def test_no_bytes_make_an_envelope_raise(data: bytes) -> None:
    vouched = check_envelope(data, project="a", version="1", trust=ProjectTrust(), at=AT)
    assert [finding.state for finding in vouched.findings] == ["error"]


KEYS = st.sampled_from(["payload", "payloadType", "signatures", "sig", "keyid"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(LEAVES, lambda each: st.lists(each, max_size=3) | st.dictionaries(KEYS, each))


@given(VALUES)
def test_no_json_makes_an_envelope_raise(value: Any) -> None:
    assert check_envelope(json.dumps(value).encode(), project="a", version="1", trust=ProjectTrust(), at=AT).findings


def test_every_changed_byte_of_an_envelope_takes_the_trust_away(sealed: Any, record_of: Any) -> None:
    data = bytearray(sealed("ed25519", keyid=""))
    good = json.loads(bytes(data))
    for at in range(0, len(data), 7):
        changed = bytes(data[:at]) + bytes([data[at] ^ 1]) + bytes(data[at + 1 :])
        vouched = check(changed, record_of("ed25519"))
        same = b""
        try:
            same = base64.b64decode(json.loads(changed)["payload"])
        except (ValueError, KeyError, TypeError):
            pass
        assert vouched.findings or same == base64.b64decode(good["payload"])
