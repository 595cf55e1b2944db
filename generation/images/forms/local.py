"""The forms of the engines that need no prompt: our own diffusion models, and phantoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html_join

from generation.diffusion.attributes import codes
from generation.diffusion.config import SAMPLERS, ConfigError, ImageClass
from generation.diffusion.model_cache import PRECISIONS
from generation.images.engines.diffusion import OF_GUIDANCE, guidance_of, why_not_deep
from generation.images.engines.protocol import EngineSettings, ImageSpec
from generation.images.forms.base import NewJobForm
from generation.images.models import GenerationJob
from generation.images.prompts import ImageSpecError, attribute_specs, expand
from generation.images.source_settings import MOST_SOURCES, source_errors, source_settings
from generation.training.conditions import text_encoders
from generation.training.models import Checkpoint
from pool.models import Dataset, Image, Modality, Origin

LONGEST_TEXT = 4_000
FEW = 5  # models of which a sentence each can be read beside a field
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
    guidance_low = forms.FloatField(
        min_value=0,
        max_value=1,
        required=False,
        label="Guidance from noise level",
        help_text="0 is none left, 1 all noise. Guidance in between alone makes images more varied.",
    )
    guidance_high = forms.FloatField(
        min_value=0, max_value=1, required=False, label="Guidance up to noise level"
    )
    guidance_rescale = forms.FloatField(
        min_value=0,
        max_value=1,
        required=False,
        label="Rescale guidance",
        help_text="Against the contrast that much guidance adds; 0.7 is usual.",
    )
    attributes = forms.CharField(
        max_length=1_000,
        required=False,
        label="Told of each image",
        help_text="For a model that is told more than the finding, such as “sex:F|M, age:40|60”: every combination, "
        "as many of each. What is left out is not told.",
    )
    text = forms.CharField(
        max_length=LONGEST_TEXT,
        required=False,
        label="Told in words",
        help_text="For a model that is told texts: what they say, or a template such as “{side:left|right} lung, {finding}”, "
        "every combination as often.",
    )
    attribute_guidance = forms.CharField(
        max_length=300,
        required=False,
        label="Guidance of these",
        help_text="Such as “sex:3, age:2”, and “text:2” of a text.",
    )
    # By number, not from a list; the rows are those of whoever asks all the same.
    edit_of = forms.ModelChoiceField(
        Image.objects.usable(),
        required=False,
        widget=forms.TextInput,
        error_messages={"invalid_choice": "There is no image of this number."},
        label="Starting from image",
        help_text="Its number, from the address of its page. Empty: from noise.",
    )
    edit_each = forms.ModelChoiceField(
        Dataset.objects.all(),
        required=False,
        empty_label="no dataset",
        label="or from each image of",
        help_text=f"In turn, up to {MOST_SOURCES:,} of them.",
    )
    strength = forms.FloatField(
        min_value=0.01,
        max_value=1,
        required=False,
        help_text="How far from it, up to 1; 1 where a region is drawn anew.",
    )
    region = forms.CharField(
        max_length=100,
        required=False,
        label="Only in this region",
        help_text="Such as “ellipse 0.2 0.3 0.15 0.2”: left, top, width, height, in shares of the square; or “box …”. "
        "Outside it every pixel stays as it is.",
    )
    mask = forms.ModelChoiceField(
        Image.objects.usable(),
        required=False,
        widget=forms.TextInput,
        error_messages={"invalid_choice": "There is no image of this number."},
        label="or where this image is bright",
        help_text="The number of a mask in the pool.",
    )
    bits = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label="Grey depth",
        choices=[("", "8 bits"), (16, "16 bits, of a model that has learned them")],
        help_text="With 16 the window that the model's images were shown under is kept.",
    )
    precision = forms.ChoiceField(
        required=False,
        choices=[("", "bf16 on a GPU, else fp32"), *((name, name) for name in PRECISIONS if name != "auto")],
    )
    compile = forms.ChoiceField(
        required=False,
        label="Compile the network",
        choices=[("", "on a GPU, for a long job"), ("on", "always"), ("off", "never")],
    )
    field_order = (
        *("what", "total", "dataset", "new_dataset"),
        *("attributes", "text", "attribute_guidance", "guidance"),
        *(*OF_GUIDANCE, "seed", "steps", "sampler"),
        *("edit_of", "edit_each", "strength", "region", "mask"),
        *("bits", "precision", "compile", "priority"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = sorted({name for names in SAMPLERS.values() for name in names})
        samplers = [("", "the model's default"), *((name, name) for name in names)]
        self.fields["sampler"].choices = samplers  # type: ignore[attr-defined]  # a ChoiceField
        self._offer(Checkpoint.objects.that_sample())

    def narrow_to(self, person: Any) -> None:
        """Offer only the models that this person sees."""
        self._offer(Checkpoint.objects.that_sample().visible_to(person))

    def _offer(self, checkpoints: Any) -> None:
        """The last of each run, first of all the one that is asked for by its number."""
        number = str(self.data.get("what") or self.initial.get("checkpoint") or "").partition(":")[0]
        earlier = checkpoints.filter(pk=number) if number.isdecimal() else checkpoints.none()
        newest = checkpoints.newest_of_each_run().exclude(pk__in=earlier)
        rows = [*earlier.select_related("run__dataset"), *newest.select_related("run__dataset")]
        self.kinds = _kinds_of([row for row in rows if row.is_readable])
        self.chosen = next((row for row in rows if str(row.pk) == number), None)
        choices = [
            (key, f"{checkpoint}: {_in_words(kind)}") for key, (checkpoint, kind) in self.kinds.items()
        ]
        self.fields["what"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField
        asked_for = [row for row in rows if row.is_readable and (self.chosen is None or row == self.chosen)]
        attributes = [
            (row, ", ".join(map(str, row.config.attributes))) for row in asked_for if row.config.attributes
        ]
        # Attributes are of a table or another site: they may hold anything.
        sentences = format_html_join(" ", "{} is told of {}.", attributes if len(attributes) <= FEW else ())
        self.fields["attributes"].help_text = sentences or self.base_fields["attributes"].help_text

    def clean_attributes(self) -> str:
        words = str(self.cleaned_data["attributes"])
        try:
            attribute_specs(words, [ImageSpec()])
        except ImageSpecError as error:
            raise ValidationError(str(error)) from error
        return words

    def clean(self) -> None:
        try:
            super().clean()
        except (
            ImageSpecError
        ) as error:  # no template, or more combinations with the findings than there may be
            self.add_error("text" if self.cleaned_data.get("text") else "attributes", str(error))
            return
        data = self.cleaned_data
        chosen, sampler = self.kinds.get(data.get("what", "")), data.get("sampler")
        if chosen and sampler and sampler not in chosen[0].samplers:
            self.add_error("sampler", f"{chosen[0]} is sampled by {', '.join(chosen[0].samplers)}.")
        self._check_guidance(chosen[0] if chosen else None)
        if chosen and data.get("text"):
            self._check_text(chosen[0])
        if chosen and "attributes" not in self.errors:
            self._check_attributes(chosen[0])
        if chosen and data.get("bits") and (sentence := why_not_deep(chosen[0].config, data)):
            self.add_error("bits", sentence)
        if chosen:
            for field, sentence in source_errors(data, chosen[0], chosen[1].modality):
                self.add_error(field, sentence)

    def _check_guidance(self, checkpoint: Checkpoint | None) -> None:
        """What would have no effect is refused, as is an interval that is none."""
        data = self.cleaned_data
        scale = data.get("guidance")
        without_effect = scale in {None, 1.0} or (checkpoint is not None and not checkpoint.config.classes)
        for name in OF_GUIDANCE:
            if data.get(name) is not None and without_effect:
                self.add_error(
                    name, "Without guidance above 1, of a model that knows findings, this does nothing."
                )
        try:
            low, high, rescale = (data.get(name) for name in OF_GUIDANCE)
            guidance_of(
                {
                    "guidance_low": 0.0 if low is None else low,
                    "guidance_high": 1.0 if high is None else high,
                    "guidance_rescale": rescale or 0.0,
                }
            )
        except ConfigError as error:
            self.add_error("guidance_low", str(error))

    def kind(self) -> ImageClass:
        chosen = self.kinds[self.cleaned_data["what"]][1]
        return ImageClass(chosen.modality, "") if chosen.label == EVERY else chosen

    def image_specs(self) -> list[ImageSpec]:
        checkpoint, chosen = self.kinds[self.cleaned_data["what"]]
        labels = [chosen.label]
        if chosen.label == EVERY:
            labels = [kind.label for kind in checkpoint.kinds if kind.modality == chosen.modality]
        text = str(self.cleaned_data.get("text") or "")
        kinds = [ImageSpec("", label) for label in labels]
        if text:
            modality = str(Modality(chosen.modality).label)
            kinds = [
                replace(spec, label=label)
                for label in labels
                for spec in expand(text, label=label, modality=modality)
            ]
        if words := self.cleaned_data.get("attributes"):
            return attribute_specs(words, kinds)
        return kinds if text or chosen.label == EVERY else []

    def _check_text(self, checkpoint: Checkpoint) -> None:
        """What the worker could not read is refused here."""
        condition = checkpoint.config.text
        if condition is None:
            self.add_error("text", f"{checkpoint} is told no text: leave it out.")
            return
        try:
            text_encoders.encoder(condition.encoder)
        except ConfigError as error:
            self.add_error("text", str(error))

    def _check_attributes(self, checkpoint: Checkpoint) -> None:
        """What the model is not told of is refused here, not by a worker."""
        try:
            for spec in self.image_specs():
                codes(checkpoint.config.attributes, spec.attributes)
        except (ImageSpecError, ConfigError) as error:
            self.add_error("attributes", str(error))
        try:
            guidance_of(
                {"attribute_guidance": self.cleaned_data["attribute_guidance"]},
                checkpoint.config.attributes,
                has_text=checkpoint.config.text is not None,
            )
        except ConfigError as error:
            self.add_error("attribute_guidance", str(error))

    def settings(self) -> EngineSettings:
        data = self.cleaned_data
        return {
            "steps": data["steps"],
            "sampler": data["sampler"],
            "guidance": data["guidance"],
            "guidance_low": data["guidance_low"],
            "guidance_high": data["guidance_high"],
            "guidance_rescale": data["guidance_rescale"],
            "attribute_guidance": data["attribute_guidance"],
            "bits": data["bits"],
            "precision": data["precision"],
            "compile": data["compile"],
            **source_settings(data),
        }

    def model(self) -> dict[str, object]:
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

    def settings(self) -> EngineSettings:
        return {"size": self.cleaned_data["size"]}


def _kinds_of(checkpoints: Sequence[Checkpoint]) -> dict[str, tuple[Checkpoint, ImageClass]]:
    """What each can be asked for by the value of its choice, and where it knows several findings, all of them in turn."""
    kinds: dict[str, tuple[Checkpoint, ImageClass]] = {}
    for checkpoint in checkpoints:
        for number, kind in enumerate(checkpoint.kinds):
            kinds[f"{checkpoint.pk}:{number}"] = (checkpoint, kind)
        modalities = [kind.modality for kind in checkpoint.kinds]
        for modality in sorted(set(modalities)):
            if modalities.count(modality) > 1:
                kinds[f"{checkpoint.pk}:{modality}"] = (checkpoint, ImageClass(modality, EVERY))
    return kinds


def _in_words(kind: ImageClass) -> str:
    modality = Modality(kind.modality).label if kind.modality in Modality.values else kind.modality
    return f"{modality}, {kind.label}" if kind.label else str(modality)
