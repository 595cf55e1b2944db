"""The form that queues a utility experiment, alone or with a model of its own before it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction

from generation.diffusion.config import PRESETS as GENERATORS
from generation.diffusion.config import ConfigError, settings_of
from generation.diffusion.sampling.seeds import MOST_SEED
from generation.training.duration import estimate
from generation.utility.arms import arms_of
from generation.utility.config import (
    ALL,
    ARCHITECTURES,
    MOST_SEEDS,
    PRESETS,
    PRETRAINED,
    UtilityConfig,
    UtilityConfigError,
)
from generation.utility.data import sizes, why_no_experiment
from generation.utility.duration import duration
from generation.utility.models import MOST_PER_CLASS, UtilityExperiment, UtilityFit
from generation.utility.pipeline import LONGEST_NAME, colour_of, generator_config, names_taken, new_experiment
from jobs.how_long.estimate import Estimate
from pool.models import Dataset, Origin

EXPLAINED = {
    "tiny": "tiny: a trial, small networks and few steps",
    "xray": "chest X-ray",
    "lung-ct": "lung CT",
    "brain-mri": "brain MRI",
    "blood-smear": "blood smear (colour)",
}


class UtilityForm(forms.Form):
    """What to test on, what to train on, and how long."""

    name = forms.CharField(max_length=LONGEST_NAME, label="Name of the experiment")
    real = forms.ModelChoiceField(
        Dataset.objects.filter(origin=Origin.REAL),
        label="Real images",
        error_messages={"invalid_choice": "Choose a dataset of real images."},
        help_text="Labelled; those marked for testing are tested on, the others trained on.",
    )
    synthetic = forms.ModelMultipleChoiceField(
        Dataset.objects.filter(origin=Origin.SYNTHETIC),
        required=False,
        label="Synthetic images",
        error_messages={"invalid_choice": "Choose datasets of synthetic images."},
        help_text="With the same labels. Several can be chosen; none where a model is trained for them.",
    )
    external = forms.ModelChoiceField(
        Dataset.objects.filter(origin=Origin.REAL),
        required=False,
        label="External test set",
        error_messages={"invalid_choice": "Choose a dataset of real images."},
        help_text="Real images of another site or scanner, with the same labels: everything is tested on all of them too, nothing is trained on them.",
    )
    generator = forms.ChoiceField(
        choices=[("", "no, use the synthetic images above"), *((name, name) for name in GENERATORS)],
        required=False,
        label="Train a model first",
        help_text="On the training side of the real images, by finding; it then makes the synthetic images.",
    )
    per_class = forms.IntegerField(
        min_value=1, max_value=MOST_PER_CLASS, required=False, label="Images it makes of each finding"
    )
    preset = forms.ChoiceField(
        choices=[(name, EXPLAINED[name]) for name in PRESETS],
        label="Classifiers",
        help_text="All but “tiny” train three networks of full size with three seeds, and want a GPU.",
    )
    architectures = forms.MultipleChoiceField(
        choices=[(name, name) for name in ARCHITECTURES],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None: the preset's three.",
    )
    seeds = forms.IntegerField(
        min_value=1, max_value=MOST_SEEDS, required=False, help_text="Empty: the preset's."
    )
    steps = forms.IntegerField(min_value=2, required=False, help_text="Empty: the preset's.")
    labels = forms.CharField(
        required=False,
        label="Findings to tell apart",
        help_text="With commas between them, as in “normal, pneumonia”. Empty: all.",
    )
    without_copies = forms.BooleanField(
        required=False,
        label="Leave copies out",
        help_text="Training images that are nearly a test image are left out; otherwise they refuse the experiment.",
    )
    further_arms = forms.MultipleChoiceField(
        choices=[
            (PRETRAINED, "synthetic first, then real in as many steps as real only"),
            (ALL, "real and all synthetic in as many steps as real only"),
        ],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Further arms",
    )
    subgroups = forms.CharField(
        required=False,
        label="Subgroups by",
        help_text="Stored attributes with commas between them: the AUC of each of their values, and the gap. Empty: sex, age_band, view, site.",
    )
    seed = forms.IntegerField(min_value=0, max_value=MOST_SEED, initial=0)
    settings = forms.CharField(
        required=False,
        label="Other settings",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="As in a TOML file, one a line, such as ratios = [0.5, 1.0]. What is filled in above goes first.",
    )

    def clean(self) -> None:
        super().clean()
        data = self.cleaned_data
        if self.errors:
            return
        chain = bool(data["generator"])
        if chain and not data["per_class"]:
            self.add_error("per_class", "Say how many images the model is to make of each finding.")
        if not chain and data["per_class"]:
            self.add_error("per_class", "Only a model that is trained first makes images; say which.")
        if not chain and not data["synthetic"]:
            self.add_error("synthetic", "Choose synthetic images, or have a model trained for them.")
        if conflict := names_taken(data["name"].strip(), chain=chain):
            self.add_error("name", conflict)
        try:
            self.config = self._config()
            self.model = (
                generator_config(data["real"], data["generator"], seed=data["seed"]) if chain else None
            )
        except (UtilityConfigError, ConfigError) as error:
            raise ValidationError(str(error)) from error
        if not self.errors:
            self._check_external(data["real"], data["external"])
        if not self.errors:
            self._check_labels(data["real"], None if chain else data["synthetic"], data["external"])

    def _check_external(self, real: Dataset, external: Dataset | None) -> None:
        if external == real:
            self.add_error("external", "Choose another dataset than the real images: that one is trained on.")
        elif external is not None and external.modality != real.modality:
            kinds = f"{external.get_modality_display()}, not {real.get_modality_display()}"
            self.add_error("external", f"Choose images of the same kind: {external} is {kinds}.")

    def _check_labels(self, real: Dataset, synthetic: list[Dataset] | None, external: Dataset | None) -> None:
        if reason := why_no_experiment(real, synthetic, self.config.labels, external):
            raise ValidationError(reason)

    def _config(self) -> UtilityConfig:
        data = self.cleaned_data
        settings = {name: data[name] for name in ("seeds", "steps", "seed") if data[name] is not None}
        if data["architectures"]:
            settings["architectures"] = data["architectures"]
        if labels := [label.strip() for label in data["labels"].split(",") if label.strip()]:
            settings["labels"] = labels
        if attributes := [name.strip() for name in data["subgroups"].split(",") if name.strip()]:
            settings["subgroups"] = list(dict.fromkeys(attributes))
        if data["further_arms"]:
            settings["further_arms"] = data["further_arms"]
        if data["without_copies"]:
            settings["without_copies"] = True
        start = {"preset": data["preset"], **settings_of(data["settings"])}
        return UtilityConfig.from_mapping(colour_of(data["real"], {**start, **settings}))

    def estimate(self) -> Estimate:
        """Of the valid form: about how long the experiment takes, and the model before it."""
        data = self.cleaned_data
        chain = self.model is not None
        real, synthetic = sizes(data["real"], () if chain else data["synthetic"], self.config.labels)
        if self.model is not None:
            synthetic = data["per_class"] * (len(self.config.labels) or len(self.model.classes))
        arms, _ = arms_of(self.config, real=real, synthetic=synthetic)
        fits = [
            fit
            for name in dict.fromkeys(self.config.architectures)
            for fit in UtilityFit.objects.last_of(name)
        ]
        of_classifiers = duration(self.config, [arm.name for arm in arms], fits)
        sentence, seconds = of_classifiers.sentence, of_classifiers.seconds
        if self.model is None:
            return Estimate(seconds, sentence)
        before = estimate(self.model)
        both = None if seconds is None or before.seconds is None else seconds + before.seconds
        return Estimate(both, f"{sentence} The model first: {before.sentence} Its images are not counted.")

    def submit(self, by: Any, *, enqueue: bool = True) -> UtilityExperiment:
        """The queued experiment; a worker is told of its first stage, unless this process does it."""
        data = self.cleaned_data
        with transaction.atomic():
            experiment = new_experiment(
                data["name"].strip(),
                data["real"],
                list(data["synthetic"]),
                self.config,
                external=data["external"],
                generator=self.model,
                per_class=data["per_class"] if self.model else None,
                by=by,
            )
            if enqueue:
                transaction.on_commit((experiment.training or experiment).enqueue)
        return experiment
