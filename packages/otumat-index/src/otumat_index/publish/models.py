"""The catalogue: who owns which project, what its releases say, which files they have."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Project(models.Model):
    """A name that somebody owns."""

    class Status(models.TextChoices):
        """PEP 792."""

        ACTIVE = "active"
        ARCHIVED = "archived"
        QUARANTINED = "quarantined"
        DEPRECATED = "deprecated"

    normalized = models.CharField(max_length=255, unique=True, db_comment="PEP 503")
    name = models.CharField(max_length=255, db_comment="as its owner writes it")
    confusable = models.CharField(max_length=255, db_index=True, db_comment="same for names that look alike")
    is_private = models.BooleanField(default=False)
    requires_second_factor = models.BooleanField(
        default=False, db_default=False, db_comment="managing and publishing take an account with one"
    )
    signatures = models.CharField(
        max_length=8, blank=True, default="", db_default="", db_comment="off, mark, refuse; empty: as the index has it"
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField(db_index=True)
    latest = models.ForeignKey("Release", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    def __str__(self) -> str:
        return self.name


class Role(models.Model):
    """What a person, or every member of a group, may do with a project."""

    class Kind(models.TextChoices):
        """The draft's roles; `reader` is for private projects. Admin belongs to the index, not to a project."""

        OWNER = "owner"
        MAINTAINER = "maintainer"
        READER = "reader"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="roles")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="roles"
    )
    group = models.ForeignKey("accounts.Group", null=True, blank=True, on_delete=models.CASCADE, related_name="roles")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    granted_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "user"], name="publish_role_once"),
            models.UniqueConstraint(fields=["project", "group"], name="publish_group_role_once"),
            models.CheckConstraint(
                name="publish_role_of_user_or_group",
                condition=models.Q(user__isnull=False, group__isnull=True)
                | models.Q(user__isnull=True, group__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder} {self.kind} of {self.project_id}"

    @property
    def holder(self) -> str:
        """The login name, or `group:SLUG`."""
        return self.user.username if self.user else f"group:{self.group.slug}" if self.group else ""


class Invitation(models.Model):
    """
    A role offered to a person, by login or by address, until it is accepted, declined, withdrawn or over.

    Whoever accepts one for an address has confirmed that address. `sha256` is that of the secret in the mailed link.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="invitations"
    )
    email = models.EmailField(blank=True, default="", db_index=True, db_comment="lower case")
    kind = models.CharField(max_length=16, choices=Role.Kind.choices)
    is_transfer = models.BooleanField(default=False, db_comment="accepting it clears every other role")
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64, blank=True, default="", db_index=True)
    salt = models.CharField(max_length=32, blank=True, default="")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "user"], name="publish_invitation_once"),
            models.UniqueConstraint(
                fields=["project", "email"], condition=~models.Q(email=""), name="publish_invitation_address_once"
            ),
            models.CheckConstraint(
                name="publish_invitation_of_user_or_address",
                condition=models.Q(user__isnull=False, email="") | (models.Q(user__isnull=True) & ~models.Q(email="")),
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk} to {self.project_id}"


class Release(models.Model):
    """
    One (project, version) and all its core metadata up to 2.6, kept as submitted.

    Columns of metadata are named as in `otumat.spec.metadata`; fields used more than once are JSON lists.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="releases")
    version = models.CharField(max_length=200)
    canonical = models.CharField(max_length=200, db_comment="the uniqueness key: 1.0 and 1.0.0 are one release")
    sort_key = models.CharField(max_length=400, db_comment="compares bytewise in version order")
    is_prerelease = models.BooleanField(default=False)
    is_yanked = models.BooleanField(default=False)
    yank_reason = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    metadata_version = models.CharField(max_length=8, blank=True, default="")
    summary = models.CharField(max_length=1000, blank=True, default="")
    description_content_type = models.CharField(max_length=200, blank=True, default="")
    keywords = models.JSONField(default=list, blank=True)
    home_page = models.TextField(blank=True, default="")
    download_url = models.TextField(blank=True, default="")
    author = models.TextField(blank=True, default="")
    author_email = models.TextField(blank=True, default="")
    maintainer = models.TextField(blank=True, default="")
    maintainer_email = models.TextField(blank=True, default="")
    license = models.TextField(blank=True, default="")
    license_expression = models.TextField(blank=True, default="")
    license_files = models.JSONField(default=list, blank=True)
    classifiers = models.JSONField(default=list, blank=True)
    platforms = models.JSONField(default=list, blank=True)
    supported_platforms = models.JSONField(default=list, blank=True)
    requires_python = models.TextField(blank=True, default="")
    requires_dist = models.JSONField(default=list, blank=True)
    requires_external = models.JSONField(default=list, blank=True)
    provides_extra = models.JSONField(default=list, blank=True)
    provides_dist = models.JSONField(default=list, blank=True)
    obsoletes_dist = models.JSONField(default=list, blank=True)
    requires = models.JSONField(default=list, blank=True)
    provides = models.JSONField(default=list, blank=True)
    obsoletes = models.JSONField(default=list, blank=True)
    project_urls = models.JSONField(default=list, blank=True, db_comment="[label, url] pairs in order")
    dynamic = models.JSONField(default=list, blank=True)
    import_names = models.JSONField(default=list, blank=True)
    import_namespaces = models.JSONField(default=list, blank=True)
    description = models.TextField(blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "canonical"], name="publish_release_once")]
        indexes: ClassVar = [
            models.Index(fields=["project", "-sort_key"]),
            models.Index(fields=["project", "is_yanked", "is_prerelease", "-sort_key"]),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.version}"


