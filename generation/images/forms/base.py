"""What every engine wants to know of a new job."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction

from generation.diffusion.config import ImageClass
from generation.diffusion.sampling.seeds import MOST_SEED
from generation.images.engines.protocol import EngineSettings, ImageSpec
from generation.images.models import MOST_IMAGES, PREVIEW, GenerationJob
from generation.images.prompts import as_json
from pool.models import Dataset, Origin

ANY_SEED = 2**31
COUNT_IN_RANGE = f"A job makes from 1 to {MOST_IMAGES:,} images."


def random_seed() -> int:
    return secrets.randbelow(ANY_SEED)


class NewJobForm(forms.Form):
    """What every engine wants to know; the engines' own forms add the rest."""

    engine: ClassVar[GenerationJob.Engine]

    total = forms.IntegerField(
        label="Number of images",
        min_value=1,
        max_value=MOST_IMAGES,
        initial=20,
        error_messages={"min_value": COUNT_IN_RANGE, "max_value": COUNT_IN_RANGE},
    )
    dataset = forms.ModelChoiceField(
        Dataset.objects.all(),
        required=False,
        empty_label="a new dataset",
        label="Into",
        error_messages={
            "invalid_choice": "This dataset holds real images; generated ones need a dataset of their own."
        },
    )
    new_dataset = forms.CharField(max_length=100, required=False, label="Name of the new dataset")
    seed = forms.IntegerField(
        min_value=0,
        max_value=MOST_SEED,
        required=False,
        help_text="The same seed and settings make the same images; left empty, one is drawn.",
    )
    priority = forms.TypedChoiceField(
        coerce=int,
        required=False,
        choices=GenerationJob.Priority.choices,
        initial=GenerationJob.Priority.NORMAL,
        help_text="The more urgent goes first; among equals, people take turns.",
    )
    preview = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = self.fields["dataset"]
        if isinstance(choices, forms.ModelChoiceField):
            choices.queryset = self.datasets()

    def datasets(self) -> Any:
        return Dataset.objects.filter(origin=Origin.SYNTHETIC)

    def clean_new_dataset(self) -> str:
        name = str(self.cleaned_data["new_dataset"]).strip()
        if name and Dataset.objects.filter(name=name).exists():
            raise ValidationError("There is a dataset of this name; choose it above.")
        return name

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        if not data.get("dataset") and not data.get("new_dataset") and "new_dataset" not in self.errors:
            self.add_error("new_dataset", "Name the new dataset, or choose one that exists.")
        if not self.errors:
            self._check_job()

    def _check_job(self) -> None:
        job = self._job(self._dataset())
        try:
            job.full_clean(exclude=["dataset"])
            job.clean()
        except ValidationError as error:
            raise ValidationError(error.messages) from error

    def submit(self, by: Any, *, enqueue: bool = True) -> GenerationJob:
        """The queued job, its dataset made first where it is new; a worker is told, unless this process does it."""
        with transaction.atomic():
            dataset = self._dataset()
            if dataset.pk is None:
                dataset.created_by = by
                dataset.save()
                dataset.give_to_maker(by)
            job = self._job(dataset)
            job.requested_by = by
            if enqueue:
                job.submit()
            else:
                job.save()
        return job

    def _dataset(self) -> Dataset:
        chosen: Dataset | None = self.cleaned_data["dataset"]
        kind_of_image = self.kind()
        return chosen or Dataset(
            name=self.cleaned_data["new_dataset"], origin=self.origin(), modality=kind_of_image.modality
        )

    def _job(self, dataset: Dataset) -> GenerationJob:
        seed, total = self.cleaned_data["seed"], self.cleaned_data["total"]
        count = min(PREVIEW, total) if self.cleaned_data["preview"] else total
        kind = self.kind()
        return GenerationJob(
            engine=self.engine,
            dataset=dataset,
            total=count,
            full_total=total if count < total else None,
            priority=self.cleaned_data["priority"] or GenerationJob.Priority.NORMAL,
            image_specs=as_json(self.image_specs()),
            seed=random_seed() if seed is None else seed,
            modality=kind.modality,
            label=kind.label,
            settings={name: value for name, value in self.settings().items() if value not in ("", None)},
            **self.model(),
        )

    def kind(self) -> ImageClass:
        """What the images show."""
        return ImageClass(self.cleaned_data["modality"], self.cleaned_data["label"].strip())

    def image_specs(self) -> list[ImageSpec]:
        """What the images are to show in turn, where they differ."""
        return []

    def origin(self) -> str:
        return Origin.SYNTHETIC

    def settings(self) -> EngineSettings:
        return {}

    def model(self) -> dict[str, object]:
        return {}
