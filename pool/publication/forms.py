"""In which form a dataset is released, on the page, in the command and by programs."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from pool.models import Dataset
from pool.publication.models import DatasetRelease
from pool.publication.rules import holds_stacks, reasons_not_to_release


class ReleaseForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    class Meta:
        model = DatasetRelease
        fields = ["image_format"]
        help_texts: ClassVar = {"image_format": "Stacks go out as DICOM, a file a stack."}

    def __init__(self, *args: Any, dataset: Dataset | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dataset = dataset
        if dataset is not None and holds_stacks(dataset):
            self.initial.setdefault("image_format", DatasetRelease.Format.DICOM)

    def clean(self) -> None:
        super().clean()
        if self.dataset is not None and (
            reasons := reasons_not_to_release(self.dataset, self.cleaned_data.get("image_format", ""))
        ):
            raise forms.ValidationError(reasons)

    def submit(self, *, by: Any) -> DatasetRelease:
        """Queue the release of the dataset."""
        job: DatasetRelease = self.save(commit=False)
        assert self.dataset is not None  # noqa: S101  (a form is filled for a dataset)
        job.dataset, job.requested_by = self.dataset, by
        job.submit()
        return job
