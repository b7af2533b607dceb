"""Users, their API tokens, and one-time links."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower

from otumat_index.accounts import derived


class User(AbstractUser):
    """A person with a login name. `is_superuser` is the admin role of the index."""

    username = models.CharField(
        max_length=64,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z",
                "Use letters, digits, '.', '_' and '-', and begin with a letter or digit.",
            )
        ],
        error_messages={"unique": "That login is taken."},
    )
    email = models.EmailField(unique=False)
    closed_at = models.DateTimeField(
        null=True, blank=True, db_comment="its person left; the row keeps the login from being taken again"
    )

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("username"), name="accounts_user_username_ci")]


class Token(models.Model):
    """
    An API token: shown once, kept as its SHA-256. Random and long, so no slow hash is needed.

    It is a person's, or was minted for trusted publishers (docs/decisions/0007): then it has no person, and what it
    may do is asked of the publishers at every use.
    """

    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=16, db_comment="its first characters, to tell tokens apart")
    actions = models.JSONField(
        null=True, blank=True, db_comment="list of submit, upload, yank, read, manage; null: all"
    )
    projects = models.JSONField(
        null=True, blank=True, db_comment="list of normalised project names; null: all of the user's"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    publishers = models.JSONField(null=True, blank=True, db_comment="list of trusted publishers; null: a person's")
    minted_for = models.TextField(blank=True, default="", db_comment="whom the issuer named")
    with_factor = models.BooleanField(
        default=False, db_default=False, db_comment="made while the account had a second factor"
    )

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="accounts_token_of_person_or_publishers",
                condition=models.Q(user__isnull=False, publishers__isnull=True)
                | models.Q(user__isnull=True, publishers__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.hint}… of {self.user_id or self.minted_for}"


class UsedAssertion(models.Model):
    """An issuer's identity token that was exchanged: it never is again, as long as anybody would believe it."""

    issuer = models.CharField(max_length=300)
    jti = models.CharField(max_length=64, db_comment="SHA-256 of its jti, or of what was signed where it has none")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["issuer", "jti"], name="accounts_assertion_once")]


class OneTimeLink(models.Model):
    """A link that works once: only its SHA-256 is kept."""

    purpose = models.CharField(max_length=32)
    sha256 = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)


class InstallSecret(models.Model):
    """
    32 random bytes, from which everything follows that would tell an install (`derived.py`).

    Rows are appended, and overwritten in place when their install is erased; never removed, never of another length:
    so a database file has each secret in one place only (docs/decisions/0016-erasure.md).
    """

    secret = models.BinaryField(max_length=derived.SECRET_BYTES)


class TokenFamily(models.Model):
    """Every token that descends from one enrolment of an install (`accounts.oauth`). It ends as one."""

    secret = models.OneToOneField(InstallSecret, on_delete=models.PROTECT, related_name="family")
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    legacy_digest = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        db_comment="of the client secret of a copy of Otumat 0.3, whose tokens only tell uses",
    )
    proof_digest = models.CharField(
        max_length=64, blank=True, default="", db_default="", db_comment="of what proves it for as long as it is there"
    )

    @property
    def install(self) -> str:
        """The id by which the copy knows itself; nothing keeps it."""
        return derived.install_name(bytes(self.secret.secret))

    def digest(self, text: str) -> str:
        """What is kept of a token of this family."""
        return derived.token_digest(bytes(self.secret.secret), text)


class FamilyToken(models.Model):
    """An access or refresh token, kept as a digest with its family's secret."""

    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    is_refresh = models.BooleanField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True, db_comment="of a refresh token: its first use")


from otumat_index.accounts.groups.models import Group as Group  # noqa: E402 - tables of this app
from otumat_index.accounts.groups.models import GroupMember as GroupMember  # noqa: E402
from otumat_index.accounts.notices.models import MailPreference, UsageMail  # noqa: E402, F401 - tables of this app
