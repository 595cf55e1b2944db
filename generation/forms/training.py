"""The form that queues a training run."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from generation import pipelines
from generation.models import Checkpoint, TrainingRun
from generation.models.jobs import MOST_SEED
from generation.training.config import PRESETS, ConfigError, TrainingConfig, settings_of
from generation.tuned_models import is_taken
from pool.models import Dataset


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
    seed = forms.IntegerField(min_value=0, max_value=MOST_SEED, required=False, help_text="Empty: 0.")
    settings = forms.CharField(
        required=False,
        label="Other settings",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text='As in a TOML file, one a line, such as objective = "v_prediction". The fields above go first.',
    )

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
        from generation.runs import channels_of, classes_of

        given = {name: data[name] for name in ("size", "steps", "batch", "seed") if data[name] is not None}
        if data["by_finding"]:
            given["classes"] = [vars(kind) for kind in classes_of(data["dataset"])]
        return TrainingConfig.from_mapping(
            {
                "preset": data["preset"],
                "channels": channels_of(data["dataset"]),
                **settings_of(data["settings"]),
                **given,
            }
        )

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


class FineTuneForm(forms.Form):
    """A fine-tuning of a local Stable Diffusion, by a prompt made of each image's label."""

    name = forms.CharField(
        max_length=100, label="Name of the result", help_text="Of the LoRA or the pipeline it becomes."
    )
    dataset = forms.ModelChoiceField(Dataset.objects.all(), label="Trained on")
    pipeline = forms.ChoiceField(label="Starting from")
    prompt = forms.CharField(
        max_length=1000,
        initial="chest x-ray, {finding}",
        help_text="{finding} and {modality} become each image's own.",
    )
    rank = forms.IntegerField(
        min_value=0, max_value=256, initial=8, label="LoRA rank", help_text="0 trains the whole network."
    )
    size = forms.IntegerField(min_value=8, max_value=1024, step_size=8, initial=512, label="Size in pixels")
    steps = forms.IntegerField(min_value=1, initial=1000)
    batch = forms.IntegerField(min_value=1, initial=4)
    learning_rate = forms.FloatField(min_value=0, initial=1e-4)
    seed = forms.IntegerField(min_value=0, max_value=MOST_SEED, initial=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pipeline"].choices = [(name, name) for name in pipelines.names()]  # type: ignore[attr-defined]  # a ChoiceField

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if is_taken(name):
            raise ValidationError("There is a model of this name, or it has no letters; choose another.")
        return name

    def submit(self, by: Any) -> TrainingRun:
        asked = {key: value for key, value in self.cleaned_data.items() if key not in {"name", "dataset"}}
        run = TrainingRun(
            name=self.cleaned_data["name"],
            dataset=self.cleaned_data["dataset"],
            config={"checkpoint_every": 250, **asked},
            total=asked["steps"],
            requested_by=by,
        )
        run.submit()
        return run
