"""The form that queues a training run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from generation.declared_extractors import (
    SITE,
    declared,
    name_of_numbers,
    refusals,
    specs,
)
from generation.diffusion.config import OWN_AUTOENCODER, PRESETS, ConfigError, TrainingConfig, settings_of
from generation.diffusion.finetuning.config import FineTuneConfig
from generation.diffusion.finetuning.pipelines import check_prompts
from generation.diffusion.run_config import RunConfig
from generation.diffusion.sampling.seeds import MOST_SEED
from generation.diffusion.text.condition import (
    FEWEST_TOKENS,
    MOST_TOKENS,
    TextCondition,
    check_size,
    distinct_texts,
)
from generation.training import pipeline_folder
from generation.training.conditions import text_encoders
from generation.training.conditions.attribute_values import LARGEST_TABLE, Values, attributes_of, table_values
from generation.training.conditions.text_templates import Texts, check_columns, distinct_prompts, texts_of
from generation.training.dataset_traits import channels_of, classes_of, window_of
from generation.training.duration import estimate
from generation.training.exchange.pipeline_import import exists
from generation.training.models import Checkpoint, ToldOfImages, TrainingRun
from generation.training.tuned_models import is_taken
from generation.training.warm_starts import check_like, inherited
from jobs.how_long.estimate import Estimate
from pool.models import Dataset

ASKED_OF_FINETUNING = ("pipeline", "prompt", "rank", "size", "steps", "batch", "learning_rate", "seed")
LARGEST_CONFIG = 100_000
FIRST_PRESET = "tiny"
MOST_MORE_STEPS = 10_000_000
USUAL_TOKENS = 77


class WithConfigFile(forms.Form):
    """A form that queues a run by a TOML file of settings, and more of them as text."""

    config: RunConfig
    attribute_values: Values = {}
    texts: Texts = Texts("", {})

    extractors = forms.MultipleChoiceField(
        required=False,
        label="Measured by, beside the site’s extractor",
        widget=forms.CheckboxSelectMultiple,
        help_text="Each gives every checkpoint distances of its own, which never compare with another’s.",
    )

    config_file = forms.FileField(
        required=False,
        label="Config file",
        help_text="A TOML file of settings, such as a run's page gives. What is filled in here goes first.",
    )
    settings = forms.CharField(
        required=False,
        label="Other settings",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="As in a TOML file, one a line, such as checkpoint_every = 100. They go before the file.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        networks = declared()
        self.fields["extractors"].choices = networks  # type: ignore[attr-defined]  # a MultipleChoiceField
        if not networks:
            self.fields["extractors"].widget = forms.MultipleHiddenInput()

    def written(self) -> dict[str, object]:
        """The settings of the file, with those of the text on top. Raises ConfigError."""
        uploaded: UploadedFile[Any] | None = self.cleaned_data.get("config_file")
        settings: dict[str, object] = {}
        if uploaded is not None:
            if (uploaded.size or 0) > LARGEST_CONFIG:
                raise ConfigError("The config file is larger than 100 kB.")
            try:
                settings = settings_of(uploaded.read().decode(), name=str(uploaded.name))
            except UnicodeDecodeError as error:
                raise ConfigError(f"The config {uploaded.name} is no text file.") from error
        settings |= settings_of(self.cleaned_data["settings"])
        if self.cleaned_data["extractors"]:
            settings["extractors"] = self.cleaned_data["extractors"]
        return settings

    def estimate(self) -> Estimate:
        """Of the valid form: about how long the run takes."""
        return estimate(self.config)

    def submit(self, by: Any, *, enqueue: bool = True) -> TrainingRun:
        """The queued run; a worker is told, unless this process does it."""
        run = TrainingRun(
            name=self.cleaned_data["name"],
            dataset=self.cleaned_data["dataset"],
            config=self.config.as_json(),
            total=self.config.steps,
            requested_by=by,
            parent=self.cleaned_data.get("parent"),
            text_template=self.texts.template,
        )
        conditions = ToldOfImages(run=run, attribute_values=self.attribute_values, texts=self.texts.by_image)
        run.conditions = conditions.in_words()
        with transaction.atomic():
            if enqueue:
                run.submit()
            else:
                run.save()
            if run.conditions:
                conditions.save(force_insert=True)
        return run


class TrainingForm(WithConfigFile):
    """A training run on a dataset, from a preset with the few settings people change."""

    name = forms.CharField(max_length=100, label="Name of the model")
    dataset = forms.ModelChoiceField(Dataset.objects.all(), label="Trained on")
    preset = forms.ChoiceField(
        choices=[
            ("", f"{FIRST_PRESET}, or the model’s or the file’s"),
            *((name, name) for name in PRESETS),
        ],
        required=False,
    )
    parent = forms.ModelChoiceField(
        Checkpoint.objects.that_sample().exclude(weights=""),
        required=False,
        empty_label="nothing",
        label="Starting from",
        help_text="The weights of a model there is, imported ones too; its settings are then those to start from.",
    )
    size = forms.IntegerField(
        min_value=16, max_value=1024, required=False, label="Size in pixels", help_text="Empty: the preset's."
    )
    steps = forms.IntegerField(min_value=1, required=False, help_text="Empty: the preset's.")
    batch = forms.IntegerField(min_value=1, required=False, help_text="Empty: the preset's.")
    by_finding = forms.BooleanField(
        required=False, label="Learn the findings", help_text="The model can then be asked for one of them."
    )
    attributes = forms.CharField(
        max_length=500,
        required=False,
        label="Told of each image",
        help_text="Such as “sex, view, age:number”: of what the pool knows of the images, or of columns of the table.",
    )
    attribute_table = forms.FileField(
        required=False,
        label="Table of attributes",
        help_text="A CSV with a column file and one for each attribute.",
    )
    text = forms.CharField(
        max_length=1000,
        required=False,
        label="Told in words",
        help_text="Such as “{caption}” or “{finding}, {view} view”, in braces what the pool or the table knows of each image.",
    )
    text_encoder = forms.ChoiceField(
        required=False,
        label="Read by the text encoder",
        help_text="A folder in the home’s models/text-encoders; it is not trained.",
    )
    text_dropout = forms.FloatField(
        min_value=0, max_value=1, required=False, help_text="How often the text is hidden. Empty: 0.1."
    )
    text_tokens = forms.IntegerField(
        min_value=FEWEST_TOKENS,
        max_value=MOST_TOKENS,
        required=False,
        help_text="Longer texts are cut. Empty: 77, or fewer where the encoder reads no more.",
    )
    seed = forms.IntegerField(min_value=0, max_value=MOST_SEED, required=False, help_text="Empty: 0.")
    field_order = (
        *("name", "dataset", "preset", "by_finding", "steps", "parent", "size", "batch", "seed"),
        *("attributes", "attribute_table", "text", "text_encoder", "text_dropout", "text_tokens"),
        *("extractors", "config_file", "settings"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [("", "none"), *((name, name) for name in text_encoders.names())]
        self.fields["text_encoder"].choices = offered  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["text_encoder"].error_messages["invalid_choice"] = text_encoders.none_of_this_name()

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if exists(name):
            raise ValidationError("There is a model of this name; choose another.")
        return name

    def clean(self) -> None:
        super().clean()
        if not self.errors:
            try:
                self.config = self._config()
            except ConfigError as error:
                raise ValidationError(str(error)) from error

    def _config(self) -> TrainingConfig:
        data = self.cleaned_data
        settings = {name: data[name] for name in ("size", "steps", "batch", "seed") if data[name] is not None}
        if data["by_finding"]:
            settings["classes"] = [vars(kind) for kind in classes_of(data["dataset"])]
        parent: Checkpoint | None = data["parent"]
        if parent and data["preset"]:
            raise ConfigError("Settings start from a preset or from a model; choose one of them.")
        written = self.written()
        columns = self._columns()
        if data["attributes"]:
            attributes, self.attribute_values = attributes_of(data["attributes"], data["dataset"], columns)
            settings["attributes"] = [vars(attribute) for attribute in attributes]
        elif columns and not data["text"]:
            raise ConfigError("Name the attributes that the model is to be told of.")
        if text := self._text(columns):
            settings["text"] = vars(text)
        preset = data["preset"] or ("" if data["config_file"] or parent else FIRST_PRESET)
        start = {"channels": channels_of(data["dataset"]), **({"preset": preset} if preset else {})}
        base = {**inherited(parent), **start} if parent else start
        config = TrainingConfig.from_mapping({**base, **written, **settings})
        if config.bits == 16:
            config = replace(config, window=window_of(data["dataset"]))
        _check_space(config, parent)
        _check_extractors(config)
        _check_classes(config, data["dataset"])
        if config.attributes and not self.attribute_values:
            raise ConfigError(
                "Attributes are asked for by their names; a config alone does not say their values."
            )
        if config.text and not self.texts.by_image:
            raise ConfigError(
                "A text is asked for by its template; a config alone does not say each image’s."
            )
        return config

    def _columns(self) -> Values:
        """Of the table of attributes. Raises ConfigError."""
        table = self.cleaned_data["attribute_table"]
        if table is not None and (table.size or 0) > LARGEST_TABLE:
            raise ConfigError("The table of attributes is larger than 20 MB.")
        return table_values(table.read()) if table is not None else {}

    def _text(self, columns: Values) -> TextCondition | None:
        """How the model is told the images’ texts, which are kept. Raises ConfigError."""
        data = self.cleaned_data
        template, name, tokens = data["text"], data["text_encoder"], data["text_tokens"] or USUAL_TOKENS
        if not template and not name:
            if data["text_dropout"] is not None or data["text_tokens"] is not None:
                raise ConfigError("Without a text its dropout and its tokens do nothing: leave them out.")
            return None
        if not template or not name:
            raise ConfigError(text_encoders.half_of_a_text(template))
        encoder = text_encoders.encoder(name)
        self.texts = texts_of(template, data["dataset"], columns)
        dropout = 0.1 if data["text_dropout"] is None else data["text_dropout"]
        tokens = min(tokens, encoder.most_tokens)
        text = TextCondition(encoder.name, encoder.sha256, encoder.width, tokens, dropout)
        check_size(len(distinct_texts(self.texts.by_image.values())), text)
        return text


def _check_extractors(config: RunConfig) -> None:
    """Each can be used, and the best checkpoint is the best by one of them. Raises ConfigError."""
    names = [value for value, _ in declared()]
    for value in config.extractors:
        if value not in names:
            raise ConfigError(f"There is no extractor {value!r}; declared are {', '.join(names) or 'none'}.")
    if sentences := refusals([SITE, *config.extractors]):
        raise ConfigError(" ".join(sentences))
    name = config.keep_best.partition(":")[2]
    measuring = [name_of_numbers(spec) for spec in specs(config.extractors)] if config.extractors else []
    if name and name not in measuring:
        raise ConfigError(
            f"keep_best names {name}, and beside the site's extractor, which needs no name, the checkpoints are "
            f"measured by {', '.join(measuring) or 'none'}."
        )


def _check_space(config: TrainingConfig, parent: Checkpoint | None) -> None:
    """It works where its parent does, or in a space that there is. Raises ConfigError."""
    if parent:
        check_like(parent, config)
    elif config.latent not in {"", OWN_AUTOENCODER, *pipeline_folder.autoencoder_names()}:
        raise ConfigError(pipeline_folder.no_such_autoencoder(config.latent))


def _check_classes(config: TrainingConfig, dataset: Dataset) -> None:
    """What the worker could not train on is refused here. Raises ConfigError."""
    if config.classes:
        for kind in classes_of(dataset):
            config.class_number(kind)


class NameForm(forms.Form):
    """A checkpoint's own name."""

    name = forms.CharField(max_length=100)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if exists(name):
            raise ValidationError("There is a model of this name; choose another.")
        return name

    def rename(self, checkpoint: Checkpoint, *, by: Any) -> None:
        checkpoint.rename(self.cleaned_data["name"], by=by)


