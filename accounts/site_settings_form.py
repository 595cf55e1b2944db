"""The form behind the page of the site's settings; each field that changes is an event with its old and new value."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db import transaction
from django.utils import timezone

from accounts.roles import Role
from accounts.site_settings import SiteSettings
from audit import record

SECTIONS = {
    "Name and contact": ("name", "contact", "privacy_text"),
    "Signing in": ("second_factor_roles", "grace_days", "provisions_people"),
    "Keeping data": ("retention_months",),
}


class SiteSettingsForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    second_factor_roles = forms.MultipleChoiceField(
        label="Second factor required of",
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="An authenticator app or a passkey, beside password, link or mailed code; both work without mail.",
    )

    class Meta:
        model = SiteSettings
        fields = [name for names in SECTIONS.values() for name in names]
        help_texts: ClassVar[dict[str, str]] = {
            "retention_months": "So long after they last did anything, raters whose studies are all unblinded or left, and "
            "deactivated people, are erased; what they rated stays. Empty: for ever."
        }
        widgets: ClassVar[dict[str, forms.Widget]] = {"privacy_text": forms.Textarea(attrs={"rows": 8})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before = {name: getattr(self.instance, name) for name in self.fields}

    def sections(self) -> list[tuple[str, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in SECTIONS.items()]

    def clean_second_factor_roles(self) -> list[str]:
        return sorted(self.cleaned_data["second_factor_roles"])

    def changes(self) -> dict[str, tuple[Any, Any]]:
        """By field the value before and after, of what differs."""
        pairs = {name: (self.before[name], self.cleaned_data[name]) for name in self.fields}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    @transaction.atomic
    def save_by(self, person: Any) -> None:
        """Store, and record each change as this person's."""
        changes = self.changes()
        old_roles, new_roles = changes.get("second_factor_roles", ([], []))
        if set(new_roles) - set(old_roles):
            self.instance.second_factor_since = timezone.now()
        self.instance.save()
        for name, (old, new) in changes.items():
            # As a text, which can be redacted: a contact is a person's name.
            record(
                None,
                person,
                "changed a setting",
                reason=f"{name}: {_in_words(old)} → {_in_words(new)}",
                setting=name,
            )


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(value)
    return "(empty)" if value in (None, "") else str(value)
