"""Small forms that several rooms ask people with."""

from __future__ import annotations

from typing import Any

from django import forms


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class ConfirmForm(forms.Form):
    """The name of what is about to be changed for good, typed by hand."""

    confirm = forms.CharField(max_length=200, strip=True)

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        self.fields["confirm"].label = f"Type “{name}”"

    def clean_confirm(self) -> str:
        typed = str(self.cleaned_data["confirm"])
        if typed.casefold() != self.name.casefold():
            raise forms.ValidationError(f"That is not the name; type “{self.name}”.")
        return typed
