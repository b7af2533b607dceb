"""Groups and who belongs to them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Group(models.Model):
    """People who hold roles together. A group within another is a team; members of a team are members of its parent."""

    slug = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="teams")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.slug


class GroupMember(models.Model):
    """A person in a group; without `joined_at` one who was asked and has not said yes."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    is_manager = models.BooleanField(default=False)
    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=150)
    joined_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["group", "user"], name="accounts_member_once")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.group_id}"
