"""Forms of the account pages. They read; the actions decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms

from otumat.errors import Problem
from otumat_index.accounts.rules import ACTIONS

EVERYTHING, SOME = "everything", "some"
DESCRIBED = {
    "submit": "submit information about releases",
    "upload": "upload files",
    "yank": "yank releases and files",
    "read": "see private projects",
    "manage": "manage projects and their roles",
}
LIFETIMES = [("", "no end"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year")]


class TokenForm(forms.Form):
    """What a new token is for and how far it reaches. `projects` are names, offered by whoever makes the form."""

    name = forms.CharField(max_length=100, help_text="To tell it from your others, such as “laptop” or “release job”.")
    reach = forms.ChoiceField(
        label="It may do",
        choices=[(EVERYTHING, "everything you may"), (SOME, "only what is ticked here")],
        widget=forms.RadioSelect,
        initial=EVERYTHING,
    )
    actions = forms.MultipleChoiceField(
        label="Actions",
        choices=[(action, DESCRIBED[action]) for action in ACTIONS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    projects = forms.MultipleChoiceField(
        label="Only for these projects",
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="None ticked: all of yours, and names you register first.",
    )
    lifetime_days = forms.ChoiceField(label="It ends after", choices=LIFETIMES, required=False, initial="90")

    def __init__(self, *args: Any, projects: Sequence[tuple[str, str]], **words: Any) -> None:
        super().__init__(*args, **words)
        self.fields["projects"].choices = projects  # type: ignore[attr-defined]
        if not projects:
            del self.fields["projects"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("reach") == SOME and not values.get("actions"):
            self.add_error("actions", "Tick at least one action; a token without any can do nothing.")
        return values

    def limits(self, *, at: datetime) -> dict[str, Any]:
        """The words of `actions.create_token`."""
        values = self.cleaned_data
        days = values["lifetime_days"]
        return {
            "name": values["name"],
            "actions": values["actions"] if values["reach"] == SOME else None,
            "projects": values.get("projects") or None,
            "expires_at": at + timedelta(days=int(days)) if days else None,
        }


class FirstAdminForm(forms.Form):
    """The account of the first admin."""

    name = forms.CharField(label="Login name", max_length=64, widget=forms.TextInput({"autocomplete": "username"}))
    email = forms.EmailField(label="Mail address", widget=forms.EmailInput({"autocomplete": "email"}))
    password = forms.CharField(
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        max_length=1000,
        strip=False,
        help_text="At least 10 characters.",
    )
    again = forms.CharField(
        label="Password again",
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        max_length=1000,
        strip=False,
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("password") != values.get("again"):
            self.add_error("again", "The two passwords are not the same.")
        return values


def tell(form: forms.Form, problems: Sequence[Problem]) -> None:
    """Put each problem beside its field, or above the form where it has none."""
    names = {"username": "name"}
    for problem in problems:
        field = names.get(problem.field, problem.field)
        form.add_error(field if field in form.fields else None, f"{problem.message} {problem.hint}".strip())
