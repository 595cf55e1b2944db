"""The forms of the engines that are asked in words: the Images API, and local diffusers pipelines."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from generation.diffusion.config import ImageClass
from generation.images.engines.image_models import SUGGESTED_MODELS, family_of
from generation.images.engines.pipeline import SCHEDULERS
from generation.images.engines.protocol import EngineError, EngineSettings, ImageSpec
from generation.images.forms.base import NewJobForm
from generation.images.models import GenerationJob
from generation.images.prices.table import TYPED, PriceTableError, prices_of
from generation.images.prompts import ImageSpecError, expand, from_csv
from generation.training import pipeline_folder
from pool.models import Image, Modality

LARGEST_LIST = 2_000_000
HOW = "One prompt, or a template such as “{view:PA|AP} chest x-ray, {finding:normal|opacity}”: every combination, as many of each."


class PromptedJobForm(NewJobForm):
    """A prompt, a template of many, or a list of them in a CSV file."""

    prompt = forms.CharField(
        max_length=32_000, required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text=HOW
    )
    prompt_list = forms.FileField(
        required=False,
        label="or a CSV file of prompts",
        help_text="A column prompt; also label and count, where wanted. The number of images is still the one asked for.",
    )
    modality = forms.ChoiceField(choices=Modality.choices, initial=Modality.XRAY)
    label = forms.CharField(
        label="Finding", max_length=300, required=False, help_text="A template's {finding:…} comes first."
    )

    def clean(self) -> None:
        self._image_specs = self._read_image_specs()
        super().clean()

    def _read_image_specs(self) -> list[ImageSpec]:
        texts = {name: self.cleaned_data.get(name) or "" for name in ("prompt", "label", "modality")}
        uploaded: UploadedFile[Any] | None = self.cleaned_data.get("prompt_list")
        try:
            if uploaded is None:
                if not texts["prompt"] and "prompt" not in self.errors:
                    self.add_error("prompt", "This field is required, or a CSV file of prompts.")
                image_specs = expand(texts["prompt"], label=texts["label"], modality=texts["modality"])
                return image_specs if len(image_specs) > 1 or image_specs[0].prompt != texts["prompt"] else []
            if (uploaded.size or 0) > LARGEST_LIST:
                raise ImageSpecError("The list of prompts is larger than 2 MB.")
            image_specs = from_csv(uploaded.read(), label=texts["label"])
        except ImageSpecError as error:
            self.add_error("prompt" if uploaded is None else "prompt_list", str(error))
            return []
        self.cleaned_data["prompt"] = f"{len(image_specs)} prompts of {uploaded.name}"
        return image_specs

    def image_specs(self) -> list[ImageSpec]:
        return self._image_specs

    def kind(self) -> ImageClass:
        return ImageClass(self.cleaned_data["modality"], self.cleaned_data["label"].strip())


class OpenAIJobForm(PromptedJobForm):
    engine = GenerationJob.Engine.OPENAI

    api_model = forms.CharField(
        label="Model",
        max_length=100,
        initial=SUGGESTED_MODELS[0],
        help_text=f"For example {', '.join(SUGGESTED_MODELS)}; on OpenAI's own service the dall-e models are retired.",
    )
    size = forms.CharField(
        max_length=20, required=False, help_text="For example 1024x1024; empty for the model's own."
    )
    quality = forms.CharField(max_length=20, required=False)
    # By number, not from a list; the rows are those of whoever asks all the same.
    edit_of = forms.ModelChoiceField(
        Image.objects.usable(),
        required=False,
        widget=forms.TextInput,
        error_messages={"invalid_choice": "There is no image of this number."},
        label="Starting from image",
        help_text="Its number, from the address of its page; gpt-image models edit it. It is sent to the service: "
        "never send a patient's image that you may not pass on.",
    )
    price = forms.DecimalField(
        min_value=0,
        max_digits=8,
        decimal_places=4,
        required=False,
        label="US dollars an image",
        help_text="For the estimate and the cap. Empty: by the price table, where it knows the model; prices.toml in "
        "the site's home goes before the one that is shipped.",
    )
    spend_cap = forms.DecimalField(
        min_value=0,
        max_digits=10,
        decimal_places=2,
        required=False,
        label="Pause at US dollars",
        help_text="The job pauses before an image would go beyond it. Needs a price.",
    )
    field_order = (
        *("api_model", "prompt", "prompt_list", "modality", "label", "total", "dataset", "new_dataset"),
        *("size", "quality", "edit_of", "price", "spend_cap", "priority"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["seed"]  # the service has none

    def clean(self) -> None:
        self.cleaned_data["seed"] = 0
        model = self.cleaned_data.get("api_model", "")
        self.cleaned_data["price"] = self._price(model)
        super().clean()
        data = self.cleaned_data
        try:
            family_of(model).parameters(model, self.settings())
        except (EngineError, KeyError) as error:
            if isinstance(error, EngineError):
                raise ValidationError(str(error)) from error
        if data.get("spend_cap") is not None and data["price"] is None:
            self.add_error(
                "price", "Without a price an image, the job cannot know when it has spent that much."
            )
        if (data.get("edit_of") or "edit_of" in self.errors) and not family_of(model).edits:
            self.add_error("edit_of", f"{model} does not edit images here; a gpt-image model does.")

    def _price(self, model: str) -> Decimal | None:
        typed: Decimal | None = self.cleaned_data.get("price")
        self._priced_by = TYPED
        if typed is not None:
            return typed
        try:
            listed = prices_of(model)
            self._priced_by = listed.in_words if listed else ""
        except PriceTableError as error:
            self.add_error("price", str(error))
            return None
        size = self.cleaned_data.get("size") or family_of(model).default_size
        return listed.of_image(size=size, quality=self.cleaned_data.get("quality") or "") if listed else None

    def settings(self) -> EngineSettings:
        data, edit_of = self.cleaned_data, self.cleaned_data.get("edit_of")
        return {
            "size": data["size"],
            "quality": data["quality"],
            "priced_by": self._priced_by,
            "edit_of": str(edit_of.pk) if edit_of else "",
        }

    def model(self) -> dict[str, object]:
        return {name: self.cleaned_data[name] for name in ("api_model", "prompt", "price", "spend_cap")}


class PipelineJobForm(PromptedJobForm):
    engine = GenerationJob.Engine.PIPELINE

    api_model = forms.ChoiceField(label="Pipeline")
    negative_prompt = forms.CharField(max_length=2_000, required=False, help_text="What it is not to show.")
    size = forms.IntegerField(
        min_value=8,
        max_value=4096,
        required=False,
        label="Size in pixels",
        help_text="Empty: the pipeline's own.",
    )
    steps = forms.IntegerField(min_value=1, max_value=1000, initial=30, label="Sampling steps")
    sampler = forms.ChoiceField(
        required=False, choices=[("", "the pipeline's own"), *((name, name) for name in SCHEDULERS)]
    )
    guidance = forms.FloatField(min_value=0, max_value=30, initial=4, required=False)
    lora = forms.ChoiceField(required=False, label="LoRA")
    lora_scale = forms.FloatField(
        min_value=0, max_value=2, initial=1, required=False, label="Strength of the LoRA"
    )
    field_order = (
        *("api_model", "prompt", "prompt_list", "negative_prompt", "modality", "label", "total", "dataset"),
        *("new_dataset", "size", "steps", "sampler", "guidance", "lora", "lora_scale", "seed", "priority"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = {
            "api_model": [(name, name) for name in pipeline_folder.names()],
            "lora": [("", "none"), *((name, name) for name in pipeline_folder.lora_names())],
        }
        for field, choices in offered.items():
            self.fields[field].choices = choices  # type: ignore[attr-defined]  # both are ChoiceFields
        self.fields["api_model"].error_messages["invalid_choice"] = pipeline_folder.no_such_pipeline()
        self.fields["lora"].error_messages["invalid_choice"] = pipeline_folder.no_such_lora()

    def settings(self) -> EngineSettings:
        data = self.cleaned_data
        settings: EngineSettings = {
            "negative_prompt": data["negative_prompt"],
            "size": data["size"],
            "steps": data["steps"],
            "sampler": data["sampler"],
            "guidance": data["guidance"],
            "lora": data["lora"],
        }
        if data["lora"]:
            settings["lora_scale"] = data["lora_scale"]
        return settings

    def model(self) -> dict[str, object]:
        return {name: self.cleaned_data[name] for name in ("api_model", "prompt")}