class Classifier(models.Model):
    """A Trove classifier some release uses, or an admin added."""

    text = models.CharField(max_length=300, unique=True)
    is_own = models.BooleanField(default=False, db_default=False, db_comment="an admin added it to the list")

    def __str__(self) -> str:
        return self.text


class ReleaseClassifier(models.Model):
    """Which releases carry a classifier."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="classifier_links")
    classifier = models.ForeignKey(Classifier, on_delete=models.CASCADE, related_name="release_links")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["classifier", "release"], name="publish_classifier_once")
        ]


class File(models.Model):
    """One published distribution. Its bytes never change and its name is never used again."""

    class Kind(models.TextChoices):
        """PEP 527: the two forms accepted."""

        WHEEL = "wheel"
        SDIST = "sdist"

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="files")
    filename = models.CharField(max_length=300, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    python_tag = models.CharField(max_length=100, blank=True, default="")
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    blake2_256 = models.CharField(max_length=64)
    md5 = models.CharField(max_length=32)
    key = models.CharField(max_length=400, unique=True, db_comment="where the file store keeps it")
    metadata_sha256 = models.CharField(
        max_length=64, blank=True, default="", db_comment="empty: no .metadata is served"
    )
    metadata = models.BinaryField(default=bytes, db_comment="METADATA or PKG-INFO as in the file (PEP 658)")
    requires_python = models.TextField(blank=True, default="", db_comment="from the file itself")
    is_yanked = models.BooleanField(default=False)
    yank_reason = models.CharField(max_length=500, blank=True, default="")
    has_provenance = models.BooleanField(default=False, db_default=False, db_comment="PEP 740: something attests it")
    uploaded_at = models.DateTimeField()
    uploaded_by = models.CharField(max_length=150)

    class Meta:
        ordering: ClassVar = ["filename"]

    def __str__(self) -> str:
        return self.filename


class UsedName(models.Model):
    """Every filename ever published, in the one spelling of `rules.slot`, so that none comes back with other bytes."""

    filename = models.CharField(max_length=300, primary_key=True)


class TrustedPublisher(models.Model):
    """
    A workflow that may publish one project without a password: whoever its issuer names in an identity token.

    Until there is a project of the name it is pending: its first upload makes the project, for the person who added it.
    """

    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="publishers")
    pending_name = models.CharField(max_length=255, blank=True, default="", db_index=True, db_comment="normalised")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="publishers")
    issuer = models.CharField(max_length=300)
    kind = models.CharField(max_length=16, db_comment="which rules read its claims: github, gitlab, google, other")
    key = models.CharField(max_length=64, db_comment="SHA-256 of the claim that a token is looked up by")
    claims = models.JSONField(db_comment="what a token must say")
    pinned = models.JSONField(default=dict, blank=True, db_comment="ids that the first token said, and all must say")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True, db_comment="of pending ones")
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [models.Index(fields=["issuer", "key"])]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="publish_publisher_of_project_or_pending",
                condition=models.Q(project__isnull=False, pending_name="", expires_at__isnull=True)
                | (models.Q(project__isnull=True, expires_at__isnull=False) & ~models.Q(pending_name="")),
            )
        ]

    def __str__(self) -> str:
        return f"publisher {self.pk} of {self.project_id or self.pending_name}"


from otumat_index.publish.hooks.models import Webhook, WebhookDelivery  # noqa: E402, F401 - two more tables of this app
