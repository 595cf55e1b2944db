"""The forms that queue work: one for each engine, one for a training run."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction

from generation.engines.image_models import SUGGESTED_MODELS, family_of
from generation.engines.protocol import EngineError
from generation.models import Checkpoint, GenerationJob, TrainingRun
from generation.models.jobs import MOST_IMAGES, MOST_SEED
from generation.training.config import PRESETS, SAMPLERS, ConfigError, PictureClass, TrainingConfig
from pool.models import Dataset, Modality, Origin

ANY_SEED = 2**31


def random_seed() -> int:
    return secrets.randbelow(ANY_SEED)


class NewJobForm(forms.Form):
    """What every engine wants to know; the engines' own forms add the rest."""

    engine: ClassVar[GenerationJob.Engine]

    total = forms.IntegerField(label="Number of images", min_value=1, max_value=MOST_IMAGES, initial=20)
    dataset = forms.ModelChoiceField(
        Dataset.objects.all(), required=False, empty_label="a new dataset", label="Into"
    )
    new_dataset = forms.CharField(max_length=100, required=False, label="Name of the new dataset")
    seed = forms.IntegerField(
        min_value=0,
        max_value=MOST_SEED,
        required=False,
        help_text="The same seed and settings make the same images; left empty, one is drawn.",
    )

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

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("dataset") and not data.get("new_dataset") and "new_dataset" not in self.errors:
            self.add_error("new_dataset", "Name the new dataset, or choose one that exists.")
        if not self.errors:
            self._check_job()
        return data

    def _check_job(self) -> None:
        job = self._job(self._dataset())
        try:
            job.full_clean(exclude=["dataset"])
            job.clean()
        except ValidationError as error:
            raise ValidationError(error.messages) from error

    def submit(self, by: Any) -> GenerationJob:
        """The queued job, its dataset made first where it is new."""
        with transaction.atomic():
            dataset = self._dataset()
            if dataset.pk is None:
                dataset.created_by = by
                dataset.save()
            job = self._job(dataset)
            job.requested_by = by
            job.submit()
        return job

    def _dataset(self) -> Dataset:
        chosen: Dataset | None = self.cleaned_data["dataset"]
        wanted = self.kind()
        return chosen or Dataset(
            name=self.cleaned_data["new_dataset"], origin=self.origin(), modality=wanted.modality
        )

    def _job(self, dataset: Dataset) -> GenerationJob:
        seed = self.cleaned_data["seed"]
        kind = self.kind()
        return GenerationJob(
            engine=self.engine,
            dataset=dataset,
            total=self.cleaned_data["total"],
            seed=random_seed() if seed is None else seed,
            modality=kind.modality,
            label=kind.label,
            settings={name: value for name, value in self.settings().items() if value not in ("", None)},
            **self.model(),
        )

    def kind(self) -> PictureClass:
        """What the pictures show."""
        return PictureClass(self.cleaned_data["modality"], self.cleaned_data["label"].strip())

    def origin(self) -> str:
        return Origin.SYNTHETIC

    def settings(self) -> dict[str, Any]:
        return {}

    def model(self) -> dict[str, Any]:
        return {}


class DiffusionJobForm(NewJobForm):
    engine = GenerationJob.Engine.DIFFUSION

    what = forms.ChoiceField(label="Model and finding")
    steps = forms.IntegerField(min_value=1, max_value=1000, initial=20, label="Sampling steps")
    sampler = forms.ChoiceField(required=False)
    guidance = forms.FloatField(
        min_value=0,
        max_value=20,
        initial=1,
        help_text="Above 1, a model that knows findings is held to them more closely.",
    )
    field_order = ("what", "total", "dataset", "new_dataset", "seed", "steps", "sampler", "guidance")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds = {
            f"{checkpoint.pk}:{number}": (checkpoint, kind)
            for checkpoint in Checkpoint.objects.newest_of_each_run().select_related("run__dataset")
            for number, kind in enumerate(checkpoint.kinds)
        }
        choices = [
            (key, f"{checkpoint}: {_in_words(kind)}") for key, (checkpoint, kind) in self.kinds.items()
        ]
        names = sorted({name for names in SAMPLERS.values() for name in names})
        samplers = [("", "the model's default"), *((name, name) for name in names)]
        for field, offered in (("what", choices), ("sampler", samplers)):
            self.fields[field].choices = offered  # type: ignore[attr-defined]  # both are ChoiceFields

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        chosen, sampler = self.kinds.get(data.get("what", "")), data.get("sampler")
        if chosen and sampler and sampler not in chosen[0].samplers:
            self.add_error("sampler", f"{chosen[0]} is sampled by {', '.join(chosen[0].samplers)}.")
        return data

    def kind(self) -> PictureClass:
        return self.kinds[self.cleaned_data["what"]][1]

    def settings(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("steps", "sampler", "guidance")}

    def model(self) -> dict[str, Any]:
        return {"checkpoint": self.kinds[self.cleaned_data["what"]][0]}


