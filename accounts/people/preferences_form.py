"""The form of one's preferences, for those who read images and those who do not."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.preferences import Preferences


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    class Meta:
        model = Preferences
        fields = ["theme", "language", "auto_advance", "single_keys"]


class ColoursForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """For those who read no images: their pages are in English and have no rating keys."""

    class Meta:
        model = Preferences
        fields = ["theme"]


def preferences_form(person: Any, content: Any = None) -> PreferencesForm | ColoursForm:
    kind = PreferencesForm if person.has_perm("rating.rate") else ColoursForm
    return kind(content, instance=Preferences.of(person))
