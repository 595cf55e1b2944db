"""A quality report at work: two datasets out of the pool, the comparison, and its verdicts back into the tables."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from statistics import median_low
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction

from generation.metrics.extractors import extractor
from generation.metrics.feature_extractor import Extractor, ExtractorError, described
from generation.metrics.machine_rater import occlusion_map
from generation.metrics.saliency import strip
from generation.metrics.spectra import histograms, radial_spectra
from generation.quality.models import QualityReport
from generation.quality.results import Comparison, Pair, Results
from jobs.models import JobFailedError
from jobs.throttle import Throttle
from pool.canonical.measurements import MeasuredBy, Measurement
from pool.canonical.pixels import Pixels, fitted_square
from pool.canonical.previews import stored_pixels
from pool.models import Dataset, Image, NearCopy

if TYPE_CHECKING:
    from generation.metrics.summary import Arm, Summary

LARGEST_CANVAS, SMALLEST_CANVAS = 128, 32
PAIRS_KEPT = 200


def judge(report: QualityReport) -> None:
    """Compare as the report says and keep what was found. Raises JobFailedError."""
    real, fake = _sample(report, report.reference_images()), _sample(report, report.candidate.images.usable())
    for dataset, images in ((report.reference, real), (report.candidate, fake)):
        if not images:
            raise JobFailedError(f"“{dataset}” has no images to compare.")
    trained = _training_images(report, fake)
    report.total = len(real) + len(fake) + len(trained)
    report.save(update_fields=["total"])
    square = _square(real, fake)
    canvas = _canvas([*real, *fake])
    colour = report.reference.modality == "microscopy"
    report.beat(done=0, message="Loading the extractor…")
    try:
        network = extractor(getattr(settings, "EXTRACTOR", ""))
        arms = [
            _arm(report, images, network, square=square, canvas=canvas, colour=colour)
            for images in (real, fake)
        ]
    except ExtractorError as error:
        raise JobFailedError(str(error)) from error
    training = (
        np.stack([canvas_of(stored_pixels(image), canvas, colour) for image in _beating(report, trained)])
        if trained
        else np.empty((0, canvas, canvas), dtype=np.uint8)
    )
    summary = _compared(report, arms[0], arms[1], training, extractor=network.name)
    results: Results = {
        **_comparison(summary, real, fake, [*real, *trained]),
        "extractor": described(network),
        "canvas": canvas,
        "n_training": len(trained),
    }
    _keep(report, summary, results, _saliency(report, arms[1], summary, network))


def _sample(report: QualityReport, images: Any) -> list[Image]:
    """The images, or as many of them as may be, drawn by the seed; always in the same order."""
    every = list(images.order_by("pixel_sha256"))
    if len(every) <= report.most:
        return every
    return sorted(random.Random(report.seed).sample(every, report.most), key=lambda i: str(i.pixel_sha256))  # noqa: S311  # a sample, no secret


def _training_images(report: QualityReport, fake: Sequence[Image]) -> list[Image]:
    """Real images that the fakes' models have seen and the reference does not hold."""
    names = {name for image in fake for name in image.learned_from} - {report.reference.name}
    of_models = Image.objects.usable().filter(dataset__in=Dataset.objects.filter(name__in=names))
    rest = Image.objects.none()
    if report.split:
        rest = report.reference.images.usable().exclude(pk__in=report.reference_images().values("pk"))
    return [*_sample(report, of_models.exclude(dataset=report.candidate)), *_sample(report, rest)]


def _canvas(images: Sequence[Image]) -> int:
    """One size for all: the smallest image's, so that neither arm is enlarged more than the other."""
    smallest = min(min(image.width, image.height) for image in images)
    return max(SMALLEST_CANVAS, min(LARGEST_CANVAS, smallest))


def _square(*arms: Sequence[Image]) -> int:
    """The side at which both arms meet the extractor: the smaller arm's usual one.

    Fakes of the side that their model was trained at meet the real images as it saw them.
    """
    usual = min(median_low(min(image.width, image.height) for image in arm) for arm in arms)
    return max(SMALLEST_CANVAS, usual)


def canvas_of(pixels: Pixels, side: int, colour: bool) -> Any:
    return fitted_square(pixels, side=side, colour=colour)


def _beating(report: QualityReport, images: Sequence[Image]) -> Iterator[Image]:
    pulse = Throttle(lambda: report.beat(done=done, message="Reading the images…"))
    done = report.done
    for image in images:
        yield image
        done += 1
        pulse()
    report.beat(done=done)


def _arm(
    report: QualityReport,
    images: Sequence[Image],
    network: Extractor,
    *,
    square: int,
    canvas: int,
    colour: bool,
) -> Arm:
    from generation.metrics.summary import Arm

    squares = []

    def read() -> Iterator[Pixels]:
        for image in _beating(report, images):
            pixels = canvas_of(stored_pixels(image), square, colour)
            squares.append(canvas_of(pixels, canvas, colour))
            yield pixels

    features = network.features(read(), heartbeat=Throttle(report.beat)).astype(np.float64)
    return Arm(
        np.stack(squares),
        features,
        [image.label for image in images],
        [image.patient_key for image in images],
        [generator_of(image) for image in images],
    )