class LongerForm(forms.Form):
    """How many steps a run that reached its end is to go on for."""

    more_steps = forms.IntegerField(min_value=1, max_value=MOST_MORE_STEPS, label="More steps")

    def train_longer(self, run: TrainingRun, *, by: Any, enqueue: bool = True) -> bool:
        return run.train_longer(self.cleaned_data["more_steps"], by=by, enqueue=enqueue)


class FineTuneForm(WithConfigFile):
    """A fine-tuning of a local Stable Diffusion, by a prompt made of each image's label."""

    name = forms.CharField(
        max_length=100, label="Name of the result", help_text="Of the LoRA or the pipeline it becomes."
    )
    dataset = forms.ModelChoiceField(Dataset.objects.all(), label="Trained on")
    pipeline = forms.ChoiceField(label="Starting from")
    prompt = forms.CharField(
        max_length=1000,
        required=False,
        help_text="{finding}, {modality} and any column that an import kept become each image's own. Empty: the file's, else {modality}, {finding}.",
    )
    rank = forms.IntegerField(
        min_value=0,
        max_value=256,
        required=False,
        label="LoRA rank",
        help_text="0 trains the whole network. Empty: 8.",
    )
    size = forms.IntegerField(
        min_value=8,
        max_value=1024,
        step_size=8,
        required=False,
        label="Size in pixels",
        help_text="Empty: 512.",
    )
    steps = forms.IntegerField(min_value=1, required=False, help_text="Empty: 1,000.")
    batch = forms.IntegerField(min_value=1, required=False, help_text="Empty: 4.")
    learning_rate = forms.FloatField(min_value=0, required=False, help_text="Empty: 0.0001.")
    seed = forms.IntegerField(min_value=0, max_value=MOST_SEED, required=False, help_text="Empty: 0.")
    field_order = (
        *("name", "dataset", "pipeline", "prompt", "rank", "size", "steps", "batch", "learning_rate", "seed"),
        *("extractors", "config_file", "settings"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pipeline"].choices = [(name, name) for name in pipeline_folder.names()]  # type: ignore[attr-defined]  # a ChoiceField
        self.fields["pipeline"].error_messages["invalid_choice"] = pipeline_folder.no_such_pipeline()

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if is_taken(name):
            raise ValidationError("There is a model of this name, or it has no letters; choose another.")
        return name

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        if not self.errors:
            settings = {name: data[name] for name in ASKED_OF_FINETUNING if data[name] not in (None, "")}
            channels = {"channels": channels_of(data["dataset"])}
            try:
                self.config = FineTuneConfig.from_mapping({**channels, **self.written(), **settings})
                _check_extractors(self.config)
                check_columns(self.config.prompt, data["dataset"])
                prompts = distinct_prompts(self.config.prompt, data["dataset"])
                check_prompts(prompts, pipeline_folder.folder() / self.config.pipeline)
            except ConfigError as error:
                raise ValidationError(str(error)) from error
