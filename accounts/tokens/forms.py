"""What a person says of a new token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django import forms

from accounts.tokens.models import PersonalToken, Scope

LIVES = {7: "a week", 30: "30 days", 90: "90 days", 365: "a year"}
MOST_TOKENS = 50


class TokenForm(forms.Form):
    """Name, scopes and days of a token for one person."""

    name = forms.CharField(max_length=100, help_text="What uses it: “notebook”, “nightly import”.")
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, widget=forms.CheckboxSelectMultiple, initial=[Scope.READ], label="It may"
    )
    days = forms.TypedChoiceField(
        coerce=int, choices=list(LIVES.items()), initial=30, label="It is valid for"
    )

    def __init__(self, *args: Any, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        if not person.has_perm("accounts.view_user"):
            scopes = cast("forms.MultipleChoiceField", self.fields["scopes"])
            scopes.choices = [choice for choice in Scope.choices if choice[0] != Scope.PEOPLE]

    def clean(self) -> None:
        super().clean()
        if PersonalToken.objects.valid().listed_for(self.person).count() >= MOST_TOKENS:
            raise forms.ValidationError(f"You have {MOST_TOKENS} valid tokens; revoke one first.")

    def save(self, *, proof: str) -> tuple[PersonalToken, str]:
        """The token and its secret."""
        chosen = self.cleaned_data
        return PersonalToken.issue(
            self.person,
            name=chosen["name"],
            scopes=chosen["scopes"],
            lives=timedelta(days=chosen["days"]),
            proof=proof,
        )
