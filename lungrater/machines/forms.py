"""What names the machine that is to read a study, on the page and by program."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from lungrater.machines.available_models import folders
from lungrater.machines.models import MachineReading
from rating.models import Study


class MachineForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """One machine: a folder that is there, or the name of a vision model."""

    folder = forms.ChoiceField(
        required=False,
        label="A model of this home",
        help_text="Classifiers with a class “fake”, and folders of models/machines/ with a model.pt (TorchScript).",
    )
    unsure = forms.FloatField(
        min_value=0,
        max_value=0.5,
        initial=0.0,
        label="Unsure within",
        help_text="A model of this home says “unsure” where its probability is this near to a half.",
    )

    class Meta:
        model = MachineReading
        fields = ["folder", "model", "unsure"]
        labels = {"model": "or a vision model by name"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["folder"].choices = [("", "none"), *((name, name) for name in folders())]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields[
            "model"
        ].help_text = (
            f"Asked at {settings.OPENAI_BASE_URL}, which sees every blinded image and may cost money."
        )

    def clean(self) -> None:
        super().clean()
        if not self.instance.study.is_open:
            raise ValidationError(not_open(self.instance.study))
        data = self.cleaned_data
        same = {field: data.get(field) for field in self.Meta.fields}
        if self.instance.study.machine_readings.active().filter(**same).exists():
            raise ValidationError("This machine is reading the study already.")

    def submit(self, *, by: Any) -> MachineReading:
        reading: MachineReading = self.instance
        reading.requested_by = by
        reading.submit()
        return reading


def not_open(study: Study) -> str:
    return f"“{study}” is {study.state}: machines rate while a study is open, as people do."
