"""What a person says at the release desk, on the page and in the command."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import forms
from django.db import transaction

from pool.models import Dataset, HeldFile
from pool.release.desk import AlreadyDecidedError, discard, release
from pool.release.masks import BadMaskError, Rectangle, rectangles_of
from pool.release.models import MOST_REASON

RELEASE, MASK, DISCARD = "release", "mask", "discard"


class DecisionForm(forms.Form):
    """What becomes of a held file, and why."""

    mask = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
        help_text="One rectangle a line: left, top, width, height in pixels. Drag over the image to add one.",
    )
    reason = forms.CharField(
        max_length=MOST_REASON, label="Why", help_text="It stands in the log; write no name here."
    )
    decision = forms.ChoiceField(
        choices=[(RELEASE, "Release as it is"), (MASK, "Mask and release"), (DISCARD, "Discard")],
        error_messages={"required": "Release it, mask and release it, or discard it."},
    )

    def __init__(self, *args: Any, held_file: HeldFile, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.held_file = held_file

    def clean_mask(self) -> list[Rectangle]:
        try:
            size = {"width": self.held_file.width, "height": self.held_file.height}
            return rectangles_of(str(self.cleaned_data["mask"]), **size)
        except BadMaskError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        if data.get("decision") == MASK and "mask" in data and not data["mask"]:
            self.add_error("mask", "Name at least one rectangle, or release the image as it is.")
        if data.get("decision") == RELEASE and data.get("mask"):
            self.add_error("mask", "There are rectangles: mask and release it, or take them out.")

    def decide(self, *, by: Any) -> str:
        """Do as decided; what was done, in a sentence. Raises what the desk raises."""
        data = self.cleaned_data
        name = self.held_file.source_name
        if data["decision"] == DISCARD:
            discard(self.held_file, by=by, reason=data["reason"])
            return f"“{name}” has been discarded."
        release(self.held_file, by=by, reason=data["reason"], mask=data["mask"])
        how = " under a mask" if data["mask"] else ""
        return f"“{name}” has been released{how} into {self.held_file.dataset}."


class DeskFilterForm(forms.Form):
    """Which held files are listed; a value that is not on offer is left out."""

    dataset = forms.ModelChoiceField(Dataset.objects.none(), required=False, empty_label="any")
    state = forms.ChoiceField(choices=HeldFile.State.choices, required=False, initial=HeldFile.State.WAITING)

    def __init__(self, *args: Any, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        datasets = Dataset.objects.editable_by(person)
        self.fields["dataset"].queryset = datasets.filter(held_files__isnull=False).distinct()  # type: ignore[attr-defined]  # a ModelChoiceField

    def chosen(self) -> dict[str, object]:
        self.is_valid()
        data = {name: value for name, value in self.cleaned_data.items() if value}
        return {"state": HeldFile.State.WAITING, **data}


class Discards(NamedTuple):
    """What became of several files that were to be discarded."""

    discarded: list[HeldFile]
    decided_before: list[HeldFile]


class DiscardSeveralForm(forms.Form):
    """Several at once can be discarded only: each release wants a look at the image itself."""

    held_files = forms.ModelMultipleChoiceField(
        HeldFile.objects.none(), error_messages={"required": "Choose the files to discard."}
    )
    reason = forms.CharField(max_length=MOST_REASON, label="Why")

    def __init__(self, *args: Any, person: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Those that somebody has decided of since the page was made too: they are named, and keep back no other.
        editable = HeldFile.objects.editable_by(person)
        self.fields["held_files"].queryset = editable  # type: ignore[attr-defined]  # a ModelMultipleChoiceField

    @transaction.atomic
    def discard_all(self, *, by: Any) -> Discards:
        """Discard each that still waits; those that somebody has decided of stay as they are."""
        discards = Discards([], [])
        for held_file in self.cleaned_data["held_files"]:
            try:
                discard(held_file, by=by, reason=self.cleaned_data["reason"])
            except AlreadyDecidedError:
                discards.decided_before.append(held_file)
            else:
                discards.discarded.append(held_file)
        return discards