class PhantomJobForm(NewJobForm):
    engine = GenerationJob.Engine.PHANTOM

    modality = forms.ChoiceField(choices=[("xray", "X-ray"), ("ct", "CT")])
    label = forms.ChoiceField(label="Finding", choices=[("normal", "normal"), ("opacity", "opacity")])
    size = forms.IntegerField(min_value=32, max_value=2048, initial=256, label="Size in pixels")
    stand_in = forms.BooleanField(
        required=False,
        label="File a new dataset as real",
        help_text="For trials without patients' images only: the drawings then stand in for real images.",
    )
    field_order = ("modality", "label", "total", "dataset", "new_dataset", "stand_in", "seed", "size")

    def datasets(self) -> Any:
        return Dataset.objects.all()

    def origin(self) -> str:
        return Origin.REAL if self.cleaned_data["stand_in"] else Origin.SYNTHETIC

    def settings(self) -> dict[str, Any]:
        return {"size": self.cleaned_data["size"]}


class OpenAIJobForm(NewJobForm):
    engine = GenerationJob.Engine.OPENAI

    api_model = forms.CharField(
        label="Model",
        max_length=100,
        initial=SUGGESTED_MODELS[0],
        help_text=f"For example {', '.join(SUGGESTED_MODELS)}; on OpenAI's own service the dall-e models are retired.",
    )
    prompt = forms.CharField(
        max_length=32_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Sent word for word to the service, and kept. No patient's data.",
    )
    modality = forms.ChoiceField(choices=Modality.choices)
    label = forms.CharField(label="Finding", max_length=100, required=False)
    size = forms.CharField(
        max_length=20, required=False, help_text="For example 1024x1024; empty for the model's own."
    )
    quality = forms.CharField(max_length=20, required=False)
    field_order = (
        "api_model",
        "prompt",
        "modality",
        "label",
        "total",
        "dataset",
        "new_dataset",
        "size",
        "quality",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["seed"]  # the service has none

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["seed"] = 0
        data = super().clean()
        model = data.get("api_model", "")
        try:
            family_of(model).parameters(model, self.settings())
        except (EngineError, KeyError) as error:
            if isinstance(error, EngineError):
                raise ValidationError(str(error)) from error
        return data

    def settings(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("size", "quality")}

    def model(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("api_model", "prompt")}


def _in_words(kind: PictureClass) -> str:
    modality = Modality(kind.modality).label if kind.modality in Modality.values else kind.modality
    return f"{modality}, {kind.label}" if kind.label else str(modality)


JOB_FORMS: dict[str, type[NewJobForm]] = {
    form.engine.value: form for form in (DiffusionJobForm, PhantomJobForm, OpenAIJobForm)
}


class TrainingForm(forms.Form):
    """A training run on a dataset, from a preset with the few settings people change."""

    name = forms.CharField(max_length=100, label="Name of the model")
    dataset = forms.ModelChoiceField(Dataset.objects.all(), label="Trained on")
    preset = forms.ChoiceField(choices=[(name, name) for name in PRESETS])
    size = forms.IntegerField(
        min_value=16, max_value=1024, required=False, label="Size in pixels", help_text="Empty: the preset's."
    )
    steps = forms.IntegerField(min_value=1, required=False, help_text="Empty: the preset's.")
    batch = forms.IntegerField(min_value=1, required=False, help_text="Empty: the preset's.")
    by_finding = forms.BooleanField(
        required=False, label="Learn the findings", help_text="The model can then be asked for one of them."
    )
    seed = forms.IntegerField(min_value=0, max_value=MOST_SEED, initial=0)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if TrainingRun.objects.filter(name=name).exists() or Checkpoint.objects.filter(name=name).exists():
            raise ValidationError("There is a model of this name; choose another.")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.config = self._config(data)
            except ConfigError as error:
                raise ValidationError(str(error)) from error
        return data

    def _config(self, data: dict[str, Any]) -> TrainingConfig:
        from generation.runs import classes_of

        given = {name: data[name] for name in ("size", "steps", "batch", "seed") if data[name] is not None}
        classes = [vars(kind) for kind in classes_of(data["dataset"])] if data["by_finding"] else []
        return TrainingConfig.from_mapping({"preset": data["preset"], "classes": classes, **given})

    def submit(self, by: Any) -> TrainingRun:
        run = TrainingRun(
            name=self.cleaned_data["name"],
            dataset=self.cleaned_data["dataset"],
            config=self.config.as_json(),
            total=self.config.steps,
            requested_by=by,
        )
        run.submit()
        return run
