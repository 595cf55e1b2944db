"""The form that brings a model in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from audit import record
from generation.diffusion.errors import CheckpointError
from generation.training.exchange.pipeline_import import import_model
from generation.training.models import Checkpoint

MOST_UNPACKED = 4 * 2**30  # bytes


class ModelImportForm(forms.Form):
    """A model that LungRater exported, here or elsewhere, or a plain pipeline of diffusers, as a zip."""

    name = forms.CharField(max_length=100, label="Name of the model")
    file = forms.FileField(
        label="Zip of the pipeline's folder",
        help_text="As a model card's page hands it out. Only its descriptions and safetensors are read.",
    )

    def submit(self, by: Any) -> Checkpoint | None:
        """The checkpoint; None, with an error of the file, where it is no such model."""
        uploaded: UploadedFile[Any] = self.cleaned_data["file"]
        try:
            with transaction.atomic():
                checkpoint = import_model(uploaded, self.cleaned_data["name"].strip(), most=MOST_UNPACKED)
                checkpoint.give_to_maker(by)
                record(checkpoint, by, "imported a model", sha256=checkpoint.sha256)
        except CheckpointError as error:
            self.add_error("file", str(error))
            return None
        return checkpoint
