"""Another window for a dataset, on the page and in the command."""

from __future__ import annotations

from typing import Any

from django import forms

from jobs.disk_space import shortage
from pool.canonical.texts import line
from pool.imports.forms import check_window
from pool.models import Dataset, ImportJob
from pool.rendering.rewindowing import submit_rewindowing


class WindowForm(forms.Form):
    """Under which window a dataset's kept values are shown, and what the new dataset is called."""

    window = forms.CharField(
        max_length=30,
        validators=[check_window],
        help_text="lung (-600/1500), mediastinum (40/400), bone (400/1800), range, file (its own), or CENTRE/WIDTH in the file's units.",
    )
    name = forms.CharField(max_length=100, label="Name of the new dataset")

    def __init__(self, *args: Any, dataset: Dataset, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dataset = dataset

    def clean_name(self) -> str:
        name = line(str(self.cleaned_data["name"]))
        if Dataset.objects.filter(name=name).exists():
            raise forms.ValidationError("There is a dataset of this name.")
        return name

    def clean(self) -> None:
        super().clean()
        if not self.dataset.images.shown_freely().with_values().exists():
            raise forms.ValidationError(
                f"No image of “{self.dataset}” has values to lay a window on: they are kept of DICOM files since 0.1."
            )
        if sentence := shortage():
            raise forms.ValidationError(f"Nothing can be stored now. {sentence} Ask who runs this site.")

    def submit(self, *, by: Any, enqueue: bool = True) -> ImportJob:
        data = self.cleaned_data
        return submit_rewindowing(self.dataset, data["name"], data["window"], by=by, enqueue=enqueue)
