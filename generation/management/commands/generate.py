"""`lungrater generate …`: fill a dataset from an engine, here and now, with the same job rows as the site."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.membership.owner_option import add_owner_option, owner_of
from generation.diffusion.model_cache import PRECISIONS
from generation.diffusion.networks.compiling import COMPILE
from generation.images.engines.diffusion import OF_GUIDANCE
from generation.images.forms.base import NewJobForm
from generation.images.forms.by_engine import JOB_FORMS
from generation.models import Checkpoint, GenerationJob
from generation.training.bundled_checkpoints import register_shipped
from jobs.command_line.form_command import fill, refusal, upload
from jobs.command_line.options import Options
from jobs.command_line.run_inline import perform_with_bar
from pool.models import Dataset, Modality

# The options that the engines' forms have a field of the same name for; what an engine has no field for, it refuses.
AS_ON_THE_PAGE = (
    *(
        "modality",
        "label",
        "prompt",
        "negative_prompt",
        "lora",
        "lora_scale",
        "edit_of",
        "strength",
        "region",
        "mask",
        "price",
        "spend_cap",
    ),
    *(
        "seed",
        "size",
        "steps",
        "sampler",
        "guidance",
        *OF_GUIDANCE,
        "attributes",
        "text",
        "attribute_guidance",
        "quality",
        "stand_in",
    ),
)
OPTIONS = {
    "total": "count",
    "new_dataset": "dataset",
    "prompt_list": "prompts",
    "api_model": "model",
    "what": "model",
}


class Command(BaseCommand):
    """Makes images in this process and says what became of each."""

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
        parser.add_argument("--negative-prompt", help="what a pipeline's images are not to show")
        parser.add_argument("--lora", help="a LoRA file of the home's models/loras, without its ending")
        parser.add_argument("--lora-scale", type=float, help="how strongly it works, 1 by default")
        parser.add_argument("--precision", choices=PRECISIONS, help="of a model on this machine")
        parser.add_argument("--bits", type=int, choices=[8, 16], help="16: of a model that has learned them")
        parser.add_argument(
            "--compile", choices=COMPILE, help="a model of ours; auto: on a GPU, for long jobs"
        )
        parser.add_argument("--edit-of", metavar="IMAGE", help="the number of the image to start from")
        parser.add_argument("--edit-each", metavar="DATASET", help="start from each image of it in turn")
        parser.add_argument("--strength", type=float, help="how far from what a model of ours starts from")
        parser.add_argument("--region", help="draw only there: box|ellipse LEFT TOP WIDTH HEIGHT, in shares")
        parser.add_argument(
            "--mask", metavar="IMAGE", help="draw only where this image of the pool is bright"
        )
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
        parser.add_argument(
            "--guidance-low", type=float, metavar="LEVEL", help="guide from this noise on, 0 to 1"
        )
        parser.add_argument("--guidance-high", type=float, metavar="LEVEL", help="and up to this")
        parser.add_argument("--guidance-rescale", type=float, metavar="PHI", help="0 to 1, 0.7 is usual")
        parser.add_argument(
            "--attributes", metavar="VALUES", help="what else a model is told: “sex:F|M, age:40|60”"
        )
        parser.add_argument(
            "--text", metavar="TEXT", help="told a model of texts, or a template: {side:left|right} lung"
        )
        parser.add_argument("--attribute-guidance", metavar="SCALES", help="of these: “sex:3, age:2”")
        parser.add_argument("--quality", help="of the API's model")
        parser.add_argument(
            "--stand-in", action="store_true", help="file a new dataset of phantoms as real, for trials"
        )
        add_owner_option(parser)
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        job = _form(options).submit(owner_of(options), enqueue=options["queue"])
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


def _form(options: Options) -> NewJobForm:
    """The page's form for this engine, filled. Raises CommandError."""
    engine = GenerationJob.Engine(options["engine"])
    dataset = Dataset.objects.filter(name=options["dataset"]).first()
    values = {
        **{name: options[name] for name in AS_ON_THE_PAGE},
        **{name: "" if options[name] == "auto" else options[name] for name in ("precision", "compile")},
        "bits": 16 if options["bits"] == 16 else None,
        "api_model": options["model"],
        "total": options["count"],
        "dataset": dataset and dataset.pk,
        "edit_each": _number_of(options["edit_each"]),
        "new_dataset": None if dataset else options["dataset"],
        "priority": GenerationJob.Priority[options["priority"].upper()].value,
        "prompt_list": upload(options["prompts"]),
    }
    if engine == GenerationJob.Engine.DIFFUSION:
        values |= {"what": _what(options), "api_model": None, "modality": None, "label": None}
    return fill(JOB_FORMS[engine], values, title=f"The engine “{engine.label}”", options=OPTIONS)


def _number_of(name: str | None) -> int | None:
    """Of the dataset of this name. Raises CommandError."""
    dataset = Dataset.objects.filter(name=name).first()
    if name is not None and dataset is None:
        raise refusal(f"There is no dataset {name!r}.")
    return dataset.pk if dataset else None


def _what(options: Options) -> str:
    """The form's choice of a model and one of the kinds it makes; where it makes only one that fits, that one."""
    checkpoint = _checkpoint(options["model"])
    for number, kind in enumerate(checkpoint.kinds):
        if options["modality"] in {None, kind.modality} and options["label"] in {"", kind.label}:
            return f"{checkpoint.pk}:{number}"
    raise refusal(f"{checkpoint} cannot make that; it makes: {', '.join(map(str, checkpoint.kinds))}.")


def _checkpoint(name: str) -> Checkpoint:
    register_shipped()
    sampled = Checkpoint.objects.that_sample()
    checkpoint = sampled.newest_by_name(name)
    if checkpoint is not None:
        return checkpoint
    if Checkpoint.objects.newest_by_name(name):
        raise refusal(f"{name!r} is a fine-tuning: give --engine pipeline and its pipeline or --lora.")
    available = ", ".join(sampled.newest_of_each_run().values_list("name", flat=True)) or "none yet"
    raise refusal(f"There is no model {name!r}; there are: {available}.")


class GenerationReport(TypedDict):
    """What `--json` prints."""

    job: int
    state: str
    seed: int | None
    dataset: str
    made: int
    duplicate: int
    filtered: int
    refused: int
    failed: int
    tried_again: int
    reasons: list[str]


def _report(job: GenerationJob) -> GenerationReport:
    outcomes = Counter(job.outcomes.values_list("outcome", flat=True))
    return {
        "job": job.pk,
        "state": job.state,
        "seed": None if job.engine == GenerationJob.Engine.OPENAI else job.seed,
        "dataset": job.dataset.name,
        "made": outcomes["made"],
        "duplicate": outcomes["duplicate"],
        "filtered": outcomes["filtered"],
        "refused": outcomes["refused"],
        "failed": outcomes["failed"],
        "tried_again": job.earlier_outcomes.count(),
        "reasons": sorted(set(job.outcomes.exclude(reason="").values_list("reason", flat=True))),
    }


def _in_words(report: GenerationReport) -> str:
    seed = "" if report["seed"] is None else f" with seed {report['seed']}"
    parts = [f"{report['made']} made into “{report['dataset']}”{seed}"]
    rest = {
        "duplicate": report["duplicate"],
        "filtered": report["filtered"],
        "refused": report["refused"],
        "failed": report["failed"],
    }
    parts += [f"{count} {outcome}" for outcome, count in rest.items() if count]
    return "\n".join([", ".join(parts) + ".", *(f"  {reason}" for reason in report["reasons"])])
