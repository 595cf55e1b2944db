"""`lungrater generate …`: fill a dataset from an engine, here and now, with the same job rows as the site."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.owner_option import owner_of
from generation.diffusion.compiling import COMPILE
from generation.diffusion.model_cache import PRECISIONS
from generation.images.engines.image_models import family_of
from generation.images.engines.protocol import ImageSpec
from generation.images.forms.base import random_seed
from generation.images.prompts import ImageSpecError, as_json, expand, from_csv
from generation.models import Checkpoint, GenerationJob
from generation.training.bundled_checkpoints import register_shipped
from jobs.run_inline import perform_with_bar
from pool.models import Dataset, Modality, Origin

BAD_ARGUMENT = 2
SETTINGS = (
    *(
        "size",
        "steps",
        "sampler",
        "guidance",
        "quality",
        "negative_prompt",
        "lora",
        "lora_scale",
        "precision",
        "compile",
    ),
    "edit_of",
)


class Command(BaseCommand):
    """Makes pictures in this process and says what became of each."""

    help = "Generate images with a model of ours, the Images API or the phantom engine, into a dataset."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--engine", choices=GenerationJob.Engine.values, default="diffusion")
        parser.add_argument("--model", default="", help="a trained model or checkpoint, or the API's model")
        parser.add_argument("--count", type=int, required=True, metavar="N")
        parser.add_argument("--dataset", required=True, metavar="NAME", help="a new one or one that exists")
        parser.add_argument("--modality", choices=Modality.values, default=None)
        parser.add_argument("--label", default="", metavar="L", help="the finding to ask for")
        parser.add_argument(
            "--prompt", default="", help="or a template: {view:PA|AP} chest x-ray, {finding:a|b}"
        )
        parser.add_argument("--prompts", type=Path, metavar="CSV", help="columns prompt, and label and count")
        parser.add_argument("--negative-prompt", help="what a pipeline's pictures are not to show")
        parser.add_argument("--lora", help="a LoRA file of the home's models/loras, without its ending")
        parser.add_argument("--lora-scale", type=float, help="how strongly it works, 1 by default")
        parser.add_argument("--precision", choices=PRECISIONS, help="of a model on this machine")
        parser.add_argument(
            "--compile", choices=COMPILE, help="a model of ours; auto: on a GPU, for long jobs"
        )
        parser.add_argument("--edit-of", metavar="IMAGE", help="the number of the image that the API edits")
        parser.add_argument("--price", type=Decimal, help="US dollars an image of the API costs")
        parser.add_argument("--spend-cap", type=Decimal, help="pause before this many US dollars are passed")
        parser.add_argument(
            "--queue", action="store_true", help="leave it to the site's workers, and return at once"
        )
        parser.add_argument("--priority", choices=["low", "normal", "high"], default="normal")
        parser.add_argument("--seed", type=int, default=None, help="drawn where none is given")
        parser.add_argument("--size", help="pixels for phantoms, WIDTHxHEIGHT for the API")
        parser.add_argument("--steps", type=int, help="sampling steps of a diffusion model")
        parser.add_argument("--sampler", help="flow-euler, flow-heun, ddim, ddpm or dpm-solver++")
        parser.add_argument("--guidance", type=float, help="above 1: held more closely to the finding")
        parser.add_argument("--quality", help="of the API's model")
        parser.add_argument(
            "--stand-in", action="store_true", help="file a new dataset of phantoms as real, for trials"
        )
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():  # a wish that cannot be leaves no empty dataset
            job = _job(options)
            try:
                job.full_clean()
            except ValidationError as error:
                raise CommandError(" ".join(error.messages), returncode=BAD_ARGUMENT) from error
            (job.submit if options["queue"] else job.save)()
        if options["queue"]:
            self.stdout.write(
                json.dumps({"job": job.pk, "state": job.state})
                if options["json"]
                else f"Queued as job {job.pk}."
            )
            return
        perform_with_bar(job, unit="image")
        report = _report(job)
        self.stdout.write(json.dumps(report) if options["json"] else _in_words(report))
        if job.state != GenerationJob.State.SUCCEEDED:
            raise CommandError(job.error or f"The job was {job.state}.")


def _job(options: dict[str, Any]) -> GenerationJob:
    engine, checkpoint = options["engine"], None
    if engine == GenerationJob.Engine.DIFFUSION:
        checkpoint = _checkpoint(options["model"])
    modality, label = _kind(options, checkpoint)
    wishes = _wishes(options, modality, label)
    settings = {name: options[name] for name in SETTINGS if options[name] is not None}
    return GenerationJob(
        engine=engine,
        checkpoint=checkpoint,
        api_model=options["model"] if engine in {"openai", "pipeline"} else "",
        dataset=_dataset(options, modality),
        modality=modality,
        label=label,
        prompt=options["prompt"] or (f"{len(wishes)} prompts of {options['prompts'].name}" if wishes else ""),
        wishes=as_json(wishes),
        price=_price(options),
        spend_cap=options["spend_cap"],
        priority=GenerationJob.Priority[options["priority"].upper()],
        seed=random_seed() if options["seed"] is None else options["seed"],
        settings=settings,
        total=options["count"],
    )


def _wishes(options: dict[str, Any], modality: str, label: str) -> list[ImageSpec]:
    """What a list or a template stands for; nothing where all images have the one prompt."""
    try:
        if options["prompts"]:
            return from_csv(options["prompts"].read_bytes(), label=label)
        wishes = expand(options["prompt"], label=label, modality=modality)
    except (ImageSpecError, OSError) as error:
        raise CommandError(str(error), returncode=BAD_ARGUMENT) from error
    return wishes if len(wishes) > 1 or wishes[0].prompt != options["prompt"] else []


def _price(options: dict[str, Any]) -> Decimal | None:
    if options["engine"] != GenerationJob.Engine.OPENAI or options["price"] is not None:
        return cast("Decimal | None", options["price"])
    return family_of(options["model"]).price(options)


def _checkpoint(name: str) -> Checkpoint:
    register_shipped()
    samplable = Checkpoint.objects.that_sample()
    checkpoint = samplable.newest_by_name(name)
    if checkpoint is None and Checkpoint.objects.newest_by_name(name):
        message = f"{name!r} is a fine-tuning: give --engine pipeline and its pipeline or --lora."
        raise CommandError(message, returncode=BAD_ARGUMENT)
    if checkpoint is None:
        names = ", ".join(samplable.newest_of_each_run().values_list("name", flat=True)) or "none yet"
        raise CommandError(f"There is no model {name!r}; there are: {names}.", returncode=BAD_ARGUMENT)
    return checkpoint


def _kind(options: dict[str, Any], checkpoint: Checkpoint | None) -> tuple[str, str]:
    """The modality and finding asked for; where a model knows only one, that one."""
    modality, label = options["modality"], options["label"]
    if checkpoint is None:
        return modality or Modality.XRAY, label
    fitting = [
        kind for kind in checkpoint.kinds if modality in {None, kind.modality} and label in {"", kind.label}
    ]
    if not fitting:
        kind_names = ", ".join(map(str, checkpoint.kinds))
        raise CommandError(f"{checkpoint} cannot make that; it makes: {kind_names}.", returncode=BAD_ARGUMENT)
    return fitting[0].modality, fitting[0].label


def _dataset(options: dict[str, Any], modality: str) -> Dataset:
    if options["stand_in"] and options["engine"] != GenerationJob.Engine.PHANTOM:
        raise CommandError("Only phantoms may stand in for real images.", returncode=BAD_ARGUMENT)
    origin = Origin.REAL if options["stand_in"] else Origin.SYNTHETIC
    dataset, is_new = Dataset.objects.get_or_create(
        name=options["dataset"], defaults={"origin": origin, "modality": modality}
    )
    if is_new:
        dataset.give_to_maker(owner_of(options))
    return dataset


def _report(job: GenerationJob) -> dict[str, Any]:
    report: dict[str, Any] = {
        "job": job.pk,
        "state": job.state,
        "seed": job.seed,
        "dataset": job.dataset.name,
    }
    for outcome in ("made", "duplicate", "filtered", "refused", "failed"):
        report[outcome] = job.outcomes.filter(outcome=outcome).count()
    report["tried_again"] = job.earlier_outcomes.count()
    report["reasons"] = sorted(set(job.outcomes.exclude(reason="").values_list("reason", flat=True)))
    return report


def _in_words(report: dict[str, Any]) -> str:
    parts = [f"{report['made']} made into “{report['dataset']}” with seed {report['seed']}"]
    parts += [
        f"{report[name]} {name}" for name in ("duplicate", "filtered", "refused", "failed") if report[name]
    ]
    return "\n".join([", ".join(parts) + ".", *(f"  {reason}" for reason in report["reasons"])])
