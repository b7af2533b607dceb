"""Keys with their history, and what was found out about files by their digests."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Key(models.Model):
    """
    A public key that a scope stands behind. Rows are never deleted: what a key signed, and when it ended, stays known.

    From `revoked_at` on nothing that it signs counts; what was published before stays good.
    """

    scope = models.CharField(max_length=255, db_comment="whose: a project, by normalised name")
    key_id = models.CharField(max_length=64, db_comment="SHA-256 of the DER")
    kind = models.CharField(max_length=16, db_comment="rsa or ed25519")
    spki = models.BinaryField(db_comment="SubjectPublicKeyInfo, DER")
    role = models.CharField(max_length=16, db_comment="owner, maintainer or reviewer")
    note = models.CharField(max_length=200, blank=True, default="", db_comment="whose it is, for people")
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=150)
    revoked_at = models.DateTimeField(null=True, blank=True, db_comment="from then on it does not count")
    revoked_for = models.CharField(max_length=16, blank=True, default="", db_comment="superseded or compromised")
    revoked_by = models.CharField(max_length=150, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="", db_comment="in words, shown to everybody")
    successor = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "key_id"], name="trust_key_once")]

    def __str__(self) -> str:
        return f"key {self.key_id[:16]} of {self.scope}"


class Change(models.Model):
    """
    One change of a scope's keys, as its signed list tells it (`otumat.spec.key_list`). Rows are never altered.

    `Key` says what they come to; both are written in one transaction.
    """

    scope = models.CharField(max_length=255)
    number = models.PositiveIntegerField(db_comment="1 for the first of its scope")
    payload = models.BinaryField(db_comment="JSON, byte for byte as it is signed")
    signatures = models.JSONField(default=list, db_comment="of the scope's own keys: keyid, sig")
    digest = models.CharField(max_length=64, db_comment="SHA-256 of the payload")

    class Meta:
        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "number"], name="trust_change_once")]

    def __str__(self) -> str:
        return f"change {self.number} of the keys of {self.scope}"


class SignedFile(models.Model):
    """The verdict on a file that carries a signature: as it was when the file came, or a key that signed it."""

    scope = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, db_comment="of the file")
    state = models.CharField(max_length=20, db_comment="otumat.spec.vouching.verdict")
    scheme = models.CharField(
        max_length=8, default="dsse", db_default="dsse", db_comment="dsse, or legacy: a .sig alone"
    )
    envelope = models.CharField(
        max_length=64, blank=True, default="", db_default="", db_comment="SHA-256 of what a trusted envelope holds"
    )
    keys = models.JSONField(default=list, db_comment="of the signatures that held: key, kind, role, note")
    findings = models.JSONField(default=list, db_comment="the gravest first: state, code, message, path, hint")
    sequence = models.BigIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["scope", "sha256"], name="trust_signed_file_once")]

    def __str__(self) -> str:
        return f"{self.state}: {self.sha256[:16]} of {self.scope}"


class Member(models.Model):
    """A file inside a wheel that a trusted envelope lists: what somebody may find installed."""

    of = models.ForeignKey(SignedFile, on_delete=models.CASCADE, related_name="members")
    sha256 = models.CharField(max_length=64, db_index=True)
    path = models.CharField(max_length=1024)

    def __str__(self) -> str:
        return self.path


class Attestation(models.Model):
    """A PEP 740 attestation of one file, as it was uploaded, and the publisher whose certificate signed it."""

    scope = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, db_comment="of the file")
    predicate_type = models.CharField(max_length=200)
    publisher = models.JSONField(db_comment="the object of PEP 740: kind and claims")
    body = models.JSONField(db_comment="the attestation object")
    log = models.CharField(
        max_length=16, blank=True, default="", db_default="", db_comment="verified: its log entry was; else empty"
    )
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "sha256", "predicate_type"], name="trust_attestation_once")
        ]

    def __str__(self) -> str:
        return f"{self.predicate_type} of {self.sha256[:16]}"