def generator_of(image: Image) -> str:
    """What made the image: the model and its step where known, else the engine."""
    provenance = image.provenance
    name = str(
        provenance.get("model") or provenance.get("api_model") or provenance.get("engine") or "unknown"
    )
    return f"{name}, step {provenance['checkpoint_step']}" if "checkpoint_step" in provenance else name


def _compared(report: QualityReport, real: Arm, fake: Arm, training: Any, *, extractor: str) -> Summary:
    from generation.metrics.summary import compare

    pulse = Throttle(report.beat)

    def beat(message: str) -> None:
        if message:
            report.beat(message=message)
        pulse()

    clip = "clip" in extractor.lower()
    return compare(real, fake, training, clip=clip, seed=report.seed, extractor=extractor, beat=beat)


def _comparison(
    summary: Summary, real: Sequence[Image], fake: Sequence[Image], real_images: Sequence[Image]
) -> Comparison:
    """The report as JSON, its images by key."""
    from generation.metrics.summary import as_json

    def pair(place: int) -> Pair:
        of = int(summary.copies.nearest.place[place])
        return {
            "fake": str(fake[place].pk),
            "of": str(real_images[of].pk) if of >= 0 else None,
            "similarity": round(float(summary.copies.nearest.similarity[place]), 4),
            "chance": None if summary.chance is None else round(float(summary.chance[place]), 4),
        }

    def keys(images: Sequence[Image], pairs: Sequence[tuple[int, int]]) -> list[list[str]]:
        return [[str(images[i].pk), str(images[j].pk)] for i, j in pairs[:PAIRS_KEPT]]

    copies = summary.copies
    return {
        **as_json(summary),
        "n_real": len(real),
        "n_fake": len(fake),
        "copies": [pair(place) for place in copies.places],
        "duplicates": {"real": keys(real, copies.within_real), "fake": keys(fake, copies.within_fake)},
        "n_duplicates": {"real": len(copies.within_real), "fake": len(copies.within_fake)},
        "closest": [pair(place) for place in summary.closest],
        "best": [pair(place) for place in summary.best],
        "worst": [pair(place) for place in summary.worst],
    }


def _saliency(report: QualityReport, fake: Arm, summary: Summary, network: Extractor) -> bytes:
    """Where the machine rater looked on the worst fakes; empty where there is no rater."""
    if summary.rater is None:
        return b""
    from generation.metrics.summary import rater_features

    report.beat(message="Drawing where the machine rater looked…")
    rater, n_real = summary.rater, report_size(summary) - len(fake)
    pulse = Throttle(report.beat)
    maps = []
    for place in summary.worst:

        def chance_of(versions: list[Any], place: int = place) -> Any:
            stacked = np.stack(versions)
            rows = rater_features(
                network.features(versions).astype(np.float64), histograms(stacked), radial_spectra(stacked)
            )
            return rater.of_part(n_real + place, rows)

        maps.append(occlusion_map(fake.images[place], chance_of))
        pulse()
    return strip([fake.images[place] for place in summary.worst], maps)


def report_size(summary: Summary) -> int:
    """How many images the machine rater judged, of both arms."""
    return 0 if summary.rater is None else len(summary.rater.chance)


@transaction.atomic
def _keep(report: QualityReport, summary: Summary, results: Results, saliency: bytes) -> None:
    report.results = results
    if saliency:
        report.saliency.save("", ContentFile(saliency), save=False)
    report.save(update_fields=["results", "saliency"])
    write_verdicts(report)
    report.beat(done=report.total, message=_in_words(results))


def write_verdicts(report: QualityReport) -> None:
    """What the pool keeps: near-copies, so that no study shows one unawares, and the dataset's numbers."""
    results: Results = report.results
    images = Image.objects.filter(dataset=report.candidate)
    NearCopy.objects.filter(image__in=images, of__dataset=report.reference).delete()
    calibration = results["calibration"]
    NearCopy.objects.bulk_create(
        (
            NearCopy(
                image_id=pair["fake"],
                of_id=pair["of"],
                similarity=pair["similarity"],
                threshold=calibration["threshold"],
            )
            for pair in results["copies"]
            if pair["of"]
        ),
        update_conflicts=True,
        unique_fields=["image", "of"],
        update_fields=["similarity", "threshold"],
    )
    dataset = Dataset.objects.select_for_update().get(pk=report.candidate_id)
    dataset.measurements = {**dataset.measurements, **_measurements(report)}
    dataset.save(update_fields=["measurements"])


def _measurements(report: QualityReport) -> dict[str, Measurement]:
    results: Results = report.results
    shared: MeasuredBy = {
        "reference": report.reference.name,
        "extractor": results["extractor"]["name"],
        "extractor_sha256": results["extractor"]["sha256"],
        "report": report.pk,
    }
    measured: dict[str, Measurement] = {
        number.key: {
            "name": number.name,
            "value": number.estimate,
            "interval": number.ci,
            "n_real": number.n_real,
            "n_fake": number.n_fake,
            **shared,
        }
        for number in report.numbers
    }
    measured["copies"] = {
        "name": "Near-copies of real images",
        "value": len(results["copies"]),
        "interval": None,
        "n_real": results["n_real"],
        "n_fake": results["n_fake"],
        **shared,
    }
    return measured


def _in_words(results: Results) -> str:
    return f"{results['n_fake']} fakes against {results['n_real']} real images, {len(results['copies'])} near-copies"
