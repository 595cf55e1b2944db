"""What stands on a checkpoint's model card, once for the page and the Markdown file (Mitchell et al. 2019)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generation.diffusion.config import KL_WEIGHT, OWN_AUTOENCODER
from generation.metrics.checkpoint_metrics import (
    CheckpointMetrics,
    ExtractorDistances,
    ExtractorFacts,
    distance_titles,
)
from generation.metrics.fidelity_by_step import Point, points
from generation.training.models import Checkpoint
from generation.training.run_facts import ImageCounts, RunFacts
from generation.training.tuned_models import name_of
from generation.training.warm_starts import trained_on_before

WATTS_A_CORE = 10
WATTS_A_GPU = {"H200": 700, "H100": 700, "A100": 400, "L40": 300, "RTX 8000": 260, "T4": 70}
WATTS_OF_ANOTHER_GPU = 300


@dataclass(frozen=True)
class Section:
    """A heading with facts, each a term and what is so."""

    title: str
    facts: list[tuple[str, str]]
    text: str = ""


def sections(checkpoint: Checkpoint) -> list[Section]:
    """The whole card; what nobody knows is said to be unknown, never left out."""
    parts = [_use(checkpoint), _data(checkpoint), _training(checkpoint), _fidelity(checkpoint)]
    return [*parts, _memorisation(checkpoint), _cost(checkpoint), _programs(checkpoint)]


def markdown(checkpoint: Checkpoint) -> str:
    """The card as a Markdown file."""
    return "\n".join(_lines(checkpoint)) + "\n"


def _lines(checkpoint: Checkpoint) -> Iterator[str]:
    yield f"# Model card: {checkpoint.name}"
    for section in sections(checkpoint):
        yield f"\n## {section.title}\n"
        if section.text:
            yield section.text + "\n"
        yield from (f"- **{term}:** {value}" for term, value in section.facts)
    for measured in checkpoint.measured.by_extractor:
        course = _course(checkpoint, measured.name)
        if course:
            fd, kd = measured.titles
            yield f"\n## {fd} and {kd} by step\n"
            yield f"| step | {fd} | {kd} |\n|---:|---:|---:|"
            yield from (f"| {point.step:,} | {point.fid:.3f} | {point.kid:.4f} |" for point in course)


def _course(checkpoint: Checkpoint, extractor: str) -> list[Point]:
    """By the extractor of this name, up to this checkpoint."""
    if checkpoint.run is None:
        return []
    rows = [
        (row.step, row.measured.by(extractor))
        for row in checkpoint.run.checkpoints.in_training().filter(step__lte=checkpoint.step)
    ]
    return points((step, measured.distances) for step, measured in rows if measured is not None)


def _use(checkpoint: Checkpoint) -> Section:
    shipped = checkpoint.description.get("facts", {}).get("intended_use")
    return Section(
        "Intended use",
        [
            (
                "Meant for",
                shipped
                or "Making images for visual Turing tests, and for research on what generated images are good for.",
            ),
            (
                "Not meant for",
                "Diagnosis, treatment, or any decision about a patient. A generated image shows nobody.",
            ),
            ("SHA-256 of the weights", checkpoint.sha256),
        ],
    )


def _data(checkpoint: Checkpoint) -> Section:
    run = checkpoint.run
    if run is None:
        description = checkpoint.description.get("facts", {})
        return Section(
            "Data",
            [
                ("Trained on", str(description.get("trained_on", "unknown"))),
                ("Licence", str(description.get("licence", "unknown"))),
            ],
        )
    facts: RunFacts = run.facts
    earlier = trained_on_before(run)
    rows = [
        ("Dataset", facts.get("dataset", run.dataset.name)),
        *([("Trained on before, by what it started from", ", ".join(earlier))] if earlier else []),
        ("Modality", run.dataset.get_modality_display()),
        ("Licence", facts.get("licence", run.dataset.licence) or "not stated"),
        ("Citation", facts.get("citation", run.dataset.citation) or "not stated"),
    ]
    if facts:
        rows += [
            ("Trained on", _counted(facts["training"])),
            ("Held out", _counted(facts["held_out"])),
            ("Split", facts["split"]),
            ("SHA-256 of the training images", facts["training_sha256"]),
        ]
        rows += [
            (
                f"From step {change['step']:,} on",
                f"{change['images']:,} images, SHA-256 {change['training_sha256']}",
            )
            for change in facts.get("data_changes", [])
            if change["step"] < checkpoint.step
        ]
    return Section("Data", rows)


def _counted(side: ImageCounts) -> str:
    patients = f" of {side['patients']:,} known patients" if side["patients"] else ""
    labels = ", ".join(f"{name} {count:,}" for name, count in side["labels"].items())
    return f"{side['images']:,} images{patients}" + (f" ({labels})" if labels else "")


def _training(checkpoint: Checkpoint) -> Section:
    config = checkpoint.description["config"]
    settings = {name: value for name, value in config.items() if value not in ("", None, [], ())}
    rows = [("Step", f"{checkpoint.step:,} of {config.get('steps', 0):,}")]
    if checkpoint.ema_length:
        error = checkpoint.description.get("facts", {}).get("ema_error", 0.0)
        words = f"σ_rel {checkpoint.ema_length:g}, chosen after training (Karras et al. 2024); to within {error:.2%}"
        rows.append(("Length of the average", words))
    if (
        checkpoint.run is not None
        and checkpoint.run.chosen_by
        and checkpoint.run.chosen_checkpoint == checkpoint
    ):
        rows.append(
            ("Best of its run so far", f"by the lowest {checkpoint.run.chosen_by.removeprefix('the ')}")
        )
    if checkpoint.run is not None and checkpoint.run.parent is not None:
        parent = checkpoint.run.parent
        rows.append(("Started with the weights of", f"{parent}, SHA-256 {parent.sha256}"))
    rows += [(name.replace("_", " ").capitalize(), _plain(value)) for name, value in sorted(settings.items())]
    return Section("Training", [*rows, *_of_an_autoencoder(config), *_of_a_finetuning(checkpoint)])


def _of_an_autoencoder(config: Mapping[str, object]) -> list[tuple[str, str]]:
    """What it learned from, where it was learned beside the model."""
    if config.get("latent") != OWN_AUTOENCODER:
        return []
    losses = ["the mean absolute error", f"{KL_WEIGHT:g} of the divergence summed over an image"]
    if weight := config.get("latent_perceptual"):
        losses.append(f"{weight} of the perceptual distance by the maps of phantom-64")
    if weight := config.get("latent_adversarial"):
        start = config["latent_adversarial_start"]
        losses.append(
            f"{weight:g} of a patch discriminator's verdict from step {start:,} on, weighted adaptively"
        )
    return [("Autoencoder's loss", ", ".join(losses))]


def _of_a_finetuning(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """What it started from, and where the pipeline engine finds it."""
    run = checkpoint.run
    if run is None or not run.is_finetuning:
        return []
    where = f"LoRA {name_of(run, checkpoint.step)}"
    if not run.keeps_weights:
        where = f"pipeline {name_of(run)}, which holds the step that the run ended with or was told to keep"
    rows = [("Used as", where)]
    if "pipeline_sha256" in run.facts:
        rows.append(("SHA-256 of the pipeline it started from", run.facts["pipeline_sha256"]))
    return rows


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_plain(part) for part in value)
    if isinstance(value, dict):
        return "/".join(str(part) for part in value.values() if part)
    return str(value)


def _held_out(metrics: CheckpointMetrics) -> list[tuple[str, str]]:
    """What was measured of the held-out images without drawing any."""
    rows = []
    if metrics.validation_loss is not None:
        rows.append(("Loss on held-out images", f"{metrics.validation_loss:.5f}, of the averaged weights"))
    if metrics.reconstruction is not None:
        decoded = metrics.reconstruction
        words = f"PSNR {decoded.psnr:.2f} dB, SSIM {decoded.ssim:.4f}, {decoded.images:,} held-out images in the mean"
        rows.append(("Autoencoder", words))
    return rows


def _fidelity(checkpoint: Checkpoint) -> Section:
    metrics = checkpoint.measured
    distances = metrics.distances
    if distances.fid is None or metrics.extractor is None:
        return Section(
            "Fidelity",
            _held_out(metrics),
            "Not measured: there were no held-out real images to measure against.",
        )
    rows = [row for measured in metrics.by_extractor for row in _distance_rows(measured)]
    rows += [("Images", f"{distances.n_fake:,} generated against {distances.n_real:,} held-out real ones")]
    rows += [
        (
            f"{distance_titles(metrics.extractor)[0]}, {name}",
            f"{own.in_words('fid', 3, interval='(95 % interval {} to {})')}, {own.n_fake:,} against {own.n_real:,} images",
        )
        for name, own in metrics.by_class
    ]
    rows += _held_out(metrics)
    networks = [measured.extractor for measured in metrics.by_extractor if measured.extractor is not None]
    return Section("Fidelity", rows, extractors_sentence(networks))


def _distance_rows(measured: ExtractorDistances) -> Iterator[tuple[str, str]]:
    """Both distances by one extractor."""
    fd, kd = measured.titles
    floor = measured.floor
    for name, title, digits, real in (("fid", fd, 3, floor.fid), ("kid", kd, 4, floor.kid)):
        text = measured.distances.in_words(name, digits, interval="(95 % interval {} to {})")
        if real is not None:
            text += f"; real images against real images {real:.{digits}f}"
        yield title, text


def extractors_sentence(extractors: Sequence[ExtractorFacts]) -> str:
    """Which networks the numbers are of, and that those of two never compare."""
    names = [
        f"{extractor.name} ({extractor.dimensions:,} features, SHA-256 {extractor.sha256[:12]}…)"
        for extractor in extractors
    ]
    word = "extractor" if len(names) == 1 else "extractors"
    return (
        f"Measured with the {word} {', '.join(names)}. "
        "Values of another extractor, or of other numbers of images, do not compare with these."
    )


def _memorisation(checkpoint: Checkpoint) -> Section:
    scan = checkpoint.measured.scan
    if scan is None:
        return Section("Memorisation", [], "Not looked for.")
    number_in_words = (
        "none" if not scan.copies else f"{scan.copies:,}: look at them before anything leaves the building"
    )
    return Section(
        "Memorisation",
        [
            (
                "Copies of training images",
                f"{number_in_words}, among {scan.of:,} generated images of fixed seeds",
            )
        ],
        "Each was compared with every training image by fine structure and by features. "
        "That none was found among these does not prove that the model can make none.",
    )


def _cost(checkpoint: Checkpoint) -> Section:
    run = checkpoint.run
    if run is None or not run.facts or not run.images_per_second:
        return Section("Hardware, time and energy", [], "Unknown.")
    facts: RunFacts = run.facts
    hours = checkpoint.step * run.config.get("batch", 0) / run.images_per_second / 3600
    on_gpu = facts["device"] != "cpu"
    watts = facts["threads"] * WATTS_A_CORE
    how = f"{facts['threads']} CPU cores at {WATTS_A_CORE} W each"
    if on_gpu:
        gpu = next((w for name, w in WATTS_A_GPU.items() if name in facts["device"]), WATTS_OF_ANOTHER_GPU)
        watts += gpu
        how += f" and the GPU at its rated {gpu} W"
    rows = [
        ("Hardware", facts["device"] if on_gpu else f"{facts['cpu']}, {facts['cores']} cores"),
        ("Pace", f"{run.images_per_second:.1f} images/s"),
        ("Time, with the measuring", _time(hours)),
        ("Energy", f"about {hours * watts / 1000:.3g} kWh, estimated, not metered: that time × {how}"),
    ]
    if run.memory_mb:
        rows.append(("Memory", f"{run.memory_mb:,.0f} MB at most"))
    return Section("Hardware, time and energy", rows)


def _time(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 1 else f"{hours * 60:.1f} min"


def _programs(checkpoint: Checkpoint) -> Section:
    facts = checkpoint.run.facts if checkpoint.run else {}
    rows = [(name, version) for name, version in facts.get("versions", {}).items()]
    return Section("Programs", [*rows, ("Git commit", facts.get("git") or "unknown")])
