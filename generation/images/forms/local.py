"""The forms of the engines that need no prompt: our own diffusion models, and phantoms."""

from __future__ import annotations

from typing import Any

from django import forms

from generation.diffusion.config import SAMPLERS, ImageClass
from generation.diffusion.model_cache import PRECISIONS
from generation.images.engines.protocol import ImageSpec
from generation.images.forms.base import NewJobForm
from generation.images.models import GenerationJob
from generation.training.models import Checkpoint
from pool.models import Dataset, Modality, Origin

EVERY = "every finding, as many of each"


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
    precision = forms.ChoiceField(
        required=False,
        choices=[("", "bf16 on a GPU, else fp32"), *((name, name) for name in PRECISIONS if name != "auto")],
    )
    compile = forms.ChoiceField(
        required=False,
        label="Compile the network",
        choices=[("", "where it pays: on a GPU, for a long job"), ("on", "always"), ("off", "never")],
    )
    field_order = (
        *("what", "total", "dataset", "new_dataset", "seed", "steps", "sampler", "guidance"),
        *("precision", "compile", "priority"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kinds = {
            f"{checkpoint.pk}:{number}": (checkpoint, kind)
            for checkpoint in self._checkpoints()
            if checkpoint.is_readable
            for number, kind in enumerate(checkpoint.kinds)
        }
        for checkpoint in {checkpoint for checkpoint, _ in self.kinds.values()}:
            for modality in sorted({kind.modality for kind in checkpoint.kinds}):
                if sum(kind.modality == modality for kind in checkpoint.kinds) > 1:
                    self.kinds[f"{checkpoint.pk}:{modality}"] = (checkpoint, ImageClass(modality, EVERY))
        choices = [
            (key, f"{checkpoint}: {_in_words(kind)}") for key, (checkpoint, kind) in self.kinds.items()
        ]
        names = sorted({name for names in SAMPLERS.values() for name in names})
        samplers = [("", "the model's default"), *((name, name) for name in names)]
        for field, offered in (("what", choices), ("sampler", samplers)):
            self.fields[field].choices = offered  # type: ignore[attr-defined]  # both are ChoiceFields

    def _checkpoints(self) -> Any:
        """The last of each run, and the one that is asked for by its number."""
        checkpoints = Checkpoint.objects.that_sample()
        number = str(self.data.get("what", "")).partition(":")[0]
        earlier = checkpoints.filter(pk=number) if number.isdecimal() else checkpoints.none()
        return (checkpoints.newest_of_each_run() | earlier).select_related("run__dataset")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        chosen, sampler = self.kinds.get(data.get("what", "")), data.get("sampler")
        if chosen and sampler and sampler not in chosen[0].samplers:
            self.add_error("sampler", f"{chosen[0]} is sampled by {', '.join(chosen[0].samplers)}.")
        return data

    def kind(self) -> ImageClass:
        chosen = self.kinds[self.cleaned_data["what"]][1]
        return ImageClass(chosen.modality, "") if chosen.label == EVERY else chosen

    def image_specs(self) -> list[ImageSpec]:
        checkpoint, chosen = self.kinds[self.cleaned_data["what"]]
        if chosen.label != EVERY:
            return []
        return [ImageSpec("", kind.label) for kind in checkpoint.kinds if kind.modality == chosen.modality]

    def settings(self) -> dict[str, Any]:
        return {
            name: self.cleaned_data[name] for name in ("steps", "sampler", "guidance", "precision", "compile")
        }

    def model(self) -> dict[str, Any]:
        return {"checkpoint": self.kinds[self.cleaned_data["what"]][0]}


class PhantomJobForm(NewJobForm):
    engine = GenerationJob.Engine.PHANTOM

    modality = forms.ChoiceField(choices=[("xray", "X-ray"), ("ct", "CT")], initial="xray")
    label = forms.ChoiceField(
        label="Finding", choices=[("normal", "normal"), ("opacity", "opacity")], initial="normal"
    )
    size = forms.IntegerField(min_value=32, max_value=2048, initial=256, label="Size in pixels")
    stand_in = forms.BooleanField(
        required=False,
        label="File a new dataset as real",
        help_text="For trials without patients' images only: the drawings then stand in for real images.",
    )
    field_order = (
        "modality",
        "label",
        "total",
        "dataset",
        "new_dataset",
        "stand_in",
        "seed",
        "size",
        "priority",
    )

    def datasets(self) -> Any:
        return Dataset.objects.all()

    def origin(self) -> str:
        return Origin.REAL if self.cleaned_data["stand_in"] else Origin.SYNTHETIC

    def settings(self) -> dict[str, Any]:
        return {"size": self.cleaned_data["size"]}


def _in_words(kind: ImageClass) -> str:
    modality = Modality(kind.modality).label if kind.modality in Modality.values else kind.modality
    return f"{modality}, {kind.label}" if kind.label else str(modality)
