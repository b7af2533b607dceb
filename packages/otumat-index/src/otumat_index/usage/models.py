"""Who may tell what: which projects collect, what they declared, and the installs that said yes."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from otumat_index.accounts import derived


class Collection(models.Model):
    """That a project collects uses, or did."""

    project = models.OneToOneField("publish.Project", on_delete=models.CASCADE, related_name="usage")
    is_on = models.BooleanField()
    looked_until = models.BigIntegerField(default=0, db_comment="the newest file that was looked into for a manifest")
    passed_over = models.JSONField(default=list, db_comment="older wheels that were yanked then; the newest of them")
    changed_at = models.DateTimeField()


class Manifest(models.Model):
    """What a release, or an owner, declared: `otumat.spec.manifest.to_table`, by its digest."""

    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="usage_manifests")
    digest = models.CharField(max_length=71)
    table = models.JSONField()
    declared_at = models.DateTimeField(db_comment="last: by an owner, or when a wheel with it was uploaded")

    class Meta:
        ordering: ClassVar = ["declared_at", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "digest"], name="usage_manifest_once")]


class BareName(models.Model):
    """A name that copies told of a project without a manifest, and that is counted."""

    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="usage_bare_name_once")]


class Install(models.Model):
    """One consented copy. Its `name` is told to nobody but the copy and kept nowhere; the store knows its key."""

    family = models.OneToOneField("accounts.TokenFamily", on_delete=models.PROTECT, related_name="told_by")
    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="installs")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="installs"
    )
    release = models.CharField(max_length=64, blank=True)
    manifest = models.CharField(max_length=71, blank=True, db_comment="digest of what was consented to")
    wording = models.IntegerField(default=1)
    consented_on = models.DateField(db_comment="UTC day; earlier uses are refused")
    created_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    key_sha256 = models.CharField(max_length=64, null=True, unique=True, db_comment="of the request that made it")

    @property
    def name(self) -> str:
        """The id by which the copy knows itself."""
        return self.family.install

    @property
    def body_key(self) -> bytes:
        """What the bodies of its batches are sealed with."""
        return derived.body_key(bytes(self.family.secret.secret))


class ImageCopy(models.Model):
    """
    A copy of an image that an install is in (docs/decisions/0019-copies-of-images.md), while it goes on telling.

    Kept to count it once; it goes with its install, the count stays.
    """

    install = models.ForeignKey(Install, on_delete=models.CASCADE, related_name="copies")
    mark = models.CharField(max_length=32, db_comment="of what it calls itself, under the secret of the install")
    first_on = models.DateField(db_comment="UTC day on which it first told")
    last_on = models.DateField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["install", "mark"], name="usage_image_copy_once")]
        indexes: ClassVar = [models.Index(fields=["install", "first_on"], name="usage_image_copy_first")]


class CopiesOnDay(models.Model):
    """How many copies of images told for the first time on a day."""

    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    copies = models.IntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "day"], name="usage_copies_on_day_once")]


class LegacyCopy(models.Model):
    """What a copy of Otumat 0.3 says of its machine when it enrols, for it says nothing of it later."""

    install = models.OneToOneField(Install, on_delete=models.CASCADE, related_name="legacy")
    python = models.CharField(max_length=64, blank=True)
    system = models.CharField(max_length=64, blank=True)
    sequence = models.IntegerField(default=0, db_comment="batches made of its posts so far")


class LegacyPost(models.Model):
    """
    One request with uses of a copy of Otumat 0.3, kept until the same uses cannot come again.

    `waiting` is written with it, in one transaction: whatever crashes, the store gets those batches, once.
    """

    copy = models.ForeignKey(LegacyCopy, on_delete=models.CASCADE, related_name="posts")
    received_at = models.DateTimeField()
    marks = models.BinaryField(db_comment="8 bytes a use: digests under a key of the install")
    waiting = models.BinaryField(
        null=True, db_comment="batches not in the store yet, sealed (`sealing.py`); null: none"
    )


class Erasure(models.Model):
    """That everything of an install is to go from the store: written with its row's end, done by a task if need be."""

    install = models.BigIntegerField(unique=True)
    asked_at = models.DateTimeField()
    is_done = models.BooleanField(default=False)
    batches = models.IntegerField(default=0, db_default=0)
    claim = models.CharField(
        max_length=64, null=True, unique=True, db_comment="digest of the request's key and the install"
    )
    sealed = models.BinaryField(default=b"", db_comment="what it says, under a key that only that one has")
    scrubbed = models.BooleanField(default=False, db_default=False, db_comment="no dead copy of it is left in a table")
    is_out_of_log = models.BooleanField(default=False, db_default=False, db_comment="nor in the database's log")


class ReceiptKey(models.Model):
    """A public key that receipts of this index were signed with."""

    public = models.CharField(max_length=44, unique=True)
    since = models.DateTimeField()


class Enrolment(models.Model):
    """
    A question put to a person: by a link with a place to return to (`redirect_uri`), or a code to type (`user_code`).

    `sha256` is that of what the copy shows for the tokens: the authorization code, or the device code.
    """

    class State(models.TextChoices):
        """A link is made `allowed`; a device's waits for its answer first."""

        WAITING = "waiting"
        ALLOWED = "allowed"
        DENIED = "denied"
        TAKEN = "taken"

    sha256 = models.CharField(max_length=64, unique=True)
    user_code = models.CharField(max_length=8, null=True, unique=True)
    project = models.ForeignKey("publish.Project", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    release = models.CharField(max_length=64, blank=True)
    manifest = models.CharField(max_length=71, blank=True)
    wording = models.IntegerField(default=1)
    redirect_uri = models.CharField(max_length=64, blank=True)
    challenge = models.CharField(max_length=43, blank=True, db_comment="PKCE, S256")
    state = models.CharField(max_length=8, choices=State.choices)
    family = models.BigIntegerField(null=True, db_comment="of the install it became; a second use ends that")
    survey = models.ForeignKey("usage.Survey", null=True, on_delete=models.SET_NULL, related_name="+")
    answers = models.JSONField(default=dict, db_comment="choices by question, until the install is made")
    expires_at = models.DateTimeField(db_index=True)
    polled_at = models.DateTimeField(null=True, blank=True)
    interval_s = models.IntegerField(default=5)


class Visit(models.Model):
    """
    Somebody who looks at an install's page without an account (`mine/visits.py`).

    `sha256` is that of the link's secret; once it is opened, that of the session's cookie.
    """

    install = models.ForeignKey(Install, on_delete=models.CASCADE, related_name="visits")
    sha256 = models.CharField(max_length=64, unique=True)
    is_open = models.BooleanField(default=False)
    expires_at = models.DateTimeField()


from otumat_index.usage.published.models import Publication, PublishedWeek  # noqa: E402, F401 - tables of this app
from otumat_index.usage.surveys.models import Survey, SurveyAnswer, SurveyCount  # noqa: E402, F401 - tables of this app
from otumat_index.usage.telling.models import Alert, Told  # noqa: E402, F401 - tables of this app
