"""A checkpoint of the tables as the files of a diffusers pipeline, with a model card in the Hub's form."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from generation.diffusion.checkpoint_json import CheckpointFacts, CheckpointJSON
from generation.diffusion.errors import CheckpointError
from generation.diffusion.exporting.pipeline_files import Files, pipeline_files
from generation.diffusion.run_config import ConfigError
from generation.training.model_card import markdown
from generation.training.models import Checkpoint
from generation.training.warm_starts import trained_on_before
from pool.storage.stored_files import opened

HOW = """
## How to use

The folder has a pipeline file of its own (`pipeline.py`), because no pipeline of diffusers folds pixels into channels
in front of a `UNet2DModel`, samples it by flow matching, or guides it by class. Read it before you trust it.

    from diffusers import DiffusionPipeline
    pipe = DiffusionPipeline.from_pretrained("THIS FOLDER", trust_remote_code=True)
    images = pipe(seeds=[1, 2], {label}num_inference_steps=20).images
"""


@contextmanager
def exported_files(checkpoint: Checkpoint, *, sampler: str = "") -> Iterator[Files]:
    """Every file by its path in the folder, while its weights are open. Raises CheckpointError, LostFileError.

    The weights are never read whole: they may be larger than the memory of a web host.
    """
    if not checkpoint.weights:
        raise CheckpointError(f"{checkpoint} is a whole pipeline already, or its weights were removed.")
    if checkpoint.run is not None and checkpoint.run.is_finetuning:
        raise CheckpointError(f"{checkpoint} is a LoRA, which diffusers loads as the file it is.")
    stored: CheckpointJSON = checkpoint.description
    if stored["config"].get("text"):
        raise CheckpointError(
            f"{checkpoint} is told texts by an encoder that lies on this site, which no pipeline of diffusers asks for: only "
            "LungRater makes images with it."
        )
    facts: CheckpointFacts = {**_facts(checkpoint), **stored.get("facts", {})}
    description: CheckpointJSON = {**stored, "facts": facts}
    with opened(checkpoint.weights, f"the checkpoint {checkpoint}") as weights:
        try:
            files = pipeline_files(description, weights, hub_card(checkpoint), sampler=sampler)
        except ConfigError as error:
            raise CheckpointError(f"{checkpoint} cannot be written as a pipeline: {error}") from error
        yield files


def _facts(checkpoint: Checkpoint) -> CheckpointFacts:
    """What another site must know of it, which this one reads from the run."""
    if checkpoint.run is None:
        return {}
    dataset = checkpoint.run.dataset
    names = [dataset.name, *trained_on_before(checkpoint.run)]
    facts: CheckpointFacts = {
        "trained_on": ", before that ".join(names),
        "licence": dataset.licence or "unknown",
        "modality": dataset.modality,
    }
    parent = checkpoint.run.parent
    if parent:
        facts["parent"] = f"{parent}, SHA-256 {parent.sha256}"
    return facts


def hub_card(checkpoint: Checkpoint) -> str:
    """The model card with the head that the Hub reads."""
    run = checkpoint.run
    licence = run.dataset.licence if run else checkpoint.description.get("facts", {}).get("licence", "")
    head = {
        "library_name": "diffusers",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["medical-imaging", "synthetic-images", checkpoint.kinds[0].modality],
        "license": "other",
        "license_name": licence or "unknown",
    }
    front = "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in head.items())
    label = f"label={str(checkpoint.config.classes[0])!r}, " if checkpoint.config.classes else ""
    return f"---\n{front}---\n\n{markdown(checkpoint)}{HOW.format(label=label)}"


def write_folder(files: Files, folder: Path) -> None:
    for name, pieces in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines(pieces)


def write_zip(files: Files, target: IO[bytes], *, name: str) -> None:
    """All in one folder of that name, as weights hardly shrink: not packed."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path, pieces in files.items():
            with archive.open(f"{name}/{path}", "w", force_zip64=True) as file:  # weights may pass 2 GiB
                file.writelines(pieces)
